package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
)

// held are findings that stand for alerts of a rule which a quiet time held back.
func held(from, n int, rule string) (all []alert.Finding) {
	for i := range n {
		id := fmt.Sprint(rule, from+i)
		all = append(all, alert.Finding{
			Event: activity.Event{ID: "of-slack-" + id, Time: activity.At(epoch), Operation: "the night"},
			Rule:  alert.Rule{ID: alert.HeldRule, Severity: "low", GroupBy: []string{"operation"}}, To: []string{"slack"},
			Of: alert.Summed{Ref: alert.Ref{Group: "group", ID: "alert-" + id}, Rule: rule, Severity: "low", Actor: "ana"},
		})
	}
	return all
}

// TestASummaryThatNoReaderHasYetTakesInMore folds once a day while the channel is away, and once more after it came back: one
// summary for the days before, and another one after that, which says what is new.
func TestASummaryThatNoReaderHasYetTakesInMore(t *testing.T) {
	t.Parallel()
	a := open(t)
	fold := func(findings []alert.Finding) alert.Alert {
		t.Helper()
		for range 2 { // an attempt whose answer was lost is made again
			if _, _, err := a.Fold(t.Context(), findings); err != nil {
				t.Fatal(err)
			}
		}
		summary, _, err := a.Fold(t.Context(), findings)
		if err != nil {
			t.Fatal(err)
		}
		return summary
	}
	first := fold(held(0, 100, "tags"))
	for day := range 6 {
		a.advance(24 * time.Hour)
		if next := fold(held(1000*(day+1), 10, "tags")); next.ID != first.ID {
			t.Fatalf("day %d has a summary of its own", day)
		}
	}
	have, err := a.Alert(t.Context(), first.Ref())
	if err != nil || have.Count != 160 || have.Tally.Severities["low"] != 160 {
		t.Fatalf("%d alerts are counted, of low severity %v, %v; want 160", have.Count, have.Tally.Severities, err)
	}
	if _, err = a.Settle(t.Context(), first.Ref(), "taker", func(have *alert.Alert) {
		have.Sent("slack", have.Revision, alert.Delivery{Channel: "C", Ref: "1.1"}, a.now())
	}); err != nil {
		t.Fatal(err)
	}
	a.advance(24 * time.Hour)
	next := fold(append(held(8000, 3, "tags"), held(0, 2, "locks")...))
	if next.ID == first.ID || next.Count != 5 || next.Tally.Before != first.ID {
		t.Fatalf("the next summary is %s of %d alerts after %q", next.ID, next.Count, next.Tally.Before)
	}
	for _, r := range next.Tally.Rules {
		if r.New != (r.ID == "locks") {
			t.Errorf("rule %s is new: %v", r.ID, r.New)
		}
	}
}
