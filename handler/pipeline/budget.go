package pipeline

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/notify"
)

// What a channel takes: Slack allows one message a second to a channel with short bursts, a Teams workflow about the
// same (facts: messages §1.2, §2.2). The budget is this process's own; several instances at work are held to the
// channel's limit by its 429 and Retry-After.
const (
	perSecond = 1
	burst     = 60
)

// Budgets hold every destination to its rate. The zero value is ready.
type Budgets struct {
	claims sync.Mutex // looking at a budget and using it up is one step

	mu sync.Mutex
	by map[string]*rate.Limiter
}

func (b *Budgets) limiter(name string) *rate.Limiter {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.by == nil {
		b.by = map[string]*rate.Limiter{}
	}
	if b.by[name] == nil {
		b.by[name] = rate.NewLimiter(perSecond, burst)
	}
	return b.by[name]
}

// A part of each budget is kept: low alerts leave a third of it to grave ones, and repetitions leave half of that to
// critical alerts and to the first of each rule and actor. It is a message at least: where a channel has asked for fewer,
// what is there goes to the gravest, and the others wait until it takes more.
const reserve = burst / 3

// urgency says how deep into a destination's budget a message may reach.
type urgency int

const (
	ordinary urgency = iota
	grave            // high
	foremost         // critical, or the first of its rule and actor that is high
)

// floor is how many messages of a budget of so many at once are not for this urgency.
func (u urgency) floor(atOnce int) int {
	if u == foremost {
		return 0
	}
	return max(1, atOnce*[...]int{ordinary: reserve, grave: reserve / 2}[u]/burst)
}

// takeAbove is take for as long as more than the urgency's floor is left.
func (b *Budgets) takeAbove(name string, now time.Time, u urgency) (wait time.Duration) {
	b.claims.Lock()
	defer b.claims.Unlock()
	if missing := float64(u.floor(burst)+1) - b.limiter(name).TokensAt(now); missing > 0 {
		return time.Duration(missing / perSecond * float64(time.Second))
	}
	return b.take(name, now)
}

// take uses one message of the destination's budget up; when there is none left it says when there will be.
func (b *Budgets) take(name string, now time.Time) (wait time.Duration) {
	r := b.limiter(name).ReserveN(now, 1)
	if wait = r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
	}
	return wait
}

// edits names the budget for what only changes a message that is there. Slack counts edits apart (chat.update, Tier 3), so
// they have one of their own: what was learned must not use up what first messages need.
func edits(name string) string { return name + " edits" } // no destination's name has a blank

// firsts remembers which rules and actors a destination has heard of lately. The zero value is ready.
type firsts struct {
	mu sync.Mutex
	at map[[3]string]time.Time
}

// firstsFor is how long an actor's alerts under one rule count as repetitions; keepFirsts bounds the memory.
const (
	firstsFor  = alert.DefaultWindow
	keepFirsts = 10_000
)

func (f *firsts) is(of [3]string, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	at, ok := f.at[of]
	return !ok || now.Sub(at) > firstsFor
}

func (f *firsts) note(of [3]string, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.at == nil || len(f.at) >= keepFirsts {
		f.at = map[[3]string]time.Time{}
	}
	if at, ok := f.at[of]; !ok || now.Sub(at) > firstsFor {
		f.at[of] = now
	}
}

// room is how many messages the destination could be told now.
func (b *Budgets) room(name string, now time.Time) int {
	return int(b.limiter(name).TokensAt(now))
}

// urgency is how deep a message about a rule and an actor may reach into a destination's budget.
func (c *Courier) urgency(name string, r alert.Rule, actor string) urgency {
	switch {
	case r.Severity == string(notify.Critical):
		return foremost
	case !alert.IsGrave(r.Severity):
		return ordinary
	case c.firsts.is([3]string{name, r.ID, actor}, c.now()):
		return foremost
	}
	return grave
}

// floor is how many messages of a destination's budget are not for a message about a rule and an actor.
func (c *Courier) floor(ctx context.Context, name string, r alert.Rule, actor string) int {
	return c.urgency(name, r, actor).floor(c.ends.of(name).atOnce(ctx, c.now()))
}

// atOnce is how many messages the destination takes at once.
func (e *end) atOnce(ctx context.Context, now time.Time) int {
	defer e.lock.Enter(ctx)()
	return e.health.Burst(now)
}
