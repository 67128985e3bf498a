package stack_test

// Chaos: what happens to alerts when everything around the handler fails. TestChaosFaults runs two instances of the
// pipeline with a clock of its own over the stand-ins; TestChaosKill kills real processes. Both print the table of
// docs/reliability.md: go test ./local/... -run Chaos -v

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/notify/slack"
	"github.com/auditbell/auditbell/handler/notify/teams"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/handler/settings"
	"github.com/auditbell/auditbell/handler/store"
	"github.com/auditbell/auditbell/local/cosmos"
	"github.com/auditbell/auditbell/local/inbox"
	"github.com/auditbell/auditbell/local/stack"
)

// fleet is two instances of the handler's pipeline on one account and one inbox.
type fleet struct {
	cosmos    *cosmos.Server
	inbox     *inbox.Server
	clock     atomic.Int64
	patience  time.Duration
	instances []*pipeline.Pipeline
}

var epoch = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func (f *fleet) now() time.Time { return epoch.Add(time.Duration(f.clock.Load())) }

// newFleet starts two instances; the clock of the second is ahead by skew. A channel is waited for as long as patience.
func newFleet(t *testing.T, skew, patience time.Duration) *fleet {
	t.Helper()
	f := &fleet{patience: patience}
	var err error
	if f.cosmos, err = cosmos.OpenDeployed(t.Context(), cosmos.Options{Now: f.now}); err != nil {
		t.Fatal(err)
	}
	if f.inbox, err = inbox.Open(inbox.Options{Now: f.now}); err != nil {
		t.Fatal(err)
	}
	ends := httptest.NewServer(f.inbox)
	t.Cleanup(func() {
		_ = f.inbox.Close()
		ends.Close()
		_ = f.cosmos.Close()
	})
	for _, ahead := range []time.Duration{0, skew} {
		f.instances = append(f.instances, f.instance(t, ends.URL, ahead))
	}
	return f
}

func (f *fleet) instance(t *testing.T, ends string, ahead time.Duration) *pipeline.Pipeline {
	t.Helper()
	now := func() time.Time { return f.now().Add(ahead) }
	kept, err := store.Open(store.Options{Endpoint: "http://cosmos.test/", Key: stack.Key, Transport: f.cosmos, Now: now, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := kept.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"SLACK_BOT_TOKEN": "xoxb-chaos", "SLACK_CHANNEL": "security", "SLACK_API_URL": ends + "/slack/api/", "TEAMS_WORKFLOW_URL": ends + "/teams/workflow/security"}
	s := settings.New(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	client := notify.NewClient(http.DefaultTransport)
	client.Timeout = f.patience
	library, err := rules.Library()
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.Compile(library)
	if err != nil {
		t.Fatal(err)
	}
	return app.Wire(kept, &pipeline.Judge{Rules: set, Routes: []settings.Route{{To: []string{settings.Everywhere}}}}, &pipeline.Composer{},
		pipeline.Channels{Destinations: map[string]notify.Destination{inbox.Slack: slack.Open(s, client), inbox.Teams: teams.Open(s, client)}})
}

const (
	chaosAlerts     = 20
	chaosOperations = 5 // of each alert
	redeliveries    = 5
)

// record is one record of one operation of one alert.
func record(a, op int, o activity.Outcome) activity.Event {
	return activity.Event{
		ID: fmt.Sprintf("e-%d-%d-%s", a, op, o), Time: activity.At(epoch.Add(time.Duration(op) * time.Second)), Category: activity.Administrative,
		Operation: "microsoft.authorization/policyassignments/write", Outcome: o, Caller: "rob@contoso.example",
		CorrelationID: fmt.Sprintf("c-%d-%d", a, op), SubscriptionID: "s", ResourceGroup: fmt.Sprintf("rg-%03d", a),
		ResourceID: fmt.Sprintf("/subscriptions/s/resourcegroups/rg-%03d/pa-%d", a, op), ResourceName: fmt.Sprintf("rg-%03d-pa-%d", a, op),
	}
}

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

// settle lets the timers of both instances tick, every 30 seconds of the fleet's clock, until nothing is owed any more.
func (f *fleet) settle(t *testing.T, limit time.Duration) {
	t.Helper()
	for end := f.now().Add(limit); f.now().Before(end); f.clock.Add(int64(30 * time.Second)) {
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

// alerts reads every alert from the account, past any fault.
func alerts(t *testing.T, account *cosmos.Server) []alert.Alert {
	t.Helper()
	key, err := azcosmos.NewKeyCredential(stack.Key)
	if err != nil {
		t.Fatal(err)
	}
	client, err := azcosmos.NewClientWithKey("http://cosmos.test/", key, &azcosmos.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: account, Retry: policy.RetryOptions{MaxRetries: 9}}})
	if err != nil {
		t.Fatal(err)
	}
	container, err := client.NewContainer("auditbell", "alerts")
	if err != nil {
		t.Fatal(err)
	}
	var all []alert.Alert
	pages := container.NewQueryItemsPager("SELECT * FROM c WHERE c.kind = 'alert'", azcosmos.NewPartitionKey(), nil)
	for pages.More() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			return []alert.Alert{{Revision: 1, Deliveries: map[string]alert.Delivery{"unknown": {}}}} // not calm: a fault is at work
		}
		for _, raw := range page.Items {
			var a alert.Alert
			if err := json.Unmarshal(raw, &a); err != nil {
				t.Fatal(err)
			}
			all = append(all, a)
		}
	}
	return all
}

