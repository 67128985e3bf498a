package reconcile_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/digest/digesttest"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/payload"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/reconcile"
	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/handler/settings"
	"github.com/auditbell/auditbell/handler/source"
	"github.com/auditbell/auditbell/handler/store"
	"github.com/auditbell/auditbell/local/cosmos"
)

// azure answers as the Activity Log REST API does, newest first, in pages.
type azure struct {
	*httptest.Server
	records []digesttest.Record // in the order of their time
	page    int

	mu        sync.Mutex
	asked     int
	refuse    map[string]int // by subscription: the status that it answers
	remaining string
	hidden    map[string]bool // by event id: not listed yet
	hook      func()          // before every answer
}

var (
	listPath   = regexp.MustCompile(`^/subscriptions/([0-9a-f-]{36})/providers/Microsoft\.Insights/eventtypes/management/values$`)
	timeFilter = regexp.MustCompile(`^eventTimestamp ge '([^']+)' and eventTimestamp le '([^']+)'$`)
)

func (a *azure) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	a.asked++
	hook := a.hook
	a.mu.Unlock()
	if hook != nil {
		hook()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	path, filter := listPath.FindStringSubmatch(r.URL.Path), timeFilter.FindStringSubmatch(r.URL.Query().Get("$filter"))
	if path == nil || filter == nil || r.URL.Query().Get("api-version") != "2015-04-01" || r.Header.Get("Authorization") != "Bearer token" {
		http.Error(w, `{"error":{"code":"BadRequest","message":"no"}}`, http.StatusBadRequest)
		return
	}
	if a.remaining != "" {
		w.Header().Set("x-ms-ratelimit-remaining-subscription-reads", a.remaining)
	}
	if status := a.refuse[path[1]]; status != 0 {
		w.Header().Set("Retry-After", "300")
		w.WriteHeader(status)
		fmt.Fprint(w, `{"error":{"code":"Refused"}}`)
		return
	}
	from, _ := time.Parse(time.RFC3339Nano, filter[1])
	to, _ := time.Parse(time.RFC3339Nano, filter[2])
	skip, _ := strconv.Atoi(r.URL.Query().Get("$skipToken"))
	a.list(w, r, a.matching(path[1], from, to), skip)
}

func (a *azure) matching(subscription string, from, to time.Time) []digesttest.Record {
	var items []digesttest.Record
	begin := sort.Search(len(a.records), func(i int) bool { return !a.records[i].Time.Before(from) })
	for _, one := range a.records[begin:] {
		if one.Time.After(to) {
			break
		}
		if strings.EqualFold(one.Subscription, subscription) && !a.hidden[one.EventID] {
			items = append(items, one)
		}
	}
	slices.Reverse(items)
	return items
}

func (a *azure) list(w http.ResponseWriter, r *http.Request, items []digesttest.Record, skip int) {
	body := []byte(`{"value":[`)
	for i, one := range items[min(skip, len(items)):min(skip+a.page, len(items))] {
		if i > 0 {
			body = append(body, ',')
		}
		body = digesttest.AppendREST(body, one)
	}
	body = append(body, ']')
	if skip+a.page < len(items) {
		query := r.URL.Query()
		query.Set("$skipToken", strconv.Itoa(skip+a.page))
		next, _ := json.Marshal(a.URL + r.URL.Path + "?" + query.Encode())
		body = append(append(body, `,"nextLink":`...), next...)
	}
	_, _ = w.Write(append(body, '}'))
}

func (a *azure) requests() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked
}

func (a *azure) set(change func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change()
}

