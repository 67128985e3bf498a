package alert_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
)

// asked is an alert with open questions that one destination was told of.
func asked(names ...string) alert.Alert {
	a := alert.New(alert.Finding{
		Event: activity.Event{ID: "e", Operation: "a/b/write", CorrelationID: "c", Time: activity.At(noon)}, Rule: alert.Rule{ID: "r"},
		To: []string{"slack", "teams"}, Ask: names,
	}, noon)
	a.Sent("slack", 1, alert.Delivery{Channel: "C", Ref: "1"}, noon)
	return a
}

func TestQuestionsWaitForTheFirstMessage(t *testing.T) {
	t.Parallel()
	a := alert.New(alert.Finding{Event: activity.Event{ID: "e"}, To: []string{"slack"}, Ask: []string{"role"}}, noon)
	later := noon.Add(time.Hour)
	if a.AskingFirst() != nil || a.Asking(later) != nil || !a.NextLookup().IsZero() {
		t.Errorf("nobody was told, and %v, %v are asked at %v", a.AskingFirst(), a.Asking(later), a.NextLookup())
	}
	folded := a
	folded.Deliveries = map[string]alert.Delivery{"slack": {Revision: 1, Folded: "alert-storm"}}
	if folded.AskingFirst() != nil || folded.Asking(later) != nil {
		t.Error("an alert that a summary counts is looked up")
	}
	a.Sent("slack", 1, alert.Delivery{Channel: "C", Ref: "1"}, noon)
	if !slices.Equal(a.AskingFirst(), []string{"role"}) || a.Asking(noon) != nil || !slices.Equal(a.Asking(noon.Add(30*time.Second)), []string{"role"}) {
		t.Errorf("told: first %v, due now %v, later %v; the invocation asks at once, the timer after 30 s", a.AskingFirst(), a.Asking(noon), a.Asking(later))
	}
	if next := a.NextWork(); !next.Equal(noon.Add(30 * time.Second)) {
		t.Errorf("there is something to do at %v, want in 30 s", next)
	}
}

func TestLearning(t *testing.T) {
	t.Parallel()
	a := asked("role", "changes")
	found := alert.Learned{Names: map[string]string{"ABC": "Owner"}, Facts: []alert.Fact{{Name: "Permissions", Value: "all"}}}
	changed, givenUp := a.Learn(found, []string{"role", "changes"}, []string{"changes"}, noon)
	if !changed || givenUp != 0 || a.Revision != 2 || a.Learned.Names["abc"] != "Owner" {
		t.Errorf("changed %v, given up %d, revision %d, %v", changed, givenUp, a.Revision, a.Learned)
	}
	if names := a.DueNames(noon); !slices.Equal(names, []string{"slack", "teams"}) {
		t.Errorf("due at once: %v; slack has an edit coming, teams its first message", names)
	}
	if changed, _ = a.Learn(found, []string{"role"}, nil, noon); changed || a.Revision != 2 {
		t.Error("the same again is a change")
	}
	better := alert.Learned{Facts: []alert.Fact{{Name: "Permissions", Value: "nearly all"}, {Name: "Empty"}}}
	a.Learn(better, nil, nil, noon)
	if diff := cmp.Diff([]alert.Fact{{Name: "Permissions", Value: "nearly all"}}, a.Learned.Facts); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
}

func TestQuestionsAreAskedABoundedNumberOfTimes(t *testing.T) {
	t.Parallel()
	a := asked("changes")
	now, asks := noon, 0
	for next := now; !next.IsZero() && asks < 20; next = a.NextLookup() {
		now = next
		revision := a.Revision
		_, givenUp := a.Learn(alert.Learned{}, []string{"changes"}, []string{"changes"}, now)
		if asks++; (givenUp == 1) != (asks == 4) || a.Revision != revision {
			t.Errorf("ask %d: given up %d, revision %d", asks, givenUp, a.Revision)
		}
	}
	if asks != 4 || now.Sub(noon) != 20*time.Minute {
		t.Errorf("asked %d times within %s, want 4 within 20m", asks, now.Sub(noon))
	}
}

