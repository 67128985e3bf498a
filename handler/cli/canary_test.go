package cli

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/canary"
	"github.com/auditbell/auditbell/handler/payload"
	"github.com/auditbell/auditbell/handler/pipeline"
)

const testDay = "2026-11-01" // the office's clock stands at 06:30 UTC of it

// send lets an instance's timer tick.
func send(t *testing.T, a *app.App) {
	t.Helper()
	if _, err := a.Canary.Send(t.Context(), invocation()); err != nil {
		t.Error(err)
	}
}

func openTested(t *testing.T) *office {
	t.Helper()
	o := openOffice(t)
	o.env["CANARY_AT"] = "06:00"
	o.App, _ = o.instance(t)
	return o
}

func TestCanaryIsSentOnce(t *testing.T) {
	t.Parallel()
	o := openTested(t)
	var wg sync.WaitGroup
	for range 3 {
		a, _ := o.instance(t)
		for range 3 {
			wg.Go(func() { send(t, a) })
		}
	}
	wg.Wait()
	if got := o.arrived("nothing happened")["teams"]; got != 1 {
		t.Errorf("nine ticks of three instances: %d messages, want 1", got)
	}
	one, err := o.Store.Alert(t.Context(), pipeline.CanaryRef(testDay))
	if err != nil || one.Rule.ID != alert.CanaryRule || one.Records != 1 || one.Revision != 1 || one.Deliveries["teams"].Revision != 1 {
		t.Errorf("the test in the store: %+v, %v", one, err)
	}
}

// TestCanaryIsNobodysActivity sends the test and looks wherever activity is counted and listed.
func TestCanaryIsNobodysActivity(t *testing.T) {
	t.Parallel()
	o := openTested(t)
	_, due := o.Pipeline.Canary.Day(o.now())
	send(t, o.App)
	if n, err := o.Store.CountHour(t.Context(), due); n != 0 || err != nil {
		t.Errorf("%d events in the test's hour, %v; rollups and reconciliation count these", n, err)
	}
	for e, err := range o.Store.Hour(t.Context(), due) {
		t.Errorf("the hour lists %s, %v; query, replay and digests read these", e.ID, err)
	}
	if feeds, err := o.Store.Feeds(t.Context()); len(feeds) != 0 || err != nil {
		t.Errorf("the test is part of the past of feeds: %+v, %v", feeds, err)
	}
	if staged, err := o.Store.Staged(t.Context(), due.AddDate(0, 0, -1)); len(staged) != 0 || err != nil {
		t.Errorf("the test counts for rules on trial: %+v, %v", staged, err)
	}
}

// TestCanaryCannotBeSpoofed delivers the very bytes of the test from outside, before and after the real one.
func TestCanaryCannotBeSpoofed(t *testing.T) {
	t.Parallel()
	o := openTested(t)
	_, due := o.Pipeline.Canary.Day(o.now())
	wire, err := canary.Event(testDay, due)
	if err != nil {
		t.Fatal(err)
	}
	deliver := func(suffix string) {
		body := bytes.ReplaceAll(wire, []byte("canary-"+testDay), []byte("canary-"+testDay+suffix))
		if _, err := o.Take(t.Context(), invocation(), body); err != nil {
			t.Fatal(err)
		}
	}
	deliver("")
	if _, err := o.Store.Alert(t.Context(), pipeline.CanaryRef(testDay)); err == nil || len(o.inbox.Messages()) != 0 {
		t.Errorf("bytes from outside were taken for the test: %v, %d messages", err, len(o.inbox.Messages()))
	}
	send(t, o.App)
	deliver("x")
	one, err := o.Store.Alert(t.Context(), pipeline.CanaryRef(testDay))
	if err != nil || one.Records != 1 || one.Count != 1 || len(o.inbox.Messages()) != 1 {
		t.Errorf("the test took something else in, or did not alert: %+v, %v", one, err)
	}
	if n, err := o.Store.CountHour(t.Context(), due); n != 2 || err != nil {
		t.Errorf("%d events in the hour, %v; what comes from outside is activity, whatever it looks like", n, err)
	}
	for _, r := range payload.Decode(wire) {
		if r.Event.Form == activity.FormCanary || strings.HasPrefix(r.Event.ID, "canary") {
			t.Errorf("read from the wire as %q, %s", r.Event.Form, r.Event.ID)
		}
	}
}

