package pipeline_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

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
}

func (u *uneditable) Deliver(_ context.Context, m notify.Message, prev notify.Ref) (notify.Ref, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	text := m.Headline
	for _, f := range m.Facts {
		text += " [" + f.Name + ": " + f.Value + "]"
	}
	if !prev.Zero() {
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
	p := wire(kept, &pipeline.Judge{Rules: set, Routes: []settings.Route{{To: []string{"cards"}}}}, &pipeline.Composer{},
		pipeline.Channels{Destinations: map[string]notify.Destination{"cards": end}})
	return p, at
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

// TestAFloodHidesNothing sends a critical act behind 600 low alerts of 600 scopes, of the same actor.
func TestAFloodHidesNothing(t *testing.T) {
	t.Parallel()
	end := &uneditable{}
	p, at := alerting(t, "critical", end)
	end.at = at.now
	flood := func(from, to int) {
		b := pipeline.Batch{ID: fmt.Sprint("flood", from), Function: "feed", Logger: slog.New(slog.DiscardHandler)}
		for n := from; n < to; n++ {
			e := deleted(n, at.now())
			e.Operation, e.ResourceGroup = "microsoft.authorization/locks/delete", fmt.Sprint("rg", n)
			b.Events = append(b.Events, e)
		}
		if _, err := p.Handle(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	flood(0, 300)
	at.advance(time.Second)
	handle(t, p, "", deleted(9999, at.now()))
	if last := end.cards[len(end.cards)-1]; !strings.HasPrefix(last, "critical ") || !strings.Contains(last, "pa-9999") {
		t.Errorf("the critical act is not there at once; the last card is %q", last)
	}
	flood(300, 600)
	for range 20 {
		at.advance(30 * time.Second)
		run(t, p, fmt.Sprint("tick", at.now()))
	}
	for _, card := range end.cards {
		if strings.Contains(card, "storm") && strings.HasPrefix(card, "critical ") {
			t.Errorf("a summary of low alerts is critical: %q", card)
		}
	}
}
