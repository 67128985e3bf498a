// Package notifytest is the contract of notify.Destination as a program: every destination runs the same cases against an
// HTTP server that behaves as its channel does, and as networks do.
//
// What a channel is like (its wire format, whether it can edit) comes from a Harness, which each destination's test
// writes. Not for testing what only one channel has, such as Slack's error codes.
package notifytest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/settings"
)

// Harness says what one destination is like. All fields are needed but Edits and Replies.
type Harness struct {
	Open notify.Opener
	// Settings returns the app settings with which Open sends everything to the server at base.
	Settings func(base string) map[string]string
	// Secrets are the parts of Settings that no error may show.
	Secrets []string
	// Accept reads one request as the channel does. Its error says why the channel would refuse the request or show
	// something else than was meant: wrong form, over a limit, markup that acts.
	Accept func(r *http.Request, body []byte) (Shown, error)
	// Answer writes what the channel says when it has accepted s.
	Answer func(w http.ResponseWriter, s Shown)

	// State is how much the channel's answer to a message proves.
	State notify.State

	Edits   bool // can change what it posted; otherwise news is posted anew
	Replies bool // tells news in a reply of its own beside the edit; otherwise it is part of the edit
}

// Shown is one request as a reader sees it.
type Shown struct {
	Kind Kind
	Ref  notify.Ref // which message: the new one of a Post, the older one of an Edit or a Reply
	Text string     // everything that can be read, in reading order
	// Live is everything that does something: addresses behind links, mentions, formatting that the event brought.
	Live []string
}

// Kind is what a request does.
type Kind int

// Kinds of requests.
const (
	Post Kind = iota + 1
	Edit
	Reply
)

func (k Kind) String() string { return [...]string{"nothing", "post", "edit", "reply"}[k] }

// Run runs every case against the destination of h.
func Run(t *testing.T, h Harness) {
	for _, c := range slices.Concat(deliveries, failures, contents) {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			e := open(t, h)
			c.run(t, e)
			if t.Failed() {
				t.Logf("why this matters: %s", c.why)
			}
		})
	}
}

// testCase is one obligation of notify.Destination.
type testCase struct {
	name string
	why  string
	run  func(t *testing.T, e *end)
}

// end is the far end of one case: the server, the destination that talks to it, and what arrived.
type end struct {
	Harness
	destination notify.Destination
	client      *http.Client
	server      *httptest.Server
	base        string

	mu    sync.Mutex
	fault func(w http.ResponseWriter, r *http.Request, body []byte) bool // true: it has answered
	shown []Shown
	calls int
}

func open(t *testing.T, h Harness) *end {
	t.Helper()
	e := &end{Harness: h, client: notify.NewClient(http.DefaultTransport.(*http.Transport).Clone())}
	server := httptest.NewServer(e.handler(t))
	t.Cleanup(server.Close)
	t.Cleanup(e.client.CloseIdleConnections)
	e.server, e.base = server, server.URL
	env := h.Settings(e.base)
	s := settings.New(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	e.destination = h.Open(s, e.client)
	if err := s.Err(); err != nil || e.destination == nil {
		t.Fatalf("open with %d settings: destination %v, problems: %v", len(env), e.destination, err)
	}
	return e
}

func (e *end) handler(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the client gave up; the case knows
		}
		e.mu.Lock()
		fault := e.fault
		e.calls++
		e.mu.Unlock()
		if fault != nil && fault(w, r, body) {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		shown, err := e.Accept(r, body)
		if err != nil {
			t.Errorf("the channel would refuse or misread this: %v\n%s", err, body)
		}
		if !shown.Ref.Zero() {
			shown.Ref.State = e.State
		}
		e.mu.Lock()
		e.shown = append(e.shown, shown)
		e.mu.Unlock()
		e.Answer(w, shown)
	}
}

// breakWith makes the following requests fail in the way of f; nil heals.
func (e *end) breakWith(f func(w http.ResponseWriter, r *http.Request, body []byte) bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.fault = f
}

// arrived returns what was accepted so far and forgets it.
func (e *end) arrived() []Shown {
	e.mu.Lock()
	defer e.mu.Unlock()
	shown := e.shown
	e.shown = nil
	return shown
}

func (e *end) requests() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.calls
}

// deliver delivers m and fails the test when that fails.
func (e *end) deliver(t *testing.T, m notify.Message, prev notify.Ref) notify.Ref {
	t.Helper()
	ref, err := e.destination.Deliver(t.Context(), m, prev)
	if err != nil {
		t.Fatalf("Deliver = %v, want success", err)
	}
	return ref
}

// checkSilent fails the test if err says what no error may say.
func (e *end) checkSilent(t *testing.T, err error, m notify.Message) {
	t.Helper()
	text := fmt.Sprintf("%v %+v %#v", err, err, err)
	if ref, _, found := strings.Cut(strings.TrimPrefix(e.base, "http://"), "/"); !found && strings.Contains(text, ref) {
		t.Errorf("error names the address: %s", text)
	}
	for _, secret := range e.Secrets {
		if strings.Contains(text, secret) {
			t.Errorf("error shows a secret: %s", text)
		}
	}
	for _, private := range eventTexts(m) {
		if strings.Contains(text, private) {
			t.Errorf("error quotes the event (%q): %s", private, text)
		}
	}
}

// eventTexts are m's texts that are long enough to be recognised.
func eventTexts(m notify.Message) []string {
	texts := []string{m.Headline, m.Summary, m.News}
	for _, f := range m.Facts {
		texts = append(texts, f.Value)
	}
	for _, l := range m.Links {
		texts = append(texts, l.URL)
	}
	return slices.DeleteFunc(texts, func(s string) bool { return len(s) < 6 })
}

// short bounds waiting for something that is to happen at once.
const short = 5 * time.Second
