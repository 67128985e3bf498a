package host

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestSchedule(t *testing.T) {
	t.Parallel()
	cases := []struct{ expression, from, want string }{
		{"*/30 * * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:00:30Z"},
		{"0 */5 * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:05:00Z"},
		{"0 5 * * * *", "2026-01-01T00:05:00+02:00", "2025-12-31T23:05:00Z"}, // UTC, whatever zone is asked in
		{"0 0 2 1 * *", "2026-01-15T00:00:00Z", "2026-02-01T02:00:00Z"},
		{"0 0 9 * JAN MON-FRI", "2026-01-31T00:00:00Z", "2027-01-01T09:00:00Z"},
		{"0 0 0 13 * 5", "2026-01-01T00:00:00Z", "2026-02-13T00:00:00Z"}, // the 13th AND a Friday
		{"*/10 * * * *", "2026-01-01T00:00:01Z", "2026-01-01T00:10:00Z"}, // five fields: no seconds
	}
	for _, c := range cases {
		s, err := parseSchedule(c.expression)
		if err != nil {
			t.Errorf("%s: %v", c.expression, err)
			continue
		}
		if got := s.next(at(c.from)); !got.Equal(at(c.want)) {
			t.Errorf("%s after %s: got %s, want %s", c.expression, c.from, got, c.want)
		}
	}
	for _, bad := range []string{"", "@hourly", "TZ=UTC 0 0 * * * *", "0 0 * * *  * *", "00:05:00", "61 * * * * *", "0 0 0 ? * *", "0 0 0 30 2 *", "0 0 0 30 2 1"} {
		if _, err := parseSchedule(bad); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

// A timer under a fake clock: synctest moves time on whenever everybody waits.
func newTestTimer(t *testing.T, schedule, folder string) *timer {
	t.Helper()
	f := &function{name: "tick", trigger: binding{Type: "timerTrigger", Name: "timer", Schedule: schedule}}
	timers, err := newTimers(&app{env: newEnvironment([]string{"EVERY=0 0 * * * *"}), functions: []*function{f}}, folder)
	if err != nil {
		t.Fatal(err)
	}
	return timers["tick"]
}

// record runs the timer for a while and returns when it fired, with what it was told.
func record(tm *timer, d time.Duration, run func() error) []string {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	var fired []string
	tm.loop(ctx, func(_ *timer, pastDue bool) error {
		mark := ""
		if pastDue {
			mark = " past due"
		}
		fired = append(fired, time.Now().UTC().Format("15:04:05")+mark)
		return run()
	})
	return fired
}

func nothing() error { return nil }

func TestTimerFiresBySchedule(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // begins at midnight
		got := record(newTestTimer(t, "%EVERY%", ""), 3*time.Hour+time.Minute, nothing)
		if diff := cmp.Diff([]string{"01:00:00", "02:00:00", "03:00:00"}, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

func TestTimerFailureCountsAsDone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tm := newTestTimer(t, "0 0 * * * *", "")
		got := record(tm, 2*time.Hour+time.Minute, func() error { return errors.New("store is down") })
		if diff := cmp.Diff([]string{"01:00:00", "02:00:00"}, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if s := tm.snapshot(); s.Last.UTC().Hour() != 2 || s.Next.Hour() != 3 {
			t.Errorf("status %+v", s)
		}
	})
}

// Runs never overlap; a tick that passes during a run is made up for at once, others are lost.
func TestTimerLongRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		got := record(newTestTimer(t, "0 * * * * *", ""), 6*time.Minute+time.Second, func() error {
			<-time.After(150 * time.Second)
			return nil
		})
		if diff := cmp.Diff([]string{"00:01:00", "00:03:30", "00:06:00"}, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

func TestTimerRunOnStartup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tm := newTestTimer(t, "0 0 * * * *", "")
		tm.function.trigger.RunOnStartup = true
		<-time.After(time.Minute)
		if diff := cmp.Diff([]string{"00:01:00", "01:00:00"}, record(tm, time.Hour, nothing)); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// A tick missed between two hosts is noticed at the second one's start, once, however many there were.
func TestTimerPastDue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		record(newTestTimer(t, "0 0 * * * *", folder), 90*time.Minute, nothing) // 01:00 fired
		<-time.After(3 * time.Hour)
		got := record(newTestTimer(t, "0 0 * * * *", folder), time.Hour, nothing)
		if diff := cmp.Diff([]string{"04:30:00 past due", "05:00:00"}, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		<-time.After(10 * time.Minute) // 05:40: nothing missed
		if got := record(newTestTimer(t, "0 0 * * * *", folder), time.Minute, nothing); len(got) > 0 {
			t.Errorf("fired %v", got)
		}
		<-time.After(10 * time.Hour) // missed by the old schedule, not by the new one
		if got := record(newTestTimer(t, "0 45 * * * *", folder), time.Second, nothing); len(got) > 0 {
			t.Errorf("a changed schedule fired %v", got)
		}
		writeFile(t, filepath.Join(folder, "tick.json"), "broken")
		if got := record(newTestTimer(t, "0 45 * * * *", folder), time.Second, nothing); len(got) > 0 {
			t.Errorf("a broken status fired %v", got)
		}
	})
}

// A first run that never came is past due too: the status is written when the timer is first seen.
func TestTimerPastDueBeforeTheFirstRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		record(newTestTimer(t, "0 0 12 * * *", folder), time.Minute, nothing)
		<-time.After(24 * time.Hour)
		if got := record(newTestTimer(t, "0 0 12 * * *", folder), time.Second, nothing); len(got) != 1 {
			t.Errorf("fired %v, want once", got)
		}
	})
}

