package rules_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/rules"
)

// three are rules on single events, by the caller's operation: a, b and c.
const three = `title: A
name: a
logsource: {product: azure, service: activitylogs}
detection: {s: {operationName: x/a/write}, condition: s}
---
title: B
name: b
logsource: {product: azure, service: activitylogs}
detection: {s: {operationName: x/b/write}, condition: s}
---
title: C
name: c
logsource: {product: azure, service: activitylogs}
detection: {s: {operationName: x/c/write}, condition: s}
`

// over adds correlations to three; each is a block without its title.
func over(blocks ...string) map[string]string {
	files := map[string]string{"three.yml": strings.NewReplacer("---\ntitle: B", "auditbell: {id: a}\n---\ntitle: B", "---\ntitle: C", "auditbell: {id: b}\n---\ntitle: C").Replace(three) + "auditbell: {id: c}\n"}
	for i, block := range blocks {
		name := fmt.Sprintf("corr%d", i)
		files[name+".yml"] = "title: " + name + "\nname: " + name + "\nauditbell: {id: " + name + "}\ncorrelation:\n  " + strings.ReplaceAll(strings.Trim(block, "\n"), "\n", "\n  ") + "\n"
	}
	return files
}

// at is an event of a kind at so many seconds.
func at(second int, kind, caller, value string) activity.Event {
	return activity.Event{
		ID: fmt.Sprintf("%s-%s-%d-%s", kind, caller, second, value), Form: activity.FormREST, Category: activity.Administrative, Operation: "x/" + kind + "/write", Outcome: activity.Succeeded,
		Caller: caller, Time: activity.At(time.Date(2026, 3, 4, 5, 0, second, 0, time.UTC)), Properties: activity.Properties(`{"n":"` + value + `"}`),
	}
}

// fired plays events in the order given and says with which of them which correlation is met.
func fired(set *rules.Set, events ...activity.Event) string {
	c := rules.NewCorrelator(set, 1000)
	var words []string
	for _, e := range events {
		for _, r := range c.Observe(nil, &e, time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC)) {
			words = append(words, fmt.Sprintf("%s@%d", r.ID, e.Time.Sub(time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC))/time.Second))
		}
	}
	return strings.Join(words, " ")
}

