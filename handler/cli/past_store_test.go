package cli

import (
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/digest/publish"
	"github.com/auditbell/auditbell/handler/settings"
	"github.com/auditbell/auditbell/handler/source"
	"github.com/auditbell/auditbell/local/cosmos"
)

// distant is an account whose every answer takes so long.
type distant struct {
	*cosmos.Server
	away     time.Duration
	requests atomic.Int64
}

func (d *distant) Do(r *http.Request) (*http.Response, error) {
	<-time.After(d.away)
	d.requests.Add(1)
	return d.Server.Do(r)
}

// TestAMonthOfTheStoreTakesHalfAMinute reads a day without rollups, with records in every hour, from an account that is 10 ms away:
// `query` and `replay` by the hour, and a digest, which looks for a rollup of each. What is asked once a month is counted once.
func TestAMonthOfTheStoreTakesHalfAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const days = 1
		from := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
		now := func() time.Time { return from.AddDate(0, 1, 0) }
		server, err := cosmos.OpenDeployed(t.Context(), cosmos.Options{Now: now})
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		account := &distant{Server: server}
		env := map[string]string{"COSMOS_ENDPOINT": "http://127.0.0.1:1/", "COSMOS_KEY": "a2V5", "LOOKUPS": "off", "DELIVER_SCHEDULE": "*/30 * * * * *", "TEAMS_WORKFLOW_URL": "https://127.0.0.1:1/"}
		set := settings.New(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
		a, err := app.Open(app.World{Settings: set, Config: fstest.MapFS{}, Log: slog.New(slog.DiscardHandler), Now: now, Cosmos: account})
		if err != nil {
			t.Fatal(err)
		}
		for hour := range days * 24 {
			for n := range 3 {
				e := activity.Event{ID: fmt.Sprint(hour, "-", n), Form: activity.FormREST, Time: activity.At(from.Add(time.Duration(hour) * time.Hour)), Operation: "a/b/delete", Outcome: activity.Succeeded}
				if _, _, err := a.Store.Append(t.Context(), e, "test"); err != nil {
					t.Fatal(err)
				}
			}
		}
		account.away = 10 * time.Millisecond
		window := source.Window{From: from, To: from.AddDate(0, 0, days)}
		var ledger time.Duration
		took := func(what string, read func() int) {
			t.Helper()
			account.requests.Store(0)
			began := time.Now()
			if n := read(); n != days*24*3 {
				t.Errorf("%s: %d records, want %d", what, n, days*24*3)
			}
			month := time.Since(began)/days*31 + ledger
			t.Logf("%s: %d requests for %d day; a month takes %s", what, account.requests.Load(), days, month)
			if month > 30*time.Second {
				t.Errorf("%s: a month takes %s, want 30 s", what, month)
			}
		}
		took("query", func() (n int) {
			for found, err := range (source.Hours{Hour: a.Store.Hour}).Find(t.Context(), source.Filter{Window: window}) {
				if err != nil {
					t.Fatal(err)
				}
				n += len(found.Events)
			}
			return n
		})
		began := time.Now()
		if _, err := a.Digests.Record.Evidence(t.Context(), source.Window{From: from, To: now()}, time.UTC); err != nil {
			t.Fatal(err)
		}
		ledger = time.Since(began)
		took("digest", func() (n int) {
			tally := digest.NewStoredTally(window)
			for b, err := range (digest.Stored{Hours: publish.HoursOf(a.Store), Window: window}).Entries(t.Context(), tally.Vocabulary) {
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range b.Entries {
					if e.Of(source.When) {
						n += int(max(e.Count, 1))
					}
				}
			}
			return n
		})
	})
}
