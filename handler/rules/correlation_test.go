package rules_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/handler/rules/rulestest"
)

const failedOperation = `title: failed
id: 11111111-1111-4111-8111-111111111111
name: failed_operation
logsource: {product: azure, service: activitylogs}
detection:
  s: {status: Failed}
  condition: s
level: low
`

const listedKeys = `title: keys
id: 22222222-2222-4222-8222-222222222222
name: listed_keys
logsource: {product: azure, service: activitylogs}
detection:
  s: {operationName|endswith: /listKeys/action}
  condition: s
level: low
`

func correlation(block string) string {
	return "title: c\nid: 33333333-3333-4333-8333-333333333333\nlevel: high\ncorrelation:\n  " + strings.ReplaceAll(strings.Trim(block, "\n"), "\n", "\n  ") + "\n"
}

// happened is one event of a story, at so many seconds.
func happened(second int, edit func(*activity.Event)) activity.Event {
	e := grant()
	e.ID = fmt.Sprintf("e%d", second)
	e.Time = activity.At(time.Date(2026, 3, 4, 5, 0, second, 0, time.UTC))
	e.Outcome = activity.Failed
	if edit != nil {
		edit(&e)
	}
	return e
}

// play plays a story and returns, for each event, whether the correlation alerted.
func play(t *testing.T, files map[string]string, story []activity.Event) string {
	t.Helper()
	c := rules.NewCorrelator(compile(t, files), 100)
	var b strings.Builder
	for i := range story {
		mark := "."
		if len(c.Observe(nil, &story[i], story[i].Time.Add(time.Minute))) > 0 {
			mark = "!"
		}
		b.WriteString(mark)
	}
	return b.String()
}

