package app_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/host"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/rules"
)

// ledger is a store that records every event once, except that one operation fails.
type ledger struct {
	pipeline.Log
	pipeline.Counts
	fail map[string]func() error

	mu      sync.Mutex
	known   map[string]bool
	batches []int // what a rule on trial counted, batch by batch
}

func (l *ledger) Append(_ context.Context, e activity.Event, _ string) (first bool, ru float64, err error) {
	if fail := l.fail[e.Operation]; fail != nil {
		return false, 0, fail()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	first = !l.known[e.ID]
	l.known[e.ID] = true
	return first, 0, nil
}

func (l *ledger) AddToFeed(context.Context, string, int, time.Time) (float64, error) { return 0, nil }

func (l *ledger) CountStaged(_ context.Context, _ string, _ time.Time, n int) (float64, error) {
	l.batches = append(l.batches, n)
	return 0, nil
}

// TestALargeDeliveryIsTakenInChunks delivers more events than are held at once. One in the middle fails, or panics: the delivery
// does, every other event is recorded, and nothing is counted twice when it comes again.
func TestALargeDeliveryIsTakenInChunks(t *testing.T) {
	t.Parallel()
	const events, most = 2500, 1000
	trial := "title: t\nstatus: experimental\nlogsource: {product: azure, service: activitylogs}\ndetection:\n  selection: {operation|contains: write}\n  condition: selection\nauditbell: {id: t}\n"
	loaded, err := rules.Load(fstest.MapFS{"t.yml": {Data: []byte(trial)}}, ".")
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.Compile(loaded)
	if err != nil {
		t.Fatal(err)
	}
	var records []string
	for i := range events {
		records = append(records, fmt.Sprintf(`{"operationName":"a/b%d/write","time":"2026-11-22T12:00:00Z","category":"Administrative"}`, i))
	}
	delivery := []byte("[" + strings.Join(records, ",") + "]")
	for name, fail := range map[string]func() error{
		"fails":  func() error { return errors.New("the store does not answer") },
		"panics": func() error { panic("cursed") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &ledger{known: map[string]bool{}, fail: map[string]func() error{"a/b1200/write": fail}}
			a := wired(l, set)
			if _, err := take(t, a, delivery); err == nil || !strings.Contains(err.Error(), "store does not answer") && !strings.Contains(err.Error(), "cursed") {
				t.Errorf("the delivery that fails is answered %v", err)
			}
			if len(l.known) != events-1 {
				t.Errorf("%d events are recorded, want all of %d but one", len(l.known), events)
			}
			l.fail = nil
			sum, err := take(t, a, delivery)
			if sum.RU = 0; err != nil || sum.Received != events || sum.Recorded != 1 || sum.Duplicate != events-1 {
				t.Errorf("when it comes again: %+v, %v", sum, err)
			}
			counted := 0
			for _, n := range l.batches {
				if counted += n; n > most {
					t.Errorf("%d events were held at once", n)
				}
			}
			if name == "fails" && counted != events {
				t.Errorf("a rule on trial counted %v, together %d", l.batches, counted)
			}
		})
	}
}

// wired is an app that has nothing but an intake.
func wired(l *ledger, set *rules.Set) *app.App {
	j := &pipeline.Judge{Rules: set, Now: time.Now}
	courier := pipeline.NewCourier(nil, nil, pipeline.Desk{Now: time.Now}, pipeline.Channels{})
	in := pipeline.NewIntake(pipeline.Books{Log: l, Counts: l}, pipeline.Staff{Judge: j, Courier: courier, Learner: pipeline.NewLearner(nil, j, courier)})
	return &app.App{Pipeline: &pipeline.Pipeline{Intake: in}, Now: time.Now}
}

// take delivers; a panic is an error, as it is to the host.
func take(t *testing.T, a *app.App, delivery []byte) (sum pipeline.Summary, err error) {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return a.Take(t.Context(), host.Invocation{ID: "delivery", Function: "feed", Logger: slog.New(slog.DiscardHandler)}, delivery)
}
