package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/source"
	"github.com/auditbell/auditbell/infra"
)

// kqlText is a query and where it stands.
type kqlText struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// kqlProblem is what the parser says, see scripts/kusto/check.js.
type kqlProblem struct {
	Name    string `json:"name"`
	Line    int    `json:"line"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// TestEveryQueryParses asks Microsoft's own parser about every KQL text there is: the files that `handler kql` prints,
// what the commands send to a workspace, and the alert rules of infra. Unknown columns and functions are found, too.
func TestEveryQueryParses(t *testing.T) {
	t.Parallel()
	parse := kqlParser(t)
	all := allKQL(t)
	if len(all) < 16 {
		t.Errorf("%d queries were found: the test lost its place", len(all))
	}
	broken := map[string]string{ // what must not pass, by the parser's code
		"KS142": "AzureActivity\n| where NoSuchColumn =~ 'x'",
		"KS211": "AzureActivity\n| extend A = no_such_function(Caller)",
		"KS106": "AzureActivity\n| where Caller > 3",
		"KS176": "AzureActivity\n| nosuchoperator",
	}
	for code, text := range broken {
		all = append(all, kqlText{code, text})
	}
	for _, p := range parse(all) {
		if broken[p.Name] == "" {
			t.Errorf("%s, line %d: %s: %s", p.Name, p.Line, p.Code, p.Message)
		} else if p.Code == p.Name && p.Line == 2 {
			delete(broken, p.Name)
		}
	}
	for code, text := range broken {
		t.Errorf("the parser does not say %s of %q", code, text)
	}
}

// kqlParser skips the test where node or the package is missing.
func kqlParser(t *testing.T) func([]kqlText) []kqlProblem {
	t.Helper()
	folder := os.Getenv("AUDITBELL_KUSTO")
	if folder == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Skipf("no folder to look in: %v (hint: AUDITBELL_KUSTO)", err)
		}
		folder = filepath.Join(cache, "auditbell", "kusto")
	}
	if _, err := os.Stat(filepath.Join(folder, "Kusto.Language.Bridge.min.js")); err != nil {
		t.Skipf("queries are not parsed: %s has no @kusto/language-service-next (hint: `make kusto`, or set AUDITBELL_KUSTO to its folder)", folder)
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("queries are not parsed: node is not installed")
	}
	return func(queries []kqlText) (found []kqlProblem) {
		t.Helper()
		in, err := json.Marshal(queries)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), node, "../../scripts/kusto/check.js", folder)
		var errs bytes.Buffer
		cmd.Stdin, cmd.Stderr = bytes.NewReader(in), &errs
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("ask the parser: %v: %s", err, &errs)
		}
		if err := json.Unmarshal(out, &found); err != nil {
			t.Fatalf("read the parser's answer: %v", err)
		}
		return found
	}
}

func allKQL(t *testing.T) []kqlText {
	t.Helper()
	files, err := infra.ReadQueries()
	if err != nil {
		t.Fatal(err)
	}
	var all []kqlText
	for _, q := range files {
		all = append(all, kqlText{"infra/queries/" + q.Name + ".kql", q.Text})
	}
	all = append(all, terraformKQL(t)...)
	all = append(all, documentedKQL(t)...)
	all = append(all, askedKQL()...)
	return append(all, countedKQL(t)...)
}

// documentedKQL are the queries that docs/ asks operators to run.
func documentedKQL(t *testing.T) (all []kqlText) {
	t.Helper()
	const page = "../../docs/operations.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for i, part := range strings.Split(string(text), "```kql\n") {
		if query, _, ok := strings.Cut(part, "```"); ok && i > 0 {
			all = append(all, kqlText{fmt.Sprintf("%s, query %d", page, i), query})
		}
	}
	return all
}

// interpolated is what Terraform puts in before Azure gets the query: within quotes a name, elsewhere a number.
var interpolated = regexp.MustCompile(`\$\{[^{}]*\}`)

// terraformKQL are the queries of alert rules and of the workbook on operations.
func terraformKQL(t *testing.T) (all []kqlText) {
	t.Helper()
	paths, err := filepath.Glob("../../infra/*.tf")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?s)<<-KQL\n(.*?)\n\s*KQL\n`).FindAllSubmatch(text, -1) {
			all = append(all, kqlText{path, interpolated.ReplaceAllString(string(m[1]), "1")})
		}
	}
	if paths, err = filepath.Glob("../../infra/operations/*.kql"); err != nil || len(paths) == 0 {
		t.Fatalf("found %q: %v", paths, err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, kqlText{path, string(text)})
	}
	return all
}

// askedKQL are queries that `--source log-analytics` sends, among them values that try to break out.
func askedKQL() (all []kqlText) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 123456700, time.UTC)
	window := source.Window{From: now.AddDate(0, -1, 0), To: now}
	hostile := []string{`rg"; drop`, `a\`, "line\nbreak", "ünïcode", `') | take 1 //`}
	for i, f := range []source.Filter{
		{},
		{Window: window},
		{Window: window, Operations: []string{"roleassignments/write", "delete"}, Groups: []string{"rg-production"}, Subscriptions: []string{"6c64f977-6931-4378-9b16-725ae163bcf0"}},
		{Outcomes: []activity.Outcome{activity.Failed, activity.Succeeded}, Levels: []activity.Level{activity.Informational}, Categories: []activity.Category{activity.Policy}},
		{Operations: hostile, Groups: hostile, Resources: hostile, Callers: hostile, Subscriptions: hostile},
	} {
		all = append(all, kqlText{fmt.Sprintf("source.KQL, filter %d", i), source.KQL(f)})
	}
	return all
}

// countedKQL are the queries with which a digest counts in a workspace, as they go over the wire.
func countedKQL(t *testing.T) (all []kqlText) {
	t.Helper()
	var mu sync.Mutex
	workspace := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked struct{ Query string }
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
			t.Errorf("read the request: %v", err)
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, kqlText{fmt.Sprintf("source.Counted, query %d", len(all)), asked.Query})
		_, _ = io.WriteString(w, `{"tables":[{"name":"PrimaryResult","columns":[],"rows":[]}]}`)
	}))
	defer workspace.Close()
	to := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	counted := source.Counted{
		LogAnalytics: source.LogAnalytics{Workspace: "w", REST: source.REST{
			Client: workspace.Client(), Endpoint: workspace.URL, Token: func(context.Context) (string, error) { return "token", nil },
		}},
		Window: source.Window{From: to.Add(-time.Hour), To: to},
	}
	for _, err := range counted.Entries(t.Context(), source.NewVocabulary(nil)) {
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}