// Sigma correlation rules specification 2.1: every type and condition, late events, and what comes together.
func TestCorrelationTypes(t *testing.T) {
	t.Parallel()
	const group = "group-by: [caller]\ntimespan: 60s\n"
	a, b, c := func(s int) activity.Event { return at(s, "a", "u", "5") }, func(s int) activity.Event { return at(s, "b", "u", "5") }, func(s int) activity.Event { return at(s, "c", "u", "5") }
	n := func(s int, value string) activity.Event { return at(s, "a", "u", value) }
	for _, x := range []struct {
		name, block string
		events      []activity.Event
		want        string
	}{
		{"count", "type: event_count\nrules: a\n" + group + "condition: {gte: 3}", []activity.Event{a(0), a(10), a(20)}, "corr0@20"},
		{"a late event completes", "type: event_count\nrules: a\n" + group + "condition: {gte: 3}", []activity.Event{a(0), a(10), a(100), a(20)}, "corr0@20"},
		{"later than the lateness", "type: event_count\nrules: a\n" + group + "condition: {gte: 3}", []activity.Event{a(0), a(10), a(4000), a(20)}, ""},
		{"late, and completes what ended before", "type: event_count\nrules: a\n" + group + "condition: {gte: 3}", []activity.Event{a(10), a(50), a(100), a(5)}, "corr0@5"},
		{"late, within what was met already", "type: event_count\nrules: a\n" + group + "condition: {gte: 3}", []activity.Event{a(10), a(20), a(30), a(5)}, "corr0@30 corr0@5"},
		{"late, too far from all", "type: event_count\nrules: a\n" + group + "condition: {gte: 3}", []activity.Event{a(10), a(100), a(200), a(150)}, ""},
		{"neq", "type: event_count\nrules: a\n" + group + "condition: {neq: 2}", []activity.Event{a(0), a(10), a(20)}, "corr0@0 corr0@20"},
		{"eq", "type: event_count\nrules: a\n" + group + "condition: {eq: 2}", []activity.Event{a(0), a(10), a(20)}, "corr0@10"},
		{"range", "type: event_count\nrules: a\n" + group + "condition: {gt: 1, lte: 2}", []activity.Event{a(0), a(10), a(20)}, "corr0@10"},
		{"values of two fields", "type: value_count\nrules: a\n" + group + "condition: {field: [caller, properties.n], gte: 2}", []activity.Event{n(0, "1"), n(1, "1"), n(2, "2")}, "corr0@2"},
		{"sum", "type: value_sum\nrules: a\n" + group + "condition: {field: properties.n, gt: 10}", []activity.Event{n(0, "6"), n(1, "x"), n(2, "4"), n(3, "0.5")}, "corr0@3"},
		{"average", "type: value_avg\nrules: a\n" + group + "condition: {field: properties.n, gte: 5}", []activity.Event{n(0, "2"), n(1, "4"), n(2, "9")}, "corr0@2"},
		{"median", "type: value_median\nrules: a\n" + group + "condition: {field: properties.n, gte: 5}", []activity.Event{n(0, "1"), n(1, "1"), n(2, "9"), n(3, "9"), n(4, "9")}, "corr0@4"},
		{"percentile", "type: value_percentile\nrules: a\n" + group + "condition: {field: properties.n, percentile: 90, gte: 9}", []activity.Event{n(0, "1"), n(1, "2"), n(2, "9")}, "corr0@2"},
		{"share of a value", "type: value_percentile\nrules: a\n" + group + "condition: {field: properties.n, lte: 25}", []activity.Event{n(0, "x"), n(1, "x"), n(2, "x"), n(3, "y")}, "corr0@3"},
		{"together", "type: temporal\nrules: [a, b]\n" + group, []activity.Event{b(0), a(10)}, "corr0@10"},
		{"in order only", "type: temporal_ordered\nrules: [a, b]\n" + group, []activity.Event{b(0), a(10), b(20)}, "corr0@20"},
		{"once complete, not again", "type: temporal_ordered\nrules: [a, b]\n" + group, []activity.Event{a(0), b(1), a(2), b(3), b(4)}, "corr0@1 corr0@3"},
		{"in order, the first comes late", "type: temporal_ordered\nrules: [a, b]\n" + group, []activity.Event{b(20), a(10), b(30)}, "corr0@10"},
		{"two of three in order", "type: temporal_ordered\nrules: [a, b, c]\n" + group + "condition: {gte: 2}", []activity.Event{a(0), c(1), b(2)}, "corr0@2"},
		{"extended and not", "type: temporal\nrules: [a, b, c]\n" + group + "condition: a and b and not c", []activity.Event{c(0), a(50), b(55), b(70)}, "corr0@70"},
		{"extended or", "type: temporal\nrules: [a, b, c]\n" + group + "condition: a and (b or c)", []activity.Event{a(0), c(1)}, "corr0@1"},
		{"extended, 1 of", "type: temporal\nrules: [a, b, c]\n" + group + "condition: 2 of them", []activity.Event{c(0), b(1)}, "corr0@1"},
		{"extended in order", "type: temporal_ordered\nrules: [a, b]\n" + group + "condition: a and b", []activity.Event{b(0), a(1), b(2)}, "corr0@2"},
		{"an alias by name and by id", "type: temporal\nrules: [a, b]\ngroup-by: [who]\ntimespan: 60s\naliases: {who: {a: caller, b: properties.n}}", []activity.Event{at(0, "a", "u", "5"), at(1, "b", "x", "U")}, "corr0@1"},
	} {
		if got := fired(compile(t, over(x.block)), x.events...); got != x.want {
			t.Errorf("%s: %q, want %q", x.name, got, x.want)
		}
	}
}

// A correlation may count correlations: it gets the time at which they were met, and they do not fire by themselves.
func TestCorrelationsOfCorrelations(t *testing.T) {
	t.Parallel()
	set := compile(t, over(
		"type: event_count\nrules: a\ngroup-by: [caller]\ntimespan: 60s\ncondition: {gte: 2}",
		"type: temporal_ordered\nrules: [corr0, b]\ngroup-by: [caller]\ntimespan: 60s",
		"type: temporal\nrules: [corr1, c]\ngroup-by: [caller]\ntimespan: 60s"))
	e := func(s int, kind string) activity.Event { return at(s, kind, "u", "") }
	for _, x := range []struct {
		events []activity.Event
		want   string
	}{
		{[]activity.Event{e(0, "a"), e(1, "a"), e(2, "b"), e(3, "c")}, "corr2@3"},
		{[]activity.Event{e(2, "b"), e(0, "a"), e(3, "c"), e(1, "a")}, "corr2@1"}, // what comes late completes all of them
		{[]activity.Event{e(0, "b"), e(1, "a"), e(2, "a"), e(3, "c")}, ""},
		{[]activity.Event{e(0, "a"), e(2, "b"), e(3, "c")}, ""},
		// What comes late completes two timespans, and the second one counts too: its end is near enough to what follows.
		{[]activity.Event{e(0, "a"), e(59, "a"), e(110, "b"), e(111, "c")}, "corr2@111"},
		{[]activity.Event{e(0, "a"), e(110, "b"), e(111, "c"), e(59, "a")}, "corr2@59"},
		{[]activity.Event{e(80, "a"), e(120, "b"), e(121, "c"), e(0, "a"), e(40, "a")}, "corr2@40"},
	} {
		if got := fired(set, x.events...); got != x.want {
			t.Errorf("%q, want %q", got, x.want)
		}
	}
	_, err := rules.Compile(loaded(t, over("type: event_count\nrules: corr1\ngroup-by: [caller]\ntimespan: 60s\ncondition: {gte: 2}", "type: event_count\nrules: corr0\ngroup-by: [caller]\ntimespan: 60s\ncondition: {gte: 2}")))
	if err == nil || !strings.Contains(err.Error(), "counts itself") {
		t.Errorf("a circle: %v", err)
	}
}

