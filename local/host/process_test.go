package host

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestHandlerGetsItsEnvironment(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	writeFile(t, filepath.Join(root, "work", "x"), "")
	writeFile(t, filepath.Join(root, "host.json"), `{"version":"2.0","customHandler":{"description":{
		"defaultExecutablePath":"%TEST_BINARY%","workingDirectory":"work","arguments":["a","%APP_SETTING%","[%APP_UNSET%]"]}}}`)
	r := newRig(t, someFunctions, Options{Root: root, Env: []string{"APP_SETTING=one", "APP_SETTING=two words"}}, nil)
	if status, answer := r.deliver("one", `[{"id":"1"}]`); status != 202 {
		t.Fatalf("%d %s\n%s", status, answer, r.log())
	}
	call := r.call(0)
	port := strings.TrimPrefix(call.Host, "127.0.0.1:")
	id := call.Env["FUNCTIONS_CUSTOMHANDLER_WORKER_ID"]
	want := map[string]string{
		"FUNCTIONS_CUSTOMHANDLER_PORT": port, "FUNCTIONS_HTTPWORKER_PORT": port,
		"FUNCTIONS_CUSTOMHANDLER_WORKER_ID": id, "FUNCTIONS_HTTPWORKER_ID": id,
		"FUNCTIONS_APP_ROOT_PATH": root, "APP_SETTING": "two words",
	}
	if diff := cmp.Diff(want, call.Env); diff != "" || len(id) != 36 {
		t.Errorf("id %q (-want +got)\n%s", id, diff)
	}
	if got, _ := filepath.EvalSymlinks(call.Dir); filepath.Base(got) != "work" {
		t.Errorf("working directory %s", call.Dir)
	}
	if diff := cmp.Diff([]string{"a", "two words", "[]"}, call.Args); diff != "" {
		t.Errorf("arguments (-want +got)\n%s", diff)
	}
}

func TestHostJSONCanBeOverriddenByEnvironment(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	writeFile(t, filepath.Join(root, "host.json"), `{"version":"2.0","customHandler":{"description":{"defaultExecutablePath":"bin/handler"}}}`)
	r := newRig(t, someFunctions, Options{Root: root, Env: []string{
		"azurefunctionsjobhost__customhandler__description__defaultExecutablePath=%TEST_BINARY%",
		"AzureFunctionsJobHost__functionTimeout=00:00:07",
	}}, nil)
	r.waitReady()
	if r.app.functionTimeout != 7*time.Second {
		t.Errorf("functionTimeout %s", r.app.functionTimeout)
	}
}

// The exit-code table.
func TestExitZeroIsTheEndWithoutAnError(t *testing.T) {
	t.Parallel()
	r := newRig(t, someFunctions, Options{}, func(seen) reply { return reply{Leave: true} })
	status, _ := r.deliver("one", `[{}]`)
	r.await("exited with code 0")
	if status != 500 {
		t.Errorf("the invocation under way got %d", status)
	}
	if status, answer := r.deliver("one", `[{}]`); status != 500 || !strings.Contains(answer, "neither restarts it") {
		t.Errorf("the next invocation got %d %s", status, answer)
	}
	if _, answer, _ := r.do("GET", "/admin/host/status", ""); !strings.Contains(answer, `"state":"Error"`) || !strings.Contains(answer, `"handlerPid":0`) {
		t.Errorf("status %s", answer)
	}
}

func TestExit200RestartsUncounted(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	r := newRig(t, someFunctions, Options{}, func(seen) reply {
		if calls.Add(1) <= 5 {
			return reply{Exit: 200}
		}
		return ok
	})
	for range 5 {
		pid := r.readyPID()
		if status, _ := r.deliver("one", `[{}]`); status != 500 {
			t.Errorf("an invocation in a handler that left got %d", status)
		}
		r.awaitOtherPID(pid)
	}
	if status, _ := r.deliver("one", `[{}]`); status != 202 {
		t.Errorf("after five restarts: %d\n%s", status, r.log())
	}
}

