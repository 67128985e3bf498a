package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"pgregory.net/rapid"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/handler/settings"
	"github.com/auditbell/auditbell/handler/store"
	"github.com/auditbell/auditbell/infra"
	"github.com/auditbell/auditbell/local/cosmos"
)

// TestDeliveryProtocol runs random interleavings of events, timers, failures, crashes and time through two instances,
// and holds what the channel got to a reference that knows only which operations there were:
//
//   - in the end the channel shows every operation of every alert, with its final outcome;
//   - nothing was told before it was recorded, and a revision was sent twice only by an instance that crashed after it.
func TestDeliveryProtocol(t *testing.T) {
	account, err := cosmos.Open(t.Context(), cosmos.Options{Now: clock.now})
	if err != nil {
		t.Fatal(err)
	}
	defer account.Close()
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		m := newModel(rt, account, fmt.Sprint("auditbell", runs))
		rt.Repeat(map[string]func(*rapid.T){
			"event":   m.event,
			"timer":   m.timer,
			"crash":   m.crash,
			"failure": func(rt *rapid.T) { m.channel.failing = rapid.IntRange(1, 3).Draw(rt, "failures") },
			"time": func(rt *rapid.T) {
				clock.advance(time.Duration(rapid.IntRange(1, 120).Draw(rt, "seconds")) * time.Second)
			},
			"": m.check,
		})
		m.drain(rt)
	})
}

// clock is the time of everything in this file.
var clock = &fakeClock{at: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}

type fakeClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *fakeClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *fakeClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// model is the system under test and the reference beside it.
type model struct {
	instances []*pipeline.Pipeline
	crashing  *crashing
	channel   *channel
	want      map[string]map[int]activity.Outcome // resource group → operation → furthest outcome
	batch     int
	crashes   int
}

