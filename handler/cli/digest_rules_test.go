package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
	var report struct {
		Alerts struct {
			Sent       bool           `json:"sent"`
			Raised     int            `json:"raised"`
			BySeverity map[string]int `json:"by_severity"`
		} `json:"alerts"`
		Controls []struct {
			ID      string `json:"id"`
			Verdict string `json:"verdict"`
			Why     string `json:"why"`
			Alerts  int    `json:"alerts"`
		} `json:"controls"`
	}
	printed(t, &report, "digest", path)
	var again struct {
		Alerts int `json:"alerts"`
		List   []struct {
			Severity string `json:"severity"`
		} `json:"list"`
	}
	printed(t, &again, "replay", "--list", "--format", "json", path)
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
		case c.Verdict == "not_watched" && c.Alerts == 0 && strings.Contains(c.Why, "carried by poll"): // of the tenant's log, which is no file here
		default:
			t.Errorf("control %s with %d alerts is %s", c.ID, c.Alerts, c.Verdict)
		}
	}
	if operated == 0 || quiet == 0 {
		t.Errorf("%d controls operated, %d were quiet; want some of each", operated, quiet)
	}
}

// TestNoRuleIsPassedByAtAGlance holds a digest, which reads whole only what a rule may be about and keeps of it only what
// deciding asks for, to replay, which reads and keeps all: rules by name for people, by resource, by their opposites, by
// case, by a keyword, and a correlation, in both forms of files.
func TestNoRuleIsPassedByAtAGlance(t *testing.T) {
	t.Parallel()
	all := map[string]string{
		"display":  "{selection: {operationName: 'Delete Virtual Machine'}, condition: selection}",
		"resource": "{selection: {operationName|endswith: /write, resourceId|contains: web}, condition: selection}",
		"not":      "{selection: {category: Administrative}, other: {resourceId|contains: e5}, condition: selection and not other}",
		"cased":    "{selection: {operationName|cased|contains: Microsoft.Storage}, condition: selection}",
		"either":   "{selection: {level: Error}, other: {resourceId|endswith: '9'}, condition: 1 of them}",
		"word":     "{keywords: [owner], condition: keywords}",
		"failed":   "{selection: {status: Failed}, condition: selection}",
	}
	for form, write := range map[string]func([]byte, digesttest.Record) []byte{"rest": digesttest.AppendREST, "records": digesttest.AppendRecord} {
		var lines []byte
		for _, r := range digesttest.All(digesttest.Options{Seed: 4, Operations: 400}) {
			lines = append(write(lines, r), '\n')
		}
		path := filepath.Join(t.TempDir(), form+".jsonl")
		if err := os.WriteFile(path, lines, 0o600); err != nil {
			t.Fatal(err)
		}
		met := 0
		for name := range all {
			met += sameAlerts(t, path, map[string]string{name: all[name]})
		}
		if sameAlerts(t, path, all); met < 100 {
			t.Errorf("%s: the rules met %d times", form, met)
		}
	}
}

