package rules_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/handler/rules/rulestest"
)

func TestMatchIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	set := compile(t, shape(1))
	events := load(500)
	want := make([]int, len(events))
	for i := range events {
		want[i] = len(set.Match(nil, &events[i]))
	}
	fresh := compile(t, shape(1)) // whose memo fills while it is used
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			var matched []*rules.Rule
			for i := range events {
				if matched = fresh.Match(matched[:0], &events[i]); len(matched) != want[i] {
					t.Errorf("event %d meets %d rules, want %d", i, len(matched), want[i])
				}
			}
		})
	}
	group.Wait()
}

func TestMostSevereFirst(t *testing.T) {
	t.Parallel()
	_, set := rulestest.Library(t)
	e := grant()
	e.ResourceID = "/subscriptions/5a5a/providers/microsoft.authorization/roleassignments/1"
	e.Properties = activity.Properties(`{"requestbody":{"Properties":{"RoleDefinitionId":"/x/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635"}}}`)
	var got []string
	for _, r := range set.Match(nil, &e) {
		got = append(got, fmt.Sprintf("%s %s", r.Level, r.ID))
	}
	want := "[critical role-assignment-owner-wide high role-assignment-owner medium role-assignment-alert]"
	if fmt.Sprint(got) != want {
		t.Errorf("matched %v, want %s", got, want)
	}
}

// What a caller can make up must not fill the memory: operations beyond the memo's bound and key length still match.
func TestTheMemoIsBounded(t *testing.T) {
	t.Parallel()
	set := compile(t, map[string]string{"r.yml": ruleWith("s:\n  operationName|startswith: watched\ncondition: s")})
	long := make([]byte, 10_000)
	for i := range long {
		long[i] = 'x'
	}
	for i := range 20_000 {
		e := activity.Event{Operation: fmt.Sprintf("watched/%d", i)}
		if len(set.Match(nil, &e)) != 1 {
			t.Fatalf("operation %d is not matched", i)
		}
	}
	e := activity.Event{Operation: "watched" + string(long)}
	if len(set.Match(nil, &e)) != 1 {
		t.Error("a long operation is not matched")
	}
	if n := rules.Remembered(set); n > 8192 || n == 0 {
		t.Errorf("%d plans are remembered, want at most 8192", n)
	}
}
