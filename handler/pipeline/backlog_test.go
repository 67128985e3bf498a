package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/outbox"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/handler/settings"
	"github.com/auditbell/auditbell/handler/store"
)

// switched is a destination that takes messages only while it is on.
type switched struct {
	mu        sync.Mutex
	off       bool
	headlines []string // of the messages that it took, edits included
	facts     []string // of all of them
}

func (s *switched) Deliver(_ context.Context, m notify.Message, _ notify.Ref) (notify.Ref, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.off {
		return notify.Ref{}, notify.Fail(notify.NotSent, errors.New("connection refused"))
	}
	s.headlines = append(s.headlines, m.Headline)
	for _, f := range m.Facts {
		s.facts = append(s.facts, f.Value)
	}
	return notify.Posted(m, notify.Accepted), nil
}

// graveEnd is a rule of high severity for the end of what the other rule reports at its beginning.
var graveEnd = strings.NewReplacer("Policy assignment deleted", "Policy assignment gone", "0b1d6f0e-6c3e-4f5d-9b7a-2f1c8a7d5e90", "0b1d6f0e-6c3e-4f5d-9b7a-2f1c8a7d5e92",
	"level: medium", "level: high\nauditbell:\n  id: gone\n  reason: It is gone.\n  outcomes: [succeeded]").Replace(rule)

// outage is a pipeline whose one destination can be switched off.
func outage(t *testing.T, around func(*store.Store) stored) (*pipeline.Pipeline, *switched, *fakeClock) {
	t.Helper()
	_, _, at, kept := storedHouse(t)
	begins := rule + "auditbell:\n  id: deleted\n  reason: It begins.\n  outcomes: [started]\n"
	all, err := rules.Load(fstest.MapFS{"rule.yml": {Data: []byte(begins)}, "grave.yml": {Data: []byte(graveEnd)}}, ".")
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.Compile(all)
	if err != nil {
		t.Fatal(err)
	}
	end := &switched{}
	p := wire(around(kept), &pipeline.Judge{Rules: set, Routes: []settings.Route{{To: []string{"channel"}}}}, &pipeline.Composer{},
		pipeline.Channels{Destinations: map[string]notify.Destination{"channel": end}})
	return p, end, at
}

// began is the first record of the n-th deletion, in a group of its own; ended is its second.
func began(n int, at time.Time) activity.Event {
	e := deleted(n, at)
	e.Outcome, e.ResourceGroup = activity.Started, fmt.Sprint("rg", n)
	return e
}

func ended(n int, at time.Time) activity.Event {
	e := began(n, at)
	e.ID, e.Outcome = fmt.Sprint("end", n), activity.Succeeded
	return e
}

// ticks runs the timer every 30 s.
func ticks(t *testing.T, p *pipeline.Pipeline, at *fakeClock, n int) {
	t.Helper()
	loggedTicks(t, p, at, n, slog.DiscardHandler)
}

