package store_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/store"
	"github.com/auditbell/auditbell/local/cosmos"
)

func TestStagedMatchesAreCountedByRuleAndDay(t *testing.T) {
	t.Parallel()
	a := open(t)
	var wg sync.WaitGroup
	for range 4 { // instances that begin at once: one creates the item, the others add to it
		wg.Go(func() { count1(t, a, "rule-a", epoch, 5) })
	}
	wg.Wait()
	count1(t, a, "rule-a", epoch.Add(24*time.Hour), 1)
	count1(t, a, "rule-b", epoch.AddDate(0, -1, 0), 7)
	got, err := a.Staged(t.Context(), epoch.AddDate(0, 0, -7))
	if err != nil {
		t.Fatal(err)
	}
	want := []store.StagedCount{{Rule: "rule-a", Day: "2026-11-22", Matches: 20}, {Rule: "rule-a", Day: "2026-11-23", Matches: 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("counts of the last week (-want +got):\n%s", diff)
	}
	if all, err := a.Staged(t.Context(), time.Time{}); err != nil || len(all) != 3 {
		t.Errorf("all counts: %v, %v; want three", all, err)
	}
}

func count1(t *testing.T, a *account, rule string, day time.Time, n int) {
	t.Helper()
	if ru, err := a.CountStaged(t.Context(), rule, day, n); err != nil || ru <= 0 {
		t.Errorf("count %s: %v RU, %v", rule, ru, err)
	}
}

// A count may lag, but a lost reply must not make a rule look noisier than it is.
func TestStagedCountsAreNotRepeatedAfterALostReply(t *testing.T) {
	t.Parallel()
	a := open(t)
	count1(t, a, "rule-a", epoch, 1)
	a.server.Inject(cosmos.Fault{Method: http.MethodPatch, PathContains: "/rollups/", After: true, Count: 1})
	if _, err := a.CountStaged(t.Context(), "rule-a", epoch, 1); err == nil {
		t.Error("a lost reply is no error; the log should say that a count may be missing")
	}
	a.server.Inject(cosmos.Fault{Method: http.MethodPost, PathContains: "/rollups/", After: true, Count: 1})
	count1(t, a, "rule-b", epoch, 3)
	got, err := a.Staged(t.Context(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	want := []store.StagedCount{{Rule: "rule-a", Day: "2026-11-22", Matches: 2}, {Rule: "rule-b", Day: "2026-11-22", Matches: 3}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

// Throttled by the account, a count waits and is made.
func TestStagedCountsOutlastThrottling(t *testing.T) {
	t.Parallel()
	a := open(t)
	count1(t, a, "rule-a", epoch, 1)
	a.server.Inject(cosmos.Fault{Method: http.MethodPatch, PathContains: "/rollups/", Status: 449, Count: 2})
	count1(t, a, "rule-a", epoch, 1)
	got, err := a.Staged(t.Context(), time.Time{})
	if err != nil || len(got) != 1 || got[0].Matches != 2 {
		t.Errorf("counts %v, %v; want 2", got, err)
	}
}
