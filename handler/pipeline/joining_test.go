package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/handler/settings"
)

// uneditable is an end without edits: it keeps every card that it got.
type uneditable struct {
	mu    sync.Mutex
	at    func() time.Time
	cards []string
	times []time.Time
	shown []string // what every channel shows of these: of facts 300 characters, of news notify.NewsFits

	refuses bool // the next message, with 429 and two seconds to wait
	edits   bool // it says that it can edit, and shows an edit as a card
}

func (u *uneditable) Edits() bool { return u.edits }

func (u *uneditable) Deliver(_ context.Context, m notify.Message, prev notify.Ref) (notify.Ref, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.refuses {
		u.refuses = false
		return prev, notify.RetryAfter(notify.Fail(notify.Throttled, errors.New("slow down")), 2*time.Second)
	}
	text, fits := m.Headline, m.Headline
	for _, f := range m.Facts {
		text += " [" + f.Name + ": " + f.Value + "]"
		fits += " [" + f.Name + ": " + notify.Cut(f.Value, 300) + "]"
	}
	u.shown = append(u.shown, fits+" "+notify.Cut(m.News, notify.NewsFits))
	if !prev.Zero() && !u.edits {
		if text = m.News; text == "" {
			return prev, nil
		}
	}
	u.cards, u.times = append(u.cards, string(m.Severity)+" "+text), append(u.times, u.at())
	return notify.Posted(m, notify.Accepted), nil
}

// alerting is a pipeline on a real store whose one rule has the severity.
func alerting(t *testing.T, severity string, end notify.Destination) (*pipeline.Pipeline, *fakeClock) {
	t.Helper()
	all, at := instances(t, 1, severity, end)
	return all[0], at
}

// instances are pipelines on one real store, of which one rule has the severity and another one is low.
func instances(t *testing.T, n int, severity string, end notify.Destination) (many []*pipeline.Pipeline, at *fakeClock) {
	t.Helper()
	_, _, at, kept := storedHouse(t)
	file := strings.Replace(rule, "level: medium", "level: "+severity, 1)
	low := strings.NewReplacer("policyAssignments/delete", "locks/delete", "0b1d6f0e-6c3e-4f5d-9b7a-2f1c8a7d5e90", "0b1d6f0e-6c3e-4f5d-9b7a-2f1c8a7d5e91", "level: medium", "level: low").Replace(rule)
	all, err := rules.Load(fstest.MapFS{"rule.yml": {Data: []byte(file)}, "low.yml": {Data: []byte(low)}}, ".")
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.Compile(all)
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		many = append(many, wire(kept, &pipeline.Judge{Rules: set, Routes: []settings.Route{{To: []string{"cards"}}}}, &pipeline.Composer{},
			pipeline.Channels{Destinations: map[string]notify.Destination{"cards": end}}))
	}
	return many, at
}

// TestWhatJoinsAGraveAlertIsNamedEverywhere deletes thirty assignments, two seconds apart, with the timer every 30 s.
func TestWhatJoinsAGraveAlertIsNamedEverywhere(t *testing.T) {
	t.Parallel()
	for severity, within := range map[string]time.Duration{"high": 30 * time.Second, "critical": 30 * time.Second} {
		end := &uneditable{}
		p, at := alerting(t, severity, end)
		end.at = at.now
		joined := map[string]time.Time{}
		for second := range 200 {
			at.advance(time.Second)
			if n := second / 2; second%2 == 0 && n < 30 {
				joined[fmt.Sprintf("pa-%d,", n)] = at.now()
				handle(t, p, "", deleted(n, at.now()))
			}
			if second%30 == 0 {
				run(t, p, fmt.Sprint("tick", second))
			}
		}
		for name, when := range joined {
			first := time.Duration(-1)
			for i, card := range end.cards {
				if strings.Contains(strings.NewReplacer("]", ",", " [", ", [").Replace(card)+",", name) {
					first = end.times[i].Sub(when)
					break
				}
			}
			if first < 0 || first > within {
				t.Errorf("%s: %s reached its readers after %v; cards: %q", severity, name, first, end.cards)
			}
		}
		if len(end.cards) > 12 {
			t.Errorf("%s: %d cards for 30 operations", severity, len(end.cards))
		}
	}
}

