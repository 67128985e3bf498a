package pipeline_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/pipeline"
)

// refusing is a store that refuses one event as a record, another within an alert.
type refusing struct{ stored }

func (r refusing) Append(ctx context.Context, e activity.Event, by string) (bool, float64, error) {
	if strings.Contains(string(e.Properties), `"refuse"`) {
		return false, 1, activity.ErrUnstorable
	}
	return r.stored.Append(ctx, e, by)
}

func (r refusing) Take(ctx context.Context, f alert.Finding, lease alert.Lease) (alert.Decision, error) {
	if strings.Contains(string(f.Event.Properties), "refuse-late") {
		return alert.Decision{}, activity.ErrUnstorable
	}
	return r.stored.Take(ctx, f, lease)
}

// TestOddEventsAreSent hands over what Cosmos DB refuses, in one batch with what it takes.
func TestOddEventsAreSent(t *testing.T) {
	t.Parallel()
	p, end, at, kept := storedHouse(t)
	odd := []string{
		`{"a":"\ud800"}`, `{"a":1e999}`, `{"a":` + strings.Repeat(`{"a":`, 130) + "1" + strings.Repeat("}", 131), `{"a":"` + strings.Repeat("<", 400_000) + `"}`,
		`{"refuse":1}`, `{"refuse-late":1}`, `{"fine":true}`,
	}
	b := pipeline.Batch{ID: "odd", Function: "feed", Logger: slog.New(slog.DiscardHandler)}
	for i, properties := range odd {
		e := deleted(i, at.now())
		e.ResourceGroup, e.Properties = "rg-"+e.ID, activity.Properties(properties)
		if i == 3 {
			e.Description, e.CallerName = strings.Repeat("<", 400_000), strings.Repeat("é", 300_000)
		}
		b.Events = append(b.Events, e)
	}
	sum, err := wire(refusing{kept}, p.Judge, p.Composer, p.Channels).Handle(t.Context(), b)
	if err != nil || sum.Recorded != len(odd) || len(end.lines()) != len(odd) {
		t.Errorf("%+v, %v; messages %q; want every event recorded and sent", sum, err, end.lines())
	}
	parked, err := kept.ListParked(t.Context(), 10)
	if err != nil || len(parked) != 2 || !strings.Contains(parked[0].Reason, "reduced") {
		t.Errorf("set aside: %+v, %v; want the two that the store refused, with the reason", parked, err)
	}
}
