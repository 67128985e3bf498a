package publish

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/notify/slack"
	"github.com/auditbell/auditbell/handler/notify/teams"
	"github.com/auditbell/auditbell/handler/source"
)

var update = flag.Bool("update", false, "write the golden files")

// TestCards holds what the channels show of a digest to files, and to the report: the verdicts' words are the same.
func TestCards(t *testing.T) {
	t.Parallel()
	day := source.Window{From: time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}
	whole := digest.Ledger{Expected: 24, Checked: 24, Settled: 24, Matched: 24}
	missing := whole
	missing.Matched, missing.Unmatched = 23, 1
	waits := digest.AlertsOf(digest.Alert{ID: "a", Rule: digest.Rule{ID: "role-assignment-owner", Title: "Owner assigned"}, Severity: "high", Opened: day.From, Deliveries: []digest.Delivery{{Destination: "slack", State: digest.Waiting}}})
	for verdict, evidence := range map[digest.Verdict]*digest.Evidence{
		digest.Proven: {Ledger: &whole}, digest.NotKnown: {Ledger: &digest.Ledger{Expected: 24}}, digest.Incomplete: {Ledger: &missing, Alerts: waits},
	} {
		r := digest.Build(digest.NewStoredTally(day), digest.Subject{Name: "daily", Source: "the store", Zone: time.UTC, Now: day.To.Add(30 * time.Hour), Evidence: evidence})
		if r.Completeness.Verdict != verdict {
			t.Fatalf("the record is %s, want %s", r.Completeness.Verdict, verdict)
		}
		card := digestCard(&r, digest.Letter{Manifest: strings.Repeat("7a", 32), Archive: "https://archive.example/daily/2026-10-31"}, "daily-2026-10-31")
		for form, shown := range map[string]any{"slack": slack.Render(card), "teams": teams.Render(card), "plain": notify.Plain(card)} {
			text, err := json.MarshalIndent(shown, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			said := strings.ReplaceAll(string(text), `\n`, " ") // plain text is broken into lines
			for _, words := range []string{verdict.Words(), r.Completeness.InTime.Words(), r.Completeness.Statement} {
				if !strings.Contains(said, words) {
					t.Errorf("%s, %s: %q is not said", verdict, form, words)
				}
			}
			golden(t, string(verdict)+"."+form+".json", append(text, '\n'))
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path) //nolint:gosec // a test's own data
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs from its golden; run go test -update and read the diff\n(-want +got) %s", name, diff)
	}
}
