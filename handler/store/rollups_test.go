package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/store"
	"github.com/auditbell/auditbell/local/cosmos"
)

func TestHourYieldsItsEventsOnly(t *testing.T) {
	t.Parallel()
	a := open(t)
	var want []string
	for i := range 130 {
		e := event(i, activity.Succeeded)
		e.Time = activity.At(epoch.Add(time.Duration(i) * time.Minute))
		e.Properties = activity.Properties(`{"requestbody":{"Properties":{"PrincipalId":"p"}}}`)
		if _, _, err := a.Append(t.Context(), e, "me"); err != nil {
			t.Fatal(err)
		}
		if i < 60 {
			want = append(want, e.ID)
		}
	}
	var got []string
	for e, err := range a.Hour(t.Context(), epoch) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e.ID)
		if e.Properties.Text("requestbody", "properties", "principalid") != "p" || e.Operation == "" || e.Time.IsZero() {
			t.Errorf("%s lost something on the way: %+v", e.ID, e)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the hour has %d events, want %d: %v", len(got), len(want), got)
	}
	for hour, want := range map[time.Time]int{epoch: 60, epoch.Add(2 * time.Hour): 10, epoch.Add(-time.Hour): 0} {
		if n, err := a.CountHour(t.Context(), hour); err != nil || n != want {
			t.Errorf("count of %s = %d, %v; want %d", hour, n, err, want)
		}
	}
}

func TestLateEventsAreCountedBySecond(t *testing.T) {
	t.Parallel()
	a := open(t)
	began := a.now()
	for i := range 5 {
		if _, _, err := a.Append(t.Context(), event(i, activity.Succeeded), "me"); err != nil {
			t.Fatal(err)
		}
		a.advance(10 * time.Second)
	}
	for since, want := range map[time.Time]int{began: 5, began.Add(20 * time.Second): 3, began.Add(41 * time.Second): 0} {
		if n, err := a.CountLate(t.Context(), epoch, since); err != nil || n != want {
			t.Errorf("%d events stored since %s, %v; want %d", n, since.Format(time.TimeOnly), err, want)
		}
	}
}

func TestSilentDay(t *testing.T) {
	t.Parallel()
	a := open(t)
	midnight := epoch.Truncate(24 * time.Hour)
	for i, at := range []time.Time{midnight, midnight.Add(47*time.Hour + 59*time.Minute)} {
		e := event(i, activity.Succeeded)
		e.Time = activity.At(at)
		if _, _, err := a.Append(t.Context(), e, "me"); err != nil {
			t.Fatal(err)
		}
	}
	for back, want := range []bool{true, false, false, true} {
		day := midnight.AddDate(0, 0, back-1)
		if silent, err := a.SilentDay(t.Context(), day.Add(5*time.Hour)); err != nil || silent != want {
			t.Errorf("%s is silent: %v, %v; want %v", day.Format(time.DateOnly), silent, err, want)
		}
	}
}

func TestRollupIsKeptWhole(t *testing.T) {
	t.Parallel()
	a := open(t)
	if _, ok, err := a.Rollup(t.Context(), epoch); ok || err != nil {
		t.Errorf("a rollup before there is one: %v, %v", ok, err)
	}
	small, large := []byte("small"), bytes.Repeat([]byte("0123456789abcdef"), 200_000) // 3.2 MB: four items
	for i, body := range [][]byte{small, large, small} {
		r := store.Rollup{Hour: epoch, Events: i, Made: a.now(), Body: body, Sums: fmt.Sprint("sums ", i), RuleSets: []string{"rules"}}
		if ru, err := a.SaveRollup(t.Context(), r); err != nil || ru <= 0 {
			t.Fatal(ru, err)
		}
		got, ok, err := a.Rollup(t.Context(), epoch)
		if err != nil || !ok || got.Events != i || !bytes.Equal(got.Body, body) || !got.Hour.Equal(epoch) {
			t.Errorf("rollup %d came back with %d events and %d bytes, %v", i, got.Events, len(got.Body), err)
		}
		heads, err := a.RollupHeads(t.Context(), epoch)
		head := heads[epoch.UTC()]
		if err != nil || len(heads) != 1 || head.Events != i || head.Body != nil || !head.Made.Equal(r.Made) || !slices.Equal(head.RuleSets, r.RuleSets) {
			t.Errorf("without their bodies the day's rollups are %+v, %v", heads, err)
		}
		if sums, ok, err := a.Sums(t.Context(), head); sums != r.Sums || !ok || err != nil {
			t.Errorf("the sums are %q, %v, %v", sums, ok, err)
		}
	}
}

