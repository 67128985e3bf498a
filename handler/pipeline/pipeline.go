// Package pipeline tells the story of one event, and of one delivery.
//
// An event is recorded, matched against the rules, and rung: committed as, or into, an alert. Only then is it
// acknowledged. A delivery brings a destination to the newest revision of an alert and notes how far it got. The order
// is always commit, deliver, mark: a crash between the last two repeats a message, and nothing can lose one.
//
// What the store and the channels are is not known here; they come in through the small interfaces below.
package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/enrich"
	"github.com/auditbell/auditbell/handler/exception"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/handler/settings"
)

// Log records what came in.
type Log interface {
	// Append records an event once; first is false when it was there before. by is unique for each invocation.
	Append(ctx context.Context, e activity.Event, by string) (first bool, ru float64, err error)
	// Park keeps what is not an event; keeping it twice is keeping it once.
	Park(ctx context.Context, p activity.Parked) (ru float64, err error)
	// UnreadableSince lists what was parked because nobody could read it.
	UnreadableSince(ctx context.Context, since time.Time, limit int) ([]activity.Parked, error)
}

// Alerts keeps alerts. The package alert says what each change means; the store makes it happen exactly once.
type Alerts interface {
	Ring(ctx context.Context, f alert.Finding, lease alert.Lease) (alert.Rung, error)
	Due(ctx context.Context, limit int) ([]alert.Ref, error)
	Lease(ctx context.Context, ref alert.Ref, lease alert.Lease) (a alert.Alert, ok bool, err error)
	Overdue(ctx context.Context, openedBefore time.Time) ([]alert.Alert, error)
	Waiting(ctx context.Context, limit int) ([]alert.Alert, error)
	Late(ctx context.Context, kind string, limit int) ([]alert.Alert, error)
	Fold(ctx context.Context, findings []alert.Finding) (summary alert.Alert, ru float64, err error)
	Change(ctx context.Context, ref alert.Ref, apply func(*alert.Alert) bool) (ru float64, err error)
	Alert(ctx context.Context, ref alert.Ref) (alert.Alert, error)
	// Act notes what a person did, once for each act.ID; alert.ErrUnknown when there is no such alert.
	Act(ctx context.Context, ref alert.Ref, act alert.Act, lease alert.Lease) (alert.Rung, error)
	// Rang reports whether the operation that e belongs to is in an alert already.
	Rang(ctx context.Context, e activity.Event) (rang bool, ru float64, err error)
	Settle(ctx context.Context, ref alert.Ref, owner string, apply func(*alert.Alert)) (ru float64, err error)
}

// Pipeline is safe for concurrent use.
type Pipeline struct {
	Log          Log
	Alerts       Alerts
	Windows      Windows
	Feeds        Feeds
	Staged       Staged  // nil: staged rules are not counted
	Watches      Watches // nil: nobody asks later whether somebody watched
	Canary       *Canary // nil: there is no daily test
	Rules        *rules.Set
	Routes       []settings.Route
	Quiet        []settings.Quiet
	Maintenance  []settings.Maintenance
	Budgets      *Budgets
	Destinations map[string]notify.Destination // by name; routes name them
	Everywhere   []string                      // the names that "*" in a route stands for; nil: all of them
	Enrich       enrich.Options
	Texts        *Texts          // nil: every text is ours
	Exceptions   *exception.Book // nil: nothing is excepted
	Acting       Acting
	Now          func() time.Time
	Lease        time.Duration // how long a delivery may take before another instance tries; 0: 30 s

	Lookups Lookups          // nil: nothing is looked up
	Changes settings.Changes // what the operator announced

	tallies tallies
	watched atomic.Int64 // when this process last looked at itself, Unix seconds
	noted   atomic.Int64 // the hour for which it last noted that, since 1970
}

// Batch is what one invocation brought.
type Batch struct {
	ID       string // unique for each attempt; the host's invocation id
	Function string // through which it came
	Events   []activity.Event
	Parked   []activity.Parked
	Logger   *slog.Logger

	// Late says why the events come long after they happened ("replayed on 2026-11-22"); empty: they come as they
	// happen. Alerts that they open say so to their readers, and no feed is credited with them.
	Late string
	// Hold makes every alert of the batch wait, to be summed up with the others of its name at its end. What was found
	// long after it happened comes by the thousand, and nobody would read it one by one. Zero: routes and windows decide.
	Hold alert.Hold

	crowd  int           // alerts that are due at once
	leased *atomic.Int32 // alerts of this batch that will be delivered at its end
	staged *staging
	asking *asking // alerts that were told and have open questions
}

