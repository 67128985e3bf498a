package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/auditbell/auditbell/handler/alert"
)

// Reconciled is how far a job about one scope has come: its comparison with what Azure lists, or, with poll- in front of
// the scope's key, its polling. Body is the job's own; the lease lets one instance at a time do it.
type Reconciled struct {
	Subscription string          `json:"subscription"`
	Lease        alert.Lease     `json:"lease,omitzero"`
	Body         json.RawMessage `json:"body,omitempty"` // nothing: it was never begun

	etag azcore.ETag
}

// reconciledItem is in the container of rollups:
//
//	pk reconcile-<subscription>   state
type reconciledItem struct {
	ID   string    `json:"id"`
	PK   string    `json:"pk"`
	Kind string    `json:"kind"` // "reconcile"
	At   time.Time `json:"at"`   // last change
	TTL  int       `json:"ttl"`
	Reconciled
}

// ClaimReconcile takes the lease of a subscription; ok is false when somebody else is at it.
func (s *Store) ClaimReconcile(ctx context.Context, subscription string, lease alert.Lease) (r Reconciled, ok bool, err error) {
	err = s.repeat(ctx, "claim reconciliation", lost, func(int) error {
		r, err = s.Reconciled(ctx, subscription)
		if ok = err == nil && r.Lease.Free(lease.Owner, s.now()); !ok {
			return err
		}
		r.Lease = lease
		r, err = s.putReconciled(ctx, r)
		return err
	})
	return r, ok && err == nil, err
}

// SettleReconcile writes how far r has come; owner is who holds its lease, and r.Lease what becomes of it. It fails with
// ErrLeaseLost when somebody else took r on meanwhile.
func (s *Store) SettleReconcile(ctx context.Context, r Reconciled, owner string) (Reconciled, error) {
	written, err := s.putReconciled(ctx, r)
	if err == nil || !lost(err) {
		return written, err
	}
	have, readErr := s.Reconciled(ctx, r.Subscription)
	if readErr != nil {
		return r, readErr
	}
	if have.Lease.Owner != owner && have.Lease.Owner != "" {
		return have, fmt.Errorf("settle reconciliation: %w", ErrLeaseLost)
	}
	r.etag = have.etag // our own write, whose reply was lost
	return s.putReconciled(ctx, r)
}

// Reconciled reads how far a subscription has come.
func (s *Store) Reconciled(ctx context.Context, subscription string) (Reconciled, error) {
	var item reconciledItem
	at, err := s.read(ctx, itemRef{containerRollups, "reconcile-" + subscription, "state"}, &item)
	if errors.Is(err, errNotFound) {
		return Reconciled{Subscription: subscription}, nil
	}
	if err != nil {
		return Reconciled{}, fmt.Errorf("read reconciliation: %w", err)
	}
	item.Reconciled.etag = at.etag
	return item.Reconciled, nil
}

func (s *Store) putReconciled(ctx context.Context, r Reconciled) (Reconciled, error) {
	item := reconciledItem{ID: "state", PK: "reconcile-" + r.Subscription, Kind: "reconcile", At: s.now().UTC(), TTL: seconds(keepRollups), Reconciled: r}
	kept, err := s.write(ctx, itemRef{containerRollups, item.PK, item.ID}, item, r.etag)
	if err == nil {
		r.etag = kept.etag
	}
	return r, err
}
