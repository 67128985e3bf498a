package notifytest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/notify"
)

// failures are the cases in which something is wrong with the channel, the network or us.
var failures = []testCase{
	{"calls a refusal a refusal", "the alert or the destination is at fault, and the pipeline finds out which by trying", refusals},
	{"calls a message that is too large refused", "it is sent again with less in it, and no other alert waits for it", tooLarge},
	{"leaves server trouble to be retried", "an alert must outlive an outage of the channel", outages},
	{"reports the delay that the channel asked for", "the pipeline must wait as long as the service asks, not guess", namedDelays},
	{"takes a 429 without a delay as passing", "some proxies drop Retry-After", rateLimitWithoutDelay},
	{"says that a timeout proves nothing", "the message may be there, so it is repeated once at most", timesOut},
	{"says that a reset after the request proves nothing", "the message may be there, so it is repeated once at most", resets},
	{"says when nothing can have been sent", "a message that never left may be sent again freely", notSent},
	{"never repeats a broken 2xx answer", "the channel took the message", breaksAnswer},
	{"takes a web page neither for success nor for a refusal", "captive proxies answer 200 to everything", webPage},
	{"never follows redirects", "a redirect would carry the secret and the alert to a place nobody chose", redirects},
	{"takes no other protocol", "an answer that never ends must not hold the destination for ever", otherProtocol},
	{"stops when its context ends", "the invocation's deadline is not the destination's to extend", cancelled},
	{"recovers after a failure", "one bad answer must not poison the client", recovers},
	{"reports a failed update", "an error on an update must reach the pipeline like any other", updateFails},
}

// answering is a fault with a fixed status. Its body repeats everything it was sent, as real error pages do.
func answering(status int, headers ...string) func(http.ResponseWriter, *http.Request, []byte) bool {
	return func(w http.ResponseWriter, r *http.Request, body []byte) bool {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "refused http://%s%s with %v: %s", r.Host, r.URL, r.Header, body)
		return true
	}
}

// fail delivers a message, returns the error and checks that it is silent.
func (e *end) fail(t *testing.T, ctx context.Context) error {
	t.Helper()
	m := Grant()
	_, err := e.destination.Deliver(ctx, m, notify.Ref{})
	if err == nil {
		t.Fatal("Deliver reported success")
	}
	e.checkSilent(t, err, m)
	return err
}

// refusals are statuses that any machine on the way may answer. Their bodies quote the request, so no destination finds a
// code of its own in them.
func refusals(t *testing.T, e *end) {
	for _, status := range []int{400, 401, 402, 403, 404, 405, 406, 407, 409, 410, 411, 412, 415, 417, 418, 421, 422, 423, 424, 426, 428, 451, 499} {
		e.breakWith(answering(status))
		checkKind(t, status, e.fail(t, t.Context()), notify.Refused)
	}
}

func tooLarge(t *testing.T, e *end) {
	for _, status := range []int{413, 414, 431} {
		e.breakWith(answering(status))
		checkKind(t, status, e.fail(t, t.Context()), notify.MessageRefused)
	}
}

// outages are statuses that say something about now.
func outages(t *testing.T, e *end) {
	for _, status := range []int{408, 425, 500, 501, 502, 503, 504, 505, 507, 508, 510, 511, 520} {
		e.breakWith(answering(status))
		checkKind(t, status, e.fail(t, t.Context()), notify.Trouble)
	}
}

// checkKind wants an error of one kind that carries no delay.
func checkKind(t *testing.T, what any, err error, want notify.Kind) {
	t.Helper()
	if delay, named := notify.Delay(err); named || notify.KindOf(err) != want {
		t.Errorf("%v: %v (kind %v, delay %v), want kind %v without a delay", what, err, notify.KindOf(err), delay, want)
	}
}

// namedDelays tries both forms of Retry-After, its limits, and a server whose clock is not ours.
func namedDelays(t *testing.T, e *end) {
	sent := time.Date(2026, 11, 22, 9, 41, 2, 0, time.UTC)
	date, later := sent.Format(http.TimeFormat), sent.Add(90*time.Second).Format(http.TimeFormat)
	for _, c := range []struct {
		status  int
		headers []string
		want    time.Duration
	}{
		{429, []string{"Retry-After", "17"}, 17 * time.Second},
		{429, []string{"Retry-After", "0"}, time.Second},
		{429, []string{"Retry-After", later, "Date", date}, 90 * time.Second},
		{429, []string{"Retry-After", date, "Date", later}, time.Second},
		{429, []string{"Retry-After", "1.2"}, 2 * time.Second},
		{429, []string{"Retry-After", "999999999"}, 24 * time.Hour},
		{429, []string{"Retry-After", "1e400"}, 24 * time.Hour},
		{429, []string{"Retry-After", "Thu, 01 Jan 1970 00:00:00 GMT"}, time.Second},
		{429, []string{"Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT"}, 24 * time.Hour},
		{503, []string{"Retry-After", "30"}, 30 * time.Second},
	} {
		e.breakWith(answering(c.status, c.headers...))
		err := e.fail(t, t.Context())
		if got, named := notify.Delay(err); !named || got != c.want || notify.IsPermanent(err) {
			t.Errorf("status %d %v: delay %v, %v, permanent %v; want %v", c.status, c.headers, got, named, notify.IsPermanent(err), c.want)
		}
	}
}

