package cli

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/digest/digesttest"
	"github.com/auditbell/auditbell/local/azure"
)

// named are the records of a day as a file, and an Azure that knows one subscription and one principal of them.
type named struct {
	file      string
	azure     *azure.Server
	env       map[string]string // that leads there
	names     map[string]string
	principal string
}

// grants are the role assignments of a day.
var grants = sync.OnceValue(func() []digesttest.Record {
	day := time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC)
	all := digesttest.All(digesttest.Options{Seed: 41, Operations: 3000, From: day, To: day.AddDate(0, 0, 1)})
	return slices.DeleteFunc(all, func(r digesttest.Record) bool {
		return !strings.Contains(strings.ToLower(r.Operation), "roleassignments")
	})
})

func openNamed(t *testing.T) named {
	t.Helper()
	var lines []byte
	for _, r := range grants() {
		lines = append(digesttest.AppendREST(lines, r), '\n')
	}
	n := named{file: filepath.Join(t.TempDir(), "day.jsonl")}
	if err := os.WriteFile(n.file, lines, 0o600); err != nil {
		t.Fatal(err)
	}
	var report struct {
		Completeness    struct{ Subscriptions []digest.Count }
		RoleAssignments digest.Roles `json:"role_assignments"`
	}
	printed(t, &report, "digest", n.file)
	for _, c := range report.RoleAssignments.Changes {
		if c.Principal != "" && c.Action == "created" && c.Status == "Succeeded" {
			n.principal = strings.ToLower(c.Principal)
		}
	}
	if n.principal == "" || len(report.Completeness.Subscriptions) == 0 {
		t.Fatalf("the day has nothing to name: %+v", report)
	}
	subscription := report.Completeness.Subscriptions[0].Name
	n.azure = azure.New(azure.Directory{
		Objects:   map[string]azure.Object{n.principal: {Kind: "user", DisplayName: "Ann Example", UPN: "ann@contoso.example"}},
		Resources: []azure.Resource{{ID: "/subscriptions/" + subscription, Name: "Payments"}},
	}, time.Now)
	server := httptest.NewServer(n.azure)
	t.Cleanup(server.Close)
	n.env = map[string]string{"ARM_ENDPOINT": server.URL, "GRAPH_ENDPOINT": server.URL + "/v1.0", "LOOKUPS": "place,principal"}
	n.names = map[string]string{subscription: "Payments", n.principal: "Ann Example, ann@contoso.example"}
	return n
}

// digest makes a bundle of the file, with settings of its own.
func (n *named) digest(t *testing.T, env map[string]string, args ...string) (folder, said string, code int) {
	t.Helper()
	folder = t.TempDir()
	var errs bytes.Buffer
	lookUp := func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	all := append([]string{"digest", n.file, "--format", "all", "--at", "2026-11-01T06:00:00Z", "-o", folder}, args...)
	code = Run(t.Context(), all, Surroundings{Out: &bytes.Buffer{}, Err: &errs, Env: lookUp})
	return folder, errs.String(), code
}

func namesIn(t *testing.T, folder string) (names map[string]string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, digest.NamesName)) //nolint:gosec // the test's own folder
	if err == nil {
		err = json.Unmarshal(text, &names)
	}
	if err != nil {
		t.Error(err)
	}
	return names
}

