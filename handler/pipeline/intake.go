package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/otlp"
	"github.com/auditbell/auditbell/handler/rules"
)

// Log records what came in.
type Log interface {
	// Append records an event once; first is false when it was there before. by is unique for each invocation. Of another
	// record with its id, the error is alert.ErrAnother.
	Append(ctx context.Context, e activity.Event, by string) (first bool, ru float64, err error)
	// Park keeps what is not an event; keeping it twice is keeping it once.
	Park(ctx context.Context, p activity.Parked) (ru float64, err error)
	// Others lists the other records of the act that e reports on (alert.SameAct).
	Others(ctx context.Context, e activity.Event) (others []activity.Event, ru float64, err error)
}

// Alerts keeps alerts. The package alert says what each change means; the store makes it happen exactly once.
type Alerts interface {
	// Take has an alert take a finding in, or opens one, exactly once for each record.
	Take(ctx context.Context, f alert.Finding, lease alert.Lease) (alert.Decision, error)
	// Known reports whether the operation that e belongs to is in an alert already.
	Known(ctx context.Context, e activity.Event) (known bool, ru float64, err error)
	// Act notes what a person did, once for each act.ID; alert.ErrUnknown when there is no such alert.
	Act(ctx context.Context, ref alert.Ref, act alert.Act, lease alert.Lease) (alert.Decision, error)
	Alert(ctx context.Context, ref alert.Ref) (alert.Alert, error)
}

// Counted reports whether the record e is in an alert already.
type Counted func(ctx context.Context, e activity.Event) (counted bool, ru float64, err error)

// Counts keeps what is counted beside alerts.
type Counts interface {
	// Window changes the state of a correlation ("ten failed operations by one caller within ten minutes").
	Window(ctx context.Context, key string, change func(state []byte) ([]byte, error)) (ru float64, err error)
	// CountStaged counts matches of a rule that is not sent yet.
	CountStaged(ctx context.Context, rule string, day time.Time, n int) (ru float64, err error)
	// AddToFeed counts what came in through a function.
	AddToFeed(ctx context.Context, function string, n int, now time.Time) (ru float64, err error)
}

// Books are what an Intake writes in and looks up.
type Books struct {
	Log     Log
	Alerts  Alerts
	Counted Counted
	Counts  Counts
	Pending Pending
	Written Written
	States  KeepState
}

