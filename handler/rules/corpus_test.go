package rules_test

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/payload"
	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/handler/rules/rulestest"
)

// The corpus is SigmaHQ's rules and published records that nobody on this project wrote; AUDITBELL_CORPUS names its
// folder, which stays outside the repository.
func corpus(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("AUDITBELL_CORPUS")
	if dir == "" {
		t.Skip("AUDITBELL_CORPUS is not set: the published rules and records were not read")
	}
	return dir
}

func readJSON(t *testing.T, v any, path ...string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// pantherRule is one of panther-analysis' rules with its tests.
type pantherRule struct {
	RuleID      string   `json:"rule_id"`
	Severity    string   `json:"severity"`
	Operations  []string `json:"operations"`
	ActivityLog bool     `json:"activity_log"`
	Tests       []struct {
		Name     string          `json:"name"`
		Expected bool            `json:"expected"`
		Event    json.RawMessage `json:"event"`
	} `json:"tests"`
}

func pantherRules(t *testing.T, dir string) []pantherRule {
	t.Helper()
	var file struct {
		Rules []pantherRule `json:"rules"`
	}
	readJSON(t, &file, dir, "panther", "rules_with_tests.json")
	return file.Rules
}

// records returns every stored record by the name that the expectations use.
func records(t *testing.T, dir string) map[string][]activity.Event {
	t.Helper()
	all := make(map[string][]activity.Event)
	for _, r := range pantherRules(t, dir) {
		for _, x := range r.Tests {
			all["panther|"+r.RuleID+"|"+x.Name] = decode(x.Event)
		}
	}
	var files []struct{ File, Kind string }
	readJSON(t, &files, dir, "events", "manifest.json")
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(dir, f.File))
		if err != nil {
			t.Fatal(err)
		}
		if f.Kind == "activity" {
			all[f.File] = decode(data)
		}
	}
	return all
}

func decode(data []byte) []activity.Event {
	return payload.Events(payload.Decode(data))
}

func TestCorpusSigmaRulesAgree(t *testing.T) {
	t.Parallel()
	dir := corpus(t)
	all, err := rules.Load(os.DirFS(dir), "sigma")
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.Compile(all)
	if err != nil {
		t.Fatal(err)
	}
	var want struct{ Matches map[string][]string }
	readJSON(t, &want, dir, "expected", "sigma_matches.json")
	got := make(map[string][]string)
	n := 0
	for name, events := range records(t, dir) {
		for i := range events {
			n++
			for _, r := range set.Match(nil, &events[i]) {
				if !slices.Contains(got[name], r.ID) {
					got[name] = append(got[name], r.ID)
				}
			}
		}
	}
	if diff := cmp.Diff(want.Matches, got); diff != "" {
		t.Errorf("matches differ (-want +got):\n%s", diff)
	}
	t.Logf("%d rules on %d records: %d records match", len(all), n, len(got))
}

// covering names, for each rule of panther-analysis, the rules of the library that watch the same. An empty list means
// that the library leaves it out, for the reason given.
var covering = map[string][]string{
	"Azure.MonitorActivity.Advisor.SecurityRecommendation":              {"advisor-security"},
	"Azure.MonitorActivity.AlertRules.Deleted":                          {"alert-rule-delete"},
	"Azure.MonitorActivity.Automation.RunbookCreatedOrModified":         {"automation-runbook-write"},
	"Azure.MonitorActivity.Network.FirewallPolicyDeleted":               {"firewall-delete"},
	"Azure.MonitorActivity.KeyVault.CertificateAccessed":                nil, // reads are not in the Activity Log
	"Azure.MonitorActivity.KeyVault.KeyAccessed.Recovered":              {"keyvault-object-recovered"},
	"Azure.MonitorActivity.KeyVault.KeyPurged":                          {"keyvault-object-purge"},
	"Azure.MonitorActivity.KeyVault.Purged":                             {"keyvault-purge"},
	"Azure.MonitorActivity.KeyVault.SecretAccessedOrRecovered":          {"keyvault-object-recovered"},
	"Azure.MonitorActivity.LogAnalyticsWorkspace.Deleted":               {"log-workspace-delete"},
	"Azure.MonitorActivity.Network.IPDiscovery":                         nil, // reads
	"Azure.MonitorActivity.Network.PacketCaptureEnabled":                {"packet-capture"},
	"Azure.MonitorActivity.Network.PortMapping":                         nil, // reads
	"Azure.MonitorActivity.RecoveryServices.ProtectionContainerDeleted": {"backup-delete"},
	"Azure.MonitorActivity.Compute.RestorePointCollectionDeleted":       {"restore-points-deleted"},
	"Azure.MonitorActivity.StorageAccount.KeyRegenerated":               {"storage-key-regenerated"},
	"Azure.MonitorActivity.StorageAccount.KeysListed":                   {"storage-keys-listed"},
	"Azure.MonitorActivity.StorageAccount.BlobAnonymousAccessEnabled":   {"storage-public-access"},
	"Azure.MonitorActivity.Storage.Blob.Uploaded":                       nil, // data plane: a storage log, not the Activity Log
	"Azure.MonitorActivity.Storage.FileShareModified":                   nil, // daily work; nobody would want a message for it
	"Azure.MonitorActivity.Network.VNetDeleted":                         {"vnet-delete"},
	"Azure.MonitorActivity.Compute.DiskSASURIGenerated":                 {"disk-export"},
}

