package pipeline

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
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

// takeEdit is take for what only changes a message that is there. Slack counts edits apart (chat.update, Tier 3), so they
// have a budget of their own: what was learned must not use up what first messages need.
func (b *Budgets) takeEdit(name string, now time.Time) (wait time.Duration) {
	return b.take(name+" edits", now) // no destination's name has a blank
}

// take uses one message of the destination's budget up; when there is none left it says when there will be.
func (b *Budgets) take(name string, now time.Time) (wait time.Duration) {
	r := b.limiter(name).ReserveN(now, 1)
	if wait = r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
	}
	return wait
}

// room is how many messages the destination could be told now.
func (b *Budgets) room(name string, now time.Time) int {
	return int(b.limiter(name).TokensAt(now))
}
