// Package reconcile proves that nothing was missed. For each watched scope (tenant, management group, subscription) and closed hour it lists the Activity Log REST
// API, compares the list with what was recorded, hands what is missing to the pipeline, and writes down what it found:
// the ledger.
//
// Four rules govern it:
//   - An hour's numbers are counted anew at every look, from the list and the store alone. Doing an hour twice gives the
//     same ledger, and what was rung rings no second time, because the store counts each record once.
//   - How far it has come is written after the ledger, and the ledger after everything that was missing is recorded and
//     rung. A process that is killed anywhere leaves work to be done again, never undone work that looks done.
//   - It asks for no more than Azure gives: a refusal ends the subscription's turn, the others go on, and what was not
//     done is done by the next run.
//   - What cannot be proven is said: an hour without a proof is missing from the ledger, and who waits too long rings.
//
// Not for reading past events by an operator (source), nor for deciding what rings (pipeline).
package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/source"
	"github.com/auditbell/auditbell/handler/store"
	"github.com/auditbell/auditbell/handler/turns"
)

// reach is how far back is asked: what the API keeps, less a day for what happens meanwhile.
const reach = source.Retention - 24*time.Hour

// leaseFor is how long one instance may take: a little longer than the host lets a function run.
const leaseFor = 6 * time.Minute

// alarmAfter is how long a subscription may stay uncompared before that rings.
const alarmAfter = 6 * time.Hour

// Reconciler compares subscriptions with what Azure lists. Its fields are set once.
type Reconciler struct {
	Log      source.ActivityLog // its Scopes are not looked at
	Store    *store.Store
	Scopes   []activity.Scope // that are watched
	Feeds    []Feed           // those that are set up
	Ignore   []string         // operations, lower case, that Event Grid does not bring because the operator filters them
	Lookback time.Duration
	Budget   time.Duration // of one run; what is not done then is done by the next one
	Pages    int           // of Azure's lists that one run asks for at most
	Records  bool          // rules name what only the listed record holds: recovered events keep it

	// Take hands records to the pipeline, in the order of their time. Old ones are to be told together. A nil error means
	// that all of them are recorded and rung.
	Take func(ctx context.Context, events []activity.Event, old bool) error
	// Park keeps a record that cannot be recorded, and why, for a person to look at.
	Park func(ctx context.Context, e activity.Event, reason error) error
	// Alert alerts because a gap cannot be closed. It is called before the gap is written down.
	Alert func(ctx context.Context, g Gap) error
	Old   time.Duration // the age from which on records are sent together
}

// Sum is what a run did. Its fields are the names of metrics.
type Sum struct {
	Hours     int `json:"hours"` // compared
	Listed    int `json:"listed"`
	Missed    int `json:"missed"`
	Recovered int `json:"recovered"`
	Unproven  int `json:"unproven"` // hours that were compared and are not complete still
	Pages     int `json:"pages"`
	Failing   int `json:"failing"` // scopes that could not be compared
	Behind    int `json:"behind"`  // hours that are due and were left to the next run
}

// run is one run.
type run struct {
	*Reconciler
	owner   string
	started time.Time

	mu    sync.Mutex // of what follows
	sum   Sum
	hours map[time.Time]recordedHour
}

// recordedHour is what the store has of an hour, by scope.
type recordedHour map[activity.Scope][]record

// work is a subscription whose lease this run has.
type work struct {
	scope   activity.Scope
	kept    store.Reconciled
	state   State
	stopped bool // Azure refuses, or somebody else has taken over
	reads   int
	unsaved int // hours compared since the state was written
}

// task is one hour of one subscription to be looked at.
type task struct {
	of   *work
	hour time.Time
	look int // 0 to 2; past for an hour of the past that somebody asked for
}

const past = len(looks)

