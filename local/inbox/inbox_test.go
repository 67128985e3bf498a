package inbox

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"
)

// noon is what the clock of most tests says.
func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

// serve opens an inbox behind a real listener.
func serve(t *testing.T, o Options) (*Server, string) {
	t.Helper()
	if o.Now == nil {
		o.Now = noon
	}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s)
	t.Cleanup(func() {
		if err := s.Close(); err != nil { // first: it ends streams and waiting requests
			t.Errorf("close inbox: %v", err)
		}
		web.Close()
	})
	return s, web.URL
}

type answer struct {
	status int
	header http.Header
	body   string
}

// call sends a request given as in "GET http://…", with headers as name and value in turn.
func call(t *testing.T, request, body string, headers ...string) answer {
	t.Helper()
	method, url, _ := strings.Cut(request, " ")
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{status: resp.StatusCode, header: resp.Header, body: string(raw)}
}

// TestAPIContract pins the JSON that others read, name by name.
func TestAPIContract(t *testing.T) {
	t.Parallel()
	_, url := serve(t, Options{})
	if got := call(t, "GET "+url+"/api/messages", ""); got.body != "[]\n" {
		t.Errorf("empty inbox: got %q, want an empty array, not null", got.body)
	}
	client := slack.New("xoxb-1", slack.OptionAPIURL(url+"/slack/api/"))
	channel, ts, err := client.PostMessageContext(t.Context(), "#security", slack.MsgOptionText("one", false))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := client.UpdateMessageContext(t.Context(), channel, ts, slack.MsgOptionText("two", false)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := client.PostMessageContext(t.Context(), channel, slack.MsgOptionText("three", false), slack.MsgOptionTS(ts)); err != nil {
		t.Fatal(err)
	}
	call(t, "POST "+url+"/teams/workflow/team/general?sig=s3cret", envelope(card(`{"type":"TextBlock","text":"four"}`)))
	call(t, "POST "+url+"/webhook/siem", `{"n": 5}`)

	var got []map[string]any
	if err := json.Unmarshal([]byte(call(t, "GET "+url+"/api/messages", "").body), &got); err != nil {
		t.Fatal(err)
	}
	for _, m := range got {
		if _, ok := m["body"].(map[string]any); !ok {
			t.Errorf("message %v: body is %T, want the parsed JSON", m["id"], m["body"])
		}
		delete(m, "body")
	}
	at := "2026-11-22T12:00:00Z"
	want := []map[string]any{
		{"id": "m000001", "destination": "slack", "channel": "#security", "kind": "post", "ref": ts, "at": at, "text": "one"},
		{"id": "m000002", "destination": "slack", "channel": "#security", "kind": "update", "ref": ts, "at": at, "text": "two"},
		{"id": "m000003", "destination": "slack", "channel": "#security", "kind": "thread", "ref": ts, "at": at, "text": "three"},
		{"id": "m000004", "destination": "teams", "channel": "team/general", "kind": "post", "ref": "m000004", "at": at, "text": "four"},
		{"id": "m000005", "destination": "webhook", "channel": "siem", "kind": "post", "ref": "m000005", "at": at, "text": "n: 5"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	if got := call(t, "DELETE "+url+"/api/messages", ""); got.status != http.StatusNoContent {
		t.Errorf("DELETE: got %d, want 204", got.status)
	}
	if got := call(t, "GET "+url+"/api/messages", ""); got.body != "[]\n" {
		t.Errorf("after DELETE: got %q, want []", got.body)
	}
}

func TestStats(t *testing.T) {
	t.Parallel()
	s, url := serve(t, Options{})
	call(t, "POST "+url+"/webhook/a", `{}`)
	call(t, "POST "+url+"/webhook/a", `{`)
	if err := s.Fail(Fault{Destination: Webhook, Status: Failure{Status: 503}, Count: 2}); err != nil {
		t.Fatal(err)
	}
	call(t, "POST "+url+"/webhook/a", `{}`)
	var got status
	if err := json.Unmarshal([]byte(call(t, "GET "+url+"/api/stats", "").body), &got); err != nil {
		t.Fatal(err)
	}
	want := status{
		Destinations: map[string]tally{Slack: {}, Teams: {}, Email: {}, Webhook: {Accepted: 1, Rejected: 1, Failed: 1}},
		Refused:      []refusal{{Destination: Webhook, Channel: "a", At: noon(), Reason: "not JSON"}},
		Faults:       []Fault{{Destination: Webhook, Status: Failure{Status: 503}, Count: 1}},
		Messages:     1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stats (-want +got):\n%s", diff)
	}
}

func TestWhoMayAsk(t *testing.T) {
	t.Parallel()
	_, url := serve(t, Options{})
	cases := []struct {
		name, why, method, path, body string
		headers                       []string
		want                          int
	}{
		{"page", "", "GET", "/", "", nil, 200},
		{"page by name", "", "GET", "/", "", []string{"Host", "localhost:7072"}, 200},
		{"page by IPv6", "", "GET", "/", "", []string{"Host", "[::1]:7072"}, 200},
		{"page by another name", "a name that an attacker rebound to 127.0.0.1", "GET", "/", "", []string{"Host", "evil.example"}, 403},
		{"API by another name", "", "GET", "/api/messages", "", []string{"Host", "evil.example:7072"}, 403},
		{"name that only starts like ours", "", "GET", "/api/messages", "", []string{"Host", "localhost.evil.example"}, 403},
		{"end by another name", "a container reaches the ends under the host's name", "POST", "/webhook/x", "{}", []string{"Host", "host.docker.internal"}, 200},
		{"fault from another site", "a page elsewhere posts through the reader's browser", "POST", "/api/faults", `{"destination":"slack","status":500}`, []string{"Origin", "https://evil.example"}, 403},
		{"unknown path", "", "GET", "/api/nothing", "", nil, 404},
		{"too much", "1 MB is the limit", "POST", "/webhook/x", `"` + strings.Repeat("x", maxBody) + `"`, nil, 413},
		{"not UTF-8", "", "POST", "/webhook/x", "\"\xff\"", nil, 400},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := call(t, c.method+" "+url+c.path, c.body, c.headers...); got.status != c.want {
				t.Errorf("%s\ngot %d %s, want %d", c.why, got.status, got.body, c.want)
			}
		})
	}
}

func TestRestartKeepsEverything(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := Open(Options{Dir: dir, Now: noon})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(first)
	client := slack.New("xoxb-1", slack.OptionAPIURL(web.URL+"/slack/api/"))
	channel, ts, err := client.PostMessage("#security", slack.MsgOptionText("one", false))
	if err != nil {
		t.Fatal(err)
	}
	bar := slack.MsgOptionAttachments(slack.Attachment{Text: "bar"})
	if _, _, _, err := client.UpdateMessage(channel, ts, bar); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := client.UpdateMessage(channel, ts, slack.MsgOptionBlocks(headline("head"))); err != nil {
		t.Fatal(err)
	}
	call(t, "DELETE "+web.URL+"/api/messages", "")
	call(t, "POST "+web.URL+"/webhook/a", `{"n":1}`)
	before := first.Messages()
	web.Close()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	// A kill in the middle of a write leaves half a line.
	path := filepath.Join(dir, "messages.jsonl")
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(file, `{"entry":{"id":"m9`+strings.Repeat("9", 5000))
	file.Close()

	second, url := serve(t, Options{Dir: dir})
	if diff := cmp.Diff(before, second.Messages()); diff != "" {
		t.Errorf("messages after the restart (-before +after):\n%s", diff)
	}
	client = slack.New("xoxb-1", slack.OptionAPIURL(url+"/slack/api/"))
	if _, _, _, err := client.UpdateMessage(channel, ts, slack.MsgOptionText("two", false)); err != nil {
		t.Errorf("edit of a message from before the restart and before DELETE: %v", err)
	}
	if got := second.Messages()[1].Text; got != "two\nbar" {
		t.Errorf("the edited message reads %q, want the attachment of an edit before the restart kept", got)
	}
	_, next, err := client.PostMessage("#security", slack.MsgOptionText("three", false))
	if err != nil || next <= ts {
		t.Errorf("ts after the restart: got %s, %v, want more than %s", next, err, ts)
	}
	list := second.Messages()
	if got := list[len(list)-1].ID; got != "m000006" {
		t.Errorf("id after the restart: got %s, want m000006, as ids are never used again", got)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), `"m9`) || strings.Contains(string(raw), "9999") || strings.Contains(string(raw), "xoxb-") {
		t.Errorf("the journal holds half a line or a token:\n%s", raw)
	}
}

func TestJournalThatCannotBeRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "messages.jsonl"), []byte("nonsense\n{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("got %v, want an error that names line 1: going on would lose what follows", err)
	}
}

func TestAwait(t *testing.T) {
	t.Parallel()
	s, url := serve(t, Options{})
	var posting sync.WaitGroup
	for i := range 3 {
		posting.Go(func() { call(t, "POST "+url+"/webhook/a", fmt.Sprint(i)) })
	}
	got, err := s.Await(t.Context(), func(m []Message) bool { return len(m) == 3 })
	if err != nil || len(got) != 3 {
		t.Errorf("got %d messages, %v, want 3", len(got), err)
	}
	posting.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Await(ctx, func([]Message) bool { return false }); err == nil {
		t.Error("got no error from a context that has ended")
	}
}
