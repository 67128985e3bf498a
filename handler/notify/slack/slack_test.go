package slack_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/notify/notifytest"
	"github.com/auditbell/auditbell/handler/notify/slack"
	"github.com/auditbell/auditbell/handler/settings"
)

// scripted is a Slack that gives the answers it is told, in order, and remembers the calls.
type scripted struct {
	mu      sync.Mutex
	answers []string
	calls   []string // method, channel, and ts or thread_ts where given
}

func (s *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = r.ParseForm()
	call := strings.TrimPrefix(r.URL.Path, "/api/chat.")
	for _, name := range []string{"channel", "ts", "thread_ts"} {
		if v := r.PostForm.Get(name); v != "" {
			call += " " + name + "=" + v
		}
	}
	s.calls = append(s.calls, call)
	answer := `{"ok":true,"channel":"C1","ts":"2.0"}`
	if n := len(s.calls); n <= len(s.answers) {
		answer = s.answers[n-1]
	}
	_, _ = fmt.Fprint(w, answer)
}

func bot(t *testing.T, answers ...string) (*slack.Destination, *scripted) {
	t.Helper()
	end := &scripted{answers: answers}
	server := httptest.NewServer(end)
	t.Cleanup(server.Close)
	d, s := openWith(map[string]string{"SLACK_BOT_TOKEN": token, "SLACK_CHANNEL": channel, "SLACK_API_URL": server.URL + "/api/"})
	if s.Err() != nil {
		t.Fatal(s.Err())
	}
	return d.(*slack.Destination), end
}

