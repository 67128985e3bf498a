package store_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/store"
	"github.com/auditbell/auditbell/local/cosmos"
)

// account is a stand-in account with a clock and a store on it.
type account struct {
	*store.Store
	server *cosmos.Server
	clock  atomic.Int64 // nanoseconds after the epoch below
}

var epoch = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func (a *account) now() time.Time          { return epoch.Add(time.Duration(a.clock.Load())) }
func (a *account) advance(d time.Duration) { a.clock.Add(int64(d)) }
func (a *account) lease(o string) alert.Lease {
	return alert.Lease{Owner: o, Until: a.now().Add(30 * time.Second)}
}

func open(t testing.TB) *account {
	t.Helper()
	a := &account{}
	var err error
	if a.server, err = cosmos.OpenDeployed(t.Context(), cosmos.Options{Now: a.now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.server.Close() })
	a.Store = a.another(t, a.server)
	return a
}

// another is a further instance on the same account.
func (a *account) another(t testing.TB, transport transporter) *store.Store {
	t.Helper()
	s, err := store.Open(store.Options{Endpoint: "http://cosmos.test/", Key: "a2V5", Transport: transport, Now: a.now, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

type transporter interface {
	Do(*http.Request) (*http.Response, error)
}

func event(n int, o activity.Outcome) activity.Event {
	return activity.Event{
		ID: fmt.Sprintf("e%d", n), Time: activity.At(epoch.Add(time.Duration(n) * time.Second)), Category: activity.Administrative, Outcome: o,
		Operation: "microsoft.network/networksecuritygroups/delete", CorrelationID: "c1", Caller: "rob@contoso.example",
		SubscriptionID: "s1", ResourceGroup: "rg", ResourceID: "/subscriptions/s1/resourcegroups/rg/nsg", ResourceName: "nsg",
	}
}

func finding(e activity.Event) alert.Finding {
	return alert.Finding{Event: e, Rule: alert.Rule{ID: "r", Title: "R", Severity: "high"}, To: []string{"slack", "teams"}}
}

// mild is a finding of which one alert counts any number of operations.
func mild(e activity.Event) alert.Finding {
	f := finding(e)
	f.Rule.Severity = "medium"
	return f
}

func TestAppendRecordsOnce(t *testing.T) {
	t.Parallel()
	a := open(t)
	for i, want := range []bool{true, false, false} {
		first, ru, err := a.Append(t.Context(), event(1, activity.Succeeded), "me")
		if err != nil || first != want || ru <= 0 {
			t.Errorf("append %d: first %v (want %v), %v RU, %v", i, first, want, ru, err)
		}
	}
}

func TestAppendResolvesALostReply(t *testing.T) {
	t.Parallel()
	a := open(t)
	a.server.Inject(cosmos.Fault{Method: http.MethodPost, PathContains: "/events/", After: true, Count: 1})
	first, _, err := a.Append(t.Context(), event(1, activity.Succeeded), "me")
	if err != nil || !first {
		t.Errorf("first = %v, %v; the write was ours though its reply was lost", first, err)
	}
}

func TestSixtyFourCopiesAreOneAlert(t *testing.T) {
	t.Parallel()
	a := open(t)
	var opened, leased, duplicate atomic.Int32
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			r, err := a.Take(t.Context(), finding(event(1, activity.Succeeded)), a.lease(fmt.Sprint("owner", i)))
			if err != nil {
				t.Error(err)
			}
			count(&opened, r.Opened)
			count(&leased, r.Leased)
			count(&duplicate, r.Duplicate)
		})
	}
	wg.Wait()
	if opened.Load() != 1 || leased.Load() != 1 || duplicate.Load() != 63 {
		t.Errorf("opened %d, leased %d, duplicates %d; want 1, 1, 63", opened.Load(), leased.Load(), duplicate.Load())
	}
}

func count(n *atomic.Int32, yes bool) {
	if yes {
		n.Add(1)
	}
}

func TestNoiseIsCountedExactlyUnderLostReplies(t *testing.T) {
	t.Parallel()
	a := open(t)
	var n atomic.Int32
	lossy := func(r *http.Request) bool { return r.Method == http.MethodPost && n.Add(1)%5 == 0 }
	a.server.Inject(cosmos.Fault{Match: lossy, After: true, Count: 60})
	a.server.Inject(cosmos.Fault{Match: lossy, Before: true, Count: 60})
	var wg sync.WaitGroup
	var ref atomic.Pointer[alert.Ref]
	for i := range 40 {
		wg.Go(func() {
			e := event(i, activity.Succeeded)
			e.CorrelationID = fmt.Sprint("c", i)
			for range 3 { // the first attempt, and redeliveries whatever came of it
				if r, err := a.Take(t.Context(), mild(e), a.lease(fmt.Sprint("o", i))); err == nil && r.Alert.ID != "" {
					got := r.Alert.Ref()
					ref.Store(&got)
				}
			}
		})
	}
	wg.Wait()
	a.server.ClearFaults()
	for i := range 40 { // what failed thrice comes again, as Event Grid would have it
		e := event(i, activity.Succeeded)
		e.CorrelationID = fmt.Sprint("c", i)
		if _, err := a.Take(t.Context(), mild(e), alert.Lease{}); err != nil {
			t.Fatal(err)
		}
	}
	have, err := a.Alert(t.Context(), *ref.Load())
	if err != nil || have.Count != 40 || have.Records != 40 {
		t.Errorf("count %d, records %d, %v; want exactly 40", have.Count, have.Records, err)
	}
}