// Run compares what is due, as far as the budget goes. owner is unique for each run. The error says which subscriptions
// could not be compared, and is nothing that a person must see at once: Ring tells them when it lasts.
func (r *Reconciler) Run(ctx context.Context, owner string) (Sum, error) {
	x := r.newRun(owner)
	var all []*work
	var errs []error
	for _, scope := range r.Scopes {
		w, err := x.claim(ctx, scope)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", scope, err))
		}
		if w != nil {
			all = append(all, w)
		}
	}
	tasks := plan(all, x.started)
	for len(tasks) > 0 && !x.spent(ctx) {
		n := 1
		for n < len(tasks) && tasks[n].hour.Equal(tasks[0].hour) && tasks[n].look == tasks[0].look {
			n++
		}
		errs = append(errs, x.hour(ctx, tasks[:n])...)
		tasks = tasks[n:]
	}
	for _, t := range tasks {
		if !t.of.stopped {
			x.sum.Behind++
		}
	}
	for _, w := range all {
		if err := x.settle(ctx, w); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", w.scope, err))
		}
	}
	return x.sum, errors.Join(errs...)
}

func (r *Reconciler) newRun(owner string) *run {
	return &run{Reconciler: r, owner: owner, started: r.Store.Now(), hours: map[time.Time]recordedHour{}}
}

// claim takes a subscription's lease; nil when somebody else has it.
func (x *run) claim(ctx context.Context, scope activity.Scope) (*work, error) {
	now := x.Store.Now()
	kept, ok, err := x.Store.ClaimReconcile(ctx, scope.Key(), alert.Lease{Owner: x.owner, Until: now.Add(leaseFor)})
	if err != nil || !ok {
		return nil, err
	}
	w := &work{scope: scope, kept: kept}
	if w.state, err = ReadState(kept); err != nil {
		return nil, err
	}
	w.state.begin(now, x.Lookback)
	for _, g := range w.state.skip(now) {
		g.Scope = scope
		if err := x.Alert(ctx, g); err != nil {
			return nil, fmt.Errorf("alert about a gap: %w", err) // unwritten, so the next run finds it again
		}
	}
	if len(kept.Body) > 0 {
		return w, nil
	}
	// Where it begins is decided once: a first run that is killed must not leave a later beginning to the next one.
	return w, w.keep(ctx, x.Store, x.owner, kept.Lease)
}

// plan lists what is due: what was begun, then first looks, then the later ones, then the past. Within each, the oldest
// hours come first and the subscriptions of an hour together, because the store's side of it is read once.
func plan(all []*work, now time.Time) []task {
	var tasks []task
	for _, w := range all {
		s := &w.state
		for look, age := range looks {
			limit := now.Add(-age)
			if look > 0 && s.Front[0].Before(limit) {
				limit = s.Front[0]
			}
			for hour := s.Front[look]; !hour.Add(time.Hour).After(limit); hour = hour.Add(time.Hour) {
				tasks = append(tasks, task{w, hour, look})
			}
		}
		for hour := s.Back; hour.Before(s.BackTo); hour = hour.Add(time.Hour) {
			tasks = append(tasks, task{w, hour, past})
		}
	}
	order := func(t task) int {
		if p := t.of.state.Part; p != nil && p.Hour.Equal(t.hour) && p.Look == t.look {
			return -1
		}
		return t.look
	}
	slices.SortStableFunc(tasks, func(a, b task) int { return cmp.Or(cmp.Compare(order(a), order(b)), a.hour.Compare(b.hour)) })
	return tasks
}

// spent reports whether nothing more should be begun.
func (x *run) spent(ctx context.Context) bool { return ctx.Err() != nil || x.left() <= 0 }

// parallel bounds the subscriptions that are asked at once.
const parallel = 4