// outcome is a row of the table.
type outcome struct{ sent, lost, twice int }

// joined is how a channel without edits is notified of operations that join an alert: a message of its own, which may
// come once for each count.
var joined = regexp.MustCompile(`(?m)^×\d+ now\b.*$`)

// judge counts first messages by alert and destination, and those about operations that joined; and holds the counters to
// what was sent in.
func judge(t *testing.T, all []alert.Alert, messages []inbox.Message, recordsEach int) outcome {
	t.Helper()
	var o outcome
	posts, followed := map[string]int{}, map[string]int{}
	for _, m := range messages {
		for a := range chaosAlerts {
			if m.Kind == inbox.Post && strings.Contains(m.Text, fmt.Sprintf("rg-%03d", a)) {
				key := fmt.Sprint(m.Destination, a)
				if more := joined.FindString(m.Text); more != "" {
					if followed[key+more]++; followed[key+more] > 1 {
						o.twice++
					}
					continue
				}
				posts[key]++
			}
		}
	}
	for _, destination := range []string{inbox.Slack, inbox.Teams} {
		for a := range chaosAlerts {
			n := posts[fmt.Sprint(destination, a)]
			o.sent += n
			switch {
			case n == 0:
				o.lost++
			case n > 1:
				o.twice += n - 1
			}
		}
	}
	records := 0
	for _, a := range all {
		if strings.HasPrefix(a.Rule.ID, alert.WatchRule) || a.IsSummary() {
			continue
		}
		records += a.Records
		if a.Count != chaosOperations || a.Records != chaosOperations*recordsEach {
			t.Errorf("alert %s counts %d operations and %d records, want %d and %d", a.Event.ResourceGroup, a.Count, a.Records, chaosOperations, chaosOperations*recordsEach)
		}
	}
	if want := chaosAlerts * chaosOperations * recordsEach; records != want {
		t.Errorf("%d records are counted, want %d", records, want)
	}
	return o
}

