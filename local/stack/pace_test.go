package stack_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/local/inbox"
)

// strict is a channel that takes one message a second and five at once, and otherwise asks to wait for 30 s, in turn in each of
// the ways in which that can be said. What it refuses costs nothing of its budget.
type strict struct {
	channel http.Handler

	mu              sync.Mutex
	budget          *rate.Limiter
	posts, refusals int
}

// ServeHTTP answers Slack's calls; the others go to the channel as they are. Refusing is faster than posting.
func (s *strict) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	refusal := 0
	if strings.HasPrefix(r.URL.Path, "/slack/") {
		refusal = s.turnedAway()
	}
	if refusal == 0 {
		<-time.After(200 * time.Millisecond)
		s.channel.ServeHTTP(w, r)
		return
	}
	<-time.After(50 * time.Millisecond)
	at := time.Now().Add(30 * time.Second).UTC().Format(http.TimeFormat)
	w.Header().Set("Retry-After", []string{"30", "29.5", at}[refusal%3])
	w.WriteHeader(http.StatusTooManyRequests)
}

// turnedAway counts a post, and returns which refusal it is; 0: none.
func (s *strict) turnedAway() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.posts++; s.budget.Allow() {
		return 0
	}
	s.refusals++
	return s.refusals
}

// TestAChannelThatAsksToWait sends 40 alerts at once through three instances to such a channel. At most one post in ten is refused,
// and the channel keeps each alert once.
func TestAChannelThatAsksToWait(t *testing.T) {
	t.Parallel()
	const alerts = 40
	synctest.Test(t, func(t *testing.T) {
		s := &strict{budget: rate.NewLimiter(1, 5)}
		f := newFleet(t, fleetOptions{instances: 3, before: func(h http.Handler) http.Handler { s.channel = h; return s }})
		f.atOnce(t, alerts)
		f.settle(t, time.Hour)
		f.keepsEach(t, inbox.Slack, alerts)
		t.Logf("%d posts, %d refused, over after %s", s.posts, s.refusals, f.passed())
		if s.refusals == 0 || s.refusals*10 > s.posts {
			t.Errorf("%d of %d posts were refused, want one in ten at most", s.refusals, s.posts)
		}
	})
}

// TestASlowChannelGetsEachAlertOnce has every end take nearly as long as a request may: alerts that wait for others to be
// answered must not be on their way when their leases end, because another instance would send them again.
func TestASlowChannelGetsEachAlertOnce(t *testing.T) {
	t.Parallel()
	const alerts = 20
	for _, answers := range []time.Duration{5 * time.Second, 9 * time.Second, 14 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			slow := func(h http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					h.ServeHTTP(w, r)
					<-time.After(answers)
				})
			}
			f := newFleet(t, fleetOptions{before: slow})
			f.atOnce(t, alerts)
			f.settle(t, time.Hour)
			f.keepsEach(t, inbox.Slack, alerts)
			f.keepsEach(t, inbox.Teams, alerts)
			t.Logf("answers after %s: over after %s", answers, f.passed())
		})
	}
}

// atOnce sends so many alerts through the instances in turn. Their timers run meanwhile.
func (f *fleet) atOnce(t *testing.T, alerts int) {
	t.Helper()
	var wg sync.WaitGroup
	for _, p := range f.instances {
		wg.Go(func() {
			for range 12 {
				<-time.After(5 * time.Second)
				_, _ = p.DeliverDue(t.Context(), f.batch()) // what fails is tried again by the next tick
			}
		})
	}
	for a := range alerts {
		wg.Go(func() {
			if _, err := f.instances[a%len(f.instances)].Handle(t.Context(), f.batch(record(a, 0, activity.Succeeded))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// keepsEach reports alerts that an end does not keep exactly once.
func (f *fleet) keepsEach(t *testing.T, destination string, alerts int) {
	t.Helper()
	for a := range alerts {
		if kept := f.kept(destination, fmt.Sprintf("rg-%03d", a)); kept != 1 {
			t.Errorf("%s keeps alert %d %d times, want once", destination, a, kept)
		}
	}
}

// kept counts the messages that an end keeps and that hold a text.
func (f *fleet) kept(destination, text string) (n int) {
	for _, m := range f.inbox.Messages() {
		if m.Destination == destination && strings.Contains(m.Text, text) {
			n++
		}
	}
	return n
}
