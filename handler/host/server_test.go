package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const invocation = `{"Data":{"x":{"a":1}},"Metadata":{"sys":{"MethodName":"ring"}}}`

// post sends body to the function as the host does, and checks what holds for every answer there is: the host takes
// anything but application/json for a failure, and hangs on an empty body or null.
func post(t *testing.T, s *Server, path, body string) (status int, answer map[string]any) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("X-Azure-Functions-InvocationId", "0d5ca2ba-0001")
	return send(t, s, r)
}

func send(t *testing.T, s *Server, r *http.Request) (status int, answer map[string]any) {
	t.Helper()
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("%s %s: content type %q", r.Method, r.URL, got)
	}
	if got := w.Header().Get("Content-Length"); got != strconv.Itoa(w.Body.Len()) {
		t.Errorf("%s %s: content length %s of %d", r.Method, r.URL, got, w.Body.Len())
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || answer == nil {
		t.Errorf("%s %s: body %q is no object: %v", r.Method, r.URL, w.Body, err)
	}
	return w.Code, answer
}

// newServer serves fn as "ring" and returns what is logged.
func newServer(fn Func, options Options) (*Server, *bytes.Buffer) {
	log := new(bytes.Buffer)
	options.Logger = NewLogger(log, log, slog.LevelInfo)
	return New(map[string]Func{"ring": fn}, options), log
}

func succeed(context.Context, Invocation) (Result, error) { return Result{}, nil }

func TestAnswers(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, why string
		fn        Func
		body      string
		status    int
		answer    string // JSON; "" when only the status matters
		logged    string
	}{
		{"success", "{} is a success that binds nothing", succeed, invocation, 200, `{}`, ""},
		{"outputs and logs", "names as HttpScriptInvocationResult has them", func(context.Context, Invocation) (Result, error) {
			return Result{Outputs: map[string]any{"q": map[string]any{"n": 1}}, Logs: []string{"done"}}, nil
		}, invocation, 200, `{"Outputs":{"q":{"n":1}},"Logs":["done"]}`, ""},
		{"HTTP answer", "a 4xx travels inside a 200", func(context.Context, Invocation) (Result, error) {
			return Response(http.StatusServiceUnavailable, map[string]string{"error": "store is down"}), nil
		}, invocation, 200, `{"Outputs":{"res":{"statusCode":503,"headers":{"Content-Type":"application/json"},"body":{"error":"store is down"}}}}`, ""},
		{"HTTP answer in plain text", "a string body is not JSON", func(context.Context, Invocation) (Result, error) {
			return Response(http.StatusOK, "ok"), nil
		}, invocation, 200, `{"Outputs":{"res":{"statusCode":200,"headers":{"Content-Type":"text/plain; charset=utf-8"},"body":"ok"}}}`, ""},
		{"error", "the host drops the body, so the log must have it", func(context.Context, Invocation) (Result, error) {
			return Result{}, errors.New("store is down")
		}, invocation, 500, `{"error":"store is down"}`, "store is down"},
		{"panic", "one bad event must not take the process", func(context.Context, Invocation) (Result, error) {
			panic("no such thing")
		}, invocation, 500, `{"error":"run ring: panic: no such thing"}`, `server_test.go`},
		{"result that cannot be encoded", "is a failure like any other", func(context.Context, Invocation) (Result, error) {
			return Result{Outputs: map[string]any{"q": make(chan int)}}, nil
		}, invocation, 500, "", "encode result"},
		{"not an invocation", "an object even here", succeed, `hello`, 400, "", "read invocation"},
		{"nothing", "an object even here", succeed, ``, 400, "", "read invocation"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, log := newServer(c.fn, Options{})
			status, answer := post(t, s, "/ring", c.body)
			if status != c.status {
				t.Errorf("got status %d, want %d (%s)", status, c.status, c.why)
			}
			if want := map[string]any(nil); c.answer != "" {
				if err := json.Unmarshal([]byte(c.answer), &want); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, answer); diff != "" {
					t.Errorf("%s (-want +got)\n%s", c.why, diff)
				}
			}
			if status == 200 && log.Len() > 0 || !strings.Contains(log.String(), c.logged) {
				t.Errorf("logged %q, want %q", log, c.logged)
			}
			for line := range strings.Lines(log.String()) {
				checkAttributes(t, line)
			}
		})
	}
}

// checkAttributes holds a line to what makes it findable: the host attaches no invocation to what we print.
func checkAttributes(t *testing.T, line string) {
	t.Helper()
	var record struct{ Level, Function, Invocation string }
	if err := json.Unmarshal([]byte(line), &record); err != nil {
		t.Errorf("line %q: %v", line, err)
	}
	if record.Function != "ring" || record.Invocation != "0d5ca2ba-0001" || record.Level != "ERROR" {
		t.Errorf("line %q has not function, invocation and level", line)
	}
}

func TestRouting(t *testing.T) {
	t.Parallel()
	cases := []struct {
		method, path string
		status       int
	}{
		{"GET", "/", 200},
		{"HEAD", "/", 200},
		{"POST", "/", 404},
		{"POST", "/ring", 200},
		{"POST", "/Ring", 404},      // the host sends the folder's exact case
		{"POST", "/ring/", 404},     // and would follow a redirect
		{"POST", "//ring", 404},     //
		{"POST", "/x/../ring", 404}, //
		{"GET", "/ring", 405},
		{"POST", "/none", 404},
	}
	s, _ := newServer(succeed, Options{})
	for _, c := range cases {
		r := httptest.NewRequest(c.method, "http://127.0.0.1"+c.path, strings.NewReader(invocation))
		if status, _ := send(t, s, r); status != c.status {
			t.Errorf("%s %s: got %d, want %d", c.method, c.path, status, c.status)
		}
	}
}

