package inbox

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"
)

// TestFaultRateLimit goes the way of a handler: the library must see the delay that the fault asked for.
func TestFaultRateLimit(t *testing.T) {
	t.Parallel()
	s, url := serve(t, Options{})
	if got := call(t, "POST "+url+"/api/faults", `{"destination":"slack","status":429,"retry_after":2,"count":2}`); got.status != http.StatusCreated {
		t.Fatalf("set fault: %d %s", got.status, got.body)
	}
	for range 2 {
		_, _, err := slackClient(url).PostMessageContext(t.Context(), "C1", slack.MsgOptionText("x", false))
		var limited *slack.RateLimitedError
		if !errors.As(err, &limited) || limited.RetryAfter != 2*time.Second {
			t.Errorf("got %v, want a rate limit of 2 s", err)
		}
	}
	if _, _, err := slackClient(url).PostMessageContext(t.Context(), "C1", slack.MsgOptionText("x", false)); err != nil {
		t.Errorf("after the fault's count: %v", err)
	}
	if got := len(s.Messages()); got != 1 {
		t.Errorf("got %d messages, want the one that was accepted", got)
	}
}

func TestFaultStatus(t *testing.T) {
	t.Parallel()
	s, url := serve(t, Options{})
	for destination, path := range map[string]string{Slack: "/slack/webhook/x", Teams: "/teams/workflow/x", Webhook: "/webhook/x"} {
		if err := s.Fail(Fault{Destination: destination, Status: Failure{Status: 500}, RetryAfter: 7}); err != nil {
			t.Fatal(err)
		}
		got := call(t, "POST "+url+path, `{"text":"x"}`)
		if got.status != 500 || got.header.Get("Retry-After") != "7" {
			t.Errorf("%s: got %d, Retry-After %q, want 500 and 7", destination, got.status, got.header.Get("Retry-After"))
		}
	}
	if got := len(s.faults.all()); got != 0 {
		t.Errorf("got %d faults left, want none: the count is 1 unless said", got)
	}
}

func TestFaultTimeout(t *testing.T) {
	t.Parallel()
	s, url := serve(t, Options{})
	if err := s.Fail(Fault{Destination: Teams, Status: Failure{Mode: Timeout}}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { // give up once the request has been read and counted
		for {
			s.store.mu.Lock()
			failed, changed := s.store.tallies[Teams].Failed, s.store.changed
			s.store.mu.Unlock()
			if failed > 0 {
				cancel()
				return
			}
			<-changed
		}
	}()
	r, err := http.NewRequestWithContext(ctx, "POST", url+"/teams/workflow/x", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := http.DefaultClient.Do(r); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want silence until the client gives up", err)
	}
}

func TestFaultTimeoutEndsWithTheServer(t *testing.T) {
	t.Parallel()
	s, url := serve(t, Options{})
	if err := s.Fail(Fault{Destination: Webhook, Status: Failure{Mode: Timeout}}); err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() {
		_, err := http.Post(url+"/webhook/x", "application/json", strings.NewReader("{}"))
		failed <- err
	}()
	untilFailed(s, Webhook)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; err == nil {
		t.Error("got an answer, want a broken connection")
	}
}

// untilFailed waits until something sent to destination has failed.
func untilFailed(s *Server, destination string) {
	for {
		s.store.mu.Lock()
		seen, changed := s.store.tallies[destination].Failed, s.store.changed
		s.store.mu.Unlock()
		if seen > 0 {
			return
		}
		<-changed
	}
}

func TestFaultReset(t *testing.T) {
	t.Parallel()
	s, url := serve(t, Options{})
	if err := s.Fail(Fault{Destination: Slack, Status: Failure{Mode: Reset}}); err != nil {
		t.Fatal(err)
	}
	_, err := http.Post(url+"/slack/webhook/x", "application/json", strings.NewReader(`{"text":"x"}`))
	if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want a connection reset", err)
	}
	if got := len(s.Messages()); got != 0 {
		t.Errorf("got %d messages, want none", got)
	}
}

