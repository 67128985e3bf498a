package cosmos

import (
	"database/sql"
	"fmt"
	"strings"
	"sync/atomic"
)

// schema is everything that exists before the first container. Numbers of databases and containers are never used
// twice (AUTOINCREMENT), because resource ids are made from them.
const schema = `
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
INSERT OR IGNORE INTO counters (name, value) VALUES ('lsn', 0);
CREATE TABLE IF NOT EXISTS databases (
	num INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, ts INTEGER NOT NULL, offer TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS containers (
	num INTEGER PRIMARY KEY AUTOINCREMENT, database INTEGER NOT NULL, id TEXT NOT NULL, ts INTEGER NOT NULL,
	properties TEXT NOT NULL, offer TEXT NOT NULL, UNIQUE (database, id));`

// table is where one container's items are. An item's row id is the sequence number of its last write, which makes
// the change feed a walk over the table itself. (pk, id) is the item's identity; a query walks that index, whose
// order no update changes, so that no item is met twice or missed while others write.
type table struct {
	num     int64
	uniques bool        // the container has unique keys; only then the KEYS table is used
	gone    atomic.Bool // the container was deleted; set by the writing goroutine
	memory  *memory     // has the items when nothing is kept on disk; nil: SQLite has them

	// The SQL of this table. "live" statements take the second that counts as now.
	create, drop                string
	point, insert, move, remove string // one item
	addKey, findKey, dropKeys   string // its unique keys
	partition, everything       string // live items after a position, in the order of (pk, id)
	changes, partitionChanges   string // live items after a sequence number, in that order
	sweepKeys, sweep, expiry    string // time to live
}

// newTable spells out the SQL once, so that statements are prepared once per connection. In memory none is run.
func newTable(num int64, uniques, inMemory bool) *table {
	if inMemory {
		return &table{num: num, uniques: uniques, memory: &memory{parts: map[string]*part{}}}
	}
	named := strings.NewReplacer("ITEMS", fmt.Sprintf("items_%d", num), "KEYS", fmt.Sprintf("keys_%d", num)).Replace
	const (
		live    = " AND (expires IS NULL OR expires > ?)"
		columns = "SELECT seq, pk, id, body FROM ITEMS "
	)
	return &table{
		num:     num,
		uniques: uniques,
		create: named(`
			CREATE TABLE ITEMS (seq INTEGER PRIMARY KEY, pk TEXT NOT NULL, id TEXT NOT NULL, ts INTEGER NOT NULL,
				expires INTEGER, body TEXT NOT NULL);
			CREATE UNIQUE INDEX ITEMS_identity ON ITEMS (pk, id);
			CREATE INDEX ITEMS_expiry ON ITEMS (expires) WHERE expires IS NOT NULL;
			CREATE TABLE KEYS (pk TEXT NOT NULL, key TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (pk, key)) WITHOUT ROWID;
			CREATE INDEX KEYS_owner ON KEYS (pk, id);`),
		drop: named("DROP TABLE ITEMS; DROP TABLE KEYS;"),

		point:  named("SELECT seq, ts, expires, body FROM ITEMS WHERE pk = ? AND id = ?"),
		insert: named("INSERT INTO ITEMS (seq, pk, id, ts, expires, body) VALUES (?, ?, ?, ?, ?, ?)"),
		move:   named("UPDATE ITEMS SET seq = ?, ts = ?, expires = ?, body = ? WHERE seq = ?"),
		remove: named("DELETE FROM ITEMS WHERE seq = ?"),

		addKey:   named("INSERT INTO KEYS (pk, key, id) VALUES (?, ?, ?)"),
		findKey:  named("SELECT id FROM KEYS WHERE pk = ? AND key = ?"),
		dropKeys: named("DELETE FROM KEYS WHERE pk = ? AND id = ?"),

		partition:  named(columns + "WHERE pk = ? AND id > ?" + live + " ORDER BY id LIMIT ?"),
		everything: named(columns + "WHERE (pk, id) > (?, ?)" + live + " ORDER BY pk, id LIMIT ?"),

		changes:          named(columns + "WHERE seq > ? AND ts >= ?" + live + " ORDER BY seq LIMIT ?"),
		partitionChanges: named(columns + "WHERE seq > ? AND ts >= ?" + live + " AND pk = ? ORDER BY seq LIMIT ?"),

		sweepKeys: named("DELETE FROM KEYS WHERE (pk, id) IN (SELECT pk, id FROM ITEMS WHERE expires <= ? LIMIT ?)"),
		sweep:     named("DELETE FROM ITEMS WHERE seq IN (SELECT seq FROM ITEMS WHERE expires <= ? LIMIT ?)"),
		expiry: named(`UPDATE ITEMS SET expires = CASE
			WHEN ?1 IS NULL THEN NULL
			WHEN json_type(body, '$.ttl') = 'integer' AND json_extract(body, '$.ttl') > 0
				THEN ts + json_extract(body, '$.ttl')
			WHEN json_extract(body, '$.ttl') = -1 THEN NULL
			WHEN ?1 = -1 THEN NULL
			ELSE ts + ?1 END`),
	}
}

// row is one stored item.
type row struct {
	seq     int64         // sequence number of the last write, the row id
	ts      int64         // second of the last write
	expires sql.NullInt64 // first second at which it is no longer visible
	pk, id  string        // identity; pk in canonical form
	body    string        // the JSON that clients get
}

// find reads one item by identity. An expired one is not there, although its row may still be.
func (t *table) find(c *session, pk, id string, now int64) (r row, found bool, err error) {
	r, found, err = t.findAny(c, pk, id)
	return r, found && !r.expired(now), err
}

