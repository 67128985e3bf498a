package rules_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/auditbell/auditbell/handler/rules"
)

var update = flag.Bool("update", false, "rewrite docs/fields.md and library.bin")

const fieldsFile = "../../docs/fields.md"

// docs/fields.md is written from the table that the loader reads.
func TestFieldsAreDocumented(t *testing.T) {
	t.Parallel()
	want := fieldsPage()
	if *update {
		if err := os.WriteFile(fieldsFile, []byte(want), 0o644); err != nil { //nolint:gosec // a document of the repository
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(fieldsFile)
	if err != nil || string(got) != want {
		t.Errorf("docs/fields.md is not what the table says (%v); run `go test ./handler/rules -run Documented -update`", err)
	}
}

func fieldsPage() string {
	var b strings.Builder
	b.WriteString(`# Fields that rules and exceptions may name

Written from the table that the loader reads (handler/rules/fields.go). A rule, a filter or an exception may name a field as
the event has it (first column) or as any wire form has it; case does not matter. A name that stands nowhere here is refused
when the rule is loaded, with the nearest name that there is.

Fields that are not kept are read in the record while rules run and are not stored. An event that comes from the store, as
in ` + "`handler replay`" + ` over the last weeks, has none of them.

| event | REST, SDK | export | Event Grid, CloudEvents | action group | Log Analytics | PowerShell | portal CSV | read as | kept |
|---|---|---|---|---|---|---|---|---|---|
`)
	for _, f := range rules.Table() {
		kept := "yes"
		if !f.Kept() {
			kept = "no"
		}
		cells := []string{code(f.Name), code(f.REST), code(f.Records), code(f.EventGrid), code(f.ActionGroup), code(f.LogAnalytics), code(f.PowerShell), f.CSV, f.Reads, kept}
		b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
	b.WriteString(`
Objects may be named as one text: ` + "`properties`, `authorization`, `claims`, `httpRequest`, `alert`" + `. What stands in a request body is
read in every way in which a resource provider may take it: a rule matches under some reading, an exception or a filter
applies under every one.
`)
	return b.String()
}

func code(names string) string {
	if names == "" {
		return ""
	}
	return "`" + strings.Join(strings.Fields(names), "`, `") + "`"
}
