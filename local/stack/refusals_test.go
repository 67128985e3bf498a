//go:build measured

package stack_test

// The table of docs/reliability.md: make reliability. It takes minutes, so it is not among the other tests; of these,
// TestEveryRefusalIsOvercome has the statuses.

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/local/inbox"
)

// answer is what an end does with a request; channel is the end as it is when it is well.
type answer func(w http.ResponseWriter, r *http.Request, channel http.Handler)

// refusing takes nothing and answers a status.
func refusing(status int, body string) answer {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// keeping takes the message and answers 200 with a body.
func keeping(body string) answer {
	return func(w http.ResponseWriter, r *http.Request, channel http.Handler) {
		channel.ServeHTTP(httptest.NewRecorder(), r)
		w.WriteHeader(http.StatusOK)
		_, _ = io.WriteString(w, body)
	}
}

func resetting(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = conn.Close()
	}
}

func silent(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
	<-r.Context().Done()
	panic(http.ErrAbortHandler)
}

// late takes the message and answers after the caller has given up.
func late(w http.ResponseWriter, r *http.Request, channel http.Handler) {
	<-time.After(20 * time.Second)
	channel.ServeHTTP(w, r)
}

// trouble is a row of the table: what an end does, and for how long.
type trouble struct {
	name    string
	answers []answer
	lasts   time.Duration // 0: a quarter of an hour
	once    bool          // it befalls one request only
}

// statuses are all of 4xx and 5xx that have a name.
func statuses() (all []answer) {
	for status := 400; status <= 511; status++ {
		if http.StatusText(status) != "" {
			all = append(all, refusing(status, "<h1>"+http.StatusText(status)+"</h1>"))
		}
	}
	return all
}

// bodies makes an answer of each body.
func bodies(of func(string) answer, all ...string) (answers []answer) {
	for _, body := range all {
		answers = append(answers, of(body))
	}
	return answers
}

// odd are the bodies of a 200 that proxies and flows were seen to answer.
var odd = []string{
	"", "ok\n", "1", `{"ok":true}`, `{"id":"176429000"}`, "at 04:29", "<p>posted</p>", "<!DOCTYPE html><html><body>Sign in</body></html>", `{"status":"429"}`, "null",
}

// troubles are the rows of a channel. refusals are the bodies of 200 by which its service documents that it took nothing.
func troubles(refusals ...string) []trouble {
	all := []trouble{
		{name: "each status of 4xx and 5xx, once", answers: statuses(), once: true},
		{name: "each status of 4xx and 5xx", answers: statuses()},
		{name: "breaks the connection", answers: []answer{resetting}, once: true},
		{name: "does not answer", answers: []answer{silent}, once: true},
		{name: "keeps the message and answers late", answers: []answer{late}, once: true},
		{name: "keeps the message and answers late, for a quarter of an hour", answers: []answer{late}},
		{name: "keeps the message and answers 200 with an odd body", answers: bodies(keeping, odd...)},
		{name: "takes nothing for a week: 503", answers: []answer{refusing(503, "")}, lasts: 7 * 24 * time.Hour},
	}
	if len(refusals) > 0 {
		took := func(body string) answer { return refusing(http.StatusOK, body) }
		all = append(all, trouble{name: "each documented refusal within a 200", answers: bodies(took, refusals...)})
	}
	return all
}

// slackRefusals are codes of chat.postMessage (docs.slack.dev): of the token, of the channel, of the message, of the pace, of Slack.
var slackRefusals = []string{
	`{"ok":false,"error":"token_expired"}`, `{"ok":false,"error":"invalid_auth"}`, `{"ok":false,"error":"channel_not_found"}`, `{"ok":false,"error":"is_archived"}`,
	`{"ok":false,"error":"invalid_blocks"}`, `{"ok":false,"error":"msg_too_long"}`, `{"ok":false,"error":"ratelimited"}`, `{"ok":false,"error":"internal_error"}`,
	`{"ok":false,"error":"a_code_of_tomorrow"}`,
}

