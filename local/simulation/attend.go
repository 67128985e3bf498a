package simulation

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auditbell/auditbell/local/simulation/oracle"
)

// stillness is how long no step may be taken, on a real clock: a step takes a fraction of a millisecond, and a goroutine that
// goes round in circles without a call can be noticed in no other way.
const stillness = time.Minute

// Run carries a plan out in a bubble of its own and judges it. It keeps the whole process to one processor meanwhile: which of
// two goroutines that were woken together comes first to a lock must not depend on how many there are.
//
// A run that stops is given up: its goroutines stay behind, so the process should not run many more. A run makes much garbage
// and keeps little, so it is collected rarely.
func Run(t *testing.T, p *Plan) Outcome {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer debug.SetGCPercent(debug.SetGCPercent(800))
	return attend(p, stillness, func(over chan<- Outcome, s *simulation) {
		defer func() {
			if left := recover(); left != nil { // goroutines wait for ever that no invocation waits for
				over <- s.stop(fmt.Errorf("%v", left))
			}
		}()
		var out Outcome
		synctest.Test(t, func(*testing.T) { out = s.run(over) })
		over <- out
	})
}

// attend starts a run and waits until it has come to its end, has found that it stops, or takes no step any more.
func attend(p *Plan, limit time.Duration, start func(chan<- Outcome, *simulation)) Outcome {
	s := &simulation{plan: p}
	over := make(chan Outcome) // made outside of the bubble: waiting for it does not let the bubble's time pass
	go start(over, s)
	look := time.NewTicker(limit)
	defer look.Stop()
	for before := int64(-1); ; {
		select {
		case out := <-over:
			return out
		case <-look.C:
		}
		now := s.progress.Load()
		if now == before {
			return s.stop(errors.New("a goroutine goes round in circles without a call, or waits for what is outside of the simulation"))
		}
		before = now
	}
}

// stop is the outcome of a run that does not go on, with what was found up to there.
func (s *simulation) stop(err error, found ...oracle.Violation) Outcome {
	out := Outcome{Plan: s.plan, Trace: s.trace, Steps: s.scheduler.steps, Met: s.trace.met}
	detail := fmt.Sprintf("%v; after %s", err, s.trace.last(1))
	out.Violations = append(found, oracle.Violation{Rule: Returns, Act: -1, Detail: detail})
	return out
}

// Returns is the promise that every call and invocation comes to its end.
const Returns = "a step does not return"
