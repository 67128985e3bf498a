// Package poll reads the Activity Logs that Azure pushes nowhere, every few minutes: the tenant's, where elevateAccess is
// written, and the management groups' own. What it finds goes through the pipeline like every event. Reconciliation
// compares the same logs hour by hour later, and finds what polling missed.
//
// Entries become visible minutes after they happened, so each run lists some of the past again and leaves out what it has
// handed on already. How far it has come is written after the pipeline has stored what was found: a process that is killed
// lists the same span again, and the pipeline recognises records by their id.
package poll

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/host"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/source"
	"github.com/auditbell/auditbell/handler/store"
)

const (
	// overlap is how much of the past each run lists again. Most entries are visible after 3 to 20 minutes, the latest in
	// the samples after 82.
	overlap = 2 * time.Hour
	// lookback is how far the first run of a scope reaches.
	lookback = 24 * time.Hour
	// lateAfter is the age from which on an event says that it was found late.
	lateAfter = overlap + time.Hour
	// leaseFor is longer than the host lets a function run.
	leaseFor = 6 * time.Minute
	// alarmAfter is how long a scope may stay unread before there is an alert.
	alarmAfter = 30 * time.Minute
	// batch is how many events the pipeline gets at once.
	batch = 100
)

// foundLate is how alerts say that their event was found long after it happened.
const foundLate = "found by polling"

// Poller is the timer function tenant-activity.
type Poller struct {
	Log      source.ActivityLog // its Scopes are not looked at
	Scopes   []activity.Scope   // of kind tenant and management group
	Store    Store
	Pipeline Pipeline
	Now      func() time.Time // the account's clock
}

// Store keeps how far each scope has been read, and lets one instance at a time read it.
type Store interface {
	ClaimReconcile(ctx context.Context, key string, lease alert.Lease) (store.Reconciled, bool, error)
	SettleReconcile(ctx context.Context, r store.Reconciled, owner string) (store.Reconciled, error)
	Reconciled(ctx context.Context, key string) (store.Reconciled, error)
}

// Pipeline takes what was found, and alerts about a log that cannot be read.
type Pipeline interface {
	Handle(ctx context.Context, b pipeline.Batch) (pipeline.Summary, error)
	Unread(ctx context.Context, b pipeline.Batch, scope activity.Scope, detail string) error
}

// Polled are the scopes that no feed pushes.
func Polled(all []activity.Scope) []activity.Scope {
	return slices.DeleteFunc(slices.Clone(all), func(s activity.Scope) bool { return s.Kind() == activity.SubscriptionKind })
}

// State is how far a scope has been read.
type State struct {
	To     time.Time        `json:"to"`               // everything visible when this moment was reached has been handed on
	Seen   map[string]int64 `json:"seen,omitempty"`   // ids handed on within the overlap: event time, Unix seconds
	Since  time.Time        `json:"since,omitzero"`   // since when it cannot be read
	Reason string           `json:"reason,omitempty"` // why
}

// key is where the store keeps how far a scope has been read.
func key(s activity.Scope) string { return "poll-" + s.Key() }

// Run reads every scope once. One that cannot be read is an error of its own: the others are read, and there is an alert
// when it lasts.
func (p *Poller) Run(ctx context.Context, in host.Invocation) (host.Result, error) {
	if len(p.Scopes) == 0 {
		in.Logger.Info("no scope to poll: SCOPES names neither tenant nor managementGroups/NAME")
		return host.Result{}, nil
	}
	var errs []error
	for _, scope := range p.Scopes {
		r := run{Poller: p, scope: scope, owner: in.Attempt(), log: in.Logger}
		if err := r.do(ctx); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", scope, err))
		}
	}
	return host.Result{}, errors.Join(errs...)
}

// run reads one scope once.
type run struct {
	*Poller
	scope activity.Scope
	owner string
	log   *slog.Logger
	kept  store.Reconciled
	state State
}

func (r *run) do(ctx context.Context) error {
	now := r.Now()
	kept, ok, err := r.Store.ClaimReconcile(ctx, key(r.scope), alert.Lease{Owner: r.owner, Until: now.Add(leaseFor)})
	if err != nil || !ok {
		return err
	}
	r.kept = kept
	if r.state, err = ReadState(kept); err == nil {
		err = r.read(ctx, now)
	}
	if err != nil {
		err = errors.Join(err, r.failed(ctx, now, err))
	}
	return errors.Join(err, r.settle(ctx))
}