// Further records of the same operation may open further questions, other operations of the same noise none.
func TestWhichRecordsOpenQuestions(t *testing.T) {
	t.Parallel()
	a := asked("role")
	a.Learn(alert.Learned{}, []string{"role"}, nil, noon)
	record := activity.Event{ID: "e2", Operation: "a/b/write", CorrelationID: "c", Outcome: activity.Succeeded}
	absorb(&a, alert.Finding{Event: record, Rule: alert.Rule{ID: "r"}, Ask: []string{"role", "changes"}}, noon)
	noise := activity.Event{ID: "e3", Operation: "a/b/write", CorrelationID: "other"}
	absorb(&a, alert.Finding{Event: noise, Rule: alert.Rule{ID: "r"}, Ask: []string{"history"}}, noon)
	if got := a.AskingFirst(); !slices.Equal(got, []string{"changes"}) {
		t.Errorf("asks %v, want changes alone", got)
	}
}

func TestASnoozeHoldsWhatIsLearned(t *testing.T) {
	t.Parallel()
	a := asked("role")
	a.Take(alert.Act{ID: "act-1", Kind: alert.Snoozed, Until: noon.Add(time.Hour)}, noon)
	a.Sent("slack", a.Revision, alert.Delivery{Channel: "C", Ref: "1"}, noon)
	a.Learn(alert.Learned{Names: map[string]string{"x": "y"}}, []string{"role"}, nil, noon)
	if due := a.Deliveries["slack"].Due; !due.Equal(noon.Add(time.Hour)) {
		t.Errorf("the edit is due at %v, want at the end of the snooze", due)
	}
}

func TestWhatIsLearnedIsBounded(t *testing.T) {
	t.Parallel()
	a := asked("role")
	found := alert.Learned{Names: map[string]string{}}
	for i := range 100 {
		found.Names[fmt.Sprint("id", i)] = strings.Repeat("ä", 5000)
		found.Facts = append(found.Facts, alert.Fact{Name: fmt.Sprint("f", i), Value: strings.Repeat("ä", 5000)})
	}
	a.Learn(found, nil, nil, noon)
	if n, f := len(a.Learned.Names), len(a.Learned.Facts); n != 8 || f != 12 {
		t.Errorf("%d names and %d facts, want 8 and 12", n, f)
	}
	for _, f := range a.Learned.Facts {
		if r := []rune(f.Value); len(r) != 400 || r[399] != '…' {
			t.Errorf("%d runes, want 400 with the last an ellipsis", len(r))
		}
	}
}

// TestAnActInDoubtJoinsAsTheGravest has an act, whose severity hangs on an answer of Azure's, open an alert, where the answer
// raises it later, and join one, which is graver in the same write.
func TestAnActInDoubtJoinsAsTheGravest(t *testing.T) {
	t.Parallel()
	var m alert.Memory
	grant := func(n int) alert.Finding {
		e := event(fmt.Sprint("e", n), activity.Succeeded, time.Duration(n)*time.Second)
		e.CorrelationID = fmt.Sprint("c", n)
		f := finding(e)
		gravest := f
		gravest.Rule, gravest.Also = alert.Rule{ID: "owner-granted", Severity: "critical"}, []alert.Rule{f.Rule}
		gravest.To, gravest.Notes = []string{"slack", "teams", "pager"}, []string{"it is not known"}
		f.Doubt = &gravest
		return f
	}
	opened := m.Take(grant(1), noon)
	joined := m.Take(grant(2), noon)
	if a := opened.Alert; a.Rule.Severity != "medium" || len(a.Deliveries) != 2 {
		t.Errorf("opened as %s for %d destinations", a.Rule.Severity, len(a.Deliveries))
	}
	if a := joined.Alert; joined.Opened || a.Rule.Severity != "critical" || a.Operations[1].Severity != "critical" || len(a.Deliveries) != 3 || len(a.Notes) != 1 {
		t.Errorf("joined: opened %v, %s, operation %+v, %d destinations, notes %q", joined.Opened, a.Rule.Severity, a.Operations[1], len(a.Deliveries), a.Notes)
	}
}
