//go:build measured

package stack_test

// What the real process takes, and how long it lets others wait: make measured. These tests need some memory and a minute of a
// machine of their own, so they are not among the others.

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/auditbell/auditbell/local/host"
	"github.com/auditbell/auditbell/local/inbox"
	"github.com/auditbell/auditbell/local/stack"
)

// mostMemory is what the handler may have taken at its worst, in MiB.
const mostMemory = 128

// peak is the most memory that the handler process has had, in MiB (VmHWM of proc_pid_status(5)).
func peak(t *testing.T, s *stack.Stack) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.Host.HandlerPID()))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if found == nil {
		t.Fatalf("no VmHWM in\n%s", status)
	}
	kB, _ := strconv.Atoi(string(found[1]))
	return kB / 1024
}

// remember reports the peak, and fails beyond the bound.
func remember(t *testing.T, s *stack.Stack, after string) {
	t.Helper()
	got := peak(t, s)
	t.Logf("%s: the handler has had %d MiB at most", after, got)
	if got >= mostMemory {
		t.Errorf("%s: the handler has had %d MiB, want less than %d", after, got, mostMemory)
	}
}

// TestFlood has 60 callers send 15 MB each at once to the function that anybody may call, while 200 callers send it a byte a second.
// An action group's alerts are answered within ten seconds all the while.
func TestFlood(t *testing.T) {
	s := start(t, stack.Options{})
	remember(t, s, "at the start")
	ctx, stop := context.WithTimeout(t.Context(), 4*time.Minute)
	var slow, flood sync.WaitGroup
	defer slow.Wait()
	defer stop()
	var connected atomic.Int32
	for range 200 {
		slow.Go(func() { drip(ctx, t, s, &connected) })
	}
	for connected.Load() < 200 && ctx.Err() == nil {
		<-time.After(10 * time.Millisecond)
	}
	var mu sync.Mutex
	answers := map[int]int{}
	body := []byte("payload=" + strings.Repeat("%41", 5_000_000))
	for range 60 {
		flood.Go(func() {
			status := click(ctx, s, body)
			mu.Lock()
			defer mu.Unlock()
			answers[status]++
		})
	}
	over := make(chan struct{})
	go func() { flood.Wait(); close(over) }()
	longest, alerts := time.Duration(0), 0
	for flooding := true; flooding; alerts++ {
		began := time.Now()
		err := toActionGroup(ctx, s, activated(alerts, began))
		took := time.Since(began)
		if longest = max(longest, took); err != nil || took > 10*time.Second {
			t.Errorf("the action group's alert %d was answered after %s: %v", alerts, took, err)
		}
		select {
		case <-over:
			flooding = false
		case <-time.After(500 * time.Millisecond):
		}
	}
	t.Logf("the flood was answered %v; %d alerts of an action group were answered within %s", answers, alerts, longest.Round(time.Millisecond))
	remember(t, s, "60 callers x 15 MB, 200 callers with a byte a second")
	if answers[http.StatusRequestEntityTooLarge] != 60 {
		t.Errorf("the flood was answered %v, want 413 for each of 60", answers)
	}
}

// TestFloodWithAKey has 20 callers, who hold the key of the function, send 14 MB each at once, and as much as Azure sends, in every
// shape that grows when it is read. Alerts are answered within ten seconds all the while.
func TestFloodWithAKey(t *testing.T) {
	s := start(t, stack.Options{})
	ctx, stop := context.WithTimeout(t.Context(), 4*time.Minute)
	defer stop()
	for _, size := range []int{14 << 20, 1 << 20} {
		for shape, body := range map[string]string{
			"quotation marks": strings.Repeat(`"`, size),
			"nested lists":    strings.Repeat("[", size/2) + strings.Repeat("]", size/2),
			"members":         "{" + strings.Repeat(`"k":1,`, size/6) + `"k":1}`,
		} {
			var flood sync.WaitGroup
			for range 20 {
				flood.Go(func() {
					if err := toActionGroup(ctx, s, []byte(body)); (err != nil) != (size > 1<<20) {
						t.Errorf("%d bytes of %s: %v", size, shape, err)
					}
				})
			}
			began := time.Now()
			err := toActionGroup(ctx, s, activated(size, began))
			if took := time.Since(began); err != nil || took > 10*time.Second {
				t.Errorf("beside %s an alert was answered after %s: %v", shape, took, err)
			}
			flood.Wait()
			remember(t, s, fmt.Sprintf("20 callers x %d MiB of %s", size>>20, shape))
		}
	}
}

