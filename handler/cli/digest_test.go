package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/digest/digesttest"
	"github.com/auditbell/auditbell/handler/digest/publish"
	"github.com/auditbell/auditbell/handler/host"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/payload"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/settings"
	"github.com/auditbell/auditbell/handler/verify"
	"github.com/auditbell/auditbell/local/cosmos"
	"github.com/auditbell/auditbell/local/inbox"
)

// office is an app with a day in its store, an archive, a mail server and a channel.
type office struct {
	*app.App
	digests     *publish.Publisher
	account     *cosmos.Server
	inbox       *inbox.Server
	archive     string
	env         map[string]string
	mailAddress string
	meter       *meteredAccount
	clock       atomic.Int64 // Unix seconds
}

func (o *office) now() time.Time { return time.Unix(o.clock.Load(), 0).UTC() }

func openOffice(t *testing.T) *office {
	t.Helper()
	o := &office{archive: filepath.Join(t.TempDir(), "archive")}
	o.clock.Store(time.Date(2026, 11, 1, 6, 30, 0, 0, time.UTC).Unix())
	var err error
	if o.account, err = cosmos.OpenDeployed(t.Context(), cosmos.Options{Now: o.now}); err != nil {
		t.Fatal(err)
	}
	if o.inbox, err = inbox.Open(inbox.Options{Now: o.now}); err != nil {
		t.Fatal(err)
	}
	mail, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() { _ = o.inbox.ServeSMTP(ctx, mail) })
	o.meter = &meteredAccount{Handler: o.account}
	account, ends := serveAccount(t, o.meter), httptest.NewServer(o.inbox)
	t.Cleanup(func() {
		cancel()
		serving.Wait()
		account.Close()
		ends.Close()
		_ = o.inbox.Close()
		_ = o.account.Close()
	})
	o.env = map[string]string{
		"COSMOS_ENDPOINT": account.URL + "/", "COSMOS_KEY": "a2V5", "DELIVER_SCHEDULE": "*/30 * * * * *", "DIGEST_ARCHIVE": o.archive,
		"TEAMS_WORKFLOW_URL": ends.URL + "/teams/workflow/security?sig=secret", "MAIL_PROVIDER": "smtp", "MAIL_FROM": "bell@contoso.example", "SMTP_ADDRESS": mail.Addr().String(),
	}
	o.mailAddress = mail.Addr().String()
	o.App, o.digests = o.instance(t)
	return o
}

// instance is one more process on the same account.
func (o *office) instance(t *testing.T) (*app.App, *publish.Publisher) {
	t.Helper()
	s := settings.New(func(name string) (string, bool) { v, ok := o.env[name]; return v, ok })
	a, err := app.Open(app.World{Settings: s, Config: fstest.MapFS{}, Log: slog.New(slog.DiscardHandler), Now: o.now})
	if err != nil {
		t.Fatal(err)
	}
	list := settings.DefaultDigests()
	list[0].Name, list[0].Period, list[0].Recipients = "daily", "daily", []string{"audit@contoso.example"}
	d := publish.Read(s, list, notify.NewClient(http.DefaultTransport))
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	for _, l := range []*publish.Log{d.TransparencyLog(), a.Digests.TransparencyLog()} {
		if l != nil {
			l.Patience = time.Hour // a witness that is slow because the machine is busy signs nevertheless
		}
	}
	d.Names, d.NamesOf = a.Digests.Names, a.Digests.NamesOf
	d.Tool, d.Record, d.Rollups, d.Destinations, d.Ends, d.Now = "auditbell dev", a.Digests.Record, a.Digests.Rollups, a.Destinations, a.Pipeline.Ends, a.Now
	return a, d
}

func invocation() host.Invocation {
	return host.Invocation{ID: "test", Logger: slog.New(slog.DiscardHandler)}
}

