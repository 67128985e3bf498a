package pipeline

import (
	"context"
	"errors"

	"github.com/auditbell/auditbell/handler/alert"
)

// DeliverLate brings to their readers what late batches rang whose reason begins with kind, as DeliverDue does with all
// alerts: storms are summed up, channels are told no faster than they take. It returns the alerts that it found
// wanting; call it again until there are none, or none that it can help.
//
// Other alerts are left alone: whoever looks something up may know fewer destinations than the app that rang them, and
// a destination that is not configured is given up.
func (c *Courier) DeliverLate(ctx context.Context, b Batch, kind string) (Summary, []alert.Alert, error) {
	b.summed = c.now()
	owing, err := c.queue.Late(ctx, kind, waitingAtOnce)
	if err != nil {
		return Summary{}, nil, err
	}
	var due []alert.Alert
	for _, a := range owing {
		if a.Lease.Free(b.ID, c.now()) && len(a.DueNames(c.now())) > 0 {
			due = append(due, a)
		}
	}
	sum, failed := c.sumUp(ctx, b, due)
	due = due[:min(len(due), c.roomForAll())]
	refs := make([]alert.Ref, len(due))
	for i, a := range due {
		refs[i] = a.Ref()
	}
	one, err := c.deliverRefs(ctx, refs, b) // summaries are among those of the next call
	sum.add(one)
	return sum, owing, errors.Join(failed, err)
}

// roomForAll is how many alerts every destination could be told of now. More are not tried: each would be put off, by
// as much as if all were to come back at once.
func (c *Courier) roomForAll() int {
	most := dueAtOnce
	for name := range c.Destinations {
		most = min(most, max(0, c.Budgets.room(name, c.now())))
	}
	return most
}
