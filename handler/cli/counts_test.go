package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/auditbell/auditbell/handler/digest/digesttest"
)

// TestOneNumberForOneQuestion asks the same of audit, query --count and digest, over a generated month in every form that
// files come in: they say the same number of operations, and of entries.
func TestOneNumberForOneQuestion(t *testing.T) {
	t.Parallel()
	records := digesttest.All(digesttest.Options{Seed: 5, Operations: 1500})
	for name, write := range map[string]func([]byte, digesttest.Record) []byte{
		"rest": digesttest.AppendREST, "records": digesttest.AppendRecord,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var lines []byte
			for _, r := range records {
				lines = append(write(lines, r), '\n')
			}
			path := filepath.Join(t.TempDir(), "month.jsonl")
			if err := os.WriteFile(path, lines, 0o600); err != nil {
				t.Fatal(err)
			}
			agree(t, path)
		})
	}
}

// answers are what is read of any of the commands' JSON.
type answers struct {
	Total   int    `json:"total"`
	Counts  string `json:"counts"`
	Groups  []auditGroup
	Summary struct {
		Total  int `json:"total_operations"` // entries: the seed's name
		Failed int `json:"failed"`
	} `json:"summary"`
	Operations struct {
		Distinct  int            `json:"distinct_operations"`
		ByOutcome map[string]int `json:"by_outcome"`
	} `json:"operations"`
	Roles struct {
		Created int `json:"created"`
		Deleted int `json:"deleted"`
	} `json:"role_assignments"`
	Deletions struct {
		Total int `json:"total"`
	} `json:"deletions"`
}

func agree(t *testing.T, path string) {
	t.Helper()
	ask := func(args ...string) (a answers) {
		t.Helper()
		var out, errs bytes.Buffer
		if code := Run(t.Context(), args, Surroundings{Out: &out, Err: &errs, Env: os.LookupEnv}); code != exitDone {
			t.Fatalf("%q: exit %d, %s", args, code, &errs)
		}
		if err := json.Unmarshal(out.Bytes(), &a); err != nil {
			t.Fatalf("%q: %v", args, err)
		}
		return a
	}
	report := ask("digest", path)
	group := func(a answers, name string) int {
		for _, g := range a.Groups {
			if g.Name == name {
				return g.Count
			}
		}
		return 0
	}
	roles := ask("audit", "roles", "--since", "2026-01-01", path)
	for what, pair := range map[string][2]int{
		"operations":               {report.Operations.Distinct, ask("query", "--count", path).Total},
		"entries":                  {report.Summary.Total, ask("query", "--count", "--entries", path).Total},
		"failed entries":           {report.Summary.Failed, ask("query", "--count", "--entries", "--status", "Failed", path).Total},
		"failed operations":        {report.Operations.ByOutcome["Failed"], ask("query", "--count", "--status", "Failed", path).Total},
		"failed operations, audit": {report.Operations.ByOutcome["Failed"], ask("audit", "failures", "--since", "2026-01-01", path).Total},
		"failed entries, audit":    {report.Summary.Failed, ask("audit", "failures", "--entries", "--since", "2026-01-01", path).Total},
		"roles created":            {report.Roles.Created, group(roles, "Created")},
		"roles deleted":            {report.Roles.Deleted, group(roles, "Deleted")},
		"deletions":                {report.Deletions.Total, ask("audit", "deletions", "--since", "2026-01-01", path).Total},
		"deletions, counted":       {report.Deletions.Total, ask("query", "--count", "--operation", "delete", "--status", "Succeeded", path).Total},
	} {
		if pair[0] != pair[1] || pair[0] == 0 {
			t.Errorf("%s: the digest says %d, the other %d", what, pair[0], pair[1])
		}
	}
}
