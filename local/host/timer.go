package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// status is when a timer last ran and is to run next. Last is zero before the first run, LastUpdated says from what
// Next was computed then.
type status struct {
	Last, Next, LastUpdated time.Time
}

// timer fires one function. It keeps the rules of TimerListener.cs and ScheduleMonitor.cs: a missed tick is noticed at
// the start only and made up for once; a failed run counts as done.
type timer struct {
	function *function
	schedule schedule
	monitor  bool   // keeps status across starts and shows it to the function
	file     string // where, one JSON file per function; empty: memory only

	mu     sync.Mutex
	status status
}

// newTimers reads the schedules of all timer functions. %NAME% is an app setting; unlike in arguments one that is not
// set is an error, as the extension cannot parse what is left.
func newTimers(a *app, folder string) (map[string]*timer, error) {
	timers := map[string]*timer{}
	for _, f := range a.functions {
		if f.trigger.Type != "timerTrigger" {
			continue
		}
		expression, missing := a.env.expand(f.trigger.Schedule)
		if len(missing) > 0 {
			return nil, fmt.Errorf("read schedule of %s: %s is not set\nhint: add it to the app settings, e.g. \"*/30 * * * * *\"", f.name, strings.Join(missing, ", "))
		}
		s, err := parseSchedule(expression)
		if err != nil {
			return nil, fmt.Errorf("read schedule of %s: %w", f.name, err)
		}
		t := &timer{function: f, schedule: s}
		// useMonitor is true by default, but a timer that ticks more than once a minute never has a status.
		t.monitor = (f.trigger.UseMonitor == nil || *f.trigger.UseMonitor) && !s.frequent(time.Now())
		if folder != "" && t.monitor {
			t.file = filepath.Join(folder, f.name+".json")
		}
		timers[f.name] = t
	}
	return timers, nil
}

// runTimer invokes a timer's function; pastDue is what it is told.
type runTimer func(t *timer, pastDue bool) error

// loop fires the timer until ctx ends. Runs of one timer never overlap.
func (t *timer) loop(ctx context.Context, run runTimer) {
	if pastDue := t.start(time.Now()); pastDue || t.function.trigger.RunOnStartup {
		now := time.Now()
		_ = run(t, pastDue) // already in the log; a failed run is not repeated
		t.advance(now)
	}
	for ctx.Err() == nil {
		wait := time.NewTimer(time.Until(t.snapshot().Next))
		select {
		case <-ctx.Done():
			wait.Stop()
			return
		case <-wait.C:
			t.tick(time.Now(), run)
		}
	}
}

// tick is a run that the schedule asked for.
func (t *timer) tick(now time.Time, run runTimer) {
	_ = run(t, false /* past due */) // as above
	if next := t.snapshot().Next; next.After(now) {
		now = next // the clock was a little early; the same tick must not come twice
	}
	t.advance(now)
}

// advance moves the status on after a run that began at the given time, whatever came of it.
func (t *timer) advance(began time.Time) {
	t.set(status{Last: began, Next: t.schedule.next(began), LastUpdated: began})
}

// start reads the stored status, adapts it to a schedule that has changed, and says whether a tick was missed.
func (t *timer) start(now time.Time) (pastDue bool) {
	stored, ok := t.load()
	if !ok {
		t.set(status{Next: t.schedule.next(now), LastUpdated: now})
		return false
	}
	from := stored.Last
	if from.IsZero() {
		from = stored.LastUpdated
	}
	expected := t.schedule.next(from)
	if !stored.Next.Equal(expected) { // another schedule: what it would have missed does not count
		if now.After(expected) {
			from = now
			expected = t.schedule.next(now)
		}
		stored = status{Next: expected, LastUpdated: from}
	}
	t.set(stored)
	return now.After(stored.Next)
}

func (t *timer) snapshot() status {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.status
}

func (t *timer) set(s status) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.status = s
	if t.file != "" {
		_ = save(t.file, encode(s)) // the next start then knows less, as when the blob cannot be written
	}
}

func (t *timer) load() (s status, ok bool) {
	if t.file == "" {
		return status{}, false
	}
	data, err := os.ReadFile(t.file)
	if err != nil || json.Unmarshal(data, &s) != nil {
		return status{}, false
	}
	return s, true
}

// save replaces a file in one step, so that a kill leaves the old status or the new one.
func save(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	temporary := path + ".new"
	if err := os.WriteFile(temporary, data, 0o644); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

// wireStatus is ScheduleStatus as .NET prints it; a first run has year 1.
type wireStatus struct {
	Last, Next, LastUpdated string
}

const dotnetTime = "2006-01-02T15:04:05.9999999-07:00"

// value is the trigger value, TimerInfo. ScheduleStatus is null for a timer that is not monitored.
func (t *timer) value(pastDue bool) json.RawMessage {
	info := struct {
		Schedule       map[string]bool
		ScheduleStatus *wireStatus
		IsPastDue      bool
	}{Schedule: map[string]bool{"AdjustForDST": true}, IsPastDue: pastDue}
	if t.monitor {
		s := t.snapshot()
		info.ScheduleStatus = &wireStatus{
			Last: s.Last.UTC().Format(dotnetTime), Next: s.Next.UTC().Format(dotnetTime), LastUpdated: s.LastUpdated.UTC().Format(dotnetTime),
		}
	}
	return encode(info)
}

// invokeTimer runs a timer's function.
func (h *Host) invokeTimer(t *timer, pastDue bool) error {
	_, err := h.invoke(t.function, values{t.function.trigger.Name: wire(t.value(pastDue))}, values{})
	return err
}