// TestWhatJoinsAMildAlertIsCounted wants at most ten names and the exact count, within five minutes and half a tick.
func TestWhatJoinsAMildAlertIsCounted(t *testing.T) {
	t.Parallel()
	end := &uneditable{}
	p, at := alerting(t, "low", end)
	end.at = at.now
	for n := range 25 {
		at.advance(time.Second)
		handle(t, p, "", deleted(n, at.now()))
	}
	for range 12 {
		at.advance(30 * time.Second)
		run(t, p, fmt.Sprint("tick", at.now()))
	}
	if len(end.cards) != 2 || !strings.Contains(end.cards[1], "×25 now") {
		t.Errorf("cards: %q; want the first and one that counts 25", end.cards)
	}
}

// TestAFloodHidesNothing sends a grave act behind hundreds of alerts that wait: of low ones, or of high ones of one other
// actor; through one instance or two; to a channel that is at its pace, or that has asked to wait a moment ago.
func TestAFloodHidesNothing(t *testing.T) {
	t.Parallel()
	const low, high = "microsoft.authorization/locks/delete", "microsoft.authorization/policyassignments/delete"
	for _, c := range []struct {
		name      string
		severity  string // of the act
		flood     string // its operation
		instances int
		slowed    time.Duration // since the channel asked to wait; 0: it never did
	}{
		{"low", "critical", low, 1, 0},
		{"low, two instances", "critical", low, 2, 0},
		{"low, slowed two minutes ago", "critical", low, 1, 2 * time.Minute},
		{"low, slowed two minutes ago, two instances", "critical", low, 2, 2 * time.Minute},
		{"low, slowed a moment ago", "critical", low, 1, 12 * time.Second},
		{"low, slowed yesterday", "critical", low, 2, 24 * time.Hour},
		{"high of another actor", "high", high, 2, 0},
		{"high of another actor, slowed two minutes ago", "high", high, 2, 2 * time.Minute},
	} {
		end := &uneditable{}
		many, at := instances(t, c.instances, c.severity, end)
		end.at = at.now
		if end.refuses = c.slowed > 0; end.refuses {
			handle(t, many[0], "", deleted(5000, at.now()))
			at.advance(3 * time.Second)
			run(t, many[0], "after the wait")
			at.advance(c.slowed)
		}
		act := deleted(9999, at.now())
		act.Caller, act.ResourceGroup = "eve@example.com", "rg-eve"
		flood(t, many, at, c.flood, 120)
		flood(t, many, at, c.flood, 1) // takes what the channel takes by now
		sent := at.now()
		handle(t, many[len(many)-1], "", act) // between two runs of the timer, of which the next is more than 10 s away
		switch i := slices.IndexFunc(end.cards, func(card string) bool { return strings.Contains(card, "pa-9999") }); {
		case i < 0:
			t.Errorf("%s: the act is not there within 10 s; %d cards", c.name, len(end.cards))
		case end.times[i].Sub(sent) > 10*time.Second || !strings.HasPrefix(end.cards[i], c.severity+" "):
			t.Errorf("%s: after %v: %q", c.name, end.times[i].Sub(sent), end.cards[i])
		}
	}
}

