package cli

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/auditbell/auditbell/handler/digest/digesttest"
)

// TestRulesAreEvaluatedFromFiles holds a digest of files to replay: as many alerts, of the same severities, none of them
// sent; and its controls say what the entries show.
func TestRulesAreEvaluatedFromFiles(t *testing.T) {
	t.Parallel()
	var lines []byte
	for _, r := range digesttest.All(digesttest.Options{Seed: 9, Operations: 800}) {
		lines = append(digesttest.AppendREST(lines, r), '\n')
	}
	path := filepath.Join(t.TempDir(), "month.jsonl")
	if err := os.WriteFile(path, lines, 0o600); err != nil {
		t.Fatal(err)
	}
	ask := func(into any, args ...string) {
		t.Helper()
		var out bytes.Buffer
		if code := Run(t.Context(), append(args, path), Surroundings{Out: &out, Err: io.Discard, Env: os.LookupEnv}); code != exitDone {
			t.Fatalf("%q: exit %d", args, code)
		}
		if err := json.Unmarshal(out.Bytes(), into); err != nil {
			t.Fatal(err)
		}
	}
	var report struct {
		Alerts struct {
			Sent       bool           `json:"sent"`
			Raised     int            `json:"raised"`
			BySeverity map[string]int `json:"by_severity"`
		} `json:"alerts"`
		Controls []struct {
			ID      string `json:"id"`
			Verdict string `json:"verdict"`
			Alerts  int    `json:"alerts"`
		} `json:"controls"`
	}
	ask(&report, "digest")
	var again struct {
		Alerts int `json:"alerts"`
		List   []struct {
			Severity string `json:"severity"`
		} `json:"list"`
	}
	ask(&again, "replay", "--list", "--format", "json")
	severities := map[string]int{}
	for _, a := range again.List {
		severities[a.Severity]++
	}
	if report.Alerts.Sent || report.Alerts.Raised != again.Alerts || again.Alerts == 0 {
		t.Errorf("the digest has %d alerts (sent: %v), replay %d", report.Alerts.Raised, report.Alerts.Sent, again.Alerts)
	}
	for severity, n := range severities {
		if report.Alerts.BySeverity[severity] != n {
			t.Errorf("%s: the digest has %d, replay %d", severity, report.Alerts.BySeverity[severity], n)
		}
	}
	operated, quiet := 0, 0
	for _, c := range report.Controls {
		switch {
		case c.Verdict == "operated" && c.Alerts > 0:
			operated++
		case c.Verdict == "quiet" && c.Alerts == 0:
			quiet++
		default:
			t.Errorf("control %s with %d alerts is %s", c.ID, c.Alerts, c.Verdict)
		}
	}
	if operated == 0 || quiet == 0 {
		t.Errorf("%d controls operated, %d were quiet; want some of each", operated, quiet)
	}
}
