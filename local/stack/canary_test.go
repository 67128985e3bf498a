package stack_test

import (
	"context"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/auditbell/auditbell/local/inbox"
	"github.com/auditbell/auditbell/local/stack"
)

// sendCanary runs the function now, as `POST /admin/functions/canary` does.
func sendCanary(ctx context.Context, t *testing.T, s *stack.Stack) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Host.URL()+"/admin/functions/canary", strings.NewReader(`{"input":""}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil || response.StatusCode/100 != 2 {
		t.Fatalf("run canary: %s, %v", response.Status, err)
	}
}

// TestCanaryKilledBetweenCommitAndDelivery kills the process that sends the day's test while Slack has read it and does not
// answer. The next process's timer delivers it, and the function, run again, sends no second one.
func TestCanaryKilledBetweenCommitAndDelivery(t *testing.T) {
	t.Parallel()
	s := start(t, stack.Options{Settings: []string{"CANARY_AT=00:00", "DELIVERY_LEASE=2s", "DELIVER_SCHEDULE=* * * * * *"}})
	if err := s.Inbox.Fail(inbox.Fault{Destination: inbox.Slack, Status: inbox.Failure{Mode: inbox.Timeout}, Count: 1}); err != nil {
		t.Fatal(err)
	}
	// Where the kill comes after the lease, Slack's time was over: what it may have taken is repeated a minute later, no earlier.
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	sendCanary(ctx, t, s)
	if _, err := s.Inbox.Await(ctx, func(m []inbox.Message) bool { return count(m, inbox.Teams) > 0 }); err != nil {
		t.Fatal(err)
	}
	process, err := os.FindProcess(s.Host.HandlerPID())
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := s.Host.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Inbox.Await(ctx, func(m []inbox.Message) bool { return count(m, inbox.Slack) > 0 }); err != nil {
		t.Fatalf("Slack's test never came: %v", err)
	}
	sendCanary(ctx, t, s)
	sendCanary(ctx, t, s)
	if err := runTimer(ctx, s); err != nil {
		t.Fatal(err)
	}
	messages := s.Inbox.Messages()
	if slack := count(messages, inbox.Slack); slack != 1 {
		t.Errorf("Slack has %d tests, want 1", slack)
	}
	if teams := count(messages, inbox.Teams); teams > 2 {
		t.Errorf("Teams has %d tests; the gap between sending and marking allows one repetition", teams)
	}
	for _, m := range messages {
		if !strings.Contains(m.Text, "Test: the daily canary, nothing happened") {
			t.Errorf("%s has %q, which a reader could mistake for an event", m.Destination, m.Text)
		}
	}
}
