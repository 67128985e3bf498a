// Package pipeline is the story of one event, and of one delivery.
//
// Intake records an event, judges it by the rules, and commits it as, or into, an alert. Only then is it acknowledged.
// Courier brings a destination to the newest revision of an alert and notes how far it got. The order is always commit,
// deliver, mark: a crash between the last two repeats a message, and nothing can lose one. Learner asks what an event
// does not say, and Watch looks for what a person must know about Auditbell itself.
//
// Judge and Composer hold what the operator chose: which events become alerts and where they go, and what a message
// says. They need no store. What the store and the channels are is not known here; they come in through small
// interfaces, declared beside who uses them.
package pipeline

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/turns"
)

// Pipeline is everything of this package wired together. Safe for concurrent use.
type Pipeline struct {
	*Judge
	*Composer
	*Intake // nil, as the following, without a store
	*Courier
	*Watch
	*Learner

	Now func() time.Time
}

// Offline is a pipeline without a store: it judges and composes, and can neither take in nor deliver.
func Offline(j *Judge, c *Composer, now func() time.Time) *Pipeline {
	j.Now, c.Now = now, now
	return &Pipeline{Judge: j, Composer: c, Now: now}
}

// DeliverDue brings every alert that is behind and due to its newest revision, everywhere, and then asks what is still
// open about those that were sent. It is level-triggered: it looks at what is, not at what happened, so a missed or
// doubled tick changes nothing.
func (p *Pipeline) DeliverDue(ctx context.Context, b Batch) (Summary, error) {
	b.asking = &asking{}
	if b.Patience > 0 {
		b.until = time.Now().Add(b.Patience)
	}
	sum, err := p.deliverDue(ctx, b)
	sum.add(p.learnDue(ctx, b))
	again, failed := p.judgeAgain(ctx, b)
	sum.add(again)
	return sum, errors.Join(err, failed)
}

// Batch is what one invocation brought.
type Batch struct {
	ID       string // unique for each attempt; the host's invocation id
	Function string // through which it came
	Events   []activity.Event
	Parked   []activity.Parked
	States   []activity.State // what Azure says of resources: no records
	Logger   *slog.Logger

	// Late says why the events come long after they happened ("replayed on 2026-11-22"); empty: they come as they
	// happen. Alerts that they open say so to their readers, and no feed is credited with them.
	Late string
	// Hold makes every alert of the batch wait, to be summed up with the others of its name at its end. What was found
	// long after it happened comes by the thousand, and nobody would read it one by one. Zero: routes and windows decide.
	Hold alert.Hold

	// Patience is how long a run of the timer may wait for the budgets of channels before it leaves the rest to the next run.
	Patience time.Duration

	until      time.Time     // when Patience is over
	probe      string        // the destination that an alert is sent to although it waits for it
	noted      string        // the severity under which it waits there
	marked     *alert.Alert  // takes the alert as it was marked after its delivery
	crowd      int           // alerts that are due at once
	leased     *atomic.Int32 // alerts of this batch that will be sent at its end
	staged     *staging
	began      time.Time                // when the invocation began
	summed     time.Time                // up to when what was held is in summaries, or is to be sent by itself
	again      map[string]alert.Pending // by event: acts that are judged again
	completeBy time.Time                // when its events must be judged by what is known
	asking     *asking                  // alerts that were sent and have open questions
	spent      <-chan struct{}          // closed when the lease of the alert in hand is too old for a message to be begun
}

// Summary counts what became of a batch; its fields are the names of metrics.
type Summary struct {
	Received  int     `json:"received"`
	Recorded  int     `json:"recorded"`
	Duplicate int     `json:"duplicate"`
	Matched   int     `json:"matched"`
	Excepted  int     `json:"excepted"`          // findings that exceptions suppressed
	Opened    int     `json:"opened"`            // alerts
	Sent      int     `json:"sent"`              // first messages, confirmed or accepted
	Edited    int     `json:"edited"`            // later revisions
	Retried   int     `json:"retried"`           // attempts that failed and will be made again
	Stuck     int     `json:"stuck"`             // deliveries that wait for a destination to be well again
	Reduced   int     `json:"reduced,omitempty"` // messages that were refused in full and taken with less in them
	Folded    int     `json:"folded"`            // alerts counted in a summary in place of a message of their own
	Parked    int     `json:"parked"`            // what came in and was no event
	States    int     `json:"states,omitempty"`  // what Azure said of resources, and was kept for lookups
	RU        float64 `json:"ru"`

	Learned   int `json:"learned,omitempty"`   // lookups that were answered
	Unlearned int `json:"unlearned,omitempty"` // lookups that were given up
	Misworded int `json:"misworded,omitempty"` // texts that a template of the operator's failed to make
}

// Add counts what another part of the same delivery brought.
func (s *Summary) Add(o Summary) {
	s.Received += o.Received
	s.add(o)
}

func (s *Summary) add(o Summary) {
	s.Parked += o.Parked
	s.States += o.States
	s.Recorded += o.Recorded
	s.Duplicate += o.Duplicate
	s.Matched += o.Matched
	s.Excepted += o.Excepted
	s.Opened += o.Opened
	s.Sent += o.Sent
	s.Edited += o.Edited
	s.Folded += o.Folded
	s.Retried += o.Retried
	s.Stuck += o.Stuck
	s.Reduced += o.Reduced
	s.Learned += o.Learned
	s.Unlearned += o.Unlearned
	s.RU += o.RU
	s.Misworded += o.Misworded
}

// parallel bounds the events, and the alerts, of one invocation that are worked on at once: a delivery of 5,000
// events must not become 5,000 connections.
const parallel = 8

// each calls work(0) … work(n-1), a few at a time, and waits for all.
func each(ctx context.Context, n int, work func(ctx context.Context, i int)) {
	turns.Each(ctx, n, parallel, work)
}
