package pipeline

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/otlp"
	"github.com/auditbell/auditbell/handler/outbox"
)

// dueAtOnce bounds the alerts that one run of the timer takes on; the next run takes the rest.
const dueAtOnce = 200

// Queue is the alerts that owe deliveries.
type Queue interface {
	// Due lists alerts that are due and whose lease is free, at most limit.
	Due(ctx context.Context, limit int) ([]alert.Ref, error)
	// Lease takes the lease of an alert for a delivery; ok is false when another has it, or nothing is due.
	Lease(ctx context.Context, ref alert.Ref, lease alert.Lease) (a alert.Alert, ok bool, err error)
	// Settle marks what was sent and ends the lease.
	Settle(ctx context.Context, ref alert.Ref, owner string, apply func(*alert.Alert)) (ru float64, err error)
	// Late lists alerts that late batches opened and that owe first messages, by the kind of lateness.
	Late(ctx context.Context, kind string, limit int) ([]alert.Alert, error)
}

// Folding counts many alerts in one summary.
type Folding interface {
	// Waiting lists alerts that owe a first message.
	Waiting(ctx context.Context, limit int) ([]alert.Alert, error)
	// Fold counts findings that stand for whole alerts in their summary.
	Fold(ctx context.Context, findings []alert.Finding) (summary alert.Alert, ru float64, err error)
	// Change changes an alert as it is now (see Change).
	Change(ctx context.Context, ref alert.Ref, apply func(*alert.Alert) bool) (ru float64, err error)
}

// Channels are what alerts are sent to.
type Channels struct {
	Destinations map[string]notify.Destination // by name; routes name them
	Budgets      *Budgets                      // nil: new ones
	Lease        time.Duration                 // how long a delivery may take before another instance tries; 0: usualLease
}

// Courier delivers alerts.
type Courier struct {
	Channels
	queue    Queue
	folding  Folding
	states   States // nil, as backlog: this process alone knows how destinations are
	backlog  Backlog
	ends     ends
	composer *Composer
	watch    *Watch
	firsts   firsts
	now      func() time.Time
}

// Desk is what a Courier works with beside its queue.
type Desk struct {
	Composer *Composer
	States   States // nil, as Backlog: this process alone knows how destinations are
	Backlog  Backlog
	Watch    *Watch // hears of what cannot be sent
	Now      func() time.Time
}

// NewCourier returns a Courier.
func NewCourier(queue Queue, folding Folding, d Desk, o Channels) *Courier {
	if o.Budgets == nil {
		o.Budgets = &Budgets{}
	}
	return &Courier{Channels: o, queue: queue, folding: folding, states: d.States, backlog: d.Backlog, composer: d.Composer, watch: d.Watch, now: d.Now}
}

func (c *Courier) deliverDue(ctx context.Context, b Batch) (Summary, error) {
	b.summed = c.now()
	waiting, err := c.folding.Waiting(ctx, waitingAtOnce)
	errs := []error{err}
	sum, err := c.sumUp(ctx, b, waiting)
	errs = append(errs, err, c.watch.look(ctx, b))
	refs, err := c.queue.Due(ctx, dueAtOnce)
	if err != nil {
		return sum, errors.Join(append(errs, err)...)
	}
	one, err := c.deliverRefs(ctx, refs, b)
	sum.add(one)
	errs = append(errs, err)
	tended, err := c.tend(ctx, b)
	sum.add(tended)
	return sum, errors.Join(append(errs, err)...)
}

// deliverRefs brings alerts to their newest revision, those that no other instance delivers.
func (c *Courier) deliverRefs(ctx context.Context, refs []alert.Ref, b Batch) (Summary, error) {
	b.crowd = len(refs)
	var sum Summary
	var errs []error
	var mu sync.Mutex
	each(ctx, len(refs), func(ctx context.Context, i int) {
		one, err := c.deliverLeased(ctx, refs[i], b)
		mu.Lock()
		defer mu.Unlock()
		sum.add(one)
		errs = append(errs, err)
	})
	return sum, errors.Join(errs...)
}

// deliverLeased takes the lease, unless another instance has it, and delivers. An alert that owes nothing is
// due for its open questions, or for what became of its messages.
func (c *Courier) deliverLeased(ctx context.Context, ref alert.Ref, b Batch) (Summary, error) {
	if ctx.Err() != nil {
		return Summary{}, nil //nolint:nilerr // out of time is no failure: the next tick goes on
	}
	a, ok, err := c.queue.Lease(ctx, ref, c.lease(b.ID))
	if err != nil {
		return Summary{}, err
	}
	if !ok {
		if a.Lease.Free(b.ID, c.now()) {
			b.asking.add(a)
			return c.confirm(ctx, a, b), nil
		}
		return Summary{}, nil
	}
	sum := c.confirm(ctx, a, b)
	sum.add(c.deliver(ctx, a, b))
	return sum, nil
}