func TestTimerValue(t *testing.T) {
	t.Parallel()
	hourly := newTestTimer(t, "0 0 * * * *", "")
	hourly.start(at("2026-01-02T03:04:05Z"))
	if got, want := string(hourly.value(false)), `{"Schedule":{"AdjustForDST":true},"ScheduleStatus":{"Last":"0001-01-01T00:00:00+00:00","Next":"2026-01-02T04:00:00+00:00","LastUpdated":"2026-01-02T03:04:05+00:00"},"IsPastDue":false}`; got != want {
		t.Errorf("first run: got %s\nwant %s", got, want)
	}
	hourly.advance(at("2026-01-02T04:00:00.1234567+00:00"))
	if got := string(hourly.value(true)); !strings.Contains(got, `"Last":"2026-01-02T04:00:00.1234567+00:00"`) || !strings.HasSuffix(got, `"IsPastDue":true}`) {
		t.Errorf("past due: got %s", got)
	}
	// More than one tick a minute switches the monitor off, and with it ScheduleStatus.
	if got, want := string(newTestTimer(t, "*/30 * * * * *", "").value(false)), `{"Schedule":{"AdjustForDST":true},"ScheduleStatus":null,"IsPastDue":false}`; got != want {
		t.Errorf("frequent: got %s\nwant %s", got, want)
	}
}

func TestTimerSettingMustBeThere(t *testing.T) {
	t.Parallel()
	var o Options
	prepare(t, &o, nil)
	writeFile(t, filepath.Join(o.Root, "tick", "function.json"), `{"bindings":[{"type":"timerTrigger","name":"timer","schedule":"%NOT_THERE%"}]}`)
	if _, err := Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), "NOT_THERE is not set") || !strings.Contains(err.Error(), "hint:") {
		t.Errorf("got %v", err)
	}
	writeFile(t, filepath.Join(o.Root, "tick", "function.json"), `{"bindings":[{"type":"timerTrigger","name":"timer","schedule":"hourly"}]}`)
	if _, err := Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), "schedule of tick") {
		t.Errorf("got %v", err)
	}
}

func TestTimerTicksForReal(t *testing.T) {
	t.Parallel()
	r := newRig(t, map[string]string{"tick": `{"bindings":[{"type":"timerTrigger","name":"timer","schedule":"* * * * * *"}]}`}, Options{}, nil)
	r.await("Executed 'Functions.tick' (Succeeded")
	if got := string(r.envelope(0).Data["timer"]); !strings.Contains(got, `"IsPastDue":false`) {
		t.Errorf("got %s", got)
	}
}

func TestRetryPolicy(t *testing.T) {
	t.Parallel()
	fails := 2
	r := newRig(t, map[string]string{"hub": `{"bindings":[{"type":"eventHubTrigger","name":"m"}],"retry":{"strategy":"fixedDelay","maxRetryCount":2,"delayInterval":"00:00:00"}}`}, Options{}, func(seen) reply {
		if fails--; fails >= 0 {
			return reply{Status: 500, Type: "application/json", Body: "{}"}
		}
		return ok
	})
	if status, answer, _ := r.do("POST", "/runtime/webhooks/eventhub?functionName=hub", `x`); status != 202 {
		t.Errorf("got %d %s\n%s", status, answer, r.log())
	}
	for i, want := range []string{`{"MaxRetryCount":2,"RetryCount":0}`, `"RetryCount":1}`, `"RetryCount":2}`} {
		if got := string(r.envelope(i).Metadata["RetryContext"]); !strings.HasSuffix(got, want) || i > 0 && !strings.Contains(got, `"Exception":{"Message":`) {
			t.Errorf("attempt %d: got %s, want %s", i, got, want)
		}
	}
	p := &retryPolicy{Strategy: "exponentialBackoff", MaxRetryCount: -1, MinimumInterval: "00:00:02", MaximumInterval: "00:00:15"}
	if err := p.check("timerTrigger"); err != nil || !p.allows(1000) {
		t.Errorf("exponential: %v", err)
	}
	for n, want := range []time.Duration{2, 4, 8, 15, 15} {
		if got := p.delay(n); got != want*time.Second {
			t.Errorf("delay %d: got %s, want %ds", n, got, want)
		}
	}
}
