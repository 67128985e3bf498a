package reconcile_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/digest/digesttest"
	"github.com/auditbell/auditbell/handler/reconcile"
)

// TestTheLedgerFindsWhatAFeedDropped runs a scaled-down month of an estate of twelve subscriptions through an export that
// drops records: one in a hundred at random, whole hours, and one category for some days. `make reconcile-month` runs it
// with 200,000 records.
func TestTheLedgerFindsWhatAFeedDropped(t *testing.T) {
	t.Parallel()
	operations, hours, subscriptions := 500, 14, 2
	if n, err := strconv.Atoi(os.Getenv("RECONCILE_MONTH")); err == nil {
		operations, hours, subscriptions = n, 31*24, 12
	}
	from := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	o := digesttest.Options{Seed: 5, From: from, To: from.Add(time.Duration(hours) * time.Hour), Operations: operations}
	h := openHouse(t, from.Add(time.Hour))
	h.azure.records = unique(digesttest.All(o), subscriptions)
	h.reconciler.Feeds = []reconcile.Feed{reconcile.EventHub}
	h.reconciler.Scopes = h.azure.subscriptions()

	rng := rand.New(rand.NewPCG(7, 7))
	silent := map[time.Time]bool{}
	for range max(2, hours/150) { // whole hours
		silent[from.Add(time.Duration(rng.IntN(hours))*time.Hour)] = true
	}
	deaf := from.Add(time.Duration(hours/2) * time.Hour) // Policy is not exported for a fifth of the time
	hearing := deaf.Add(time.Duration(hours/5) * time.Hour)
	dropped := map[string]string{}
	began := time.Now()
	feed := func(hour time.Time) {
		for _, r := range h.azure.within(hour, hour.Add(time.Hour)) {
			switch {
			case silent[hour]:
				dropped[r.EventID] = "hour"
			case r.Category == "Policy" && !r.Time.Before(deaf) && r.Time.Before(hearing):
				dropped[r.EventID] = "category"
			case rng.Float64() < 0.01:
				dropped[r.EventID] = "random"
			default:
				h.arrive(t, digesttest.AppendRecord(nil, r))
			}
		}
	}
	h.now.Store(from.Add(time.Hour).Unix())
	for n := range hours + 30 { // a day and more, until every hour had its third look
		hour := from.Add(time.Duration(n) * time.Hour)
		h.now.Store(hour.Add(time.Hour).Unix())
		feed(hour)
		h.flush(t)
		h.now.Store(hour.Add(95 * time.Minute).Unix())
		if n == 0 {
			h.reconciler.Lookback = time.Hour
		}
		h.reconcileUntilDone(t)
	}

	found := h.recovered(t, from.Add(-time.Hour), hours+30)
	missing, wrong := difference(dropped, found)
	sum := h.ledger(t, from.Add(-2*time.Hour), from.Add(time.Duration(hours+40)*time.Hour))
	if missing+wrong > 0 || sum.Missed != len(dropped) || sum.Recovered != len(dropped) || sum.Listed != len(h.azure.records) {
		t.Errorf("%d dropped records were not recovered, %d were that had not been dropped; the ledger: %+v, want %d missed of %d",
			missing, wrong, sum, len(dropped), len(h.azure.records))
	}
	alerted := h.checkRings(t, dropped)
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	kinds := map[string]int{}
	for _, kind := range dropped {
		kinds[kind]++
	}
	t.Logf("%d records in %d hours of %d subscriptions; dropped %v; missed by the ledger %d, false %d; %d of the dropped ring, each once; %s in all, "+
		"%d requests to Azure, %d RU for reconciliation, peak of the process %d MiB", len(h.azure.records), hours, len(h.reconciler.Scopes), kinds, missing, wrong, alerted,
		time.Since(began).Round(time.Second), h.azure.requests(), h.spent(), memory.Sys>>20)
}

// TestMemoryDoesNotGrowWithAnOutage has Azure list more records of one hour than may wait, none of which arrived.
func TestMemoryDoesNotGrowWithAnOutage(t *testing.T) { // not parallel: it measures the process
	h := hourHouse(t, 1)
	h.azure.records = outage(7_000)
	h.reconciler.Scopes, h.azure.page = h.azure.subscriptions(), 1000
	handed, most := 0, uint64(0)
	h.reconciler.Take = func(_ context.Context, events []activity.Event, _ bool) error { handed += len(events); return nil }
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	h.azure.set(func() { h.azure.hook = func() { most = max(most, heap()) } })
	if _, err := h.run(t); err != nil {
		t.Fatal(err)
	}
	const limit = 40 << 20
	if grown := most - min(before, most); handed != len(h.azure.records) || grown > limit {
		t.Errorf("%d of %d records were handed over, and the heap grew by %d MiB; the limit is %d", handed, len(h.azure.records), grown>>20, limit>>20)
	} else {
		t.Logf("an hour of %d records, all missing: the heap grew by %d MiB", handed, grown>>20)
	}
}

// outage is an hour full of records of one subscription.
func outage(n int) []digesttest.Record {
	all := unique(digesttest.All(digesttest.Options{Seed: 2, From: noon, To: noon.Add(time.Hour), Operations: n}), 1)
	for len(all) < n {
		all = append(all, all[:min(len(all), n-len(all))]...)
	}
	for i := range all {
		all[i].Time = noon.Add(time.Duration(i) * time.Hour / time.Duration(n+1)).Truncate(100)
		all[i].EventID = fmt.Sprintf("%08x-0000-4000-8000-000000000000", i)
	}
	return all
}

// unique leaves out what the feed would deliver again, because Azure lists a record once, and all but some
// subscriptions.
func unique(all []digesttest.Record, subscriptions int) []digesttest.Record {
	seen, ids := map[string]bool{}, map[string]bool{}
	return slices.DeleteFunc(all, func(r digesttest.Record) bool {
		again := seen[r.EventID]
		seen[r.EventID] = true
		if !ids[r.Subscription] && len(ids) < subscriptions {
			ids[r.Subscription] = true
		}
		return again || !ids[r.Subscription]
	})
}

// difference counts what was dropped and not found, and what was found and not dropped.
func difference(dropped map[string]string, found map[string]bool) (missing, wrong int) {
	for id := range dropped {
		if !found[id] {
			missing++
		}
	}
	for id := range found {
		if dropped[id] == "" {
			wrong++
		}
	}
	return missing, wrong
}

// checkRings reports how many dropped records belong to an operation that rings, and fails unless each of those is in one
// alert, and in one only.
func (h *house) checkRings(t *testing.T, dropped map[string]string) (rung int) {
	t.Helper()
	alerts := h.operationsAlerted(t)
	for _, r := range h.azure.records {
		if dropped[r.EventID] == "" {
			continue
		}
		e := decodeREST(t, r)
		if !h.rings(e) {
			continue
		}
		rung++
		if n := alerts[lifeOf(e)]; n != 1 {
			t.Errorf("the operation of the dropped record %s (%s) is in %d alerts, want 1", r.EventID, r.Operation, n)
		}
	}
	if rung == 0 {
		t.Error("no dropped record rings: the test proves nothing about ringing")
	}
	return rung
}