func newModel(t *rapid.T, account *cosmos.Server, database string) *model {
	layout, err := infra.ReadCosmos()
	if err != nil {
		t.Fatal(err)
	}
	layout.Database = database
	if err := account.Provision(context.Background(), layout); err != nil {
		t.Fatal(err)
	}
	watched, err := rules.Load(fstest.MapFS{"rule.yml": {Data: []byte(rule)}}, ".")
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.Compile(watched)
	if err != nil {
		t.Fatal(err)
	}
	m := &model{channel: &channel{shown: map[string]shown{}, first: map[string]int{}}, want: map[string]map[int]activity.Outcome{}}
	for range 2 {
		kept, err := store.Open(store.Options{Endpoint: "http://cosmos.test/", Key: "a2V5", Database: database, Transport: transport{account}, Now: clock.now, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		m.crashing = &crashing{Store: kept}
		m.instances = append(m.instances, wire(m.crashing, &pipeline.Judge{Rules: set, Routes: []settings.Route{{To: []string{"channel"}}}}, &pipeline.Composer{},
			pipeline.Channels{Destinations: map[string]notify.Destination{"channel": m.channel}}))
	}
	return m
}

const rule = `title: Policy assignment deleted
id: 0b1d6f0e-6c3e-4f5d-9b7a-2f1c8a7d5e90
logsource: {product: azure, service: activitylogs}
detection:
  selection: {operationName: Microsoft.Authorization/policyAssignments/delete}
  condition: selection
level: medium
`

// transport hides that the account is an http.Handler too.
type transport struct{ *cosmos.Server }

func (t transport) Do(r *http.Request) (*http.Response, error) { return t.Server.Do(r) }

// crashing is the store of an instance that dies between sending and marking when it is told to.
type crashing struct {
	*store.Store
	dies bool
}

func (c *crashing) Settle(ctx context.Context, ref alert.Ref, owner string, apply func(*alert.Alert)) (float64, error) {
	if c.dies {
		return 0, nil // nobody is left to write or to hear
	}
	return c.Store.Settle(ctx, ref, owner, apply)
}

// channel is an end that keeps what it shows. It fails as often as it is told to.
type channel struct {
	mu      sync.Mutex
	failing int
	posts   int
	shown   map[string]shown // the newest state of each alert
	first   map[string]int   // how often an alert was posted
}

type shown struct {
	group string
	count int
}

func (c *channel) Deliver(_ context.Context, m notify.Message, prev notify.Ref) (notify.Ref, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failing > 0 {
		c.failing--
		return prev, errors.New("the channel fails")
	}
	ref := prev
	if prev.Zero() {
		c.posts++
		c.first[m.ID]++
		ref = notify.Ref{Channel: "C", ID: fmt.Sprint(c.posts)}
	}
	s := shown{count: 1}
	for _, f := range m.Facts {
		if f.Name == "Where" {
			s.group = f.Value
		}
	}
	if at := strings.LastIndex(m.Headline, "(×"); at >= 0 {
		if _, err := fmt.Sscanf(m.Headline[at:], "(×%d)", &s.count); err != nil {
			return ref, err
		}
	}
	c.shown[m.ID] = s
	return ref, nil
}

func (m *model) next() pipeline.Batch {
	m.batch++
	return pipeline.Batch{ID: fmt.Sprint("b", m.batch), Logger: slog.New(slog.DiscardHandler)}
}

// event delivers one record of one of a few operations, to either instance.
func (m *model) event(t *rapid.T) {
	group := fmt.Sprint("rg-", rapid.IntRange(0, 2).Draw(t, "group"))
	op := rapid.IntRange(0, 3).Draw(t, "operation")
	outcome := rapid.SampledFrom([]activity.Outcome{activity.Succeeded, activity.Failed}).Draw(t, "outcome")
	if have, ok := m.want[group][op]; ok && have != outcome {
		outcome = have // an operation ends one way
	}
	b := m.next()
	b.Events = []activity.Event{{
		ID: fmt.Sprintf("e-%s-%d-%s", group, op, outcome), Time: activity.At(clock.now()), Category: activity.Administrative, Outcome: outcome,
		Operation: "microsoft.authorization/policyassignments/delete", CorrelationID: fmt.Sprint(group, op), Caller: "rob@contoso.example",
		SubscriptionID: "s", ResourceGroup: group, ResourceID: fmt.Sprintf("/subscriptions/s/%s/%d", group, op), ResourceName: fmt.Sprint("pa-", op),
	}}
	if _, err := m.instances[rapid.IntRange(0, 1).Draw(t, "instance")].Handle(context.Background(), b); err != nil {
		t.Fatal(err)
	}
	if m.want[group] == nil {
		m.want[group] = map[int]activity.Outcome{}
	}
	m.want[group][op] = outcome
}

func (m *model) timer(t *rapid.T) {
	if _, err := m.instances[rapid.IntRange(0, 1).Draw(t, "instance")].DeliverDue(context.Background(), m.next()); err != nil {
		t.Fatal(err)
	}
}

// crash lets an instance send and die before it marks, within an event or a timer.
func (m *model) crash(t *rapid.T) {
	m.crashing.dies = true
	m.crashes++
	defer func() { m.crashing.dies = false }()
	if rapid.Bool().Draw(t, "within an event") {
		m.event(t)
		return
	}
	m.timer(t)
}

// check holds at every step: nothing is shown of which nothing was recorded.
func (m *model) check(t *rapid.T) {
	for id, s := range m.channel.shown {
		if m.want[s.group] == nil {
			t.Fatalf("message %s shows %q, of which nothing was recorded", id, s.group)
		}
	}
}

// drain lets time pass and timers tick until nothing is owed, and compares with the reference.
func (m *model) drain(t *rapid.T) {
	m.channel.failing = 0
	for range 25 {
		clock.advance(2 * time.Minute)
		for _, p := range m.instances {
			if _, err := p.DeliverDue(context.Background(), m.next()); err != nil {
				t.Fatal(err)
			}
		}
	}
	told := map[string]int{}
	for _, s := range m.channel.shown {
		told[s.group] += s.count
	}
	for group, operations := range m.want {
		if told[group] != len(operations) {
			t.Fatalf("%s: the channel shows %d operations, %d were recorded", group, told[group], len(operations))
		}
	}
	repeated := 0
	for _, n := range m.channel.first {
		repeated += n - 1
	}
	if repeated > m.crashes*len(m.want) {
		t.Fatalf("%d alerts were posted again, with %d crashes", repeated, m.crashes)
	}
}
