package simulation

import (
	"bytes"
	"encoding/json"
	"sync"
	"time"
)

// owed is what the store owes, as far as the items that were written say so.
type owed struct {
	mu    sync.Mutex
	items map[string]debt
	moved time.Time // when an alert began or ceased to wait for a destination
}

// debt is what an alert owes: something that is due at a time, something that waits until a destination is well again, or
// a lease that was not given back.
type debt struct {
	due, lease int64 // Unix milliseconds; 0: nothing
	waits      bool
}

// written is what an item says of its debts.
type written struct {
	ID         string `json:"id"`
	PK         string `json:"pk"`
	Behind     *bool  `json:"behind"`
	Parked     bool   `json:"parked"`
	Due        int64  `json:"due"`
	LeaseUntil int64  `json:"lease_until"`
}

// items reads what was committed: one item, or the operations of a batch.
func items(body []byte) []written {
	var batch []struct {
		ResourceBody written `json:"resourceBody"`
	}
	if json.Unmarshal(body, &batch) != nil {
		var one written
		_ = json.Unmarshal(body, &one) // what cannot be read owes nothing
		return []written{one}
	}
	var list []written
	for _, one := range batch {
		list = append(list, one.ResourceBody)
	}
	return list
}

// wrote looks at what was committed.
func (o *owed) wrote(body []byte) {
	if !bytes.Contains(body, []byte(`"behind":`)) {
		return // no alert is in it
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.items == nil {
		o.items = map[string]debt{}
	}
	for _, one := range items(body) {
		if one.Behind == nil {
			continue
		}
		now := debt{lease: one.LeaseUntil, waits: one.Parked}
		if *one.Behind {
			now.due = one.Due
		}
		name := one.PK + " " + one.ID
		if o.items[name].waits != now.waits {
			o.moved = time.Now()
		}
		if o.items[name] = now; now == (debt{}) {
			delete(o.items, name)
		}
	}
}

// next is when something owed can be worked on.
func (o *owed) next() (at time.Time, owes bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, d := range o.items {
		if d.due == 0 {
			continue
		}
		can := time.UnixMilli(max(d.due, d.lease))
		if !owes || can.Before(at) {
			at, owes = can, true
		}
	}
	return at, owes
}

// waiting reports since when the same alerts wait for destinations; ok is false when none does.
func (o *owed) waiting() (since time.Time, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, d := range o.items {
		if d.waits {
			return o.moved, true
		}
	}
	return time.Time{}, false
}

// left lists what is owed and what is leased.
func (o *owed) left() (owes, leased []string) {
	for _, name := range keys(o.items) {
		switch d := o.items[name]; {
		case d.waits:
			owes = append(owes, name+" waits for a destination")
		case d.due > 0:
			owes = append(owes, name)
		default:
			leased = append(leased, name)
		}
	}
	return owes, leased
}
