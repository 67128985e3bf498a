package lookup_test

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/lookup"
	"github.com/auditbell/auditbell/handler/store"
	"github.com/auditbell/auditbell/local/cosmos"
)

// remembering is a set that asks a real store about the past.
func remembering(t *testing.T) (*bench, *store.Store, *cosmos.Server) {
	t.Helper()
	var b *bench
	now := func() time.Time { return b.now() }
	b = &bench{}
	account, err := cosmos.OpenDeployed(t.Context(), cosmos.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = account.Close() })
	past, err := store.Open(store.Options{Endpoint: "http://cosmos.test/", Key: "a2V5", Transport: account, Now: now, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	opened := open(t, func(o *lookup.Options) { o.Names, o.Past, o.Now = []string{"history"}, past, now })
	b.set = opened.set
	return b, past, account
}

func TestHistory(t *testing.T) {
	t.Parallel()
	b, past, account := remembering(t)
	act := func(n, day int, operation string) activity.Event {
		return activity.Event{
			ID: fmt.Sprintf("h%d", n), Time: activity.At(began.AddDate(0, 0, day).Add(time.Duration(n) * time.Second)), Category: activity.Administrative, Outcome: activity.Succeeded,
			Operation: operation, OperationDisplay: operation, Caller: "Rob@contoso.example", CallerType: activity.User, SubscriptionID: subscription,
			CorrelationID: fmt.Sprintf("c%d", n), ResourceID: fmt.Sprintf("/subscriptions/%s/r%d", subscription, n), ResourceName: fmt.Sprintf("r%d", n),
		}
	}
	const deletes, grants = "microsoft.keyvault/vaults/delete", "microsoft.authorization/roleassignments/write"
	told := func(e activity.Event) []string {
		b.clock.Store(int64(e.Time.Sub(began)))
		if _, _, err := past.Append(t.Context(), e, "me"); err != nil {
			t.Fatal(err)
		}
		found, later := b.look(t, e)
		if later != nil || found.RU <= 0 {
			t.Errorf("%s: later %v, %.1f RU", e.ID, later, found.RU)
		}
		var lines []string
		for _, f := range found.Facts {
			lines = append(lines, f.Name+": "+f.Value)
		}
		return lines
	}
	if got := told(act(1, 0, deletes)); got != nil {
		t.Errorf("on the first day everything is new, which says nothing: %q", got)
	}
	if got, want := told(act(2, 10, grants)), []string{"First time: yes, in the 9 days that are on record"}; !slices.Equal(got, want) && !slices.Equal(got, []string{"First time: yes, in the 10 days that are on record"}) {
		t.Errorf("after ten days: %q, want %q", got, want)
	}
	again := act(3, 11, deletes)
	if got := told(again); got != nil {
		t.Errorf("done eleven days ago: %q", got)
	}
	b.clock.Store(int64(120 * 24 * time.Hour)) // or what is recorded now were too old by then
	for n := range 3 {
		if _, _, err := past.Append(t.Context(), act(10+n, 120, grants), "me"); err != nil {
			t.Fatal(err)
		}
	}
	same := act(20, 120, "microsoft.resources/deployments/write")
	same.CorrelationID = "c21"
	if _, _, err := past.Append(t.Context(), same, "me"); err != nil {
		t.Fatal(err)
	}
	want := []string{"First time: in 109 days", "Last hour: the same actor also: 3 × roleassignments/write", "Also: under the same correlation id: deployments/write on r20"}
	got := told(act(21, 120, deletes))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after months (-want +got):\n%s", diff)
	}

	account.Inject(cosmos.Fault{Status: 503})
	e := act(22, 121, deletes)
	if found, later := b.look(t, e); len(found.Facts) > 0 || !slices.Equal(later, []string{"history"}) {
		t.Errorf("without a store: %v, later %v", found.Facts, later)
	}
	if asked := b.set.For(&activity.Event{Operation: deletes, Caller: "Microsoft", CallerType: activity.Platform}); asked != nil {
		t.Errorf("asks %v about Azure itself", asked)
	}
}
