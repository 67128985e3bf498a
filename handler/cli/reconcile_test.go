package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/digest/digesttest"
	"github.com/auditbell/auditbell/handler/digest/publish"
	"github.com/auditbell/auditbell/handler/host"
	"github.com/auditbell/auditbell/handler/payload"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/reconcile"
	"github.com/auditbell/auditbell/handler/settings"
	"github.com/auditbell/auditbell/handler/source"
	"github.com/auditbell/auditbell/local/cosmos"
	"github.com/auditbell/auditbell/local/inbox"
)

// activityLog stands in for the Activity Log REST API on this machine.
type activityLog struct {
	mu      sync.Mutex
	records []digesttest.Record
	refuse  bool
}

var askedFor = regexp.MustCompile(`^eventTimestamp ge '([^']+)' and eventTimestamp le '([^']+)'$`)

func (l *activityLog) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	window := askedFor.FindStringSubmatch(r.URL.Query().Get("$filter"))
	if l.refuse || window == nil || r.Header.Get("Authorization") == "" {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"error":{"code":"AuthorizationFailed"}}`)
		return
	}
	from, _ := time.Parse(time.RFC3339Nano, window[1])
	to, _ := time.Parse(time.RFC3339Nano, window[2])
	items := []json.RawMessage{}
	for _, one := range l.records {
		if !one.Time.Before(from) && !one.Time.After(to) && strings.Contains(r.URL.Path, "/subscriptions/"+strings.ToLower(one.Subscription)+"/") {
			items = append(items, digesttest.AppendREST(nil, one))
		}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"value": items})
}

// bureau is an app whose time is the test's, with a store, a Slack and an Activity Log of its own.
type bureau struct {
	*app.App
	env   map[string]string
	log   *activityLog
	inbox *inbox.Server
	at    atomic.Int64 // Unix seconds
}

func (b *bureau) time() time.Time { return time.Unix(b.at.Load(), 0).UTC() }

func openBureau(t *testing.T, now time.Time) *bureau {
	t.Helper()
	b := &bureau{log: &activityLog{}}
	b.at.Store(now.Unix())
	account, err := cosmos.OpenDeployed(t.Context(), cosmos.Options{Now: b.time})
	if err != nil {
		t.Fatal(err)
	}
	if b.inbox, err = inbox.Open(inbox.Options{Now: b.time}); err != nil {
		t.Fatal(err)
	}
	kept, slack, azure := httptest.NewServer(account), httptest.NewServer(b.inbox), httptest.NewServer(b.log)
	t.Cleanup(func() {
		kept.Close()
		slack.Close()
		azure.Close()
		_ = b.inbox.Close()
		_ = account.Close()
	})
	b.env = map[string]string{
		"COSMOS_ENDPOINT": kept.URL + "/", "COSMOS_KEY": "a2V5", "DELIVER_SCHEDULE": "*/30 * * * * *", "CONFIG_DIR": eachByItself(t),
		"SLACK_BOT_TOKEN": "xoxb-page", "SLACK_CHANNEL": "#security", "SLACK_API_URL": slack.URL + "/slack/api/", "CANARY_AT": "off",
		"ARM_ENDPOINT": azure.URL, "RECONCILE_FEEDS": "eventhub", "RECONCILE_LOOKBACK": "3h",
	}
	return b
}

// eachByItself is a config folder of which the routes gather nothing.
func eachByItself(t *testing.T) string { return routed(t, "routes: [{to: [\"*\"]}]\n") }

// routed is a config folder with these routes and nothing else.
func routed(t *testing.T, routes string) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "auditbell.yaml"), []byte(routes), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

func (b *bureau) open(t *testing.T) {
	t.Helper()
	s := settings.New(func(name string) (string, bool) { v, ok := b.env[name]; return v, ok })
	var err error
	if b.App, err = app.Open(app.World{Settings: s, Config: app.ConfigFolder(s), Log: slog.New(slog.DiscardHandler), Now: b.time}); err != nil {
		t.Fatal(err)
	}
}

// TestReconcileFromTimerToDigest drops a record that matters on its way, has the timer run, and reads what the channel, the check
// and the digest say about it.
func TestReconcileFromTimerToDigest(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 16, 35, 0, 0, time.UTC)
	noon := now.Truncate(time.Hour).Add(-4 * time.Hour)
	b := openBureau(t, now)
	b.env["RECONCILE_LOOKBACK"] = "4h"
	b.open(t)
	all := digesttest.All(digesttest.Options{Seed: 3, From: noon, To: noon.Add(2 * time.Hour), Operations: 150})
	id, lost := "", ""
	for _, r := range all {
		if _, alerts := b.Pipeline.Find(payload.Decode(digesttest.AppendREST(nil, r))[0].Event); alerts && r.Status == "Succeeded" {
			id, lost = strings.ToLower(r.Subscription), r.EventID
		}
	}
	b.Reconcile.Reconciler.Scopes = []activity.Scope{activity.Scope(id)}
	rest := b.Reconcile.Reconciler.Log.REST
	rest.Token = func(context.Context) (string, error) { return "stand-in", nil }
	b.Reconcile.Reconciler.Log.REST = rest
	b.log.records = all
	var feed []byte
	listed := 0
	for _, r := range all {
		if strings.ToLower(r.Subscription) == id && r.Time.Before(noon.Add(2*time.Hour)) && !r.Again {
			if listed++; r.EventID != lost {
				feed = append(digesttest.AppendRecord(feed, r), '\n')
			}
		}
	}
	batch := pipeline.Batch{ID: "feed", Function: "eventhub-activity", Logger: b.App.Log}
	for _, reading := range payload.Decode(feed) {
		batch.Events = append(batch.Events, reading.Event)
	}
	if _, err := b.Pipeline.Handle(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	before := len(b.inbox.Messages())
	in := host.Invocation{ID: "tick", Function: "reconcile", Logger: b.App.Log}
	if _, err := b.Reconcile.Run(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Deliver(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	var channel strings.Builder
	for _, m := range b.inbox.Messages()[before:] {
		text, _ := json.Marshal(m)
		channel.Write(text)
	}
	if !strings.Contains(channel.String(), "Reported late") || !strings.Contains(channel.String(), reconcile.FoundLate) {
		t.Errorf("the channel received %s", channel.String())
	}
	if lines := reconcileCheck(t.Context(), b.App); len(lines) != 1 || !lines[0].OK || !strings.Contains(lines[0].Detail, "compared up to 2026-11-20 16:00 UTC") {
		t.Errorf("the check says %+v", lines)
	}
	l, err := b.Digests.Record.Ledger(t.Context(), source.Window{From: noon.Add(-2 * time.Hour), To: noon.Add(2 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if l.Expected != 4 || l.Checked != 2 || l.Repaired != 1 || l.Entries != 1 || l.Matched != 1 || l.Unmatched != 0 || int(l.Listed) != listed || int(l.Seen) != listed-1 ||
		l.Pending != 4 || l.Settled != 0 || len(l.Unproven) != 0 {
		t.Errorf("the ledger of four hours, of which two were compared, is %+v; %d records are listed", l, listed)
	}
	report := b.statement(t, source.Window{From: noon, To: noon.Add(2 * time.Hour)})
	if !strings.Contains(report.Statement, "2 of 2 scope-hours were compared with what Azure lists, 0 of them for the last time: 1 agreed, in 1 the 1 missing entries were recovered") || report.Verdict != digest.NotKnown || report.InTime.Verdict != digest.Incomplete {
		t.Errorf("the digest says %s", report.Statement)
	}
}

// statement makes a digest's completeness.
func (b *bureau) statement(t *testing.T, w source.Window) digest.Completeness {
	t.Helper()
	evidence, err := b.Digests.Record.Evidence(t.Context(), w, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	tally := digest.NewStoredTally(w)
	for batch, err := range (digest.Stored{Hours: publish.HoursOf(b.Store), Window: w}).Entries(t.Context(), tally.Vocabulary) {
		if err != nil {
			t.Fatal(err)
		}
		tally.Add(batch)
	}
	return digest.Build(tally, digest.Subject{Name: "d", Source: "the store", Zone: time.UTC, Now: w.To, Evidence: evidence}).Completeness
}

// TestReconcileSaysThatItIsOff has nothing to compare.
func TestReconcileSaysThatItIsOff(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 15, 35, 0, 0, time.UTC)
	b := openBureau(t, now)
	b.open(t)
	if _, err := b.Reconcile.Run(t.Context(), host.Invocation{ID: "tick", Function: "reconcile", Logger: b.App.Log}); err != nil {
		t.Error(err)
	}
	if lines := reconcileCheck(t.Context(), b.App); len(lines) != 1 || !strings.Contains(lines[0].Detail, "off") {
		t.Errorf("the check says %+v", lines)
	}
	if text := b.statement(t, source.Window{From: now.Add(-4 * time.Hour), To: now}).Statement; !strings.Contains(text, "was compared with what Azure lists: reconciliation is off") {
		t.Errorf("the digest says %s", text)
	}
}

// TestReconcileTellsThatItMayNotRead has Azure refuse for seven hours: the check says so at once, a message after six.
func TestReconcileTellsThatItMayNotRead(t *testing.T) {
	t.Parallel()
	const id = "6c64f977-6931-4378-9b16-725ae163bcf0"
	now := time.Date(2026, 11, 20, 15, 35, 0, 0, time.UTC)
	b := openBureau(t, now)
	b.env["SCOPES"] = id
	b.log.refuse = true
	b.open(t)
	for n := range 8 {
		in := host.Invocation{ID: fmt.Sprint("tick", n), Function: "reconcile", Logger: b.App.Log}
		if _, err := b.Reconcile.Run(t.Context(), in); err == nil || !strings.Contains(err.Error(), "403") {
			t.Errorf("run %d ends with %v, want the refusal", n, err)
		}
		if lines := reconcileCheck(t.Context(), b.App); lines[0].OK || !strings.Contains(lines[0].Detail, "AuthorizationFailed") {
			t.Errorf("the check says %+v", lines)
		}
		if _, err := b.Deliver(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		if sent := len(b.inbox.Messages()); (sent > 0) != (n >= 6) || sent > 1 {
			t.Errorf("after %d hours %d messages were sent", n, sent)
		}
		b.at.Add(3600)
	}
}
