package stack_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/auditbell/auditbell/local/azure"
	"github.com/auditbell/auditbell/local/inbox"
	"github.com/auditbell/auditbell/local/scenario"
	"github.com/auditbell/auditbell/local/stack"
)

// slowly is how long everything that is looked up takes.
const slowly = 2 * time.Second

// grant is a role assignment by a service principal, as an action group tells it: role, principal, caller and place are
// looked up for it.
func grant(n int) []byte {
	const subscription = "5f1c0a52-7c1e-4b7d-9a41-2d6a8c3e9b10"
	group := fmt.Sprintf("/subscriptions/%s/resourceGroups/rg-%04d", subscription, n)
	body, err := json.Marshal(map[string]any{"schemaId": "Microsoft.Insights/activityLogs", "data": map[string]any{
		"status": "Activated", "properties": map[string]any{},
		"context": map[string]any{"activityLog": map[string]any{
			"channels": "Operation", "caller": "2c4e6a80-1b3d-4f5a-9c7e-0d1f2a3b4c5d", "correlationId": fmt.Sprintf("c0000000-0000-0000-0000-%012d", n),
			"claims":      `{"http://schemas.microsoft.com/identity/claims/objectidentifier":"2c4e6a80-1b3d-4f5a-9c7e-0d1f2a3b4c5d","idtyp":"app"}`,
			"eventSource": "Administrative", "eventTimestamp": time.Now().UTC().Format(time.RFC3339Nano), "eventDataId": fmt.Sprint("e", n), "level": "Informational",
			"operationName": "Microsoft.Authorization/roleAssignments/write", "status": "Succeeded", "subscriptionId": subscription,
			"resourceGroupName": fmt.Sprintf("rg-%04d", n), "resourceId": group + "/providers/Microsoft.Authorization/roleAssignments/" + fmt.Sprintf("5b1d9f3a-0a2c-4e6d-8f10-%012d", n),
			"properties": map[string]any{"requestbody": fmt.Sprintf(`{"properties":{"principalId":"e0b3c1d2-4f5a-46b7-88c9-d0e1f2a3b4c5","roleDefinitionId":`+
				`"/subscriptions/%s/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635","scope":"%s"}}`, subscription, group)},
		}},
	}})
	if err != nil {
		panic(err) // maps of strings always marshal
	}
	return body
}

// firsts delivers n role assignments, a few at a time, and returns for each how long after it was handed in the first
// message about it was in Slack, and how long until an edit named the principal, as far as there was one by then.
func firsts(ctx context.Context, s *stack.Stack, n int) (posts, edits []time.Duration, err error) {
	began := make([]time.Time, n)
	var wg sync.WaitGroup
	var mu sync.Mutex
	slots := make(chan struct{}, 8)
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			began[i] = time.Now()
			if e := toActionGroup(ctx, s, grant(i)); e != nil {
				mu.Lock()
				err = e
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if err != nil {
		return nil, nil, err
	}
	at := func(all []inbox.Message, i int, kind, text string) time.Time {
		for _, m := range all {
			if m.Destination == inbox.Slack && m.Kind == kind && strings.Contains(m.Text, fmt.Sprintf("rg-%04d", i)) && strings.Contains(m.Text, text) {
				return m.At
			}
		}
		return time.Time{}
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	all, err := s.Inbox.Await(ctx, func(all []inbox.Message) bool {
		for i := range n {
			if at(all, i, inbox.Post, "").IsZero() || s.Azure != nil && i < 3 && at(all, i, inbox.Update, "Jonas Berg").IsZero() {
				return false
			}
		}
		return true
	})
	if err != nil {
		return nil, nil, fmt.Errorf("wait for messages: %w", err)
	}
	for i := range n {
		posts = append(posts, at(all, i, inbox.Post, "").Sub(began[i]))
		if e := at(all, i, inbox.Update, "Jonas Berg"); !e.IsZero() {
			edits = append(edits, e.Sub(began[i]))
		}
	}
	slices.Sort(posts)
	slices.Sort(edits)
	return posts, edits, nil
}

func toActionGroup(ctx context.Context, s *stack.Stack, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Host.URL()+"/api/actiongroup-alert", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the action group was answered %d", response.StatusCode)
	}
	return nil
}

// slowStack starts everything, with lookups that take their time, or without any.
func slowStack(tb testing.TB, lookups bool) *stack.Stack {
	tb.Helper()
	o := stack.Options{Dist: dist}
	if lookups {
		known := scenario.Directory()
		o.Azure = &known
	}
	s, err := stack.Start(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	if lookups {
		s.Azure.Fail(azure.Fault{Prefix: "/", Count: 1 << 30, Delay: slowly})
	}
	return s
}

// The whole way through host, handler and channels: everything that is looked up takes two seconds, the first message
// does not.
func TestSlowLookupsDelayNoMessage(t *testing.T) {
	t.Parallel()
	s := slowStack(t, true)
	defer s.Close()
	posts, edits, err := firsts(t.Context(), s, 3)
	if err != nil {
		t.Fatal(err)
	}
	if len(posts) != 3 || posts[2] >= slowly || len(edits) == 0 || edits[0] < slowly {
		t.Errorf("posted after %v, edited after %v; want posts before and edits after %s", posts, edits, slowly)
	}
}

// BenchmarkFirstMessage is the time from handing an event in to its first message in Slack while everything that is
// looked up takes two seconds, and beside it without lookups. The goal is 1 s for 99 of 100.
func BenchmarkFirstMessage(b *testing.B) {
	for _, c := range []struct {
		name    string
		lookups bool
	}{{"lookups=off", false}, {"lookups=2s", true}} {
		b.Run(c.name, func(b *testing.B) {
			var posts []time.Duration
			for b.Loop() {
				s := slowStack(b, c.lookups)
				p, _, err := firsts(b.Context(), s, 25) // within a channel's burst, full records included, so that no budget is measured
				if err != nil {
					b.Fatal(err)
				}
				posts = append(posts, p...)
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
			}
			slices.Sort(posts)
			at := func(part float64) float64 {
				return float64(posts[int(part*float64(len(posts)-1))].Microseconds()) / 1000
			}
			b.ReportMetric(at(0.5), "first-p50-ms")
			b.ReportMetric(at(0.99), "first-p99-ms")
			b.ReportMetric(float64(len(posts)), "messages")
		})
	}
}
