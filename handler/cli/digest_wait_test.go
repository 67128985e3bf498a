package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/reconcile"
	"github.com/auditbell/auditbell/handler/store"
)

// TestDigestWaitsForTheLastLook: a scheduled digest is made when the last comparison of its newest hour is over, 26 hours
// after that hour, and 30 hours after its period at the latest; each day's, one after the other.
func TestDigestWaitsForTheLastLook(t *testing.T) {
	t.Parallel()
	const id = "11111111-1111-4111-8111-111111111111"
	end := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC) // of the day whose records small has
	watched := func(t *testing.T) *office {
		o := openOffice(t)
		o.fill(t, small())
		o.digests.Record.Reconciler.Scopes = []activity.Scope{id}
		return o
	}
	at := func(t *testing.T, o *office, now time.Time) []string {
		t.Helper()
		o.clock.Store(now.Unix())
		if _, err := o.digests.Run(t.Context(), invocation()); err != nil {
			t.Fatal(err)
		}
		var made []string
		for _, day := range []string{"2026-10-31", "2026-11-01", "2026-11-02"} {
			if len(manifests(o, day)) > 0 {
				made = append(made, day)
			}
		}
		return made
	}
	verdict := func(t *testing.T, o *office, day string) digest.Verdict {
		t.Helper()
		var m digest.Manifest
		text, err := os.ReadFile(manifests(o, day)[0])
		if err != nil || json.Unmarshal(text, &m) != nil {
			t.Fatal(err)
		}
		return m.Verdict
	}
	t.Run("the look comes", func(t *testing.T) {
		t.Parallel()
		o := watched(t)
		for _, after := range []time.Duration{time.Hour, 6 * time.Hour, 25*time.Hour + 59*time.Minute} {
			if made := at(t, o, end.Add(after)); len(made) > 0 {
				t.Errorf("%s after the day's end: %v", after, made)
			}
		}
		looked := end.Add(26 * time.Hour)
		for hour := end.Add(-24 * time.Hour); hour.Before(end); hour = hour.Add(time.Hour) {
			text, err := json.Marshal(reconcile.Hour{Subscription: id, Hour: hour, Looked: looked, Done: looked, Looks: 3})
			if err != nil {
				t.Fatal(err)
			}
			if err := o.Store.SaveLedger(t.Context(), store.LedgerHour{Subscription: id, Hour: hour, Body: text}); err != nil {
				t.Fatal(err)
			}
		}
		if made := at(t, o, looked.Add(5*time.Minute)); len(made) != 1 || made[0] != "2026-10-31" {
			t.Fatalf("26 hours after the day's end: %v", made)
		}
		if got := verdict(t, o, "2026-10-31"); got != digest.Proven {
			t.Errorf("the record is %s", got)
		}
	})
	t.Run("no look comes", func(t *testing.T) {
		t.Parallel()
		o := watched(t)
		if made := at(t, o, end.Add(29*time.Hour+59*time.Minute)); len(made) > 0 {
			t.Errorf("29:59 hours after the day's end: %v", made)
		}
		if made := at(t, o, end.Add(30*time.Hour)); len(made) != 1 || verdict(t, o, "2026-10-31") != digest.NotKnown {
			t.Errorf("30 hours after the day's end: %v", made)
		}
		if made := at(t, o, end.Add(54*time.Hour)); len(made) != 2 {
			t.Errorf("30 hours after the next day's end: %v", made)
		}
	})
}

func manifests(o *office, day string) []string {
	found, _ := filepath.Glob(filepath.Join(o.archive, "daily", day, "*", digest.ManifestName))
	return found
}