func TestChaosFaults(t *testing.T) {
	t.Parallel()
	fail := func(destination string, how inbox.Failure, count int) func(*testing.T, *fleet) {
		return func(t *testing.T, f *fleet) {
			if err := f.inbox.Fail(inbox.Fault{Destination: destination, Status: how, Count: count, RetryAfter: 60}); err != nil {
				t.Fatal(err)
			}
		}
	}
	account := func(faults ...cosmos.Fault) func(*testing.T, *fleet) {
		return func(_ *testing.T, f *fleet) {
			for _, fault := range faults {
				f.cosmos.Inject(fault)
			}
		}
	}
	every := func(n int64) func(*http.Request) bool {
		var seen atomic.Int64
		return func(r *http.Request) bool { return r.Method != http.MethodGet && seen.Add(1)%n == 0 }
	}
	for _, c := range []struct {
		name   string
		inject func(*testing.T, *fleet)
		skew   time.Duration
		twice  int // messages that the documented gap may repeat
		within time.Duration
		gives  time.Duration // how long a channel is waited for; a minute, which no channel here takes
	}{
		{name: "nothing, two instances, everything five times in any order", within: time.Hour},
		{name: "Slack answers 429 for a minute", inject: fail(inbox.Slack, inbox.Failure{Status: 429}, 60), within: 2 * time.Hour},
		{name: "Slack answers 500, forty times", inject: fail(inbox.Slack, inbox.Failure{Status: 500}, 40), within: 12 * time.Hour},
		{name: "Teams never answers", inject: fail(inbox.Teams, inbox.Failure{Mode: inbox.Timeout}, 6), within: 12 * time.Hour, gives: 2 * time.Second},
		// It may have taken each: after three in a row it is asked once an hour.
		{name: "Teams resets after reading", inject: fail(inbox.Teams, inbox.Failure{Mode: inbox.Reset}, 6), within: 12 * time.Hour},
		{name: "Teams keeps the message, then fails", twice: 10, within: 12 * time.Hour, inject: func(t *testing.T, f *fleet) {
			if err := f.inbox.Fail(inbox.Fault{Destination: inbox.Teams, Status: inbox.Failure{Status: 502}, Count: 10, After: true}); err != nil {
				t.Fatal(err)
			}
		}},
		{name: "Cosmos 429, 449 and 503 on every seventh write", within: time.Hour, inject: account(
			cosmos.Fault{Match: every(7), Status: 429, RetryAfter: time.Millisecond, Count: 60},
			cosmos.Fault{Match: every(7), Status: 449, Count: 60}, cosmos.Fault{Match: every(7), Status: 503, Count: 60})},
		{name: "Cosmos connections break before the commit", within: time.Hour, inject: account(cosmos.Fault{Match: every(5), Before: true, Count: 80})},
		{name: "Cosmos connections break after the commit", within: time.Hour, inject: account(cosmos.Fault{Match: every(5), After: true, Count: 80})},
		{name: "the store's disk is full for a while", within: time.Hour, inject: account(cosmos.Fault{Match: every(3), DiskFull: true, Count: 60})},
		{name: "clocks differ by ten minutes", skew: 10 * time.Minute, within: time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, c.skew, cmp.Or(c.gives, time.Minute))
			if c.inject != nil {
				c.inject(t, f)
			}
			f.flood(t)
			f.settle(t, c.within)
			o := judge(t, alerts(t, f.cosmos), f.inbox.Messages(), 1)
			t.Logf("| %s | %d | %d | %d | %s |", c.name, o.sent, o.lost, o.twice, time.Duration(f.clock.Load()))
			if o.lost > 0 || o.twice > c.twice {
				t.Errorf("lost %d, twice %d; want 0 and at most %d", o.lost, o.twice, c.twice)
			}
		})
	}
}

// chaosPayload is a record as Event Grid or, for odd feeds, as the diagnostic export tells it.
func chaosPayload(feed, a, op int) (function string, body []byte) {
	e := record(a, op, activity.Succeeded)
	id := "/subscriptions/5f1c0a52-7c1e-4b7d-9a41-2d6a8c3e9b10/resourceGroups/" + e.ResourceGroup + "/providers/Microsoft.Authorization/policyAssignments/" + e.ResourceName
	claims := map[string]string{"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn": e.Caller}
	var v any = []any{map[string]any{
		"id": e.ID, "subject": id, "eventType": "Microsoft.Resources.ResourceWriteSuccess", "eventTime": e.Time, "topic": "/subscriptions/5f1c0a52-7c1e-4b7d-9a41-2d6a8c3e9b10",
		"data": map[string]any{"resourceUri": id, "operationName": "Microsoft.Authorization/policyAssignments/write", "correlationId": e.CorrelationID, "claims": claims, "subscriptionId": "5f1c0a52-7c1e-4b7d-9a41-2d6a8c3e9b10"},
	}}
	function = "eventgrid-activity"
	if feed%2 == 1 {
		function = "eventhub-activity"
		v = []any{map[string]any{"records": []any{map[string]any{
			"time": e.Time, "resourceId": id, "operationName": "MICROSOFT.AUTHORIZATION/POLICYASSIGNMENTS/WRITE", "category": "Administrative",
			"resultType": "Success", "correlationId": e.CorrelationID, "identity": map[string]any{"claims": claims}, "properties": map[string]any{"eventCategory": "Administrative"},
		}}}}
	}
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps of strings always marshal
	}
	return function, body
}

