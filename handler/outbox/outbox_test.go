package outbox_test

import (
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/outbox"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestProbesBackOffAndChangeTheirAlert(t *testing.T) {
	t.Parallel()
	var h outbox.Health
	if !h.Fail("token_revoked", noon) || h.ProbeDue(noon.Add(time.Second)) || !h.ProbeDue(noon.Add(2*time.Second)) {
		t.Fatalf("the first probe is not due after 2 s: %+v", h)
	}
	last := time.Duration(0)
	for i := range 12 {
		now := h.Next
		if !h.Claim([]string{"a", "b"}[i%2], "me", false, now) || h.Claim("c", "another", false, now) {
			t.Fatalf("probe %d was not granted, or to two at once", i)
		}
		h.Fail("token_revoked", now)
		pause := h.Next.Sub(now)
		if pause < last || pause > 15*time.Minute {
			t.Errorf("pause %d is %v after %v", i, pause, last)
		}
		last = pause
	}
	if last != 15*time.Minute || h.Claim(h.Probe.Alert, "me", false, h.Next) || !h.Claim(h.Probe.Alert, "me", true, h.Next) {
		t.Error("the pause does not end at 15 minutes, or one alert is the probe twice in a row although there are others")
	}
	if since := h.Answer(); !since.Equal(noon) || h.IsUnwell() || !h.Backlog {
		t.Errorf("after an answer: since %v, %+v", since, h)
	}
}

func TestThreeTimeOutsOfDifferentAlertsAreOne(t *testing.T) {
	t.Parallel()
	var h outbox.Health
	for _, id := range []string{"a", "a", "b"} {
		if h.TimedOut(id, "no answer", noon) {
			t.Fatalf("unwell after %v", h.Timeouts)
		}
	}
	if !h.TimedOut("c", "no answer", noon) || !h.Silent || h.ProbeDue(noon.Add(59*time.Second)) {
		t.Errorf("three alerts without an answer: %+v", h)
	}
}

func TestPaceAfterRetryAfterBeginsWithOne(t *testing.T) {
	t.Parallel()
	var h outbox.Health
	if n, _ := h.Take(10, noon); n != 10 || h.Room(noon) != outbox.Burst-10 {
		t.Fatalf("took %d, room for %d", n, h.Room(noon))
	}
	h.Wait(30*time.Second, noon)
	if n, wait := h.Take(10, noon.Add(29*time.Second)); n != 0 || wait != time.Second {
		t.Errorf("while it holds: %d, wait %v", n, wait)
	}
	if n, _ := h.Take(10, noon.Add(30*time.Second)); n > 1 {
		t.Errorf("the first block after a pause has %d messages", n)
	}
	sent := 0
	for s := range 60 {
		n, _ := h.Take(10, noon.Add(time.Duration(31+s)*time.Second))
		sent += n
	}
	if sent < 55 || sent > 62 {
		t.Errorf("%d messages in the minute after, want about one a second", sent)
	}
}

// A destination that always answers oddly is reported once, after an hour. Another kind of odd answer is another report, and what
// followed a report is named when the answers end.
func TestDoubtIsReportedOnce(t *testing.T) {
	t.Parallel()
	var h outbox.Health
	for range 30 {
		h.Doubt("HIGH x (a)", "web page", noon)
	}
	due := func(after time.Duration) int {
		fresh, due := h.DoubtDue(noon.Add(after))
		if due != (fresh.Count > 0) || len(fresh.Alerts) != fresh.Count {
			t.Errorf("after %v: due %v, %+v", after, due, fresh)
		}
		if due && (!h.DoubtReported(fresh) || h.DoubtReported(fresh)) {
			t.Error("one report is noted never, or twice")
		}
		return fresh.Count
	}
	if due(59*time.Minute) != 0 || due(time.Hour) != 30 || due(2*time.Hour) != 0 {
		t.Error("doubt is not reported once, after an hour")
	}
	h.Doubt("HIGH y (b)", "web page", noon.Add(3*time.Hour))
	if due(25*time.Hour) != 0 || due(1000*time.Hour) != 0 {
		t.Error("the same answers are reported again")
	}
	for range 2 {
		h.Doubt("HIGH z (c)", "not Slack's", noon.Add(26*time.Hour))
		h.Doubt("HIGH z (c)", "web page", noon.Add(26*time.Hour))
	}
	if due(26*time.Hour) != 5 || due(27*time.Hour) != 0 {
		t.Error("answers of another kind are not reported once, with what followed")
	}
	h.Doubt("HIGH w (d)", "web page", noon.Add(28*time.Hour))
	all, fresh := h.DoubtOver()
	if all.Count != 36 || fresh.Count != 1 || fresh.Alerts[0] != "HIGH w (d)" {
		t.Errorf("the answer reports %+v here and %+v elsewhere", all, fresh)
	}
	h.Doubt("HIGH v (e)", "web page", noon.Add(28*time.Hour))
	if h.EndDoubt(all) || h.Clean() {
		t.Error("what became unconfirmed since the report is forgotten")
	}
	if all, _ = h.DoubtOver(); !h.EndDoubt(all) || !h.Clean() {
		t.Errorf("after the report: %+v", h.Unconfirmed)
	}
}

// A day has so many first alerts, and the next day as many again.
func TestFirstsOfADayAreBounded(t *testing.T) {
	t.Parallel()
	var h outbox.Health
	midnight := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		at   time.Time
		want bool
	}{
		{midnight.Add(-time.Hour), true},
		{midnight.Add(-time.Minute), true},
		{midnight.Add(-time.Second), false},
		{midnight, true},
		{midnight.Add(time.Hour), true},
		{midnight.Add(23 * time.Hour), false},
	} {
		if got := h.First(2, c.at); got != c.want {
			t.Errorf("at %s: %v, want %v", c.at, got, c.want)
		}
	}
}
