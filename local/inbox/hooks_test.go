package inbox

import (
	"strings"
	"testing"

	"github.com/slack-go/slack"
)

func TestSlackWebhook(t *testing.T) {
	t.Parallel()
	s, url := serve(t, Options{})
	if err := slack.PostWebhookContext(t.Context(), url+"/slack/webhook/T1/B1/x", &slack.WebhookMessage{
		Text:   "hello",
		Blocks: &slack.Blocks{BlockSet: []slack.Block{headline("HIGH")}},
	}); err != nil {
		t.Fatalf("slack-go's own webhook client: %v", err)
	}
	m := s.Messages()[0]
	if m.Channel != "T1/B1/x" || m.Kind != Post || m.Text != "HIGH" || !timestamp.MatchString(m.Ref) {
		t.Errorf("got %+v", m)
	}
	cases := []struct {
		name, why, path, body string
		status                int
		answer                string
	}{
		{"text", "", "x", `{"text":"x"}`, 200, "ok"},
		{"reply", "a webhook may answer in a thread that it knows", "T1/B1/x", `{"text":"x","thread_ts":"` + m.Ref + `"}`, 200, "ok"},
		{"reply elsewhere", "", "other", `{"text":"x","thread_ts":"` + m.Ref + `"}`, 400, "thread_not_found"},
		{"broken JSON", "", "x", `{"text":`, 400, "invalid_payload"},
		{"a list", "", "x", `[]`, 400, "invalid_payload"},
		{"null", "", "x", `null`, 400, "invalid_payload"},
		{"nothing to say", "", "x", `{}`, 400, "no_text"},
		{"bad block", "the place is not told here, unlike in the API", "x", `{"blocks":[{"type":"header"}]}`, 400, "invalid_blocks"},
		{"blocks that are no list", "", "x", `{"blocks":{}}`, 400, "invalid_blocks_format"},
		{"revoked", "", "T1/B1/revoked", `{"text":"x"}`, 403, "invalid_token"},
		{"forbidden", "", "forbidden", `{"text":"x"}`, 403, "action_prohibited"},
		{"unknown webhook", "", "missing", `{"text":"x"}`, 404, "no_service"},
		{"archived channel", "", "archived", `{"text":"x"}`, 410, "channel_is_archived"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := call(t, "POST "+url+"/slack/webhook/"+c.path, c.body)
			if got.status != c.status || got.body != c.answer || !strings.HasPrefix(got.header.Get("Content-Type"), "text/plain") {
				t.Errorf("%s\ngot %d %q %s, want %d %q as plain text", c.why, got.status, got.body, got.header.Get("Content-Type"), c.status, c.answer)
			}
		})
	}
	if got := call(t, "POST "+url+"/slack/webhook/x", "payload=%7B%22text%22%3A%22form%22%7D", "Content-Type", "application/x-www-form-urlencoded"); got.body != "ok" {
		t.Errorf("the old form encoding: got %d %s, want ok", got.status, got.body)
	}
}

func TestTeamsWorkflow(t *testing.T) {
	t.Parallel()
	s, url := serve(t, Options{})
	got := call(t, "POST "+url+"/teams/workflow/security?api-version=1&sig=s3cret", envelope(alertCard))
	if got.status != 202 || got.body != "" {
		t.Fatalf("got %d %q, want 202 without a body as from a flow", got.status, got.body)
	}
	m := s.Messages()[0]
	if m.Channel != "security" || m.Ref != m.ID || strings.Contains(string(m.Body), "s3cret") {
		t.Errorf("got %+v", m)
	}
	for _, body := range []string{`{"text":"hello"}`, envelope(card(`{"type":"Nothing"}`)), `{`} {
		if got := call(t, "POST "+url+"/teams/workflow/security", body); got.status != 400 || !strings.Contains(got.body, "InvalidBotAdaptiveCard") {
			t.Errorf("%s: got %d %s, want 400 with a reason", body, got.status, got.body)
		}
	}
	large := envelope(card(`{"type":"TextBlock","text":"` + strings.Repeat("x", maxWorkflowBytes) + `"}`))
	if got := call(t, "POST "+url+"/teams/workflow/security", large); got.status != 413 || !strings.Contains(got.body, "RequestEntityTooLarge") {
		t.Errorf("%d bytes: got %d %.80s, want 413", len(large), got.status, got.body)
	}
	if got := len(s.Messages()); got != 1 {
		t.Errorf("got %d messages, want only the first", got)
	}
}

