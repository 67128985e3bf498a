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

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
)

// The items of one logical partition, whose key is the alert's group:
//
//	head          which alert takes in new operations of this group, until its window ends
//	alert-<hash>  one alert
//	op-<hash>     which alert an operation belongs to, however late its outcome arrives
//	seen-<id>     this record was counted
//
// What they are to be is decided by alert.Decide. A group's effects are one TransactionalBatch, so "counted" and
// "changed" are one fact. Before it the chain of the record is written, an item "group" in a partition of its own
// (op-<chain key>): which operations share the key, and which group each belongs to. Records of one operation meet in
// one alert though they reach us through several feeds and meet different rules.
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
		Schema     int    `json:"schema,omitempty"` // the version of what is stored; 0: 1
		alert.Alert
	}
	pointerItem struct {
		ID          string `json:"id"`
		PK          string `json:"pk"`
		Kind        string `json:"kind"`            // "head", "op", "seen" or "group"
		Alert       string `json:"alert,omitempty"` // the alert's id
		alert.Chain        // "group" only
		WindowEnds  int64  `json:"window_ends,omitempty"`
		By          string `json:"by,omitempty"`
		TTL         int    `json:"ttl"`
		Schema      int    `json:"schema,omitempty"`
	}
)

// schema is the version of what this program stores. Version 1 kept of an operation its group alone; what it wrote is
// read for ever (see adopted), and it reads what is written now. A version that it does not know, it refuses.
const schema = 2

// ErrNewer says that a later version wrote what is to be read.
var ErrNewer = errors.New("a later version of Auditbell wrote this; deploy that version again")

func readable(version int) error {
	if version > schema {
		return fmt.Errorf("read schema %d: %w", version, ErrNewer)
	}
	return nil
}

const (
	headID  = "head"
	groupID = "group"
)

// Take counts the finding's record and brings its alert up to date, exactly once however often and however
// concurrently it is called with the same record. lease is taken on the alert when that is free; a lease without an
// end only names the caller. Findings of one group follow one another in this process.
func (s *Store) Take(ctx context.Context, f alert.Finding, lease alert.Lease) (alert.Decision, error) {
	f.Lease = lease
	leave, err := s.takes.enter(ctx, f.Group())
	if err != nil {
		return alert.Decision{}, err
	}
	defer leave()
	return s.decide(ctx, "take finding", func(round int) (alert.Decision, error) { return s.takeOnce(ctx, f, round) })
}

// takeOnce takes one decision on what it reads and commits it.
func (s *Store) takeOnce(ctx context.Context, f alert.Finding, round int) (r alert.Decision, err error) {
	k := known{store: s, finding: &f, round: round, now: s.now()}
	if err := k.read(ctx); err != nil {
		return alert.Decision{RU: k.cost.RU}, err
	}
	r, effects := alert.Decide(k.State, f, k.now)
	r.RU = k.cost.RU
	for _, e := range effects {
		ru, err := k.write(ctx, e)
		if r.RU += ru; err != nil {
			return r, err
		}
	}
	return r, nil
}

// known is what the store has of a finding, and the versions it was read at.
type known struct {
	alert.State
	chain, head, op, alert azcore.ETag

	store   *Store
	finding *alert.Finding
	round   int
	now     time.Time
	cost    alert.Decision // RU alone
}

// read reads what a decision about the finding rests on, and no more: what the chain does not know the group cannot.
func (k *known) read(ctx context.Context) error {
	chain, err := k.store.pointer(ctx, chainPK(k.finding.Event), groupID, &k.cost)
	if err != nil {
		return err
	}
	k.Chain, k.chain = chain.Chain, chain.etag
	if k.Chain, err = k.store.adopted(ctx, k.Chain, k.finding.Event, &k.cost); err != nil {
		return err
	}
	at := k.Chain.Place(k.finding.Event, k.finding.Group())
	group := at.Run.Group
	if !at.First || !at.Wrote { // else no instance can have counted the record
		seen, err := k.store.pointer(ctx, group, "seen-"+k.finding.Event.ID, &k.cost)
		if err != nil {
			return err
		}
		if k.Seen = (alert.Seen{Alert: seen.Alert, By: seen.By}); seen.Alert != "" && seen.By != k.finding.Lease.Owner {
			return nil // a duplicate changes nothing
		}
		op, err := k.store.pointer(ctx, group, "op-"+at.Run.Key, &k.cost)
		if err != nil {
			return err
		}
		k.Op, k.op = op.Alert, op.etag
	}
	if k.Op != "" {
		if gone, err := k.readAlert(ctx, group, k.Op); !gone {
			return err
		}
		k.Op = ""
	}
	return k.readHead(ctx, group)
}

// readHead reads which alert takes in new operations, and that alert.
func (k *known) readHead(ctx context.Context, group string) error {
	head, err := k.store.pointer(ctx, group, headID, &k.cost)
	if err != nil {
		return err
	}
	k.Head, k.head = alert.Head{Alert: head.Alert, Ends: time.UnixMilli(head.WindowEnds)}, head.etag
	into := k.Into(k.now)
	if into == "" {
		return nil
	}
	_, err = k.readAlert(ctx, group, into)
	return err
}

// readAlert reads the alert that something points to. It is gone when it cannot be found for long enough.
func (k *known) readAlert(ctx context.Context, group, id string) (gone bool, err error) {
	a, at, err := k.store.alert(ctx, group, id)
	k.cost.RU += at.ru
	if err == nil {
		k.Alert, k.alert = &a, at.etag
	}
	if errors.Is(err, errNotFound) && k.round >= pointersStale {
		return true, nil
	}
	return false, err
}

