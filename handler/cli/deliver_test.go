package cli

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/local/inbox"
)

// handler runs a command on the account of o; answer is what a person types.
func (o *outage) handler(answer string, args ...string) (out string, code int) {
	var b bytes.Buffer
	std := Surroundings{In: strings.NewReader(answer), Out: &b, Err: &b, Env: func(name string) (string, bool) { v, ok := o.env[name]; return v, ok }}
	code = Run(o.t.Context(), args, std)
	return b.String(), code
}

// owed are the alerts that deliver --list names, by title.
func (o *outage) owed() map[string]string {
	out, code := o.handler("", "deliver", "--list", "--format", "json")
	var list []owed
	if err := json.Unmarshal([]byte(out), &list); err != nil || code != exitDone {
		o.t.Fatalf("deliver --list: %d, %v: %s", code, err, out)
	}
	ids := map[string]string{}
	for _, one := range list {
		ids[one.Title] = one.Alert
	}
	return ids
}

// TestDeliverCommand has three alerts wait for Slack. One is discarded, after a question that is answered with no first; the
// others are sent by --now when Slack takes messages again.
func TestDeliverCommand(t *testing.T) {
	t.Parallel()
	o := newOutage(t)
	o.clock.Store(int64(time.Since(storyBegins))) // commands have the machine's clock
	if err := o.inbox.Fail(inbox.Fault{Destination: inbox.Slack, Status: inbox.Failure{Status: http.StatusServiceUnavailable}, Count: 1000}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		o.event()
	}
	o.ticks(2, time.Second)
	ids := o.owed()
	var one string
	for _, one = range ids {
		break
	}
	if table, code := o.handler("", "deliver", "--format", "table"); len(ids) != 3 || code != exitDone || strings.Count(table, "slack") != 3 || !strings.Contains(table, "DESTINATION") {
		t.Fatalf("%d alerts are owed, want 3; %d:\n%s", len(ids), code, table)
	}
	for _, c := range []struct {
		answer, says string
		args         []string
		code, left   int
	}{
		{"", "takes no messages", []string{"check"}, exitNo, 3},
		{"", "3 deliveries still wait", []string{"deliver", "--now"}, exitNo, 3},
		{"y\n", "no destination is owed this alert", []string{"deliver", "--discard", "alert-of-another-house"}, exitNo, 3},
		{"", "handler deliver --discard alert-1 gives its deliveries up", []string{"deliver", "alert-1"}, exitNo, 3},
		{"n\n", "Give up these 1 deliveries for good?", []string{"deliver", "--discard", one}, exitNo, 3},
		{"", "Give up these 1 deliveries for good?", []string{"deliver", "--discard", one}, exitNo, 3},
		{"y\n", "1 deliveries were discarded", []string{"deliver", "--discard", one}, exitDone, 2},
		{"", "1 deliveries were discarded", []string{"check"}, exitNo, 2},
	} {
		out, code := o.handler(c.answer, c.args...)
		if left := len(o.owed()); !strings.Contains(out, c.says) || code != c.code || left != c.left {
			t.Errorf("%q: %d, %d left; want %d, %d left and %q in:\n%s", c.args, code, left, c.code, c.left, c.says, out)
		}
	}
	o.well(t)
	if out, code := o.handler("", "deliver", "--now"); code != exitDone || len(o.owed()) != 0 || !strings.Contains(out, "2 alerts were sent") {
		t.Errorf("--now: %d:\n%s", code, out)
	}
	posts := 0
	for _, m := range o.inbox.Messages() {
		if m.Destination == inbox.Slack && m.Kind == inbox.Post && !strings.Contains(m.Text, "Auditbell about itself") {
			posts++
		}
	}
	if posts != 2 {
		t.Errorf("Slack has %d alerts, want the two that were not discarded", posts)
	}
	a, err := app.Open(newWorld(Surroundings{Env: func(name string) (string, bool) { v, ok := o.env[name]; return v, ok }}))
	if err != nil {
		t.Fatal(err)
	}
	h, _, err := a.Store.Health(t.Context(), "slack")
	if err != nil || len(h.Discarded) != 1 || h.Discarded[0].Alert != one {
		t.Errorf("discards: %+v, %v", h.Discarded, err)
	}
}

// well ends all faults.
func (o *outage) well(t *testing.T) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, o.ends+"/api/faults", strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
}

// TestARemovedDestinationIsOwedUntilDiscarded takes Slack out of the settings while two alerts wait for it.
func TestARemovedDestinationIsOwedUntilDiscarded(t *testing.T) {
	t.Parallel()
	o := newOutage(t)
	if err := o.inbox.Fail(inbox.Fault{Destination: inbox.Slack, Status: inbox.Failure{Status: http.StatusServiceUnavailable}, Count: 1000}); err != nil {
		t.Fatal(err)
	}
	o.event()
	o.event()
	for _, name := range []string{"SLACK_BOT_TOKEN", "SLACK_CHANNEL", "SLACK_API_URL"} {
		delete(o.env, name)
	}
	const removed = "slack: is not in the settings any more and is owed 2 alerts"
	for range 2 {
		if out, code := o.handler("", "check"); code != exitNo || !strings.Contains(out, removed) {
			t.Errorf("check says %d:\n%s", code, out)
		}
		o.ticks(2, 15*time.Minute)
	}
	discard := []string{"deliver", "--discard"}
	for _, id := range o.owed() {
		discard = append(discard, id)
	}
	if out, code := o.handler("y\n", discard...); code != exitDone || !strings.Contains(out, "2 deliveries were discarded") {
		t.Errorf("discard: %d\n%s", code, out)
	}
	if out, _ := o.handler("", "check"); strings.Contains(out, removed) || !strings.Contains(out, "slack: 2 deliveries were discarded") {
		t.Errorf("after the discard check says\n%s", out)
	}
}

// TestCheckCountsReducedMessages has Slack refuse one message in full.
func TestCheckCountsReducedMessages(t *testing.T) {
	t.Parallel()
	o := newOutage(t)
	if err := o.inbox.Fail(inbox.Fault{Destination: inbox.Slack, Status: inbox.Failure{Status: http.StatusRequestEntityTooLarge}, Count: 1}); err != nil {
		t.Fatal(err)
	}
	o.event()
	o.ticks(4, time.Minute)
	if out, _ := o.handler("", "check"); !strings.Contains(out, "slack: 1 messages were refused in full and sent with less in them") || len(o.owed()) != 0 {
		t.Errorf("check says\n%s", out)
	}
}
