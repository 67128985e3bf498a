package pipeline_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/exception"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/rules"
)

// noKeeper keeps no exceptions beside those configured.
type noKeeper struct{}

func (noKeeper) Exceptions(context.Context) ([]alert.Exception, error) { return nil, nil }
func (noKeeper) Except(context.Context, alert.Exception) error         { return nil }
func (noKeeper) EndException(context.Context, string, alert.Person) (alert.Exception, error) {
	return alert.Exception{}, alert.ErrUnknown
}
func (noKeeper) Excepted(context.Context, string, activity.Event) (float64, error) { return 0, nil }
func (noKeeper) Lapse(_ context.Context, _ string, e activity.Event) (string, error) {
	return e.ID, nil
}

func answer(role string, at time.Time) alert.Learned {
	return alert.Learned{Body: activity.Properties(assignment(role)), AsOf: at}
}

// only keeps the library's rules of a severity from one on.
func only(t *testing.T, p *pipeline.Pipeline, from string) {
	t.Helper()
	all, err := rules.Library()
	if err != nil {
		t.Fatal(err)
	}
	all = slices.DeleteFunc(all, func(r *rules.Rule) bool { // a correlation counts matches of milder rules
		return r.Correlation != nil || slices.Index(alert.Severities, string(r.Level)) < slices.Index(alert.Severities, from)
	})
	if p.Rules, err = rules.Compile(all); err != nil {
		t.Fatal(err)
	}
}

// excepting excepts all milder rules that grants by Rob meet.
func excepting(t *testing.T, p *pipeline.Pipeline, at *fakeClock) {
	t.Helper()
	x := alert.Exception{ID: "expected", Actor: "rob@contoso.example", Subscription: "s", Created: at.now(), Expires: at.now().Add(time.Hour)}
	all, err := rules.Library()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		if !alert.IsGrave(string(r.Level)) {
			x.Rules = append(x.Rules, r.ID)
		}
	}
	p.Exceptions = exception.NewBook([]exception.Exception{exception.Of(x)}, noKeeper{}, at.now)
}

// TestAnActIsNotForgottenWhileAzureIsSilent grants a role through Event Grid, which says nothing of it, where no rule
// matches without the body, or an exception covers all that do.
func TestAnActIsNotForgottenWhileAzureIsSilent(t *testing.T) {
	t.Parallel()
	graveOnly := func(t *testing.T, p *pipeline.Pipeline, _ *fakeClock) { t.Helper(); only(t, p, "high") }
	for _, c := range []struct {
		name    string
		prepare func(*testing.T, *pipeline.Pipeline, *fakeClock)
		role    string        // what Azure answers after a while; empty: nothing
		after   time.Duration // from when on it answers
		want    string        // the first card's severity; empty: none
		within  time.Duration
	}{
		{"no rule matches, Azure answers Owner", graveOnly, ownerRole, 20 * time.Second, "critical", 45 * time.Second},
		{"no rule matches, Azure answers Reader", graveOnly, readerRole, 20 * time.Second, "", 0},
		{"no rule matches, Azure is silent", graveOnly, "", 0, "critical", 95 * time.Second},
		{"excepted, Azure answers Owner", excepting, ownerRole, 20 * time.Second, "critical", 45 * time.Second},
		{"excepted, Azure answers Reader", excepting, readerRole, 20 * time.Second, "", 0},
		{"excepted, Azure is silent", excepting, "", 0, "critical", 95 * time.Second},
	} {
		m := &manager{later: true}
		p, cards, at := granting(t, m)
		c.prepare(t, p, at)
		began := at.now()
		record := grantRecord("grid", activity.Succeeded, activity.FormEventGrid, began, "")
		send(t, p, at, record)
		for tick := 1; tick <= 6; tick++ {
			at.advance(30 * time.Second)
			if c.role != "" && at.now().Sub(began) > c.after {
				m.later, m.found = false, answer(c.role, at.now())
			}
			run(t, p, fmt.Sprint("tick", tick))
		}
		asked := m.asked
		send(t, p, at, record) // delivered again
		run(t, p, "the last tick")
		switch {
		case c.want == "" && len(cards.cards) > 0:
			t.Errorf("%s: %q", c.name, cards.cards)
		case c.want == "":
		case len(cards.cards) != 1 || !strings.HasPrefix(cards.cards[0], c.want+" "):
			t.Errorf("%s: %q; want one card, %s", c.name, cards.cards, c.want)
		case cards.times[0].Sub(began) > c.within:
			t.Errorf("%s: after %v, want %v", c.name, cards.times[0].Sub(began), c.within)
		}
		if m.asked > asked+1 {
			t.Errorf("%s: Azure is asked %d times more after the act was judged", c.name, m.asked-asked)
		}
	}
}

