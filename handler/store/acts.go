package store

import (
	"context"
	"errors"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
)

// Act notes what a person did about an alert, exactly once for each act.ID: the item by that id is created in the same
// batch that changes the alert, so a click that is sent again finds it and changes nothing. lease is taken on the
// alert when it is free and somebody is owed an edit. The error is alert.ErrUnknown when there is no such alert.
func (s *Store) Act(ctx context.Context, ref alert.Ref, act alert.Act, lease alert.Lease) (alert.Decision, error) {
	return s.decide(ctx, "note act", func(int) (alert.Decision, error) { return s.actOnce(ctx, ref, act, lease) })
}

// actOnce takes one decision on what it reads and commits it.
func (s *Store) actOnce(ctx context.Context, ref alert.Ref, act alert.Act, lease alert.Lease) (alert.Decision, error) {
	var r alert.Decision
	once, err := s.pointer(ctx, ref.Group, act.ID, &r)
	if err != nil {
		return r, err
	}
	a, at, err := s.alert(ctx, ref.Group, ref.ID)
	r.RU += at.ru
	r.Alert = a
	switch {
	case errors.Is(err, errNotFound):
		return r, alert.ErrUnknown
	case err != nil:
		return r, err
	case once.Alert != "":
		r.Duplicate = once.By != lease.Owner // else it is our own attempt, whose reply was lost
		r.Changed, r.Leased = !r.Duplicate, !r.Duplicate && a.Lease.Owner == lease.Owner
		return r, nil
	}
	now := s.now()
	var b batch
	b.create(pointerItem{ID: act.ID, PK: ref.Group, Kind: "act", Alert: ref.ID, By: lease.Owner, TTL: seconds(keepSeen)})
	if r.Changed = a.Take(act, now); r.Changed {
		if r.Leased = !lease.Until.IsZero() && a.Lease.Free(lease.Owner, now) && len(a.DueNames(now)) > 0; r.Leased {
			a.Lease = lease
		}
		if err := s.keepOpen(ctx, &b, a, act.Kind == alert.Unsnoozed && a.Snooze.Until.IsZero(), &r); err != nil {
			return r, err
		}
		b.replace(ref.ID, itemOf(a), at.etag)
	}
	r.Alert = a
	return s.commit(ctx, ref.Group, &b, r)
}

// keepOpen lets the group's new operations go into a snoozed alert until the snooze is over, unless a newer alert
// takes them in already; and no longer than the alert's own window when the snooze was ended.
func (s *Store) keepOpen(ctx context.Context, b *batch, a alert.Alert, ended bool, r *alert.Decision) error {
	if !ended && !a.Snooze.Until.After(s.now()) {
		return nil
	}
	have, err := s.pointer(ctx, a.Group, headID, r)
	if err != nil {
		return err
	}
	ttl := max(keepSeen, a.WindowEnds.Sub(s.now())+24*time.Hour)
	head := pointerItem{ID: headID, PK: a.Group, Kind: "head", Alert: a.ID, WindowEnds: a.WindowEnds.UnixMilli(), TTL: seconds(ttl)}
	switch {
	case have.etag == "" && !ended:
		b.create(head)
	case have.Alert == a.ID || !ended && have.WindowEnds <= s.now().UnixMilli():
		b.replace(headID, head, have.etag)
	}
	return nil
}

// Known reports whether the operation that e belongs to is in an alert already.
func (s *Store) Known(ctx context.Context, e activity.Event) (known bool, ru float64, err error) {
	return s.pointed(ctx, e, func(at alert.Placement) string { return "op-" + at.Run.Key })
}

// Counted reports whether the record e is in an alert already.
func (s *Store) Counted(ctx context.Context, e activity.Event) (counted bool, ru float64, err error) {
	return s.pointed(ctx, e, func(alert.Placement) string { return "seen-" + e.ID })
}

// pointed reports whether an item of the group of the event's operation points to an alert; item names it.
func (s *Store) pointed(ctx context.Context, e activity.Event, item func(alert.Placement) string) (bool, float64, error) {
	var r alert.Decision
	chain, err := s.pointer(ctx, chainPK(e), groupID, &r)
	if err != nil || chain.Chain.Group == "" {
		return false, r.RU, err
	}
	adopted, err := s.adopted(ctx, chain.Chain, e, &r)
	if err != nil {
		return false, r.RU, err
	}
	at := adopted.Place(e, "")
	if at.First {
		return false, r.RU, nil
	}
	have, err := s.pointer(ctx, at.Run.Group, item(at), &r)
	return have.Alert != "", r.RU, err
}
