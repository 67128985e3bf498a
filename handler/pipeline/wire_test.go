package pipeline_test

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/pipeline"
)

// stored is a store.Store, or one that fails somewhere.
type stored interface {
	pipeline.Log
	pipeline.Alerts
	Counted(ctx context.Context, e activity.Event) (counted bool, ru float64, err error)
	pipeline.Counts
	pipeline.Pending
	pipeline.Written
	KeepState(ctx context.Context, s activity.State) (ru float64, err error)
	pipeline.Queue
	pipeline.Folding
	pipeline.States
	pipeline.Backlog
	pipeline.Signs
	pipeline.Hours
	Now() time.Time
}

// wire is app.Wire on a store that may fail.
func wire(s stored, j *pipeline.Judge, c *pipeline.Composer, o pipeline.Channels) *pipeline.Pipeline {
	p := pipeline.Offline(j, c, s.Now)
	if j.Everywhere == nil {
		j.Everywhere = slices.Sorted(maps.Keys(o.Destinations))
	}
	p.Watch = pipeline.NewWatch(s, s, s, j)
	p.Courier = pipeline.NewCourier(s, s, pipeline.Desk{Composer: c, States: s, Backlog: s, Watch: p.Watch, Now: s.Now}, o)
	p.Learner = pipeline.NewLearner(s.Change, j, p.Courier)
	p.Intake = pipeline.NewIntake(pipeline.Books{Log: s, Alerts: s, Counted: s.Counted, Counts: s, Pending: s, Written: s, States: s.KeepState}, pipeline.Staff{Judge: j, Composer: c, Courier: p.Courier, Learner: p.Learner})
	return p
}
