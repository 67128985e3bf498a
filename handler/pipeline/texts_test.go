package pipeline

import (
	"bytes"
	"log/slog"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/settings"
)

func grant() alert.Alert {
	e := activity.Event{
		Category: activity.Administrative, Operation: "microsoft.authorization/roleassignments/write", Outcome: activity.Succeeded,
		Caller: "ada@contoso.example", CallerName: "Ada {{.Rule}} <!channel>", CallerType: activity.User, ResourceGroup: "rg-prod",
		ResourceID: "/subscriptions/s/resourcegroups/rg-prod/providers/microsoft.authorization/roleassignments/x", ResourceName: "x",
		Properties: activity.Properties(`{"requestbody":{"properties":{"roleDefinitionId":"/x/8e3af657-a8ff-443c-a75c-2fe8c4bcb635","principalId":"p1","scope":"/subscriptions/s/resourceGroups/rg-prod"}}}`),
	}
	return alert.New(alert.Finding{Event: e, Rule: alert.Rule{ID: "owner", Title: "Owner granted", Severity: "high", Author: "A. Uthor", Reason: "An owner can do everything."}},
		time.Date(2026, 11, 22, 9, 41, 2, 0, time.UTC))
}

// with parses templates that must be right.
func with(t *testing.T, from settings.Texts) *Composer {
	t.Helper()
	texts, problems := ParseTexts(from)
	if problems != nil {
		t.Fatal(problems)
	}
	texts.now = noTime
	return &Composer{Texts: texts}
}

func TestTextsReplaceSlotsAndNothingElse(t *testing.T) {
	t.Parallel()
	ours := (&Composer{}).Message(grant())
	p := with(t, settings.Texts{
		Headline: `{{upper .Severity}} {{.Headline}}{{with .Facts}} · {{.Role}}{{end}}{{with .Facts.Missing}}never{{end}}`,
		Sentence: `{{.Sentence}} {{if and .Reason (ge .Count 1)}}({{.Reason | lower}}){{else}}-{{end}}`,
		Footer:   `runbook/{{.Rule}} {{last .ResourceID}} {{cut 4 .Caller}} {{index .Facts "Who"}}`,
	})
	m := p.Message(grant())
	want := ours
	want.Headline = "HIGH Owner role granted on rg-prod · Owner"
	want.Summary = "Ada {{.Rule}} <!channel> granted Owner on rg-prod to p1. (an owner can do everything.)"
	want.Context = append([]string{"runbook/owner x ada… Ada {{.Rule}} <!channel> (ada@contoso.example)"}, ours.Context...)
	if diff := cmp.Diff(want, m); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
	if !strings.Contains(strings.Join(m.Context, "\n"), "A. Uthor") {
		t.Error("the rule's author is gone, whom the rule's license wants named")
	}
}

func TestTextsSayWhatIsWrongAndWhere(t *testing.T) {
	t.Parallel()
	at := map[string]string{"headline": "config/auditbell.yaml:7:13"}
	for template, want := range map[string]string{
		"{{.Headline":                             "line 1: unclosed action",
		"a\n{{.Hedline}}":                         "line 2: there is no field Hedline; known: Headline, Sentence",
		"{{.Facts.Owner.Name}}":                   "line 1: .Facts.Owner.Name: a text has no fields",
		"{{with .Rule}}{{.Title}}{{end}}":         "line 1: .Title: a text has no fields; inside with, write $.Title",
		"{{with .Rule}}{{$.Titel}}{{end}}":        "line 1: there is no field Titel",
		"{{$x := .Rule}}{{$x.Y}}":                 "line 1: $x.Y: a variable has no fields",
		"{{range 1000000000}}x{{end}}":            "line 1: range is not supported",
		"{{printf \"%999999d\" 1}}":               "line 1: the function printf is not supported; known: cut, last, lower, upper, and",
		"{{define \"x\"}}{{end}}":                 "define and block are not supported",
		"{{template \"headline\"}}":               "line 1: template is not supported",
		"{{nope .Rule}}":                          `line 1: function "nope" not defined`,
		"{{if eq .Count \"x\"}}a{{end}}":          "line 1:5: executing \"headline\" at <eq .Count \"x\">: the function eq cannot be used like this",
		"{{lower .Count}}":                        "it cannot be evaluated",
		strings.Repeat("x", maxTemplate+1):        "is longer than 4000 bytes",
		"{{if .Rule}}{{if .Nope}}a{{end}}{{end}}": "line 1: there is no field Nope",
	} {
		_, problems := ParseTexts(settings.Texts{Headline: template, At: at})
		if len(problems) != 1 || problems[0].Name != at["headline"] || !strings.Contains(problems[0].Reason, want) || !strings.HasPrefix(problems[0].Reason, "texts.headline: ") {
			t.Errorf("%.60s\n got %v\nwant …%s", template, problems, want)
		}
	}
}