// flood has many alerts of Rob wait for the channel, each of its own scope, with the timers of all instances at work.
func flood(t *testing.T, many []*pipeline.Pipeline, at *fakeClock, operation string, all int) {
	t.Helper()
	for n := 0; n < all; n += 40 {
		b := pipeline.Batch{ID: fmt.Sprint("flood", all, n), Function: "feed", Logger: slog.New(slog.DiscardHandler)}
		for i := n; i < min(n+40, all); i++ {
			e := deleted(all*1000+i, at.now())
			e.Operation, e.ResourceGroup = operation, fmt.Sprint("rg", all, i)
			b.Events = append(b.Events, e)
		}
		p := many[n/40%len(many)]
		if _, err := p.Handle(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		at.advance(time.Second)
		run(t, p, fmt.Sprint("tick", all, n))
	}
}

// TestASummaryIsAsGraveAsWhatItCounts folds low alerts beside a critical act, which is not folded.
func TestASummaryIsAsGraveAsWhatItCounts(t *testing.T) {
	t.Parallel()
	end := &uneditable{}
	many, at := instances(t, 1, "critical", end)
	end.at = at.now
	flood(t, many, at, "microsoft.authorization/locks/delete", 240)
	handle(t, many[0], "", deleted(9999, at.now()))
	for range 10 {
		at.advance(30 * time.Second)
		run(t, many[0], fmt.Sprint("tick", at.now()))
	}
	summaries := 0
	for _, card := range end.cards {
		if !strings.Contains(card, "storm") {
			continue
		}
		if summaries++; strings.HasPrefix(card, "critical ") {
			t.Errorf("a summary of low alerts is critical: %q", card)
		}
	}
	if summaries == 0 {
		t.Errorf("nothing was folded: %d cards", len(end.cards))
	}
}

// TestWhatJoinsIsNotTakenForWhatIsThere lets rules and locks of one name, of nine resources each, join an alert.
func TestWhatJoinsIsNotTakenForWhatIsThere(t *testing.T) {
	t.Parallel()
	for _, resource := range []string{
		"/subscriptions/s/resourcegroups/rg/providers/microsoft.network/networksecuritygroups/of-%d/securityrules/same",
		"/subscriptions/s/resourcegroups/rg/providers/microsoft.storage/storageaccounts/of-%d/providers/microsoft.authorization/locks/same",
		"/subscriptions/s/resourcegroups/of-%d/providers/microsoft.keyvault/vaults/same",
	} {
		end := &uneditable{}
		p, at := alerting(t, "high", end)
		end.at = at.now
		for n := range 9 {
			e := deleted(n, at.now())
			e.ResourceID, e.ResourceName = fmt.Sprintf(resource, n), "same"
			handle(t, p, "", e)
			at.advance(3 * time.Second)
		}
		for range 4 {
			at.advance(30 * time.Second)
			run(t, p, fmt.Sprint("tick", at.now()))
		}
		all := strings.Join(end.cards[1:], "\n")
		for n := 1; n < 9; n++ {
			if !strings.Contains(all, fmt.Sprintf("of-%d/same", n)) {
				t.Errorf("%s: number %d is not named in %q", resource, n, end.cards)
			}
		}
	}
}

// TestALongListIsNamedWhole has forty grants join an alert, with all that a label may hold, while its destination takes no
// message, or between its messages. No message is longer than what every channel shows.
func TestALongListIsNamedWhole(t *testing.T) {
	t.Parallel()
	for _, edits := range []bool{false, true} {
		for _, first := range []int{0, 1} { // how many are sent before the others come
			p, end, at := granting(t, nil)
			end.edits, end.refuses = edits, first == 0
			principals := make([]string, 40)
			for n := range principals {
				principals[n] = fmt.Sprintf("22222222-2222-4222-8222-%012d", n)
				body := strings.Replace(assignment(ownerRole), "22222222-2222-4222-8222-222222222222", principals[n], 1)
				e := grantRecord(fmt.Sprint("g", n), activity.Succeeded, activity.FormRecords, at.now(), body)
				e.ResourceName = fmt.Sprintf("%036d", n)
				e.ResourceID, e.CorrelationID = "/subscriptions/s/resourcegroups/rg/providers/microsoft.storage/storageaccounts/some-account-0001/providers/microsoft.authorization/roleassignments/"+e.ResourceName, e.ID
				e.ResourceGroup = "rg"
				send(t, p, at, e)
			}
			for range 6 {
				at.advance(30 * time.Second)
				run(t, p, fmt.Sprint("tick", at.now()))
			}
			all := strings.Join(end.shown, "\n")
			for _, principal := range principals {
				if !strings.Contains(all, principal) {
					t.Errorf("edits %v, %d first: %s is named nowhere in %q", edits, first, principal, end.shown)
					break
				}
			}
			if len(end.shown) > 16 {
				t.Errorf("edits %v, %d first: %d messages for 40 operations", edits, first, len(end.shown))
			}
		}
	}
}
