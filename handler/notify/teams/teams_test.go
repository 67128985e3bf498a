package teams_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/notify/notifytest"
	"github.com/auditbell/auditbell/handler/notify/teams"
	"github.com/auditbell/auditbell/handler/settings"
)

func openWith(env map[string]string) (notify.Destination, *settings.Set) {
	s := settings.New(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	return teams.Open(s, notify.NewClient(http.DefaultTransport)), s
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	const fine = notify.Trouble // the kind of no error
	for _, c := range []struct {
		status     int
		body, want string
		kind       notify.Kind
	}{
		{202, "", "<nil>", fine},
		{200, "", "<nil>", fine},
		{200, "1", "<nil>", fine},
		{204, "", "<nil>", fine},
		{200, `{"id":"176429180000"}`, "<nil>", fine},
		{200, "posted at 04:29", "<nil>", fine},
		{200, "<p>posted</p>", "<nil>", fine},
		{201, "HTTP error 429", "<nil>", fine},
		{
			200, "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId x",
			"post to Teams workflow: Teams answered the workflow with status 429", notify.Throttled,
		},
		{
			200, "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 413",
			"post to Teams workflow: Teams answered the workflow with status 413", notify.MessageRefused,
		},
		{200, "<html>Jane Doe</html>", "post to Teams workflow: answered with a web page (hint: check TEAMS_WORKFLOW_URL and the proxy)", notify.Unconfirmed},
		{
			401, `{"error":{"code":"DirectApiAuthorizationRequired","message":"Jane Doe"}}`,
			"post to Teams workflow: status 401 unauthorized: DirectApiAuthorizationRequired (hint: let the workflow's trigger accept anyone, the address is the secret)", notify.DestinationRefused,
		},
		{
			404, `{"error":{"code":"WorkflowNotFound","message":"hunter2"}}`,
			"post to Teams workflow: status 404 not found: WorkflowNotFound (hint: the workflow was deleted, create it again and set TEAMS_WORKFLOW_URL)", notify.DestinationRefused,
		},
		{400, `{"error":{"code":"Jane Doe","message":"x"}}`, "post to Teams workflow: status 400 bad request", notify.Refused},
		{413, `{"error":{"code":"RequestEntityTooLarge"}}`, "post to Teams workflow: status 413 request entity too large: RequestEntityTooLarge", notify.MessageRefused},
		{502, `{"error":{"code":"NoResponse"}}`, "post to Teams workflow: status 502 bad gateway: NoResponse", notify.Trouble},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			_, _ = fmt.Fprint(w, c.body)
		}))
		d, _ := openWith(map[string]string{"TEAMS_WORKFLOW_URL": server.URL + secret})
		_, err := d.Deliver(t.Context(), notifytest.Grant(), notify.Ref{})
		server.Close()
		if fmt.Sprint(err) != c.want || notify.KindOf(err) != c.kind {
			t.Errorf("%d %s: %v (kind %v), want %q (kind %v)", c.status, c.body, err, notify.KindOf(err), c.want, c.kind)
		}
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, url string
		open      bool
		want      string
	}{
		{"nothing", "", false, "<nil>"},
		{"logic apps", "https://prod-12.westeurope.logic.azure.com" + secret, true, "<nil>"},
		{"power platform", "https://default0123.environment.api.powerplatform.com" + secret, true, "<nil>"},
		{"plain http", "http://prod-12.westeurope.logic.azure.com" + secret, false, "TEAMS_WORKFLOW_URL: must start with https://"},
		{"no address", "hunter2", false, "TEAMS_WORKFLOW_URL: is not an absolute URL"},
	} {
		d, s := openWith(map[string]string{"TEAMS_WORKFLOW_URL": c.url})
		err := fmt.Sprint(s.Err())
		if (d != nil) != c.open || !strings.HasPrefix(err, c.want) || strings.Contains(err, "hunter2") {
			t.Errorf("%s: destination %v, problems %q; want %v, %q", c.name, d, err, c.open, c.want)
		}
	}
}

func TestShrinkingOrder(t *testing.T) {
	t.Parallel()
	filled := func(filler string) notify.Message {
		m := notifytest.Grant()
		m.Summary = filler
		for i := range m.Facts {
			m.Facts[i].Value = fmt.Sprintf("value %d %s", i+1, filler)
		}
		for i := range m.Steps {
			m.Steps[i] = fmt.Sprintf("step %d %s", i+1, filler)
		}
		return m
	}
	for _, c := range []struct {
		filler, want string
	}{
		{strings.Repeat("🔥", 100), "values whole, steps true, links true"},
		{strings.Repeat("<<é", 95), "values cut, steps true, links true"},
		{strings.Repeat("<", 2000), "values cut, steps false, links false"},
	} {
		raw, err := json.Marshal(teams.Render(filled(c.filler)))
		if err != nil {
			t.Fatal(err)
		}
		shown, err := read(raw)
		if err != nil {
			t.Error(err)
		}
		values := "cut"
		if strings.Contains(shown.Text, "value 1 "+c.filler) {
			values = "whole"
		}
		got := fmt.Sprintf("values %s, steps %v, links %v", values, strings.Contains(shown.Text, "step 3"), strings.Contains(shown.Text, "Activity log"))
		if got != c.want {
			t.Errorf("texts of %d bytes: %s, want %s", len(c.filler), got, c.want)
		}
		for _, always := range []string{"HIGH · Owner role granted on prod-payments", "Who", "value 1", "Role", "value 4", "a-7d3f19c2e4b8"} {
			if !strings.Contains(shown.Text, always) {
				t.Errorf("texts of %d bytes: %q is gone", len(c.filler), always)
			}
		}
	}
}

