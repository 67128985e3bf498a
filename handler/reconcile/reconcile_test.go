package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/digest/digesttest"
	"github.com/auditbell/auditbell/handler/payload/transcode"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/reconcile"
)

// noon is the hour that most tests here are about; they look at it at 13:35.
var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// hourHouse is a house with an hour of one subscription that nobody has brought anything of.
func hourHouse(t *testing.T, operations int) *house {
	t.Helper()
	h := openHouse(t, noon.Add(95*time.Minute))
	h.azure.records = unique(digesttest.All(digesttest.Options{Seed: 9, From: noon, To: noon.Add(time.Hour), Operations: operations}), 1)
	h.azure.records = slices.DeleteFunc(h.azure.records, func(r digesttest.Record) bool { return !r.Time.Before(noon.Add(time.Hour)) })
	h.reconciler.Scopes = h.azure.subscriptions()
	h.reconciler.Lookback = time.Hour
	return h
}

// run makes one run, which may fail.
func (h *house) run(t *testing.T) (reconcile.Sum, error) {
	t.Helper()
	h.batches++
	return h.reconciler.Run(t.Context(), fmt.Sprint("run", h.batches))
}

func (h *house) pass(d time.Duration) { h.now.Add(int64(d / time.Second)) }

// the hour of the ledger, of the first subscription.
func (h *house) ledgerOf(t *testing.T, hour time.Time) (reconcile.Hour, bool) {
	t.Helper()
	kept, ok, err := h.store.LedgerHour(t.Context(), h.reconciler.Scopes[0].Key(), hour)
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		return reconcile.Hour{}, false
	}
	read, err := reconcile.ReadHour(kept)
	if err != nil {
		t.Fatal(err)
	}
	return read, true
}

