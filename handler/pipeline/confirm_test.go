package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/outbox"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/settings"
)

// post is a service that accepts every mail and reports later what became of it.
type post struct {
	mu       sync.Mutex
	accepted []string       // headlines, by number of the sending
	arrived  []string       // headlines of those that were sent
	lose     map[string]int // headline → how many of its sendings fail
	down     bool           // everything fails
	mute     bool           // it does not say
	odd      int            // so many messages are answered as the service does not document
	last     notify.Message
}

func (p *post) Deliver(_ context.Context, m notify.Message, prev notify.Ref) (notify.Ref, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !prev.Zero() && !m.HasNews() {
		return prev, nil
	}
	p.last = m
	if p.odd > 0 {
		p.odd--
		return prev, notify.Fail(notify.Unconfirmed, errors.New("a web page"))
	}
	p.accepted = append(p.accepted, m.Headline)
	return notify.Ref{ID: fmt.Sprint(len(p.accepted) - 1), State: notify.Accepted}, nil
}

func (p *post) Reports() bool { return true }

func (p *post) Confirm(_ context.Context, ref notify.Ref) (notify.State, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var i int
	if _, err := fmt.Sscan(ref.ID, &i); err != nil {
		return "", err
	}
	switch headline := p.accepted[i]; {
	case p.mute:
		return "", errors.New("status 404 not found")
	case p.down || p.lose[headline] > 0:
		p.lose[headline]--
		return "", fmt.Errorf("operation 1: %w", notify.ErrUnsent)
	default:
		p.arrived = append(p.arrived, headline)
		return notify.Confirmed, nil
	}
}

// byPost is a pipeline with a destination that accepts and reports later, and another one.
func byPost(t *testing.T) (*pipeline.Pipeline, *post, *headlines, *fakeClock, func() *outbox.Health) {
	t.Helper()
	_, other, at, kept := storedHouse(t)
	end := &post{lose: map[string]int{}}
	p := wire(kept, &pipeline.Judge{Rules: compiled(t, rule), Routes: []settings.Route{{To: []string{"mail"}}}}, &pipeline.Composer{},
		pipeline.Channels{Destinations: map[string]notify.Destination{"mail": end, "other": other}})
	return p, end, other, at, func() *outbox.Health {
		h, _, err := kept.Health(t.Context(), "mail")
		if err != nil {
			t.Fatal(err)
		}
		return &h
	}
}

// arrivedOnce fails unless each of n alerts arrived, once.
func (p *post) arrivedOnce(t *testing.T, n int) {
	t.Helper()
	slices.Sort(p.arrived)
	if len(p.arrived) != n || len(slices.Compact(slices.Clone(p.arrived))) != n {
		t.Errorf("arrived: %q, want %d alerts once", p.arrived, n)
	}
}

func TestWhatWasAcceptedAndNotSentIsSentAgain(t *testing.T) {
	t.Parallel()
	p, end, _, at, health := byPost(t)
	end.lose["Policy assignment deleted: pa-1 (started)"] = 4
	for n := range 3 {
		handle(t, p, "", began(n, at.now()))
	}
	ticks(t, p, at, 4)
	if !slices.Contains(end.arrived, "Policy assignment deleted: pa-0 (started)") || health().IsUnwell() {
		t.Errorf("after two minutes %q arrived; unwell: %v", end.arrived, health().IsUnwell())
	}
	var log bytes.Buffer
	loggedTicks(t, p, at, 60, slog.NewTextHandler(&log, nil))
	end.arrivedOnce(t, 3)
	if strings.Contains(log.String(), "takes messages again") {
		t.Errorf("it was never unwell, and the log says\n%s", log.String())
	}
	if len(end.accepted) != 3+4 {
		t.Errorf("accepted: %q", end.accepted)
	}
	if h := health(); len(h.Lost) > 0 || h.IsUnwell() {
		t.Errorf("in the end: %+v", *h)
	}
}

