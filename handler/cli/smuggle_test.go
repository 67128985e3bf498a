package cli

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/notify/notifytest"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/settings"
)

// An attacker chooses names and texts of events. Whatever they choose, and whichever field and category it comes in,
// through our sentences and through an operator's templates, it must not act in any channel. The channels' own suites try
// the same with messages; this one begins at the event, and its checks know nothing of how a channel renders.

// smuggling is a pipeline whose templates repeat what they are given, in every slot.
func smuggling(tb testing.TB) *pipeline.Pipeline {
	tb.Helper()
	texts, problems := pipeline.ParseTexts(settings.Texts{
		Headline: `{{.Headline}} {{.Resource}}{{.CallerName}}`,
		Sentence: `{{.Sentence}} <{{.Caller}}|{{.ResourceGroup}}> [{{.Operation}}]({{.ResourceID}}) {{index .Facts "Who"}}`,
		Footer:   `*{{.CallerIP}}* <!{{.Resource}}> {{.Correlation}}`,
	})
	if problems != nil {
		tb.Fatal(problems)
	}
	p := pipeline.Offline(&pipeline.Judge{}, &pipeline.Composer{Texts: texts}, time.Now)
	p.Enrich.Portal = "https://portal.azure.com"
	return p
}

// poisoned are events with text in every field, of every category; what a category reads of its properties included.
func poisoned(text string) []activity.Event {
	encoded, err := json.Marshal(text)
	if err != nil {
		return nil
	}
	var properties strings.Builder
	for _, name := range []string{
		"title", "service", "region", "trackingId", "communication", "stage", "incidentType", "currentHealthStatus", "previousHealthStatus", "cause", "details",
		"RuleName", "MetricName", "Operator", "Threshold", "ResourceName", "Description", "eventName", "Severity", "ActionTaken", "compromisedEntity", "userName",
		"commandLine", "recommendationName", "recommendationCategory", "recommendationImpact", "statusMessage",
	} {
		fmt.Fprintf(&properties, `%q:%s,`, name, encoded)
	}
	fmt.Fprintf(&properties, `"policies":[{"policyAssignmentName":%[1]s,"policyDefinitionName":%[1]s}],"requestbody":{"properties":{"roleDefinitionId":%[1]s,"principalId":%[1]s,"principalType":%[1]s,"scope":%[1]s}}`, encoded)
	var all []activity.Event
	for _, category := range append(slices.Clone(activity.Categories), "", activity.Category(text)) {
		for _, operation := range []string{text, "microsoft.authorization/roleassignments/write", "microsoft.authorization/policies/deny/action"} {
			e := activity.Event{Category: category, Operation: operation, OperationDisplay: operation, Outcome: activity.Failed, Properties: activity.Properties("{" + properties.String() + "}")}
			fields := reflect.ValueOf(&e).Elem()
			for i := range fields.NumField() {
				if f := fields.Field(i); f.Type() == reflect.TypeFor[string]() && f.String() == "" {
					f.SetString(text)
				}
			}
			e.CallerType = activity.User
			all = append(all, e)
		}
	}
	return all
}

func FuzzSmuggle(f *testing.F) {
	seeds := append(notifytest.Payloads(), `=HYPERLINK("https://evil.example";"x")`, "+cmd|' /C calc'!A0", "{{.Headline}}{{range .}}")
	for i, text := range seeds { // every category with every text; the operations in turn
		for which := i % 3; which < len(poisoned(text)); which += 3 {
			f.Add(text, uint8(which))
		}
	}
	p := smuggling(f)
	f.Fuzz(func(t *testing.T, text string, which uint8) {
		all := poisoned(text)
		if len(text) > 2000 || len(all) == 0 {
			return
		}
		for _, e := range all[int(which)%len(all):][:1] {
			a := alert.New(alert.Finding{Event: e, Rule: alert.Rule{ID: "r", Title: "T", Severity: "high"}}, time.Unix(0, 0))
			a.Count, a.Operations = 2, append(a.Operations, &alert.Operation{Name: text})
			out := rendered(p.Message(a))
			for channel, err := range map[string]error{
				"slack": deadInSlack(out), "teams": deadInTeams(out), "mail": deadInMail(out), "webhook": deadInData(out), "terminal": deadInTerminal(out.Plain),
			} {
				if err != nil {
					t.Errorf("%s, %s: %q: %v", channel, e.Category, text, err)
				}
			}
		}
	})
}

// walk calls visit for every object in v, given as JSON.
func walk(v any, visit func(map[string]any)) {
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			walk(one, visit)
		}
	case map[string]any:
		visit(v)
		for _, one := range v {
			walk(one, visit)
		}
	}
}

// objects visits the objects of a payload and returns the first complaint.
func objects(payload any, visit func(o map[string]any) error) error {
	raw, err := json.Marshal(payload)
	if err != nil {
		return err
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return err
	}
	var first error
	walk(v, func(o map[string]any) {
		if err := visit(o); err != nil && first == nil {
			first = err
		}
	})
	return first
}

const ourPortal = "https://portal.azure.com/#"

// leads complains about an address that is not on the portal.
func leads(o map[string]any) error {
	if address, ok := o["url"].(string); ok && !strings.HasPrefix(address, ourPortal) {
		return fmt.Errorf("a link to %s", address)
	}
	for _, text := range []string{"text", "title"} {
		if s, ok := o[text].(string); ok {
			if bad := strings.IndexFunc(s, deceives); bad >= 0 {
				return fmt.Errorf("%q reaches the reader", s[bad:])
			}
		}
	}
	return nil
}