func (h *house) state(t *testing.T) reconcile.State {
	t.Helper()
	kept, err := h.store.Reconciled(t.Context(), h.reconciler.Scopes[0].Key())
	if err != nil {
		t.Fatal(err)
	}
	s, err := reconcile.ReadState(kept)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestEventGridIsJudgedByWhatItCarries has Event Grid bring how writes, deletes and actions ended, dated a little later
// than Azure lists them, all but one. The rest of the list is nobody's fault, and is recorded all the same.
func TestEventGridIsJudgedByWhatItCarries(t *testing.T) {
	t.Parallel()
	h := hourHouse(t, 120)
	h.reconciler.Feeds = []reconcile.Feed{reconcile.EventGrid}
	h.reconciler.Ignore = []string{"microsoft.resources/deployments/write"}
	carried, ignored, lost := 0, 0, ""
	for i, r := range h.azure.records {
		e := decodeREST(t, r)
		if e.Operation == "microsoft.resources/deployments/write" {
			ignored++
			continue
		}
		e.Time = activity.At(e.Time.Add(time.Duration(i%3) * 700 * time.Millisecond)) // over the end of the hour as well
		body, ok := transcode.As(e, activity.FormCloudEvents)
		if !ok {
			continue
		}
		if carried++; carried == 7 {
			lost = r.EventID
			continue
		}
		h.arrive(t, body)
	}
	h.flush(t)
	if _, err := h.run(t); err != nil {
		t.Fatal(err)
	}
	got, ok := h.ledgerOf(t, noon)
	grid := got.Feeds[reconcile.EventGrid]
	if !ok || !got.Proven() || got.Missed != 1 || got.Ignored != ignored || grid.Expected != carried || grid.Seen != carried-1 || got.Seen != carried-1 || got.Unlisted != 0 {
		t.Errorf("the ledger says %+v; want 1 missed of %d that Event Grid carries, and %d ignored", got, carried, ignored)
	}
	if got.Uncarried != got.Listed-carried-ignored || got.Recovered != got.Uncarried+1 {
		t.Errorf("%d of %d are carried by no feed and %d were recovered", got.Uncarried, got.Listed, got.Recovered)
	}
	if found := h.recovered(t, noon.Add(-time.Hour), 3); !found[lost] || len(found) != got.Recovered {
		t.Errorf("%d records were recovered; the lost one among them: %v", len(found), found[lost])
	}
}

// TestWhoeverIsKilledLosesNothingAndDoublesNothing kills the process after some answers of the store, again and again,
// until it gets through.
func TestWhoeverIsKilledLosesNothingAndDoublesNothing(t *testing.T) {
	t.Parallel()
	h := hourHouse(t, 60)
	dropped := map[string]string{}
	for _, r := range h.azure.records {
		dropped[r.EventID] = "all"
	}
	rng := rand.New(rand.NewPCG(3, 4))
	deaths := 0
	for {
		h.fuse.Store(int64(1 + rng.IntN(60+20*deaths)))
		_, err := h.run(t)
		died := h.fuse.Swap(0) < 0
		if err == nil && !died {
			break
		}
		deaths++
		h.pass(7 * time.Minute) // until the lease of the dead has ended
	}
	missing, wrong := difference(dropped, h.recovered(t, noon, 1))
	got, _ := h.ledgerOf(t, noon)
	if missing+wrong > 0 || got.Missed != len(dropped) || got.Recovered != len(dropped) || !got.Proven() {
		t.Errorf("after %d deaths %d are missing, %d too many; the ledger: %+v", deaths, missing, wrong, got)
	}
	if rung := h.checkRings(t, dropped); deaths < 3 || rung < 3 {
		t.Errorf("%d deaths and %d alerts prove little", deaths, rung)
	}
}

// TestTwoInstancesDoNotGetInEachOthersWay runs two at once.
func TestTwoInstancesDoNotGetInEachOthersWay(t *testing.T) {
	t.Parallel()
	h := hourHouse(t, 60)
	asks, waits := make(chan struct{}, 100), make(chan struct{})
	h.azure.set(func() { h.azure.hook = func() { asks <- struct{}{}; <-waits } })
	first := make(chan error)
	go func() {
		_, err := h.reconciler.Run(t.Context(), "first")
		first <- err
	}()
	<-asks // now the first one has the lease
	other := h.openReconciler(h.openStore(t), h.pipeline)
	other.Scopes, other.Lookback = h.reconciler.Scopes, time.Hour
	sum, err := other.Run(t.Context(), "second")
	if err != nil || sum.Hours+sum.Pages+sum.Behind > 0 {
		t.Errorf("the second one did %+v (%v), want nothing: the first one has the lease", sum, err)
	}
	close(waits)
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	if got, ok := h.ledgerOf(t, noon); !ok || !got.Proven() || got.Recovered != len(h.azure.records) {
		t.Errorf("the ledger says %+v", got)
	}
}

// TestWhatArrivesAfterAllIsSeenAndRingsOnce recovers a record that the feed brings hours later.
func TestWhatArrivesAfterAllIsSeenAndRingsOnce(t *testing.T) {
	t.Parallel()
	h := hourHouse(t, 40)
	if _, err := h.run(t); err != nil {
		t.Fatal(err)
	}
	h.pass(time.Hour)
	for _, r := range h.azure.records {
		h.arrive(t, digesttest.AppendRecord(nil, r))
	}
	h.flush(t)
	h.pass(26 * time.Hour)
	h.reconcileUntilDone(t)
	got, _ := h.ledgerOf(t, noon)
	all := len(h.azure.records)
	if got.Seen != all || got.Missed != 0 || !got.Proven() || got.Looks < 2 || got.Feeds[reconcile.EventHub].Delay.Within(0.5) < time.Hour {
		t.Errorf("the ledger says %+v, want %d seen, late", got, all)
	}
	for life, n := range h.operationsAlerted(t) {
		if n != 1 {
			t.Errorf("operation %s is in %d alerts", life, n)
		}
	}
}

// TestARefusalStopsOneSubscriptionOnly has Azure refuse one of two subscriptions for seven hours, then answer.
func TestARefusalStopsOneSubscriptionOnly(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusForbidden, http.StatusNotFound, http.StatusTooManyRequests} {
		h := hourHouse(t, 10)
		good := h.reconciler.Scopes[0]
		const bad = "00000000-0000-0000-0000-000000000001"
		h.reconciler.Scopes = []activity.Scope{good, bad}
		h.azure.set(func() { h.azure.refuse[bad] = status })
		for n := range 8 {
			_, err := h.run(t)
			if err == nil || !strings.Contains(err.Error(), bad) || strings.Contains(err.Error(), string(good)) {
				t.Errorf("%d: run %d says %v, want the refused subscription and no other", status, n, err)
			}
			h.pass(time.Hour)
		}
		if got, ok := h.ledgerOf(t, noon); !ok || !got.Proven() {
			t.Errorf("%d: the other subscription's hour is %+v", status, got)
		}
		if len(h.gaps) == 0 || h.gaps[0].Scope != bad || !strings.Contains(h.gaps[0].Reason, fmt.Sprint(status)) {
			t.Errorf("%d: after eight hours the gaps %+v rang", status, h.gaps)
		}
		if _, ok, _ := h.store.LedgerHour(t.Context(), bad, noon); ok {
			t.Errorf("%d: the ledger has an hour that nobody could read", status)
		}
		h.azure.set(func() { h.azure.refuse[bad] = 0 })
		h.reconcileUntilDone(t)
		if _, ok, _ := h.store.LedgerHour(t.Context(), bad, noon); !ok {
			t.Errorf("%d: nobody caught up", status)
		}
	}
}

