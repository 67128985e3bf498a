package pipeline_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"github.com/auditbell/auditbell/handler/activity"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/outbox"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/settings"
	"github.com/auditbell/auditbell/handler/store"
	"github.com/auditbell/auditbell/local/cosmos"
)

// metered adds up what an account charges.
type metered struct {
	*cosmos.Server
	mu sync.Mutex
	ru float64
}

func (m *metered) Do(r *http.Request) (*http.Response, error) {
	response, err := m.Server.Do(r)
	if err == nil {
		charge, _ := strconv.ParseFloat(response.Header.Get("x-ms-request-charge"), 64)
		m.mu.Lock()
		m.ru += charge
		m.mu.Unlock()
	}
	return response, err
}

// TestWhatWaitsCostsARunNothing compares what ten runs of the timer cost while a destination takes no messages, with
// 1,000 alerts waiting for it and with 100,000. It runs in a bubble, because the stand-in reads its items one by one, and
// no request may be too late for that.
func TestWhatWaitsCostsARunNothing(t *testing.T) {
	t.Parallel()
	many := 100_000
	if testing.Short() {
		many = 10_000
	}
	var few, lots float64
	synctest.Test(t, func(t *testing.T) { few, lots = waitingCosts(t, 1_000), waitingCosts(t, many) })
	t.Logf("10 runs: %.1f RU with 1,000 waiting, %.1f RU with %d", few, lots, many)
	if few < 20 || lots > few*1.001 {
		t.Errorf("10 runs cost %.2f RU with 1,000 waiting and %.2f RU with %d", few, lots, many)
	}
}

// waitingCosts is the charge of ten runs. Three alerts are real and take turns as probes; the others only wait.
func waitingCosts(t *testing.T, waiting int) float64 {
	t.Helper()
	kept, account, at := meteredStore(t)
	p := wire(kept, &pipeline.Judge{Rules: compiled(t, rule), Routes: []settings.Route{{To: []string{"channel"}}}}, &pipeline.Composer{},
		pipeline.Channels{Destinations: map[string]notify.Destination{"channel": &switched{off: true}}})
	for n := range 3 {
		handle(t, p, "", began(n, at.now()))
	}
	ticks(t, p, at, 20)
	w := outbox.Waiting{Alert: "waits-000000", Group: "g", Title: "An alert that waits", Severity: "medium", Opened: at.now(), Since: at.now()}
	if _, err := kept.PutWaiting(t.Context(), "channel", w); err != nil {
		t.Fatal(err)
	}
	copies(t, account, "destination-channel-other", w.Alert, waiting-1)
	before := account.ru
	ticks(t, p, at, 10)
	return account.ru - before
}

// meteredStore is a store on an account of its own whose charges are counted.
func meteredStore(t *testing.T) (*store.Store, *metered, *fakeClock) {
	t.Helper()
	at := &fakeClock{at: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	server, err := cosmos.OpenDeployed(t.Context(), cosmos.Options{Now: at.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	account := &metered{Server: server}
	kept, err := store.Open(store.Options{Endpoint: "http://cosmos.test/", Key: "a2V5", Transport: account, Now: at.now, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return kept, account, at
}

// charged is a pipeline with the library's rules and two destinations on an account whose charges are counted.
func charged(t *testing.T, m *manager) (*pipeline.Pipeline, *fakeClock, *metered) {
	t.Helper()
	kept, account, at := meteredStore(t)
	ends := map[string]notify.Destination{"slack": &uneditable{edits: true, at: at.now}, "teams": &uneditable{at: at.now}}
	p := wire(kept, &pipeline.Judge{Rules: library(t), Routes: []settings.Route{{To: []string{"*"}}}}, &pipeline.Composer{}, pipeline.Channels{Destinations: ends})
	if m != nil {
		p.Lookups = m
	}
	return p, at, account
}

// copies writes n more items like the one of a partition of rollups, under ids of their own, a hundred in a request.
func copies(t *testing.T, account policy.Transporter, partition, id string, n int) {
	t.Helper()
	key, err := azcosmos.NewKeyCredential("a2V5")
	if err != nil {
		t.Fatal(err)
	}
	client, err := azcosmos.NewClientWithKey("http://cosmos.test/", key, &azcosmos.ClientOptions{ClientOptions: policy.ClientOptions{Transport: account}})
	if err != nil {
		t.Fatal(err)
	}
	container, err := client.NewContainer("auditbell", "rollups")
	if err != nil {
		t.Fatal(err)
	}
	pk := azcosmos.NewPartitionKeyString(partition)
	one, err := container.ReadItem(t.Context(), pk, id, nil)
	if err != nil {
		t.Fatal(err)
	}
	for from := 1; from <= n; from += 100 {
		batch := container.NewTransactionalBatch(pk)
		for i := from; i < min(from+100, n+1); i++ {
			batch.CreateItem(bytes.ReplaceAll(one.Value, []byte(id), fmt.Appendf(nil, "waits-%06d", i)), nil)
		}
		if answer, err := container.ExecuteTransactionalBatch(t.Context(), batch, nil); err != nil || !answer.Success {
			t.Fatalf("items from %d: %v", from, err)
		}
	}
}

// TestWhatAnAlertCosts counts the charges of alerts with two deliveries, and of their records when they come again.
func TestWhatAnAlertCosts(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		manager *manager
		record  func(n int) activity.Event
		most    float64
	}{
		"a policy assignment is deleted": {nil, func(n int) activity.Event { return deleted(n, noon) }, 70},
		"Owner is granted, and looked up": {&manager{found: answer(ownerRole, noon)}, func(n int) activity.Event {
			e := grantRecord(fmt.Sprint("grid", n), activity.Succeeded, activity.FormEventGrid, noon, "")
			e.CorrelationID, e.ResourceName = e.ID, e.ID
			e.ResourceID = "/subscriptions/s/providers/microsoft.authorization/roleassignments/" + e.ID
			return e
		}, 75},
	} {
		p, at, account := charged(t, c.manager)
		send(t, p, at, c.record(0)) // what an instance reads once is read
		before := account.ru
		e := c.record(1)
		e.Caller, e.ResourceGroup = "eve@example.com", "rg-eve" // an alert of its own
		send(t, p, at, e)
		opened := account.ru - before
		at.advance(time.Minute)
		before = account.ru
		send(t, p, at, e)
		again := account.ru - before
		t.Logf("%s: %.1f RU, and %.1f RU when it comes again", name, opened, again)
		if opened > c.most || again > 5 {
			t.Errorf("%s costs %.1f RU, and %.1f when it comes again; want %.0f and 5 at most", name, opened, again, c.most)
		}
	}
}
