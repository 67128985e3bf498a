package rules_test

import (
	"math/rand/v2"
	"testing"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/handler/rules/rulestest"
)

// TestNothingThatMattersIsPassedBy holds the glance of digests to the engine, over every example of the library and over
// events that are put together at random from their parts: whatever meets a rule that alerts, or is counted by a
// correlation, concerns the digest, and with all bodies taken away, what bodies could decide is known to hang on them.
func TestNothingThatMattersIsPassedBy(t *testing.T) {
	t.Parallel()
	all, set := rulestest.Library(t)
	var events []activity.Event
	for _, r := range all {
		for _, x := range append(r.Auditbell.Examples.Match, r.Auditbell.Examples.NoMatch...) {
			for _, step := range x.Steps {
				events = append(events, step.Event)
			}
		}
	}
	met, passed := 0, 0
	hold := func(e activity.Event) {
		matters := len(set.Counted(nil, &e)) > 0
		for _, r := range set.Match(nil, &e) {
			matters = matters || r.Alerts()
		}
		glance := activity.Event{Time: e.Time, Operation: e.Operation, OperationDisplay: e.OperationDisplay, Category: e.Category, Outcome: e.Outcome}
		switch concerns := set.Concerns(&glance, []byte(e.ResourceID)); {
		case matters && !concerns:
			t.Errorf("passed by at a glance: %+v", e)
		case matters:
			met++
		case !concerns:
			passed++
		}
		bare := e
		bare.Properties = nil
		if matters != mattersWithout(set, &bare) && !set.ReadsBodies(&e) && !set.ReadsMore(&e) {
			t.Errorf("the properties decide, and nothing says so: %+v", e)
		}
	}
	for _, e := range events {
		hold(e)
	}
	dice := rand.New(rand.NewPCG(20, 26)) //nolint:gosec // the same in every run
	pick := func() *activity.Event { return &events[dice.IntN(len(events))] }
	for range 6_000 {
		e := *pick()
		switch dice.IntN(6) {
		case 0:
			e.Operation, e.OperationDisplay = pick().Operation, pick().OperationDisplay
		case 1:
			e.Category = pick().Category
		case 2:
			e.ResourceID, e.ResourceType = pick().ResourceID, pick().ResourceType
		case 3:
			e.Outcome = pick().Outcome
		case 4:
			e.Caller, e.CallerType = pick().Caller, pick().CallerType
		default:
			e.Properties = pick().Properties
		}
		hold(e)
	}
	if met < 400 || passed < 400 {
		t.Errorf("%d events matter and %d were passed by: neither is tried enough", met, passed)
	}
}

func mattersWithout(set *rules.Set, e *activity.Event) bool {
	for _, r := range set.Match(nil, e) {
		if r.Alerts() {
			return true
		}
	}
	return len(set.Counted(nil, e)) > 0
}
