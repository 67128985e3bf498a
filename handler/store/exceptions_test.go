package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
)

// TestExceptionsEndOnce ends an exception twice, by two people: the first of them ended it, at that time.
func TestExceptionsEndOnce(t *testing.T) {
	t.Parallel()
	s := open(t)
	if _, err := s.EndException(t.Context(), "click-none", alert.Person{ID: "U1"}); !errors.Is(err, alert.ErrUnknown) {
		t.Errorf("ending what is not there: %v", err)
	}
	x := alert.Exception{ID: "click-one", Rules: []string{"r"}, Alert: "alert-1", Group: "0abc", Expires: s.now().Add(time.Hour)}
	if err := s.Except(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	for _, by := range []string{"U1", "U2"} {
		ended, err := s.EndException(t.Context(), x.ID, alert.Person{ID: by})
		if err != nil || ended.EndedBy == nil || ended.EndedBy.ID != "U1" || ended.Expires.After(s.now()) {
			t.Errorf("ended by %s: %+v, %v", by, ended, err)
		}
	}
	all, err := s.Exceptions(t.Context())
	if err != nil || len(all) != 1 || all[0].Group != "0abc" || all[0].EndedBy == nil || all[0].EndedBy.ID != "U1" {
		t.Errorf("listed: %+v, %v", all, err)
	}
}

// TestAnEndedSnoozeEndsItsWindow snoozes an alert for a day and ends that at once: an operation after the alert's own window
// opens another alert.
func TestAnEndedSnoozeEndsItsWindow(t *testing.T) {
	t.Parallel()
	for _, ended := range []bool{false, true} {
		a := open(t)
		opened, err := a.Take(t.Context(), mild(event(1, activity.Started)), a.lease("taker"))
		if err != nil {
			t.Fatal(err)
		}
		ref := opened.Alert.Ref()
		kinds := []alert.ActKind{alert.Snoozed, alert.Unsnoozed}
		for i, kind := range kinds {
			if kind == alert.Unsnoozed && !ended {
				break
			}
			length := 24 * time.Hour
			if kind == alert.Unsnoozed {
				length = 0
			}
			if r, err := a.Act(t.Context(), ref, act(a, fmt.Sprint("act-", i), kind, length), alert.Lease{}); err != nil || !r.Changed {
				t.Fatalf("%s: %+v, %v", kind, r, err)
			}
		}
		a.advance(2 * time.Hour)
		later := event(9, activity.Succeeded)
		later.CorrelationID, later.Time = "another", activity.At(a.now())
		r, err := a.Take(t.Context(), mild(later), a.lease("later"))
		if err != nil || (r.Alert.ID != ref.ID) != ended {
			t.Errorf("snooze ended %v: taken by %s, which opened %v, %v", ended, r.Alert.ID, r.Alert.ID != ref.ID, err)
		}
	}
}