// hour looks at one hour of some subscriptions.
func (x *run) hour(ctx context.Context, tasks []task) []error {
	errs := make([]error, len(tasks))
	turns.Each(ctx, len(tasks), parallel, func(ctx context.Context, i int) {
		if !tasks[i].of.stopped {
			errs[i] = x.look(ctx, tasks[i])
		}
	})
	for hour := range x.hours { // of the hours before only the last is a neighbour still
		if hour.Before(tasks[0].hour) || hour.After(tasks[0].hour.Add(time.Hour)) {
			delete(x.hours, hour)
		}
	}
	return errs
}

// recorded reads what the store has of an hour, once for all subscriptions.
func (x *run) recorded(ctx context.Context, hour time.Time) (recordedHour, error) {
	x.mu.Lock()
	defer x.mu.Unlock() // the others wait for the same hour
	if have, ok := x.hours[hour]; ok {
		return have, nil
	}
	have := recordedHour{}
	for one, err := range x.Store.Arrivals(ctx, hour) {
		if err != nil {
			return nil, err
		}
		if r, ok := recordOf(&one); ok {
			scope := activity.ScopeOf(&one.Event)
			have[scope] = append(have[scope], r)
		}
	}
	x.hours[hour] = have
	return have, nil
}

// look does a task and writes down how far that brought the subscription.
func (x *run) look(ctx context.Context, t task) error {
	w := t.of
	now := x.Store.Now()
	err := x.compare(ctx, t)
	switch {
	case err == nil:
		w.state.done(t.hour, now)
		w.state.advance(t, now)
	case errors.Is(err, errSpent):
		err = nil
	default:
		w.stopped = true
		w.state.failed(now, err)
		x.count(func(s *Sum) { s.Failing++ })
		err = fmt.Errorf("%s, hour %s: %w", w.scope, t.hour.Format(hourLayout), err)
	}
	if w.reads > 0 && w.reads < leaveReads {
		w.stopped = true // others read there as well
	}
	if w.unsaved++; err == nil && w.unsaved < saveEvery {
		return nil // whoever is killed now has some hours compared again
	}
	w.unsaved = 0
	return errors.Join(err, x.save(ctx, w, alert.Lease{Owner: x.owner, Until: now.Add(leaseFor)}))
}

// saveEvery is how many hours are compared before it is written how far that brought the subscription. In the usual run,
// which has three, it is written once, at the end.
const saveEvery = 8

// leaveReads are reads that are left to others in a subscription (x-ms-ratelimit-remaining-subscription-reads).
const leaveReads = 100

const hourLayout = "2006-01-02T15Z"

func (x *run) count(change func(*Sum)) {
	x.mu.Lock()
	defer x.mu.Unlock()
	change(&x.sum)
}

// advance moves the front that the task belongs to. A first look at an old hour is its last one as well.
func (s *State) advance(t task, now time.Time) {
	next := t.hour.Add(time.Hour)
	if t.look == past {
		s.Back = next
		return
	}
	s.Front[t.look] = next
	for later := t.look + 1; later < len(s.Front); later++ {
		if s.Front[later].Equal(t.hour) && !now.Before(next.Add(looks[later])) {
			s.Front[later] = next
		}
	}
}

// save writes how far w has come. Who lost the lease stops: the other one has read what was written before.
func (x *run) save(ctx context.Context, w *work, lease alert.Lease) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err := w.keep(ctx, x.Store, x.owner, lease)
	if err != nil {
		w.stopped = true
	}
	return err
}

// settle rings when a subscription cannot be compared for long, and gives its lease back.
func (x *run) settle(ctx context.Context, w *work) error {
	var err error
	f := w.state.Fails
	if since := f.Since; !since.IsZero() && x.Store.Now().Sub(since) >= alarmAfter {
		g := Gap{
			Scope: w.scope, From: w.state.Front[0], To: x.Store.Now(),
			Reason: fmt.Sprintf("since %s no hour could be compared, in %d tries; the last one: %s", since.Format("2006-01-02 15:04 UTC"), f.Tries, f.Reason),
		}
		err = x.Alert(ctx, g)
	}
	return errors.Join(err, x.save(ctx, w, alert.Lease{}))
}
