package stack_test

// Chaos: what happens to alerts when everything around the handler fails. TestChaosFaults runs two instances of the
// pipeline with a clock of its own over the stand-ins; TestChaosKill kills real processes. Both print the table of
// docs/reliability.md: go test ./local/... -run Chaos -v

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/local/cosmos"
	"github.com/auditbell/auditbell/local/inbox"
	"github.com/auditbell/auditbell/local/stack"
)

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

// outcome is a row of the table. In doubt are alerts that a destination may have or not, and that a message lists by name.
type outcome struct{ sent, doubt, lost, twice int }

// joined is how a channel without edits is notified of operations that join an alert: a message of its own, which may
// come once for each count.
var joined = regexp.MustCompile(`(?m)^×\d+ now\b.*$`)

// unconfirmed is the headline over a list of alerts that a destination may have or not.
var unconfirmed = regexp.MustCompile(`\d+ messages? to (\w+) (?:is|are) unconfirmed`)

// tally is what the messages say of each alert, by destination and number.
type tally struct {
	posts, followed map[string]int
	listed          map[string]bool // as unconfirmed
	replies         map[string]int  // by thread and text
}

// count takes a message. again says how often it repeats what its channel had.
func (c *tally) count(m inbox.Message) (again int) {
	if m.Kind == inbox.Thread {
		if c.replies[m.Ref+m.Text]++; c.replies[m.Ref+m.Text] > 1 {
			again++
		}
	}
	of := unconfirmed.FindStringSubmatch(m.Text)
	for a := range chaosAlerts {
		if m.Kind != inbox.Post || !strings.Contains(m.Text, fmt.Sprintf("rg-%03d", a)) {
			continue
		}
		key, more := fmt.Sprint(m.Destination, a), joined.FindString(m.Text)
		switch {
		case of != nil:
			c.listed[fmt.Sprint(of[1], a)] = true
		case more != "":
			if c.followed[key+more]++; c.followed[key+more] > 1 {
				again++
			}
		default:
			c.posts[key]++
		}
	}
	return again
}

