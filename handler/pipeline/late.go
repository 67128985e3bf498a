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
func (p *Pipeline) DeliverLate(ctx context.Context, b Batch, kind string) (Summary, []alert.Alert, error) {
	owing, err := p.Alerts.Late(ctx, kind, waitingAtOnce)
	if err != nil {
		return Summary{}, nil, err
	}
	var due []alert.Alert
	for _, a := range owing {
		if a.Lease.Free(b.ID, p.Now()) && len(a.DueNames(p.Now())) > 0 {
			due = append(due, a)
		}
	}
	sum, failed := p.sumUp(ctx, b, due)
	refs := make([]alert.Ref, 0, min(len(due), dueAtOnce))
	for _, a := range due[:cap(refs)] {
		refs = append(refs, a.Ref())
	}
	told, err := p.deliverRefs(ctx, refs, b) // summaries are among those of the next call
	sum.add(told)
	return sum, owing, errors.Join(failed, err)
}
