package host

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/auditbell/auditbell/handler/turns"
)

const (
	// defaultDeadline leaves Event Grid's 30 s window 5 s for the way there and back.
	defaultDeadline = 25 * time.Second
	defaultMaxBody  = 16 << 20
	// usualBody holds one Event Grid event and its repetition under Metadata (5.6 KB) without growing.
	usualBody = 8 << 10
	// stopGrace bounds how long Serve waits for running invocations, and once more after it has cancelled them.
	stopGrace = 5 * time.Second
	// invocationHeader carries the host's invocation id (DefaultHttpWorkerService.cs, AddHeaders).
	invocationHeader = "X-Azure-Functions-InvocationId"
)

// Options shape a Server. The zero value is usable.
type Options struct {
	Logger *slog.Logger // where failures and panics go; nil: slog.Default()
	// Deadline bounds an invocation; 0: 25 s. It must stay well below host.json's functionTimeout, at which the host
	// kills the whole process with everything else that runs in it (WebScriptHostExceptionHandler.cs).
	Deadline time.Duration
	// Deadlines override Deadline by function, for timers that have longer work to do.
	Deadlines map[string]time.Duration
	MaxBody   int64 // bytes an invocation may have; 0: 16 MB
	// Limits override MaxBody by function, and bound how many of its invocations are read and run at once: what all of them
	// may hold together bounds the memory of the process.
	Limits map[string]Limit
	// Unreadable gets what came to a known function but is not an invocation, so that it can be kept before it is
	// acknowledged; nil error: it is, with an empty Result. Without Unreadable such a body is answered 400.
	Unreadable func(ctx context.Context, in Invocation, body []byte, reason error) error
	// Begin is called as an invocation begins, and what it returns as it ends, with the reason of a failure; nil: nothing is.
	Begin func(ctx context.Context, header http.Header, in Invocation) (context.Context, func(error))
}

// Server answers the Functions host. All answers are application/json holding an object: Go's content sniffing would
// call JSON text/plain, which the host counts as a failed invocation.
type Server struct {
	routes  map[string]Func
	options Options
	gates   map[string]turns.Slots // of functions whose Limit bounds how many run at once
	running running
	base    context.Context // parent of every invocation's context
	cancel  context.CancelFunc
}

// New returns a server for the functions in routes, named exactly as their folders: the host calls POST /<folder>.
func New(routes map[string]Func, options Options) *Server {
	if options.Logger == nil {
		options.Logger = slog.Default()
	}
	if options.Deadline == 0 {
		options.Deadline = defaultDeadline
	}
	if options.MaxBody == 0 {
		options.MaxBody = defaultMaxBody
	}
	if options.Begin == nil {
		options.Begin = func(ctx context.Context, _ http.Header, _ Invocation) (context.Context, func(error)) {
			return ctx, func(error) {}
		}
	}
	base, cancel := context.WithCancel(context.Background())
	gates := map[string]turns.Slots{}
	for name, limit := range options.Limits {
		if limit.AtOnce > 0 {
			gates[name] = turns.NewSlots(limit.AtOnce)
		}
	}
	return &Server{routes: routes, options: options, gates: gates, base: base, cancel: cancel}
}

// Serve answers on l until ctx ends, then lets running invocations finish within a bound. It returns nil after an
// orderly stop. In Azure the process is killed instead, so nothing may depend on this.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	// No IdleTimeout: the host pools its connections, and one closed just as it POSTs is a failed invocation.
	server := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(s.options.Logger.Handler(), slog.LevelWarn),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	select {
	case err := <-served:
		s.cancel()
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	grace, stop := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer stop()
	err := server.Shutdown(grace)
	if err != nil {
		err = errors.Join(fmt.Errorf("wait for running invocations: %w", err), server.Close())
	}
	<-served //nolint:errcheck // it ends with http.ErrServerClosed, which says nothing
	s.cancel()
	return errors.Join(err, s.running.wait(stopGrace))
}

// Handler returns the server's HTTP side, for tests and for serving by other means.
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.serveHTTP) }

func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	// Not http.ServeMux: it answers unclean paths with a redirect, which the host would follow.
	name := strings.TrimPrefix(r.URL.Path, "/")
	fn, known := s.routes[name]
	switch {
	case name == "" && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		// The host's readiness and latency probe. It touches nothing that has to be initialised first.
		writeJSON(w, http.StatusOK, []byte(`{"status":"listening"}`))
	case !known:
		s.refuse(w, http.StatusNotFound, fmt.Errorf("find function %q: not one of [%s]", name, s.names()))
	case r.Method != http.MethodPost:
		s.refuse(w, http.StatusMethodNotAllowed, fmt.Errorf("invoke %s: method %s, the host uses POST", name, r.Method))
	default:
		s.invoke(w, r, name, fn)
	}
}

