package alert_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func event(id string, o activity.Outcome, after time.Duration) activity.Event {
	return activity.Event{
		ID: id, Time: activity.At(noon.Add(after)), Category: activity.Administrative, Outcome: o,
		Operation: "microsoft.network/networksecuritygroups/delete", CorrelationID: "C-1", Caller: "Rob@contoso.com",
		SubscriptionID: "s1", ResourceGroup: "rg", ResourceID: "/subscriptions/s1/resourcegroups/rg/providers/microsoft.network/networksecuritygroups/a", ResourceName: "a",
	}
}

func finding(e activity.Event) alert.Finding {
	return alert.Finding{Event: e, Rule: alert.Rule{ID: "nsg-delete", Severity: "medium"}, To: []string{"slack", "teams"}}
}

// absorb takes a record in as Decide would: an operation is known once it was counted.
func absorb(a *alert.Alert, f alert.Finding, now time.Time) (changed bool) {
	known := slices.ContainsFunc(a.Operations, func(op *alert.Operation) bool { return op.Key == alert.ChainKey(f.Event) })
	return a.Absorb(f, known, now)
}

func TestOneOperationIsOneAlert(t *testing.T) {
	t.Parallel()
	orders := [][]activity.Event{
		{event("e1", activity.Started, 0), event("e2", activity.Accepted, time.Second), event("e3", activity.Succeeded, 9*time.Second)},
		{event("e3", activity.Succeeded, 9*time.Second), event("e1", activity.Started, 0), event("e2", activity.Accepted, time.Second)},
		{event("e2", activity.Accepted, time.Second), event("e3", activity.Succeeded, 9*time.Second), event("e1", activity.Started, 0)},
	}
	for _, records := range orders {
		said := func(e activity.Event) alert.Finding { // the start alone says what was asked for
			f := finding(e)
			if e.Outcome == activity.Started {
				f.Detail, f.Rule = "* → 22", alert.Rule{ID: "nsg-open", Severity: "high"}
			}
			return f
		}
		a := alert.New(said(records[0]), noon)
		for _, e := range records[1:] {
			absorb(&a, said(e), noon)
		}
		op := a.Operations[0]
		got := fmt.Sprintf("%d %d %d %s %s %v", a.Count, a.Records, len(a.Operations), a.Event.Outcome, op.Outcome, op.Ended.Sub(op.Started.Time))
		if want := "1 3 1 succeeded succeeded 9s"; got != want {
			t.Errorf("in order %s first: %s, want %s", records[0].ID, got, want)
		}
	}
}

func TestLifecycleKey(t *testing.T) {
	t.Parallel()
	base := event("e1", activity.Started, 0)
	same := event("e2", activity.Succeeded, time.Minute)
	same.CorrelationID, same.OperationID = "c-1", "another"
	child := event("e3", activity.Started, 0)
	child.ResourceID += "/securityrules/b"
	if alert.LifecycleKey(base) != alert.LifecycleKey(same) {
		t.Error("records of one operation differ in key: case of the correlation id and the operation id must not matter")
	}
	if alert.LifecycleKey(base) == alert.LifecycleKey(child) {
		t.Error("a child operation shares the key: correlation ids are shared by children, resources are not")
	}
	base.CorrelationID, same.CorrelationID = "", ""
	if alert.LifecycleKey(base) == alert.LifecycleKey(same) {
		t.Error("without correlation ids two records must not be taken for one operation")
	}
}

func TestNoiseIsCountedAndBounded(t *testing.T) {
	t.Parallel()
	a := alert.New(finding(event("e0", activity.Succeeded, 0)), noon)
	for i := range 36 {
		e := event(fmt.Sprint("n", i), activity.Succeeded, time.Duration(i)*time.Second)
		e.CorrelationID = fmt.Sprint("other", i)
		if !absorb(&a, finding(e), noon) {
			t.Fatalf("operation %d changes nothing", i)
		}
	}
	if a.Count != 37 || len(a.Operations) != 20 || a.Revision != 37 {
		t.Errorf("count %d, operations %d, revision %d; want 37, 20, 37", a.Count, len(a.Operations), a.Revision)
	}
}

func TestAGraverRuleTakesTheAlertOver(t *testing.T) {
	t.Parallel()
	a := alert.New(finding(event("e1", activity.Started, 0)), noon)
	f := finding(event("e2", activity.Accepted, 1))
	f.Rule = alert.Rule{ID: "azure:x", Title: "x", Severity: "critical", Azure: true}
	f.To = []string{"webhook"}
	absorb(&a, f, noon)
	if a.Rule.ID != "azure:x" || len(a.Also) != 1 || a.Also[0].ID != "nsg-delete" {
		t.Errorf("rule %s, also %v", a.Rule.ID, a.Also)
	}
	if _, ok := a.Deliveries["webhook"]; !ok {
		t.Error("a destination that only the later finding chose was not added")
	}
}