func TestThirdCrashStopsTheHost(t *testing.T) {
	t.Parallel()
	r := newRig(t, someFunctions, Options{Env: []string{"TEST_START=exit 3", "TEST_STDERR=first\nsecond\na warning\nthird\nfourth\n"}}, nil)
	err := r.Wait()
	if err == nil || !strings.Contains(err.Error(), "exited with code 3") || !strings.Contains(err.Error(), "second,third,fourth") {
		t.Errorf("got %v, want the exit code and the last three error lines", err)
	}
	if got := strings.Count(r.log(), "started "); got != 3 {
		t.Errorf("%d starts, want 3\n%s", got, r.log())
	}
}

func TestPlatformStartsANewHost(t *testing.T) {
	t.Parallel()
	r := newRig(t, someFunctions, Options{RestartHost: true}, nil)
	for range 4 { // one more than a host puts up with
		pid := r.readyPID()
		kill(t, pid)
		r.awaitOtherPID(pid)
	}
	if status, _ := r.deliver("one", `[{}]`); status != 202 {
		t.Errorf("got %d\n%s", status, r.log())
	}
	r.await("platform starts a new one")
}

func TestKilledHandlerIsRestarted(t *testing.T) {
	t.Parallel()
	entered := make(chan struct{}, 1)
	var calls atomic.Int32
	r := newRig(t, someFunctions, Options{}, func(seen) reply {
		if calls.Add(1) == 1 {
			entered <- struct{}{}
			return reply{Hang: true}
		}
		return ok
	})
	pid := r.readyPID()
	answered := make(chan int, 1)
	go func() {
		status, _ := r.deliver("one", `[{}]`)
		answered <- status
	}()
	<-entered
	kill(t, pid)
	if status := <-answered; status != 500 {
		t.Errorf("the invocation under way got %d", status)
	}
	r.await("exited with code")
	if status, _ := r.deliver("one", `[{}]`); status != 202 {
		t.Errorf("the next invocation got %d, want it to wait for the restart", status)
	}
	if r.readyPID() == pid {
		t.Error("same process as before")
	}
}

func TestFunctionTimeoutKillsTheWholeHandler(t *testing.T) {
	t.Parallel()
	entered := make(chan struct{}, 2)
	var calls atomic.Int32
	r := newRig(t, someFunctions, Options{FunctionTimeout: 500 * time.Millisecond}, func(seen) reply {
		if calls.Add(1) <= 2 {
			entered <- struct{}{}
			return reply{Hang: true}
		}
		return ok
	})
	r.waitReady()
	answered := make(chan string, 2)
	for range 2 {
		go func() {
			_, answer := r.deliver("one", `[{}]`)
			answered <- answer
		}()
	}
	<-entered
	<-entered
	if both := <-answered + <-answered; !strings.Contains(both, "functionTimeout of 500ms") {
		t.Errorf("got %s", both)
	}
	if status, _ := r.deliver("one", `[{}]`); status != 202 {
		t.Errorf("after the restart: %d\n%s", status, r.log())
	}
}

func TestReadiness(t *testing.T) {
	t.Parallel()
	r := newRig(t, someFunctions, Options{ReadyTimeout: 200 * time.Millisecond, Env: []string{"TEST_START=silent"}}, nil)
	if err := r.Wait(); err == nil || !strings.Contains(err.Error(), "not ready within 200ms") || !strings.Contains(err.Error(), "hint:") {
		t.Errorf("accepted but unanswered: got %v", err)
	}
	if err := r.Ready(context.Background()); err == nil {
		t.Error("Ready after the end: no error")
	}
	marker := filepath.Join(t.TempDir(), "started")
	r = newRig(t, someFunctions, Options{ReadyTimeout: 2 * time.Second, Env: []string{"TEST_START=exit 1", "TEST_ONCE=" + marker}}, nil)
	r.waitReady() // the second start succeeds; GET / is answered 404, which is an answer
}

