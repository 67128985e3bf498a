package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
)

func TestHabit(t *testing.T) {
	t.Parallel()
	a := open(t)
	at := func(day int, correlation string) activity.Event {
		a.clock.Store(int64(day) * int64(24*time.Hour))
		e := event(1, activity.Succeeded)
		e.Time, e.CorrelationID = activity.At(a.now()), correlation
		return e
	}
	day := func(n int) time.Time { return epoch.AddDate(0, 0, n) }
	for i, c := range []struct {
		event activity.Event
		last  time.Time
	}{
		{at(0, "c1"), time.Time{}},
		{at(0, "c1"), time.Time{}}, // asked again after a crash: the answer is the same
		{at(10, "c2"), day(0)},
		{at(10, "c2"), day(0)},
		{at(100, "c3"), day(10)},
	} {
		a.clock.Store(int64(c.event.Time.Sub(epoch)))
		h, err := a.Habit(t.Context(), c.event)
		if err != nil || !h.Last.Equal(c.last) || !h.Since.Equal(epoch) {
			t.Errorf("%d: last %v, since %v, %v; want %v since %v", i, h.Last, h.Since, err, c.last, epoch)
		}
	}
	other := at(101, "c4")
	other.Caller = "ADA@contoso.example"
	if h, err := a.another(t, a.server).Habit(t.Context(), other); err != nil || !h.Last.IsZero() || !h.Since.Equal(epoch) {
		t.Errorf("somebody else, another instance: %+v, %v", h, err)
	}
	other.Caller = "ada@CONTOSO.example"
	other.CorrelationID = "c5"
	if h, err := a.Habit(t.Context(), other); err != nil || h.Last.IsZero() {
		t.Errorf("the same in other letters: %+v, %v", h, err)
	}
}

func TestRecentAndRelated(t *testing.T) {
	t.Parallel()
	a := open(t)
	put := func(n int, caller, correlation string, ago time.Duration) {
		e := event(n, activity.Succeeded)
		e.Caller, e.CorrelationID, e.Time = caller, correlation, activity.At(epoch.Add(-ago))
		if _, _, err := a.Append(t.Context(), e, "me"); err != nil {
			t.Fatal(err)
		}
	}
	put(1, "Rob@contoso.example", "C-1", time.Minute)
	put(2, "rob@contoso.example", "c-1", 50*time.Minute)
	put(3, "rob@contoso.example", "c-2", 70*time.Minute) // in the hour before, and too long ago
	put(4, "ada@contoso.example", "c-1", time.Minute)
	put(5, "rob@contoso.example", "c-3", 26*time.Hour)
	correlations := func(events []activity.Event) (out []string) {
		for _, e := range events {
			out = append(out, e.CorrelationID+" "+e.Operation)
		}
		slices.Sort(out)
		return out
	}
	const op = " microsoft.network/networksecuritygroups/delete"
	recent, ru, err := a.Recent(t.Context(), "rob@contoso.example", epoch)
	if got, want := correlations(recent), []string{"C-1" + op, "c-1" + op}; err != nil || !slices.Equal(got, want) || ru <= 0 {
		t.Errorf("recent %v for %.1f RU, %v; want %v", got, ru, err, want)
	}
	related, ru, err := a.Related(t.Context(), "C-1")
	if got, want := correlations(related), []string{"C-1" + op, "c-1" + op, "c-1" + op}; err != nil || !slices.Equal(got, want) || ru <= 0 {
		t.Errorf("related %v for %.1f RU, %v; want %v", got, ru, err, want)
	}
	for i := range 70 {
		put(100+i, "busy@contoso.example", fmt.Sprint("b", i), time.Minute)
	}
	if recent, _, err = a.Recent(t.Context(), "busy@contoso.example", epoch); err != nil || len(recent) != 50 {
		t.Errorf("%d of a busy actor, %v; want the first 50", len(recent), err)
	}
}

// What one alert's lookups cost the store, beside what it costs anyway.
func TestChargesOfLearning(t *testing.T) {
	a := open(t)
	for i := range 5000 { // an hour of a busy subscription
		e := event(i, activity.Succeeded)
		e.Caller, e.CorrelationID, e.Time = fmt.Sprint("u", i%50), fmt.Sprint("x", i), activity.At(epoch)
		if i < 5 {
			e.Caller, e.CorrelationID = "rob@contoso.example", "c1"
		}
		if _, _, err := a.Append(t.Context(), e, "me"); err != nil {
			t.Fatal(err)
		}
	}
	e := event(1, activity.Succeeded)
	h, err := a.Habit(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	_, recent, err := a.Recent(t.Context(), alert.ActorOf(e), epoch)
	if err != nil {
		t.Fatal(err)
	}
	_, related, err := a.Related(t.Context(), e.CorrelationID)
	if err != nil {
		t.Fatal(err)
	}
	f := finding(e)
	f.Ask = []string{"role", "principal", "caller", "place", "changes", "history", "host"}
	r, err := a.Take(t.Context(), f, a.lease("me"))
	if err != nil {
		t.Fatal(err)
	}
	told := func(x *alert.Alert) {
		x.Sent("slack", x.Revision, alert.Delivery{Channel: "C", Ref: "1"}, a.now())
	}
	first, err := a.Settle(t.Context(), r.Alert.Ref(), "me", told)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := a.Change(t.Context(), r.Alert.Ref(), func(x *alert.Alert) bool {
		x.Learn(alert.Learned{Facts: []alert.Fact{{Name: "Owner", Value: "net@contoso.example"}}}, f.Ask, nil, a.now())
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	edited, err := a.Settle(t.Context(), r.Alert.Ref(), "me", told)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("RU: history %.1f (habit %.1f, recent %.1f, related %.1f); alert with open questions %.1f, first message %.1f, keeping what was learned %.1f, its edit %.1f",
		h.RU+recent+related, h.RU, recent, related, r.RU, first, kept, edited)
	if history := h.RU + recent + related; history > 30 || kept+edited > 35 {
		t.Errorf("history costs %.1f RU and keeping and showing what was learned %.1f, want at most 30 and 35", history, kept+edited)
	}
}
