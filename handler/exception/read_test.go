package exception_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/exception"
	"github.com/auditbell/auditbell/handler/rules"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func known(id string) bool { return id == "r1" || id == "r2" }

func read(text string) ([]exception.Exception, []rules.Left) {
	return exception.Read(fstest.MapFS{exception.File: {Data: []byte(text)}}, known, noon)
}

const good = `exceptions:
  - rules: [r1]
    match: {caller|endswith: "@contoso.example", resource_group: rg-1}
    owner: ana@contoso.example
    reason: nightly
    ticket: T-1
    expires: 2026-12-31
  - rules: "*"
    match:
      - caller: "b*b"
      - {operation|contains: delete, outcome: Failed}
    owner: bob
    reason: pilot
    expires: 2026-11-21
`

func TestRead(t *testing.T) {
	t.Parallel()
	list, problems := read(good)
	if problems != nil || len(list) != 2 {
		t.Fatalf("%d exceptions, problems %v", len(list), problems)
	}
	x, y := list[0], list[1]
	if got := fmt.Sprint(x.Rules, x.Owner, x.Reason, x.Ticket, x.Expires, x.Source); got != "[r1]ana@contoso.examplenightlyT-12027-01-01 00:00:00 +0000 UTCexceptions.yaml:2" {
		t.Errorf("read %s", got)
	}
	if !x.Active(noon) || y.Active(noon) {
		t.Error("active ones are not told from expired ones")
	}
	if last := time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC); !x.Active(last) {
		t.Error("the exception does not apply on its last day")
	}
	e := activity.Event{Caller: "Rob@Contoso.example", ResourceGroup: "rg-1"}
	if !x.Covers(&e, "r1") || x.Covers(&e, "r2") {
		t.Error("the first covers r1 and nothing else")
	}
	e.ResourceGroup = "rg-2"
	if x.Covers(&e, "r1") {
		t.Error("an exception covers another resource group: everything in a mapping must hold")
	}
	e = activity.Event{Caller: "BoB"}
	if !y.Covers(&e, "anything") {
		t.Error("any of a list must do, with wildcards and without regard to case")
	}
}

func TestEverythingWrongIsSaidWithItsLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		rest       int      // exceptions that apply all the same
		want       []string // line and some words
	}{
		{"not YAML", "exceptions: [", 0, []string{"2 cannot be read: "}},
		{"two documents", "exceptions: []\n---\nexceptions: []\n", 0, []string{"1 cannot be read: expected one document"}},
		{"another name", "exception: []\n", 0, []string{`1 "exception" is unknown`}},
		{"no list", "exceptions: {rules: r1}\n", 0, []string{"1 expected a list"}},
		{"no mapping", "exceptions:\n  - r1\n", 0, []string{"2 expected a mapping"}},
		{"nothing in it", "exceptions:\n  - {}\n", 0, []string{"2 rules is missing", "2 match is missing", "2 owner is missing", "2 reason is missing", "2 expires is missing"}},
		{"a field twice", strings.Replace(good, "    ticket: T-1\n", "    reason: x\n", 1), 1, []string{`6 "reason" stands twice`}},
		{"a field too many", strings.Replace(good, "ticket:", "tickets:", 1), 1, []string{`6 "tickets" is unknown`}},
		{"no such rule", strings.Replace(good, "[r1]", "[r1, r3]", 1), 1, []string{`2 rules: there is no rule "r3"`}},
		{"every rule and one", strings.Replace(good, "[r1]", `["*", r1]`, 1), 1, []string{`2 rules: "*" stands for all`}},
		{"no rules", strings.Replace(good, "[r1]", "[]", 1), 1, []string{"2 rules: list"}},
		{"an empty match", strings.Replace(good, `{caller|endswith: "@contoso.example", resource_group: rg-1}`, "{}", 1), 1, []string{"3 an empty selection would match everything"}},
		{"keywords alone", strings.Replace(good, `{caller|endswith: "@contoso.example", resource_group: rg-1}`, "rob", 1), 1, []string{"3 expected a selection"}},
		{"an odd modifier", strings.Replace(good, "endswith", "endwith", 1), 1, []string{`3 caller|endwith: modifier "endwith"`}},
		{"no owner", strings.Replace(good, "ana@contoso.example", `" "`, 1), 1, []string{"4 owner is empty"}},
		{"no date", strings.Replace(good, "2026-12-31", "soon", 1), 1, []string{`7 expires "soon" is no date`}},
		{"too far", strings.Replace(good, "2026-12-31", "2027-11-24", 1), 1, []string{"7 expires 2027-11-24 is more than 366 days"}},
		{"the same twice", strings.Replace(good+good[len("exceptions:\n"):], "nightly", "worded otherwise", 1), 2, []string{"15 the same exception stands in line 2", "21 the same"}},
		{"all at once", strings.NewReplacer("[r1]", "[r9]", "bob", `""`, "2026-12-31", "x").Replace(good), 0, []string{"2 rules", "7 expires", "12 owner"}},
	} {
		list, left := read(c.text)
		var got []string
		for _, one := range left {
			line, ok := strings.CutPrefix(one.Place, exception.File+":")
			if !ok || one.Why != rules.Broken {
				t.Errorf("%s: %+v has no place in the file", c.name, one)
			}
			line, _, _ = strings.Cut(line, ":")
			got = append(got, line+" "+one.Reason)
		}
		if len(list) != c.rest {
			t.Errorf("%s: %d exceptions apply, want the %d without a fault", c.name, len(list), c.rest)
		}
		if len(got) != len(c.want) {
			t.Errorf("%s: problems %q, want %q", c.name, got, c.want)
			continue
		}
		for i := range got {
			if !strings.HasPrefix(got[i], c.want[i]) {
				t.Errorf("%s: %q, want %q", c.name, got[i], c.want[i])
			}
		}
	}
}

