package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
)

// ErrForgot reports that what was recorded of an hour is not kept any more.
var ErrForgot = errors.New("what was recorded of this hour is not kept any more, so it cannot be compared")

// ErrBusy reports that another instance compares the scope.
var ErrBusy = errors.New("another instance compares this scope; try again in some minutes")

// Look compares one hour and changes nothing; it returns what is missing.
func (r *Reconciler) Look(ctx context.Context, scope activity.Scope, hour time.Time) (Hour, []activity.Event, error) {
	forgot, err := r.Store.Forgot(ctx, hour)
	if forgot {
		err = ErrForgot
	}
	if err != nil {
		return Hour{}, nil, err
	}
	x := r.newRun("")
	c := &comparison{run: x, task: task{of: &work{scope: scope}, hour: hour}, from: hour, to: hour.Add(time.Hour), since: x.started.Add(time.Second), dry: true}
	h, err := c.do(ctx)
	h.Subscription, h.Hour, h.Looked = string(scope), hour, x.started.UTC()
	return h, c.missing, err
}

// Repair compares one hour as the timer does, recovers what is missing and writes the ledger. How far the timer has come
// stays as it is.
func (r *Reconciler) Repair(ctx context.Context, owner string, scope activity.Scope, hour time.Time) (Hour, error) {
	x := r.newRun(owner)
	kept, ok, err := r.Store.ClaimReconcile(ctx, scope.Key(), alert.Lease{Owner: owner, Until: x.started.Add(leaseFor)})
	if err != nil {
		return Hour{}, err
	}
	if !ok {
		return Hour{}, ErrBusy
	}
	w := &work{scope: scope, kept: kept}
	if w.state, err = ReadState(kept); err != nil {
		return Hour{}, err
	}
	before := kept.Body
	forgot, err := r.Store.Forgot(ctx, hour)
	if forgot {
		err = ErrForgot
	}
	if err == nil {
		err = x.compare(ctx, task{of: w, hour: hour, look: past})
	}
	w.kept.Body, w.kept.Lease = before, alert.Lease{}
	_, settled := r.Store.SettleReconcile(context.WithoutCancel(ctx), w.kept, owner)
	if err := errors.Join(err, settled); err != nil {
		return Hour{}, err
	}
	return r.ledgerHour(ctx, scope, hour)
}

func (r *Reconciler) ledgerHour(ctx context.Context, scope activity.Scope, hour time.Time) (Hour, error) {
	kept, ok, err := r.Store.LedgerHour(ctx, scope.Key(), hour)
	if err != nil || !ok {
		return Hour{}, fmt.Errorf("read ledger of %s: %w", hour.Format(hourLayout), err)
	}
	return ReadHour(kept)
}