func loggedTicks(t *testing.T, p *pipeline.Pipeline, at *fakeClock, n int, log slog.Handler) {
	t.Helper()
	for i := range n {
		at.advance(30 * time.Second)
		if _, err := p.DeliverDue(t.Context(), pipeline.Batch{ID: fmt.Sprint("tick", i, at.now()), Logger: slog.New(log)}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWhatBecomesGraveWhileItWaitsHasAMessageOfItsOwn has six alerts of medium severity wait for a destination; the end of
// one of them is of high severity. The other five are counted in a summary.
func TestWhatBecomesGraveWhileItWaitsHasAMessageOfItsOwn(t *testing.T) {
	t.Parallel()
	p, end, at := outage(t, func(s *store.Store) stored { return s })
	end.off = true
	for n := range 6 {
		handle(t, p, "", began(n, at.now()))
	}
	ticks(t, p, at, 30)
	handle(t, p, "", ended(3, at.now()))
	end.off = false
	ticks(t, p, at, 60)
	end.alone(t, "Policy assignment gone: pa-3")
}

// TestASummaryNamesWhatWaitedAsItIs has a seventh act join one of six alerts that wait: the summary says how many there are.
func TestASummaryNamesWhatWaitedAsItIs(t *testing.T) {
	t.Parallel()
	p, end, at := outage(t, func(s *store.Store) stored { return s })
	end.off = true
	for n := range 6 {
		handle(t, p, "", began(n, at.now()))
	}
	ticks(t, p, at, 10)
	again := began(7, at.now())
	again.ResourceGroup = began(3, at.now()).ResourceGroup
	handle(t, p, "", again)
	ticks(t, p, at, 20)
	end.off = false
	ticks(t, p, at, 60)
	if !slices.ContainsFunc(end.facts, func(f string) bool { return strings.Contains(f, "(×2)") }) {
		t.Errorf("no message says that there are two of one alert:\n%s\n%s", strings.Join(end.headlines, "\n"), strings.Join(end.facts, "\n"))
	}
}

// grownMeanwhile is a store of which an alert becomes grave in the moment in which it is counted in a summary.
type grownMeanwhile struct {
	*store.Store
	grow func(alert.Finding) // one that was counted; it is called once
}

func (g *grownMeanwhile) Fold(ctx context.Context, findings []alert.Finding) (alert.Alert, float64, error) {
	summary, ru, err := g.Store.Fold(ctx, findings)
	if grow := g.grow; grow != nil {
		g.grow = nil
		grow(findings[0])
	}
	return summary, ru, err
}

// TestWhatBecomesGraveWhileItIsCountedHasAMessageOfItsOwn is the same with the end of the operation between the two writes,
// for a backlog and for a storm.
func TestWhatBecomesGraveWhileItIsCountedHasAMessageOfItsOwn(t *testing.T) {
	t.Parallel()
	for name, alerts := range map[string]int{"backlog": 6, "storm": 200} {
		kept := &grownMeanwhile{}
		p, end, at := outage(t, func(s *store.Store) stored { kept.Store = s; return kept })
		end.off = name == "backlog"
		var all []activity.Event
		for n := range alerts {
			all = append(all, began(n, at.now()))
		}
		handle(t, p, "", all...)
		if end.off {
			ticks(t, p, at, 30)
		}
		end.off = false
		which := -1
		kept.grow = func(f alert.Finding) {
			_, number, _ := strings.Cut(f.Event.ResourceName, "pa-")
			_, _ = fmt.Sscan(number, &which) // -1 is no act
			end.off = true                   // else it is sent before the summary takes it
			handle(t, p, "", ended(which, at.now()))
			end.off = false
		}
		ticks(t, p, at, 60)
		if which < 0 {
			t.Fatalf("%s: nothing was counted in a summary:\n%s", name, strings.Join(end.headlines, "\n"))
		}
		end.alone(t, fmt.Sprint("Policy assignment gone: pa-", which))
	}
}

// alone reports an error when no message of its own begins as wanted.
func (s *switched) alone(t *testing.T, wanted string) {
	t.Helper()
	if !slices.ContainsFunc(s.headlines, func(line string) bool { return strings.HasPrefix(line, wanted) }) {
		t.Errorf("%q is in no message of its own:\n%s", wanted, strings.Join(s.headlines, "\n"))
	}
}

// overtaken is a store of which another instance delivers what waits, in the moment in which the first notes of what was
// counted are ended, or the last of so many alerts of a storm are handed over to their summary.
type overtaken struct {
	*store.Store
	other func()
	notes int
	after int64 // alerts handed over; 0: never
	given atomic.Int64
}

func (o *overtaken) Settle(ctx context.Context, ref alert.Ref, owner string, apply func(*alert.Alert)) (float64, error) {
	if o.after > 0 && o.given.Add(1) == o.after {
		o.other()
	}
	return o.Store.Settle(ctx, ref, owner, apply)
}

func (o *overtaken) EndWaiting(ctx context.Context, name string, w outbox.Waiting) (float64, error) {
	ru, err := o.Store.EndWaiting(ctx, name, w)
	if o.notes++; o.notes == 4 {
		o.other()
	}
	return ru, err
}

// TestWhatAStormCountsIsNotSentToo has 140 alerts at once. While one instance hands the counted ones over to their summary,
// another one sees so few that it would deliver these by themselves.
func TestWhatAStormCountsIsNotSentToo(t *testing.T) {
	t.Parallel()
	kept := &overtaken{}
	p, end, at := outage(t, func(s *store.Store) stored { kept.Store = s; return kept })
	second := wire(kept.Store, &pipeline.Judge{Rules: p.Rules, Routes: p.Routes}, &pipeline.Composer{},
		pipeline.Channels{Destinations: map[string]notify.Destination{"channel": end}})
	const alerts = 140
	var all []activity.Event
	for n := range alerts {
		all = append(all, began(n, at.now()))
	}
	handle(t, p, "", all...)
	sent := len(end.headlines)
	kept.after, kept.other = 60, func() {
		if _, err := second.DeliverDue(t.Context(), pipeline.Batch{ID: "second", Logger: slog.New(slog.DiscardHandler)}); err != nil {
			t.Error(err)
		}
	}
	ticks(t, p, at, 60)
	if kept.given.Load() < kept.after {
		t.Fatalf("%d alerts were handed over, after %d were sent", kept.given.Load(), sent)
	}
	counted, alone := 0, 0
	for _, line := range end.headlines {
		if n := 0; strings.HasPrefix(line, "Alert storm: ") {
			_, _ = fmt.Sscanf(line, "Alert storm: %d alerts", &n)
			counted = max(counted, n)
		} else {
			alone++
		}
	}
	if counted < 50 || counted+alone != alerts {
		t.Errorf("%d alerts are counted in a summary and %d have a message of their own, of %d", counted, alone, alerts)
	}
}

// TestWhatIsCountedInASummaryIsNotSentToo has seven alerts wait for a destination. While one instance counts them, another
// one sees the few that are left and would deliver these by themselves.
func TestWhatIsCountedInASummaryIsNotSentToo(t *testing.T) {
	t.Parallel()
	kept := &overtaken{other: func() {}}
	p, end, at := outage(t, func(s *store.Store) stored { kept.Store = s; return kept })
	second := wire(kept.Store, &pipeline.Judge{Rules: p.Rules, Routes: p.Routes}, &pipeline.Composer{},
		pipeline.Channels{Destinations: map[string]notify.Destination{"channel": end}})
	end.off = true
	const alerts = 7
	for n := range alerts {
		handle(t, p, "", began(n, at.now()))
	}
	ticks(t, p, at, 30)
	end.off = false
	kept.notes, kept.other = 0, func() {
		if _, err := second.DeliverDue(t.Context(), pipeline.Batch{ID: "second", Logger: slog.New(slog.DiscardHandler)}); err != nil {
			t.Error(err)
		}
	}
	ticks(t, p, at, 60)
	if kept.notes < 4 {
		t.Fatalf("%d notes were ended, nothing was counted:\n%s", kept.notes, strings.Join(end.headlines, "\n"))
	}
	all := strings.Join(append(slices.Clone(end.headlines), end.facts...), "\n")
	for n := range alerts {
		name := fmt.Sprint("pa-", n)
		alone := slices.ContainsFunc(end.headlines, func(line string) bool { return strings.Contains(line, name) })
		if listed := slices.ContainsFunc(end.facts, func(fact string) bool { return strings.Contains(fact, "deleted: "+name) }); alone == listed {
			t.Errorf("%s is in a message of its own: %v, in a summary: %v\n%s", name, alone, listed, all)
		}
	}
}