// judge counts first messages by alert and destination, and those about operations that joined; and holds the counters to
// what was sent in. An alert that is not at a destination is lost, unless a message lists it as unconfirmed there.
func judge(t *testing.T, all []alert.Alert, messages []inbox.Message, recordsEach int) outcome {
	t.Helper()
	var o outcome
	c := tally{map[string]int{}, map[string]int{}, map[string]bool{}, map[string]int{}}
	for _, m := range messages {
		o.twice += c.count(m)
	}
	for _, destination := range []string{inbox.Slack, inbox.Teams} {
		for a := range chaosAlerts {
			key := fmt.Sprint(destination, a)
			n := c.posts[key]
			o.sent += n
			switch {
			case n == 0 && c.listed[key]:
				o.doubt++
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

// fault is a row of the table of docs/reliability.md: what goes wrong, and what at most that may cost.
type fault struct {
	name   string
	inject func(*testing.T, *fleet)
	skew   time.Duration
	twice  int // messages that the documented gap may repeat
	doubt  int // alerts at most that a channel was sent twice without an answer, which a message lists
	within time.Duration
	app    slackApp
}

// faults are what TestChaosFaults injects, in the order of the table.
func faults() []fault {
	fail := func(destination string, how inbox.Failure, count int) func(*testing.T, *fleet) {
		return func(t *testing.T, f *fleet) {
			if err := f.inbox.Fail(inbox.Fault{Destination: destination, Status: how, Count: count, RetryAfter: 60}); err != nil {
				t.Fatal(err)
			}
		}
	}
	silent := func(destination string, count, every int) func(*testing.T, *fleet) {
		return func(t *testing.T, f *fleet) {
			if err := f.inbox.Fail(inbox.Fault{Destination: destination, Status: inbox.Failure{Mode: inbox.Timeout}, Count: count, Every: every, After: true}); err != nil {
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
	return []fault{
		{name: "nothing, two instances, everything five times in any order", within: time.Hour},
		{name: "Slack answers 429 for a minute", inject: fail(inbox.Slack, inbox.Failure{Status: 429}, 60), within: 2 * time.Hour},
		{name: "Slack answers 500, forty times", inject: fail(inbox.Slack, inbox.Failure{Status: 500}, 40), within: 12 * time.Hour},
		{name: "Teams never answers", inject: fail(inbox.Teams, inbox.Failure{Mode: inbox.Timeout}, 6), doubt: 3, within: 12 * time.Hour},
		// It may have taken each. After three in a row it gets one message an hour, and the same alert twice at most: 30 resets
		// last 27 hours and leave 15 alerts in doubt.
		{name: "Teams resets after reading, thirty times", inject: fail(inbox.Teams, inbox.Failure{Mode: inbox.Reset}, 30), doubt: 15, within: 48 * time.Hour},
		{name: "Teams keeps the message, then fails", twice: 10, within: 12 * time.Hour, inject: func(t *testing.T, f *fleet) {
			if err := f.inbox.Fail(inbox.Fault{Destination: inbox.Teams, Status: inbox.Failure{Status: 502}, Count: 10, After: true}); err != nil {
				t.Fatal(err)
			}
		}},
		{name: "Slack keeps the message and never answers", inject: silent(inbox.Slack, 6, 1), twice: 6, within: 12 * time.Hour},
		{name: "Slack keeps the message and never answers, and may be searched", inject: silent(inbox.Slack, 6, 1), within: 12 * time.Hour, app: reader},
		{name: "Slack keeps messages, edits and replies, does not answer every third, and may be searched", inject: silent(inbox.Slack, 60, 3), within: 48 * time.Hour, app: reader},
		{name: "Cosmos 429, 449 and 503 on every seventh write", within: time.Hour, inject: account(
			cosmos.Fault{Match: every(7), Status: 429, RetryAfter: time.Millisecond, Count: 60},
			cosmos.Fault{Match: every(7), Status: 449, Count: 60}, cosmos.Fault{Match: every(7), Status: 503, Count: 60})},
		{name: "Cosmos connections break before the commit", within: time.Hour, inject: account(cosmos.Fault{Match: every(5), Before: true, Count: 80})},
		{name: "Cosmos connections break after the commit", within: time.Hour, inject: account(cosmos.Fault{Match: every(5), After: true, Count: 80})},
		{name: "the store's disk is full for a while", within: time.Hour, inject: account(cosmos.Fault{Match: every(3), DiskFull: true, Count: 60})},
		{name: "clocks differ by ten minutes", skew: 10 * time.Minute, within: time.Hour},
	}
}

func TestChaosFaults(t *testing.T) {
	t.Parallel()
	for _, c := range faults() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, fleetOptions{skew: c.skew, app: c.app})
				if c.inject != nil {
					c.inject(t, f)
				}
				f.flood(t)
				f.settle(t, c.within)
				o := judge(t, alerts(t, f.cosmos), f.inbox.Messages(), 1)
				t.Logf("| %s | %d | %d | %d | %d | %s |", c.name, o.sent, o.doubt, o.lost, o.twice, f.passed())
				if o.lost > 0 || o.twice > c.twice || o.doubt > c.doubt {
					t.Errorf("lost %d, twice %d, in doubt %d; want 0, and at most %d and %d", o.lost, o.twice, o.doubt, c.twice, c.doubt)
				}
			})
		})
	}
}

// TestChaosTable holds the table of docs/reliability.md to the bounds that TestChaosFaults checks.
func TestChaosTable(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	want := "| fault | lost | sent twice, at most | unconfirmed and listed, at most | over within |\n|---|---|---|---|---|\n"
	for _, c := range faults() {
		want += fmt.Sprintf("| %s | 0 | %d | %d | %s |\n", c.name, c.twice, c.doubt, strings.TrimSuffix(strings.TrimSuffix(c.within.String(), "0s"), "0m"))
	}
	if !strings.Contains(string(text), want) {
		t.Errorf("docs/reliability.md does not have the table\n%s", want)
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
		if !slices.ContainsFunc(have, dueSoon) {
			break
		}
		// The timer ticks every second; look again when something arrived, or after a while.
		seen := len(s.Inbox.Messages())
		moment, done := context.WithTimeout(ctx, time.Second)
		_, _ = s.Inbox.Await(moment, func(m []inbox.Message) bool { return len(m) > seen })
		done()
	}
	o := judge(t, have, s.Inbox.Messages(), 2) // the same act through two feeds
	t.Logf("| SIGKILL at %d random points, %d deliveries, 4 workers | %d | %d | %d | %d | |", n, len(all), o.sent, o.doubt, o.lost, o.twice)
	if o.lost > 0 || o.doubt > 0 || o.twice > 2*n {
		t.Errorf("lost %d, twice %d, in doubt %d; want 0, and at most one repetition per kill and destination (%d kills)", o.lost, o.twice, o.doubt, n)
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

// dueSoon leaves out the names of mild operations, which channels without edits get every five minutes.
func dueSoon(a alert.Alert) bool { return len(a.DueNames(time.Now().Add(time.Minute))) > 0 }

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
