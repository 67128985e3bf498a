package host

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// The handler in these tests is a real process: this test binary, started again by the stand-in. Told by environment
// how to begin, it passes each invocation on to the test, which says what to answer.

// TestMain turns the binary into the handler, or into a whole stand-in that is to be killed.
func TestMain(m *testing.M) {
	switch os.Getenv("TEST_ROLE") {
	case "":
		os.Exit(m.Run())
	case "handler":
		handlerMain()
	case "host":
		hostMain()
	case "auditbell":
		auditbellMain()
	}
}

// seen is an invocation as the handler got it.
type seen struct {
	Method, Path, Host string
	Header             http.Header
	Transfer           []string
	Length             int64
	Body               string
	Env                map[string]string
	Dir                string
	Args               []string
}

// reply is what the handler shall do.
type reply struct {
	Exit   int  // this exit code instead of an answer, if not 0
	Leave  bool // exit code 0
	Hang   bool
	Stdout string
	Stderr string
	Status int
	Type   string // content type; "none" for no header at all
	To     string // Location
	Body   string
}

var ok = reply{Status: 200, Type: "application/json", Body: "{}"}

// handlerMain is the child's main. TEST_START says how it begins: "" listens, "exit N" leaves, "silent" accepts and
// never answers.
func handlerMain() {
	start := os.Getenv("TEST_START")
	if marker := os.Getenv("TEST_ONCE"); marker != "" { // TEST_START holds for the first start only
		if _, err := os.Stat(marker); err == nil {
			start = ""
		}
		_ = os.WriteFile(marker, nil, 0o600)
	}
	fmt.Fprint(os.Stdout, os.Getenv("TEST_STDOUT"))
	fmt.Fprint(os.Stderr, os.Getenv("TEST_STDERR"))
	var code int
	if _, err := fmt.Sscanf(start, "exit %d", &code); err == nil {
		os.Exit(code)
	}
	l, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("FUNCTIONS_CUSTOMHANDLER_PORT"))
	if err != nil {
		panic(err)
	}
	if start == "silent" {
		select {}
	}
	panic(http.Serve(l, http.HandlerFunc(handle)))
}

func handle(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/" {
		w.WriteHeader(http.StatusNotFound) // any answer is a sign of life
		return
	}
	body, _ := io.ReadAll(r.Body)
	env := map[string]string{}
	for _, entry := range os.Environ() {
		if name, value, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "FUNCTIONS_") || strings.HasPrefix(name, "APP_") {
			env[name] = value
		}
	}
	dir, _ := os.Getwd()
	said, _ := json.Marshal(seen{r.Method, r.URL.Path, r.Host, r.Header, r.TransferEncoding, r.ContentLength, string(body), env, dir, os.Args[1:]})
	answer, err := http.Post(os.Getenv("TEST_COLLECTOR"), "application/json", bytes.NewReader(said))
	if err != nil {
		panic(err)
	}
	defer answer.Body.Close()
	var do reply
	if err := json.NewDecoder(answer.Body).Decode(&do); err != nil {
		panic(err)
	}
	do.act(w)
}

func (do reply) act(w http.ResponseWriter) {
	fmt.Fprint(os.Stdout, do.Stdout)
	fmt.Fprint(os.Stderr, do.Stderr)
	switch {
	case do.Leave || do.Exit != 0:
		os.Exit(do.Exit)
	case do.Hang:
		select {}
	}
	w.Header()["Content-Type"] = []string{do.Type}
	if do.Type == "none" {
		w.Header()["Content-Type"] = nil
	}
	if do.To != "" {
		w.Header().Set("Location", do.To)
	}
	w.WriteHeader(do.Status)
	_, _ = io.WriteString(w, do.Body)
}

// rig is a stand-in under test with everything it wrote and sent.
type rig struct {
	*Host
	t     *testing.T
	reply func(seen) reply

	mu    sync.Mutex
	lines []Line
	calls []seen
	news  chan struct{} // gets one token per line
}

const minimalHostJSON = `{"version":"2.0","customHandler":{"description":{"defaultExecutablePath":"%TEST_BINARY%"}}}`