// TestDigestNamesIDs: Azure is asked where LOOKUPS says so, and what it said makes the same bytes again when Azure is not asked.
func TestDigestNamesIDs(t *testing.T) {
	t.Parallel()
	n := openNamed(t)
	folder, said, code := n.digest(t, n.env)
	if names := namesIn(t, folder); !maps.Equal(names, n.names) || code != exitDone {
		t.Errorf("exit %d, names %v: %s", code, names, said)
	}
	asked := len(n.azure.Requests())
	again, said, code := n.digest(t, nil, "--names", filepath.Join(folder, digest.NamesName))
	if code != exitDone || len(n.azure.Requests()) != asked {
		t.Errorf("exit %d, %d requests: %s", code, len(n.azure.Requests())-asked, said)
	}
	for _, f := range append(digest.Formats, digest.Format{File: digest.ManifestName}, digest.Format{File: digest.NamesName}) {
		one, err := os.ReadFile(filepath.Join(folder, f.File)) //nolint:gosec // the test's own folder
		other, otherErr := os.ReadFile(filepath.Join(again, f.File))
		if err != nil || otherErr != nil || !bytes.Equal(one, other) {
			t.Errorf("%s differs: %v, %v", f.File, err, otherErr)
		}
	}
	n.azure.Fail(azure.Fault{Prefix: "/", Status: 403, Count: 9})
	folder, said, code = n.digest(t, n.env)
	if _, err := os.Stat(filepath.Join(folder, digest.NamesName)); code != exitDone || err == nil || !strings.Contains(said, "; names of principals: answered 403") {
		t.Errorf("without the right: exit %d: %s", code, said)
	}
}

// TestBadNamesMakeNoDigest: evidence with a name that was not meant is worse than none.
func TestBadNamesMakeNoDigest(t *testing.T) {
	t.Parallel()
	n := openNamed(t)
	bad := filepath.Join(t.TempDir(), "names.yaml")
	if err := os.WriteFile(bad, []byte(n.principal+": Ann\n"+strings.ToUpper(n.principal)+": Bob\nPayments: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, wants := range map[string][]string{bad: {"names.yaml:2:", "stands twice", "names.yaml:3:", "is no id"}, bad + ".gone": {"--names", "names.yaml.gone"}} {
		folder, said, code := n.digest(t, nil, "--names", path)
		if left, _ := os.ReadDir(folder); code == exitDone || len(left) > 0 {
			t.Errorf("%s: exit %d, %d files", path, code, len(left))
		}
		for _, want := range wants {
			if !strings.Contains(said, want) {
				t.Errorf("%s: %q is not in %s", path, want, said)
			}
		}
	}
}

// TestScheduledDigestNamesIDs: a retry asks Azure no more and shows the same; what was looked up for alerts needs no asking at all.
func TestScheduledDigestNamesIDs(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	n := openNamed(t)
	maps.Copy(o.env, n.env)
	smtp := o.env["SMTP_ADDRESS"]
	o.env["SMTP_ADDRESS"] = "127.0.0.1:1" // no server listens
	o.fill(t, grants())                   // by an app that looks nothing up
	for range 2 {
		_, d := o.instance(t)
		if _, err := d.Run(t.Context(), invocation()); (err != nil) != (o.env["SMTP_ADDRESS"] != smtp) {
			t.Error(err)
		}
		o.env["SMTP_ADDRESS"] = smtp
		n.azure.Fail(azure.Fault{Prefix: "/", Status: 403, Count: 100})
	}
	folders, _ := filepath.Glob(filepath.Join(o.archive, "daily", "2026-10-31", "*"))
	if len(folders) != 1 || !maps.Equal(namesIn(t, folders[0]), n.names) {
		t.Errorf("bundles %v", folders)
	}
}

// TestNamesOfAlertsAreKept: what was looked up for alerts is in the digest, though Azure refuses by then.
func TestNamesOfAlertsAreKept(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	n := openNamed(t)
	maps.Copy(o.env, n.env)
	o.App, o.digests = o.instance(t)
	o.clock.Add(-7 * 3600) // alerts are of the day on which they are opened
	o.fill(t, grants())
	o.clock.Add(7 * 3600)
	n.azure.Fail(azure.Fault{Prefix: "/", Status: 403, Count: 100})
	if _, err := o.digests.Run(t.Context(), invocation()); err != nil {
		t.Error(err)
	}
	folders, _ := filepath.Glob(filepath.Join(o.archive, "daily", "2026-10-31", "*"))
	if len(folders) != 1 || namesIn(t, folders[0])[n.principal] != n.names[n.principal] {
		t.Errorf("bundles %v, names %v", folders, namesIn(t, folders[0]))
	}
}
