package pipeline_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/settings"
)

// behind answers what was so a moment ago: that no alert has the operation.
type behind struct{ pipeline.Alerts }

func (behind) Known(context.Context, activity.Event) (bool, float64, error) { return false, 0, nil }

// The start and the end of a grant are judged at once, as they are when they come in one batch: the end sees no start yet, and
// the start sees that no alert has the end, which is taken in before the start asks for the same. What the start says of the
// role must not be lost with it.
func TestAStartIsNotLostToItsEnd(t *testing.T) {
	t.Parallel()
	t.Run("of another invocation", func(t *testing.T) { testStartNotLost(t, "another") })
	t.Run("of its own batch", func(t *testing.T) { testStartNotLost(t, "one") })
}

func testStartNotLost(t *testing.T, invocation string) {
	_, _, at, kept := storedHouse(t)
	end := &uneditable{at: at.now}
	p := wire(kept, &pipeline.Judge{Rules: library(t), Routes: []settings.Route{{To: []string{"cards"}}}}, &pipeline.Composer{},
		pipeline.Channels{Destinations: map[string]notify.Destination{"cards": end}})
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	take := func(invocation string, e activity.Event) {
		if _, err := p.Handle(t.Context(), pipeline.Batch{ID: invocation, Function: "feed", Logger: slog.New(slog.DiscardHandler), Events: []activity.Event{e}}); err != nil {
			t.Fatal(err)
		}
	}
	take("one", grantRecord("end", activity.Succeeded, activity.FormRecords, noon.Add(time.Second), ""))
	p.Intake = pipeline.NewIntake(pipeline.Books{Log: kept, Alerts: behind{kept}, Counts: kept, Pending: kept, Written: kept},
		pipeline.Staff{Judge: p.Judge, Composer: p.Composer, Courier: p.Courier, Learner: p.Learner})
	take(invocation, grantRecord("start", activity.Started, activity.FormRecords, noon, assignment(ownerRole)))
	for range 5 {
		at.advance(20 * time.Second)
		run(t, p, at.now().String())
	}
	if len(end.cards) != 2 || !strings.HasPrefix(end.cards[1], "critical ") {
		t.Errorf("%q; want the severity to rise to critical", end.cards)
	}
}
