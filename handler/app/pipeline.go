package app

import (
	"maps"
	"slices"

	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/store"
)

// Wire is a pipeline on a store, whose time everything uses. Each part sees the store through its own interfaces.
func Wire(s *store.Store, j *pipeline.Judge, c *pipeline.Composer, o pipeline.Channels) *pipeline.Pipeline {
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