func TestSeverityHasAColourAndAWord(t *testing.T) {
	t.Parallel()
	for severity, want := range map[notify.Severity]string{
		notify.Critical: "attention CRITICAL · x", notify.High: "attention HIGH · x", notify.Medium: "warning MEDIUM · x",
		notify.Low: "accent LOW · x", notify.Informational: "emphasis INFO · x", "unknown": "warning MEDIUM · x",
	} {
		header := teams.Render(notify.Message{Severity: severity, Headline: "x"}).Attachments[0].Content.Body[0]
		if got := header.Style + " " + header.Items[0].Text; got != want || header.Items[0].Style != "heading" {
			t.Errorf("%s: %q as %q, want %q as heading", severity, got, header.Items[0].Style, want)
		}
	}
}

func FuzzRender(f *testing.F) {
	for _, s := range notifytest.Samples() {
		f.Add(s.Message.Headline, s.Message.Summary, s.Message.ID, "https://portal.azure.com/")
	}
	for _, payload := range notifytest.Payloads() {
		f.Add(payload, payload, payload, payload)
	}
	f.Fuzz(func(t *testing.T, a, b, c, link string) {
		for _, m := range notifytest.Fuzzed(a, b, c, link) {
			raw, err := json.Marshal(teams.Render(m))
			if err != nil {
				t.Fatal(err)
			}
			shown, err := read(raw)
			if err != nil || len(raw) >= 14*1024 {
				t.Errorf("Teams would refuse these %d bytes: %v\n%s", len(raw), err, raw)
			}
			for _, live := range shown.Live {
				if u, err := url.Parse(live); err != nil || u.Scheme != "https" || u.User != nil {
					t.Errorf("brings to life %q:\n%s", live, raw)
				}
			}
		}
	})
}

func BenchmarkRender(b *testing.B) {
	for _, s := range notifytest.Samples() {
		b.Run(s.Name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				teams.Render(s.Message)
			}
		})
	}
}

// TestRetiredAddresses are addresses that look right and reach no channel.
func TestRetiredAddresses(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]struct{ problem, warning string }{
		"https://contoso.webhook.office.com/webhookb2/1@2/IncomingWebhook/3/4":                                           {problem: "TEAMS_WORKFLOW_URL: is the address of an Office 365 connector"},
		"https://outlook.office.com/webhook/1":                                                                           {problem: "TEAMS_WORKFLOW_URL: is the address of an Office 365 connector"},
		"https://hooks.slack.com/services/T/B/x":                                                                         {problem: "TEAMS_WORKFLOW_URL: is an address of Slack"},
		"https://prod-1.westeurope.logic.azure.com:443/workflows/1/triggers/manual/paths/invoke?sig=x":                   {warning: "TEAMS_WORKFLOW_URL: is at logic.azure.com"},
		"https://a.1.environment.api.powerplatform.com:443/powerautomate/automations/direct/workflows/1/triggers/manual": {},
		"https://logic.azure.com.contoso.example/x":                                                                      {},
	} {
		d, s := openWith(map[string]string{"TEAMS_WORKFLOW_URL": address})
		if got := fmt.Sprint(s.Err()); (want.problem == "") != (got == "<nil>") || !strings.Contains(got, want.problem) || (d == nil) != (want.problem != "") {
			t.Errorf("%s: %v, want %q", address, got, want.problem)
		}
		if got := fmt.Sprint(s.Warnings()); (want.warning == "") != (got == "[]") || !strings.Contains(got, want.warning) {
			t.Errorf("%s: warnings %v, want %q", address, got, want.warning)
		}
	}
}

// TestTheDocumentedRefusalSaysForHowLong honours Retry-After beside the sentence that a flow passes on.
func TestTheDocumentedRefusalSaysForHowLong(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]time.Duration{429: 7 * time.Second, 503: 7 * time.Second, 413: 0, 404: 0} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			_, _ = fmt.Fprintf(w, "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error %d with ContextId x", status)
		}))
		d, _ := openWith(map[string]string{"TEAMS_WORKFLOW_URL": server.URL + secret})
		_, err := d.Deliver(t.Context(), notifytest.Grant(), notify.Ref{})
		server.Close()
		if got, _ := notify.Delay(err); got != want || err == nil {
			t.Errorf("%d: %v with a delay of %s, want %s", status, err, got, want)
		}
	}
}