func TestChaosKill(t *testing.T) {
	t.Parallel()
	kills := 20
	if testing.Short() {
		kills = 5
	}
	s := start(t, stack.Options{Settings: []string{"DELIVERY_LEASE=1s", "DELIVER_SCHEDULE=* * * * * *"}})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	type delivery struct{ feed, alert, op int }
	var all []delivery
	for a := range chaosAlerts {
		for op := range chaosOperations {
			for feed := range 2 * 10 { // two feeds, each telling it ten times: 2,000 deliveries
				all = append(all, delivery{feed, a, op})
			}
		}
	}
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	killed := make(chan int, 1)
	go func() { killed <- killer(ctx, s, kills) }()
	var wg sync.WaitGroup
	next := make(chan delivery)
	for range 4 {
		wg.Go(func() {
			for d := range next {
				function, body := chaosPayload(d.feed, d.alert, d.op)
				if err := send(ctx, s, function, body); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for _, d := range all {
		next <- d
	}
	close(next)
	wg.Wait()
	n := <-killed
	var have []alert.Alert
	for ctx.Err() == nil {
		have = alerts(t, s.Cosmos)
		if countBehind(have) == 0 {
			break
		}
		// The timer ticks every second; look again when something arrived, or after a while.
		seen := len(s.Inbox.Messages())
		moment, done := context.WithTimeout(ctx, time.Second)
		_, _ = s.Inbox.Await(moment, func(m []inbox.Message) bool { return len(m) > seen })
		done()
	}
	o := judge(t, have, s.Inbox.Messages(), 2) // the same act through two feeds
	t.Logf("| SIGKILL at %d random points, %d deliveries, 4 workers | %d | %d | %d | |", n, len(all), o.sent, o.lost, o.twice)
	if o.lost > 0 || o.twice > 2*n {
		t.Errorf("lost %d, twice %d; want 0, and at most one repetition per kill and destination (%d kills)", o.lost, o.twice, n)
	}
}

// killer kills the handler again and again, at random times, once it runs.
func killer(ctx context.Context, s *stack.Stack, kills int) (done int) {
	for done < kills && ctx.Err() == nil {
		wait := time.NewTimer(50*time.Millisecond + rand.N(400*time.Millisecond))
		select {
		case <-wait.C:
		case <-ctx.Done():
		}
		if s.Host.Ready(ctx) != nil {
			return done
		}
		if process, err := os.FindProcess(s.Host.HandlerPID()); err == nil && process.Kill() == nil {
			done++
		}
	}
	return done
}

func countBehind(all []alert.Alert) (n int) {
	for _, a := range all {
		if a.Behind() {
			n++
		}
	}
	return n
}

// send posts to a function through the stand-in's front ends until it is accepted.
func send(ctx context.Context, s *stack.Stack, function string, body []byte) error {
	for ctx.Err() == nil {
		if function == "eventgrid-activity" {
			_, err := deliver(ctx, s, body)
			return err
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Host.URL()+"/runtime/webhooks/eventhub?functionName="+function, bytes.NewReader(body))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			continue
		}
		_ = response.Body.Close()
		if response.StatusCode/100 == 2 {
			return nil
		}
	}
	return ctx.Err()
}
