package inbox

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"unicode/utf8"
)

// Failure is how a request fails: an HTTP status, or one of the two ways in which no answer comes.
type Failure struct {
	Status int    // 400 to 599, or 0
	Mode   string // "timeout", "reset", or empty
}

// The two failures without an answer.
const (
	Timeout = "timeout" // reads the request, then stays silent until the client gives up
	Reset   = "reset"   // reads the request, then breaks the connection
)

// MarshalJSON writes 429, "timeout" or "reset".
func (f Failure) MarshalJSON() ([]byte, error) {
	if f.Mode != "" {
		return json.Marshal(f.Mode)
	}
	return json.Marshal(f.Status)
}

// UnmarshalJSON takes nothing but 429, "timeout" or "reset".
func (f *Failure) UnmarshalJSON(raw []byte) error {
	var mode string
	if json.Unmarshal(raw, &mode) == nil && (mode == Timeout || mode == Reset) {
		*f = Failure{Mode: mode}
		return nil
	}
	var status int
	if json.Unmarshal(raw, &status) == nil && status >= 400 && status <= 599 {
		*f = Failure{Status: status}
		return nil
	}
	return fmt.Errorf(`"status" must be a number from 400 to 599, "timeout" or "reset", not %s`, raw)
}

// Fault makes the next requests to a destination fail.
type Fault struct {
	Destination string  `json:"destination"`
	Status      Failure `json:"status"`
	RetryAfter  int     `json:"retry_after,omitempty"` // seconds, sent as a header when it is not 0
	Count       int     `json:"count"`                 // how many requests are still to fail
	Every       int     `json:"every,omitempty"`       // fail every n-th request only; 0 and 1: each
	After       bool    `json:"after,omitempty"`       // keep the message first, then fail: the sender cannot know
}

// check completes a fault as it came from outside and says what is wrong with it.
func (f *Fault) check() error {
	if f.Count == 0 {
		f.Count = 1
	}
	switch {
	case !slices.Contains([]string{Slack, Teams, Email, Webhook}, f.Destination):
		return fmt.Errorf(`"destination" must be slack, teams, email or webhook, not %q`, f.Destination)
	case f.Status == (Failure{}):
		return fmt.Errorf(`"status" is missing: a number from 400 to 599, "timeout" or "reset"`)
	case f.Count < 0 || f.Every < 0 || f.RetryAfter < 0:
		return fmt.Errorf(`"count", "every" and "retry_after" must not be negative`)
	}
	return nil
}

// faults are taken in the order in which they were set; one at a time is at work for each destination.
type faults struct {
	mu   sync.Mutex
	list []*armed
}

// armed is a fault with its count of the requests that it has seen.
type armed struct {
	Fault
	seen int
}

// add puts a fault behind those that are there.
func (f *faults) add(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, &armed{Fault: fault})
}

// clear takes all faults away.
func (f *faults) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = nil
}

// all lists what is still to come, in order.
func (f *faults) all() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := make([]Fault, len(f.list))
	for i, a := range f.list {
		list[i] = a.Fault
	}
	return list
}

// take counts one request and returns the fault that befalls it.
func (f *faults) take(destination string) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.list, func(a *armed) bool { return a.Destination == destination })
	if i < 0 {
		return Fault{}, false
	}
	a := f.list[i]
	if a.seen++; a.seen%max(1, a.Every) != 0 {
		return Fault{}, false
	}
	if a.Count--; a.Count == 0 {
		f.list = slices.Delete(f.list, i, i+1)
	}
	return a.Fault, true
}

// Fail sets a fault, as POST /api/faults does.
func (s *Server) Fail(f Fault) error {
	if err := f.check(); err != nil {
		return err
	}
	s.faults.add(f)
	s.store.poke()
	return nil
}

// end wraps what answers for a destination: it reads the body, then either lets a fault happen or answers.
func (s *Server) end(destination string, answer func(http.ResponseWriter, *http.Request, []byte)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			s.refuse(destination, r.PathValue("rest"), fmt.Sprintf("request body: %v", err), nil)
			http.Error(w, fmt.Sprintf("read body: %v", err), http.StatusRequestEntityTooLarge)
			return
		}
		if !utf8.Valid(body) {
			s.refuse(destination, r.PathValue("rest"), "not UTF-8", nil)
			http.Error(w, "the body is not UTF-8", http.StatusBadRequest)
			return
		}
		fault, befalls := s.faults.take(destination)
		if !befalls {
			answer(w, r, body)
			return
		}
		if fault.After {
			answer(silent{header: make(http.Header)}, r, body)
		}
		s.store.failed(destination)
		s.fail(w, r, fault)
	}
}

// silent takes the answer that the sender never gets to see.
type silent struct{ header http.Header }

func (s silent) Header() http.Header         { return s.header }
func (s silent) Write(p []byte) (int, error) { return len(p), nil }
func (s silent) WriteHeader(int)             {}

// fail lets a fault happen to a request whose body has been read: a sender must not learn earlier than from a real end that
// something is wrong.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, fault Fault) {
	switch fault.Status.Mode {
	case Timeout:
		select {
		case <-r.Context().Done():
		case <-s.done:
		}
		panic(http.ErrAbortHandler) // ends the connection without an answer
	case Reset:
		reset(w)
		panic(http.ErrAbortHandler)
	}
	if fault.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(fault.RetryAfter))
	}
	failText(w, fault)
}

// failText answers as the real end words it. A 5xx from Slack carries HTML (slack-go v0.35.0 misc.go, checkStatusCode).
func failText(w http.ResponseWriter, fault Fault) {
	status := fault.Status.Status
	switch {
	case fault.Destination == Slack && status == http.StatusTooManyRequests:
		respond(w, status, map[string]any{"ok": false, "error": "ratelimited"})
	case fault.Destination == Slack:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "<html><body><h1>%d %s</h1></body></html>\n", status, http.StatusText(status))
	default:
		respond(w, status, map[string]any{"error": map[string]string{"code": strconv.Itoa(status), "message": "a fault was set for this destination"}})
	}
}

// reset sends RST instead of FIN: with no time to linger the kernel drops what is unsent and says so.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return // not a TCP connection: aborting the handler is all there is
	}
	breakOff(conn)
}

// breakOff closes a connection so that the other side gets an error, not an end.
func breakOff(conn net.Conn) {
	if wrapped, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = wrapped.NetConn() // below TLS
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