func TestEventCount(t *testing.T) {
	t.Parallel()
	files := map[string]string{"a.yml": failedOperation, "c.yml": correlation("type: event_count\nrules: failed_operation\ngroup-by: [caller]\ntimespan: 1m\ncondition: {gte: 3}")}
	succeeded := func(e *activity.Event) { e.Outcome = activity.Succeeded }
	other := func(e *activity.Event) { e.Caller = "grace@contoso.example" }
	louder := func(e *activity.Event) { e.Caller = "ADA@CONTOSO.EXAMPLE" }
	unnamed := func(e *activity.Event) { e.Caller, e.CallerObjectID = "", "" }
	for _, c := range []struct {
		name  string
		story []activity.Event
		want  string
	}{
		{"alerts at the threshold and while it lasts", []activity.Event{happened(1, nil), happened(2, nil), happened(3, nil), happened(4, nil)}, "..!!"},
		{"the window slides", []activity.Event{happened(1, nil), happened(50, nil), happened(62, nil), happened(63, nil), happened(200, nil)}, "...!."},
		{"what does not match does not count", []activity.Event{happened(1, nil), happened(2, succeeded), happened(3, nil)}, "..."},
		{"each group by itself", []activity.Event{happened(1, nil), happened(2, other), happened(3, nil), happened(4, other), happened(5, nil)}, "....!"},
		{"one person in two casings", []activity.Event{happened(1, nil), happened(2, louder), happened(3, nil)}, "..!"},
		{"without the group's field nothing counts", []activity.Event{happened(1, unnamed), happened(2, unnamed), happened(3, unnamed)}, "..."},
		{"the same record again", []activity.Event{happened(1, nil), happened(1, nil), happened(1, nil), happened(2, nil)}, "...."},
		{"late, within the timespan", []activity.Event{happened(30, nil), happened(40, nil), happened(20, nil)}, "..!"},
		{"later than the timespan", []activity.Event{happened(130, nil), happened(140, nil), happened(20, nil)}, "..."},
	} {
		if got := play(t, files, c.story); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestOneFactThroughTwoFeedsCountsOnce(t *testing.T) {
	t.Parallel()
	files := map[string]string{"a.yml": failedOperation, "c.yml": correlation("type: event_count\nrules: failed_operation\ngroup-by: [caller]\ntimespan: 1m\ncondition: {gte: 3}")}
	fact := func(n int, form activity.Form) activity.Event {
		return happened(n, func(e *activity.Event) {
			e.CorrelationID, e.Form, e.ID = fmt.Sprint("c", n), form, fmt.Sprint(form, n)
		})
	}
	story := []activity.Event{
		fact(1, activity.FormEventGrid), fact(1, activity.FormRecords), fact(2, activity.FormEventGrid), fact(2, activity.FormRecords), fact(3, activity.FormRecords),
	}
	if got, want := play(t, files, story), "....!"; got != want {
		t.Errorf("alerted %s, want %s: the same operation's outcome came through two feeds", got, want)
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	story := []activity.Event{happened(1, nil), happened(2, nil), happened(3, nil), happened(4, nil)}
	for condition, want := range map[string]string{
		"{gt: 2}": "..!!", "{eq: 2}": ".!..", "{gte: 2, lte: 3}": ".!!.", "{gte: 2, lt: 3}": ".!..",
	} {
		files := map[string]string{"a.yml": failedOperation, "c.yml": correlation("type: event_count\nrules: [failed_operation]\ntimespan: 1h\ncondition: " + condition)}
		if got := play(t, files, story); got != want {
			t.Errorf("%s: %s, want %s", condition, got, want)
		}
	}
}

func TestValueCount(t *testing.T) {
	t.Parallel()
	files := map[string]string{"a.yml": failedOperation, "c.yml": correlation(
		"type: value_count\nrules: failed_operation\ngroup-by: [caller]\ntimespan: 1m\ncondition: {field: resourceGroup, gte: 3}")}
	in := func(group string) func(*activity.Event) {
		return func(e *activity.Event) { e.ResourceGroup = group }
	}
	story := []activity.Event{happened(1, in("a")), happened(2, in("a")), happened(3, in("b")), happened(4, in("")), happened(5, in("c")), happened(63, in("d"))}
	if got, want := play(t, files, story), "....!!"; got != want {
		t.Errorf("alerted %s, want %s", got, want)
	}
}

func TestTemporal(t *testing.T) {
	t.Parallel()
	keys := func(e *activity.Event) {
		e.Operation, e.Outcome = "microsoft.storage/storageaccounts/listkeys/action", activity.Succeeded
	}
	for kind, want := range map[string]string{"temporal": ".!!", "temporal_ordered": "..!"} {
		files := map[string]string{"a.yml": failedOperation, "b.yml": listedKeys, "c.yml": correlation(
			"type: " + kind + "\nrules: [failed_operation, listed_keys]\ngroup-by: [caller]\ntimespan: 1m")}
		story := []activity.Event{happened(1, keys), happened(2, nil), happened(3, keys)}
		if got := play(t, files, story); got != want {
			t.Errorf("%s: %s, want %s", kind, got, want)
		}
	}
}

func TestAliasesNameTheFieldOfEachRule(t *testing.T) {
	t.Parallel()
	files := map[string]string{"a.yml": failedOperation, "b.yml": listedKeys, "c.yml": correlation(`
type: temporal
rules: [failed_operation, listed_keys]
group-by: [who]
timespan: 1m
aliases:
  who: {failed_operation: caller, listed_keys: properties.onBehalfOf}`)}
	keys := func(e *activity.Event) {
		e.Operation, e.Outcome, e.Caller, e.CallerObjectID = "microsoft.storage/storageaccounts/listkeys/action", activity.Succeeded, "robot", ""
		e.Properties = activity.Properties(`{"onBehalfOf":"ada@contoso.example"}`)
	}
	if got, want := play(t, files, []activity.Event{happened(1, nil), happened(2, keys)}), ".!"; got != want {
		t.Errorf("alerted %s, want %s", got, want)
	}
}

func TestCountedRulesAreSilentUnlessGenerated(t *testing.T) {
	t.Parallel()
	e := happened(1, nil)
	for generate, want := range map[string]int{"": 0, "\ngenerate: true": 1} {
		set := compile(t, map[string]string{"a.yml": failedOperation, "c.yml": correlation(
			"type: event_count\nrules: failed_operation\ntimespan: 1m\ncondition: {gte: 3}" + generate)})
		if got := len(set.Match(nil, &e)); got != want {
			t.Errorf("with %q %d rules match by themselves, want %d", generate, got, want)
		}
		if got := set.CountsOnly(set.Rule("11111111-1111-4111-8111-111111111111")); got != (want == 0) {
			t.Errorf("with %q counts only = %v", generate, got)
		}
		if beats := set.Correlate(nil, &e); len(beats) != 1 {
			t.Errorf("with %q %d beats, want the correlation's", generate, len(beats))
		}
	}
}

func TestCorrelationOverTheLibraryDoesNotMuteIt(t *testing.T) {
	t.Parallel()
	all, _ := rulestest.Library(t)
	own, err := rules.Load(fstest.MapFS{"c.yml": {Data: []byte(correlation(
		"type: event_count\nrules: role-assignment-alert\ntimespan: 1h\ngroup-by: [caller]\ncondition: {gte: 5}"))}}, ".")
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.Compile(append(all, own...))
	if err != nil {
		t.Fatal(err)
	}
	e := grant()
	if len(set.Match(nil, &e)) == 0 {
		t.Error("the library's rule fell silent because an operator's correlation counts it")
	}
}

func TestWindowsArePlainValues(t *testing.T) {
	t.Parallel()
	set := compile(t, map[string]string{"a.yml": failedOperation, "c.yml": correlation(
		"type: event_count\nrules: failed_operation\ngroup-by: [caller]\ntimespan: 1m\ncondition: {gte: 3}")})
	stored := map[string][]byte{}
	var got []bool
	for second := 1; second <= 3; second++ {
		e := happened(second, nil)
		for _, beat := range set.Correlate(nil, &e) {
			var w rules.Window
			if data, ok := stored[beat.Group]; ok {
				if err := json.Unmarshal(data, &w); err != nil {
					t.Fatal(err)
				}
			}
			got = append(got, beat.Add(&w))
			data, err := json.Marshal(w)
			if err != nil {
				t.Fatal(err)
			}
			stored[beat.Group] = data
		}
	}
	if fmt.Sprint(got) != "[false false true]" || len(stored) != 1 {
		t.Errorf("alerted %v over %d stored windows, want the third in one", got, len(stored))
	}
}

// The process that wrote the window may have stopped before it stored the alert; the record that comes again must then alert.
func TestARecordThatComesAgainGetsTheAnswerItGot(t *testing.T) {
	t.Parallel()
	set := compile(t, map[string]string{"a.yml": failedOperation, "c.yml": correlation(
		"type: event_count\nrules: failed_operation\ngroup-by: [caller]\ntimespan: 1m\ncondition: {gte: 2}")})
	var w rules.Window
	var got []bool
	for _, second := range []int{1, 2, 2, 1} {
		e := happened(second, nil)
		for _, beat := range set.Correlate(nil, &e) {
			got = append(got, beat.Add(&w))
		}
	}
	if fmt.Sprint(got) != "[false true true false]" || len(w.Members) != 2 {
		t.Errorf("alerted %v with %d members; want the second record to alert both times and the first never", got, len(w.Members))
	}
}

func TestCorrelatorIsBounded(t *testing.T) {
	t.Parallel()
	set := compile(t, map[string]string{"a.yml": failedOperation, "c.yml": correlation(
		"type: event_count\nrules: failed_operation\ngroup-by: [caller]\ntimespan: 1h\ncondition: {gte: 2}")})
	c := rules.NewCorrelator(set, 2)
	at := func(second int, who string) int {
		e := happened(second, func(e *activity.Event) { e.Caller = who })
		return len(c.Observe(nil, &e, e.Time.Time))
	}
	at(1, "a")
	at(2, "b")
	at(3, "c") // a makes room
	if at(4, "c") != 1 || at(5, "b") != 1 {
		t.Error("the windows touched last were forgotten")
	}
	if at(6, "a") != 0 {
		t.Error("more windows are kept than the limit")
	}
}

func TestFutureTimesCountAsNow(t *testing.T) {
	t.Parallel()
	set := compile(t, map[string]string{"a.yml": failedOperation, "c.yml": correlation(
		"type: event_count\nrules: failed_operation\ntimespan: 1m\ncondition: {gte: 3}")})
	c := rules.NewCorrelator(set, 2)
	now := happened(30, nil).Time.Time
	got := ""
	for _, e := range []activity.Event{happened(10, nil), happened(20_000, nil), happened(20, nil)} {
		got += fmt.Sprint(len(c.Observe(nil, &e, now)))
	}
	if got != "001" {
		t.Errorf("alerted %s, want 001: a wrong clock must not empty the window", got)
	}
}

func TestCorrelationsRefused(t *testing.T) {
	t.Parallel()
	for block, want := range map[string]string{
		"type: value_mode\nrules: failed_operation\ntimespan: 1m":                                                        `type "value_mode" is not supported`,
		"type: event_count\nrules: failed_operation\ntimespan: 1m":                                                       "needs a condition",
		"type: event_count\nrules: failed_operation\ncondition: {gte: 1}":                                                "no valid timespan",
		"type: event_count\ntimespan: 1m\ncondition: {gte: 1}":                                                           "names no rules",
		"type: event_count\nrules: failed_operation\ntimespan: 1m\ncondition: {lt: 1}":                                   "what does not happen cannot alert",
		"type: event_count\nrules: failed_operation\ntimespan: 1m\ncondition: {gte: 99999}":                              "expected a number below",
		"type: event_count\nrules: failed_operation\ntimespan: 1m\ncondition: {ne: 5}":                                   "condition.ne is not supported",
		"type: event_count\nrules: failed_operation\ntimespan: 1m\ncondition: a and b":                                   "only temporal and temporal_ordered",
		"type: temporal\nrules: failed_operation\ntimespan: 1m\ncondition: not failed_operation":                         "what does not happen cannot alert",
		"type: temporal\nrules: failed_operation\ntimespan: 1m\ncondition: a":                                            `names "a"`,
		"type: event_count\nrules: failed_operatoin\ntimespan: 1m\ncondition: {gte: 2}":                                  `the nearest is "failed_operation"`,
		"type: event_count\nrules: 33333333-3333-4333-8333-333333333333\ntimespan: 1m\ncondition: {gte: 2}":              "counts itself",
		"type: event_count\nrules: failed_operation\ntimespan: 1m\ncondition: {gte: 2}\ngroup-by: [calller]":             `the nearest is "caller"`,
		"type: event_count\nrules: failed_operation\ntimespan: 1m\ncondition: {gte: 2}\naliases: {a: {missing: caller}}": `the alias "a" names rule "missing"`,
		"type: value_count\nrules: failed_operation\ntimespan: 1m\ncondition: {gte: 2}":                                  "needs condition.field",
		"type: value_sum\nrules: failed_operation\ntimespan: 1m\ncondition: {field: caller, gte: 2}":                     "value_sum: the field caller holds no number",
		"type: temporal\nrules: [failed_operation]\ntimespan: 1m\ncondition: {gte: 2}":                                   "can never hold",
		"type: event_count\nrules: missing\ntimespan: 1m\ncondition: {gte: 2}":                                           `c.yml:5: the correlation counts rule "missing", which is not loaded`,
		"type: event_count\nrules: failed_operation\ntimespan: 1m\ncondition: {gte: 2}\nwindow: 5":                       "correlation.window is not supported",
	} {
		fsys := fstest.MapFS{"a.yml": {Data: []byte(failedOperation)}, "c.yml": {Data: []byte(correlation(block))}}
		all, err := rules.Load(fsys, ".")
		if err == nil {
			_, err = rules.Compile(all)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("load and compile = %v, want an error with %q, for\n%s", err, want, block)
		}
	}
}
