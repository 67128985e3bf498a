package inbox

import (
	"bufio"
	"context"
	"encoding/json"
	"io/fs"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"
)

// reader reads a stream as a browser does: name and data of one event after the other.
type reader struct{ lines *bufio.Scanner }

func follow(t *testing.T, url string) (*reader, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "GET", url+"/api/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); resp.Body.Close() })
	if got := resp.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("content type: got %q", got)
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	return &reader{lines: lines}, cancel
}

// next returns the next event with one of the names; the stream's end is an empty name.
func (r *reader) next(names ...string) (name, data string) {
	for r.lines.Scan() {
		if n, is := strings.CutPrefix(r.lines.Text(), "event: "); is {
			name = n
		}
		if d, is := strings.CutPrefix(r.lines.Text(), "data: "); is && strings.Contains(strings.Join(names, " "), name) {
			return name, d
		}
	}
	return "", ""
}

func TestStream(t *testing.T) {
	t.Parallel()
	s, url := serve(t, Options{})
	call(t, "POST "+url+"/webhook/a", `{"n":1}`)
	stream, _ := follow(t, url)
	read := func(want ...string) view {
		t.Helper()
		name, data := stream.next("start", "message")
		if name != want[0] || len(want) > 1 && !strings.Contains(data, want[1]) {
			t.Fatalf("got event %q %s, want %v", name, data, want)
		}
		var v view
		if err := json.Unmarshal([]byte(data), &v); name == "message" && err != nil {
			t.Fatal(err)
		}
		return v
	}
	read("start", `"window":400`)
	read("message", `"n":1`)

	client := slackClient(url)
	channel, ts, err := client.PostMessage("C1", slack.MsgOptionText("one", false), slack.MsgOptionAttachments(slack.Attachment{Text: "kept"}))
	if err != nil {
		t.Fatal(err)
	}
	if v := read("message", `"text":"one\nkept"`); v.TS != ts || v.ChannelID != channel {
		t.Errorf("got ts %s in %s, want %s in %s", v.TS, v.ChannelID, ts, channel)
	}
	if _, _, _, err := client.UpdateMessage(channel, ts, slack.MsgOptionText("two", false)); err != nil {
		t.Fatal(err)
	}
	if v := read("message", `"kind":"update"`); !strings.Contains(string(v.Shown), "kept") || strings.Contains(string(v.Body), "kept") {
		t.Errorf("shown %s, body %s: want what stands now beside what was sent", v.Shown, v.Body)
	}
	call(t, "DELETE "+url+"/api/messages", "")
	read("start", `"life"`)
	call(t, "POST "+url+"/webhook/a", `{"n":2}`)
	read("message", `"n":2`)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if name, data := stream.next("message"); name != "" {
		t.Errorf("got %s %s after Close, want the end of the stream", name, data)
	}
}

func TestStreamTellsOfFaults(t *testing.T) {
	t.Parallel()
	s, url := serve(t, Options{})
	stream, _ := follow(t, url)
	stream.next("status")
	if err := s.Fail(Fault{Destination: Slack, Status: Failure{Mode: Timeout}, Count: 3}); err != nil {
		t.Fatal(err)
	}
	if _, data := stream.next("status"); !strings.Contains(data, `"faults":[{"destination":"slack","status":"timeout","count":3}]`) {
		t.Errorf("got %s, want the fault in it", data)
	}
}

// TestPageCarriesMessages looks for what the page shows before the stream speaks, and tries to break out of it.
func TestPageCarriesMessages(t *testing.T) {
	t.Parallel()
	_, url := serve(t, Options{})
	evil := `</script><script>alert(1)</script><!--`
	raw, err := json.Marshal(map[string]string{"text": strings.ReplaceAll(evil, "<", "&lt;")})
	if err != nil {
		t.Fatal(err)
	}
	call(t, "POST "+url+"/slack/webhook/"+"%3C%2Fscript%3E", string(raw))
	call(t, "POST "+url+"/webhook/x", `{"</script><b>": "</script>"}`)
	page := call(t, "GET "+url+"/", "")
	found := regexp.MustCompile(`(?s)<script type="application/json" id="opening">(.*?)</script>`).FindStringSubmatch(page.body)
	if found == nil {
		t.Fatalf("no data in the page:\n%s", page.body)
	}
	var got struct {
		Messages []struct{ Text string }
		Status   struct{ Messages int }
	}
	if err := json.Unmarshal([]byte(found[1]), &got); err != nil {
		t.Fatalf("data in the page: %v\n%s", err, found[1])
	}
	if diff := cmp.Diff([]struct{ Text string }{{evil}, {"</script><b>: </script>"}}, got.Messages); diff != "" || got.Status.Messages != 2 {
		t.Errorf("messages in the page, %d in all (-want +got):\n%s", got.Status.Messages, diff)
	}
	if strings.Count(page.body, "<script") != 2 {
		t.Errorf("got %d script elements, want the data and the program:\n%s", strings.Count(page.body, "<script"), page.body)
	}
}

func TestPagePolicy(t *testing.T) {
	t.Parallel()
	_, url := serve(t, Options{})
	for _, path := range []string{"/", "/app.js", "/style.css", "/bell.svg"} {
		got := call(t, "GET "+url+path, "")
		if got.status != 200 || got.header.Get("Content-Security-Policy") != policy || got.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: got %d with policy %q", path, got.status, got.header.Get("Content-Security-Policy"))
		}
	}
	for _, directive := range []string{"default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, directive) {
			t.Errorf("the policy lacks %s", directive)
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") {
		t.Errorf("the policy allows too much: %s", policy)
	}
}

// TestPageFiles keeps the page's promises: it asks nobody else for anything and never makes markup out of text.
func TestPageFiles(t *testing.T) {
	t.Parallel()
	elsewhere := regexp.MustCompile(`(src|href)="(https?:)?//|@import|url\(|fetch\("?https?:|import .* from "https?:`)
	markup := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|\beval\(|new Function|srcdoc`)
	err := fs.WalkDir(pageFiles, "page", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(pageFiles, path)
		if err != nil {
			return err
		}
		if found := elsewhere.FindString(string(raw)); found != "" {
			t.Errorf("%s loads something from elsewhere: %s", path, found)
		}
		if found := markup.FindString(string(raw)); found != "" {
			t.Errorf("%s turns text into markup or code: %s", path, found)
		}
		if lines := strings.Count(string(raw), "\n"); lines > 500 {
			t.Errorf("%s has %d lines, want at most 500", path, lines)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
