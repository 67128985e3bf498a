package pipeline

import (
	"cmp"
	"context"
	"time"

	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/notify"
)

// inline is the lease with which an invocation delivers what it committed; without an end, when a channel would be sent
// messages faster than it can take them: the timer brings order into that. What comes late anyway waits until all of it is
// counted.
func (c *Courier) inline(ctx context.Context, b Batch, f alert.Finding) alert.Lease {
	if b.Late != "" {
		return alert.Lease{Owner: b.ID}
	}
	for _, name := range f.To {
		if c.room(ctx, name)-c.floor(ctx, name, f.Rule, f.Event.Caller) <= int(b.leased.Load()) {
			return alert.Lease{Owner: b.ID}
		}
	}
	b.leased.Add(1)
	return c.lease(b.ID)
}

// A lease is for sending, and its last part for the mark. A message whose answer might come after that is not begun: the next
// run of the timer takes the alert with a lease of its own.
const (
	usualLease = 45 * time.Second
	markFor    = 10 * time.Second
)

func (c *Courier) lease(owner string) alert.Lease {
	return alert.Lease{Owner: owner, Until: c.now().Add(c.leaseTime())}
}

func (c *Courier) leaseTime() time.Duration { return cmp.Or(max(c.Lease, 0), usualLease) }

// markTime is the end of each lease, in which nothing is on its way; answerTime is the time before it in which nothing is begun.
func (c *Courier) markTime() time.Duration { return min(markFor, c.leaseTime()/4) }

func (c *Courier) answerTime() time.Duration { return min(notify.AnswerIn, c.leaseTime()/2) }

// isSpent reports whether the lease is too old for a message to be begun.
func (b *Batch) isSpent() bool {
	select {
	case <-b.spent:
		return true
	default:
		return false
	}
}