// channels are the destinations of the table, each beside one that is well.
var channels = []struct {
	name, destination, path string
	app                     slackApp
	env                     map[string]string
	troubles                []trouble
}{
	{"Slack, bot", inbox.Slack, "/slack/", writer, nil, troubles(slackRefusals...)},
	{"Slack, bot that may search", inbox.Slack, "/slack/", reader, nil, troubles(slackRefusals...)},
	{"Slack, incoming webhook", inbox.Slack, "/slack/", slackApp{}, map[string]string{"SLACK_BOT_TOKEN": "", "SLACK_WEBHOOK_URL": fleetEnds + "/slack/webhook/T/B/x"}, troubles()},
	{"Teams workflow", inbox.Teams, "/teams/", writer, nil, troubles("Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId tcid=0",
		"Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 500 with ContextId tcid=0")},
	{"your own webhook", inbox.Webhook, "/webhook/", writer, map[string]string{"TEAMS_WORKFLOW_URL": "", "WEBHOOK_URL": fleetEnds + "/webhook/x", "WEBHOOK_SECRET": "0123456789abcdef0123"}, troubles()},
}

// result is what became of the alerts of a row, by what the ends keep.
type result struct{ sent, once, twice, more, named, lost int }

func (r result) row(channel, name string) string {
	return fmt.Sprintf("| %s | %s | %d | %d | %d | %d | %d |\n", channel, name, r.sent, r.once, r.twice, r.named, r.lost+r.more)
}

// ailing is an end that answers as it is set to.
type ailing struct {
	channel http.Handler
	path    string
	answer  atomic.Pointer[answer]
	once    atomic.Bool
}

func (e *ailing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body) // else the caller is still writing
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer := e.answer.Load()
	if answer == nil || !strings.HasPrefix(r.URL.Path, e.path) {
		e.channel.ServeHTTP(w, r)
		return
	}
	if e.once.Load() {
		e.answer.CompareAndSwap(answer, nil)
	}
	(*answer)(w, r, e.channel)
}

// befall has an end answer so for a while, in which an alert is raised, lets it be well again, and counts what it keeps.
func (f *fleet) befall(t *testing.T, e *ailing, destination string, n int, what trouble, how answer, into *result) {
	t.Helper()
	e.once.Store(what.once)
	e.answer.Store(&how)
	if _, err := f.instances[0].Handle(t.Context(), f.batch(record(n, 0, activity.Succeeded))); err != nil {
		t.Fatal(err)
	}
	apart := 5 * time.Minute
	if what.lasts > time.Hour {
		apart = time.Hour
	}
	f.tick(t, apart, int(cmp.Or(what.lasts, 15*time.Minute)/apart))
	e.answer.Store(nil)
	f.tick(t, 16*time.Minute, 3)
	name, kept, named := fmt.Sprintf("rg-%03d-", n), 0, false
	for _, m := range f.inbox.Messages() {
		switch {
		case m.Kind != inbox.Post || !strings.Contains(m.Text, name):
		case unconfirmed.MatchString(m.Text) && m.Destination != destination:
			named = true
		case m.Destination == destination && !unconfirmed.MatchString(m.Text):
			kept++
		}
	}
	switch into.sent++; {
	case kept == 1:
		into.once++
	case kept == 2:
		into.twice++
	case kept > 2:
		into.more++
	case named:
		into.named++
	default:
		into.lost++
	}
}

// tick runs the timer so many times.
func (f *fleet) tick(t *testing.T, apart time.Duration, times int) {
	t.Helper()
	for range times {
		<-time.After(apart)
		_, _ = f.instances[0].DeliverDue(t.Context(), f.batch()) // what fails is tried again by the next tick
	}
}

// TestEveryTroubleIsOvercome lets each channel answer in every way, and holds the table of docs/reliability.md to what the ends keep.
func TestEveryTroubleIsOvercome(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range channels {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := &ailing{path: c.path}
				f := newFleet(t, fleetOptions{app: c.app, instances: 1, env: c.env, before: func(h http.Handler) http.Handler { e.channel = h; return e }})
				table, n := "", 0
				for _, what := range c.troubles {
					var got result
					for _, how := range what.answers {
						f.befall(t, e, c.destination, n, what, how, &got)
						n++
					}
					table += got.row(c.name, what.name)
					t.Log(got.row(c.name, what.name))
				}
				if !strings.Contains(string(text), table) {
					t.Errorf("docs/reliability.md does not have\n%s", table)
				}
			})
		})
	}
}