func TestTheLongestExceptionIsAllowed(t *testing.T) {
	t.Parallel()
	if _, problems := read(strings.Replace(good, "2026-12-31", "2027-11-22", 1)); problems != nil {
		t.Errorf("a year ahead: %v", problems)
	}
}

func TestAnIDStandsForWhatIsDecided(t *testing.T) {
	t.Parallel()
	id := func(old, with string) string {
		list, problems := read(strings.Replace(good, old, with, 1))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		return list[0].ID
	}
	base := id("", "")
	if id("nightly", "every night") != base || id("T-1", "T-2") != base {
		t.Error("rewording the reason makes another exception, and its count starts again")
	}
	for _, c := range [][2]string{{"[r1]", "[r1, r2]"}, {"rg-1", "rg-2"}, {"ana@", "eva@"}, {"2026-12-31", "2027-01-31"}} {
		if id(c[0], c[1]) == base {
			t.Errorf("%s for %s is still the same exception", c[1], c[0])
		}
	}
}

func TestNoFileIsNoException(t *testing.T) {
	t.Parallel()
	for name, folder := range map[string]fstest.MapFS{
		"no file":       {},
		"empty":         {exception.File: {}},
		"comments only": {exception.File: {Data: []byte("# exceptions:\n")}},
		"none":          {exception.File: {Data: []byte("exceptions:\n")}},
	} {
		if list, problems := exception.Read(folder, known, noon); len(list)+len(problems) > 0 {
			t.Errorf("%s: %v, %v", name, list, problems)
		}
	}
}

// The committed file, and the example in its comments, are what the reader and the editor's schema take.
func TestTheCommittedFileAndItsSchema(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../config/exceptions.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if list, problems := read(string(text)); len(list)+len(problems) > 0 {
		t.Errorf("config/exceptions.yaml: %v, %v; want no exception and no problem", list, problems)
	}
	_, example, ok := strings.Cut(string(text), "# Example:\n#\n")
	example = strings.ReplaceAll(strings.TrimSuffix(example, "exceptions: []\n"), "# ", "")
	list, problems := exception.Read(fstest.MapFS{exception.File: {Data: []byte(example)}}, func(string) bool { return true }, noon)
	if !ok || len(list) != 1 || problems != nil {
		t.Errorf("the example: %v, %v", list, problems)
	}
	schema, err := jsonschema.NewCompiler().Compile("../../config/schema/exceptions.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text  string
		valid bool
	}{
		{string(text), true},
		{example, true},
		{good, true},
		{strings.Replace(good, "ticket:", "tickets:", 1), false},
		{strings.Replace(good, "    owner: bob\n", "", 1), false},
		{strings.Replace(good, "2026-12-31", "soon", 1), false},
	} {
		if err := schema.Validate(asJSON(t, c.text)); (err == nil) != c.valid {
			t.Errorf("schema says %v, want valid %v:\n%s", err, c.valid, c.text)
		}
	}
}

// asJSON reads YAML as an editor does: dates without quotes are text.
func asJSON(t *testing.T, text string) any {
	t.Helper()
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(text), &n); err != nil {
		t.Fatal(err)
	}
	return value(n.Content[0])
}

func value(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		object := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			object[n.Content[i].Value] = value(n.Content[i+1])
		}
		return object
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			list = append(list, value(c))
		}
		return list
	}
	if n.Tag == "!!null" {
		return nil
	}
	return n.Value
}

// An exception by a claim that is not stored applies while the event has its record; who reads events back must ask for it.
func TestExceptionsThatReadTheRecord(t *testing.T) {
	t.Parallel()
	for match, want := range map[string]bool{"{claims.groups|contains: ops}": true, "{location: global}": true, "{claims.upn: ana@contoso.example}": false, "{caller: ana}": false} {
		list, left := read(strings.Replace(good, `{caller|endswith: "@contoso.example", resource_group: rg-1}`, match, 1))
		if got := exception.ReadsRecord(list); len(left) > 0 || got != want {
			t.Errorf("%s reads the record: %v, want %v (%v)", match, got, want, left)
		}
	}
	list, _ := read(strings.Replace(good, `{caller|endswith: "@contoso.example", resource_group: rg-1}`, "{claims.groups|contains: ops}", 1))
	e := activity.Event{Record: activity.RecordOf([]byte(`{"identity":{"claims":{"groups":["dev","ops-eu"]}}}`))}
	if !list[0].Covers(&e, "r1") {
		t.Error("an exception by a claim that is not stored does not apply")
	}
}