// catchAll meets every event: a rule on trial, and a correlation that alerts at the second one.
const catchAll = `title: Everything
id: 11111111-0000-4000-8000-000000000001
name: everything
status: stable
logsource: {product: azure, service: activitylogs}
detection: {selection: {operationName|contains: a}, condition: selection}
level: low
---
title: Everything, on trial
id: 11111111-0000-4000-8000-000000000002
status: experimental
logsource: {product: azure, service: activitylogs}
detection: {selection: {operationName|contains: a}, condition: selection}
level: critical
---
title: Much of everything
id: 11111111-0000-4000-8000-000000000003
status: stable
correlation: {type: event_count, rules: everything, group-by: [category], timespan: 10m, condition: {gte: 2}}
level: critical
`

// TestCanaryMeetsNoOtherRule lets the operator's rules meet everything, and looks that they do.
func TestCanaryMeetsNoOtherRule(t *testing.T) {
	t.Parallel()
	o := openTested(t)
	a, err := app.Open(newTestWorld(o, fstest.MapFS{"rules/all.yml": {Data: []byte(catchAll)}}))
	if err != nil {
		t.Fatal(err)
	}
	send(t, a)
	one, err := o.Store.Alert(t.Context(), pipeline.CanaryRef(testDay))
	if err != nil || one.Rule.ID != alert.CanaryRule || len(one.Also) != 0 || one.Rule.Severity != "informational" {
		t.Errorf("the test alerts as %s with %v, %v", one.Rule.ID, one.Also, err)
	}
	staged := func() int {
		counts, err := o.Store.Staged(t.Context(), o.now().AddDate(0, 0, -1))
		if err != nil {
			t.Fatal(err)
		}
		return len(counts)
	}
	_, due := o.Pipeline.Canary.Day(o.now())
	wire, err := canary.Event(testDay, due)
	if err != nil {
		t.Fatal(err)
	}
	before := staged()
	var messages []int // after the test, the first event from outside, and the second, with which the correlation alerts
	for _, id := range []string{"", "one", "two"} {
		if id != "" {
			if _, err := a.Take(t.Context(), invocation(), bytes.ReplaceAll(wire, []byte("canary-"+testDay), []byte(id))); err != nil {
				t.Fatal(err)
			}
		}
		messages = append(messages, len(o.inbox.Messages()))
	}
	if !slices.Equal(messages, []int{1, 1, 2}) || before != 0 || staged() != 1 {
		t.Errorf("messages %v, rules on trial with matches %d, then %d: the same from outside must count, the test must not", messages, before, staged())
	}
}

// TestCanaryIsNotSilenced has an exception for everything.
func TestCanaryIsNotSilenced(t *testing.T) {
	t.Parallel()
	o := openTested(t)
	world := newTestWorld(o, fstest.MapFS{"exceptions.yaml": {Data: []byte("exceptions:\n- rules: ['*']\n  owner: ada@contoso.example\n  reason: everything is expected\n  expires: 2026-12-31\n  match: {operationName|contains: a}\n")}})
	a, err := app.Open(world)
	if err != nil {
		t.Fatal(err)
	}
	send(t, a)
	if got := o.arrived("nothing happened")["teams"]; got != 1 {
		t.Errorf("%d messages; a test that can be silenced proves nothing", got)
	}
	uses, err := o.Store.UsesBetween(t.Context(), o.now().AddDate(0, 0, -1), o.now().AddDate(0, 0, 1))
	if len(uses) != 0 || err != nil {
		t.Errorf("the test counts as a use of an exception: %v, %v", uses, err)
	}
}

func newTestWorld(o *office, config fs.FS) app.World {
	w := newWorld(Surroundings{Env: func(name string) (string, bool) { v, ok := o.env[name]; return v, ok }})
	w.Config, w.Now = config, o.now
	return w
}

