package inbox

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// api registers what scripts and tests use.
func (s *Server) api(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/messages", s.listMessages)
	mux.HandleFunc("DELETE /api/messages", s.emptyMessages)
	mux.HandleFunc("GET /api/faults", s.listFaults)
	mux.HandleFunc("POST /api/faults", s.addFault)
	mux.HandleFunc("DELETE /api/faults", s.clearFaults)
	mux.HandleFunc("GET /api/stats", s.stats)
	mux.HandleFunc("GET /api/stream", s.stream)
	mux.HandleFunc("POST /api/messages/{id}/click", s.clickMessage)
	mux.HandleFunc("GET /api/messages/{id}/raw", s.rawMessage)
	mux.HandleFunc("GET /api/messages/{id}/html", s.mailHTML)
	mux.HandleFunc("GET /api/messages/{id}/attachments/{number}", s.mailAttachment)
}

// loopbackOnly refuses requests that reached this machine under another name: a page whose name was rebound to 127.0.0.1
// could otherwise read the messages with the reader's own browser.
func loopbackOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !loopback(r.Host) {
			http.Error(w, "the inbox answers to localhost only, not to "+r.Host, http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// loopback says whether a Host header names this machine: localhost, or any address of 127.0.0.0/8 and ::1.
func loopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// listMessages answers GET /api/messages: a JSON array, oldest first, never null.
func (s *Server) listMessages(w http.ResponseWriter, _ *http.Request) {
	respond(w, http.StatusOK, s.Messages())
}

// emptyMessages answers DELETE /api/messages. Ids go on counting, so that a script never takes a new message for an
// old one.
func (s *Server) emptyMessages(w http.ResponseWriter, _ *http.Request) {
	if err := s.store.empty(); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// listFaults answers GET /api/faults with what is still to come; a fault that is used up is gone.
func (s *Server) listFaults(w http.ResponseWriter, _ *http.Request) {
	respond(w, http.StatusOK, s.faults.all())
}

// clearFaults answers DELETE /api/faults. Requests that a timeout is holding stay held.
func (s *Server) clearFaults(w http.ResponseWriter, _ *http.Request) {
	s.faults.clear()
	s.store.poke()
	w.WriteHeader(http.StatusNoContent)
}

// addFault answers POST /api/faults. A name that is misspelt is an error: a fault that silently did less than asked would
// make a test pass for the wrong reason.
func (s *Server) addFault(w http.ResponseWriter, r *http.Request) {
	var f Fault
	body := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	body.DisallowUnknownFields()
	if err := body.Decode(&f); err != nil {
		http.Error(w, fmt.Sprintf("a fault looks like {\"destination\":\"slack\",\"status\":429,\"count\":1}: %v", err), http.StatusBadRequest)
		return
	}
	if err := s.Fail(f); err != nil {
		http.Error(w, "the fault cannot be set: "+err.Error(), http.StatusBadRequest)
		return
	}
	respond(w, http.StatusCreated, s.faults.all())
}

// status is what the page shows beside the messages, and what GET /api/stats answers.
type status struct {
	Destinations map[string]tally `json:"destinations"`
	Refused      []refusal        `json:"refused"` // the latest few
	Faults       []Fault          `json:"faults"`  // still to come
	Messages     int              `json:"messages"`
	SMTP         string           `json:"smtp,omitempty"` // where mail is taken, if it is
}

// status takes stock. All four destinations are always in it, also those that got nothing.
func (s *Server) status() status {
	st := status{Destinations: make(map[string]tally), Refused: []refusal{}, Faults: s.faults.all()}
	for _, destination := range []string{Slack, Teams, Email, Webhook} {
		st.Destinations[destination] = tally{}
	}
	st.SMTP, _ = s.smtpAddr.Load().(string)
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	for destination, t := range s.store.tallies {
		st.Destinations[destination] = t
	}
	st.Refused = append(st.Refused, s.store.refusals...)
	st.Messages = len(s.store.entries)
	return st
}

// stats answers GET /api/stats.
func (s *Server) stats(w http.ResponseWriter, _ *http.Request) {
	respond(w, http.StatusOK, s.status())
}

// rawMessage shows one message as it came: JSON indented, a mail as text. Never as HTML, whatever is in it.
func (s *Server) rawMessage(w http.ResponseWriter, r *http.Request) {
	e, ok := s.store.find(r.PathValue("id"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	sandbox(w)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	var mail string
	if e.Destination == Email && json.Unmarshal(e.Body, &mail) == nil {
		_, _ = w.Write([]byte(mail))
		return
	}
	indented, err := json.MarshalIndent(e.Body, "", "  ")
	if err != nil {
		indented = e.Body
	}
	_, _ = w.Write(indented)
}

// sandbox makes the browser treat what follows as somebody else's page without any rights.
func sandbox(w http.ResponseWriter) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Content-Security-Policy",
		"sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; frame-ancestors 'self'")
}