// adopted is the chain, with what its alert says where a version before 2 wrote it.
func (s *Store) adopted(ctx context.Context, c alert.Chain, e activity.Event, r *alert.Decision) (alert.Chain, error) {
	if c.Group == "" || len(c.Runs) > 0 {
		return c, nil
	}
	op, err := s.pointer(ctx, c.Group, "op-"+alert.LifecycleKey(e), r)
	if err != nil || op.Alert == "" {
		return c.Adopt(e, nil, ""), err
	}
	seen, err := s.pointer(ctx, c.Group, "seen-"+e.ID, r)
	if err != nil {
		return c, err
	}
	a, at, err := s.alert(ctx, c.Group, op.Alert)
	if r.RU += at.ru; err != nil && !errors.Is(err, errNotFound) {
		return c, err
	}
	return c.Adopt(e, &a, seen.Alert), nil
}

func chainPK(e activity.Event) string { return "op-" + alert.ChainKey(e) }

// pointersStale is the round from which an alert that is pointed to and not found is taken to be gone for good,
// rather than not yet to be seen on the replica that answered.
const pointersStale = 4

// write writes one effect, on the condition that nothing has changed since it was decided.
func (k *known) write(ctx context.Context, e alert.Effect) (ru float64, err error) {
	if e.Chain != nil {
		pk := "op-" + e.Partition
		item := pointerItem{ID: groupID, PK: pk, Kind: "group", Schema: schema, Chain: *e.Chain, TTL: seconds(keepRung)}
		wrote, err := k.store.write(ctx, itemRef{containerAlerts, pk, groupID}, item, k.chain)
		return wrote.ru, err
	}
	var b batch
	b.create(seenItem(k.finding.Event.ID, e.Partition, e.Seen))
	var body []byte
	if e.Opens {
		body = b.create(itemOf(*e.Alert))
	} else {
		body = b.replace(e.Alert.ID, itemOf(*e.Alert), k.alert)
	}
	if e.Joined != "" {
		b.put(opItem("op-"+e.Joined, e.Partition, e.Alert.ID), k.op)
	}
	if e.Opens {
		b.head(*e.Alert, k.head)
	}
	ru, err = k.store.transact(ctx, containerAlerts, e.Partition, &b)
	if lease := e.Alert.Lease; err == nil && lease == k.finding.Lease && !lease.Until.IsZero() && len(b.results) > 1 {
		k.store.leased.put(e.Alert.Ref(), leasedAlert{body, b.results[1].ETag})
	}
	return ru, err
}

// head makes the alert the one that takes in new operations of its group.
func (b *batch) head(a alert.Alert, was azcore.ETag) {
	b.put(pointerItem{ID: headID, PK: a.Group, Kind: "head", Alert: a.ID, WindowEnds: a.WindowEnds.UnixMilli(), TTL: seconds(keepSeen + a.WindowEnds.Sub(a.Opened))}, was)
}

// put writes a pointer in the place of the version that was read, or where none was: another that came between undoes the
// batch. Two records of one operation would each have their alert otherwise.
func (b *batch) put(item pointerItem, was azcore.ETag) {
	if was == "" {
		b.create(item)
		return
	}
	b.replace(item.ID, item, was)
}

func seenItem(record, group string, s alert.Seen) pointerItem {
	return pointerItem{ID: "seen-" + record, PK: group, Kind: "seen", Alert: s.Alert, By: s.By, TTL: seconds(keepRung)}
}

func opItem(id, group, alertID string) pointerItem {
	return pointerItem{ID: id, PK: group, Kind: "op", Alert: alertID, TTL: seconds(keepRung)}
}

func itemOf(a alert.Alert) alertItem {
	item := alertItem{ID: a.ID, PK: a.Group, Kind: "alert", Schema: schema, Parked: a.Parked(), Posted: posted(a), TTL: seconds(keepAlerts), Alert: a}
	if next := a.NextWork(); !next.IsZero() {
		item.Behind, item.Due = true, next.UnixMilli()
	}
	if a.Behind() {
		item.TTL = -1 // what is owed has no time to live
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
func (s *Store) pointer(ctx context.Context, group, id string, r *alert.Decision) (pointer, error) {
	var p pointer
	at, err := s.read(ctx, itemRef{containerAlerts, group, id}, &p.pointerItem)
	r.RU += at.ru
	if errors.Is(err, errNotFound) {
		return pointer{}, nil
	}
	p.etag = at.etag
	if err == nil {
		err = readable(p.Schema)
	}
	return p, err
}

func (s *Store) alert(ctx context.Context, group, id string) (alert.Alert, version, error) {
	var item alertItem
	at, err := s.read(ctx, itemRef{containerAlerts, group, id}, &item)
	if err == nil {
		err = readable(item.Schema)
	}
	return item.Alert, at, err
}

// batch is a TransactionalBatch being written.
type batch struct {
	steps   []func(*azcosmos.TransactionalBatch)
	err     error
	results []azcosmos.TransactionalBatchResult // of the steps, once it was executed
}

func (b *batch) create(item any) (body []byte) {
	body = b.marshal(item)
	b.steps = append(b.steps, func(t *azcosmos.TransactionalBatch) { t.CreateItem(body, nil) })
	return body
}

func (b *batch) replace(id string, item any, etag azcore.ETag) (body []byte) {
	body = b.marshal(item)
	b.steps = append(b.steps, func(t *azcosmos.TransactionalBatch) {
		t.ReplaceItem(id, body, &azcosmos.TransactionalBatchItemOptions{IfMatchETag: &etag})
	})
	return body
}

func (b *batch) marshal(item any) []byte {
	body, err := json.Marshal(item)
	b.err = errors.Join(b.err, err)
	return body
}

// commit executes the batch once: it is not repeated here, because its conditions hold for what was read.
func (s *Store) commit(ctx context.Context, group string, b *batch, r alert.Decision) (alert.Decision, error) {
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
