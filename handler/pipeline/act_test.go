package pipeline

import (
	"errors"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/notify"
)

func TestMonday(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, now, want string
		zone            *time.Location
	}{
		{"on a Sunday", "2026-11-22T12:00:00Z", "2026-11-23T09:00:00Z", time.UTC},
		{"on a Monday it is the next one", "2026-11-23T07:00:00Z", "2026-11-30T09:00:00Z", time.UTC},
		{"on a Tuesday", "2026-11-24T12:00:00Z", "2026-11-30T09:00:00Z", time.UTC},
		{"nine in the readers' zone", "2026-11-22T12:00:00Z", "2026-11-23T08:00:00Z", berlin},
		{"their Monday has begun, ours has not", "2026-11-22T23:30:00Z", "2026-11-30T08:00:00Z", berlin},
		{"across the end of summer time", "2026-10-24T12:00:00Z", "2026-10-26T08:00:00Z", berlin},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		if got := monday(now, c.zone).Format(time.RFC3339); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestReadRefusesWhatWeNeverWrote(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	p := &Composer{Now: func() time.Time { return now }, Acting: Acting{ExpectedFor: time.Hour}}
	const at = "0abc.alert-1"
	for _, c := range []struct {
		action, value, by string
		want              alert.ActKind // empty: foreign
	}{
		{acknowledge, at, "U1", alert.Acknowledged},
		{expect, at, "U1", alert.Expected},
		{snooze, "1h." + at, "U1", alert.Snoozed},
		{snooze, "8h." + at, "U1", alert.Snoozed},
		{snooze, "monday." + at, "U1", alert.Snoozed},
		{snooze, "1000h." + at, "U1", ""},
		{snooze, at, "U1", ""},
		{acknowledge, "", "U1", ""},
		{acknowledge, "1h." + at, "U1", ""},
		{acknowledge, "0abc.head", "U1", ""},
		{acknowledge, "../x.alert-1", "U1", ""},
		{acknowledge, at + "\n", "U1", ""},
		{acknowledge, at, "", ""},
		{"delete", at, "U1", ""},
	} {
		ref, act, err := p.read(notify.Click{Action: c.action, Value: c.value, ByID: c.by, ByName: "ana\u202e\n<!here>", Once: "x"})
		if (c.want == "") != errors.Is(err, ErrForeign) {
			t.Errorf("%s %q by %q: %v", c.action, c.value, c.by, err)
			continue
		}
		if c.want != "" && (act.Kind != c.want || ref != (alert.Ref{Group: "0abc", ID: "alert-1"}) || act.By.Name != "ana <!here>") {
			t.Errorf("%s %q: %+v on %+v", c.action, c.value, act, ref)
		}
	}
}
