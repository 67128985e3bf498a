package publish_test

import (
	"testing"

	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/digest/publish"
	"github.com/auditbell/auditbell/handler/pipeline"
)

// TestWhatAnAlertWasJudgedBy reads it from notes; an answer takes the place of a doubt, and a later doubt that of an answer.
func TestWhatAnAlertWasJudgedBy(t *testing.T) {
	t.Parallel()
	const known, doubt, other = pipeline.LookedUp + " as of 09:00:12 UTC", pipeline.NotKnown + ": Azure has not answered", "an exception expired"
	for _, c := range []struct {
		notes []string
		want  digest.Basis
	}{
		{nil, ""},
		{[]string{other}, ""},
		{[]string{known, other}, digest.ByLookup},
		{[]string{other, doubt}, digest.AtWorst},
		{[]string{doubt, known}, digest.ByLookup},
		{[]string{known, doubt}, digest.AtWorst},
	} {
		if got := publish.BasisOf(&alert.Alert{Notes: c.notes}); got != c.want {
			t.Errorf("%q: %q, want %q", c.notes, got, c.want)
		}
	}
}