// TestCanaryOutlivesItsSender lets the process die between commit and delivery: the timer of another one delivers.
func TestCanaryOutlivesItsSender(t *testing.T) {
	t.Parallel()
	o := openTested(t)
	_, due := o.Pipeline.Canary.Day(o.now())
	e, err := canary.Test(testDay, due)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := o.Store.Append(t.Context(), e, "dead"); err != nil {
		t.Fatal(err)
	}
	f, ok := o.Pipeline.Find(e)
	if !ok {
		t.Fatal("the test meets no rule")
	}
	// What the dead process has done: the alert is committed and its lease taken.
	if _, err := o.Store.Take(t.Context(), f, alert.Lease{Owner: "dead", Until: o.now().Add(30 * time.Second)}); err != nil {
		t.Fatal(err)
	}
	other, _ := o.instance(t)
	for range 4 {
		send(t, other)
		if _, err := other.Deliver(t.Context(), invocation()); err != nil {
			t.Error(err)
		}
		o.clock.Add(20)
	}
	if got := o.arrived("nothing happened")["teams"]; got != 1 {
		t.Errorf("%d messages, want 1", got)
	}
}

func TestCanaryAt(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "09:00", "09:00": "09:00", "23:59": "23:59", "off": "off", " OFF ": "off", "9": "wrong", "24:00": "wrong", "09:00:00": "wrong", "noon": "wrong"} {
		o := &office{env: map[string]string{"CANARY_AT": text, "COSMOS_ENDPOINT": "https://contoso.documents.azure.com/", "COSMOS_KEY": "a2V5", "DELIVER_SCHEDULE": "*/30 * * * * *", "TEAMS_WORKFLOW_URL": "https://contoso.example/x"}}
		a, err := app.Open(newTestWorld(o, fstest.MapFS{}))
		got := "wrong"
		switch c := a.Pipeline.Canary; {
		case err != nil && strings.Contains(err.Error(), "CANARY_AT"):
		case c.Off:
			got = "off"
		default:
			got = fmt.Sprintf("%02d:%02d", int(c.At.Hours()), int(c.At.Minutes())%60)
		}
		if got != want {
			t.Errorf("CANARY_AT=%q is read as %s, want %s (%v)", text, got, want, err)
		}
	}
}

// TestCanaryIsReadInFull holds the rule to the event: without any one of the fields it asks for, the test must not alert.
func TestCanaryIsReadInFull(t *testing.T) {
	t.Parallel()
	c, err := pipeline.NewCanary(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := pipeline.Judge{Canary: c, Now: time.Now}
	e, err := canary.Test(testDay, time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := p.Find(e); !ok {
		t.Fatalf("the test meets no rule: %+v", e)
	}
	for name, spoil := range map[string]func(*activity.Event){
		"operation": func(e *activity.Event) { e.Operation, e.OperationDisplay = "", "" }, "category": func(e *activity.Event) { e.Category = "" },
		"outcome": func(e *activity.Event) { e.Outcome = "" }, "caller": func(e *activity.Event) { e.Caller = "" }, "resource group": func(e *activity.Event) { e.ResourceGroup = "" },
	} {
		spoiled := e
		spoil(&spoiled)
		if _, ok := p.Find(spoiled); ok {
			t.Errorf("the test alerts although its %s was not read", name)
		}
	}
}

func TestCanaryRefFindsTheTest(t *testing.T) {
	t.Parallel()
	o := openTested(t)
	for _, day := range []string{"2026-11-01", "2026-11-02", "2027-02-28"} {
		at, _ := time.Parse(time.DateOnly, day)
		o.clock.Store(at.Add(7 * time.Hour).Unix())
		send(t, o.App)
		one, err := o.Store.Alert(t.Context(), pipeline.CanaryRef(day))
		if err != nil || one.Event.ResourceName != day || !one.First.Equal(at.Add(6*time.Hour)) {
			t.Errorf("%s: %+v, %v", day, one, err)
		}
	}
	_, err := o.Store.Alert(context.Background(), pipeline.CanaryRef("2026-11-03"))
	if err == nil {
		t.Error("there is a test of a day on which none was sent")
	}
}
