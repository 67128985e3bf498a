package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/pipeline"
)

// oracle answers one question about every event. What it does before it answers is the test's.
type oracle struct {
	before func(e activity.Event)
	found  alert.Learned
	later  bool

	mu    sync.Mutex
	asked []string // resources
}

func (*oracle) For(*activity.Event) []string { return []string{"role"} }

func (o *oracle) Look(_ context.Context, e activity.Event, names []string) (alert.Learned, []string) {
	o.mu.Lock()
	o.asked = append(o.asked, e.ResourceName)
	o.mu.Unlock()
	if o.before != nil {
		o.before(e)
	}
	if o.later {
		return alert.Learned{}, names
	}
	return o.found, nil
}

func (o *oracle) times() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.asked)
}

// owner is what the oracle found, and elsewhere is what readers see of it.
var owner = alert.Learned{Facts: []alert.Fact{{Name: "Owner", Value: "net@contoso.example"}}}

func (h *headlines) lines() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.sent)
}

func run(t *testing.T, p *pipeline.Pipeline, id string) pipeline.Summary {
	t.Helper()
	sum, err := p.DeliverDue(t.Context(), pipeline.Batch{ID: id, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// The order needs no clock to be shown: whoever looks something up finds the first message posted already, and every
// alert of the invocation, not only its own.
func TestPostFirstEditLater(t *testing.T) {
	t.Parallel()
	p, end, at := lateHouse(t)
	const n = 20
	ask := &oracle{found: owner}
	ask.before = func(e activity.Event) {
		if posted := len(end.lines()); posted < n {
			t.Errorf("%s is looked up when %d of %d first messages are out", e.ResourceName, posted, n)
		}
	}
	p.Lookups = ask
	var events []activity.Event
	for i := range n {
		e := deleted(i, at.now())
		e.ResourceGroup = fmt.Sprint("rg", i)
		events = append(events, e)
	}
	sum := handle(t, p, "", events...)
	lines := end.lines()
	edits := slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return !strings.HasPrefix(l, "edit: ") })
	if sum.Learned != n || sum.Edited != n || len(lines) != 2*n || len(edits) != n || slices.ContainsFunc(lines[:n], func(l string) bool { return strings.HasPrefix(l, "edit: ") }) {
		t.Errorf("learned %d, edited %d; told:\n%s", sum.Learned, sum.Edited, strings.Join(lines, "\n"))
	}
	run(t, p, "timer")
	if again := len(end.lines()); again != 2*n || ask.times() != n {
		t.Errorf("the timer told %d more and asked %d more", again-2*n, ask.times()-n)
	}
}

func TestWhatDoesNotRingAsksNothing(t *testing.T) {
	t.Parallel()
	p, end, at := lateHouse(t)
	ask := &oracle{found: owner}
	p.Lookups = ask
	e := deleted(1, at.now())
	e.Operation = "microsoft.resources/tags/write"
	handle(t, p, "", e)
	run(t, p, "timer")
	if ask.times() != 0 || len(end.lines()) != 0 {
		t.Errorf("%d questions and %d messages for an event that does not ring", ask.times(), len(end.lines()))
	}
	handle(t, p, "", deleted(2, at.now()), deleted(3, at.now()), deleted(2, at.now())) // one alert, ×2, and a redelivery
	if ask.times() != 1 {
		t.Errorf("%d questions for one alert, want 1", ask.times())
	}
}

// A storm is told in one message; its alerts are not looked up one by one.
func TestAStormDoesNotMultiplyLookups(t *testing.T) {
	t.Parallel()
	p, end, at := lateHouse(t)
	ask := &oracle{found: owner}
	p.Lookups = ask
	const n = 200
	var events []activity.Event
	for i := range n {
		e := deleted(i, at.now())
		e.ResourceGroup = fmt.Sprint("rg", i)
		events = append(events, e)
	}
	handle(t, p, "", events...)
	for i := range 5 {
		at.advance(30 * time.Second)
		run(t, p, fmt.Sprint("timer", i))
	}
	posts, summaries := 0, 0
	for _, l := range end.lines() {
		if strings.HasPrefix(l, "Policy assignment deleted") {
			posts++
		}
		if strings.HasPrefix(l, "Alert storm") {
			summaries++
		}
	}
	if ask.times() != posts || posts > n/2 || summaries != 1 {
		t.Errorf("%d alerts: %d shown one by one, %d summaries, %d looked up; want as many as shown", n, posts, summaries, ask.times())
	}
}

// forgetful is a store in which nothing that was learned is kept: the process was killed before.
type forgetful struct{ stored }

func (forgetful) Change(context.Context, alert.Ref, func(*alert.Alert) bool) (float64, error) {
	return 0, errors.New("killed")
}

func TestKilledBetweenMessageAndEdit(t *testing.T) {
	t.Parallel()
	p, end, at, kept := storedHouse(t)
	p.Lookups = &oracle{found: owner}
	handle(t, wire(forgetful{kept}, p.Judge, p.Composer, p.Channels), "", deleted(1, at.now()))
	run(t, p, "at once")
	if n := len(end.lines()); n != 1 {
		t.Fatalf("told %v; the question is the invocation's for 30 s", end.lines())
	}
	at.advance(31 * time.Second)
	sum := run(t, p, "timer")
	got := end.lines()
	if sum.Learned != 1 || len(got) != 2 || got[1] != "edit: "+got[0] {
		t.Errorf("learned %d, told %q; want one message and its edit", sum.Learned, got)
	}
}

func TestQuestionsWithoutAnswerAreGivenUp(t *testing.T) {
	t.Parallel()
	p, end, at, kept := storedHouse(t)
	ask := &oracle{later: true}
	p.Lookups = ask
	handle(t, p, "", deleted(1, at.now()))
	var total pipeline.Summary
	for i := range 60 {
		at.advance(30 * time.Second)
		sum := run(t, p, fmt.Sprint("timer", i))
		total.Learned, total.Unlearned = total.Learned+sum.Learned, total.Unlearned+sum.Unlearned
	}
	if ask.times() != 4 || total.Unlearned != 1 || total.Learned != 0 || len(end.lines()) != 1 {
		t.Errorf("asked %d times, gave up %d, learned %d, told %v; want 4, 1, 0 and one message", ask.times(), total.Unlearned, total.Learned, end.lines())
	}
	if refs, err := kept.Due(t.Context(), 10); err != nil || len(refs) != 0 {
		t.Errorf("%v are still due, %v", refs, err)
	}
}

// Whoever switches lookups off leaves open questions behind. They are closed, or they would be due for ever.
func TestSwitchedOff(t *testing.T) {
	t.Parallel()
	p, end, at, kept := storedHouse(t)
	p.Lookups = &oracle{later: true}
	handle(t, p, "", deleted(1, at.now()))
	p.Lookups = nil
	at.advance(time.Hour)
	run(t, p, "timer")
	if refs, err := kept.Due(t.Context(), 10); err != nil || len(refs) != 0 || len(end.lines()) != 1 {
		t.Errorf("%v are still due, %v; told %v", refs, err, end.lines())
	}
}

// An invocation that is late already leaves its questions to the timer.
func TestALateInvocationAsksNothing(t *testing.T) {
	t.Parallel()
	p, end, at := lateHouse(t)
	ask := &oracle{found: owner}
	p.Lookups = ask
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
	defer cancel()
	if _, err := p.Handle(ctx, pipeline.Batch{ID: "late", Logger: slog.New(slog.DiscardHandler), Events: []activity.Event{deleted(1, at.now())}}); err != nil {
		t.Fatal(err)
	}
	if ask.times() != 0 || len(end.lines()) != 1 {
		t.Errorf("asked %d times with eight seconds left; told %v", ask.times(), end.lines())
	}
	at.advance(31 * time.Second)
	if sum := run(t, p, "timer"); sum.Learned != 1 {
		t.Errorf("the timer learned %d, want 1", sum.Learned)
	}
}

// A second record of the operation arrives while its first is looked up: both find their way into one message.
func TestARecordArrivesMeanwhile(t *testing.T) {
	t.Parallel()
	p, end, at := lateHouse(t)
	ask := &oracle{found: owner}
	started, done := deleted(1, at.now()), deleted(1, at.now())
	started.Outcome = activity.Started
	done.ID = "e1-done"
	var once sync.Once
	ask.before = func(activity.Event) {
		once.Do(func() { handle(t, p, "", done) })
	}
	p.Lookups = ask
	handle(t, p, "", started)
	at.advance(time.Minute)
	run(t, p, "timer")
	first := 0
	for _, l := range end.lines() {
		if !strings.HasPrefix(l, "edit: ") {
			first++
		}
	}
	if first != 1 || len(end.lines()) < 2 {
		t.Errorf("told %q, want one message and edits", end.lines())
	}
}
