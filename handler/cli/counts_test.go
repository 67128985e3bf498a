package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
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
			begun := map[string]string{}
			for _, r := range records {
				lines = append(write(lines, startOnly(r, begun)), '\n')
			}
			path := filepath.Join(t.TempDir(), "month.jsonl")
			if err := os.WriteFile(path, lines, 0o600); err != nil {
				t.Fatal(err)
			}
			agree(t, path)
		})
	}
}

// startOnly is the record without its request's body where it reports an end whose start was recorded: Azure often writes
// the body into the start alone, and then nothing else says which role was given. The id of the request is that of the start,
// which begun remembers: it is one request.
func startOnly(r digesttest.Record, begun map[string]string) digesttest.Record {
	act := r.Correlation + r.Operation + r.Resource
	if begun[act] == "" {
		begun[act] = r.OperationID
	}
	r.OperationID = begun[act]
	if r.Transition == "EndRequest" && r.Status == "Succeeded" {
		r.Properties = slices.DeleteFunc(slices.Clone(r.Properties), func(p digesttest.Pair) bool { return p.Name == "requestbody" })
	}
	return r
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
		Changes []struct{ Action, Role, Status string }
	} `json:"role_assignments"`
	Rules []struct {
		ID      string `json:"rule"`
		Matched int
	}
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
	owners := 0
	for _, change := range report.Roles.Changes {
		if change.Role == "Owner" && change.Action == "created" && change.Status == "Succeeded" {
			owners++
		}
	}
	granted := 0
	for _, rule := range ask("replay", path).Rules {
		if rule.ID == "role-assignment-owner" || rule.ID == "role-assignment-owner-wide" {
			granted += rule.Matched
		}
	}
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
		"operations":                {report.Operations.Distinct, ask("query", "--count", path).Total},
		"entries":                   {report.Summary.Total, ask("query", "--count", "--entries", path).Total},
		"failed entries":            {report.Summary.Failed, ask("query", "--count", "--entries", "--status", "Failed", path).Total},
		"failed operations":         {report.Operations.ByOutcome["Failed"], ask("query", "--count", "--status", "Failed", path).Total},
		"failed operations, audit":  {report.Operations.ByOutcome["Failed"], ask("audit", "failures", "--since", "2026-01-01", path).Total},
		"failed entries, audit":     {report.Summary.Failed, ask("audit", "failures", "--entries", "--since", "2026-01-01", path).Total},
		"grants of Owner, replayed": {owners, granted},
		"roles created":             {report.Roles.Created, group(roles, "Created")},
		"roles deleted":             {report.Roles.Deleted, group(roles, "Deleted")},
		"deletions":                 {report.Deletions.Total, ask("audit", "deletions", "--since", "2026-01-01", path).Total},
		"deletions, counted":        {report.Deletions.Total, ask("query", "--count", "--operation", "delete", "--status", "Succeeded", path).Total},
	} {
		if pair[0] != pair[1] || pair[0] == 0 {
			t.Errorf("%s: the digest says %d, the other %d", what, pair[0], pair[1])
		}
	}
}