func (c *Courier) deliverAll(ctx context.Context, due []alert.Alert, b Batch) Summary {
	var sum Summary
	var mu sync.Mutex
	newest := make(map[string]alert.Alert, len(due)) // a batch may change one alert more than once
	for _, a := range due {
		if have, ok := newest[a.ID]; !ok || a.Revision > have.Revision {
			newest[a.ID] = a
		}
	}
	var once []alert.Alert
	for _, id := range slices.Sorted(maps.Keys(newest)) {
		once = append(once, newest[id])
	}
	slices.SortStableFunc(once, func(x, y alert.Alert) int {
		return notify.Severity(y.Rule.Severity).Rank() - notify.Severity(x.Rule.Severity).Rank()
	})
	each(ctx, len(once), func(ctx context.Context, i int) {
		one := c.deliver(ctx, once[i], b)
		mu.Lock()
		defer mu.Unlock()
		sum.add(one)
	})
	return sum
}

// attempt is one delivery to one destination and how it went.
type attempt struct {
	name     string
	revision int
	first    bool
	shown    alert.Shown
	ref      notify.Ref
	form     notify.Form
	wait     time.Duration // the budget was used up, nothing was sent
	held     bool          // it is one first of its kind too many for this day, and is in the summary
	parks    bool          // it waits for the destination to be well again
	refused  bool          // it was sent and refused
	before   alert.Sent    // what readers had before, where the service reports later what became of the message
	silences int           // times that it had been sent and not answered before
	absent   bool          // it was looked for and is not there
	err      error
	at       time.Time
	aside    aside // what goes beside the message
	unkept   error // why that did not get there
}

// deliver brings every due destination of a, whose lease is held, to a's revision, and marks how far each got. Sending
// leaves time of the lease for the mark: what was sent and is not marked when the lease ends, another instance sends again.
func (c *Courier) deliver(ctx context.Context, a alert.Alert, b Batch) Summary {
	names := slices.DeleteFunc(a.DueNames(c.now()), func(name string) bool {
		d := a.Deliveries[name]
		return d.Held != "" && d.Due.After(b.summed) // its summary was not made yet
	})
	if b.probe != "" && !slices.Contains(names, b.probe) {
		names = append(names, b.probe)
	}
	tries := make([]attempt, len(names))
	sending, cancel := context.WithTimeout(ctx, a.Lease.Until.Sub(c.now())-c.markTime())
	defer cancel()
	beginning, cancel := context.WithTimeout(sending, a.Lease.Until.Sub(c.now())-c.markTime()-c.answerTime())
	defer cancel()
	b.spent = beginning.Done()
	each(sending, len(names), func(ctx context.Context, i int) {
		tries[i] = c.try(ctx, a, names[i], b)
		tries[i].spread(a, b.crowd)
	})

	marking, cancel := context.WithTimeout(context.WithoutCancel(ctx), markFor)
	defer cancel()
	var sum Summary
	for i := range tries {
		sum.count(tries[i])
		tries[i].log(b.Logger, a)
		if !tries[i].parks {
			continue
		}
		if err := c.wait(marking, a, &tries[i], b); err != nil {
			b.Logger.Warn("note that an alert waits for a destination: it is tried again soon", "alert", a.ID, "destination", tries[i].name, "error", err)
			tries[i].parks = false
		}
	}
	sum.Misworded = c.composer.misworded(b.Logger)
	settled, ru, err := c.settle(marking, a, b.ID, tries)
	sum.RU += ru
	if err != nil {
		b.Logger.Error("mark delivery: the message may be sent again when the lease ends", "alert", a.ID, "error", err)
		return sum
	}
	if b.marked != nil {
		*b.marked = settled
	}
	b.asking.add(settled)
	return sum
}

// settle marks, again and again until the time for it is over: giving up repeats messages. It returns the alert as
// marked.
func (c *Courier) settle(ctx context.Context, a alert.Alert, owner string, tries []attempt) (now alert.Alert, ru float64, err error) {
	ctx, span := otlp.Start(ctx, "mark")
	defer func() { span.End(err) }()
	for {
		charge, err := c.queue.Settle(ctx, a.Ref(), owner, func(have *alert.Alert) {
			for _, t := range tries {
				t.mark(have)
			}
			now = *have
		})
		ru += charge
		if err == nil || ctx.Err() != nil {
			return now, ru, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(250 * time.Millisecond):
		}
	}
}