// the functions most tests use, by folder.
var someFunctions = map[string]string{
	"many":  `{"bindings":[{"type":"eventGridTrigger","direction":"in","name":"events","cardinality":"many"}]}`,
	"one":   `{"bindings":[{"type":"eventGridTrigger","direction":"in","name":"event"}]}`,
	"alert": `{"bindings":[{"type":"httpTrigger","direction":"in","name":"req","authLevel":"function","methods":["post"]},{"type":"http","direction":"out","name":"res"}]}`,
	"tick":  `{"bindings":[{"type":"timerTrigger","direction":"in","name":"timer","schedule":"0 0 0 1 1 *"}]}`,
}

// newRig starts the functions with a handler that answers as reply says (nil: {} to everything).
func newRig(t *testing.T, functions map[string]string, o Options, reply func(seen) reply) *rig {
	t.Helper()
	r := prepare(t, &o, reply)
	for name, spec := range functions {
		writeFile(t, filepath.Join(o.Root, name, "function.json"), spec)
	}
	var err error
	if r.Host, err = Start(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// prepare fills in root, address and environment.
func prepare(t *testing.T, o *Options, do func(seen) reply) *rig {
	t.Helper()
	if do == nil {
		do = func(seen) reply { return ok }
	}
	r := &rig{t: t, reply: do, news: make(chan struct{}, 10000)}
	collector := httptest.NewServer(http.HandlerFunc(r.collect))
	t.Cleanup(collector.Close)
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if o.Root == "" {
		o.Root = t.TempDir()
	}
	if _, err := os.Stat(filepath.Join(o.Root, "host.json")); err != nil {
		writeFile(t, filepath.Join(o.Root, "host.json"), minimalHostJSON)
	}
	o.Listen = "127.0.0.1:0"
	o.Env = append([]string{"TEST_ROLE=handler", "TEST_BINARY=" + binary, "TEST_COLLECTOR=" + collector.URL}, o.Env...)
	o.Log = r.line
	return r
}

func (r *rig) collect(w http.ResponseWriter, request *http.Request) {
	var call seen
	if err := json.NewDecoder(request.Body).Decode(&call); err != nil {
		r.t.Error(err)
	}
	r.mu.Lock()
	r.calls = append(r.calls, call)
	r.mu.Unlock()
	_ = json.NewEncoder(w).Encode(r.reply(call))
}

func (r *rig) line(l Line) {
	r.mu.Lock()
	r.lines = append(r.lines, l)
	r.mu.Unlock()
	r.news <- struct{}{}
}

// await returns the first line that holds the text, waiting for it.
func (r *rig) await(text string) Line {
	r.t.Helper()
	limit := time.After(20 * time.Second)
	for {
		if l, found := r.find(text); found {
			return l
		}
		select {
		case <-r.news:
		case <-limit:
			r.t.Fatalf("no line with %q in\n%s", text, r.log())
		}
	}
}

func (r *rig) find(text string) (Line, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.lines {
		if strings.Contains(l.Text, text) {
			return l, true
		}
	}
	return Line{}, false
}

func (r *rig) log() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	for _, l := range r.lines {
		fmt.Fprintln(&b, l)
	}
	return b.String()
}

// call returns the n-th invocation the handler got.
func (r *rig) call(n int) seen {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if n >= len(r.calls) {
		r.t.Fatalf("the handler was called %d times", len(r.calls))
	}
	return r.calls[n]
}

// count is how often the handler was called.
func (r *rig) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.calls)
}

// envelope is the body of an invocation, with values as raw JSON text.
type envelope struct{ Data, Metadata map[string]json.RawMessage }

func (r *rig) envelope(n int) envelope {
	r.t.Helper()
	var e envelope
	if err := json.Unmarshal([]byte(r.call(n).Body), &e); err != nil {
		r.t.Fatal(err)
	}
	return e
}

// do sends a request to the stand-in.
func (r *rig) do(method, path, body string, headers ...string) (status int, answer string, h http.Header) {
	r.t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), method, r.URL()+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Transfer-Encoding" {
			request.ContentLength = -1
		}
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	said, err := io.ReadAll(response.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return response.StatusCode, string(said), response.Header
}

// deliver posts to the Event Grid webhook as Event Grid does.
func (r *rig) deliver(function, body string) (status int, answer string) {
	r.t.Helper()
	status, answer, _ = r.do(http.MethodPost, "/runtime/webhooks/EventGrid?functionName="+function, body, "aeg-event-type", "Notification")
	return status, answer
}

func (r *rig) waitReady() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := r.Ready(ctx); err != nil {
		r.t.Fatalf("%v\n%s", err, r.log())
	}
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