// Summary counts what became of a batch; its fields are the names of metrics.
type Summary struct {
	Received  int     `json:"received"`
	Recorded  int     `json:"recorded"`
	Duplicate int     `json:"duplicate"`
	Matched   int     `json:"matched"`
	Excepted  int     `json:"excepted"` // findings that exceptions kept from ringing
	Rung      int     `json:"rung"`
	Delivered int     `json:"delivered"` // first messages
	Edited    int     `json:"edited"`    // later revisions
	Retried   int     `json:"retried"`   // attempts that failed and will be made again
	Stuck     int     `json:"stuck"`     // deliveries given up
	Folded    int     `json:"folded"`    // alerts counted in a summary in place of a message of their own
	Parked    int     `json:"parked"`    // what came in and was no event
	RU        float64 `json:"ru"`

	Learned   int `json:"learned,omitempty"`   // lookups that were answered
	Unlearned int `json:"unlearned,omitempty"` // lookups that were given up
	Misworded int `json:"misworded,omitempty"` // texts that a template of the operator's failed to make
}

// parallel bounds the events, and the alerts, of one invocation that are worked on at once: a delivery of 5,000
// events must not become 5,000 connections.
const parallel = 8

// Handle records, matches and rings everything in b. A nil error means that all of it is durable. One event's bad luck
// does not sink the others: they are committed, and what failed comes again with the whole delivery. Deliveries that
// fail are no error: the timer brings them up to date.
func (p *Pipeline) Handle(ctx context.Context, b Batch) (Summary, error) {
	sum := Summary{Received: len(b.Events) + len(b.Parked)}
	var mu sync.Mutex // sum, errs, due
	var errs []error
	var due []alert.Alert
	b.leased, b.staged, b.asking = &atomic.Int32{}, &staging{}, &asking{}
	each(len(b.Parked), func(i int) {
		ru, err := p.Log.Park(ctx, b.Parked[i])
		mu.Lock()
		defer mu.Unlock()
		sum.RU, errs = sum.RU+ru, append(errs, err)
		if err == nil {
			sum.Parked++
		}
	})
	each(len(b.Events), func(i int) {
		one, rung, err := p.one(ctx, b, b.Events[i])
		mu.Lock()
		defer mu.Unlock()
		sum.add(one)
		errs = append(errs, err)
		if rung.Leased {
			due = append(due, rung.Alert)
		}
	})
	sum.add(p.deliverAll(ctx, due, b))
	sum.RU += p.note(ctx, b) + p.countStaged(ctx, b)
	sum.add(p.learnFirst(ctx, b))
	return sum, errors.Join(errs...)
}

// one is the story of one event: record, match, ring.
func (p *Pipeline) one(ctx context.Context, b Batch, e activity.Event) (Summary, alert.Rung, error) {
	var sum Summary
	first, ru, err := p.Log.Append(ctx, e, b.ID)
	sum.RU += ru
	if err != nil {
		return sum, alert.Rung{}, fmt.Errorf("event %s: %w", e.ID, err)
	}
	if first {
		sum.Recorded++
	} else {
		sum.Duplicate++ // still rung: whoever recorded it may have died before ringing
	}
	counted, ru, err := p.correlated(ctx, &e)
	sum.RU += ru
	if err != nil {
		return sum, alert.Rung{}, fmt.Errorf("event %s: %w", e.ID, err)
	}
	ring, staged := p.met(e, counted)
	if first {
		b.staged.add(staged, &e, p.Now())
	}
	f, ok := p.finding(e, ring)
	if !ok {
		return sum, alert.Rung{}, nil
	}
	sum.Matched++
	f.Late = b.Late
	judged, silent, err := p.except(ctx, b, &f)
	if sum.add(judged); err != nil {
		return sum, alert.Rung{}, fmt.Errorf("event %s: %w", e.ID, err)
	}
	if silent {
		return sum, alert.Rung{}, nil
	}
	if b.Hold.Until.After(f.Hold.Until) {
		f.Hold = b.Hold
	}
	rung, err := p.Alerts.Ring(ctx, f, p.inline(b, f.To))
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

// inline is the lease with which an invocation delivers what it rang; without an end, when a channel is told faster
// than it can take: the timer brings order into that. What comes late anyway waits until all of it is counted.
func (p *Pipeline) inline(b Batch, to []string) alert.Lease {
	if b.Late != "" {
		return alert.Lease{Owner: b.ID}
	}
	for _, name := range to {
		if p.Budgets.room(name, p.Now()) <= int(b.leased.Load()) {
			return alert.Lease{Owner: b.ID}
		}
	}
	b.leased.Add(1)
	return p.lease(b.ID)
}

func (p *Pipeline) lease(owner string) alert.Lease {
	length := p.Lease
	if length <= 0 {
		length = 30 * time.Second
	}
	return alert.Lease{Owner: owner, Until: p.Now().Add(length)}
}

func (s *Summary) add(o Summary) {
	s.Recorded += o.Recorded
	s.Duplicate += o.Duplicate
	s.Matched += o.Matched
	s.Excepted += o.Excepted
	s.Rung += o.Rung
	s.Delivered += o.Delivered
	s.Edited += o.Edited
	s.Folded += o.Folded
	s.Retried += o.Retried
	s.Stuck += o.Stuck
	s.Learned += o.Learned
	s.Unlearned += o.Unlearned
	s.RU += o.RU
	s.Misworded += o.Misworded
}

// each calls work(0) … work(n-1), a few at a time, and waits for all.
func each(n int, work func(i int)) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, parallel)
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			work(i)
		})
	}
	wg.Wait()
}