func (s *Server) names() string {
	var names []string
	for name := range s.routes {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// invoke runs one invocation and writes its answer.
func (s *Server) invoke(w http.ResponseWriter, r *http.Request, name string, fn Func) {
	in := Invocation{Function: name, ID: r.Header.Get(invocationHeader)}
	in.Logger = labelled(s.options.Logger, slog.String("function", name), slog.String("invocation", in.ID))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), s.deadline(name)) // the host's hanging up ends nothing
	defer cancel()
	defer context.AfterFunc(s.base, cancel)()
	ctx, end := s.options.Begin(ctx, r.Header, in)
	end(s.answer(ctx, w, r, in, fn))
}

// answer runs the invocation and writes its answer. The error is why it failed, which the answer and the log say already.
func (s *Server) answer(ctx context.Context, w http.ResponseWriter, r *http.Request, in Invocation, fn Func) error {
	limit, leave, err := s.enter(ctx, in.Function)
	if err != nil {
		return s.fail(w, in, http.StatusServiceUnavailable, err)
	}
	defer leave()
	body, err := readBody(r, limit.Body)
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		_, _ = io.Copy(io.Discard, r.Body) // the host is still writing
		return s.tooLarge(ctx, w, in, body)
	}
	if err != nil {
		return s.fail(w, in, statusOf(err), fmt.Errorf("read invocation: %w", err))
	}
	if reason := in.open(body); reason != nil {
		if s.options.Unreadable == nil {
			return s.fail(w, in, http.StatusBadRequest, reason)
		}
		fn = func(ctx context.Context, in Invocation) (Result, error) {
			return Result{}, s.options.Unreadable(ctx, in, body, reason)
		}
	}
	result, err := s.run(ctx, in, fn)
	if err != nil {
		return s.fail(w, in, http.StatusInternalServerError, err)
	}
	answer, err := encode(result)
	if err != nil {
		return s.fail(w, in, http.StatusInternalServerError, err)
	}
	writeJSON(w, http.StatusOK, answer)
	return nil
}

// Limit bounds what invocations of one function may hold.
type Limit struct {
	Body   int64 // bytes of one; 0: Options.MaxBody
	AtOnce int   // 0: no bound
	HTTP   bool  // a body that is too large is answered with status 413, the function's own answer to its caller
}

// enter waits until the function may take one more invocation; leave gives its place back.
func (s *Server) enter(ctx context.Context, name string) (limit Limit, leave func(), err error) {
	limit = s.options.Limits[name]
	limit.Body = cmp.Or(limit.Body, s.options.MaxBody)
	gate := s.gates[name]
	if gate == nil {
		return limit, func() {}, nil
	}
	leave, ok := gate.Within(ctx, ctx.Done())
	if !ok {
		return limit, nil, fmt.Errorf("run %s: %d of its invocations run already: %w", name, limit.AtOnce, ctx.Err())
	}
	return limit, leave, nil
}

// tooLarge answers a body beyond the limit. It would be as large the next time, so it is no failure: a caller gets
// the status, and what has no caller is kept by its beginning.
func (s *Server) tooLarge(ctx context.Context, w http.ResponseWriter, in Invocation, beginning []byte) error {
	limit := s.options.Limits[in.Function]
	reason := fmt.Errorf("read invocation: longer than %d bytes", cmp.Or(limit.Body, s.options.MaxBody))
	in.Logger.Warn("invocation is too large", "limit", limit.Body)
	if limit.HTTP {
		answer, err := encode(Refuse(http.StatusRequestEntityTooLarge, "too large"))
		if err == nil {
			writeJSON(w, http.StatusOK, answer)
			return nil
		}
	}
	if s.options.Unreadable == nil {
		return s.fail(w, in, http.StatusRequestEntityTooLarge, reason)
	}
	if err := s.options.Unreadable(ctx, in, beginning, reason); err != nil {
		return s.fail(w, in, http.StatusInternalServerError, err)
	}
	writeJSON(w, http.StatusOK, []byte("{}"))
	return nil
}

func (s *Server) deadline(name string) time.Duration {
	if d, ok := s.options.Deadlines[name]; ok {
		return d
	}
	return s.options.Deadline
}

