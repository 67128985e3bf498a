package alert_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
)

var ana = alert.Person{ID: "U1", Name: "ana"}

// told is an alert whose readers have it, at noon.
func told() alert.Alert {
	a := alert.New(finding(event("e1", activity.Started, 0)), noon)
	a.Sent("slack", 1, alert.Delivery{Channel: "C", Ref: "1.1"}, noon)
	a.Sent("teams", 1, alert.Delivery{}, noon)
	return a
}

func TestAnActIsShownAtOnceAndOnce(t *testing.T) {
	t.Parallel()
	a := told()
	act := alert.Act{ID: "act-1", Kind: alert.Acknowledged, By: ana, At: noon.Add(time.Second)}
	if !a.Take(act, act.At) {
		t.Fatal("the first acknowledgement changes nothing")
	}
	if got := fmt.Sprint(a.DueNames(act.At)); got != "[slack teams]" {
		t.Errorf("due a second after a post: %s; a person who clicked must not wait for the debounce", got)
	}
	act.ID = "act-2"
	if a.Take(act, act.At) || len(a.Acts) != 1 || a.Revision != 2 {
		t.Errorf("the same by the same person again: %d acts, revision %d; want 1, 2", len(a.Acts), a.Revision)
	}
	act.By = alert.Person{ID: "U2"}
	if !a.Take(act, act.At) || len(a.Acts) != 2 {
		t.Error("another person's acknowledgement is not kept for the digest")
	}
	if last, _ := a.Standing(alert.Acknowledged, act.At); last.By.String() != "U2" {
		t.Errorf("last by %s, want the id of somebody without a name", last.By)
	}
}

func TestAnActDoesNotJumpAQueue(t *testing.T) {
	t.Parallel()
	a := told()
	a.Failed("teams", "x", time.Hour, noon) // Teams asked for an hour
	a.Take(alert.Act{Kind: alert.Acknowledged, By: ana}, noon.Add(time.Minute))
	if got := fmt.Sprint(a.DueNames(noon.Add(time.Minute))); got != "[slack]" {
		t.Errorf("due: %s; a click must not override Retry-After", got)
	}
}

func TestSnoozeHoldsAllButItself(t *testing.T) {
	t.Parallel()
	a := told()
	at, until := noon.Add(time.Minute), noon.Add(time.Hour)
	a.Take(alert.Act{Kind: alert.Snoozed, By: ana, At: at, Until: until}, at)
	if !a.WindowEnds.Equal(until) {
		t.Errorf("window ends at %v, want with the snooze: the same noise would ring anew", a.WindowEnds)
	}
	// A delivery that began before the click ends after it: readers do not know of the snooze yet.
	a.Sent("slack", 1, alert.Delivery{Channel: "C", Ref: "1.1"}, at.Add(time.Second))
	if got := a.Deliveries["slack"].Due; got.After(at.Add(time.Minute)) {
		t.Errorf("the edit that shows the snooze is due at %v, held by the snooze itself", got)
	}
	a.Sent("slack", 2, alert.Delivery{Channel: "C", Ref: "1.1"}, at.Add(time.Minute))
	a.Sent("teams", 2, alert.Delivery{}, at.Add(time.Minute))
	absorb(&a, finding(event("e2", activity.Succeeded, time.Second)), at.Add(2*time.Minute))
	if got := a.DueNames(until.Add(-time.Second)); got != nil {
		t.Errorf("due during the snooze: %v", got)
	}
	if got := fmt.Sprint(a.DueNames(until)); got != "[slack teams]" {
		t.Errorf("due when it ends: %s", got)
	}
}

func TestALaterSnoozeWins(t *testing.T) {
	t.Parallel()
	a := told()
	for _, length := range []time.Duration{8 * time.Hour, time.Hour} {
		a.Take(alert.Act{Kind: alert.Snoozed, By: ana, At: noon, Until: noon.Add(length)}, noon)
	}
	if got := a.Snooze.Until.Sub(noon); got != time.Hour {
		t.Errorf("snoozed for %v, want the hour that was chosen last", got)
	}
}

func TestActsAreBounded(t *testing.T) {
	t.Parallel()
	a := told()
	for i := range 200 {
		a.Take(alert.Act{ID: fmt.Sprint(i), Kind: alert.Acknowledged, By: alert.Person{ID: fmt.Sprint("U", i)}}, noon)
	}
	if len(a.Acts) != 50 || a.Acts[49].ID != "199" {
		t.Errorf("%d acts, the last %s; an item must not grow without end", len(a.Acts), a.Acts[len(a.Acts)-1].ID)
	}
}

