package host

import (
	"context"
	"net"
	"os"
	"strings"
	"testing"

	handler "github.com/auditbell/auditbell/handler/host"
)

// auditbellMain serves the real protocol package, with functions that say what they understood.
func auditbellMain() {
	logger := handler.NewLogger(os.Stdout, os.Stderr, nil)
	events := func(_ context.Context, in handler.Invocation) (handler.Result, error) {
		in.Logger.Error("a warning in an error")
		value, err := in.Value("events")
		return handler.Result{Logs: []string{"events: " + string(value)}}, err
	}
	alert := func(_ context.Context, in handler.Invocation) (handler.Result, error) {
		r, err := in.Request("req")
		return handler.Response(202, r.Method+" "+r.Params["kind"]+" "+r.Query["x"]+" "+r.Headers.Get("X-Y")+" "+string(r.Body)), err
	}
	tick := func(_ context.Context, in handler.Invocation) (handler.Result, error) {
		timer, err := in.Timer("timer")
		next := timer.Next.Format("2006-01-02")
		return handler.Result{Logs: []string{"next: " + next[4:]}}, err
	}
	routes := map[string]handler.Func{"many": events, "alert": alert, "tick": tick}
	l, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("FUNCTIONS_CUSTOMHANDLER_PORT"))
	if err != nil {
		panic(err)
	}
	panic(handler.New(routes, handler.Options{Logger: logger}).Serve(context.Background(), l))
}

// The handler's side of the protocol and the host's were written from the same facts and know nothing of each other:
// here they meet.
func TestHandlerAndStandInUnderstandEachOther(t *testing.T) {
	t.Parallel()
	functions := map[string]string{
		"many": someFunctions["many"], "tick": someFunctions["tick"],
		"alert": `{"bindings":[{"type":"httpTrigger","name":"req","route":"alert/{kind}"},{"type":"http","direction":"out","name":"res"}]}`,
	}
	r := newRig(t, functions, Options{NoTimers: true, Env: []string{"TEST_ROLE=auditbell"}}, nil)
	if status, answer := r.deliver("many", `[{"id":"1","data":{"x":"\"é\""}}]`); status != 202 {
		t.Errorf("%d %s", status, answer)
	}
	r.await(`events: [{"id":"1","data":{"x":"\"é\""}}]`)
	if l := r.await(`"function":"many"`); l.Level != Error || l.Category != CategoryConsole {
		t.Errorf("got %s, want level Error although the text says otherwise", l)
	}
	r.deliver("many", "junk")
	r.await("events: junk")
	status, body, _ := r.do("POST", "/api/alert/common?x=1", `{"a":1}`, "X-Y", "z")
	if want := `POST common 1 z {"a":1}`; status != 202 || body != want {
		t.Errorf("got %d %q, want 202 %q", status, body, want)
	}
	r.do("POST", "/admin/functions/tick", `{"input":""}`)
	if l := r.await("next: "); !strings.HasSuffix(l.Text, "-01-01") {
		t.Errorf("got %s", l)
	}
}
