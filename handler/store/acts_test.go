package store_test

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/local/cosmos"
)

var ana = alert.Person{ID: "U1", Name: "ana"}

// isBatch selects transactional batches, by the header that azcosmos gives them.
func isBatch(r *http.Request) bool { return r.Header.Get("x-ms-cosmos-is-batch-request") != "" }

// rung is an alert that every destination has.
func rung(t *testing.T, a *account) alert.Ref {
	t.Helper()
	r, err := a.Take(t.Context(), finding(event(1, activity.Started)), a.lease("taker"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.Settle(t.Context(), r.Alert.Ref(), "taker", func(have *alert.Alert) {
		for _, name := range []string{"slack", "teams"} {
			have.Sent(name, have.Revision, alert.Delivery{Channel: "C", Ref: "1.1"}, a.now())
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return r.Alert.Ref()
}

func act(a *account, id string, kind alert.ActKind, length time.Duration) alert.Act {
	return alert.Act{ID: "act-" + id, Kind: kind, By: ana, At: a.now(), Until: a.now().Add(length)}
}

func TestAClickCountsOnce(t *testing.T) {
	t.Parallel()
	a := open(t)
	ref := rung(t, a)
	click := act(a, "1", alert.Snoozed, time.Hour)
	first, err := a.Act(t.Context(), ref, click, a.lease("one"))
	if err != nil || !first.Changed || !first.Leased || first.Duplicate {
		t.Fatalf("first: %+v, %v", first, err)
	}
	a.advance(time.Minute)
	click.Until = a.now().Add(time.Hour) // what a handler would make of the request that is sent again
	again, err := a.Act(t.Context(), ref, click, a.lease("two"))
	if err != nil || again.Changed || again.Leased || !again.Duplicate {
		t.Errorf("the same click again: %+v, %v", again, err)
	}
	have, err := a.Alert(t.Context(), ref)
	if err != nil || len(have.Acts) != 1 || have.Revision != 2 || have.Lease.Owner != "one" {
		t.Errorf("acts %v, revision %d, lease %s, %v; want one act, revision 2, the first's lease", have.Acts, have.Revision, have.Lease.Owner, err)
	}
}

func TestClicksOfManyAtOnceAllCount(t *testing.T) {
	t.Parallel()
	a := open(t)
	ref := rung(t, a)
	var wg sync.WaitGroup
	for i := range 24 {
		wg.Go(func() {
			click := act(a, fmt.Sprint(i/3), alert.Acknowledged, 0) // each is sent three times
			click.By.ID = fmt.Sprint("U", i/3)
			if _, err := a.Act(t.Context(), ref, click, a.lease(fmt.Sprint("w", i))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	have, err := a.Alert(t.Context(), ref)
	if err != nil || len(have.Acts) != 8 || have.Revision != 9 {
		t.Errorf("%d acts, revision %d, %v; want 8 people, revision 9", len(have.Acts), have.Revision, err)
	}
}

func TestALostReplyToAClickIsResolved(t *testing.T) {
	t.Parallel()
	a := open(t)
	ref := rung(t, a)
	a.server.Inject(cosmos.Fault{Match: isBatch, After: true, Count: 1})
	r, err := a.Act(t.Context(), ref, act(a, "1", alert.Acknowledged, 0), a.lease("one"))
	if err != nil || !r.Changed || !r.Leased || r.Duplicate {
		t.Errorf("%+v, %v; want the caller to hold the lease and deliver", r, err)
	}
	if have, err := a.Alert(t.Context(), ref); err != nil || len(have.Acts) != 1 {
		t.Errorf("acts %v, %v", have.Acts, err)
	}
}

func TestASnoozeKeepsTheAlertOpen(t *testing.T) {
	t.Parallel()
	a := open(t)
	ref := rung(t, a)
	if _, err := a.Act(t.Context(), ref, act(a, "1", alert.Snoozed, time.Hour), alert.Lease{}); err != nil {
		t.Fatal(err)
	}
	take := func(n int) alert.Decision {
		e := event(n, activity.Succeeded)
		e.CorrelationID = fmt.Sprint("other", n)
		r, err := a.Take(t.Context(), finding(e), a.lease(fmt.Sprint("w", n)))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	a.advance(40 * time.Minute) // beyond the rule's window
	if r := take(2); r.Opened || r.Alert.ID != ref.ID {
		t.Errorf("the same noise during the snooze: opened %v in %s", r.Opened, r.Alert.ID)
	}
	a.advance(30 * time.Minute)
	if r := take(3); !r.Opened {
		t.Error("the same noise after the snooze opens no alert")
	}
	// Snoozing the old alert now must not take over from the new one.
	if _, err := a.Act(t.Context(), ref, act(a, "2", alert.Snoozed, 8*time.Hour), alert.Lease{}); err != nil {
		t.Fatal(err)
	}
	if r := take(4); r.Opened || r.Alert.ID == ref.ID {
		t.Errorf("operations go into %s (opened %v), want the newer alert", r.Alert.ID, r.Opened)
	}
}

func TestAnActOnNothing(t *testing.T) {
	t.Parallel()
	a := open(t)
	gone := alert.Ref{Group: "none", ID: "alert-none"}
	if _, err := a.Act(t.Context(), gone, act(a, "1", alert.Acknowledged, 0), a.lease("one")); !errors.Is(err, alert.ErrUnknown) {
		t.Errorf("act: %v, want ErrUnknown", err)
	}
	if _, err := a.Alert(t.Context(), gone); !errors.Is(err, alert.ErrUnknown) {
		t.Errorf("read: %v, want ErrUnknown", err)
	}
}

func TestRangKnowsOperations(t *testing.T) {
	t.Parallel()
	a := open(t)
	ref := rung(t, a)
	other := event(3, activity.Started)
	other.CorrelationID = "other"
	for _, c := range []struct {
		e    activity.Event
		want bool
	}{{event(2, activity.Succeeded), true}, {other, false}} {
		if got, _, err := a.Known(t.Context(), c.e); err != nil || got != c.want {
			t.Errorf("%s of %s: rang %v, %v; want %v", c.e.ID, ref.ID, got, err, c.want)
		}
	}
}

func TestExceptionsAreKeptOnce(t *testing.T) {
	t.Parallel()
	a := open(t)
	x := alert.Exception{ID: "click-1", Rules: []string{"r"}, Actor: "rob", Owner: ana, Reason: "x", Created: a.now(), Expires: a.now().Add(time.Hour)}
	for range 2 {
		if err := a.Except(t.Context(), x); err != nil {
			t.Fatal(err)
		}
	}
	got, err := a.Exceptions(t.Context())
	if err != nil || len(got) != 1 || got[0].ID != x.ID || got[0].Owner != ana || !got[0].Expires.Equal(x.Expires) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestExceptedRecordsAreCountedExactly(t *testing.T) {
	t.Parallel()
	a := open(t)
	var n atomic.Int32
	a.server.Inject(cosmos.Fault{Match: func(r *http.Request) bool { return isBatch(r) && n.Add(1)%4 == 0 }, After: true})
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			e := event(i/3, activity.Succeeded) // each is delivered three times
			if i/3 == 0 {
				e.Time = activity.At(epoch.AddDate(0, 0, -1))
			}
			if _, err := a.Excepted(t.Context(), "x", e); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	uses, err := a.Uses(t.Context())
	if err != nil || len(uses) != 1 || uses["x"].Records != 20 || !uses["x"].Last.Equal(epoch) {
		t.Errorf("%+v, %v; want 20 records of two days", uses, err)
	}
}

func TestOneRecordTellsThatAnExceptionEnded(t *testing.T) {
	t.Parallel()
	a := open(t)
	for i, n := range []int{1, 2, 1} {
		if first, err := a.Lapse(t.Context(), "x", event(n, activity.Started)); err != nil || first != "e1" {
			t.Errorf("call %d: %q, %v; want e1, whoever asks", i, first, err)
		}
	}
}

func TestActsAndExceptionsStayCheap(t *testing.T) {
	t.Parallel()
	a := open(t)
	ref := rung(t, a)
	r, err := a.Act(t.Context(), ref, act(a, "1", alert.Snoozed, time.Hour), a.lease("one"))
	if err != nil {
		t.Fatal(err)
	}
	var counted [3]float64 // the first of a day, a further one, one that comes again
	for i, n := range []int{1, 2, 2} {
		if counted[i], err = a.Excepted(t.Context(), "x", event(n, activity.Started)); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("RU: act %.1f, excepted record %.1f, further %.1f, again %.1f", r.RU, counted[0], counted[1], counted[2])
	if r.RU > 70 || counted[1] > 30 || counted[2] > 5 {
		t.Errorf("an act costs %.1f RU, an excepted record %.1f and its redelivery %.1f; want at most 70, 30 and 5", r.RU, counted[1], counted[2])
	}
}
