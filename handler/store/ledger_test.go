package store_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/store"
)

const subscription = "6c64f977-6931-4378-9b16-725ae163bcf0"

func TestArrivalsTellWhenAnEventWasRecorded(t *testing.T) {
	t.Parallel()
	a := open(t)
	e := event(1, activity.Succeeded)
	e.Form, e.FoundBy = activity.FormREST, activity.Reconciliation
	a.advance(90 * time.Minute)
	if _, _, err := a.Append(t.Context(), e, "me"); err != nil {
		t.Fatal(err)
	}
	n := 0
	for got, err := range a.Arrivals(t.Context(), epoch) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		have := got.Event
		if have.ID != e.ID || have.FoundBy != e.FoundBy || have.CorrelationID != e.CorrelationID || have.ResourceID != e.ResourceID || have.Form != e.Form || !have.Time.Equal(e.Time.Time) {
			t.Errorf("the arrival is %+v, want the identity of %+v", have, e)
		}
		if want := epoch.Add(90 * time.Minute); !got.At.Equal(want) {
			t.Errorf("it was recorded at %s, want %s", got.At, want)
		}
	}
	if n != 1 {
		t.Errorf("the hour has %d arrivals, want 1", n)
	}
}

func TestLedgerIsReadByMonthAndSubscription(t *testing.T) {
	t.Parallel()
	a := open(t)
	hours := []time.Time{time.Date(2026, 10, 31, 23, 0, 0, 0, time.UTC), time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)}
	for i, hour := range hours {
		for _, text := range []string{`{"n":1}`, `{"n":2}`} { // the newer one stands
			if err := a.SaveLedger(t.Context(), store.LedgerHour{Subscription: subscription, Hour: hour, Body: json.RawMessage(text)}); err != nil {
				t.Fatalf("%d: %v", i, err)
			}
		}
	}
	if err := a.SaveLedger(t.Context(), store.LedgerHour{Subscription: "another", Hour: hours[0], Body: json.RawMessage(`{}`)}); err != nil {
		t.Fatal(err)
	}
	all, err := a.Ledger(t.Context(), subscription, hours[0], hours[2])
	if err != nil || len(all) != 2 || !all[0].Hour.Equal(hours[0]) || !all[1].Hour.Equal(hours[1]) || string(all[1].Body) != `{"n":2}` {
		t.Errorf("the ledger of October's last and November's first hour is %+v (%v)", all, err)
	}
	if _, ok, err := a.LedgerHour(t.Context(), subscription, hours[1].Add(time.Hour)); ok || err != nil {
		t.Errorf("an hour that nobody compared is there: %v, %v", ok, err)
	}
}

func TestReconciliationHasOneOwner(t *testing.T) {
	t.Parallel()
	a := open(t)
	first, ok, err := a.ClaimReconcile(t.Context(), subscription, a.lease("first"))
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if _, ok, err := a.ClaimReconcile(t.Context(), subscription, a.lease("second")); ok || err != nil {
		t.Errorf("the second one has it too: %v, %v", ok, err)
	}
	a.advance(time.Minute) // the first one's lease ends
	second, ok, err := a.ClaimReconcile(t.Context(), subscription, a.lease("second"))
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	first.Body = json.RawMessage(`{"by":"first"}`)
	if _, err := a.SettleReconcile(t.Context(), first, "first"); !errors.Is(err, store.ErrLeaseLost) {
		t.Errorf("whoever lost the lease writes: %v", err)
	}
	second.Body = json.RawMessage(`{"by":"second"}`)
	if second, err = a.SettleReconcile(t.Context(), second, "second"); err != nil {
		t.Fatal(err)
	}
	if have, err := a.Reconciled(t.Context(), subscription); err != nil || string(have.Body) != string(second.Body) {
		t.Errorf("kept is %s (%v)", have.Body, err)
	}
}

func TestForgotIsWhatWasRecordedAndIsGone(t *testing.T) {
	t.Parallel()
	a := open(t)
	rolled := func(made time.Time, n int) {
		t.Helper()
		if _, err := a.SaveRollup(t.Context(), store.Rollup{Hour: epoch, Events: n, Made: made, Body: []byte("x")}); err != nil {
			t.Fatal(err)
		}
	}
	want := func(when string, forgot bool) {
		t.Helper()
		if got, err := a.Forgot(t.Context(), epoch); err != nil || got != forgot {
			t.Errorf("%s: forgot is %v (%v), want %v", when, got, err, forgot)
		}
	}
	rolled(epoch.Add(time.Hour), 7)
	want("at once", false)
	a.advance(70 * 24 * time.Hour)
	want("after 70 days", true)
	rolled(a.now(), 7)
	want("found late, and rolled up today", false)
	rolled(epoch.Add(time.Hour), 0)
	want("nothing had been recorded", false)
}