func TestOneOperationThroughTwoRulesIsOneAlert(t *testing.T) {
	t.Parallel()
	a := open(t)
	early, late := finding(event(1, activity.Started)), finding(event(2, activity.Succeeded))
	early.Event.CallerObjectID, late.Event.CallerObjectID = "o1", "O1"
	first, err := a.Take(t.Context(), early, alert.Lease{})
	if err != nil {
		t.Fatal(err)
	}
	late.Rule = alert.Rule{ID: "azure:x", Title: "X", Severity: "low", Azure: true}
	late.Event.Caller = "" // another form may know the caller by id alone
	a.advance(time.Hour)   // long after the window
	second, err := a.Take(t.Context(), late, alert.Lease{})
	if err != nil || second.Opened || second.Alert.ID != first.Alert.ID {
		t.Errorf("opened %v, alert %s; want it in %s (%v)", second.Opened, second.Alert.ID, first.Alert.ID, err)
	}
	if got := second.Alert; got.Count != 1 || got.Event.Outcome != activity.Succeeded || len(got.Also) != 1 {
		t.Errorf("count %d, outcome %s, also %v", got.Count, got.Event.Outcome, got.Also)
	}
}

func TestAWindowEnds(t *testing.T) {
	t.Parallel()
	a := open(t)
	take := func(n int) alert.Decision {
		e := event(n, activity.Succeeded)
		e.CorrelationID = fmt.Sprint("c", n)
		r, err := a.Take(t.Context(), finding(e), alert.Lease{})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	first, second := take(1), take(2)
	a.advance(alert.DefaultWindow + time.Second)
	third := take(3)
	if !first.Opened || second.Opened || !third.Opened || second.Alert.Count != 2 {
		t.Errorf("opened %v %v %v, count %d; want true false true, 2", first.Opened, second.Opened, third.Opened, second.Alert.Count)
	}
}

func TestDeliveriesAreLeasedAndSettled(t *testing.T) {
	t.Parallel()
	a := open(t)
	r, err := a.Take(t.Context(), finding(event(1, activity.Succeeded)), a.lease("killed"))
	if err != nil || !r.Leased {
		t.Fatalf("leased %v, %v", r.Leased, err)
	}
	if due, err := a.Due(t.Context(), 10); err != nil || len(due) != 0 {
		t.Errorf("due while leased: %v, %v", due, err)
	}
	a.advance(31 * time.Second)
	due, err := a.Due(t.Context(), 10)
	if err != nil || len(due) != 1 {
		t.Fatalf("due after the lease of a killed instance: %v, %v; want the one alert", due, err)
	}
	_, ok, err := a.Lease(t.Context(), due[0], a.lease("two"))
	if _, again, _ := a.Lease(t.Context(), due[0], a.lease("three")); !ok || again || err != nil {
		t.Errorf("leases: %v, then %v (%v); want only the first", ok, again, err)
	}
	_, err = a.Settle(t.Context(), due[0], "two", func(x *alert.Alert) {
		x.Sent("slack", x.Revision, alert.Delivery{Channel: "C", Ref: "1.1"}, a.now())
		x.Park("teams", "gone", true, a.now())
	})
	if err != nil {
		t.Fatal(err)
	}
	if due, err := a.Due(t.Context(), 10); err != nil || len(due) != 0 {
		t.Errorf("due after all was settled: %v, %v", due, err)
	}
	stuck, err := a.Stuck(t.Context(), 10)
	if err != nil || len(stuck) != 1 || stuck[0].Deliveries["teams"].Reason != "gone" || stuck[0].Rule.Title != "R" {
		t.Errorf("stuck: %+v, %v", stuck, err)
	}
}

func TestParkKeepsOnce(t *testing.T) {
	t.Parallel()
	a := open(t)
	for range 2 {
		if _, err := a.Park(t.Context(), activity.Parked{ID: "x", Signal: "invalid", Reason: "not JSON", Function: "f", At: a.now(), Excerpt: "…"}); err != nil {
			t.Fatal(err)
		}
	}
	parked, err := a.ListParked(t.Context(), 10)
	if err != nil || len(parked) != 1 || parked[0].Reason != "not JSON" || parked[0].Function != "f" || !parked[0].At.Equal(a.now()) {
		t.Errorf("parked: %+v, %v", parked, err)
	}
}

func TestTransientFaultsAreRiddenOut(t *testing.T) {
	t.Parallel()
	for _, f := range []struct {
		name  string
		fault cosmos.Fault
	}{
		{"429", cosmos.Fault{Status: 429, RetryAfter: 10 * time.Millisecond, Count: 3}},
		{"449 concurrent writers", cosmos.Fault{Status: 449, Count: 2}},
		{"503", cosmos.Fault{Status: 503, Count: 2}},
		{"410 partition moved", cosmos.Fault{Status: 410, Count: 2}},
		{"connection lost before", cosmos.Fault{Method: http.MethodPost, Before: true, Count: 2}},
		{"connection lost after", cosmos.Fault{Method: http.MethodPost, After: true, Count: 2}},
		{"disk full", cosmos.Fault{Method: http.MethodPost, DiskFull: true, Count: 2}},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			a := open(t)
			if err := a.Check(t.Context()); err != nil { // the account is known before anything goes wrong
				t.Fatal(err)
			}
			a.server.Inject(f.fault)
			if _, _, err := a.Append(t.Context(), event(1, activity.Started), "me"); err != nil {
				t.Errorf("append: %v", err)
			}
			r, err := a.Take(t.Context(), finding(event(1, activity.Started)), a.lease("me"))
			if err != nil || r.Duplicate || !r.Leased {
				t.Errorf("ring: %+v, %v", r, err)
			}
		})
	}
}