// TestWhatCannotBeEditedWaitsForAnAnswer has Azure answer at the second question, within the same invocation, or late.
func TestWhatCannotBeEditedWaitsForAnAnswer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		silences int
		edits    bool
		want     []string // beginnings of cards
	}{
		"answered at the second question":            {1, false, []string{"critical Owner"}},
		"answered after a minute":                    {2, false, []string{"medium Role", "critical "}},
		"a message that can be edited does not wait": {1, true, []string{"medium Role", "critical "}},
	} {
		m := &manager{silences: c.silences, found: answer(ownerRole, time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))}
		p, cards, at := granting(t, m)
		cards.edits = c.edits
		send(t, p, at, grantRecord("grid", activity.Succeeded, activity.FormEventGrid, at.now(), ""))
		for tick := range 3 {
			at.advance(30 * time.Second)
			run(t, p, fmt.Sprint("tick", tick))
		}
		if len(cards.cards) != len(c.want) {
			t.Errorf("%s: %q; want %q", name, cards.cards, c.want)
			continue
		}
		for i, want := range c.want {
			if !strings.HasPrefix(cards.cards[i], want) {
				t.Errorf("%s: card %d is %q, want %q", name, i, cards.cards[i], want)
			}
		}
	}
}

// TestManyPendingActsAreJudgedAtOnce has more of them than one list holds.
func TestManyPendingActsAreJudgedAtOnce(t *testing.T) {
	t.Parallel()
	p, cards, at := granting(t, &manager{later: true})
	only(t, p, "high")
	const acts = 230
	for n := 0; n < acts; n += 10 {
		var some []activity.Event
		for i := n; i < n+10; i++ {
			e := grantRecord(fmt.Sprint("g", i), activity.Succeeded, activity.FormEventGrid, at.now(), "")
			e.CorrelationID, e.ResourceName = e.ID, e.ID
			e.ResourceID, e.ResourceGroup = "/subscriptions/s/resourcegroups/rg/providers/microsoft.authorization/roleassignments/"+e.ID, "rg"
			some = append(some, e)
		}
		send(t, p, at, some...)
	}
	at.advance(90 * time.Second)
	sum := run(t, p, "once")
	if sum.Opened == 0 || len(cards.cards) == 0 {
		t.Fatalf("nothing was judged: %+v", sum)
	}
	if again := run(t, p, "again"); again.Matched > 0 || sum.Matched != acts {
		t.Errorf("one run judged %d of %d, the next one %d", sum.Matched, acts, again.Matched)
	}
}

// TestTheWaitForAnAnswerOutlivesAnInstance kills the instance that a grant came through while its first message waits: another
// one sends it, five seconds after the grant came and no earlier.
func TestTheWaitForAnAnswerOutlivesAnInstance(t *testing.T) {
	t.Parallel()
	end := &uneditable{}
	both, at := instances(t, 2, "low", end)
	end.at = at.now
	for _, p := range both {
		p.Rules, p.Lookups = library(t), &manager{later: true}
	}
	send(t, both[0], at, grantRecord("grid", activity.Succeeded, activity.FormEventGrid, at.now(), "")) // it takes a second, and dies
	at.advance(3 * time.Second)
	if run(t, both[1], "after 4 s"); len(end.cards) != 0 {
		t.Errorf("after 4 s: %q", end.cards)
	}
	at.advance(1100 * time.Millisecond)
	if run(t, both[1], "after 5 s"); len(end.cards) != 1 {
		t.Errorf("after 5 s: %q", end.cards)
	}
}
