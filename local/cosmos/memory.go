package cosmos

import (
	"cmp"
	"slices"
)

// memory is where the items of one container are when the server keeps nothing on disk: what the statements of table do, in
// sorted lists. One session at a time uses it, as it does a connection, and what a job changed is undone when the job fails.
type memory struct {
	parts  map[string]*part // by partition key
	sorted []*part          // the same, by partition key
	next   int64            // no item expires before this second; 0: none does
}

// part is one logical partition.
type part struct {
	pk   string
	rows []row             // by id
	keys map[string]string // unique key → id
}

// span is what a scan asks for: items that are live at a second, after a position.
type span struct {
	pk, id    string
	partition bool  // of pk alone
	seq, ts   int64 // of the change feed
	now       int64
	limit     int
}

func (m *memory) find(pk, id string) (r row, found bool) {
	p := m.parts[pk]
	if p == nil {
		return r, false
	}
	i, found := p.place(id)
	if found {
		r = p.rows[i]
	}
	return r, found
}

// place is where an item is, or where it would be.
func (p *part) place(id string) (i int, found bool) {
	return slices.BinarySearchFunc(p.rows, id, func(r row, id string) int { return cmp.Compare(r.id, id) })
}

// place is where a partition is, or where it would be.
func (m *memory) place(pk string) (i int, found bool) {
	return slices.BinarySearchFunc(m.sorted, pk, func(p *part, pk string) int { return cmp.Compare(p.pk, pk) })
}

// put stores a row in the place of the one with the same identity.
func (m *memory) put(c *session, r row) {
	old, had := m.find(r.pk, r.id)
	c.onUndo(func() {
		if m.drop(r.pk, r.id); had {
			m.set(old)
		}
	})
	m.set(r)
}

func (m *memory) remove(c *session, r row) {
	c.onUndo(func() { m.set(r) })
	m.drop(r.pk, r.id)
}

// part is a partition, which may have to be made.
func (m *memory) part(pk string) *part {
	p := m.parts[pk]
	if p == nil {
		p = &part{pk: pk, keys: map[string]string{}}
		m.parts[pk] = p
		i, _ := m.place(pk)
		m.sorted = slices.Insert(m.sorted, i, p)
	}
	return p
}

func (m *memory) set(r row) {
	p := m.part(r.pk)
	if i, had := p.place(r.id); had {
		p.rows[i] = r
	} else {
		p.rows = slices.Insert(p.rows, i, r)
	}
	m.dueBy(r)
}

// dueBy notes when the sweeper has to come.
func (m *memory) dueBy(r row) {
	if r.expires.Valid && (m.next == 0 || r.expires.Int64 < m.next) {
		m.next = r.expires.Int64
	}
}

// drop takes a row out, and its partition with the last one.
func (m *memory) drop(pk, id string) {
	p := m.parts[pk]
	if p == nil {
		return
	}
	if i, had := p.place(id); had {
		p.rows = slices.Delete(p.rows, i, i+1)
	}
	if len(p.rows) > 0 || len(p.keys) > 0 {
		return
	}
	i, _ := m.place(pk)
	m.sorted = slices.Delete(m.sorted, i, i+1)
	delete(m.parts, pk)
}

// after lists live rows in the order of (pk, id).
func (m *memory) after(s span) (out []row) {
	first, _ := m.place(s.pk)
	if !s.partition {
		out = make([]row, 0, min(s.limit, 2*(len(m.sorted)-first)))
	}
	for _, p := range m.sorted[first:] {
		if s.partition && p.pk != s.pk {
			break
		}
		rows := p.rows
		if p.pk == s.pk {
			at, had := p.place(s.id)
			if rows = rows[at:]; had {
				rows = rows[1:]
			}
		}
		for i := range rows {
			if !rows[i].expired(s.now) {
				if out = append(out, rows[i]); len(out) == s.limit {
					return out
				}
			}
		}
	}
	return out
}

// changes lists live rows in the order of their last write.
func (m *memory) changes(s span) (out []row) {
	for _, p := range m.sorted {
		if s.partition && p.pk != s.pk {
			continue
		}
		for _, r := range p.rows {
			if r.seq > s.seq && r.ts >= s.ts && !r.expired(s.now) {
				out = append(out, r)
			}
		}
	}
	slices.SortFunc(out, func(a, b row) int { return cmp.Compare(a.seq, b.seq) })
	return out[:min(len(out), s.limit)]
}

// owner is the item that has a unique key.
func (m *memory) owner(pk, key string) (id string, taken bool) {
	if p := m.parts[pk]; p != nil {
		id, taken = p.keys[key]
	}
	return id, taken
}

// setKey gives a unique key to an item; "" takes it from whichever item has it.
func (m *memory) setKey(c *session, pk, key, id string) {
	was, had := m.owner(pk, key)
	c.onUndo(func() { m.hold(pk, key, was, had) })
	m.hold(pk, key, id, id != "")
}

func (m *memory) hold(pk, key, id string, held bool) {
	keys := m.part(pk).keys
	if delete(keys, key); held {
		keys[key] = id
	}
}

func (m *memory) dropKeys(c *session, pk, id string) {
	if p := m.parts[pk]; p != nil {
		for key, owner := range p.keys {
			if owner == id {
				m.setKey(c, pk, key, "")
			}
		}
	}
}

// sweep removes what has expired. No undoing brings it back: it is not visible any more.
func (m *memory) sweep(now int64) {
	if m.next == 0 || m.next > now {
		return
	}
	m.next = 0
	for _, p := range slices.Clone(m.sorted) {
		for _, r := range slices.Clone(p.rows) {
			if !r.expired(now) {
				m.dueBy(r)
				continue
			}
			for key, owner := range p.keys {
				if owner == r.id {
					delete(p.keys, key)
				}
			}
			m.drop(r.pk, r.id)
		}
	}
}

// expire applies a container's time to live to the items that are there.
func (m *memory) expire(c *session, ttl *int64) error {
	for _, p := range m.sorted {
		for _, r := range p.rows {
			doc, err := r.decode()
			if err != nil {
				return err
			}
			own, err := itemTTL(doc, ttl)
			if err != nil {
				own = nil // it was of no meaning when the item was written
			}
			r.expires = expiry(r.ts, own, ttl)
			m.put(c, r)
		}
	}
	return nil
}

// onUndo notes how to undo what a job is about to change.
func (c *session) onUndo(f func()) { c.undo = append(c.undo, f) }

// undoTo undoes what was changed since there were n things to undo.
func (c *session) undoTo(n int) {
	for i := len(c.undo) - 1; i >= n; i-- {
		c.undo[i]()
	}
	c.undo = c.undo[:n]
}

// within collects rows up to about the size of an answer.
func within(rows []row) (out []row, cut bool) {
	size := 0
	for i := range rows {
		if size += len(rows[i].body); size > maxPageBytes {
			return rows[:i+1], true
		}
	}
	return rows, false
}