// sameAlerts asks digest and replay about a file under these rules, and returns how many alerts both have.
func sameAlerts(t *testing.T, path string, detections map[string]string) int {
	t.Helper()
	folder := t.TempDir()
	for name, detection := range detections {
		text := "title: " + name + "\nid: " + name + "\nlogsource: {product: azure, service: activitylogs}\nlevel: medium\ndetection: " + detection + "\n"
		if name == "failed" {
			text += "name: failed\n---\ntitle: many\nid: many\nlevel: high\ncorrelation: {type: event_count, rules: [failed], group-by: [caller], timespan: 1h, condition: {gte: 2}}\n"
		}
		if err := os.WriteFile(filepath.Join(folder, name+".yml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var report struct {
		Alerts struct {
			List []struct {
				Happened time.Time `json:"happened"`
				Rule     struct {
					ID string `json:"id"`
				} `json:"rule"`
			} `json:"list"`
		} `json:"alerts"`
	}
	var again struct {
		List []struct {
			Time time.Time `json:"time"`
			Rule string    `json:"rule"`
		} `json:"list"`
	}
	printed(t, &report, "digest", "--rules", folder, "--no-library", path)
	printed(t, &again, "replay", "--list", "--format", "json", "--rules", folder, "--no-library", path)
	got, want := map[string]int{}, map[string]int{}
	for _, a := range report.Alerts.List {
		got[a.Rule.ID+" "+a.Happened.UTC().Format(time.DateTime)]++
	}
	for _, a := range again.List {
		want[a.Rule+" "+a.Time.UTC().Format(time.DateTime)]++
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s %v: alerts (-replay +digest) %s", path, detections, diff)
	}
	return len(again.List)
}

// printed runs a command and reads the JSON that it prints.
func printed(t *testing.T, into any, args ...string) {
	t.Helper()
	var out, errs bytes.Buffer
	if code := Run(t.Context(), args, Surroundings{Out: &out, Err: &errs, Env: os.LookupEnv}); code != exitDone {
		t.Fatalf("%q: exit %d: %s", args, code, errs.String())
	}
	if err := json.Unmarshal(out.Bytes(), into); err != nil {
		t.Fatal(err)
	}
}

// TestEntriesWithoutATimeCountAtTheReports holds a correlation beside an entry without a time: it takes nothing from the entries
// that have one, and counts at the time that the report is made at, whatever the clock says.
func TestEntriesWithoutATimeCountAtTheReports(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	text := "title: failed\nid: failed\nname: failed\nlogsource: {product: azure, service: activitylogs}\nlevel: medium\ndetection: {selection: {status: Failed}, condition: selection}\n" +
		"---\ntitle: many\nid: many\nlevel: high\ncorrelation: {type: event_count, rules: [failed], group-by: [caller], timespan: 1h, condition: {gte: 2}}\n"
	if err := os.WriteFile(filepath.Join(folder, "many.yml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	failed := func(n int, at string) string {
		return fmt.Sprintf(`{%s"caller":"sam@contoso.com","category":{"value":"Administrative"},"correlationId":"0b5ac0d3-3f4e-4ad8-9c9e-00000000000%d","eventDataId":"1b5ac0d3-3f4e-4ad8-9c9e-00000000000%d",`+
			`"level":"Error","operationName":{"value":"Microsoft.Compute/virtualMachines/delete"},"status":{"value":"Failed"},"resourceId":"/subscriptions/aaaaaaaa-3f4e-4ad8-9c9e-000000000001/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm%d"}`+"\n", at, n, n, n)
	}
	timed := func(at string) string { return `"eventTimestamp":"` + at + `",` }
	early, later := failed(1, timed("2026-10-05T10:00:00Z")), failed(2, timed("2026-10-05T10:20:00Z"))
	for _, c := range []struct {
		name, lines, at string
		want            int
	}{
		{"beside two with a time", failed(3, "") + early + later, "2026-11-02T08:00:00Z", 1},
		{"beside one, in a report of the same hour", failed(3, "") + early, "2026-10-05T10:30:00Z", 1},
		{"beside one, in a later report", failed(3, "") + early, "2026-11-02T08:00:00Z", 0},
	} {
		path := filepath.Join(t.TempDir(), "month.jsonl")
		if err := os.WriteFile(path, []byte(c.lines), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, errs bytes.Buffer
		if code := Run(t.Context(), []string{"digest", "--at", c.at, "--rules", folder, "--no-library", path}, Surroundings{Out: &out, Err: &errs, Env: os.LookupEnv}); code == exitMisuse {
			t.Fatal(errs.String())
		}
		var report struct {
			Alerts struct {
				List []struct {
					Rule struct {
						ID string `json:"id"`
					} `json:"rule"`
				} `json:"list"`
			} `json:"alerts"`
		}
		if err := json.Unmarshal(out.Bytes(), &report); err != nil {
			t.Fatalf("%s: %v: %s", c.name, err, errs.String())
		}
		many := 0
		for _, a := range report.Alerts.List {
			if a.Rule.ID == "many" {
				many++
			}
		}
		if many != c.want {
			t.Errorf("%s: %d correlations of %v, want %d", c.name, many, report.Alerts.List, c.want)
		}
	}
}