func TestFaultEvery(t *testing.T) {
	t.Parallel()
	s, url := serve(t, Options{})
	if err := s.Fail(Fault{Destination: Webhook, Status: Failure{Status: 503}, Every: 3, Count: 2}); err != nil {
		t.Fatal(err)
	}
	var got []int
	for range 10 {
		got = append(got, call(t, "POST "+url+"/webhook/x", "{}").status)
	}
	if diff := cmp.Diff([]int{200, 200, 503, 200, 200, 503, 200, 200, 200, 200}, got); diff != "" {
		t.Errorf("every third of the next, twice (-want +got):\n%s", diff)
	}
}

// TestFaultAfter is the gap that no sender can close: the message is there, and the sender was told that it is not.
func TestFaultAfter(t *testing.T) {
	t.Parallel()
	s, url := serve(t, Options{})
	for _, f := range []Failure{{Status: 500}, {Mode: Reset}} {
		if err := s.Fail(Fault{Destination: Slack, Status: f, After: true}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := slackClient(url).PostMessageContext(t.Context(), "C1", slack.MsgOptionText("x", false)); err == nil {
			t.Errorf("%+v: got no error", f)
		}
	}
	if got := len(s.Messages()); got != 2 {
		t.Errorf("got %d messages, want both kept", got)
	}
	if got := s.status().Destinations[Slack]; got != (tally{Accepted: 2, Failed: 2}) {
		t.Errorf("got %+v, want both kept and both failed", got)
	}
}

func TestFaultsAreForOneDestination(t *testing.T) {
	t.Parallel()
	s, url := serve(t, Options{})
	if err := s.Fail(Fault{Destination: Slack, Status: Failure{Status: 500}}); err != nil {
		t.Fatal(err)
	}
	if got := call(t, "POST "+url+"/webhook/x", "{}"); got.status != 200 {
		t.Errorf("another destination: got %d, want 200", got.status)
	}
	if got := call(t, "GET "+url+"/api/faults", ""); got.body != `[{"destination":"slack","status":500,"count":1}]`+"\n" {
		t.Errorf("list: got %s", got.body)
	}
	if got := call(t, "DELETE "+url+"/api/faults", ""); got.status != http.StatusNoContent {
		t.Errorf("clear: got %d, want 204", got.status)
	}
	if got := call(t, "POST "+url+"/slack/webhook/x", `{"text":"x"}`); got.status != 200 {
		t.Errorf("after clearing: got %d, want 200", got.status)
	}
}

func TestFaultsThatCannotBe(t *testing.T) {
	t.Parallel()
	_, url := serve(t, Options{})
	cases := []struct{ name, body, says string }{
		{"empty", ``, "a fault looks like"},
		{"not JSON", `slack`, "a fault looks like"},
		{"unknown destination", `{"destination":"sms","status":500}`, `"destination" must be slack, teams, email or webhook, not "sms"`},
		{"no destination", `{"status":500}`, `"destination" must be`},
		{"no status", `{"destination":"slack"}`, `"status" is missing`},
		{"status of success", `{"destination":"slack","status":200}`, `"status" must be a number from 400 to 599`},
		{"status of words", `{"destination":"slack","status":"slow"}`, `"status" must be a number from 400 to 599`},
		{"negative count", `{"destination":"slack","status":500,"count":-1}`, "must not be negative"},
		{"typo", `{"destination":"slack","status":500,"cuont":1}`, `unknown field "cuont"`},
		{"count of words", `{"destination":"slack","status":500,"count":"many"}`, "a fault looks like"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := call(t, "POST "+url+"/api/faults", c.body); got.status != 400 || !strings.Contains(got.body, c.says) {
				t.Errorf("got %d %q, want 400 with %q", got.status, got.body, c.says)
			}
		})
	}
}