// ReadState reads what the store kept; the zero State when the scope was never read.
func ReadState(kept store.Reconciled) (State, error) {
	var s State
	if len(kept.Body) == 0 {
		return s, nil
	}
	if err := json.Unmarshal(kept.Body, &s); err != nil {
		return s, fmt.Errorf("read state of polling: %w", err)
	}
	return s, nil
}

// read lists what is new and hands it on, page by page.
func (r *run) read(ctx context.Context, now time.Time) error {
	if r.state.To.IsZero() { // decided once: a first run that fails must not leave a later beginning to the next one
		r.state.To = now.Add(overlap - lookback).UTC()
	}
	from := r.state.To.Add(-overlap)
	if oldest := now.Add(-source.Retention).Add(time.Hour); from.Before(oldest) {
		from = oldest
	}
	seen := map[string]int64{}
	var unreadable []source.Place
	for page, err := range r.Log.List(ctx, r.scope, source.Filter{Window: source.Window{From: from, To: now}, Records: true}) {
		if err != nil {
			return err
		}
		unreadable = append(unreadable, page.Unreadable...)
		if err := r.take(ctx, page.Events, seen, now); err != nil {
			return err
		}
	}
	since := r.state.Since
	r.state = State{To: now.UTC(), Seen: seen}
	if len(unreadable) > 0 { // they are listed again for as long as the overlap, so there is an alert about them
		r.state.Since = since
		return fmt.Errorf("%d entries could not be read, the first: %s", len(unreadable), unreadable[0])
	}
	return nil
}

// take hands on what earlier runs have not, and notes it in seen.
func (r *run) take(ctx context.Context, events []activity.Event, seen map[string]int64, now time.Time) error {
	var fresh, late []activity.Event
	for i := range events {
		e := &events[i]
		_, before := r.state.Seen[e.ID]
		_, again := seen[e.ID]
		switch {
		case before || again:
		case now.Sub(e.Time.Time) > lateAfter:
			late = append(late, *e)
		default:
			fresh = append(fresh, *e)
		}
		if !e.Time.Before(now.Add(-overlap)) {
			seen[e.ID] = e.Time.Unix()
		}
	}
	return errors.Join(r.hand(ctx, fresh, ""), r.hand(ctx, late, foundLate))
}

func (r *run) hand(ctx context.Context, events []activity.Event, late string) error {
	for part := range slices.Chunk(events, batch) {
		sum, err := r.Pipeline.Handle(ctx, r.batch(part, late))
		r.log.Info("handled", "scope", string(r.scope), "counts", sum)
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *run) batch(events []activity.Event, late string) pipeline.Batch {
	return pipeline.Batch{ID: r.owner, Function: "tenant-activity", Logger: r.log, Events: events, Late: late}
}

// failed notes since when the scope cannot be read, and alerts when that lasts.
func (r *run) failed(ctx context.Context, now time.Time, reason error) error {
	if r.state.Since.IsZero() {
		r.state.Since = now.UTC()
	}
	r.state.Reason = reason.Error()
	if now.Sub(r.state.Since) < alarmAfter {
		return nil
	}
	return r.Pipeline.Unread(ctx, r.batch(nil, ""), r.scope, fmt.Sprintf("Since %s: %v", r.state.Since.Format("2006-01-02 15:04 UTC"), reason))
}

// settle writes how far the scope has been read and gives the lease back.
func (r *run) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	body, err := json.Marshal(r.state)
	if err != nil {
		return err
	}
	r.kept.Body, r.kept.Lease = body, alert.Lease{}
	_, err = r.Store.SettleReconcile(ctx, r.kept, r.owner)
	return err
}

// Overdue is the age from which on a scope counts as not read.
const Overdue = 30 * time.Minute

// Check says of one scope how far it has been read, and whether that is as it should be.
func (p *Poller) Check(ctx context.Context, scope activity.Scope) (ok bool, detail string) {
	kept, err := p.Store.Reconciled(ctx, key(scope))
	var s State
	if err == nil {
		s, err = ReadState(kept)
	}
	switch {
	case err != nil:
		return false, err.Error()
	case !s.Since.IsZero():
		return false, fmt.Sprintf("not watched, not readable since %s: %s", s.Since.Format("2006-01-02 15:04 UTC"), s.Reason)
	case s.To.IsZero():
		return true, "not read yet"
	}
	return p.Now().Sub(s.To) <= Overdue, "read up to " + s.To.Format("2006-01-02 15:04 UTC")
}
