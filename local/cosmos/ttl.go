package cosmos

import (
	"database/sql"
	"time"
)

// Time to live (learn.microsoft.com/azure/cosmos-db/time-to-live): it counts from an item's last modification, in
// whole seconds; the container's default applies unless the item has its own "ttl"; without a container default
// nothing expires, whatever the item says; -1 means never.

const maxTTL = 1<<31 - 1

// expired reports whether the item is no longer visible at second now.
func (r row) expired(now int64) bool { return r.expires.Valid && r.expires.Int64 <= now }

// itemTTL reads the "ttl" property. "The item TTL value must be a nonzero positive integer less than or equal to
// 2147483647, or -1"; null is not supported. In a container without time to live the property has no meaning.
func itemTTL(doc value, containerTTL *int64) (*int64, error) {
	v := doc.member("ttl")
	if v.kind == undefined || containerTTL == nil {
		return nil, nil
	}
	if !v.isWhole() || v.num != -1 && (v.num < 1 || v.num > maxTTL) {
		return nil, badRequest("The input ttl is invalid. Ensure to provide a nonzero positive integer, or -1.")
	}
	ttl := int64(v.num)
	return &ttl, nil
}

// expiry is the second at which an item written at second ts stops being visible.
func expiry(ts int64, itemTTL, containerTTL *int64) sql.NullInt64 {
	if containerTTL == nil {
		return sql.NullInt64{}
	}
	ttl := containerTTL
	if itemTTL != nil {
		ttl = itemTTL
	}
	return sql.NullInt64{Int64: ts + *ttl, Valid: *ttl != -1}
}

// sweeper deletes expired rows a few at a time, behind writes, so that no timer runs when nothing happens. It is
// housekeeping only: visibility never waits for it.
type sweeper struct {
	now    func() time.Time
	tables func() []*table
	due    time.Time
}

// sweep runs inside the writing transaction, at most ten times a second. A clock that was moved back, as tests do, does
// not stop it.
func (s *sweeper) sweep(c *session) error {
	const (
		every = 100 * time.Millisecond
		rows  = 200 // per table; some 2 ms of work
	)
	now := s.now()
	if now.Before(s.due) && s.due.Sub(now) <= every {
		return nil
	}
	s.due = now.Add(every)
	for _, t := range s.tables() {
		if t.memory != nil {
			t.memory.sweep(now.Unix())
			continue
		}
		if t.uniques {
			if err := c.exec(t.sweepKeys, now.Unix(), rows); err != nil {
				return err
			}
		}
		if err := c.exec(t.sweep, now.Unix(), rows); err != nil {
			return err
		}
	}
	return nil
}