func TestAnExceptionIsAsNarrowAsItsAlert(t *testing.T) {
	t.Parallel()
	a := told()
	a.Also = []alert.Rule{{ID: "also"}}
	x := a.Expect(alert.Act{ID: "act-1", Kind: alert.Expected, By: ana, At: noon, Until: noon.Add(time.Hour)})
	for _, c := range []struct {
		name   string
		rule   string
		change func(*activity.Event)
		want   bool
	}{
		{"the same", "nsg-delete", func(*activity.Event) {}, true},
		{"a rule that the alert had met beside", "also", func(*activity.Event) {}, true},
		{"another resource of the group", "nsg-delete", func(e *activity.Event) { e.ResourceID += "2" }, true},
		{"the caller in another casing", "nsg-delete", func(e *activity.Event) { e.Caller = "ROB@contoso.com" }, true},
		{"another rule", "other", func(*activity.Event) {}, false},
		{"another actor", "nsg-delete", func(e *activity.Event) { e.Caller = "eve@contoso.com" }, false},
		{"another group", "nsg-delete", func(e *activity.Event) { e.ResourceGroup = "rg2" }, false},
		{"another subscription", "nsg-delete", func(e *activity.Event) { e.SubscriptionID = "s2" }, false},
		{"no group", "nsg-delete", func(e *activity.Event) { e.ResourceGroup = "" }, false},
	} {
		e := event("e9", activity.Succeeded, 0)
		c.change(&e)
		if got := x.Covers(&e, c.rule); got != c.want {
			t.Errorf("%s: covered %v, want %v", c.name, got, c.want)
		}
	}
	if again := a.Expect(alert.Act{ID: "act-1", By: ana}); again.ID != x.ID {
		t.Error("the same click makes two exceptions")
	}
}

// TestTheLaterDecisionHolds has two people decide differently within a second, and their writes come in either order: what holds
// is what was decided last by the store's clock, and both acts are kept.
func TestTheLaterDecisionHolds(t *testing.T) {
	t.Parallel()
	bob := alert.Person{ID: "U2", Name: "bob"}
	began := alert.Act{ID: "act-0", Kind: alert.Snoozed, By: ana, At: noon, Until: noon.Add(time.Hour)}
	longer := alert.Act{ID: "act-1", Kind: alert.Snoozed, By: ana, At: noon.Add(time.Minute), Until: noon.Add(8 * time.Hour)}
	ended := alert.Act{ID: "act-2", Kind: alert.Unsnoozed, By: bob, At: noon.Add(time.Minute + 300*time.Millisecond)}
	earlier := ended
	earlier.At = longer.At.Add(-300 * time.Millisecond)
	for name, c := range map[string]struct {
		acts   []alert.Act
		until  time.Time
		stands bool
	}{
		"ended last":                  {[]alert.Act{longer, ended}, time.Time{}, false},
		"ended last, written first":   {[]alert.Act{ended, longer}, time.Time{}, false},
		"snoozed last":                {[]alert.Act{earlier, longer}, longer.Until, true},
		"snoozed last, written first": {[]alert.Act{longer, earlier}, longer.Until, true},
	} {
		a := alert.New(finding(event("e1", activity.Started, 0)), noon)
		window := a.WindowEnds
		a.Take(began, began.At)
		now := noon.Add(2 * time.Minute)
		for _, act := range c.acts {
			if !a.Take(act, now) {
				t.Errorf("%s: %s changes nothing", name, act.ID)
			}
		}
		if _, stands := a.Standing(alert.Snoozed, now); stands != c.stands || !a.Snooze.Until.Equal(c.until) {
			t.Errorf("%s: a snooze stands: %v, until %v", name, stands, a.Snooze.Until)
		}
		if !c.stands && !a.WindowEnds.Equal(window) {
			t.Errorf("%s: the window ends at %v, want its own end %v", name, a.WindowEnds, window)
		}
		if len(a.Acts) != 3 {
			t.Errorf("%s: %d acts are kept, want 3", name, len(a.Acts))
		}
	}
}

// TestALetterThatFoldsIsAnotherName has names that differ by a letter which Go folds to one of ASCII, as Azure does not: what is
// expected of one resource group or caller is not expected of its double, and their acts are two.
func TestALetterThatFoldsIsAnotherName(t *testing.T) {
	t.Parallel()
	e := event("e1", activity.Succeeded, 0)
	e.Caller, e.ResourceGroup = "kim@contoso.com", "backups"
	x := alert.Exception{Rules: []string{"r"}, Actor: e.Caller, Tenant: e.TenantScope(), Subscription: e.SubscriptionID, ResourceGroup: "Backups"}
	if !x.Covers(&e, "r") {
		t.Fatal("the exception does not cover its own")
	}
	for _, change := range []func(*activity.Event){
		func(e *activity.Event) { e.ResourceGroup = "bac\u212aups" },
		func(e *activity.Event) { e.ResourceGroup = "backup\u017f" },
		func(e *activity.Event) { e.Caller = "\u212aim@contoso.com" },
		func(e *activity.Event) { e.Caller = "k\u0130m@contoso.com" },
	} {
		other := e
		change(&other)
		if x.Covers(&other, "r") {
			t.Errorf("%s in %s is covered by what is expected of %s in %s", other.Caller, other.ResourceGroup, e.Caller, e.ResourceGroup)
		}
		if other.Caller != e.Caller && (alert.SameAct(&e, &other) || alert.GroupKey(alert.Rule{ID: "r"}, e) == alert.GroupKey(alert.Rule{ID: "r"}, other)) {
			t.Errorf("%s is taken for %s", other.Caller, e.Caller)
		}
	}
}