func lease(owner string, now time.Time) alert.Lease {
	return alert.Lease{Owner: owner, Until: now.Add(5 * time.Minute)}
}

func TestOneOfManyGetsTheDigest(t *testing.T) {
	t.Parallel()
	a := open(t)
	a.server.Inject(cosmos.Fault{Method: http.MethodPost, PathContains: "/rollups/", After: true, Count: 3})
	var won atomic.Int32
	var wg sync.WaitGroup
	for i := range 24 {
		wg.Go(func() {
			_, ok, err := a.ClaimDigest(t.Context(), "monthly", "2026-10", lease(fmt.Sprint("owner", i), a.now()))
			if err != nil {
				t.Error(err)
			}
			count(&won, ok)
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d instances make the digest, want 1", won.Load())
	}
}

func TestDigestIsSentOnce(t *testing.T) {
	t.Parallel()
	a := open(t)
	d, ok, err := a.ClaimDigest(t.Context(), "monthly", "2026-10", lease("first", a.now()))
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	a.advance(6 * time.Minute) // the first one died, or was slow
	second, ok, err := a.ClaimDigest(t.Context(), "monthly", "2026-10", lease("second", a.now()))
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	d.Sent = a.now()
	if _, err := a.SettleDigest(t.Context(), d); !errors.Is(err, store.ErrLeaseLost) {
		t.Errorf("the one whose lease ended may settle: %v", err)
	}
	second.Sent, second.Manifest, second.Lease = a.now(), "abc", alert.Lease{}
	if _, err := a.SettleDigest(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	a.advance(time.Hour)
	have, ok, err := a.ClaimDigest(t.Context(), "monthly", "2026-10", lease("third", a.now()))
	if ok || err != nil || have.Manifest != "abc" {
		t.Errorf("a digest that is sent can be claimed: %v, %v, %+v", ok, err, have)
	}
	if _, ok, err := a.ClaimDigest(t.Context(), "monthly", "2026-11", lease("third", a.now())); !ok || err != nil {
		t.Errorf("the next month's cannot be claimed: %v, %v", ok, err)
	}
}

func TestSettleSurvivesALostReply(t *testing.T) {
	t.Parallel()
	a := open(t)
	d, _, err := a.ClaimDigest(t.Context(), "monthly", "2026-10", lease("me", a.now()))
	if err != nil {
		t.Fatal(err)
	}
	a.server.Inject(cosmos.Fault{Method: http.MethodPut, PathContains: "/rollups/", After: true, Count: 1})
	d.Archived = a.now()
	if d, err = a.SettleDigest(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	d.Sent = a.now()
	if _, err = a.SettleDigest(t.Context(), d); err != nil {
		t.Errorf("settle after a lost reply: %v", err)
	}
}

func TestAlertsOpenedByPeriod(t *testing.T) {
	t.Parallel()
	a := open(t)
	for i, at := range []time.Duration{0, 500 * time.Millisecond, time.Hour - 1, time.Hour} {
		a.clock.Store(int64(at))
		e := event(i, activity.Succeeded)
		e.CorrelationID, e.ResourceGroup = fmt.Sprint("c", i), fmt.Sprint("rg", i)
		if _, err := a.Take(t.Context(), finding(e), a.lease("me")); err != nil {
			t.Fatal(err)
		}
	}
	got, err := a.AlertsOpened(t.Context(), epoch, epoch.Add(time.Hour))
	if err != nil || len(got) != 3 {
		t.Fatalf("%d alerts in the hour, %v; want 3", len(got), err)
	}
	if got[0].Rule.ID != "r" || got[0].Event.Caller == "" || len(got[0].Deliveries) != 2 {
		t.Errorf("the alert lacks what a digest tells: %+v", got[0])
	}
}
