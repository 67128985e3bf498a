package stack_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/auditbell/auditbell/local/inbox"
	"github.com/auditbell/auditbell/local/scenario"
	"github.com/auditbell/auditbell/local/stack"
)

// dist is staged once for all tests of the package.
var dist string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		folder, err := os.MkdirTemp("", "auditbell-test-")
		if err == nil {
			dist = filepath.Join(folder, "dist")
			err = stack.Stage(context.Background(), "../..", dist)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "stage:", err)
			return 1
		}
		defer os.RemoveAll(folder)
		return m.Run()
	}())
}

func start(t *testing.T, o stack.Options) *stack.Stack {
	t.Helper()
	o.Dist = dist
	var mu sync.Mutex
	var log []string
	o.Log = func(line string) {
		mu.Lock()
		defer mu.Unlock()
		log = append(log, line)
	}
	s, err := stack.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if t.Failed() {
			t.Log(strings.Join(log[max(0, len(log)-60):], "\n"))
		}
	})
	return s
}

func TestTheMainJob(t *testing.T) {
	t.Parallel()
	s := start(t, stack.Options{})
	deliveries, err := scenario.Load(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	rows, err := scenario.Play(t.Context(), deliveries, s.Host.URL())
	if err != nil {
		t.Fatal(err)
	}
	scenario.Await(t.Context(), s.Inbox, rows, 0)
	var table bytes.Buffer
	if !scenario.Print(&table, rows) {
		t.Errorf("an expected message is missing:\n%s", &table)
	}
	rung := 0
	for _, r := range rows {
		if r.Delivery.Expect.Text != "" {
			rung++
		}
	}
	told := slices.DeleteFunc(s.Inbox.Messages(), func(m inbox.Message) bool { // records stand in the threads of grave alerts
		return m.Kind == inbox.Thread && strings.HasPrefix(m.Text, "Full record")
	})
	if got, want := len(told), 2*(rung+1); got != want { // one delivery holds two events
		t.Errorf("%d messages, want %d: one for each alert in each of two channels\n%s", got, want, &table)
	}
}

// event is an Event Grid delivery of one policy assignment in a resource group of its own, so that each is an alert.
func event(n int) []byte {
	id := fmt.Sprintf("/subscriptions/5f1c0a52-7c1e-4b7d-9a41-2d6a8c3e9b10/resourceGroups/rg-%04d/providers/Microsoft.Authorization/policyAssignments/pa-%04d", n, n)
	body, err := json.Marshal([]any{map[string]any{
		"id": fmt.Sprintf("4db48cba-50a2-455a-93b4-%012d", n), "subject": id, "eventType": "Microsoft.Resources.ResourceWriteSuccess",
		"eventTime": time.Date(2026, 11, 22, 12, 0, 0, n*1000, time.UTC).Format(time.RFC3339Nano), "dataVersion": "2", "metadataVersion": "1",
		"topic": "/subscriptions/5f1c0a52-7c1e-4b7d-9a41-2d6a8c3e9b10",
		"data": map[string]any{
			"resourceUri": id, "operationName": "Microsoft.Authorization/policyAssignments/write", "status": "Succeeded",
			"correlationId": fmt.Sprintf("c0000000-0000-0000-0000-%012d", n), "subscriptionId": "5f1c0a52-7c1e-4b7d-9a41-2d6a8c3e9b10",
		},
	}})
	if err != nil {
		panic(err) // strings always marshal
	}
	return body
}

// deliver makes the request as Event Grid does, again and again until it is accepted, and returns how often.
func deliver(ctx context.Context, s *stack.Stack, body []byte) (attempts int, err error) {
	for ctx.Err() == nil {
		attempts++
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Host.URL()+"/runtime/webhooks/eventgrid?functionName=eventgrid-activity", bytes.NewReader(body))
		if err != nil {
			return attempts, err
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("aeg-event-type", "Notification")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			continue
		}
		_ = response.Body.Close()
		if response.StatusCode == http.StatusAccepted {
			return attempts, nil
		}
	}
	return attempts, ctx.Err()
}

// runTimer runs deliver now, as `POST /admin/functions/deliver` does.
func runTimer(ctx context.Context, s *stack.Stack) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Host.URL()+"/admin/functions/deliver", strings.NewReader(`{"input":""}`))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

