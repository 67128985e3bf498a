package alert_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
)

// counted is a finding that stands for the n-th alert of a rule, by an actor.
func counted(n int, rule, severity, actor string) alert.Finding {
	return alert.Finding{
		Event: activity.Event{ID: fmt.Sprint("of-slack-", n), Time: activity.At(noon), ResourceName: fmt.Sprint("alert ", n)},
		Rule:  alert.Rule{ID: alert.HeldRule, Severity: severity}, To: []string{"slack"},
		Of: alert.Summed{Rule: rule, Title: "Title of " + rule, Severity: severity, Actor: actor},
	}
}

func total(list []alert.Count) (n int) {
	for _, c := range list {
		n += c.Count
	}
	return n
}

func TestASummaryCountsByRuleAndActor(t *testing.T) {
	t.Parallel()
	first := alert.Summary([]alert.Finding{counted(1, "tags", "low", "ana"), counted(2, "policy", "medium", "ana")}, nil, noon)
	if slices.ContainsFunc(first.Tally.Rules, func(c alert.Count) bool { return c.New }) {
		t.Error("the first summary calls a rule new, and there is none before it to compare with")
	}
	next := alert.Summary([]alert.Finding{
		counted(3, "tags", "low", "ana"), counted(4, "tags", "low", "bob"), counted(5, "locks", "medium", "bob"),
		counted(6, "advice", "informational", ""), counted(7, "tags", "low", "bob"),
	}, &first, noon.Add(time.Hour))
	want := []alert.Count{
		{ID: "locks", Title: "Title of locks", Severity: "medium", Count: 1, New: true},
		{ID: "tags", Title: "Title of tags", Severity: "low", Count: 3},
		{ID: "advice", Title: "Title of advice", Severity: "informational", Count: 1, New: true},
	}
	if diff := cmp.Diff(want, next.Tally.ByRule()); diff != "" {
		t.Errorf("by rule (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]alert.Count{
		{ID: "bob", Severity: "medium", Count: 3, New: true, Of: []alert.Count{{ID: "tags", Count: 2}, {ID: "locks", Count: 1}}},
		{ID: "ana", Severity: "low", Count: 1, Of: []alert.Count{{ID: "tags", Count: 1}}},
	}, next.Tally.ByActor()); diff != "" {
		t.Errorf("by actor (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"informational": 1, "low": 3, "medium": 1}, next.Tally.Severities); diff != "" || next.Count != 5 || next.Rule.Severity != "medium" {
		t.Errorf("%d alerts of severity %s (-want +got):\n%s", next.Count, next.Rule.Severity, diff)
	}
	if next.Tally.Before != first.ID || !next.Tally.Since.Equal(first.Opened) {
		t.Errorf("it follows %q of %s", next.Tally.Before, next.Tally.Since)
	}
}

// TestATallyIsBounded has 500 actors act once each and then one act 50 times: that one is listed first, and no alert is lost
// from the sums. What a full tally dropped is not called new in the next summary.
func TestATallyIsBounded(t *testing.T) {
	t.Parallel()
	var all []alert.Finding
	for n := range 500 {
		all = append(all, counted(n, fmt.Sprint("rule-", n), "low", fmt.Sprint("actor-", n)))
	}
	for n := range 50 {
		all = append(all, counted(500+n, "often", "low", "eve"))
	}
	a := alert.Summary(all, nil, noon)
	actors := a.Tally.ByActor()
	if actors[0].ID != "eve" || actors[0].Count != 50 || len(actors) > 100 {
		t.Errorf("%d actors are listed, and first %+v", len(actors), actors[0])
	}
	if got := total(actors) + a.Tally.OtherActors; got != len(all) {
		t.Errorf("alerts by actor are %d, want %d", got, len(all))
	}
	if got := total(a.Tally.Rules) + a.Tally.OtherRules; got != len(all) {
		t.Errorf("alerts by rule are %d, want %d", got, len(all))
	}
	next := alert.Summary([]alert.Finding{counted(600, "rule-3", "low", "actor-3")}, &a, noon)
	if next.Tally.Rules[0].New || next.Tally.Actors[0].New {
		t.Error("what the summary before had and dropped is called new")
	}
}