func TestWebhook(t *testing.T) {
	t.Parallel()
	s, url := serve(t, Options{})
	body := `{"alert": {"id": "a1", "count": 12345678901234567890, "tags": ["x", true, null]}}`
	if got := call(t, "POST "+url+"/webhook/team/siem", body); got.status != 200 {
		t.Fatalf("got %d %s, want 200", got.status, got.body)
	}
	m := s.Messages()[0]
	want := "alert.count: 12345678901234567890\nalert.id: a1\nalert.tags[0]: x\nalert.tags[1]: true\nalert.tags[2]: <nil>"
	if m.Channel != "team/siem" || m.Text != want || string(m.Body) != body {
		t.Errorf("got channel %s, body %s, text\n%s\nwant\n%s", m.Channel, m.Body, m.Text, want)
	}
	if got := call(t, "POST "+url+"/webhook/x", "hello"); got.status != 400 {
		t.Errorf("not JSON: got %d, want 400", got.status)
	}
}

func TestReadableText(t *testing.T) {
	t.Parallel()
	blocks := func(s string) string { return slackText("", []byte("["+s+"]"), nil) }
	cases := []struct{ name, why, got, want string }{
		{"marks", "", plainMrkdwn("*bold* _it_ ~gone~ `code_with_marks*` *_both_* a*b*c snake_case_name"), "bold it gone code_with_marks* both a*b*c snake_case_name"},
		{"entities", "", plainMrkdwn("a &lt;b&gt; &amp;amp; c"), "a <b> &amp; c"},
		{"links", "", plainMrkdwn("<https://a.example|portal> <https://b.example> <mailto:x@y.z|x@y.z>"), "portal (https://a.example) https://b.example x@y.z"},
		{"dates and mentions", "the fallback is what can be compared", plainMrkdwn("<!date^1700000000^{date}|2023-11-14> <!here> <@U1> <#C1|ops>"), "2023-11-14 @here @U1 #ops"},
		{"fields", "facts read as name and value", blocks(`{"type":"section","fields":[` + mark("*Who*\nalice") + `,` + mark("*What:*\n`x/write`") + `]}`), "Who: alice\nWhat: x/write"},
		{"buttons", "", blocks(actions(button(`,"url":"https://a.example"`) + "," + button(""))), "[Open] https://a.example\n[Open]"},
		{"table", "", blocks(`{"type":"table","rows":[[{"type":"raw_text","text":"a"},{"type":"raw_text","text":"b"}]]}`), "a | b"},
		{"rich text", "", blocks(`{"type":"rich_text","elements":[{"type":"rich_text_list","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"a"}]},{"type":"rich_text_section","elements":[{"type":"text","text":"b"}]}]}]}`), "a\nb"},
		{"legacy attachment", "", slackText("t", nil, []byte(`[{"title":"T","fields":[{"title":"a","value":"b"}]}]`)), "t\nT\na: b"},
		{"layout", "", blocks(`{"type":"layout","label":"l","rows":[{"items":[{"block":` + section(mark("in")) + `}]}]}`), "l\nin"},
		{"card", "", cardText(decoded([]byte(envelope(alertCard))).(map[string]any)), "HIGH · Owner role granted\nalice at the portal (https://portal.azure.com) [x](javascript:alert)\n" +
			"Who: alice@contoso.com\nResult: \nx\nplain bold\nids\n[More]\n[Resource] https://portal.azure.com/#@t/resource\n[Runbook]\nx\n[Acknowledge]"},
		{"facts in columns", "the shape that cards use where values are long", cardText(decoded([]byte(envelope(card(`{"type":"ColumnSet","columns":[{"type":"Column","items":[{"type":"TextBlock","text":"Who","weight":"Bolder"}]},` +
			`{"type":"Column","items":[{"type":"TextBlock","text":"alice"}]}]},{"type":"ColumnSet","columns":[{"items":[{"type":"TextBlock","text":"a"}]},{"items":[{"type":"TextBlock","text":"b"}]}]}`)))).(map[string]any)), "Who: alice\na\nb"},
		{"Markdown", "", plainMarkdown(`**a** _b_ snake\_case role_assignments_write \*not\*`), "a b snake_case role_assignments_write *not*"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.got != c.want {
				t.Errorf("%s\ngot  %q\nwant %q", c.why, c.got, c.want)
			}
		})
	}
}