func (c *Courier) try(ctx context.Context, a alert.Alert, name string, b Batch) (t attempt) {
	ctx, span := otlp.Start(ctx, "deliver")
	defer func() { t.end(span, a) }()
	d := a.Deliveries[name]
	m, shown := c.composer.messageFor(a, d)
	m.Revision, m.Again = a.Revision, d.Lost
	t = attempt{name: name, revision: a.Revision, first: d.Revision == 0, shown: shown, silences: d.Silences, before: alert.Sent{Was: d.Revision, Shown: d.Shown}}
	defer func() { t.at = c.now() }()
	destination, ok := c.Destinations[name]
	if !ok {
		t.parks, t.err = true, notify.Fail(notify.NotSent, errElsewhere)
		return t
	}
	if e, can := destination.(notify.Editor); !can || !e.Edits() {
		m.Standing = notify.Standing{} // it would still stand there when it no longer holds
	}
	if t.blocked(ctx, c, a, b) {
		return t
	}
	apart := func() time.Duration { return a.Jitter(name, c.now(), aMoment) }
	if t.wait = c.patient(b, apart, func() time.Duration { return c.pace(ctx, name, a, t.first || m.News != "") }); t.wait > 0 {
		return t
	}
	leave, ok := c.ends.of(name).slots.Within(ctx, b.spent)
	if !ok {
		t.wait = aSecond
		return t
	}
	defer leave()
	if t.blocked(ctx, c, a, b) { // while others held the slots
		return t
	}
	if b.isSpent() {
		t.wait = aSecond
		return t
	}
	if t.held = b.probe != name && c.oneTooMany(ctx, b, name, d); t.held {
		return t
	}
	if t.wait = c.held(ctx, name); t.wait > 0 { // so did the channel ask to wait
		return t
	}
	recorder, records := destination.(notify.Recorder)
	if records {
		c.beside(ctx, recorder, a, &m, &t)
	}
	if t.send(ctx, destination, m, d, c.now()); t.wait > 0 {
		return t
	}
	if r, can := destination.(notify.Confirmer); can && r.Reports() && t.err == nil && t.ref.State == notify.Accepted && t.ref.ID != d.Ref {
		t.before.Ref = t.ref.ID
	}
	c.outcome(ctx, b, a, &t)
	if records && t.err == nil && t.form == notify.Full {
		c.keep(ctx, recorder, a, m, &t)
	}
	return t
}

// send sends a message, unless it was sent before, was not answered, and is there. What is there may be older: then readers
// know as much as was sent, and what is newer is due.
func (t *attempt) send(ctx context.Context, to notify.Destination, m notify.Message, d alert.Delivery, now time.Time) {
	ref, revision, absent, err := found(ctx, to, m, d, now)
	t.ref, t.absent = ref, absent
	switch {
	case notify.KindOf(err) == notify.Throttled: // looking has a limit of its own
		delay, _ := notify.Delay(err)
		t.wait = max(delay, aMinute)
		return
	case err != nil:
		t.err = notify.Fail(notify.NotSent, err)
		return
	case revision >= t.revision:
		return
	case revision > 0:
		t.revision, t.shown = revision, alert.Shown{}
		if revision == d.Silent.Revision {
			t.shown = d.Silent.Shown
		}
		return
	}
	t.ref, t.form, t.err = send(ctx, to, m, d)
}

// blocked reports whether the alert has to wait for its destination. An alert that comes when a probe is due is the probe:
// what happens now goes before what waited.
func (t *attempt) blocked(ctx context.Context, c *Courier, a alert.Alert, b Batch) bool {
	h := c.health(ctx, t.name)
	if !h.IsUnwell() || b.probe == t.name || h.Probe.Alert == a.ID && h.Probe.Owner == b.ID {
		return false
	}
	if !h.Silent && h.ProbeDue(c.now()) && c.claim(ctx, t.name, a.ID, b, false) {
		return false
	}
	t.parks, t.err = true, notify.Fail(notify.NotSent, errors.New(h.Reason))
	return true
}

// aMinute is the least pause between two looks for a message.
const aMinute = time.Minute

// aSecond is how long an alert waits at least whose lease was too old for it to be sent: the next run of the timer takes it.
const aSecond = time.Second

