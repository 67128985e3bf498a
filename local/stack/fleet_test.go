package stack_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/notify/slack"
	"github.com/auditbell/auditbell/handler/notify/teams"
	"github.com/auditbell/auditbell/handler/notify/webhook"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/rules/rulestest"
	"github.com/auditbell/auditbell/handler/settings"
	"github.com/auditbell/auditbell/handler/store"
	"github.com/auditbell/auditbell/local/cosmos"
	"github.com/auditbell/auditbell/local/inbox"
	"github.com/auditbell/auditbell/local/stack"
)

// fleet is two instances of the handler's pipeline on one account and one inbox, in a bubble of package synctest: its time
// passes only when everything waits, so that a request is too late because the far end is, never because the machine is busy.
type fleet struct {
	cosmos    *cosmos.Server
	inbox     *inbox.Server
	begun     time.Time
	slack     slackApp
	instances []*pipeline.Pipeline
}

var epoch = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func (f *fleet) now() time.Time { return epoch.Add(f.passed()) }

func (f *fleet) passed() time.Duration { return time.Since(f.begun) }

// slackApp is the app that the fleet posts to Slack with.
type slackApp struct{ token, channel string }

var (
	writer = slackApp{"xoxb-chaos", "security"}
	reader = slackApp{"xoxb-chaos-history", "C0SECURITY"} // it may read what is in its channel
)

// fleetEnds is the address of the ends.
const fleetEnds = "http://127.0.0.1:7072"

// fleetOptions shape a fleet. The zero value is two instances whose clocks agree, with an app that only writes.
type fleetOptions struct {
	skew      time.Duration // how far the clocks of all but the first are ahead
	app       slackApp
	instances int
	before    func(http.Handler) http.Handler // stands before the ends; nil: nothing
	env       map[string]string               // settings of destinations in place of the fleet's
}

// newFleet starts a fleet.
func newFleet(t *testing.T, o fleetOptions) *fleet {
	t.Helper()
	f := &fleet{begun: time.Now(), slack: cmp.Or(o.app, writer)}
	var err error
	if f.cosmos, err = cosmos.OpenDeployed(t.Context(), cosmos.Options{Now: f.now}); err != nil {
		t.Fatal(err)
	}
	if f.inbox, err = inbox.Open(inbox.Options{Now: f.now}); err != nil {
		t.Fatal(err)
	}
	w := &wire{calls: make(chan net.Conn), closed: make(chan struct{})}
	if o.before == nil {
		o.before = func(h http.Handler) http.Handler { return h }
	}
	ends, transport := &http.Server{Handler: o.before(f.inbox)}, &http.Transport{DialContext: w.dial}
	go func() { _ = ends.Serve(w) }() // until it is closed
	t.Cleanup(func() {
		_ = f.inbox.Close()
		transport.CloseIdleConnections()
		_ = ends.Close()
		_ = f.cosmos.Close()
	})
	f.instances = append(f.instances, f.instance(t, transport, 0, o.env))
	for range cmp.Or(o.instances, 2) - 1 {
		f.instances = append(f.instances, f.instance(t, transport, o.skew, o.env))
	}
	return f
}

func (f *fleet) instance(t *testing.T, transport http.RoundTripper, ahead time.Duration, own map[string]string) *pipeline.Pipeline {
	t.Helper()
	now := func() time.Time { return f.now().Add(ahead) }
	kept, err := store.Open(store.Options{Endpoint: "http://cosmos.test/", Key: stack.Key, Transport: f.cosmos, Now: now, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := kept.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"SLACK_BOT_TOKEN": f.slack.token, "SLACK_CHANNEL": f.slack.channel, "SLACK_API_URL": fleetEnds + "/slack/api/", "TEAMS_WORKFLOW_URL": fleetEnds + "/teams/workflow/security"}
	maps.Copy(env, own)
	s := settings.New(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	client := notify.NewClient(transport)
	_, set := rulestest.Library(t)
	destinations := map[string]notify.Destination{inbox.Slack: slack.Open(s, client), inbox.Teams: teams.Open(s, client), inbox.Webhook: webhook.Open(s, client)}
	maps.DeleteFunc(destinations, func(_ string, d notify.Destination) bool { return d == nil })
	return app.Wire(kept, &pipeline.Judge{Rules: set, Routes: []settings.Route{{To: []string{settings.Everywhere}}}}, &pipeline.Composer{},
		pipeline.Channels{Destinations: destinations})
}

// wire is a network of one server, in memory.
type wire struct {
	calls  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (w *wire) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case w.calls <- far:
		return near, nil
	case <-w.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener, as Close and Addr do.
func (w *wire) Accept() (net.Conn, error) {
	select {
	case c := <-w.calls:
		return c, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

func (w *wire) Close() error {
	w.once.Do(func() { close(w.closed) })
	return nil
}

func (w *wire) Addr() net.Addr { return &net.TCPAddr{} }

// flood delivers every record, in random order and several times over, through both instances; a delivery that fails
// comes again, as Event Grid would have it.
func (f *fleet) flood(t *testing.T) {
	t.Helper()
	var records []activity.Event
	for a := range chaosAlerts {
		for op := range chaosOperations {
			for range redeliveries {
				records = append(records, record(a, op, activity.Succeeded))
			}
		}
	}
	rand.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
	var wg sync.WaitGroup
	slots := make(chan struct{}, 4)
	for i, e := range records {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			for again := 0; again < 50; again++ {
				if _, err := f.instances[(i+again)%2].Handle(t.Context(), f.batch(e)); err == nil {
					return
				}
			}
			t.Errorf("event %s was never accepted", e.ID)
		})
	}
	wg.Wait()
}

var batches atomic.Int64

func (f *fleet) batch(events ...activity.Event) pipeline.Batch {
	return pipeline.Batch{ID: fmt.Sprint("b", batches.Add(1)), Events: events, Logger: slog.New(slog.DiscardHandler)}
}

// settle lets the timers of both instances tick until nothing is owed any more: every 30 seconds, then every minute, and
// once only long pauses are left, every 5 minutes.
func (f *fleet) settle(t *testing.T, limit time.Duration) {
	t.Helper()
	tick := 30 * time.Second
	for end := f.now().Add(limit); f.now().Before(end); <-time.After(tick) {
		switch passed := f.passed(); {
		case passed > 2*time.Hour:
			tick = 5 * time.Minute
		case passed > 10*time.Minute:
			tick = time.Minute
		}
		var wg sync.WaitGroup
		for _, p := range f.instances {
			wg.Go(func() { _, _ = p.DeliverDue(t.Context(), f.batch()) }) // what fails is tried again by the next tick
		}
		wg.Wait()
		if f.calm(t) {
			return
		}
	}
	t.Errorf("something is still owed after %s", limit)
}

// calm reports whether every alert has reached every destination.
func (f *fleet) calm(t *testing.T) bool {
	for _, a := range alerts(t, f.cosmos) {
		if a.Behind() {
			return false
		}
	}
	return true
}