func TestKilledBetweenCommitAndDelivery(t *testing.T) {
	t.Parallel()
	s := start(t, stack.Options{Settings: []string{"DELIVERY_LEASE=2s", "DELIVER_SCHEDULE=* * * * * *"}})
	if err := s.Inbox.Fail(inbox.Fault{Destination: inbox.Slack, Status: inbox.Failure{Mode: inbox.Timeout}, Count: 1}); err != nil {
		t.Fatal(err)
	}
	// On a busy machine the kill comes after the lease: then Slack's time is over, it is marked as sent and not answered, and
	// what may have been taken is repeated a minute later and no earlier.
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Second)
	defer cancel()
	accepted := make(chan error, 1)
	go func() {
		_, err := deliver(ctx, s, event(1))
		accepted <- err
	}()
	// Teams has its message, so the alert is committed; Slack has read the request and does not answer.
	if _, err := s.Inbox.Await(ctx, func(m []inbox.Message) bool { return len(m) > 0 }); err != nil {
		t.Fatal(err)
	}
	process, err := os.FindProcess(s.Host.HandlerPID())
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := <-accepted; err != nil { // Event Grid delivers again to the restarted handler
		t.Fatal(err)
	}
	messages, err := s.Inbox.Await(ctx, func(m []inbox.Message) bool { return count(m, inbox.Slack) > 0 })
	if err != nil {
		t.Fatalf("Slack's message never came: %v", err)
	}
	if slack := count(messages, inbox.Slack); slack != 1 {
		t.Errorf("Slack has %d messages, want 1", slack)
	}
	if teams := count(messages, inbox.Teams); teams > 2 {
		t.Errorf("Teams has %d messages; the gap between sending and marking allows one repetition", teams)
	}
}

func count(messages []inbox.Message, destination string) int {
	n := 0
	for _, m := range messages {
		if m.Destination == destination {
			n++
		}
	}
	return n
}

// A design that marks and then posts loses every tenth alert here: the sender's retry is taken for a duplicate.
func TestAFailingEndLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	const alerts = 70 // a minute's burst for each channel, and ten that must wait for the budget
	s := start(t, stack.Options{Settings: []string{"DELIVER_SCHEDULE=* * * * * *"}})
	if err := s.Inbox.Fail(inbox.Fault{Destination: inbox.Slack, Status: inbox.Failure{Status: 500}, Every: 10, Count: alerts}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	slots := make(chan struct{}, 8)
	for n := range alerts {
		for range 2 { // every event is sent twice
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				if _, err := deliver(ctx, s, event(n)); err != nil {
					t.Errorf("event %d: %v", n, err)
				}
			})
		}
	}
	wg.Wait()
	if err := runTimer(ctx, s); err != nil {
		t.Error(err)
	}
	for _, destination := range []string{inbox.Slack, inbox.Teams} {
		messages, err := s.Inbox.Await(ctx, func(m []inbox.Message) bool { return len(distinct(m, destination)) == alerts })
		if err != nil {
			t.Errorf("%s: %v", destination, err)
		}
		sent, told := count(messages, destination), len(distinct(messages, destination))
		t.Logf("%s: accepted %d, distinct %d, sent %d", destination, alerts, told, sent)
		if told != alerts || sent != alerts {
			t.Errorf("%s: sent %d messages about %d alerts, want %d of each", destination, sent, told, alerts)
		}
	}
}

// distinct are the alerts, by resource name, that a destination was told of.
func distinct(messages []inbox.Message, destination string) map[string]bool {
	names := map[string]bool{}
	for _, m := range messages {
		if at := strings.Index(m.Text, "pa-"); m.Destination == destination && at >= 0 {
			names[m.Text[at:at+7]] = true
		}
	}
	return names
}

func TestATakenPortIsSaid(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, o := range []stack.Options{{Dist: dist, Inbox: l.Addr().String()}, {Dist: dist, Listen: l.Addr().String()}} {
		s, err := stack.Start(t.Context(), o)
		if err == nil {
			_ = s.Close()
			t.Fatal("started on a taken port")
		}
		if !strings.Contains(err.Error(), l.Addr().String()) || !strings.Contains(err.Error(), "hint:") {
			t.Errorf("error %q names neither the address nor what to do", err)
		}
	}
}

func TestStateIsKept(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tell := func() int {
		s, err := stack.Start(ctx, stack.Options{Dist: dist, Data: data})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if _, err := deliver(ctx, s, event(1)); err != nil {
			t.Fatal(err)
		}
		messages, err := s.Inbox.Await(ctx, func(m []inbox.Message) bool { return len(m) >= 2 })
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		return len(messages)
	}
	if first, second := tell(), tell(); first != 2 || second != 2 {
		t.Errorf("messages after the first run %d, after the same event in a second run %d; want 2 and 2", first, second)
	}
}
