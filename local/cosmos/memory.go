package cosmos

import (
	"cmp"
	"slices"
)

// memory is where the items of one container are when the server keeps nothing on disk: what the statements of table do, on
// maps. One session at a time uses it, as it does a connection, and what a job changed is undone when the job fails.
type memory struct {
	parts map[string]*part // by partition key
	pks   []string         // of parts, sorted
	next  int64            // no item expires before this second; 0: none does
}

// part is one logical partition.
type part struct {
	rows map[string]row
	ids  []string          // of rows, sorted
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
	if p := m.parts[pk]; p != nil {
		r, found = p.rows[id]
	}
	return r, found
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
		p = &part{rows: map[string]row{}, keys: map[string]string{}}
		m.parts[pk] = p
		m.pks = insertSorted(m.pks, pk)
	}
	return p
}

func (m *memory) set(r row) {
	p := m.part(r.pk)
	if _, had := p.rows[r.id]; !had {
		p.ids = insertSorted(p.ids, r.id)
	}
	p.rows[r.id] = r
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
	if i, had := slices.BinarySearch(p.ids, id); had {
		p.ids = slices.Delete(p.ids, i, i+1)
		delete(p.rows, id)
	}
	if len(p.ids) > 0 || len(p.keys) > 0 {
		return
	}
	i, _ := slices.BinarySearch(m.pks, pk)
	m.pks = slices.Delete(m.pks, i, i+1)
	delete(m.parts, pk)
}

func insertSorted(list []string, one string) []string {
	i, _ := slices.BinarySearch(list, one)
	return slices.Insert(list, i, one)
}

// after lists live rows in the order of (pk, id).
func (m *memory) after(s span) (out []row) {
	first, _ := slices.BinarySearch(m.pks, s.pk)
	if !s.partition {
		out = make([]row, 0, min(s.limit, 2*(len(m.pks)-first)))
	}
	for _, pk := range m.pks[first:] {
		if s.partition && pk != s.pk {
			break
		}
		p := m.parts[pk]
		from := 0
		if pk == s.pk {
			at, had := slices.BinarySearch(p.ids, s.id)
			if from = at; had {
				from++
			}
		}
		for _, id := range p.ids[from:] {
			if r := p.rows[id]; !r.expired(s.now) {
				if out = append(out, r); len(out) == s.limit {
					return out
				}
			}
		}
	}
	return out
}

// changes lists live rows in the order of their last write.
func (m *memory) changes(s span) (out []row) {
	for _, pk := range m.pks {
		if s.partition && pk != s.pk {
			continue
		}
		for _, r := range m.parts[pk].rows {
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
	for _, pk := range slices.Clone(m.pks) {
		p := m.parts[pk]
		for _, id := range slices.Clone(p.ids) {
			r := p.rows[id]
			if !r.expired(now) {
				m.dueBy(r)
				continue
			}
			for key, owner := range p.keys {
				if owner == id {
					delete(p.keys, key)
				}
			}
			m.drop(pk, id)
		}
	}
}

// expire applies a container's time to live to the items that are there.
func (m *memory) expire(c *session, ttl *int64) error {
	for _, pk := range m.pks {
		for _, r := range m.parts[pk].rows {
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
