package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
)

// Log records what came in.
type Log interface {
	// Append records an event once; first is false when it was there before. by is unique for each invocation.
	Append(ctx context.Context, e activity.Event, by string) (first bool, ru float64, err error)
	// Park keeps what is not an event; keeping it twice is keeping it once.
	Park(ctx context.Context, p activity.Parked) (ru float64, err error)
}

// Alerts keeps alerts. The package alert says what each change means; the store makes it happen exactly once.
type Alerts interface {
	Ring(ctx context.Context, f alert.Finding, lease alert.Lease) (alert.Rung, error)
	// Rang reports whether the operation that e belongs to is in an alert already.
	Rang(ctx context.Context, e activity.Event) (rang bool, ru float64, err error)
	// Act notes what a person did, once for each act.ID; alert.ErrUnknown when there is no such alert.
	Act(ctx context.Context, ref alert.Ref, act alert.Act, lease alert.Lease) (alert.Rung, error)
	Alert(ctx context.Context, ref alert.Ref) (alert.Alert, error)
}

// Counts keeps what is counted beside alerts.
type Counts interface {
	// Window changes the state of a correlation ("ten failed operations by one caller within ten minutes").
	Window(ctx context.Context, key string, change func(state []byte) ([]byte, error)) (ru float64, err error)
	// CountStaged counts matches of a rule that is not sent yet.
	CountStaged(ctx context.Context, rule string, day time.Time, n int) (ru float64, err error)
	// AddToFeed counts what came in through a function.
	AddToFeed(ctx context.Context, function string, n int, now time.Time) (ru float64, err error)
}

// Intake takes in what comes: events, what is none, and what readers click.
type Intake struct {
	log      Log
	alerts   Alerts
	counts   Counts
	judge    *Judge
	composer *Composer
	courier  *Courier
	learner  *Learner
	tallies  tallies
}

// Staff are the parts of a pipeline that an Intake works with.
type Staff struct {
	Judge    *Judge
	Composer *Composer
	Courier  *Courier
	Learner  *Learner
}

// NewIntake returns an Intake.
func NewIntake(log Log, alerts Alerts, counts Counts, s Staff) *Intake {
	return &Intake{log: log, alerts: alerts, counts: counts, judge: s.Judge, composer: s.Composer, courier: s.Courier, learner: s.Learner}
}

// Handle records, matches and rings everything in b. A nil error means that all of it is durable. One event's bad luck
// does not sink the others: they are committed, and what failed comes again with the whole delivery. Deliveries that
// fail are no error: the timer brings them up to date.
func (in *Intake) Handle(ctx context.Context, b Batch) (Summary, error) {
	sum := Summary{Received: len(b.Events) + len(b.Parked)}
	var mu sync.Mutex // sum, errs, due
	var errs []error
	var due []alert.Alert
	b.leased, b.staged, b.asking = &atomic.Int32{}, &staging{}, &asking{}
	each(len(b.Parked), func(i int) {
		ru, err := in.log.Park(ctx, b.Parked[i])
		mu.Lock()
		defer mu.Unlock()
		sum.RU, errs = sum.RU+ru, append(errs, err)
		if err == nil {
			sum.Parked++
		}
	})
	each(len(b.Events), func(i int) {
		one, rung, err := in.one(ctx, b, b.Events[i])
		mu.Lock()
		defer mu.Unlock()
		sum.add(one)
		errs = append(errs, err)
		if rung.Leased {
			due = append(due, rung.Alert)
		}
	})
	sum.add(in.courier.deliverAll(ctx, due, b))
	sum.RU += in.note(ctx, b) + in.countStaged(ctx, b)
	sum.add(in.learner.learnFirst(ctx, b))
	return sum, errors.Join(errs...)
}

// one is the story of one event: record, match, ring.
func (in *Intake) one(ctx context.Context, b Batch, e activity.Event) (Summary, alert.Rung, error) {
	var sum Summary
	first, ru, err := in.log.Append(ctx, e, b.ID)
	sum.RU += ru
	if err != nil {
		return sum, alert.Rung{}, fmt.Errorf("event %s: %w", e.ID, err)
	}
	if first {
		sum.Recorded++
	} else {
		sum.Duplicate++ // still rung: whoever recorded it may have died before ringing
	}
	counted, ru, err := in.correlated(ctx, &e)
	sum.RU += ru
	if err != nil {
		return sum, alert.Rung{}, fmt.Errorf("event %s: %w", e.ID, err)
	}
	ring, staged := in.judge.met(e, counted)
	if first {
		b.staged.add(staged, &e, in.judge.Now())
	}
	f, ok := in.judge.finding(e, ring)
	if !ok {
		return sum, alert.Rung{}, nil
	}
	sum.Matched++
	f.Late = b.Late
	judged, silent, err := in.except(ctx, b, &f)
	if sum.add(judged); err != nil {
		return sum, alert.Rung{}, fmt.Errorf("event %s: %w", e.ID, err)
	}
	if silent {
		return sum, alert.Rung{}, nil
	}
	if b.Hold.Until.After(f.Hold.Until) {
		f.Hold = b.Hold
	}
	rung, err := in.alerts.Ring(ctx, f, in.courier.inline(b, f.To))
	sum.RU += rung.RU
	if err != nil {
		return sum, alert.Rung{}, fmt.Errorf("event %s: %w", e.ID, err)
	}
	if rung.Opened {
		sum.Rung++
		b.Logger.Info("alert", "alert", rung.Alert.ID, "rule", f.Rule.ID, "severity", f.Rule.Severity, "event", e.ID, "correlation", e.CorrelationID)
	}
	return sum, rung, nil
}