func TestTextsAreBounded(t *testing.T) {
	t.Parallel()
	a := grant()
	a.Event.ResourceName = strings.Repeat("é", 5000)
	p := with(t, settings.Texts{Sentence: "x{{.Resource}}{{.Resource}}", Footer: "{{if .Facts.Nope}}never{{end}}"})
	m := p.Message(a)
	if n := len(m.Summary); n > maxWords+len("…") || !strings.HasSuffix(m.Summary, "é…") {
		t.Errorf("the sentence has %d bytes and ends in %q", n, m.Summary[n-6:])
	}
	if diff := cmp.Diff((&Composer{}).Message(a).Context, m.Context); diff != "" {
		t.Errorf("an empty footer changes the small print (-want +got):\n%s", diff)
	}
}

func TestTextsThatFailGiveWayAndAreCounted(t *testing.T) {
	t.Parallel()
	ours := (&Composer{}).Message(grant())
	p := with(t, settings.Texts{Headline: `{{if gt .Count 0}}{{if .Facts.Secret}}{{index .Rule 99}}{{end}}{{end}}x`, Sentence: `a{{.Rule}}`})
	a := grant()
	if got := p.Message(a).Headline; got != "x" {
		t.Errorf("headline %q, want x", got)
	}
	clock := time.Unix(0, 0)
	p.Texts.now = func() time.Time { clock = clock.Add(maxWording + 1); return clock }
	if diff := cmp.Diff(ours, p.Message(a)); diff != "" {
		t.Errorf("templates that take too long (-want +got):\n%s", diff)
	}
	var log bytes.Buffer
	if n := p.misworded(slog.New(slog.NewTextHandler(&log, nil))); n != 2 || !strings.Contains(log.String(), "took longer than 50ms") {
		t.Errorf("%d failures are counted, logged as %s; want 2", n, log.String())
	}
	p.Texts.now = noTime
	p.Texts.slots["headline"] = mustParse(t, `{{index .CallerName 99999}}`)
	if diff := cmp.Diff(ours.Headline, p.Message(a).Headline); diff != "" {
		t.Errorf("a template that fails (-want +got):\n%s", diff)
	}
	n, err := p.Texts.Failures()
	if n != 1 || strings.Contains(err.Error(), "Ada") {
		t.Errorf("%d failures, %v; want one that does not quote the event", n, err)
	}
	if n := p.misworded(slog.New(slog.DiscardHandler)); n != 0 {
		t.Errorf("%d failures are counted twice", n)
	}
}

func mustParse(t *testing.T, text string) *template.Template {
	t.Helper()
	parsed, err := parseText("headline", text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestTextsDoNotHideThatAnAlertIsLate(t *testing.T) {
	t.Parallel()
	a := grant()
	a.Late = "replayed on 2026-11-22"
	for _, template := range []string{"{{.Title}}", "{{.Headline}}"} {
		got := with(t, settings.Texts{Headline: template}).Message(a).Headline
		if strings.Count(got, reportedLate) != 1 || !strings.HasPrefix(got, reportedLate) {
			t.Errorf("%s: %q", template, got)
		}
	}
}

// Whatever a template is, and whatever the event says, parsing ends, running ends, and the text has its bounds.
func FuzzTexts(f *testing.F) {
	for _, seed := range []string{`{{.Headline}}`, `{{with .Facts}}{{.Owner}}{{end}}`, `{{range .Facts}}`, `{{index .Rule 1}}`, `{{$x := .}}{{$x}}`, `{{and .Rule .}}`} {
		f.Add(seed, "<!channel>")
	}
	f.Fuzz(func(t *testing.T, text, name string) {
		texts, problems := ParseTexts(settings.Texts{Headline: text, Sentence: text, Footer: text})
		if texts == nil || len(problems) > 3 {
			t.Fatal(problems)
		}
		a := grant()
		a.Event.CallerName, a.Event.ResourceName = name, name
		m := notify.Message{Headline: "ours", Summary: "ours"}
		texts.reword(&m, a)
		if m.Headline == "" || m.Summary == "" || len(m.Headline) > maxWords+len("…") {
			t.Errorf("headline of %d bytes, sentence of %d", len(m.Headline), len(m.Summary))
		}
	})
}

// docs/messages.md is all that an operator has: it names every field and every function, and nothing else.
func TestTextsAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/messages.md")
	if err != nil {
		t.Fatal(err)
	}
	fields := fieldNames(reflect.TypeFor[Words]())
	for _, name := range fields {
		if !strings.Contains(string(page), "`."+name+"`") {
			t.Errorf("docs/messages.md does not name the field .%s", name)
		}
	}
	for name := range functions {
		if !strings.Contains(string(page), "`"+name) {
			t.Errorf("docs/messages.md does not name the function %s", name)
		}
	}
	for _, named := range regexp.MustCompile("`\\.([A-Z]\\w+)`").FindAllStringSubmatch(string(page), -1) {
		if !slices.Contains(fields, named[1]) {
			t.Errorf("docs/messages.md names .%s, which there is not", named[1])
		}
	}
}