func TestInvocationCarriesItsNames(t *testing.T) {
	t.Parallel()
	var got Invocation
	s, log := newServer(func(_ context.Context, in Invocation) (Result, error) {
		got = in
		in.Logger.Error("look here")
		return Result{}, nil
	}, Options{})
	post(t, s, "/ring", invocation)
	if got.Function != "ring" || got.ID != "0d5ca2ba-0001" {
		t.Errorf("got %q %q", got.Function, got.ID)
	}
	checkAttributes(t, log.String())
}

func TestDeadlineIsAnsweredEvenIfTheFuncIgnoresIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		stuck := func(context.Context, Invocation) (Result, error) {
			<-release
			return Result{}, nil
		}
		s, log := newServer(stuck, Options{Deadlines: map[string]time.Duration{"other": time.Hour}})
		start := time.Now()
		status, _ := post(t, s, "/ring", invocation)
		if took := time.Since(start); status != 500 || took != 25*time.Second {
			t.Errorf("got %d after %s, want 500 after 25 s", status, took)
		}
		if !strings.Contains(log.String(), "deadline of 25s") {
			t.Errorf("logged %q", log)
		}
		if err := s.running.wait(time.Minute); err == nil || !strings.Contains(err.Error(), "1 invocations") {
			t.Errorf("got %v, want an error that counts the one left", err)
		}
		close(release)
		if err := s.running.wait(time.Minute); err != nil {
			t.Error(err)
		}
	})
}

func TestDeadlineByFunction(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		left := make(chan time.Duration, 1)
		s, _ := newServer(func(ctx context.Context, _ Invocation) (Result, error) {
			until, _ := ctx.Deadline()
			left <- time.Until(until)
			<-ctx.Done()
			return Result{}, ctx.Err()
		}, Options{Deadline: time.Second, Deadlines: map[string]time.Duration{"ring": 4 * time.Minute}})
		status, _ := post(t, s, "/ring", invocation)
		if got := <-left; status != 500 || got != 4*time.Minute {
			t.Errorf("got %d with %s, want 500 with 4 min", status, got)
		}
	})
}

func TestBodyIsBounded(t *testing.T) {
	t.Parallel()
	s, log := newServer(succeed, Options{MaxBody: int64(len(invocation))})
	for _, c := range []struct {
		body   string
		length int64 // -1: chunked, as in Azure
		status int
	}{{invocation, int64(len(invocation)), 200}, {invocation, -1, 200}, {invocation + " ", int64(len(invocation)) + 1, 413}, {invocation + " ", -1, 413}, {invocation[:9], 20, 400}} {
		r := httptest.NewRequest(http.MethodPost, "/ring", io.NopCloser(strings.NewReader(c.body)))
		r.ContentLength = c.length
		if status, _ := send(t, s, r); status != c.status {
			t.Errorf("%d bytes declared %d: got %d, want %d", len(c.body), c.length, status, c.status)
		}
	}
	if got := strings.Count(log.String(), "invocation failed"); got != 3 {
		t.Errorf("%d lines logged, want 3: %s", got, log)
	}
}

// TestABodyThatIsTooLargeIsHeldByItsBeginning reads a body beyond the limit: what is kept must not hold the rest in memory.
func TestABodyThatIsTooLargeIsHeldByItsBeginning(t *testing.T) {
	t.Parallel()
	const limit = 4 << 20
	r := httptest.NewRequest(http.MethodPost, "/", io.LimitReader(endless{}, 2*limit))
	r.ContentLength = -1
	body, err := readBody(r, limit)
	if tooLarge := new(http.MaxBytesError); !errors.As(err, &tooLarge) || len(body) != keepBeginning || cap(body) > 2*keepBeginning {
		t.Errorf("%d bytes are held of a body that is too large, by %d: %v", len(body), cap(body), err)
	}
}

// endless is a body of spaces.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestUnreadableIsKeptThenAcknowledged(t *testing.T) {
	t.Parallel()
	var kept string
	var keepErr error
	s, _ := newServer(succeed, Options{Unreadable: func(_ context.Context, in Invocation, body []byte, reason error) error {
		kept = in.Function + ": " + string(body) + ": " + reason.Error()
		return keepErr
	}})
	if status, _ := post(t, s, "/ring", "hello"); status != 200 || !strings.HasPrefix(kept, "ring: hello: read invocation") {
		t.Errorf("got %d, kept %q", status, kept)
	}
	keepErr = errors.New("store is down")
	if status, _ := post(t, s, "/ring", "hello"); status != 500 {
		t.Errorf("got %d though nothing was kept, want 500", status)
	}
}

// A stop lets running work finish; a stop that has to cancel says what it left.
func TestServeStops(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	entered := make(chan struct{})
	s, _ := newServer(func(context.Context, Invocation) (Result, error) {
		close(entered)
		<-ctx.Done() // still running when the stop begins
		return Result{Logs: []string{"finished"}}, nil
	}, Options{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l) }()
	answered := make(chan string, 1)
	go func() {
		r, err := http.Post("http://"+l.Addr().String()+"/ring", "application/json; charset=utf-8", strings.NewReader(invocation))
		if err != nil {
			answered <- err.Error()
			return
		}
		defer r.Body.Close()
		body, _ := io.ReadAll(r.Body)
		answered <- string(body)
	}()
	<-entered
	stop()
	if got := <-answered; got != `{"Logs":["finished"]}` {
		t.Errorf("got %s", got)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestServeReportsALostListener(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	s, _ := newServer(succeed, Options{})
	if err := s.Serve(t.Context(), l); err == nil {
		t.Error("no error")
	}
}