func TestConsoleLevels(t *testing.T) {
	t.Parallel()
	r := newRig(t, someFunctions, Options{Env: []string{
		"TEST_STDOUT=an error on stdout\r\nLanguageWorkerConsoleLogmine\n", "TEST_STDERR=plain\nsome WaRNing\n",
	}}, func(seen) reply {
		return reply{Status: 200, Type: "application/json", Body: `{"Logs":["from the function"]}`, Stdout: "no newline at the end"}
	})
	r.deliver("one", `[{}]`)
	kill(t, r.readyPID()) // the last line is flushed when the process ends
	for text, want := range map[string]Line{
		"an error on stdout":    {Level: Information, Category: CategoryConsole},
		"mine":                  {Level: Information, Category: CategoryHost},
		"plain":                 {Level: Error, Category: CategoryConsole},
		"some WaRNing":          {Level: Warning, Category: CategoryConsole},
		"from the function":     {Level: Information, Category: "Function.one"},
		"no newline at the end": {Level: Information, Category: CategoryConsole},
	} {
		if got := r.await(text); got.Level != want.Level || got.Category != want.Category || got.Text != text {
			t.Errorf("got %s, want %s in %s", got, want.Level, want.Category)
		}
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	t.Parallel()
	entered := make(chan struct{})
	r := newRig(t, someFunctions, Options{}, func(seen) reply {
		close(entered)
		return reply{Hang: true}
	})
	pid := r.readyPID()
	r.do("POST", "/admin/functions/one", `{"input":"{}"}`)
	<-entered
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if alive(pid) {
		t.Errorf("handler %d is still there", pid)
	}
	if err := r.Close(); err != nil { // a second time does no harm
		t.Error(err)
	}
	l, err := bind(context.Background(), r.addr.String())
	if err != nil {
		t.Fatalf("the port is not free: %v", err)
	}
	l.Close()
}

func TestStartIsStoppedByItsContext(t *testing.T) {
	t.Parallel()
	var o Options
	prepare(t, &o, nil)
	writeFile(t, filepath.Join(o.Root, "one", "function.json"), someFunctions["one"])
	ctx, cancel := context.WithCancel(t.Context())
	h, err := Start(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := h.Wait(); err != nil {
		t.Error(err)
	}
}

func TestTakenPort(t *testing.T) {
	t.Parallel()
	r := newRig(t, someFunctions, Options{}, nil)
	var o Options
	prepare(t, &o, nil)
	writeFile(t, filepath.Join(o.Root, "one", "function.json"), someFunctions["one"])
	o.Listen = r.addr.String()
	_, err := Start(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "listen "+o.Listen+": already in use") || !strings.Contains(err.Error(), "hint:") {
		t.Errorf("got %v", err)
	}
	o.Listen = "127.0.0.1:99999"
	if _, err := Start(t.Context(), o); err == nil || strings.Contains(err.Error(), "in use") {
		t.Errorf("got %v", err)
	}
}

// readyPID waits for the handler and returns its process.
func (r *rig) readyPID() int {
	r.t.Helper()
	r.waitReady()
	return r.HandlerPID()
}

// awaitOtherPID waits until another process than pid is ready.
func (r *rig) awaitOtherPID(pid int) {
	r.t.Helper()
	limit := time.After(20 * time.Second)
	for {
		state, p, changed, _ := r.handler.snapshot()
		if state == stateRunning && p.pid != pid {
			return
		}
		select {
		case <-changed:
		case <-limit:
			r.t.Fatalf("no new handler after %d\n%s", pid, r.log())
		}
	}
}

func kill(t *testing.T, pid int) {
	t.Helper()
	p, err := os.FindProcess(pid)
	if err == nil {
		err = p.Kill()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// hostMain is a stand-in in a process of its own. It prints its handler's pid and waits to be killed.
func hostMain() {
	binary, _ := os.Executable()
	h, err := Start(context.Background(), Options{
		Root: os.Getenv("TEST_ROOT"), Listen: "127.0.0.1:0",
		Env: append(os.Environ(), "TEST_ROLE=handler", "TEST_BINARY="+binary),
	})
	if err != nil {
		panic(err)
	}
	if err := h.Ready(context.Background()); err != nil {
		panic(err)
	}
	_ = json.NewEncoder(os.Stdout).Encode(h.HandlerPID())
	_ = h.Wait()
}