func openWith(env map[string]string) (notify.Destination, *settings.Set) {
	s := settings.New(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	return slack.Open(s, notify.NewClient(http.DefaultTransport)), s
}

func refusing(code string) string { return fmt.Sprintf(`{"ok":false,"error":%q}`, code) }

const fine = `{"ok":true,"channel":"C1","ts":"1.0"}`

func TestUpdates(t *testing.T) {
	t.Parallel()
	prev := notify.Ref{Channel: "C1", ID: "1.0", State: notify.Confirmed}
	for _, c := range []struct {
		name    string
		prev    notify.Ref
		news    string
		answers []string
		calls   []string
		ref     notify.Ref
		failed  bool
	}{
		{"edits and replies", prev, "More", nil, []string{"update channel=C1 ts=1.0", "postMessage channel=C1 thread_ts=1.0"}, prev, false},
		{"edits only", prev, "", nil, []string{"update channel=C1 ts=1.0"}, prev, false},
		{
			"posts anew when the message is gone", prev, "More",
			[]string{refusing("message_not_found")},
			[]string{"update channel=C1 ts=1.0", "postMessage channel=" + channel},
			notify.Ref{Channel: "C1", ID: "2.0", State: notify.Confirmed},
			false,
		},
		{
			"posts in today's channel when the channel is archived", prev, "More",
			[]string{refusing("is_archived")},
			[]string{"update channel=C1 ts=1.0", "postMessage channel=" + channel},
			notify.Ref{Channel: "C1", ID: "2.0", State: notify.Confirmed},
			false,
		},
		{
			"posts anew when it is not ours", prev, "",
			[]string{refusing("cant_update_message")},
			[]string{"update channel=C1 ts=1.0", "postMessage channel=" + channel},
			notify.Ref{Channel: "C1", ID: "2.0", State: notify.Confirmed},
			false,
		},
		{
			"replies when edits are closed", prev, "More",
			[]string{refusing("edit_window_closed")},
			[]string{"update channel=C1 ts=1.0", "postMessage channel=C1 thread_ts=1.0"},
			prev, false,
		},
		{
			"is content when edits are closed and there is no news", prev, "",
			[]string{refusing("edit_window_closed")},
			[]string{"update channel=C1 ts=1.0"},
			prev, false,
		},
		{"does not reply when the edit failed", prev, "More", []string{refusing("internal_error")}, []string{"update channel=C1 ts=1.0"}, prev, true},
		{"replies when the edit was answered oddly", prev, "More", []string{`{}`}, []string{"update channel=C1 ts=1.0", "postMessage channel=C1 thread_ts=1.0"}, prev, true},
		{"does not repeat an edit that was answered oddly", prev, "", []string{`{}`}, []string{"update channel=C1 ts=1.0"}, prev, true},
		{
			"reports a failed reply", prev, "More",
			[]string{fine, refusing("internal_error")},
			[]string{"update channel=C1 ts=1.0", "postMessage channel=C1 thread_ts=1.0"},
			prev, true,
		},
		{"posts again after a webhook", notify.Ref{ID: "a-1"}, "More", nil, []string{"postMessage channel=" + channel}, notify.Ref{Channel: "C1", ID: "2.0", State: notify.Confirmed}, false},
	} {
		d, end := bot(t, c.answers...)
		m := notifytest.Grant()
		m.News = c.news
		ref, err := d.Deliver(t.Context(), m, c.prev)
		if ref != c.ref || (err != nil) != c.failed {
			t.Errorf("%s: Deliver = %+v, %v; want %+v, failed %v", c.name, ref, err, c.ref, c.failed)
		}
		if diff := cmp.Diff(c.calls, end.calls); diff != "" {
			t.Errorf("%s: calls (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestInPostsToAnotherChannelAndEditsWhereItPosted(t *testing.T) {
	t.Parallel()
	d, end := bot(t)
	other := d.In("#ops")
	ref, err := other.Deliver(t.Context(), notifytest.Grant(), notify.Ref{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Deliver(t.Context(), notifytest.Grant(), ref); err != nil {
		t.Fatal(err)
	}
	want := []string{"postMessage channel=#ops", "update channel=C1 ts=2.0"}
	if diff := cmp.Diff(want, end.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestSlackErrors(t *testing.T) {
	t.Parallel()
	const permanent, passing = true, false
	for _, c := range []struct {
		answer string
		want   string
		kind   bool
	}{
		{refusing("ratelimited"), "post to Slack: ratelimited", passing},
		{refusing("internal_error"), "post to Slack: internal_error", passing},
		{refusing("fatal_error"), "post to Slack: fatal_error", passing},
		{refusing("service_unavailable"), "post to Slack: service_unavailable", passing},
		{refusing("request_timeout"), "post to Slack: request_timeout", passing},
		{refusing("invalid_auth"), "post to Slack: invalid_auth (hint: set SLACK_BOT_TOKEN to a current token of the app)", permanent},
		{refusing("token_revoked"), "post to Slack: token_revoked (hint: set SLACK_BOT_TOKEN to a current token of the app)", permanent},
		{refusing("channel_not_found"), "post to Slack: channel_not_found (hint: check the channel's id, and invite the app if the channel is private)", permanent},
		{refusing("not_in_channel"), "post to Slack: not_in_channel (hint: invite the app to the channel)", permanent},
		{refusing("is_archived"), "post to Slack: is_archived (hint: choose another channel, this one is archived)", permanent},
		{refusing("some_new_code"), "post to Slack: some_new_code", permanent},
		{
			`{"ok":false,"error":"missing_scope","needed":"chat:write","provided":"x"}`,
			"post to Slack: missing_scope: needs chat:write (hint: add the scope to the app and reinstall it)", permanent,
		},
		{
			`{"ok":false,"error":"invalid_blocks","response_metadata":{"messages":["[ERROR] must be less than 3001 characters [json-pointer:/blocks/0/text/text]"]}}`,
			"post to Slack: invalid_blocks: … must be less than 3001 characters at /blocks/0/text/text", permanent,
		},
		{
			`{"ok":false,"error":"invalid_blocks","response_metadata":{"messages":["invalid url: https://hunter2.example/Jane Doe [json-pointer:/blocks/1/elements/0/url]"]}}`,
			"post to Slack: invalid_blocks: invalid url … at /blocks/1/elements/0/url", permanent,
		},
		{
			`{"ok":false,"error":"invalid_blocks","response_metadata":{"messages":["unsupported type: Owner [json-pointer:/blocks/<b>]"]}}`,
			"post to Slack: invalid_blocks: unsupported type …", permanent,
		},
		{`{"ok":false,"error":"Jane Doe granted Owner"}`, "post to Slack: unknown error", permanent},
		{`{"ok":false,"error":"x","errors":[{"hunter2":"Owner"}]}`, "post to Slack: answer is not Slack's", passing},
		{`{"ok":true}`, "post to Slack: answer is not Slack's", passing},
		{`{}`, "post to Slack: answer is not Slack's", passing},
		{`null`, "post to Slack: answer is not Slack's", passing},
		{`{"ok":false,"channel":"C1","ts":"1.2"}`, "post to Slack: answer is not Slack's", passing},
		{`{"channel":"C1","ts":"1.2"}`, "post to Slack: answer is not Slack's", passing},
		{`{"ok":true,"ts":"1.2"}`, "post to Slack: answer is not Slack's", passing},
		{`{"ok":true,"channel":"C1","ts":"1.`, "post to Slack: answer is not Slack's", passing},
		{refusing("account_inactive"), "post to Slack: account_inactive (hint: reinstall the app, its bot user was removed)", permanent},
		{refusing("msg_too_long"), "post to Slack: msg_too_long", permanent},
		{`[]`, "post to Slack: answer is not Slack's", passing},
		{`ok`, "post to Slack: answer is not Slack's", passing},
		{``, "post to Slack: answer is not Slack's", passing},
	} {
		d, _ := bot(t, c.answer)
		ref, err := d.Deliver(t.Context(), notifytest.Grant(), notify.Ref{})
		if fmt.Sprint(err) != c.want || notify.IsPermanent(err) != c.kind || !ref.Zero() {
			t.Errorf("answer %s: Deliver = %+v, %v (permanent %v); want %q, permanent %v", c.answer, ref, err, notify.IsPermanent(err), c.want, c.kind)
		}
	}
}

func TestWebhookErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status     int
		body, want string
		permanent  bool
	}{
		{400, "invalid_blocks", "post to Slack webhook: status 400 bad request: invalid_blocks", true},
		{403, "invalid_token", "post to Slack webhook: status 403 forbidden: invalid_token (hint: copy SLACK_WEBHOOK_URL again, or create a new incoming webhook)", true},
		{404, "no_service", "post to Slack webhook: status 404 not found: no_service (hint: create a new incoming webhook, this one was removed)", true},
		{410, "channel_is_archived", "post to Slack webhook: status 410 gone: channel_is_archived (hint: choose another channel, this one is archived)", true},
		{400, "Jane Doe <b>", "post to Slack webhook: status 400 bad request", true},
		{500, "rollup_error", "post to Slack webhook: status 500 internal server error: rollup_error", false},
		{200, "not ok", "post to Slack webhook: answer is not Slack's", false},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			_, _ = fmt.Fprint(w, c.body)
		}))
		d, _ := openWith(map[string]string{"SLACK_WEBHOOK_URL": server.URL + hook})
		_, err := d.Deliver(t.Context(), notifytest.Grant(), notify.Ref{})
		server.Close()
		if fmt.Sprint(err) != c.want || notify.IsPermanent(err) != c.permanent {
			t.Errorf("%d %s: %v (permanent %v), want %q", c.status, c.body, err, notify.IsPermanent(err), c.want)
		}
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		env  map[string]string
		open bool
		want string
	}{
		{"nothing", nil, false, ""},
		{"a channel only", map[string]string{"SLACK_CHANNEL": "#a"}, false, ""},
		{"bot", map[string]string{"SLACK_BOT_TOKEN": token, "SLACK_CHANNEL": "#a"}, true, ""},
		{"webhook", map[string]string{"SLACK_WEBHOOK_URL": "https://hooks.slack.com" + hook}, true, ""},
		{
			"both",
			map[string]string{"SLACK_BOT_TOKEN": token, "SLACK_CHANNEL": "#a", "SLACK_WEBHOOK_URL": "https://hooks.slack.com" + hook},
			false,
			"SLACK_WEBHOOK_URL: is set beside SLACK_BOT_TOKEN (hint: ",
		},
		{"no channel", map[string]string{"SLACK_BOT_TOKEN": token}, false, "SLACK_CHANNEL: is not set, but SLACK_BOT_TOKEN is (hint: "},
		{"plain http", map[string]string{"SLACK_WEBHOOK_URL": "http://hooks.slack.com" + hook}, false, "SLACK_WEBHOOK_URL: must start with https://"},
		{"bad base", map[string]string{"SLACK_BOT_TOKEN": token, "SLACK_CHANNEL": "#a", "SLACK_API_URL": "slack"}, false, "SLACK_API_URL: is not an absolute URL"},
	} {
		d, s := openWith(c.env)
		if (d != nil) != c.open {
			t.Errorf("%s: destination %v, want one: %v", c.name, d, c.open)
		}
		err := fmt.Sprint(s.Err())
		if c.want == "" && s.Err() != nil || !strings.HasPrefix(err, c.want) && c.want != "" || strings.Contains(err, "hunter2") {
			t.Errorf("%s: problems %q, want %q", c.name, err, c.want)
		}
		if n := len(s.Declared()); n != 5 {
			t.Errorf("%s: %d settings declared, want all 5 whatever is set", c.name, n)
		}
	}
}

func TestTimesInTextAreNoEmoji(t *testing.T) {
	t.Parallel()
	p := slack.Render(notify.Message{Headline: "Since 09:41:02 :fire: :+1: a:b:c:", Severity: notify.Low})
	if want := "LOW · Since 09:41:02 ∶fire∶ ∶+1∶ a∶b∶c:"; p.Text != want {
		t.Errorf("text = %q, want %q", p.Text, want)
	}
}

func TestDatesAreInTheReadersZone(t *testing.T) {
	t.Parallel()
	raw, err := json.Marshal(slack.Render(notifytest.Grant()))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"type":"date","timestamp":1795340462,"format":"{date_short_pretty} at {time_secs}","fallback":"2026-11-22 09:41:02 UTC"}`
	if !strings.Contains(string(raw), want) {
		t.Errorf("no %s in %s", want, raw)
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
			p := slack.Render(m)
			raw, err := json.Marshal(p.Blocks)
			if err != nil {
				t.Fatal(err)
			}
			shown, err := read(p.Text, raw)
			if err != nil {
				t.Errorf("Slack would refuse this: %v\n%s", err, raw)
			}
			for _, live := range shown.Live {
				if u, err := url.Parse(live); err != nil || u.Scheme != "https" || u.User != nil {
					t.Errorf("brings to life %q:\n%s\n%s", live, p.Text, raw)
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
				slack.Render(s.Message)
			}
		})
	}
}

// TestWrongHooks are addresses that look right and show no alert to anybody.
func TestWrongHooks(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://hooks.slack.com/triggers/T1/2/3":                               "SLACK_WEBHOOK_URL: is the trigger of a Slack workflow",
		"https://hooks.slack.com/workflows/T1/2/3":                              "SLACK_WEBHOOK_URL: is the trigger of a Slack workflow",
		"https://a.environment.api.powerplatform.com/workflows/1":               "SLACK_WEBHOOK_URL: is an address of Teams",
		"https://hooks.slack.com/services/T1/B2/3":                              "",
		"https://hooks.slack-gov.com/services/T1/B2/3":                          "",
		"https://alerts.contoso.example/relay?to=hooks.slack.com/triggers/1/2/": "",
	} {
		s := settings.New(func(name string) (string, bool) {
			if name == "SLACK_WEBHOOK_URL" {
				return address, true
			}
			return "", false
		})
		d := slack.Open(s, nil)
		if got := s.Err(); (got != nil) != (want != "") || !strings.HasPrefix(fmt.Sprint(got), want) && want != "" || (d == nil) != (want != "") {
			t.Errorf("%s: %v, want %q", address, got, want)
		}
	}
}

// TestARefusalWithinA200SaysForHowLong honours Retry-After where Slack's status says nothing of it.
func TestARefusalWithinA200SaysForHowLong(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]time.Duration{"ratelimited": 30 * time.Second, "service_unavailable": 30 * time.Second, "invalid_auth": 0, "invalid_blocks": 0} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "30")
			_, _ = fmt.Fprint(w, refusing(code))
		}))
		d, _ := openWith(map[string]string{"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_CHANNEL": "C1", "SLACK_API_URL": server.URL + "/"})
		_, err := d.Deliver(t.Context(), notifytest.Grant(), notify.Ref{})
		server.Close()
		if got, _ := notify.Delay(err); got != want || err == nil {
			t.Errorf("%s: %v with a delay of %s, want %s", code, err, got, want)
		}
	}
}
