package source

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
)

// TestListSaysWhyItEnded asks with little patience: what the timer may not wait for, another run asks for.
func TestListSaysWhyItEnded(t *testing.T) {
	t.Parallel()
	a := newFakeARM(t)
	id := a.ids()[0]
	a.refuse[id] = []int{429}
	answers := 0
	log := a.log()
	log.Patience, log.Answered = 5*time.Second, func(http.Header) { answers++ }
	window := Window{From: a.records[id][0].Time.AddDate(0, -2, 0)}
	for _, err := range log.List(t.Context(), activity.Scope(id), Filter{Window: window}) {
		if refused := new(RefusedError); !errors.As(err, &refused) || refused.Status != 429 || refused.Wait != 17*time.Second {
			t.Errorf("the first try ends with %v, want 429 and 17 s", err)
		}
	}
	if len(a.paused) > 0 || answers != 1 {
		t.Errorf("it paused %v and saw %d answers, want no pause and one answer", a.paused, answers)
	}
	found := 0
	for page, err := range log.List(t.Context(), activity.Scope(id), Filter{Window: window}) {
		if err != nil {
			t.Fatal(err)
		}
		found += len(page.Events)
	}
	if found != len(a.records[id]) || answers < 2 {
		t.Errorf("the second try finds %d records of %d in %d answers", found, len(a.records[id]), answers-1)
	}
}

// TestListOfAQuietHourIsEmpty asks for a time in which nothing happened: that is an answer, and nothing unreadable.
func TestListOfAQuietHourIsEmpty(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"value":[]}`, `{"value":[],"nextLink":null}`} {
		item := int64(0)
		if found := readPage("quiet", []byte(body), &item, Filter{}); len(found.Events)+len(found.Unreadable) > 0 {
			t.Errorf("%s is read as %+v", body, found)
		}
	}
}
