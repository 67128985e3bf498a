package simulation

import (
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/auditbell/auditbell/handler/jsonscan"
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

// written is what an item that is written says of itself and of its debts.
type written struct {
	id, pk          string
	alert           bool // it says whether it is behind
	behind, parked  bool
	due, leaseUntil int64
	compares, held  bool // it says how far a comparison with Azure's list has come, and has a lease
}

// items reads what a write brings: one item, or the operations of a batch. What cannot be read owes nothing.
func items(body []byte) (list []written) {
	c := jsonscan.NewCursor(body, 0)
	if !c.At('[') {
		return []written{item(c)}
	}
	for range c.Elements {
		var one written
		for name := range c.Members {
			switch string(name) {
			case "id":
				one.id = word(c)
			case "resourceBody":
				one = item(c)
			}
		}
		list = append(list, one)
	}
	return list
}

// item reads the members that are of interest, and steps over the others.
func item(c *jsonscan.Cursor) (one written) {
	for name := range c.Members {
		switch string(name) {
		case "id":
			one.id = word(c)
		case "pk":
			one.pk = word(c)
		case "behind":
			one.alert, one.behind = true, c.First() == 't'
		case "parked":
			one.parked = c.First() == 't'
		case "due":
			one.due = number(c)
		case "lease_until":
			one.leaseUntil = number(c)
		case "kind":
			one.compares = word(c) == "reconcile"
		case "lease":
			one.held = strings.Contains(string(c.Skip()), `"owner":"`)
		}
	}
	return one
}

func word(c *jsonscan.Cursor) string { return strings.Trim(string(c.Skip()), `"`) }

func number(c *jsonscan.Cursor) int64 {
	n, _ := strconv.ParseInt(string(c.Skip()), 10, 64) // what is no number owes nothing
	return n
}

// wrote looks at what was committed.
func (o *owed) wrote(list []written) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.items == nil {
		o.items = map[string]debt{}
	}
	for _, one := range list {
		if !one.alert && !one.compares {
			continue
		}
		now := debt{lease: one.leaseUntil, waits: one.parked}
		if one.compares && one.held {
			now.lease = 1
		}
		if one.behind {
			now.due = one.due
		}
		name := one.pk + " " + one.id
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