// TestReadsAreLeftToOthers stops a subscription while Azure still answers.
func TestReadsAreLeftToOthers(t *testing.T) {
	t.Parallel()
	h := hourHouse(t, 20)
	h.reconciler.Lookback = 10 * time.Hour
	h.azure.set(func() { h.azure.remaining = "42" })
	if sum, err := h.run(t); err != nil || sum.Hours != 1 {
		t.Errorf("the run did %+v (%v), want one hour and then to stop", sum, err)
	}
	if s := h.state(t); s.Reads != 42 || !s.Fails.Since.IsZero() {
		t.Errorf("the state is %+v", s)
	}
}

// TestAnHourThatIsTooMuchIsDoneInPieces gives every run fewer pages than the hour has.
func TestAnHourThatIsTooMuchIsDoneInPieces(t *testing.T) {
	t.Parallel()
	h := hourHouse(t, 200)
	h.azure.page, h.reconciler.Pages = 10, 8
	runs := 0
	for ; runs < 60; runs++ {
		if _, err := h.run(t); err != nil {
			t.Fatal(err)
		}
		if _, ok := h.ledgerOf(t, noon); ok {
			break
		}
	}
	got, _ := h.ledgerOf(t, noon)
	if got.Listed != len(h.azure.records) || got.Recovered != got.Listed || got.Missed != got.Listed || got.Unlisted != 0 {
		t.Errorf("after %d runs the ledger says %+v, want %d records", runs, got, len(h.azure.records))
	}
	if runs < 4 {
		t.Errorf("%d runs were enough: the hour was not too much", runs)
	}
}

// TestTheOldIsSummedUp recovers a day of the past: one message for what is of medium severity, one each for what is high, and
// the records all the same.
func TestTheOldIsSummedUp(t *testing.T) {
	t.Parallel()
	for level, summed := range map[string]bool{"medium": true, "high": false} {
		t.Run(level, func(t *testing.T) {
			t.Parallel()
			h := openHouse(t, noon.Add(20*time.Hour))
			h.watch(t, strings.Replace(watchedRule, "level: high", "level: "+level, 1))
			h.azure.records = unique(digesttest.All(digesttest.Options{Seed: 4, From: noon, To: noon.Add(12 * time.Hour), Operations: 600}), 1)
			h.reconciler.Scopes = h.azure.subscriptions()
			h.reconcileUntilDone(t)
			for range 20 {
				h.pass(time.Minute)
				h.batches++
				if _, err := h.pipeline.DeliverDue(t.Context(), pipeline.Batch{ID: fmt.Sprint("d", h.batches), Logger: slog.New(slog.DiscardHandler)}); err != nil {
					t.Fatal(err)
				}
			}
			var lines []string
			summaries := 0
			for _, m := range h.channel.messages {
				if lines = append(lines, m.Headline); strings.Contains(m.Headline, "alerts of the past") {
					summaries++
				}
			}
			n := len(h.operationsAlerted(t))
			if one := len(lines) == 1 && summaries == 1; n < 10 || one != summed || !summed && (summaries > 0 || len(lines) < 7) {
				t.Errorf("%d operations alerted and the channel got %q", n, lines)
			}
		})
	}
}