// deceives: controls, and what hides or reorders other characters.
func deceives(r rune) bool {
	return unicode.IsControl(r) && r != '\n' || 0x202a <= r && r <= 0x202e || 0x2066 <= r && r <= 0x2069 || r == 0x200b || r == 0xfeff
}

var (
	mentions    = regexp.MustCompile(`<[!@#]`)
	shortcodes  = regexp.MustCompile(`:[a-z][a-z_]+:`)
	markdownish = regexp.MustCompile("[*`\\[\\]<>#]|_.*_|://")
	anyTag      = regexp.MustCompile(`<[^>]*>`)
	href        = regexp.MustCompile(`(?:href|src|action)="([^"]*)"`)
	attribute   = regexp.MustCompile(`\s(on[a-z]+|srcset|formaction)=`)
)

func deadInSlack(p preview) error {
	if strings.ContainsAny(p.Slack.Text, "<>") {
		return fmt.Errorf("the fallback has a tag: %s", p.Slack.Text)
	}
	return objects(p.Slack.Blocks, func(o map[string]any) error {
		switch kind, text := o["type"], fmt.Sprint(o["text"]); kind {
		case "mrkdwn", "markdown", "link", "user", "usergroup", "channel", "broadcast", "emoji", "image", "section":
			return fmt.Errorf("a %s element", kind)
		case "plain_text", "text":
			if mentions.MatchString(text) || kind == "plain_text" && (shortcodes.MatchString(text) || o["emoji"] != false) {
				return fmt.Errorf("%s in %v", text, kind)
			}
		}
		return leads(o)
	})
}

func deadInTeams(p preview) error {
	return objects(p.Teams, func(o map[string]any) error {
		text := fmt.Sprint(o["text"])
		switch o["type"] {
		case "TextBlock":
			if markdownish.MatchString(text) {
				return fmt.Errorf("Markdown: %s", text)
			}
		case "TextRun":
			if strings.Contains(text, "](") || strings.Contains(text, "{{DATE(") || strings.Contains(text, "<at>") {
				return fmt.Errorf("a live run: %s", text)
			}
		case "FactSet", "Image", "Action.Execute", "Action.Submit", "Media":
			return fmt.Errorf("a %s", o["type"])
		}
		return leads(o)
	})
}

// deadInMail compares the mail's tags with the few that the template has.
func deadInMail(p preview) error {
	if strings.ContainsAny(p.Mail.Subject, "\r\n") {
		return fmt.Errorf("a header in the subject: %q", p.Mail.Subject)
	}
	for _, found := range anyTag.FindAllString(p.Mail.HTML, -1) {
		name, _, _ := strings.Cut(strings.Trim(found, "</>"), " ")
		if !slices.Contains([]string{"!doctype", "html", "head", "meta", "title", "style", "body", "div", "table", "tr", "td", "b", "ol", "li", "a", "br"}, name) || attribute.MatchString(found) {
			return fmt.Errorf("the tag %s", found)
		}
	}
	for _, found := range href.FindAllStringSubmatch(p.Mail.HTML, -1) {
		if !strings.HasPrefix(found[1], ourPortal) {
			return fmt.Errorf("an address %s", found[1])
		}
	}
	for line := range strings.Lines(p.Mail.Text) {
		if strings.Contains(line, "://") && !strings.Contains(line, ": "+ourPortal) {
			return fmt.Errorf("clients make a link of %s", line)
		}
		if bad := strings.IndexFunc(strings.TrimRight(line, "\r\n"), deceives); bad >= 0 {
			return fmt.Errorf("%q reaches the reader", line[bad:])
		}
	}
	return nil
}

// deadInData: data is not escaped, but no character in it deceives, and links lead to the portal.
func deadInData(p preview) error { return objects(p.Webhook, leads) }

func deadInTerminal(text string) error {
	if bad := strings.IndexFunc(text, deceives); bad >= 0 {
		return fmt.Errorf("%q reaches the terminal", text[bad:])
	}
	return nil
}

// What the checks above let through when they should not would make the fuzzing worthless.
func TestSmuggledTextIsFound(t *testing.T) {
	t.Parallel()
	good := rendered(smuggling(t).Message(alert.New(alert.Finding{Event: asked("Microsoft.Storage/storageAccounts/delete", "x/st", activity.Succeeded, `{}`)}, time.Unix(0, 0))))
	for name, err := range map[string]error{
		"slack": deadInSlack(good), "teams": deadInTeams(good), "mail": deadInMail(good), "webhook": deadInData(good), "terminal": deadInTerminal(good.Plain),
	} {
		if err != nil {
			t.Errorf("%s: a good message: %v", name, err)
		}
	}
	bad := good
	bad.Slack.Text = "<!channel>"
	bad.Teams.Attachments[0].Content.Body[0].Items[0].Text = "[x](https://evil.example)"
	bad.Mail.HTML = strings.Replace(good.Mail.HTML, "</body>", `<img src="https://evil.example">`, 1)
	bad.Webhook.Data.Text = "a\u202eb"
	for name, err := range map[string]error{
		"slack": deadInSlack(bad), "teams": deadInTeams(bad), "mail": deadInMail(bad), "webhook": deadInData(bad), "terminal": deadInTerminal("\x1b[2J"),
	} {
		if err == nil {
			t.Errorf("%s: smuggled text is not found", name)
		}
	}
}