// TestAServiceThatSendsNothingIsUnwell has everything accepted and nothing sent for a day: others are notified, few messages
// are tried, and all arrive when it sends again.
func TestAServiceThatSendsNothingIsUnwell(t *testing.T) {
	t.Parallel()
	p, end, other, at, health := byPost(t)
	end.down = true
	for n := range 4 {
		handle(t, p, "", began(n, at.now()))
	}
	ticks(t, p, at, 20)
	h := health()
	if !h.IsUnwell() || !h.Failing || !strings.Contains(h.Reason, notify.ErrUnsent.Error()) {
		t.Fatalf("after ten minutes: %+v", *h)
	}
	if !slices.ContainsFunc(other.lines(), func(line string) bool { return strings.Contains(line, "mail") }) {
		t.Errorf("the other destination has %q", other.lines())
	}
	tried := len(end.accepted)
	for range 24 {
		at.advance(time.Hour)
		ticks(t, p, at, 4)
	}
	if n := len(end.accepted) - tried; n > 60 {
		t.Errorf("%d messages were tried in a day", n)
	}
	if len(end.arrived) > 0 || !health().IsUnwell() {
		t.Errorf("arrived %q while nothing is sent", end.arrived)
	}
	end.down = false
	ticks(t, p, at, 200)
	end.arrivedOnce(t, 4)
}

func TestWhatIsNeverReportedIsUnconfirmed(t *testing.T) {
	t.Parallel()
	p, end, _, at, health := byPost(t)
	end.mute = true
	handle(t, p, "", began(1, at.now()))
	for range 30 {
		at.advance(time.Hour)
		ticks(t, p, at, 1)
	}
	if u := health().Unconfirmed; u.Count != 1 || !strings.Contains(u.Reason, "404") || len(end.accepted) != 1 {
		t.Errorf("unconfirmed: %+v; accepted %q", u, end.accepted)
	}
}

// TestWhatNamesUnconfirmedMessagesIsNotTheirEnd loses an alert to a page to sign in on, and then the message that says so: the
// next one names the alert, not the message in between.
func TestWhatNamesUnconfirmedMessagesIsNotTheirEnd(t *testing.T) {
	t.Parallel()
	p, end, _, at, health := byPost(t)
	end.odd = 1
	handle(t, p, "", began(1, at.now()))
	handle(t, p, "", began(2, at.now())) // is answered as documented
	end.mu.Lock()
	end.odd = 1 // what names the first
	end.mu.Unlock()
	ticks(t, p, at, 4)
	handle(t, p, "", began(3, at.now()))
	ticks(t, p, at, 10)
	if u := health().Unconfirmed; u.Count != 0 {
		t.Errorf("unconfirmed still: %+v", u)
	}
	if facts := fmt.Sprint(end.last.Facts); end.odd != 0 || !strings.Contains(end.last.Headline, "unconfirmed") || !strings.Contains(facts, "pa-1") {
		t.Errorf("%q names %s; want pa-1", end.last.Headline, facts)
	}
}

// TestAnEndThatAlwaysAnswersOddlyIsReportedOnce lets a destination answer oddly for five days: the other destination gets one
// report, no alert is sent twice, and all that followed are named when the answers are documented again.
func TestAnEndThatAlwaysAnswersOddlyIsReportedOnce(t *testing.T) {
	t.Parallel()
	p, end, other, at, health := byPost(t)
	end.odd = 1000
	sent := 0
	for day := range 5 {
		for range 2 {
			sent++
			handle(t, p, "", began(sent, at.now()))
		}
		at.advance(2 * time.Hour)
		ticks(t, p, at, 2)
		if reports := len(other.lines()); reports != 1 {
			t.Fatalf("on day %d the other destination has %q, want one report", day, other.lines())
		}
		at.advance(22 * time.Hour)
	}
	if u := health().Unconfirmed; u.Count != sent || len(u.Alerts) != sent || 1000-end.odd != sent {
		t.Errorf("%d alerts, %d messages, unconfirmed %+v", sent, 1000-end.odd, u)
	}
	end.odd = 0
	handle(t, p, "", began(sent+1, at.now()))
	ticks(t, p, at, 4)
	own, elsewhere := fmt.Sprint(end.last.Facts), other.lines()
	for n := range sent {
		if !strings.Contains(own, fmt.Sprintf("pa-%d", n+1)) {
			t.Errorf("alert %d is not named in %s", n+1, own)
		}
	}
	if len(elsewhere) != 2 || !strings.Contains(elsewhere[1], fmt.Sprintf("%d messages to mail are unconfirmed", sent-2)) {
		t.Errorf("elsewhere: %q", elsewhere)
	}
}
