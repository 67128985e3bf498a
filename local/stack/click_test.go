package stack_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/auditbell/auditbell/local/inbox"
	"github.com/auditbell/auditbell/local/stack"
)

// A person clicks in the browser; Slack's signed request goes through the host to the handler, and the message changes.
func TestAClickChangesTheMessage(t *testing.T) {
	t.Parallel()
	s := start(t, stack.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := deliver(ctx, s, event(1)); err != nil {
		t.Fatal(err)
	}
	messages, err := s.Inbox.Await(ctx, func(m []inbox.Message) bool { return count(m, inbox.Slack) == 1 && count(m, inbox.Teams) == 1 })
	if err != nil {
		t.Fatal(err)
	}
	id := ""
	for _, m := range messages {
		if m.Destination == inbox.Slack {
			id = m.ID
		}
	}
	for _, c := range []struct{ action, want string }{
		{"auditbell-acknowledge", "Acknowledged by @ana"},
		{"auditbell-expect", "Marked as expected by @ana"},
	} {
		if err := s.Inbox.Click(ctx, id, inbox.Click{ActionID: c.action, User: "ana"}); err != nil {
			t.Fatalf("%s: %v", c.action, err)
		}
		if _, err := s.Inbox.Await(ctx, func(m []inbox.Message) bool {
			last := m[len(m)-1]
			return last.Kind == inbox.Update && strings.Contains(last.Text, c.want)
		}); err != nil {
			t.Fatalf("%s: the message never said %q: %v", c.action, c.want, err)
		}
	}
	// The same by the same in the same place no longer rings; elsewhere it does.
	again := bytes.ReplaceAll(bytes.ReplaceAll(event(1), []byte("pa-0001"), []byte("pa-9999")), []byte("c0000000-0000-0000-0000-000000000001"), []byte("another"))
	again = bytes.ReplaceAll(again, []byte("4db48cba-50a2-455a-93b4-000000000001"), []byte("4db48cba-50a2-455a-93b4-999999999999"))
	for _, body := range [][]byte{again, event(2)} {
		if _, err := deliver(ctx, s, body); err != nil {
			t.Fatal(err)
		}
	}
	messages, err = s.Inbox.Await(ctx, func(m []inbox.Message) bool { return distinct(m, inbox.Slack)["pa-0002"] })
	if err != nil {
		t.Fatal(err)
	}
	if distinct(messages, inbox.Slack)["pa-9999"] {
		t.Error("what was marked as expected rang")
	}
}