// switched is a transport that can be down.
type switched struct {
	down atomic.Bool
	transporter
}

func (s *switched) Do(r *http.Request) (*http.Response, error) {
	if s.down.Load() {
		return nil, io.ErrUnexpectedEOF
	}
	return s.transporter.Do(r)
}

func TestAPoisonedClientIsReplaced(t *testing.T) {
	t.Parallel()
	a := open(t)
	wire := &switched{transporter: a.server}
	wire.down.Store(true)
	s := a.another(t, wire)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := s.Check(ctx); err == nil {
		t.Fatal("the account answers though it is down")
	}
	wire.down.Store(false)
	a.advance(time.Second)
	if err := s.Check(ctx); err != nil {
		t.Errorf("after the account came back: %v; azcosmos would refuse for five minutes", err)
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	a := open(t)
	if err := a.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.server.Inject(cosmos.Fault{Status: 403, Count: 1})
	if err := a.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "Cosmos DB Built-in Data Contributor") {
		t.Errorf("403 is explained as %v, want the role named", err)
	}
}

func TestADeadAccountIsAnErrorInTime(t *testing.T) {
	t.Parallel()
	a := open(t)
	wire := &switched{transporter: a.server}
	s := a.another(t, wire)
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	wire.down.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err := s.Take(ctx, finding(event(1, activity.Started)), a.lease("me"))
	if err == nil || ctx.Err() != nil {
		t.Errorf("ring on a dead account: %v (%v); want an error before an action group stops waiting", err, ctx.Err())
	}
}

func TestChargesStayInTheBudget(t *testing.T) {
	a := open(t)
	_, recorded, err := a.Append(t.Context(), event(1, activity.Succeeded), "me")
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Take(t.Context(), finding(event(1, activity.Succeeded)), a.lease("me"))
	if err != nil {
		t.Fatal(err)
	}
	settled, err := a.Settle(t.Context(), r.Alert.Ref(), "me", func(x *alert.Alert) {
		x.Sent("slack", 1, alert.Delivery{Channel: "C", Ref: "1"}, a.now())
		x.Sent("teams", 1, alert.Delivery{}, a.now())
	})
	if err != nil {
		t.Fatal(err)
	}
	again, err := a.Take(t.Context(), finding(event(1, activity.Succeeded)), a.lease("you"))
	if err != nil || !again.Duplicate {
		t.Fatal(again, err)
	}
	_, known, err := a.Append(t.Context(), event(1, activity.Succeeded), "you")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("RU: event %.1f, alert %.1f, two deliveries %.1f, duplicate %.1f and %.1f", recorded, r.RU, settled, known, again.RU)
	if total, duplicate := r.RU+settled, known+again.RU; total > 70 || duplicate > 5 {
		t.Errorf("an alert costs %.1f RU and a duplicate %.1f, the budget is 70 and 5", total, duplicate)
	}
}

func BenchmarkRing(b *testing.B) {
	a := open(b)
	for i := 0; b.Loop(); i++ {
		e := event(i, activity.Succeeded)
		e.CorrelationID, e.ResourceGroup = fmt.Sprint("c", i), fmt.Sprint("rg", i)
		if _, err := a.Take(b.Context(), finding(e), a.lease("me")); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	a := open(b)
	for i := 0; b.Loop(); i++ {
		if _, _, err := a.Append(b.Context(), event(i, activity.Succeeded), "me"); err != nil {
			b.Fatal(err)
		}
	}
}