// TestARecordThatCannotBeKeptIsSetAside has one record refused for good: it must not stop the others.
func TestARecordThatCannotBeKeptIsSetAside(t *testing.T) {
	t.Parallel()
	h := hourHouse(t, 40)
	bad, take := h.azure.records[11].EventID, h.reconciler.Take
	h.reconciler.Take = func(ctx context.Context, events []activity.Event, old bool) error {
		if slices.ContainsFunc(events, func(e activity.Event) bool { return e.EventID == bad }) {
			return errors.New("cosmos answered 413 RequestEntityTooLarge")
		}
		return take(ctx, events, old)
	}
	for n := range 3 {
		_, err := h.run(t)
		if _, ok := h.ledgerOf(t, noon); ok != (n == 2) || (err == nil) != (n == 2) {
			t.Errorf("run %d: in the ledger %v, error %v", n, ok, err)
		}
	}
	got, _ := h.ledgerOf(t, noon)
	if len(h.parked) != 1 || h.parked[0].EventID != bad || len(h.gaps) != 1 || got.Unstored != 1 || got.Recovered != got.Listed-1 || got.Proven() {
		t.Errorf("parked %d, rang %+v, the ledger: %+v", len(h.parked), h.gaps, got)
	}
}

// TestTheListThatGrowsIsLookedAtAgain has Azure list records only after the first look.
func TestTheListThatGrowsIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	h := hourHouse(t, 40)
	for i, r := range h.azure.records {
		h.azure.hidden[r.EventID] = i%5 == 0
	}
	if _, err := h.run(t); err != nil {
		t.Fatal(err)
	}
	early, _ := h.ledgerOf(t, noon)
	h.azure.set(func() { h.azure.hidden = nil })
	h.pass(3 * time.Hour)
	h.reconcileUntilDone(t)
	late, _ := h.ledgerOf(t, noon)
	if early.Listed >= late.Listed || late.Listed != len(h.azure.records) || late.Recovered != late.Listed || late.Looks != 2 {
		t.Errorf("first look %d of %d, second look %+v", early.Listed, len(h.azure.records), late)
	}
}

// TestAnOperatorLooksAndRepairs compares without a timer.
func TestAnOperatorLooksAndRepairs(t *testing.T) {
	t.Parallel()
	h := hourHouse(t, 40)
	id := h.reconciler.Scopes[0]
	before := h.milli.Load()
	seen, missing, err := h.reconciler.Look(t.Context(), id, noon)
	if err != nil || len(missing) != len(h.azure.records) || seen.Missed != len(missing) || seen.Recovered != 0 {
		t.Errorf("a look finds %d missing, %+v (%v)", len(missing), seen, err)
	}
	if len(h.recovered(t, noon, 1)) > 0 || h.milli.Load() == before {
		t.Error("a look changes something, or did not read the store")
	}
	done, err := h.reconciler.Repair(t.Context(), "operator", id, noon)
	if err != nil || !done.Proven() || done.Recovered != len(missing) {
		t.Errorf("the repair: %+v (%v)", done, err)
	}
	if again, left, err := h.reconciler.Look(t.Context(), id, noon); err != nil || len(left) > 0 || again.Recovered != len(missing) {
		t.Errorf("then %d are missing, %+v (%v)", len(left), again, err)
	}
}

// TestAnHourThatStayedIsNotReadAgain compares the cost of a run with a second look in it to that of a run without.
func TestAnHourThatStayedIsNotReadAgain(t *testing.T) {
	t.Parallel()
	h := hourHouse(t, 200)
	for _, r := range h.azure.records {
		h.arrive(t, digesttest.AppendRecord(nil, r))
	}
	h.flush(t)
	h.reconcileUntilDone(t)
	var cost [3]int64
	for i := range cost {
		h.pass(time.Hour) // the third time the second look at noon is due
		before := h.milli.Load()
		if _, err := h.run(t); err != nil {
			t.Fatal(err)
		}
		cost[i] = (h.milli.Load() - before) / 1000
	}
	got, _ := h.ledgerOf(t, noon)
	if got.Looks != 2 || cost[2]-cost[1] > 40 {
		t.Errorf("noon had %d looks; the runs cost %d RU, and the second look must not read %d events again", got.Looks, cost, len(h.azure.records))
	}
}