// outcome is what a Func came back with.
type outcome struct {
	result Result
	err    error
}

// run calls fn in a goroutine of its own, because the host must be answered at the deadline even if fn ignores it.
// Serve waits for those goroutines.
func (s *Server) run(ctx context.Context, in Invocation, fn Func) (Result, error) {
	done := make(chan outcome, 1)
	s.running.add()
	turns.Go(ctx, func(ctx context.Context) {
		defer s.running.done()
		defer func() {
			if p := recover(); p != nil {
				in.Logger.Error("invocation panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				done <- outcome{err: fmt.Errorf("run %s: panic: %v", in.Function, p)}
			}
		}()
		result, err := fn(ctx, in)
		done <- outcome{result, err}
	})
	select {
	case o := <-done:
		return o.result, o.err
	case <-ctx.Done():
	}
	select {
	case o := <-done: // both were ready: work that is done need not be done again
		return o.result, o.err
	default:
		return Result{}, fmt.Errorf("run %s: deadline of %s: %w", in.Function, s.deadline(in.Function), ctx.Err())
	}
}

// fail answers the host and logs why, because of an answer that is not 2xx the host keeps only the status
// (azure-functions-host#11086).
func (s *Server) fail(w http.ResponseWriter, in Invocation, status int, err error) error {
	in.Logger.Error("invocation failed", "status", status, "error", err.Error())
	writeError(w, status, err)
	return err
}

func (s *Server) refuse(w http.ResponseWriter, status int, err error) {
	s.options.Logger.Error("request refused", "status", status, "error", err.Error())
	writeError(w, status, err)
}

// readBody reads the whole body, or with a *http.MaxBytesError its beginning. Azure sends it chunked, so its length is
// usually not known. While it is read it is held twice at most, which a buffer that doubles would exceed; a beginning is held by itself.
func readBody(r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength >= 0 && r.ContentLength <= limit {
		body := make([]byte, r.ContentLength)
		_, err := io.ReadFull(r.Body, body)
		return body, err
	}
	var usual bytes.Buffer
	usual.Grow(usualBody)
	first := min(usualBody-bytes.MinRead, limit+1)
	n, err := usual.ReadFrom(io.LimitReader(r.Body, first))
	if err != nil || n < first {
		return usual.Bytes(), err
	}
	body, err := io.ReadAll(io.MultiReader(&usual, io.LimitReader(r.Body, limit+1-n)))
	if err == nil && int64(len(body)) > limit {
		return bytes.Clone(body[:min(len(body), keepBeginning)]), &http.MaxBytesError{Limit: limit}
	}
	return body, err
}

// keepBeginning is what is kept of a body that is too large.
const keepBeginning = 64 << 10

func statusOf(err error) int {
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}

// encode writes a Result as the host reads it: HttpScriptInvocationResult {"Outputs","Logs","ReturnValue"}.
func encode(r Result) ([]byte, error) {
	if len(r.Outputs) == 0 && len(r.Logs) == 0 {
		return []byte("{}"), nil
	}
	answer, err := json.Marshal(struct {
		Outputs map[string]any `json:"Outputs,omitempty"`
		Logs    []string       `json:"Logs,omitempty"`
	}{r.Outputs, r.Logs})
	if err != nil {
		return nil, fmt.Errorf("encode result: %w", err)
	}
	return answer, nil
}

func writeError(w http.ResponseWriter, status int, err error) {
	body, _ := json.Marshal(map[string]string{"error": err.Error()}) // strings always encode
	writeJSON(w, status, body)
}

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the host is gone when this fails; it will deliver again
}

// running counts invocations, with a bounded wait that sync.WaitGroup does not have.
type running struct {
	mu    sync.Mutex
	count int
	zero  chan struct{} // closed when count falls to 0; nil while nobody waits
}

func (r *running) add() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
}

func (r *running) done() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count--
	if r.count == 0 && r.zero != nil {
		close(r.zero)
		r.zero = nil
	}
}

// wait returns once nothing runs, or after limit with an error that says how many invocations were left behind.
func (r *running) wait(limit time.Duration) error {
	r.mu.Lock()
	if r.count == 0 {
		r.mu.Unlock()
		return nil
	}
	zero := make(chan struct{})
	r.zero = zero
	r.mu.Unlock()
	select {
	case <-zero:
		return nil
	case <-time.After(limit):
		r.mu.Lock()
		defer r.mu.Unlock()
		return fmt.Errorf("stop server: %d invocations still run", r.count)
	}
}