func rateLimitWithoutDelay(t *testing.T, e *end) {
	for _, headers := range [][]string{nil, {"Retry-After", "soon"}, {"Retry-After", "-5"}, {"Retry-After", "NaN"}, {"Retry-After", "30, 30"}, {"Retry-After", "-Inf"}, {"Retry-After", "30s"}, {"Retry-After", ""}} {
		e.breakWith(answering(429, headers...))
		checkKind(t, headers, e.fail(t, t.Context()), notify.Throttled)
	}
}

// hang keeps a request open until the client gives up.
func hang(_ http.ResponseWriter, r *http.Request, _ []byte) bool {
	<-r.Context().Done()
	return true
}

func timesOut(t *testing.T, e *end) {
	e.client.Timeout = 100 * time.Millisecond
	e.breakWith(hang)
	checkKind(t, "timeout", e.fail(t, t.Context()), notify.Unanswered)
}

func resets(t *testing.T, e *end) {
	e.breakWith(func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Errorf("take over the connection: %v", err)
			return true
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // closing then sends RST instead of FIN
		}
		_ = conn.Close()
		return true
	})
	checkKind(t, "reset", e.fail(t, t.Context()), notify.Unanswered)
}

// notSent closes the server's port, so that no connection is accepted.
func notSent(t *testing.T, e *end) {
	e.client.CloseIdleConnections()
	e.server.Close()
	checkKind(t, "refused connection", e.fail(t, t.Context()), notify.NotSent)
}

func breaksAnswer(t *testing.T, e *end) {
	e.breakWith(func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		w.Header().Set("Content-Length", "1000")
		_, _ = fmt.Fprint(w, "ok")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	checkKind(t, "half an answer", e.fail(t, t.Context()), notify.Unconfirmed)
}

// webPage quotes the request, as some block pages do.
func webPage(t *testing.T, e *end) {
	e.breakWith(func(w http.ResponseWriter, _ *http.Request, body []byte) bool {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, "<!doctype html><title>Sign in</title>%s", body)
		return true
	})
	checkKind(t, "web page", e.fail(t, t.Context()), notify.Unconfirmed)
}

// redirects offers another server, which must see nothing, not even the secret in the path.
func redirects(t *testing.T, e *end) {
	var visits atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visits.Add(1) }))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		e.breakWith(answering(status, "Location", elsewhere.URL))
		checkKind(t, status, e.fail(t, t.Context()), notify.Refused)
	}
	if n := visits.Load(); n != 0 {
		t.Errorf("the other server was called %d times", n)
	}
	for _, nowhere := range []string{"", "http://[nowhere", "%zz"} {
		e.breakWith(answering(302, "Location", nowhere))
		checkKind(t, "to "+nowhere, e.fail(t, t.Context()), notify.Refused)
	}
}

// otherProtocol answers 101 and leaves the connection open.
func otherProtocol(t *testing.T, e *end) {
	e.breakWith(func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Errorf("take over the connection: %v", err)
			return true
		}
		t.Cleanup(func() { _ = conn.Close() })
		_, _ = fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		return true
	})
	checkKind(t, 101, e.fail(t, t.Context()), notify.Refused)
}

func cancelled(t *testing.T, e *end) {
	before, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.fail(t, before); !errors.Is(err, context.Canceled) || notify.KindOf(err) != notify.NotSent {
		t.Errorf("cancelled before: %v, want context.Canceled and nothing sent", err)
	}
	if n := e.requests(); n != 0 {
		t.Errorf("%d requests were sent under a context that had ended", n)
	}

	during, cancel := context.WithCancel(t.Context())
	defer cancel()
	e.breakWith(func(w http.ResponseWriter, r *http.Request, body []byte) bool { cancel(); return hang(w, r, body) })
	began := time.Now()
	if err := e.fail(t, during); !errors.Is(err, context.Canceled) || notify.KindOf(err) != notify.Unanswered {
		t.Errorf("cancelled during: %v, want context.Canceled and no answer", err)
	}
	if took := time.Since(began); took > short {
		t.Errorf("Deliver went on for %v after its context had ended", took)
	}
}

// recovers also counts requests: one delivery is one attempt.
func recovers(t *testing.T, e *end) {
	e.breakWith(answering(500))
	before := e.requests()
	_ = e.fail(t, t.Context())
	if n := e.requests() - before; n != 1 {
		t.Errorf("%d requests for one failing delivery, want 1: retrying is the pipeline's", n)
	}
	e.breakWith(nil)
	e.deliver(t, Grant(), notify.Ref{})
	if got := kinds(e.arrived()); len(got) != 1 {
		t.Errorf("arrived %v, want one message", got)
	}
}

func updateFails(t *testing.T, e *end) {
	m := Grant()
	ref := e.deliver(t, m, notify.Ref{})
	m.News = "Succeeded after 12 s"
	e.breakWith(answering(429, "Retry-After", "3"))
	_, err := e.destination.Deliver(t.Context(), m, ref)
	if delay, named := notify.Delay(err); !named || delay != 3*time.Second {
		t.Errorf("update: %v, want a delay of 3 s", err)
	}
	e.checkSilent(t, err, m)
}