// TestCorpusPanther compares verdicts with panther-analysis' own tests. The two rule sets need not agree; every
// disagreement is listed, with the figures.
func TestCorpusPanther(t *testing.T) {
	t.Parallel()
	_, set := rulestest.Library(t)
	var right, missed, extra, silent, leftOut int
	for _, r := range pantherRules(t, corpus(t)) {
		ours, known := covering[r.RuleID]
		if !known {
			t.Logf("%s is new: name what covers it", r.RuleID)
		}
		for _, x := range r.Tests {
			got := false
			for _, e := range decode(x.Event) {
				for _, m := range set.Match(nil, &e) {
					got = got || slices.Contains(ours, m.ID)
				}
			}
			switch {
			case len(ours) == 0:
				if x.Expected {
					leftOut++
				}
			case got && x.Expected:
				right++
			case got:
				extra++
				t.Logf("only ours: %s | %s", r.RuleID, x.Name)
			case x.Expected:
				missed++
				t.Logf("only theirs: %s | %s", r.RuleID, x.Name)
			default:
				silent++
			}
		}
	}
	t.Logf("covered rules: %d fire in both, %d in neither, %d only ours, %d only theirs; precision %.3f, recall %.3f",
		right, silent, extra, missed, float64(right)/float64(max(right+extra, 1)), float64(right)/float64(max(right+missed, 1)))
	t.Logf("%d more tests fire theirs, of rules that the library leaves out (see covering)", leftOut)
	if right == 0 {
		t.Error("nothing agreed")
	}
}

// TestCorpusWatchedOperations says how many of the operations that public rule sets watch some rule of the library
// names, apart from the net under all deletions. Reads are not in the Activity Log; globs and texts are no operations.
func TestCorpusWatchedOperations(t *testing.T) {
	t.Parallel()
	file, err := os.Open(filepath.Join(corpus(t), "operations.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	_, set := rulestest.Library(t)
	named := make(map[string]bool)
	for _, row := range rows[1:] {
		operation := strings.ToLower(row[0])
		if strings.Contains(operation, "*") || !strings.Contains(operation, "/") || strings.HasSuffix(operation, "/read") {
			continue
		}
		if _, seen := named[operation]; !seen {
			named[operation] = false
		}
		e := activity.Event{Operation: operation, Outcome: activity.Succeeded, Category: activity.CategoryOf(row[1])}
		for _, r := range set.Match(nil, &e) {
			named[operation] = named[operation] || r.ID != "resource-delete"
		}
		for _, x := range set.Near(&e) { // those that also ask for the request's details
			named[operation] = named[operation] || x.ID != "resource-delete"
		}
	}
	covered := 0
	for operation, ok := range named {
		if ok {
			covered++
			continue
		}
		t.Logf("only public rule sets: %s", operation)
	}
	t.Logf("%d of %d watched operations are named by a rule of the library", covered, len(named))
	if covered*10 < len(named)*8 {
		t.Errorf("the library names less than four fifths of them")
	}
}

func readings(text string) []payload.Reading { return payload.Decode([]byte(text)) }
