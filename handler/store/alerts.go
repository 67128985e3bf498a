package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"github.com/auditbell/auditbell/handler/alert"
)

// The items of one logical partition, whose key is the alert's group:
//
//	head          which alert takes in new operations of this group, until its window ends
//	alert-<hash>  one alert
//	op-<hash>     which alert an operation belongs to, however late its outcome arrives
//	seen-<id>     this record was counted
//
// Ring changes them in one TransactionalBatch, so "counted" and "changed" are one fact. Beside them an operation has
// an item "group" in a partition of its own (op-<hash>): which group it belongs to. It is created before the batch
// and never changed, so records of one operation meet in one alert though they reach us through several feeds and
// meet different rules.
type (
	alertItem struct {
		ID         string `json:"id"`
		PK         string `json:"pk"`
		Kind       string `json:"kind"` // "alert"
		Behind     bool   `json:"behind"`
		Parked     bool   `json:"parked"`      // a delivery was given up
		Posted     bool   `json:"posted"`      // every destination has its first message, or somebody else tells it
		Due        int64  `json:"due"`         // Unix milliseconds; 0 when nothing is owed
		LeaseUntil int64  `json:"lease_until"` // Unix milliseconds
		TTL        int    `json:"ttl"`
		alert.Alert
	}
	pointerItem struct {
		ID         string `json:"id"`
		PK         string `json:"pk"`
		Kind       string `json:"kind"`                // "head", "op", "seen" or "group"
		Alert      string `json:"alert,omitempty"`     // the alert's id
		Group      string `json:"group_key,omitempty"` // "group" only: the partition of the operation's alert
		WindowEnds int64  `json:"window_ends,omitempty"`
		By         string `json:"by,omitempty"`
		TTL        int    `json:"ttl"`
	}
)

const (
	headID  = "head"
	groupID = "group"
)

// Ring counts the finding's record and brings its alert up to date, exactly once however often and however
// concurrently it is called with the same record. lease is taken on the alert when that is free; a lease without an
// end only names the caller.
func (s *Store) Ring(ctx context.Context, f alert.Finding, lease alert.Lease) (alert.Rung, error) {
	return s.rungAnew(ctx, "ring alert", func(round int) (alert.Rung, error) { return s.ringOnce(ctx, f, lease, round) })
}

// ringOnce takes one decision on what it reads and commits it.
func (s *Store) ringOnce(ctx context.Context, f alert.Finding, lease alert.Lease, round int) (alert.Rung, error) {
	var r alert.Rung
	opKey := "op-" + alert.LifecycleKey(f.Event)
	group, err := s.group(ctx, opKey, f.Group(), &r)
	if err != nil {
		return r, err
	}
	seen, err := s.pointer(ctx, group, "seen-"+f.Event.ID, &r)
	if err != nil {
		return r, err
	}
	if seen.Alert != "" {
		return s.counted(ctx, seen, lease, r)
	}
	op, err := s.pointer(ctx, group, opKey, &r)
	if err != nil {
		return r, err
	}
	head, into := pointer{}, op.Alert
	if into == "" || round >= pointersStale {
		if head, err = s.pointer(ctx, group, headID, &r); err != nil {
			return r, err
		}
	}
	if into == "" && head.WindowEnds > s.now().UnixMilli() {
		into = head.Alert
	}
	to := target{group: group, opKey: opKey, into: into, newOp: op.Alert == "", lease: lease, head: head}
	if into == "" {
		return s.open(ctx, f, to, r)
	}
	r, err = s.join(ctx, f, to, r)
	if errors.Is(err, errNotFound) && round >= pointersStale {
		return s.open(ctx, f, to, r)
	}
	return r, err
}

// group returns the group that the operation belongs to, which is the one proposed by whoever saw it first.
func (s *Store) group(ctx context.Context, opKey, proposed string, r *alert.Rung) (string, error) {
	have, err := s.pointer(ctx, opKey, groupID, r)
	if err != nil || have.Group != "" {
		return have.Group, err
	}
	item := pointerItem{ID: groupID, PK: opKey, Kind: "group", Group: proposed, TTL: seconds(keepRung)}
	body, err := json.Marshal(item)
	if err != nil {
		return "", err
	}
	ru, err := s.do(ctx, containerAlerts, func(ctx context.Context, c *azcosmos.ContainerClient) (float32, error) {
		response, err := c.CreateItem(ctx, azcosmos.NewPartitionKeyString(opKey), body, nil)
		return response.RequestCharge, err
	})
	r.RU += ru
	return proposed, err // errExists: somebody else proposed first, and the next round reads what
}

// pointersStale is the round from which an alert that is pointed to and not found is taken to be gone for good,
// rather than not yet to be seen on the replica that answered.
const pointersStale = 4

// target says where a record goes.
type target struct {
	group, opKey string
	into         string // the alert it joins; empty: a new one
	newOp        bool   // the operation is not in any alert yet
	lease        alert.Lease
	head         pointer // as read, to be replaced by a new alert
}

// counted answers for a record that was counted before: by somebody else, or by our own attempt whose reply was lost.
func (s *Store) counted(ctx context.Context, seen pointer, lease alert.Lease, r alert.Rung) (alert.Rung, error) {
	if seen.By != lease.Owner || lease.Owner == "" {
		r.Duplicate = true
		return r, nil
	}
	have, at, err := s.alert(ctx, seen.PK, seen.Alert)
	r.RU += at.ru
	r.Alert, r.Changed, r.Opened = have, true, have.Records == 1
	r.Leased = have.Lease.Owner == lease.Owner
	return r, err
}