// findAny reads one item's row, expired or not.
func (t *table) findAny(c *session, pk, id string) (row, bool, error) {
	switch {
	case t.memory != nil && t.gone.Load():
		return row{}, false, ownerNotFound()
	case t.memory != nil:
		r, found := t.memory.find(pk, id)
		return r, found, nil
	}
	r := row{pk: pk, id: id}
	found, err := c.row(t.point, []any{pk, id}, []any{&r.seq, &r.ts, &r.expires, &r.body})
	if err != nil {
		return row{}, false, t.lost(err)
	}
	return r, found, nil
}

// after lists live items after a position, in the order of (pk, id).
func (t *table) after(c *session, s span) (out []row, cut bool, err error) {
	switch {
	case t.memory != nil && t.gone.Load():
		return nil, false, ownerNotFound()
	case t.memory != nil:
		out, cut = within(t.memory.after(s))
		return out, cut, nil
	case s.partition:
		return t.rows(c, t.partition, s.pk, s.id, s.now, s.limit)
	}
	return t.rows(c, t.everything, s.pk, s.id, s.now, s.limit)
}

// changed lists live items in the order of their last write, after a sequence number.
func (t *table) changed(c *session, s span) (out []row, err error) {
	switch {
	case t.memory != nil && t.gone.Load():
		return nil, ownerNotFound()
	case t.memory != nil:
		out, _ = within(t.memory.changes(s))
	case s.partition:
		out, _, err = t.rows(c, t.partitionChanges, s.seq, s.ts, s.now, s.pk, s.limit)
	default:
		out, _, err = t.rows(c, t.changes, s.seq, s.ts, s.now, s.limit)
	}
	return out, err // what is cut off would not fit the answer
}

// rows collects what a range statement finds, up to about the size of an answer, so that large items do not fill the
// memory. cut says that it stopped for that reason.
func (t *table) rows(c *session, text string, args ...any) (out []row, cut bool, err error) {
	size := 0
	err = c.rows(text, args, func(found *sql.Rows) (bool, error) {
		var r row
		if err := found.Scan(&r.seq, &r.pk, &r.id, &r.body); err != nil {
			return false, err
		}
		out = append(out, r)
		size += len(r.body)
		cut = size > maxPageBytes
		return !cut, nil
	})
	return out, cut, t.lost(err)
}

// lost explains an error by the container's deletion, when that is the cause.
func (t *table) lost(err error) error {
	if err != nil && t.gone.Load() {
		return ownerNotFound()
	}
	return err
}

// put stores a new item, or a new version of the one at old.seq when old is not nil.
func (t *table) put(c *session, r row, old *row, keys []string) error {
	if t.gone.Load() {
		return ownerNotFound()
	}
	if t.uniques {
		if err := t.claim(c, r, keys); err != nil {
			return err
		}
	}
	if t.memory != nil {
		t.memory.put(c, r)
		return nil
	}
	if old == nil {
		return c.exec(t.insert, r.seq, r.pk, r.id, r.ts, r.expires, r.body)
	}
	return c.exec(t.move, r.seq, r.ts, r.expires, r.body, old.seq)
}

// claim takes the item's unique keys. A key whose owner has expired is free.
func (t *table) claim(c *session, r row, keys []string) error {
	if err := t.freeKeys(c, r.pk, r.id); err != nil {
		return err
	}
	for _, key := range keys {
		owner, taken, err := t.ownerOf(c, r.pk, key)
		if err != nil {
			return err
		}
		if taken {
			if err := t.release(c, r, owner); err != nil {
				return err
			}
		}
		if err := t.giveKey(c, r.pk, key, r.id); err != nil {
			return err
		}
	}
	return nil
}

func (t *table) ownerOf(c *session, pk, key string) (owner string, taken bool, err error) {
	if t.memory != nil {
		owner, taken = t.memory.owner(pk, key)
		return owner, taken, nil
	}
	taken, err = c.row(t.findKey, []any{pk, key}, []any{&owner})
	return owner, taken, err
}

func (t *table) giveKey(c *session, pk, key, id string) error {
	if t.memory != nil {
		t.memory.setKey(c, pk, key, id)
		return nil
	}
	return c.exec(t.addKey, pk, key, id)
}

func (t *table) freeKeys(c *session, pk, id string) error {
	if t.memory != nil {
		t.memory.dropKeys(c, pk, id)
		return nil
	}
	return c.exec(t.dropKeys, pk, id)
}

// release takes a unique key from an owner that has expired; from a living one it cannot be taken.
func (t *table) release(c *session, r row, owner string) error {
	old, found, err := t.findAny(c, r.pk, owner)
	if err != nil {
		return err
	}
	if found && !old.expired(r.ts) {
		return conflict("Unique index constraint violation.")
	}
	if found {
		return t.erase(c, old)
	}
	return t.freeKeys(c, r.pk, owner)
}

// erase removes an item with its keys.
func (t *table) erase(c *session, r row) error {
	if t.uniques {
		if err := t.freeKeys(c, r.pk, r.id); err != nil {
			return err
		}
	}
	if t.memory != nil {
		t.memory.remove(c, r)
		return nil
	}
	return c.exec(t.remove, r.seq)
}

// expire applies the container's time to live to the items that are there.
func (t *table) expire(c *session, ttl *int64) error {
	if t.memory != nil {
		return t.memory.expire(c, ttl)
	}
	return c.exec(t.expiry, ttl)
}
