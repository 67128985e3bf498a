package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/handler/settings"
)

// ruleFile is a rule on one operation.
func ruleFile(id, operation, rest string) string {
	return fmt.Sprintf("title: %s\nlogsource: {product: azure, service: activitylogs}\ndetection:\n  selection: {operation: %s}\n  condition: selection\nauditbell: {id: %s}\n%s", id, operation, id, rest)
}

func compiled(t *testing.T, files ...string) *rules.Set {
	t.Helper()
	folder := fstest.MapFS{}
	for i, text := range files {
		folder[fmt.Sprintf("r%d.yml", i)] = &fstest.MapFile{Data: []byte(text)}
	}
	all, err := rules.Load(folder, ".")
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.Compile(all)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestRoutesMatch(t *testing.T) {
	t.Parallel()
	set := compiled(t,
		ruleFile("grave", "a/b/write", "level: high\ntags: [attack.t1098.003, attack.persistence]\n"),
		ruleFile("beside", "a/b/write", "level: low\ntags: [team.payments]\n"))
	e := activity.Event{
		ID: "e1", Operation: "a/b/write", Category: activity.Administrative, SubscriptionID: "s1", ResourceGroup: "rg-prod-1",
		CallerType: activity.ServicePrincipal,
		Properties: activity.Properties(`{"requestbody":{"tags":{"team":"old","Owner":"Ana"}},"responseBody":{"tags":{"Team":"Payments"}},"tags":"none"}`),
	}
	for _, c := range []struct {
		match settings.RouteMatch
		want  bool
		why   string
	}{
		{settings.RouteMatch{}, true, "no condition matches everything"},
		{settings.RouteMatch{Severity: "medium"}, true, "graver than asked"},
		{settings.RouteMatch{Severity: "critical"}, false, "less severe than asked"},
		{settings.RouteMatch{Category: []string{"Policy", "administrative"}}, true, "any value will do, in any case"},
		{settings.RouteMatch{Category: []string{"Policy"}}, false, "another category"},
		{settings.RouteMatch{Rule: []string{"grave"}}, true, "the gravest rule"},
		{settings.RouteMatch{Rule: []string{"besi*"}}, true, "a further rule that the event met"},
		{settings.RouteMatch{Rule: []string{"other"}}, false, "a rule that it did not meet"},
		{settings.RouteMatch{Tag: []string{"attack.T1098"}}, true, "a technique stands for its sub-techniques"},
		{settings.RouteMatch{Tag: []string{"attack.t109"}}, false, "but not for others that begin alike"},
		{settings.RouteMatch{Tag: []string{"attack.t1098.001"}}, false, "another sub-technique"},
		{settings.RouteMatch{Tag: []string{"team.payments"}}, true, "a tag of a further rule"},
		{settings.RouteMatch{Subscription: []string{"S1"}}, true, "in any case"},
		{settings.RouteMatch{Subscription: []string{"s"}}, false, "whole values"},
		{settings.RouteMatch{ResourceGroup: []string{"rg-prod-*"}}, true, "a star"},
		{settings.RouteMatch{ResourceGroup: []string{"rg-dev-*"}}, false, "another group"},
		{settings.RouteMatch{CallerType: []string{"user", "service_principal"}}, true, "actor kind"},
		{settings.RouteMatch{CallerType: []string{"unknown"}}, false, "another actor kind"},
		{settings.RouteMatch{ResourceTag: map[string][]string{"TEAM": {"payments"}}}, true, "what the resource was answered to have"},
		{settings.RouteMatch{ResourceTag: map[string][]string{"team": {"old"}}}, false, "what was asked for counts only without an answer"},
		{settings.RouteMatch{ResourceTag: map[string][]string{"team": {"x", "pay*"}, "owner": {"*"}}}, true, "each tag with any of its values"},
		{settings.RouteMatch{ResourceTag: map[string][]string{"team": {"payments"}, "env": {"*"}}}, false, "a tag that is not there"},
		{settings.RouteMatch{Severity: "high", Rule: []string{"grave"}, Subscription: []string{"s2"}}, false, "every condition must hold"},
	} {
		p := pipeline.Judge{Rules: set, Now: time.Now, Routes: []settings.Route{{Match: c.match, To: []string{"here"}}}}
		f, ok := p.Find(e)
		if got := len(f.To) == 1; !ok || got != c.want {
			t.Errorf("%+v: %v, want %v: %s", c.match, got, c.want, c.why)
		}
	}
}

func TestAnActorOfNoKindIsUnknown(t *testing.T) {
	t.Parallel()
	p := pipeline.Judge{
		Rules: compiled(t, ruleFile("r", "a/b/write", "")), Now: time.Now,
		Routes: []settings.Route{{Match: settings.RouteMatch{CallerType: []string{"unknown"}}, To: []string{"here"}}},
	}
	if f, _ := p.Find(activity.Event{Operation: "a/b/write"}); len(f.To) != 1 {
		t.Error("an event without an actor takes no route for unknown ones")
	}
}

func TestRoutesAreTakenInOrder(t *testing.T) {
	t.Parallel()
	high := settings.RouteMatch{Severity: "high"}
	base := pipeline.Judge{
		Rules: compiled(t, ruleFile("r", "a/b/write", "level: high\n")), Now: time.Now,
		Everywhere: []string{"slack", "teams"},
	}
	for _, c := range []struct {
		routes []settings.Route
		want   string
	}{
		{[]settings.Route{{Match: high, To: []string{"a"}}, {To: []string{"b"}}}, "[a]"},
		{[]settings.Route{{Match: high, To: []string{"b", "a"}, Continue: true}, {To: []string{"a", "c"}}}, "[a b c]"},
		{[]settings.Route{{Match: settings.RouteMatch{Severity: "critical"}, To: []string{"a"}, Continue: true}, {To: []string{"b"}}}, "[b]"},
		{[]settings.Route{{To: []string{settings.Everywhere}}}, "[slack teams]"},
		{[]settings.Route{{Match: high, To: []string{"payments"}, Continue: true}, {To: []string{settings.Everywhere}}}, "[payments slack teams]"},
	} {
		p := &base
		p.Routes = c.routes
		if f, _ := p.Find(activity.Event{Operation: "a/b/write"}); fmt.Sprint(f.To) != c.want {
			t.Errorf("%+v lead to %v, want %s", c.routes, f.To, c.want)
		}
	}
}

// A window for one rule must not hold back another that rings with it and is graver.
func TestHoldAsksTheGravestRuleOnly(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	p := pipeline.Judge{
		Rules: compiled(t, ruleFile("grave", "a/b/write", "level: high\n"), ruleFile("beside", "a/b/write", "level: low\n")),
		Now:   func() time.Time { return now },
		Maintenance: []settings.Maintenance{{
			Name: "rebuild", From: now, To: now.Add(time.Hour),
			Match: settings.RouteMatch{Rule: []string{"beside"}},
		}},
	}
	e := activity.Event{Operation: "a/b/write"}
	if f, _ := p.Find(e); f.Hold != (alert.Hold{}) {
		t.Errorf("held: %+v", f.Hold)
	}
	p.Maintenance[0].Match.Rule = []string{"grave"}
	if f, _ := p.Find(e); f.Hold.Name != "rebuild" {
		t.Errorf("not held: %+v", f.Hold)
	}
}

// ledger is a store that records every event once and counts.
type ledger struct {
	mu      sync.Mutex
	known   map[string]bool
	counted []string
	broken  bool
}

func (l *ledger) Append(_ context.Context, e activity.Event, _ string) (bool, float64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := !l.known[e.ID]
	l.known[e.ID] = true
	return first, 1, nil
}

func (l *ledger) Park(context.Context, activity.Parked) (float64, error) { return 0, nil }

func (l *ledger) Window(context.Context, string, func([]byte) ([]byte, error)) (float64, error) {
	return 0, nil
}

func (l *ledger) Others(context.Context, activity.Event) ([]activity.Event, float64, error) {
	return nil, 0, nil
}

func (l *ledger) AddToFeed(context.Context, string, int, time.Time) (float64, error) { return 0, nil }

func (l *ledger) CountStaged(_ context.Context, rule string, day time.Time, n int) (float64, error) {
	if l.broken {
		return 1, errors.New("no answer")
	}
	l.counted = append(l.counted, fmt.Sprintf("%s %s %d", rule, day.Format(time.DateOnly), n))
	return 1, nil
}

func TestStagedRulesAreCountedAndNotSent(t *testing.T) {
	t.Parallel()
	l := &ledger{known: map[string]bool{}}
	j := &pipeline.Judge{
		Now: time.Now, Routes: []settings.Route{{To: []string{"here"}}},
		Rules: compiled(t, ruleFile("new", "a/b/write", "status: experimental\n"),
			strings.Replace(ruleFile("out", "a/b/write", ""), "id: out", "id: out, enabled: false", 1)),
	}
	courier := pipeline.NewCourier(nil, nil, pipeline.Desk{Now: time.Now}, pipeline.Channels{})
	p := pipeline.NewIntake(pipeline.Books{Log: l, Counts: l}, pipeline.Staff{Judge: j, Courier: courier, Learner: pipeline.NewLearner(nil, j, courier)})
	day := time.Date(2026, 11, 22, 23, 59, 0, 0, time.UTC)
	var events []activity.Event
	for i := range 5 {
		events = append(events, activity.Event{ID: fmt.Sprint("e", i), Operation: "a/b/write", Time: activity.At(day)})
	}
	logger := slog.New(slog.NewTextHandler(io.Discard, nil))
	batch := pipeline.Batch{ID: "b", Events: append(events, events[0]), Logger: logger}
	for range 2 { // a redelivery is not counted again
		if sum, err := p.Handle(t.Context(), batch); err != nil || sum.Matched != 0 {
			t.Errorf("matched %d, %v; a staged rule must not ring", sum.Matched, err)
		}
	}
	if diff := cmp.Diff([]string{"new 2026-11-22 5"}, l.counted); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
	l.broken = true
	batch.Events = []activity.Event{{ID: "late", Operation: "a/b/write"}}
	if _, err := p.Handle(t.Context(), batch); err != nil {
		t.Errorf("a count that cannot be written fails the batch: %v", err)
	}
}

func TestEnabledRulesRingThoughExperimental(t *testing.T) {
	t.Parallel()
	file := strings.Replace(ruleFile("new", "a/b/write", "status: experimental\n"), "id: new", "id: new, enabled: true", 1)
	p := pipeline.Judge{Rules: compiled(t, file), Now: time.Now, Routes: []settings.Route{{To: []string{"here"}}}}
	if _, ok := p.Find(activity.Event{Operation: "a/b/write"}); !ok {
		t.Error("does not ring")
	}
}