// Intake takes in what comes: events, what is none, and what readers click.
type Intake struct {
	log      Log
	alerts   Alerts
	known    Counted
	counts   Counts
	pending  Pending
	written  Written
	states   KeepState
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
func NewIntake(k Books, s Staff) *Intake {
	return &Intake{
		log: k.Log, alerts: k.Alerts, known: k.Counted, counts: k.Counts, pending: k.Pending, written: k.Written, states: k.States,
		judge: s.Judge, composer: s.Composer, courier: s.Courier, learner: s.Learner,
	}
}

// Handle records, matches and alerts everything in b. A nil error means that all of it is durable. One event's bad luck
// does not sink the others: they are committed, and what failed comes again with the whole delivery. Deliveries that
// fail are no error: the timer brings them up to date.
func (in *Intake) Handle(ctx context.Context, b Batch) (Summary, error) {
	sum := Summary{Received: len(b.Events) + len(b.Parked) + len(b.States)}
	var mu sync.Mutex // sum, errs, due
	var errs []error
	var due []alert.Alert
	b.leased, b.staged, b.asking, b.began = &atomic.Int32{}, &staging{}, &asking{}, in.judge.Now()
	b.completeBy = time.Now().Add(completeWithin) // of the process's own time, as every deadline
	each(ctx, len(b.Parked), func(ctx context.Context, i int) {
		ru, err := in.log.Park(ctx, b.Parked[i])
		mu.Lock()
		defer mu.Unlock()
		sum.RU, errs = sum.RU+ru, append(errs, err)
		if err == nil {
			sum.Parked++
		}
	})
	each(ctx, len(b.States), func(ctx context.Context, i int) {
		one, err := in.keepState(ctx, b, b.States[i])
		mu.Lock()
		defer mu.Unlock()
		sum.add(one)
		errs = append(errs, err)
	})
	each(ctx, len(b.Events), func(ctx context.Context, i int) {
		one, decided, err := in.one(ctx, b, b.Events[i])
		mu.Lock()
		defer mu.Unlock()
		sum.add(one)
		errs = append(errs, err)
		if decided.Leased {
			due = append(due, decided.Alert)
		}
	})
	sum.add(in.courier.deliverAll(ctx, due, b))
	sum.RU += in.note(ctx, b) + in.countStaged(ctx, b)
	sum.add(in.learner.learnFirst(ctx, b))
	return sum, errors.Join(errs...)
}

// one is the story of one event: record, judge, commit. Rules see the whole of it; what is kept is bounded.
func (in *Intake) one(ctx context.Context, b Batch, e activity.Event) (sum Summary, decided alert.Decision, err error) {
	first, err := in.record(ctx, b, &e, &sum)
	waits := false
	if err == nil {
		decided, waits, err = in.decide(ctx, b, e, first, &sum)
	}
	if err == nil {
		err = errors.Join(in.keepPending(ctx, b, e, waits, &sum), in.keepUnended(ctx, b, e, &sum))
	}
	if err != nil {
		return sum, alert.Decision{}, fmt.Errorf("event %s: %w", e.ID, err)
	}
	return sum, decided, nil
}

// decide has an alert take the event in, if rules say so. waits says that none did, and that one might have to once Azure
// has answered what the act was about.
func (in *Intake) decide(ctx context.Context, b Batch, e activity.Event, first bool, sum *Summary) (decided alert.Decision, waits bool, err error) {
	if done, err := in.counted(ctx, b, e, first, sum); done || err != nil {
		return alert.Decision{Duplicate: done}, false, err
	}
	f, staged, open, err := in.judged(ctx, b, e, sum)
	if err != nil {
		return decided, false, err
	}
	if first {
		b.staged.add(staged, &e, in.judge.Now())
	}
	if f.Rule.ID == "" {
		return decided, open, nil
	}
	sum.Matched++
	f.Late = b.Late
	judged, silent, err := in.except(ctx, b, &f, open)
	if sum.add(judged); err != nil || silent {
		return decided, open, err
	}
	if b.Hold.Until.After(f.Hold.Until) {
		f.Hold = b.Hold
	}
	if open {
		f.Await = alert.Await{To: in.courier.uneditable(f.To), Until: b.began.Add(awaitWithin)}
	}
	f.Event = f.Event.Bounded()
	if doubt, ok := in.judge.doubted(f.Event, append([]alert.Rule{f.Rule}, f.Also...), "Azure did not answer"); open && ok {
		f.Doubt = &doubt
	}
	decided, err = in.commit(ctx, b, f, sum)
	if err == nil && f.Event.ID != e.ID && (decided.Duplicate || decided.Alert.Lacks(f)) { // the act's end was taken in meanwhile, without what its start says
		f.Event = e.Bounded()
		decided, err = in.commit(ctx, b, f, sum)
	}
	if err != nil {
		return decided, false, err
	}
	if decided.Opened {
		sum.Opened++
		b.Logger.Info("alert", "alert", decided.Alert.ID, "rule", f.Rule.ID, "severity", f.Rule.Severity, "event", e.ID, "correlation", f.Event.CorrelationID)
	}
	return decided, false, nil
}

// counted reports whether a record that comes again is in an alert: then there is nothing left to decide.
func (in *Intake) counted(ctx context.Context, b Batch, e activity.Event, first bool, sum *Summary) (bool, error) {
	if met, _ := in.judge.met(e, nil); first || len(met) == 0 || b.again[e.ID].Unended {
		return false, nil
	}
	sum.Matched++
	counted, ru, err := in.known(ctx, e.Bounded())
	if sum.RU += ru; !counted {
		sum.Matched--
	}
	return counted, err
}

// judged is what rules say of the event, completed by what else is known of its act; without a rule: nothing. open says
// that Azure did not answer yet what the act was about.
func (in *Intake) judged(ctx context.Context, b Batch, e activity.Event, sum *Summary) (f alert.Finding, staged []*rules.Rule, open bool, err error) {
	ctx, span := otlp.Start(ctx, "match")
	defer func() { span.End(err) }()
	if b.again[e.ID].Unended {
		f, err = in.unended(ctx, b, e, sum)
		return f, nil, false, err
	}
	counted, ru, err := in.correlated(ctx, &e)
	if sum.RU += ru; err != nil {
		return f, nil, false, err
	}
	met, staged := in.judge.met(e, counted)
	w := whole{event: e}
	if !isCanary(&e) {
		w = in.complete(ctx, b, e, met, sum)
	}
	if len(w.event.Properties) != len(e.Properties) {
		met, staged = in.judge.met(w.event, counted)
	}
	in.noteWritten(ctx, b, w.event, sum)
	f, ok := in.judge.finding(w.event, union(met, w.met))
	if !ok {
		f, err = in.late(ctx, e, sum)
	}
	if w.note != "" {
		f.Notes = append(f.Notes, w.note)
	}
	return f, staged, w.open, err
}

// record records the event, bounded. What the store refuses all the same is recorded reduced, and the whole is set aside
// with the reason.
func (in *Intake) record(ctx context.Context, b Batch, e *activity.Event, sum *Summary) (first bool, err error) {
	ctx, span := otlp.Start(ctx, "record")
	defer func() { span.End(err) }()
	first, err = in.enter(ctx, b, e, in.judge.recorded, sum)
	if errors.Is(err, activity.ErrUnstorable) {
		if err = in.setAside(ctx, b, *e, err, sum); err == nil {
			first, err = in.enter(ctx, b, e, activity.Event.Reduced, sum)
		}
	}
	switch {
	case err != nil:
	case first:
		sum.Recorded++
	default:
		sum.Duplicate++ // still judged: who recorded it may have died before that
	}
	return first, err
}

// enter records a form of the event. Where another record has its id, it gets one of its own.
func (in *Intake) enter(ctx context.Context, b Batch, e *activity.Event, form func(activity.Event) activity.Event, sum *Summary) (first bool, err error) {
	first, ru, err := in.log.Append(ctx, form(*e), b.ID)
	if sum.RU += ru; errors.Is(err, alert.ErrAnother) {
		e.ID = alert.AnotherID(e)
		first, ru, err = in.log.Append(ctx, form(*e), b.ID)
		sum.RU += ru
	}
	return first, err
}

// commit has an alert take the finding in; of what the store refuses, a reduced event.
func (in *Intake) commit(ctx context.Context, b Batch, f alert.Finding, sum *Summary) (decided alert.Decision, err error) {
	ctx, span := otlp.Start(ctx, "commit")
	defer func() {
		span.Set("auditbell.alert", decided.Alert.ID)
		span.End(err)
	}()
	lease := in.courier.inline(ctx, b, f)
	decided, err = in.alerts.Take(ctx, f, lease)
	if sum.RU += decided.RU; !errors.Is(err, activity.ErrUnstorable) {
		return decided, err
	}
	if err := in.setAside(ctx, b, f.Event, err, sum); err != nil {
		return decided, err
	}
	f.Event = f.Event.Reduced()
	decided, err = in.alerts.Take(ctx, f, lease)
	sum.RU += decided.RU
	return decided, err
}

// setAside keeps the beginning of what the store refused, without secrets, with the reason.
func (in *Intake) setAside(ctx context.Context, b Batch, e activity.Event, why error, sum *Summary) error {
	reason, _, _ := strings.Cut(why.Error(), "\n")
	ru, err := in.log.Park(ctx, activity.Parked{
		ID: "refused-" + e.ID, Signal: "invalid", Function: b.Function, At: in.judge.Now().UTC(), Size: len(e.Properties),
		Reason: notify.Cut("the event was recorded and judged, reduced: "+reason, 300), Excerpt: activity.Excerpt([]byte(redacted(e.Properties))),
	})
	sum.RU += ru
	b.Logger.Warn("an event was reduced, because the store refuses the whole", "event", e.ID, "error", reason)
	return err
}