func TestDeliveryLife(t *testing.T) {
	t.Parallel()
	a := alert.New(finding(event("e1", activity.Started, 0)), noon)
	a.Sent("slack", 1, alert.Delivery{Channel: "C", Ref: "1.1"}, noon)
	if got := fmt.Sprint(a.DueNames(noon)); got != "[teams]" || !a.Behind() {
		t.Fatalf("due %s, behind %v; want only teams", got, a.Behind())
	}
	absorb(&a, finding(event("e2", activity.Succeeded, time.Second)), noon.Add(time.Second))
	if got := a.Deliveries["slack"].Due.Sub(noon); got != 15*time.Second {
		t.Errorf("an edit right after a post is due after %v, want the 15 s debounce", got)
	}
	a.Failed("teams", "x", 7*time.Second, noon)
	if got := a.Deliveries["teams"].Due.Sub(noon); got != 7*time.Second {
		t.Errorf("Retry-After moved due by %v, want 7s", got)
	}
	a.Failed("teams", "x", 0, noon.AddDate(1, 0, 0))
	if !a.Owes("teams") {
		t.Error("a delivery that failed for a year is not owed any more")
	}
	a.Park("slack", "invalid_auth", true, noon)
	a.Park("teams", "403", true, noon)
	if !a.Behind() || !a.NextDue().IsZero() || !a.Parked() || len(a.DueNames(noon.AddDate(2, 0, 0))) != 0 {
		t.Error("deliveries that wait for their destination are due, or not owed, or do not show")
	}
	a.Absorb(finding(event("e3", activity.Failed, time.Second)), true, noon.Add(time.Minute))
	if !a.NextDue().IsZero() || !a.Owes("slack") {
		t.Error("what joins an alert that waits does not wait with it")
	}
	a.Sent("slack", a.Revision, alert.Delivery{Channel: "C", Ref: "1.1"}, noon)
	a.Discard("teams", noon)
	if a.Behind() || a.Parked() {
		t.Error("a delivery that came, or was discarded, is still owed")
	}
}

// TestTheEndOfWhatASummaryCounted is about conditions: a summary names them as they were, so their end has a message.
func TestTheEndOfWhatASummaryCounted(t *testing.T) {
	t.Parallel()
	begun := event("e1", activity.Active, 0)
	begun.Category = activity.ResourceHealth
	over := begun
	over.ID, over.Outcome, over.Time = "e2", activity.Resolved, activity.At(noon.Add(time.Hour))
	a := alert.New(finding(begun), noon)
	a.Fold("slack", "alert-summary")
	if a.Owes("slack") || !a.Owes("teams") {
		t.Error("a summary counts it in Slack alone")
	}
	absorb(&a, finding(over), noon.Add(time.Hour))
	if !a.Owes("slack") || !a.Behind() || !a.Deliveries["slack"].HasOwn() {
		t.Error("its end is owed where a summary named its beginning")
	}
	a.Fold("teams", "alert-summary")
	if a.Owes("teams") {
		t.Error("its end is in the summary")
	}
	a.Sent("slack", a.Revision, alert.Delivery{Shown: alert.Shown{Outcome: string(activity.Resolved), Count: 1}}, noon.Add(time.Hour))
	if a.Behind() || a.Deliveries["slack"].Folded != "alert-summary" {
		t.Error("its end is shown and owed, or the summary does not count it any more")
	}
}

func TestUnansweredIsRepeatedOnce(t *testing.T) {
	t.Parallel()
	a := alert.New(finding(event("e1", activity.Started, 0)), noon)
	if a.Unanswered("slack", 1, alert.Delivery{Reason: "no answer"}, noon) || len(a.DueNames(noon.Add(59*time.Second))) != 1 {
		t.Error("the first time-out counts as doubt, or is repeated before a minute is over")
	}
	if got := fmt.Sprint(a.DueNames(noon.Add(time.Minute))); got != "[slack teams]" {
		t.Errorf("due %s after a minute, want slack too", got)
	}
	if !a.Unanswered("slack", 1, alert.Delivery{Reason: "no answer"}, noon.Add(time.Minute)) || a.Owes("slack") || a.Deliveries["slack"].Unconfirmed.IsZero() {
		t.Error("after the second time-out the message is still to be sent, or not called unconfirmed")
	}
}

func TestBackoffGrowsToAnHour(t *testing.T) {
	t.Parallel()
	a := alert.New(finding(event("e1", activity.Started, 0)), noon)
	var last time.Duration
	for range 20 {
		a.Failed("slack", "x", 0, noon)
		wait := a.Deliveries["slack"].Due.Sub(noon)
		if wait < last*3/4 || wait > 75*time.Minute {
			t.Fatalf("backoff went from %v to %v", last, wait)
		}
		last = wait
	}
	if last < time.Hour {
		t.Errorf("backoff ends at %v, want about an hour", last)
	}
}

func TestKeysFitCosmos(t *testing.T) {
	t.Parallel()
	e := event("e1", activity.Started, 0)
	e.Caller, e.CorrelationID = "Ünïcode 🚀/\\?#", strings.Repeat("/subscriptions/x", 40)
	a := alert.New(finding(e), noon)
	for _, key := range []string{a.ID, a.Group, alert.LifecycleKey(e)} {
		if !regexp.MustCompile(`^[a-z0-9-]{1,64}$`).MatchString(key) {
			t.Errorf("key %q has characters that azcosmos escapes wrongly", key)
		}
	}
}

func TestGroupByNamesFields(t *testing.T) {
	t.Parallel()
	r := alert.Rule{ID: "r", GroupBy: []string{"resource_id", "properties.policy"}}
	a, b := event("a", activity.Started, 0), event("b", activity.Started, 0)
	b.Caller = "somebody else"
	if alert.GroupKey(r, a) != alert.GroupKey(r, b) {
		t.Error("the caller tells groups apart though group_by does not name it")
	}
	b.Properties = activity.Properties(`{"policy":"p"}`)
	if alert.GroupKey(r, a) == alert.GroupKey(r, b) {
		t.Error("a property that group_by names does not tell groups apart")
	}
}