// click sends a body to the function that anybody may call, and returns the status of its answer; 0: none.
func click(ctx context.Context, s *stack.Stack, body []byte) int {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Host.URL()+"/api/slack-action", bytes.NewReader(body))
	if err != nil {
		return 0
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Slack-Request-Timestamp", strconv.FormatInt(time.Now().Unix(), 10))
	r.Header.Set("X-Slack-Signature", "v0="+strings.Repeat("0", 64))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	return answer.StatusCode
}

// drip sends the same function a byte a second of a body that never ends.
func drip(ctx context.Context, t *testing.T, s *stack.Stack, connected *atomic.Int32) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", strings.TrimPrefix(s.Host.URL(), "http://"))
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "POST /api/slack-action HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100000\r\n\r\n")
	connected.Add(1)
	for ctx.Err() == nil {
		if _, err := io.WriteString(conn, "a"); err != nil {
			return // it was turned away
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
}

// activated is an alert of an Azure alert rule, as an action group sends it.
func activated(n int, at time.Time) []byte {
	body, _ := json.Marshal(map[string]any{"schemaId": "azureMonitorCommonAlertSchema", "data": map[string]any{
		"essentials": map[string]any{
			"alertId": fmt.Sprintf("/subscriptions/s/providers/Microsoft.AlertsManagement/alerts/%d", n), "alertRule": fmt.Sprint("rule ", n), "severity": "Sev1", "signalType": "Metric",
			"monitorCondition": "Fired", "monitoringService": "Platform", "firedDateTime": at.UTC(), "essentialsVersion": "1.0", "alertContextVersion": "1.0",
			"alertTargetIDs": []string{"/subscriptions/s/resourcegroups/rg/providers/microsoft.compute/virtualmachines/vm"},
		},
		"alertContext": map[string]any{},
	}})
	return body
}

// hubRecord is the n-th record of the diagnostic export, an alert of its own, with as many bytes beside it.
func hubRecord(n, bytes int) map[string]any {
	return map[string]any{
		"time": time.Now().UTC(), "operationName": "MICROSOFT.AUTHORIZATION/POLICYASSIGNMENTS/WRITE", "category": "Administrative", "resultType": "Success",
		"resourceId":    fmt.Sprintf("/SUBSCRIPTIONS/5F1C0A52-7C1E-4B7D-9A41-2D6A8C3E9B10/RESOURCEGROUPS/RGH%03d/PROVIDERS/MICROSOFT.AUTHORIZATION/POLICYASSIGNMENTS/P1", n),
		"correlationId": fmt.Sprintf("c0000000-0000-0000-0000-%012d", n), "level": "Information",
		"identity":   map[string]any{"claims": map[string]string{"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn": fmt.Sprintf("hub%04d@contoso.example", n)}},
		"properties": map[string]any{"eventCategory": "Administrative", "responseBody": strings.Repeat(`"`, bytes)},
	}
}

// toHub puts messages into the hub, once, and returns the status when all were read.
func toHub(t *testing.T, h *host.Host, messages []any) int {
	t.Helper()
	body, err := json.Marshal(messages)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.Post(h.URL()+"/runtime/webhooks/eventhub?functionName=eventhub-activity", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

// noticed waits until the first n people of hubRecord are in Slack, and returns how many are.
func noticed(ctx context.Context, s *stack.Stack, n int) (found int) {
	count := func(messages []inbox.Message) int {
		var all strings.Builder
		for _, m := range messages {
			if m.Destination == inbox.Slack {
				all.WriteString(m.Text)
			}
		}
		found = 0
		for i := range n {
			if strings.Contains(all.String(), fmt.Sprintf("hub%04d@", i)) {
				found++
			}
		}
		return found
	}
	_, _ = s.Inbox.Await(ctx, func(m []inbox.Message) bool { return count(m) == n })
	return found
}

// TestLargestHubBatch puts a hundred messages of a megabyte into two partitions of the hub, of which quoting makes the most that it
// can.
func TestLargestHubBatch(t *testing.T) {
	s := start(t, stack.Options{})
	const n = 100
	var partitions sync.WaitGroup
	for first := range 2 {
		partitions.Go(func() {
			for from := first * 10; from < n; from += 20 {
				var messages []any
				for i := from; i < from+10; i++ { // a request of local/host holds so many
					messages = append(messages, map[string]any{"records": []any{hubRecord(i, 500_000)}}) // each quotation mark is two bytes
				}
				if status := toHub(t, s.Host, messages); status != http.StatusAccepted {
					t.Errorf("messages from %d: %d", from, status)
				}
			}
		})
	}
	partitions.Wait()
	ctx, stop := context.WithTimeout(t.Context(), 4*time.Minute)
	defer stop()
	if found := noticed(ctx, s, n); found != n {
		t.Errorf("%d of %d alerts are in Slack", found, n)
	}
	remember(t, s, "100 messages of 1 MB")
}

// TestHubUnderKills delivers each batch once, as a listener that checkpoints whatever came of it, while the handler is killed every
// 350 ms.
func TestHubUnderKills(t *testing.T) {
	s := start(t, stack.Options{Settings: []string{"DELIVERY_LEASE=1s", "DELIVER_SCHEDULE=* * * * * *"}})
	const n = 60
	ctx, stop := context.WithTimeout(t.Context(), 5*time.Minute)
	defer stop()
	killing, enough := context.WithCancel(ctx)
	kills := make(chan int, 1)
	go func() {
		done := 0
		for killing.Err() == nil {
			select {
			case <-time.After(350 * time.Millisecond):
			case <-killing.Done():
			}
			if process, err := os.FindProcess(s.Host.HandlerPID()); err == nil && s.Host.HandlerPID() > 0 && process.Kill() == nil {
				done++
			}
		}
		kills <- done
	}()
	answers := map[int]int{}
	for from := 0; from < n; from += 5 {
		<-time.After(400 * time.Millisecond) // else the last batch is read before the second kill
		answers[toHub(t, s.Host, fromTo(from, from+5))]++
	}
	enough()
	killed := <-kills
	found := noticed(ctx, s, n)
	t.Logf("%d kills, batches were answered %v, %d of %d alerts are in Slack", killed, answers, found, n)
	if found != n || killed < n/5 {
		t.Errorf("%d of %d alerts are in Slack after %d kills", found, n, killed)
	}
}

// fromTo are hub messages of one record each.
func fromTo(from, to int) (messages []any) {
	for i := from; i < to; i++ {
		messages = append(messages, map[string]any{"records": []any{hubRecord(i, 0)}})
	}
	return messages
}

// TestHubOfTwoHosts has two hosts read one hub, of which one is killed with its handler while messages come in. The other takes its
// partitions when the lease has ended, and goes on from their checkpoints.
func TestHubOfTwoHosts(t *testing.T) {
	hubs := &host.Hubs{Lease: 3 * time.Second}
	s := start(t, stack.Options{Settings: []string{"DELIVERY_LEASE=1s", "DELIVER_SCHEDULE=* * * * * *"}, Host: host.Options{Hubs: hubs}})
	other, err := s.Another(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const n = 60
	var senders sync.WaitGroup
	var read atomic.Int32
	for from := 0; from < n; from += 5 {
		senders.Go(func() {
			if status := toHub(t, other, fromTo(from, from+5)); status != http.StatusAccepted {
				t.Errorf("messages from %d: %d", from, status)
			}
			if read.Add(1) == 2 {
				go s.Host.Close() // the rest is in the hub, and some of it on its way
			}
		})
	}
	senders.Wait()
	ctx, stop := context.WithTimeout(t.Context(), 4*time.Minute)
	defer stop()
	found := noticed(ctx, s, n)
	t.Logf("%d of %d alerts are in Slack", found, n)
	if found != n {
		t.Errorf("%d of %d alerts are in Slack", found, n)
	}
}
