package cli

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/settings"
	"github.com/auditbell/auditbell/local/cosmos"
	"github.com/auditbell/auditbell/local/inbox"
)

// outage is the product with ends that fail, under a clock that the test moves. What counts is what the ends keep, not what
// we count.
type outage struct {
	t      *testing.T
	inbox  *inbox.Server
	ends   string
	env    map[string]string
	world  app.World
	server *httptest.Server
	clock  atomic.Int64
	events int
	warned warnings
}

// warnings are the lines of a log at LOG_LEVEL warn.
type warnings struct {
	mu    sync.Mutex
	lines []string
}

func (w *warnings) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, string(line))
	return len(line), nil
}

// with are the lines that hold all of some words.
func (w *warnings) with(words ...string) (all []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, line := range w.lines {
		if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(line, word) }) {
			all = append(all, line)
		}
	}
	return all
}

func newOutage(t *testing.T) *outage {
	o := &outage{t: t}
	now := func() time.Time { return storyBegins.Add(time.Duration(o.clock.Load())) }
	account, err := cosmos.OpenDeployed(t.Context(), cosmos.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	if o.inbox, err = inbox.Open(inbox.Options{Now: now}); err != nil {
		t.Fatal(err)
	}
	store, ends := httptest.NewServer(account), httptest.NewServer(o.inbox)
	env := map[string]string{
		"COSMOS_ENDPOINT": store.URL + "/", "COSMOS_KEY": "a2V5", "DELIVER_SCHEDULE": "*/30 * * * * *", "CANARY_AT": "off", "LOOKUPS": "off",
		"SLACK_BOT_TOKEN": "xoxb-story", "SLACK_CHANNEL": "security", "SLACK_API_URL": ends.URL + "/slack/api/",
		"TEAMS_WORKFLOW_URL": ends.URL + "/teams/workflow/security?sig=story-secret",
	}
	w := app.World{
		Settings: settings.New(func(name string) (string, bool) { v, ok := env[name]; return v, ok }),
		Config:   os.DirFS(eachByItself(t)), Log: slog.New(slog.NewJSONHandler(&o.warned, &slog.HandlerOptions{Level: slog.LevelWarn})), Now: now,
	}
	o.ends, o.env, o.world = ends.URL, env, w
	o.server = httptest.NewServer(app.NewServer(app.NewLazy(func() app.World { return o.world }, w.Log), w.Log).Handler()) // opened when it is first called
	t.Cleanup(func() {
		o.server.Close()
		store.Close()
		ends.Close()
		_ = o.inbox.Close()
		_ = account.Close()
	})
	return o
}

// event sends one act that is an alert of its own, and returns the name that its messages hold.
func (o *outage) event() string {
	o.events++
	who := fmt.Sprintf("person%04d@contoso.example", o.events)
	id := fmt.Sprintf("/subscriptions/11112222-3333-4444-5555-666677778888/resourceGroups/rg-%04d/providers/Microsoft.Authorization/policyAssignments/p1", o.events)
	at := storyBegins.Add(time.Duration(o.clock.Load())).Format(time.RFC3339)
	event := fmt.Sprintf(`[{"id":"e-%[1]d","topic":"/subscriptions/11112222-3333-4444-5555-666677778888","subject":%[2]q,"eventType":"Microsoft.Resources.ResourceWriteSuccess",
		"eventTime":%[3]q,"dataVersion":"2","metadataVersion":"1","data":{"authorization":{"scope":%[2]q,"action":"Microsoft.Authorization/policyAssignments/write"},
		"claims":{"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn":%[4]q},"correlationId":"00000000-0000-0000-0000-%012[1]d","resourceProvider":"Microsoft.Authorization",
		"resourceUri":%[2]q,"operationName":"Microsoft.Authorization/policyAssignments/write","status":"Succeeded","subscriptionId":"11112222-3333-4444-5555-666677778888"}}]`,
		o.events, id, at, who)
	if answer := post(o.server.URL+"/eventgrid-activity", envelopeFor("eventgrid-activity", []byte(event))); !strings.HasPrefix(answer, "200") {
		o.t.Fatalf("event: %s", answer)
	}
	return who
}

// ticks runs the deliver function, as much time apart.
func (o *outage) ticks(n int, apart time.Duration) {
	for range n {
		o.clock.Add(int64(apart))
		if answer := post(o.server.URL+"/deliver", envelopeFor("deliver", nil)); !strings.HasPrefix(answer, "200") {
			o.t.Fatalf("deliver: %s", answer)
		}
	}
}

// kept counts the messages that an end keeps and that hold who.
func (o *outage) kept(destination, who string) (n int) {
	for _, m := range o.inbox.Messages() {
		if m.Destination == destination && m.Kind == inbox.Post && strings.Contains(m.Text, who) {
			n++
		}
	}
	return n
}

func (o *outage) heal() {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodDelete, o.ends+"/api/faults", http.NoBody)
	if err != nil {
		o.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		o.t.Fatal(err)
	}
	_ = response.Body.Close()
}

// TestEveryRefusalIsOvercome lets an end answer each status for a quarter of an hour, or once, and wants the alert there
// exactly once when it is well again.
func TestEveryRefusalIsOvercome(t *testing.T) {
	t.Parallel()
	for _, destination := range []string{inbox.Slack, inbox.Teams} {
		t.Run(destination, func(t *testing.T) {
			t.Parallel()
			o := newOutage(t)
			for status := 400; status <= 511; status++ {
				if http.StatusText(status) == "" || testing.Short() && status%7 != 1 {
					continue
				}
				for _, count := range []int{1, 1000} {
					if err := o.inbox.Fail(inbox.Fault{Destination: destination, Status: inbox.Failure{Status: status}, Count: count}); err != nil {
						t.Fatal(err)
					}
					who := o.event()
					o.ticks(3, 5*time.Minute)
					o.heal()
					o.ticks(2, 16*time.Minute)
					if n := o.kept(destination, who); n != 1 {
						t.Errorf("status %d, %d times: the end keeps the alert %d times, want once", status, count, n)
					}
				}
			}
		})
	}
}

// TestWarningsNameEachOutageOnce has Slack and Teams take nothing, Slack a second time: LOG_LEVEL warn shows when each became unwell and
// well again, once, and nothing else of it.
func TestWarningsNameEachOutageOnce(t *testing.T) {
	t.Parallel()
	o := newOutage(t)
	outages := []struct {
		destination string
		inbox.Failure
	}{{inbox.Slack, inbox.Failure{Status: 503}}, {inbox.Teams, inbox.Failure{Status: 403}}, {inbox.Slack, inbox.Failure{Mode: inbox.Reset}}}
	for _, outage := range outages {
		if err := o.inbox.Fail(inbox.Fault{Destination: outage.destination, Status: outage.Failure, Count: 1000}); err != nil {
			t.Fatal(err)
		}
		for range 4 { // a third time-out in a row is what makes it unwell
			o.event()
			o.ticks(3, 5*time.Minute)
		}
		o.heal()
		o.ticks(6, 16*time.Minute)
	}
	for destination, want := range map[string]int{inbox.Slack: 2, inbox.Teams: 1} {
		name := `"destination":"` + destination + `"`
		unwell, well := o.warned.with("destination takes no messages", name), o.warned.with("destination takes messages again", name, "unwell_since")
		if len(unwell) != want || len(well) != want {
			t.Errorf("%s was unwell %d times, and the log says\n%s%s", destination, want, strings.Join(unwell, ""), strings.Join(well, ""))
		}
	}
	if all := o.warned.with(""); len(all) != 6 {
		t.Errorf("the log says\n%s", strings.Join(all, ""))
	}
}
