package pipeline

import (
	"context"
	"sync"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/rules"
)

// staging gathers the matches of rules that are not sent yet, by rule and day, so that an operator can see what a rule
// would have sent. A delivery of thousands of events costs one write for each rule and day.
//
// The figure is for judging a rule, not for evidence: a record is counted when it is first recorded. Redeliveries are
// not counted again; what was recorded by a process that was killed before it counted is never counted.
type staging struct {
	mu     sync.Mutex
	counts map[stagedDay]int
}

type stagedDay struct {
	rule string
	day  time.Time
}

// add counts e for the rules, by the event's own day.
func (s *staging) add(staged []*rules.Rule, e *activity.Event, now time.Time) {
	if len(staged) == 0 {
		return
	}
	day := e.Time.Time
	if day.IsZero() {
		day = now
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counts == nil {
		s.counts = map[stagedDay]int{}
	}
	for _, r := range staged {
		s.counts[stagedDay{r.ID, day.UTC().Truncate(24 * time.Hour)}]++
	}
}

// countStaged writes the batch's counts down. A failure is logged only: nothing that rings may wait for it.
func (in *Intake) countStaged(ctx context.Context, b Batch) (ru float64) {
	for of, n := range b.staged.counts {
		charge, err := in.counts.CountStaged(ctx, of.rule, of.day, n)
		ru += charge
		if err != nil {
			b.Logger.Warn("count what a staged rule matched", "rule", of.rule, "matches", n, "error", err)
		}
	}
	return ru
}