func (a *azure) subscriptions() []activity.Scope {
	var ids []activity.Scope
	for _, r := range a.records {
		if id := activity.Scope(strings.ToLower(r.Subscription)); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func (a *azure) within(from, to time.Time) []digesttest.Record {
	begin := sort.Search(len(a.records), func(i int) bool { return !a.records[i].Time.Before(from) })
	end := sort.Search(len(a.records), func(i int) bool { return !a.records[i].Time.Before(to) })
	return a.records[begin:end]
}

// killed is what a dead process hears. Nothing is tried again.
type killed struct{}

func (killed) Error() string { return "killed" }
func (killed) NonRetriable() {}

// metered is the way to the stand-in account, which adds up what is charged.
type metered struct {
	*cosmos.Server
	milli *atomic.Int64
	fuse  *atomic.Int64 // how many answers the process still gets before it is killed; 0: it is not; below: it is dead
}

func (m metered) Do(r *http.Request) (*http.Response, error) {
	switch left := m.fuse.Load(); {
	case left < 0:
		return nil, killed{}
	case left > 0 && m.fuse.Add(-1) == 0:
		m.fuse.Store(-1)
		if left := m.milli.Load(); left%2 == 0 { // killed before it asked, or before it was answered
			return nil, killed{}
		}
		_, _ = m.Server.Do(r)
		return nil, killed{}
	}
	response, err := m.Server.Do(r)
	if err == nil {
		ru, _ := strconv.ParseFloat(response.Header.Get("x-ms-request-charge"), 64)
		m.milli.Add(int64(ru * 1000))
	}
	return response, err
}

// house is a pipeline and a reconciler on one store.
type house struct {
	now        atomic.Int64 // Unix seconds
	azure      *azure
	account    *cosmos.Server
	store      *store.Store
	pipeline   *pipeline.Pipeline
	reconciler *reconcile.Reconciler
	channel    *channel
	watched    *rules.Set
	gaps       []reconcile.Gap
	parked     []activity.Event
	batch      []activity.Event
	batches    int
	handed     atomic.Int64 // by the reconciler, which works on several subscriptions at once
	milli      atomic.Int64
	feeding    int64 // of milli: what the feed cost
	fuse       atomic.Int64
}

func (h *house) at() time.Time { return time.Unix(h.now.Load(), 0).UTC() }

func openHouse(t testing.TB, now time.Time) *house {
	t.Helper()
	h := &house{channel: &channel{}}
	h.now.Store(now.Unix())
	var err error
	if h.account, err = cosmos.OpenDeployed(t.Context(), cosmos.Options{Now: h.at}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.account.Close() })
	h.azure = &azure{page: 100, refuse: map[string]int{}, hidden: map[string]bool{}}
	h.azure.Server = httptest.NewServer(h.azure)
	t.Cleanup(h.azure.Close)
	h.store = h.openStore(t)
	h.watch(t, watchedRule)
	return h
}

// watch has this rule alone.
func (h *house) watch(t testing.TB, rule string) {
	t.Helper()
	all, err := rules.Load(fstest.MapFS{"rule.yml": {Data: []byte(rule)}}, ".")
	if err != nil {
		t.Fatal(err)
	}
	if h.watched, err = rules.Compile(all); err != nil {
		t.Fatal(err)
	}
	h.pipeline = h.openPipeline(h.store)
	h.reconciler = h.openReconciler(h.store, h.pipeline)
}

// watchedRule rings for what a reader must not miss, each operation in an alert of its own.
const watchedRule = `title: Something was deleted or refused
id: 0b1d6f0e-6c3e-4f5d-9b7a-2f1c8a7d5e91
logsource: {product: azure, service: activitylogs}
detection:
  deleted: {operationName|endswith: /delete}
  refused: {operationName|endswith: [/deny/action, /restart/action, /listKeys/action, /deallocate/action]}
  condition: deleted or refused
level: high
auditbell: {group_by: [correlation_id, operation, resource_id]}
`

func (h *house) openStore(t testing.TB) *store.Store {
	t.Helper()
	kept, err := store.Open(store.Options{Endpoint: "http://cosmos.test/", Key: "a2V5", Transport: metered{h.account, &h.milli, &h.fuse}, Now: h.at, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

func (h *house) openPipeline(kept *store.Store) *pipeline.Pipeline {
	return app.Wire(kept, &pipeline.Judge{Rules: h.watched, Routes: []settings.Route{{To: []string{"channel"}}}}, &pipeline.Composer{},
		pipeline.Channels{Destinations: map[string]notify.Destination{"channel": h.channel}})
}

func (h *house) openReconciler(kept *store.Store, p *pipeline.Pipeline) *reconcile.Reconciler {
	log := source.ActivityLog{REST: source.REST{Client: h.azure.Client(), Endpoint: h.azure.URL, Patience: time.Second, Token: func(context.Context) (string, error) { return "token", nil }}}
	r := &reconcile.Reconciler{Log: log, Store: kept, Lookback: 24 * time.Hour, Budget: 3 * time.Minute, Pages: 10_000, Old: 6 * time.Hour, Feeds: []reconcile.Feed{reconcile.EventHub}}
	r.Take = func(ctx context.Context, events []activity.Event, old bool) error {
		b := pipeline.Batch{ID: fmt.Sprint("r", h.handed.Add(1)), Function: "reconcile", Events: events, Late: "found by reconciliation", Logger: slog.New(slog.DiscardHandler)}
		if old {
			b.Hold = alert.Hold{Name: "reconciliation", Until: h.at().Add(5 * time.Minute)}
		}
		_, err := p.Handle(ctx, b)
		return err
	}
	r.Park = func(_ context.Context, e activity.Event, _ error) error { h.parked = append(h.parked, e); return nil }
	r.Alert = func(_ context.Context, g reconcile.Gap) error { h.gaps = append(h.gaps, g); return nil }
	return r
}

// arrive has a feed bring a payload; flush hands over what has come.
func (h *house) arrive(t testing.TB, body []byte) {
	t.Helper()
	for _, reading := range payload.Decode(body) {
		if reading.Kind != payload.Activity {
			t.Fatalf("%s is no activity: %s", body, reading.Reason)
		}
		h.batch = append(h.batch, reading.Event)
	}
}

func (h *house) flush(t testing.TB) {
	t.Helper()
	before := h.milli.Load()
	h.batches++
	if _, err := h.pipeline.Handle(t.Context(), pipeline.Batch{ID: fmt.Sprint("f", h.batches), Function: "eventhub-activity", Events: h.batch, Logger: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	h.batch = nil
	h.feeding += h.milli.Load() - before
}

// spent is what all but the feed cost, in RU.
func (h *house) spent() int64 { return (h.milli.Load() - h.feeding) / 1000 }

func (h *house) reconcileUntilDone(t testing.TB) {
	t.Helper()
	for range 100 {
		h.batches++
		sum, err := h.reconciler.Run(t.Context(), fmt.Sprint("run", h.batches))
		if err != nil {
			t.Fatal(err)
		}
		if sum.Behind == 0 {
			return
		}
	}
	t.Fatal("a hundred runs were not enough")
}

// recovered are the event ids of what reconciliation recorded.
func (h *house) recovered(t testing.TB, from time.Time, hours int) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for n := range hours {
		for e, err := range h.store.Hour(t.Context(), from.Add(time.Duration(n)*time.Hour)) {
			if err != nil {
				t.Fatal(err)
			}
			if e.FoundBy == activity.Reconciliation {
				found[e.EventID] = true
			}
		}
	}
	return found
}

// ledger sums the ledger of all subscriptions up.
func (h *house) ledger(t testing.TB, from, to time.Time) reconcile.Hour {
	t.Helper()
	var sum reconcile.Hour
	for _, id := range h.reconciler.Scopes {
		kept, err := h.store.Ledger(t.Context(), id.Key(), from, to)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range kept {
			hour, err := reconcile.ReadHour(one)
			if err != nil {
				t.Fatal(err)
			}
			if !hour.Proven() {
				t.Errorf("%s of %s is not proven: %+v", hour.Hour, id, hour)
			}
			sum.Listed, sum.Seen, sum.Missed, sum.Uncarried = sum.Listed+hour.Listed, sum.Seen+hour.Seen, sum.Missed+hour.Missed, sum.Uncarried+hour.Uncarried
			sum.Recovered, sum.Unlisted, sum.Open, sum.Again = sum.Recovered+hour.Recovered, sum.Unlisted+hour.Unlisted, sum.Open+hour.Open, sum.Again+hour.Again
			sum.Ignored, sum.Looks = sum.Ignored+hour.Ignored, sum.Looks+hour.Looks
		}
	}
	return sum
}

func decodeREST(t testing.TB, r digesttest.Record) activity.Event {
	t.Helper()
	for _, reading := range payload.Decode(append(append([]byte(`{"value":[`), digesttest.AppendREST(nil, r)...), `]}`...)) {
		return reading.Event
	}
	t.Fatalf("%s was not read", r.EventID)
	return activity.Event{}
}

func lifeOf(e activity.Event) string { return alert.LifecycleKey(e) }

func (h *house) rings(e activity.Event) bool { return len(h.watched.Match(nil, &e)) > 0 }

// operationsAlerted counts the alerts that each operation is in.
func (h *house) operationsAlerted(t testing.TB) map[string]int {
	t.Helper()
	all, err := h.store.AlertsOpened(t.Context(), time.Unix(0, 0), h.at().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]int{}
	for _, a := range all {
		for _, op := range a.Operations {
			in[op.Key]++
		}
	}
	return in
}

// channel is an end that keeps the headlines of first messages.
type channel struct {
	mu       sync.Mutex
	messages []notify.Message
}

func (c *channel) Deliver(_ context.Context, m notify.Message, prev notify.Ref) (notify.Ref, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if prev.Zero() {
		c.messages = append(c.messages, m)
	}
	return notify.Ref{Channel: "C", ID: m.ID}, nil
}
