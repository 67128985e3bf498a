// Package inbox stands in for the ends that alerts are sent to: Slack, a Teams flow, any webhook and a mail server. It checks
// what it gets as strictly as the real ends do, keeps it, and shows it on a page as a person would see it. It can also fail on
// request, which is how retries are tried out.
//
// It is for laptops and tests. It is not a mail server or chat for anyone else: everybody who reaches it may read everything,
// any token that looks like one is accepted, and nothing is ever sent on; only clicks go to the app that is connected. Package inbox imports nothing of the handler, so
// that a mistake there cannot hide here.
//
// The ends, all POST: /slack/api/<method>, /slack/webhook/<any>, /slack/response/<token>, /teams/workflow/<any>, /webhook/<any>; mail by ServeSMTP.
// For scripts: GET and DELETE /api/messages, POST /api/messages/{id}/click, GET, POST and DELETE /api/faults, GET
// /api/stats. For people: /.
//
// Three rules hold throughout:
//   - what the real end would refuse is refused, with the same words and the reason;
//   - tokens and passwords are read and dropped, never kept, shown or logged;
//   - nothing that came from outside is ever markup on the page.
package inbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// maxBody bounds a request to any HTTP end. Slack and Teams take less, and say so.
const maxBody = 1 << 20

var errClosed = errors.New("the inbox is closed")

// Options says where messages are kept and what time it is.
type Options struct {
	Dir string           // folder of the journal; empty keeps messages in memory only
	Now func() time.Time // nil: time.Now
}

// Server is the inbox, an http.Handler. The caller listens; see also ServeSMTP. It is safe for concurrent use.
type Server struct {
	handler   http.Handler
	now       func() time.Time
	store     *store
	workspace *workspace
	faults    faults
	identity  identity     // for STARTTLS
	smtpAddr  atomic.Value // string, where ServeSMTP listens, for the page to tell
	app       atomic.Pointer[App]

	done    chan struct{} // closed by Close
	closing sync.Once
}

var _ http.Handler = (*Server)(nil)

// Open starts an inbox with the messages that an earlier one left in Dir.
func Open(o Options) (*Server, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{now: o.Now, store: newStore(o.Now), workspace: newWorkspace(), done: make(chan struct{})}
	s.handler = s.routes()
	if o.Dir == "" {
		return s, nil
	}
	journal, err := openJournal(o.Dir, s.replay)
	if err != nil {
		return nil, fmt.Errorf("open inbox: %w", err)
	}
	s.store.journal = journal
	return s, nil
}

// replay takes one line of the journal. Nobody else knows the server yet, so no lock is held.
func (s *Server) replay(l line) {
	if l.Emptied {
		s.store.entries, s.store.tallies = nil, make(map[string]tally)
		return
	}
	if l.Entry == nil {
		return
	}
	e := *l.Entry
	s.workspace.recall(e)
	s.store.entries = append(s.store.entries, e)
	s.store.count(e.Destination, tally{Accepted: 1})
	if _, err := fmt.Sscanf(e.ID, "m%d", &s.store.seq); err != nil {
		s.store.seq = len(s.store.entries)
	}
}

// Close ends streams, waiting requests and SMTP sessions, and closes the journal.
func (s *Server) Close() error {
	var err error
	s.closing.Do(func() {
		close(s.done)
		s.store.mu.Lock()
		defer s.store.mu.Unlock()
		if s.store.journal != nil {
			err = s.store.journal.close()
		}
	})
	return err
}

// ServeHTTP answers the ends, the API and the page.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// routes are the ends on one side, which anybody may reach under any name, and the page with its API on the other, which
// only a browser or script on this machine should.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /slack/api/{method}", s.end(Slack, s.slackMethod))
	mux.HandleFunc("POST /slack/webhook/{rest...}", s.end(Slack, s.slackWebhook))
	mux.HandleFunc("POST /slack/response/{token}", s.end(Slack, s.slackResponse))
	mux.HandleFunc("POST /teams/workflow/{rest...}", s.end(Teams, s.teamsWorkflow))
	mux.HandleFunc("POST /webhook/{rest...}", s.end(Webhook, s.webhook))

	page := http.NewServeMux()
	s.api(page)
	s.page(page)
	mux.Handle("/", loopbackOnly(page))

	// No page of another site may post here through the browser of whoever runs this.
	return http.NewCrossOriginProtection().Handler(mux)
}

// refuse counts and remembers a refusal.
func (s *Server) refuse(destination, channel, reason string, details []string) {
	s.store.refused(refusal{Destination: destination, Channel: channel, At: s.now().UTC(), Reason: reason, Details: details})
}

// respond answers with JSON.
func respond(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(append(mustJSON(v), '\n'))
}

// mustJSON encodes our own values, which always can be.
func mustJSON(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("inbox: encode %T: %v", v, err))
	}
	return raw
}