// Any order of the same events gives the same result: a Story exactly, a process that counts them as they come as far as
// it can be said of a stream, namely whether the correlation is met at all, and by the state that it is left with.
func TestOrderDoesNotMatter(t *testing.T) {
	t.Parallel()
	set := compile(t, over(
		"type: event_count\nrules: a\ngroup-by: [caller]\ntimespan: 60s\ncondition: {gte: 4}",
		"type: value_count\nrules: [a, b]\ngroup-by: [caller]\ntimespan: 60s\ncondition: {field: properties.n, gte: 3}",
		"type: temporal\nrules: [a, b, c]\ngroup-by: [caller]\ntimespan: 30s",
		"type: temporal_ordered\nrules: [a, b]\ngroup-by: [caller]\ntimespan: 30s",
		"type: temporal_ordered\nrules: [corr0, b]\ngroup-by: [caller]\ntimespan: 60s",
		"type: event_count\nrules: [a, b, c]\ngroup-by: [caller]\ntimespan: 20s\ncondition: {eq: 3}"))
	monotone := []string{"corr1", "corr2", "corr4"} // counted by nothing, and more events never undo them
	rapid.Check(t, func(r *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(r, "events")
		var events []activity.Event
		for range n {
			events = append(events, at(rapid.IntRange(0, 600).Draw(r, "second"), rapid.SampledFrom([]string{"a", "a", "b", "c"}).Draw(r, "kind"),
				rapid.SampledFrom([]string{"u", "v"}).Draw(r, "caller"), rapid.SampledFrom([]string{"1", "2", "3"}).Draw(r, "value")))
		}
		shuffled := slices.Clone(events)
		rand.New(rand.NewPCG(rapid.Uint64().Draw(r, "seed"), 1)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if one, other := story(set, events), story(set, shuffled); one != other {
			r.Fatalf("%s\n%s in another order", one, other)
		}
		inOrder := slices.Clone(events)
		slices.SortStableFunc(inOrder, func(a, b activity.Event) int { return a.Time.Compare(b.Time.Time) })
		one, other := fired(set, inOrder...), fired(set, shuffled...)
		for _, id := range monotone {
			if strings.Contains(one, id+"@") != strings.Contains(other, id+"@") {
				r.Fatalf("%s: %q in order, %q in another", id, one, other)
			}
		}
	})
}

// story is what a Story says, by the events' ids.
func story(set *rules.Set, events []activity.Event) string {
	s := rules.NewStory(set, 1000)
	for i := range events {
		s.Add(i, &events[i])
	}
	var words []string
	for _, one := range s.Completed() {
		words = append(words, one.Rule.ID+"@"+events[one.N].ID)
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

// TestEventsWithoutATimeCountWithTheLast correlates undated events alone and beside dated ones: no clock has a say.
func TestEventsWithoutATimeCountWithTheLast(t *testing.T) {
	t.Parallel()
	set := compile(t, over("type: event_count\nrules: a\ngroup-by: [caller]\ntimespan: 600s\ncondition: {gte: 3}"))
	undated := func(id string) activity.Event {
		e := at(0, "a", "u", "")
		e.ID, e.Time = id, activity.Time{}
		return e
	}
	early, late := at(0, "a", "u", ""), at(5000, "a", "u", "")
	for _, c := range []struct {
		events []activity.Event
		want   int
	}{
		{[]activity.Event{undated("x"), undated("y"), undated("z")}, 1},
		{[]activity.Event{undated("x"), undated("y"), late}, 1},
		{[]activity.Event{undated("x"), early, late}, 0},
	} {
		if got := len(strings.Fields(story(set, c.events))); got != c.want {
			t.Errorf("%d correlations are met, want %d", got, c.want)
		}
	}
}

// The window of a busy group stays small, and still fires with each further event.
func TestWindowsStaySmall(t *testing.T) {
	t.Parallel()
	set := compile(t, over("type: event_count\nrules: a\ngroup-by: [caller]\ntimespan: 600s\ncondition: {gte: 10}"))
	var w rules.Window
	fires := 0
	for second := range 2000 {
		e := at(second, "a", "u", "")
		for _, b := range set.Correlate(nil, &e) {
			if b.Add(&w) {
				fires++
			}
		}
	}
	if len(w.Members) > 200 || fires != 1991 {
		t.Errorf("%d members, fired %d times; want few, and 1991", len(w.Members), fires)
	}
}