// fill stores a day's records; what matters among them alerts.
func (o *office) fill(t *testing.T, records []digesttest.Record) {
	t.Helper()
	var events []activity.Event
	for _, r := range records {
		events = append(events, payload.Events(payload.Decode(digesttest.AppendREST(nil, r)))...)
	}
	for part := range slices.Chunk(events, 50) {
		if _, err := o.App.Pipeline.Handle(t.Context(), pipeline.Batch{ID: "fill", Function: "test", Events: part, Logger: slog.New(slog.DiscardHandler)}); err != nil {
			t.Fatal(err)
		}
	}
}

func small() []digesttest.Record {
	day := time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC)
	return digesttest.All(digesttest.Options{Seed: 41, Operations: 60, From: day, To: day.AddDate(0, 0, 1)})
}

// arrived counts what came to the readers since mark, by destination.
func (o *office) arrived(title string) map[string]int {
	counts := map[string]int{}
	for _, m := range o.inbox.Messages() {
		text, _ := json.Marshal(m)
		if strings.Contains(string(text), title) {
			counts[m.Destination]++
		}
	}
	return counts
}

func TestDigestIsSentOnce(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	o.fill(t, small())
	var wg sync.WaitGroup
	for range 3 {
		_, d := o.instance(t)
		for range 2 {
			wg.Go(func() {
				if _, err := d.Run(t.Context(), invocation()); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	for range 3 {
		o.clock.Add(3600)
		if _, err := o.digests.Run(t.Context(), invocation()); err != nil {
			t.Error(err)
		}
	}
	if got := fmt.Sprint(o.arrived("Activity Log digest, 31 October 2026")); got != "map[email:1 teams:1]" && got != "map[mail:1 teams:1]" {
		t.Errorf("the digest came %s, want once to each", got)
	}
	state, err := o.Store.DigestState(t.Context(), "daily", "2026-10-31")
	if err != nil || state.Sent.IsZero() || state.Attempts != 0 {
		t.Errorf("state %+v, %v", state, err)
	}
	folders, _ := filepath.Glob(filepath.Join(o.archive, "daily", "2026-10-31", "*"))
	if len(folders) != 1 {
		t.Fatalf("%d bundles in the archive: %v", len(folders), folders)
	}
	v := verify.Files(os.DirFS(folders[0]))
	if !v.OK() || v.Manifest != state.Manifest {
		t.Errorf("the archived bundle does not verify: %+v", v.Checks)
	}
	checkReport(t, filepath.Join(folders[0], "report.json"), len(small()))
}

// checkReport looks whether the archived report says what was stored and alerted.
func checkReport(t *testing.T, path string, atMost int) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var r struct {
		Summary  digest.Summary   `json:"summary"`
		Alerts   digest.Alerts    `json:"alerts"`
		Controls []digest.Control `json:"controls"`
	}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if r.Summary.Total == 0 || r.Summary.Total > int64(atMost) {
		t.Errorf("%d entries of at most %d", r.Summary.Total, atMost)
	}
	if !r.Alerts.Known || len(r.Controls) == 0 {
		t.Errorf("alerts known %v, %d controls", r.Alerts.Known, len(r.Controls))
	}
	var whys []string
	for _, c := range r.Controls {
		if c.Verdict == digest.NotWatched {
			whys = append(whys, c.Why)
		}
	}
	if len(whys) == 0 || slices.ContainsFunc(whys, func(why string) bool {
		return !strings.Contains(why, "carried by poll") && !strings.Contains(why, "carried by eventhub-group")
	}) {
		t.Errorf("no feed brought the tenant's log, and controls are not watched because %q", whys)
	}
}

func TestDigestIsTriedAgain(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	o.fill(t, small())
	o.env["SMTP_ADDRESS"] = "127.0.0.1:1" // no server listens
	_, d := o.instance(t)
	for range 2 {
		if _, err := d.Run(t.Context(), invocation()); err == nil || !strings.Contains(err.Error(), "mail") {
			t.Fatalf("no mail server, and the digest reports %v", err)
		}
		o.clock.Add(3600)
	}
	state, err := o.Store.DigestState(t.Context(), "daily", "2026-10-31")
	if err != nil || state.Attempts != 2 || !state.Sent.IsZero() || state.Reason == "" {
		t.Errorf("state after two failures: %+v, %v", state, err)
	}
	if _, err := o.digests.Run(t.Context(), invocation()); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(o.arrived("Activity Log digest, 31 October 2026")); got != "map[email:1 teams:1]" && got != "map[mail:1 teams:1]" {
		t.Errorf("the digest came %s, want once to each", got)
	}
	if folders, _ := filepath.Glob(filepath.Join(o.archive, "daily", "2026-10-31", "*")); len(folders) != 1 {
		t.Errorf("%d bundles in the archive: a retry must make the same bytes", len(folders))
	}
}

func TestDigestsFollowOneAnother(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	o.fill(t, small())
	var bundles []fs.FS
	for _, at := range []time.Time{time.Date(2026, 11, 1, 7, 0, 0, 0, time.UTC), time.Date(2026, 11, 2, 7, 0, 0, 0, time.UTC)} {
		o.clock.Store(at.Unix())
		if _, err := o.digests.Run(t.Context(), invocation()); err != nil {
			t.Fatal(err)
		}
		folders, _ := filepath.Glob(filepath.Join(o.archive, "daily", at.AddDate(0, 0, -1).Format(time.DateOnly), "*"))
		if len(folders) != 1 {
			t.Fatalf("%s: %d bundles", at, len(folders))
		}
		bundles = append(bundles, os.DirFS(folders[0]))
	}
	if chain := verify.Bundles(t.Context(), bundles, verify.Trust{}).Chain; len(chain) != 1 || !chain[0].OK {
		t.Errorf("chain: %+v", chain)
	}
}

func TestNothingIsSentOfTheTimeBefore(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	if _, err := o.digests.Run(t.Context(), invocation()); err != nil {
		t.Fatal(err)
	}
	if got := len(o.inbox.Messages()); got != 0 {
		t.Errorf("%d messages about a month in which Auditbell was not there", got)
	}
}

// TestRollupSeesLateEvents lets events come an hour and a day late.
func TestRollupSeesLateEvents(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	hour := time.Date(2026, 10, 31, 20, 0, 0, 0, time.UTC)
	stored := func() int {
		r, ok, err := o.Store.Rollup(t.Context(), hour)
		if err != nil || !ok {
			t.Fatalf("rollup: %v, %v", ok, err)
		}
		return r.Events
	}
	for i, wait := range []time.Duration{time.Hour, time.Hour, 24 * time.Hour} {
		e := activity.Event{ID: fmt.Sprint("late-", i), Form: activity.FormREST, Time: activity.At(hour.Add(time.Duration(i) * time.Minute)), Operation: "a/b/write", Outcome: activity.Succeeded}
		if _, _, err := o.Store.Append(t.Context(), e, "test"); err != nil {
			t.Fatal(err)
		}
		o.clock.Store(hour.Add(time.Hour + wait).Add(5 * time.Minute).Unix())
		for range publish.RecheckEvery { // an older hour is counted with every sixth run
			if _, err := o.Digests.Rollups.Run(t.Context(), invocation()); err != nil {
				t.Fatal(err)
			}
			o.clock.Add(3600)
		}
		if got := stored(); got != i+1 {
			t.Errorf("%v after its end the hour's rollup is of %d events, want %d", wait, got, i+1)
		}
	}
	for back := range 20 {
		if _, ok, err := o.Store.Rollup(t.Context(), hour.Add(-time.Duration(back)*time.Hour)); !ok || err != nil {
			t.Errorf("%d hours before: %v, %v; quiet hours are rolled up too", back, ok, err)
		}
	}
}

func TestRollupReportsWhatFails(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := o.Digests.Rollups.Run(ctx, invocation()); !errors.Is(err, context.Canceled) && err == nil {
		t.Errorf("a run without time reports %v", err)
	}
}