// oneTooMany reports whether the alert was to be sent by itself as the first of its kind, and as many of these were sent today as
// may be. One that is tried again was counted; what is counted and then not sent leaves less for others.
func (c *Courier) oneTooMany(ctx context.Context, b Batch, name string, d alert.Delivery) (held bool) {
	if d.Spared.AtMost == 0 || d.Revision > 0 || d.Attempts > 0 || d.Silences > 0 || !d.Spared.Until.After(c.now()) {
		return false
	}
	c.change(ctx, name, b.Logger, func(h *outbox.Health) bool {
		held = !h.First(d.Spared.AtMost, c.now())
		return !held
	})
	return held
}

// aMoment bounds what keeps alerts that wait for the same budget from asking for it at the same instant.
const aMoment = 50 * time.Millisecond

// patient takes from a budget and waits for it as long as the batch may, apart from the others that wait.
func (c *Courier) patient(b Batch, apart, take func() time.Duration) time.Duration {
	for {
		wait := take()
		if wait == 0 || time.Now().Add(wait).After(b.until) {
			return wait
		}
		select {
		case <-b.spent:
			return wait
		case <-time.After(wait + apart()):
		}
	}
}

// spread gives alerts that wait for the same budget different times to wait, about one a second, so that they do not
// all come back, and are turned away, together.
func (t *attempt) spread(a alert.Alert, crowd int) {
	if t.wait > 0 {
		t.wait += a.Jitter(t.name, t.at, time.Duration(crowd+1)*time.Second/perSecond)
	}
}

// mark applies the attempt to the alert as it is now, which may have moved on.
func (t attempt) mark(a *alert.Alert) {
	to := alert.Delivery{Channel: t.ref.Channel, Ref: t.ref.ID, State: string(t.ref.State), Shown: t.shown}
	if t.err != nil {
		to.Reason = t.err.Error()
	}
	if t.form != notify.Full {
		to.Reduced = t.form.String()
	}
	switch kind := notify.KindOf(t.err); {
	case t.held:
		if d := a.Deliveries[t.name]; d.Spared.Until.After(t.at) && d.Revision == 0 && !a.Grave() { // else it has risen meanwhile
			a.HoldBack(t.name)
		}
	case t.wait > 0:
		a.Wait(t.name, t.at.Add(t.wait))
	case t.err == nil:
		early := t.shown.Unkept && !a.Deliveries[t.name].Shown.Unkept
		if a.Sent(t.name, t.revision, to, t.at); early {
			a.Revision++ // the message says that its rest is beside it
		}
		if t.before.Ref != "" {
			a.Await(t.name, t.before, t.at)
		}
	case kind == notify.Unconfirmed:
		a.Doubted(t.name, t.revision, to, t.at)
	case kind == notify.Unanswered:
		if t.absent {
			a.Forget(t.name)
		}
		if !a.Unanswered(t.name, t.revision, to, t.at) && t.parks {
			a.Park(t.name, to.Reason, false, t.at)
		}
	case t.parks:
		a.Park(t.name, to.Reason, t.refused, t.at)
	default:
		a.Failed(t.name, to.Reason, 0, t.at)
	}
}

// end ends the attempt's span.
func (t attempt) end(span *otlp.Span, a alert.Alert) {
	span.Set("auditbell.destination", t.name)
	span.Set("auditbell.alert", a.ID)
	span.Set("auditbell.first", t.first)
	if t.err != nil {
		span.Set("auditbell.failure", notify.KindOf(t.err).String())
	}
	span.End(t.err)
}

func (t attempt) log(log *slog.Logger, a alert.Alert) {
	args := []any{"alert", a.ID, "destination", t.name, "revision", t.revision}
	switch {
	case t.wait > 0, t.held:
	case t.err == nil:
		if t.unkept != nil {
			log.Warn("the record is not beside the message; it is tried again with the next change", append(args, "error", t.unkept)...)
		}
		log.Info("sent", append(args, "state", cmp.Or(t.ref.State, notify.Accepted), "first", t.first, "form", t.form.String(), "latency_ms", t.at.Sub(a.Opened).Milliseconds())...)
	case t.parks:
		log.Info("alert waits for its destination", append(args, "error", t.err)...)
	default:
		log.Info("delivery failed", append(args, "error", t.err)...)
	}
}

func (s *Summary) count(t attempt) {
	switch {
	case t.wait > 0, t.held:
	case t.err == nil && t.first:
		s.Sent++
	case t.err == nil:
		s.Edited++
	case t.parks:
		s.Stuck++
	default:
		s.Retried++
	}
	if t.err == nil && t.form != notify.Full {
		s.Reduced++
	}
}