// open commits a new alert: itself, the record, its operation and the head that others will find it by.
func (s *Store) open(ctx context.Context, f alert.Finding, o target, r alert.Rung) (alert.Rung, error) {
	a := alert.New(f, s.now())
	a.Group = o.group
	if r.Leased = !o.lease.Until.IsZero(); r.Leased {
		a.Lease = o.lease
	}
	head := pointerItem{ID: headID, PK: o.group, Kind: "head", Alert: a.ID, WindowEnds: a.WindowEnds.UnixMilli(), TTL: seconds(keepSeen)}
	var b batch
	b.create(seenItem(f, o.group, a.ID, o.lease))
	b.create(itemOf(a))
	b.upsert(opItem(o.opKey, o.group, a.ID))
	if o.head.etag == "" {
		b.create(head)
	} else {
		b.replace(headID, head, o.head.etag)
	}
	r.Alert, r.Opened, r.Changed = a, true, true
	return s.commit(ctx, o.group, &b, r)
}

// join commits a further record into an alert that is there already.
func (s *Store) join(ctx context.Context, f alert.Finding, j target, r alert.Rung) (alert.Rung, error) {
	a, at, err := s.alert(ctx, j.group, j.into)
	r.RU += at.ru
	if err != nil {
		return r, err
	}
	now := s.now()
	r.Changed = a.Absorb(f, now)
	r.Leased = r.Changed && !j.lease.Until.IsZero() && a.Lease.Free(j.lease.Owner, now) && len(a.DueNames(now)) > 0
	if r.Leased {
		a.Lease = j.lease
	}
	var b batch
	b.create(seenItem(f, j.group, a.ID, j.lease))
	b.replace(a.ID, itemOf(a), at.etag)
	if j.newOp {
		b.create(opItem(j.opKey, j.group, a.ID))
	}
	r.Alert = a
	return s.commit(ctx, j.group, &b, r)
}

func seenItem(f alert.Finding, group, alertID string, lease alert.Lease) pointerItem {
	return pointerItem{ID: "seen-" + f.Event.ID, PK: group, Kind: "seen", Alert: alertID, By: lease.Owner, TTL: seconds(keepRung)}
}

func opItem(id, group, alertID string) pointerItem {
	return pointerItem{ID: id, PK: group, Kind: "op", Alert: alertID, TTL: seconds(keepRung)}
}

func itemOf(a alert.Alert) alertItem {
	item := alertItem{ID: a.ID, PK: a.Group, Kind: "alert", Parked: a.Parked(), Posted: posted(a), TTL: seconds(keepAlerts), Alert: a}
	if next := a.NextWork(); !next.IsZero() {
		item.Behind, item.Due = true, next.UnixMilli()
	}
	if !a.Lease.Until.IsZero() {
		item.LeaseUntil = a.Lease.Until.UnixMilli()
	}
	return item
}

func posted(a alert.Alert) bool {
	for name := range a.Deliveries {
		if a.OwesFirst(name) {
			return false
		}
	}
	return true
}

// pointer is a small item with its version; the zero value means that there is none.
type pointer struct {
	pointerItem
	etag azcore.ETag
}

// pointer reads a small item; its charge is added to r. None is not an error.
func (s *Store) pointer(ctx context.Context, group, id string, r *alert.Rung) (pointer, error) {
	var p pointer
	at, err := s.read(ctx, itemRef{containerAlerts, group, id}, &p.pointerItem)
	r.RU += at.ru
	if errors.Is(err, errNotFound) {
		return pointer{}, nil
	}
	p.etag = at.etag
	return p, err
}

func (s *Store) alert(ctx context.Context, group, id string) (alert.Alert, version, error) {
	var item alertItem
	at, err := s.read(ctx, itemRef{containerAlerts, group, id}, &item)
	return item.Alert, at, err
}

// batch is a TransactionalBatch being written.
type batch struct {
	steps []func(*azcosmos.TransactionalBatch)
	etag  azcore.ETag // of the alert it replaces
	err   error
}

func (b *batch) create(item any) {
	body := b.marshal(item)
	b.steps = append(b.steps, func(t *azcosmos.TransactionalBatch) { t.CreateItem(body, nil) })
}

func (b *batch) upsert(item any) {
	body := b.marshal(item)
	b.steps = append(b.steps, func(t *azcosmos.TransactionalBatch) { t.UpsertItem(body, nil) })
}

func (b *batch) replace(id string, item any, etag azcore.ETag) {
	body := b.marshal(item)
	b.steps = append(b.steps, func(t *azcosmos.TransactionalBatch) {
		t.ReplaceItem(id, body, &azcosmos.TransactionalBatchItemOptions{IfMatchETag: &etag})
	})
}

func (b *batch) marshal(item any) []byte {
	body, err := json.Marshal(item)
	b.err = errors.Join(b.err, err)
	return body
}

// commit executes the batch once: it is not repeated here, because its conditions hold for what was read.
func (s *Store) commit(ctx context.Context, group string, b *batch, r alert.Rung) (alert.Rung, error) {
	ru, err := s.transact(ctx, containerAlerts, group, b)
	r.RU += ru
	return r, err
}

// refused names the operation that undid a batch: the first that is not 424 (failed dependency).
func refused(results []azcosmos.TransactionalBatchResult) error {
	for i, op := range results {
		if op.StatusCode == http.StatusFailedDependency {
			continue
		}
		if kind := classifyStatus(int(op.StatusCode), nil); kind != nil {
			return kind
		}
		return fmt.Errorf("batch operation %d answered %d", i, op.StatusCode)
	}
	return errors.New("batch refused without a reason")
}

func seconds(d time.Duration) int { return int(d / time.Second) }
