package coverage_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/coverage"
	"github.com/auditbell/auditbell/handler/rules"
)

var update = flag.Bool("update", false, "rewrite docs/feeds.md")

const page = "../../docs/feeds.md"

// TestThePageOfFeeds holds docs/feeds.md to the table and to the library's examples.
func TestThePageOfFeeds(t *testing.T) {
	t.Parallel()
	want := feedsPage(t)
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil { //nolint:gosec // a page of the repository
			t.Fatal(err)
		}
		return
	}
	if got, err := os.ReadFile(page); err != nil || string(got) != want {
		t.Errorf("%s differs from the code (%v); run `go test ./handler/coverage -update`", page, err)
	}
}

func feedsPage(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	out.WriteString(`# Which feed carries what

A rule can alert only on records that a connected feed brings. This page is written by ` + "`go test ./handler/coverage -update`" + ` from the table in
package coverage and from the rules' own examples. ` + "`handler check`" + ` names the rules that cannot alert with your settings (SCOPES and
RECONCILE_FEEDS), ` + "`handler rules list`" + ` has the same as a column, for your own rules too.

| feed | scopes | categories | operations | source |
|---|---|---|---|---|
`)
	for _, r := range coverage.Table {
		fmt.Fprintf(&out, "| `%s` | %s | %s | %s | %s |\n", r.Feed, kinds(r.Scopes), categories(r.Categories), operations(&r), r.Source)
	}
	out.WriteString("\nAlerts of Azure Monitor (action groups) stand beside these feeds: which records they are about is decided by the alert rules in Azure.\n\n")
	out.WriteString("## Rules\n\nA ✓ says that the feed alone carries one of the rule's examples, with enough of it for the rule. What a request said, which Event Grid does not\n" +
		"carry, is asked of Azure or taken for the gravest that it could be. No rule is fed by `resource-notifications`.\n\n| rule |")
	columns := slices.DeleteFunc(slices.Clone(coverage.Feeds), func(f coverage.Feed) bool { return f == coverage.Notified })
	for _, f := range columns {
		fmt.Fprintf(&out, " `%s` |", f)
	}
	out.WriteString("\n|---|" + strings.Repeat("---|", len(columns)) + "\n")
	library, err := rules.Library()
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(library, func(a, b *rules.Rule) int { return strings.Compare(a.ID, b.ID) })
	set, err := rules.Compile(library)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range library {
		fed := coverage.FedBy(coverage.Feeds, examplesOf(set, r))
		fmt.Fprintf(&out, "| `%s` |", r.ID)
		for _, f := range columns {
			mark := ""
			if slices.Contains(fed, f) {
				mark = "✓"
			}
			fmt.Fprintf(&out, " %s |", mark)
		}
		out.WriteString("\n")
	}
	return out.String()
}

func kinds(list []activity.ScopeKind) string {
	var all []string
	for _, k := range list {
		all = append(all, string(k))
	}
	return strings.Join(all, ", ")
}

func categories(list []activity.Category) string {
	switch len(list) {
	case 0:
		return "none"
	case len(activity.Categories):
		return "all eight"
	}
	var all []string
	for _, c := range list {
		all = append(all, string(c))
	}
	return strings.Join(all, ", ")
}

func operations(r *coverage.Row) string {
	what := "all"
	switch {
	case r.Categories == nil:
		what = "none: states for lookups, see [onboard](onboard.md#what-a-resource-is-now)"
	case r.Verbs != nil:
		what = strings.Join(r.Verbs, ", ")
	}
	if r.EndsOnly {
		what += "; only how they ended"
	}
	return what
}
