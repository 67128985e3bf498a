package cosmos

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Fault makes matching requests go wrong, for tests and demonstrations. Of Status, Before, After and DiskFull set
// what shall happen; Delay alone only slows down.
type Fault struct {
	// Match selects requests; nil selects all. Method and PathContains narrow further when set. Match is called by one
	// request at a time; it must not read the body or call the server.
	Match        func(*http.Request) bool
	Method       string
	PathContains string

	// Delay passes before anything else, in real time, or until the request's context ends.
	Delay time.Duration
	// Status is answered instead of doing the work, or, with After, once the work is committed. Substatus and
	// RetryAfter go with it, e.g. 429 with a delay, 449, 503, 410, or 403 with substatus 3 (write forbidden).
	Status     int
	Substatus  int
	RetryAfter time.Duration
	// Before breaks the connection without doing the work; After breaks it once the work is committed, so that the
	// client cannot tell what happened.
	Before bool
	After  bool
	// DiskFull does the work up to the commit, undoes it and answers 503 (or Status, e.g. 507), as when SQLite
	// reports SQLITE_FULL. Reads are not affected.
	DiskFull bool

	// Count is how many requests are hit before the fault disappears; 0 means until it is removed.
	Count int
}

// faults are the injected faults, oldest first; the first that matches a request is the only one that hits it.
type faults struct {
	mu   sync.Mutex
	list []*Fault
}

// Inject adds a fault and returns the function that takes it away again. A fault counts the requests it hits in the
// order in which they arrive.
func (s *Server) Inject(f Fault) (remove func()) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.list = append(s.faults.list, &f)
	return func() { s.faults.remove(&f) }
}

// ClearFaults takes all faults away.
func (s *Server) ClearFaults() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.list = nil
}

// remove is harmless when the fault has counted itself down already.
func (f *faults) remove(gone *Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, each := range f.list {
		if each == gone {
			f.list = append(f.list[:i:i], f.list[i+1:]...)
			return
		}
	}
}

// match returns the fault that hits r, or one that does nothing.
func (f *faults) match(r *http.Request) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, each := range f.list {
		if !each.selects(r) {
			continue
		}
		hit := *each
		if each.Count > 0 {
			each.Count--
		}
		if hit.Count == 1 {
			f.list = append(f.list[:i:i], f.list[i+1:]...)
		}
		return hit
	}
	return Fault{}
}

// selects reports whether the fault is meant for r; unset conditions hold for every request.
func (f *Fault) selects(r *http.Request) bool {
	return (f.Method == "" || f.Method == r.Method) &&
		strings.Contains(r.URL.Path, f.PathContains) &&
		(f.Match == nil || f.Match(r))
}

// wait lets the delay pass. A caller that gives up first never reaches the work, as with a slow network.
func (f *Fault) wait(ctx context.Context) error {
	if f.Delay <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(f.Delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// instead is what happens in place of the work, if anything does.
func (f *Fault) instead() (out reply, done bool, err error) {
	switch {
	case f.Before:
		return reply{}, true, io.EOF
	case f.Status != 0 && !f.After && !f.DiskFull:
		return f.answer(), true, nil
	}
	return reply{}, false, nil
}

// after is what the client gets once the work is done.
func (f *Fault) after(out reply) (reply, error) {
	switch {
	case f.Status != 0 && (f.After || f.DiskFull && out.status == http.StatusServiceUnavailable):
		return f.answer(), nil
	case f.After:
		return reply{}, io.EOF
	}
	return out, nil
}

// answer is the error that the fault asks for, in the form of a real one.
func (f *Fault) answer() reply {
	out := replyTo(&problem{status: f.Status, substatus: f.Substatus, message: "Injected fault."})
	out.retryAfterMS = f.RetryAfter.Milliseconds()
	return out
}
