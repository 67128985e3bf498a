package cosmos

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
)

// catalog is what databases and containers there are. It mirrors two small tables; changes are written first and
// shown after the commit, one at a time.
type catalog struct {
	mu        sync.RWMutex // guards the maps; their elements never change
	changing  sync.Mutex   // one change at a time
	databases map[string]*database
}

// database is one database; its name and number never change, its containers and its throughput do.
type database struct {
	num        int64                 // SQLite's, and the first half of resource ids
	id         string                // the name in addresses
	ts         int64                 // second of creation
	offer      string                // throughput content as JSON, "" without own throughput
	containers map[string]*container // by name; guarded by the catalog
}

// container is immutable; a change of its properties makes a new one that shares the table.
type container struct {
	num        int64 // SQLite's, and the second half of its resource id
	database   *database
	id         string       // the name in addresses
	ts         int64        // second of the last replacement
	offer      string       // throughput content as JSON; "" when it shares the database's
	properties value        // as the client gave them, without system properties; what is stored and shown
	key        partitionKey // read from properties, as are the next three
	index      indexPolicy
	uniqueKeys [][][]string // unique key → paths → steps
	ttl        *int64       // defaultTtl in seconds, -1 for no default; nil: time to live is off
	table      *table       // where the items are
}

// Resource ids are bytes in base64 with - for /: four for the database, four more for the container, eight more for
// the item. azcosmos compares them as text and sends them back in lower case to sign an offer.
// rid makes a resource id from the numbers of database, container and item.
func rid(nums ...int64) string {
	var b []byte
	for i, num := range nums {
		if i < 2 {
			b = binary.BigEndian.AppendUint32(b, uint32(num))
		} else {
			b = binary.LittleEndian.AppendUint64(b, uint64(num))
		}
	}
	return strings.ReplaceAll(base64.StdEncoding.EncodeToString(b), "/", "-")
}

func (d *database) rid() string { return rid(d.num) }

// A container's resource id begins with its database's, as an item's begins with its container's.
func (c *container) rid() string { return rid(c.database.num, c.num) }

func (d *database) link() string { return "dbs/" + d.rid() + "/" }

// link is the address by resource ids, which the service gives as _self.
func (c *container) link() string { return c.database.link() + "colls/" + c.rid() + "/" }

// database finds a database by name.
func (c *catalog) database(id string) (*database, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if d := c.databases[id]; d != nil {
		return d, nil
	}
	return nil, ownerNotFound()
}

// container finds a container by its names.
func (c *catalog) container(database, id string) (*container, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if d := c.databases[database]; d != nil && d.containers[id] != nil {
		return d.containers[id], nil
	}
	return nil, ownerNotFound()
}

// containers lists a database's containers, in no particular order.
func (c *catalog) containers(d *database) []*container {
	c.mu.RLock()
	defer c.mu.RUnlock()
	out := make([]*container, 0, len(d.containers))
	for _, each := range d.containers {
		out = append(out, each)
	}
	return out
}

// all lists the databases, in no particular order.
func (c *catalog) all() []*database {
	c.mu.RLock()
	defer c.mu.RUnlock()
	out := make([]*database, 0, len(c.databases))
	for _, d := range c.databases {
		out = append(out, d)
	}
	return out
}

// tables lists every container's table, for the sweeper.
func (c *catalog) tables() []*table {
	c.mu.RLock()
	defer c.mu.RUnlock()
	var out []*table
	for _, d := range c.databases {
		for _, each := range d.containers {
			if !each.table.gone.Load() {
				out = append(out, each.table)
			}
		}
	}
	return out
}

// show makes a committed change visible.
func (c *catalog) show(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

// load reads the catalog of a reopened file.
func (c *catalog) load(ctx context.Context, s *store) error {
	c.databases = map[string]*database{}
	byNum := map[int64]*database{}
	err := s.read(ctx, func(r *session) error {
		err := r.rows("SELECT num, id, ts, offer FROM databases", nil, func(found *sql.Rows) (bool, error) {
			d := &database{containers: map[string]*container{}}
			if err := found.Scan(&d.num, &d.id, &d.ts, &d.offer); err != nil {
				return false, err
			}
			c.databases[d.id], byNum[d.num] = d, d
			return true, nil
		})
		if err != nil {
			return err
		}
		const containers = "SELECT num, database, id, ts, properties, offer FROM containers"
		return r.rows(containers, nil, func(found *sql.Rows) (bool, error) {
			return true, loadContainer(found, byNum)
		})
	})
	if err != nil {
		return fmt.Errorf("load catalog: %w", err)
	}
	return nil
}

// loadContainer rebuilds a container from its stored properties by the same code that made it from a request, so that
// both always understand them alike.
func loadContainer(found *sql.Rows, databases map[int64]*database) error {
	var num, database, ts int64
	var id, properties, offer string
	if err := found.Scan(&num, &database, &id, &ts, &properties, &offer); err != nil {
		return err
	}
	v, err := decodeJSON(properties)
	if err != nil {
		return err
	}
	c, err := newContainer(v)
	if err != nil {
		return err
	}
	d := databases[database]
	c.num, c.database, c.ts, c.offer = num, d, ts, offer
	c.table = newTable(num, len(c.uniqueKeys) > 0, false) // nothing is loaded that was not on disk
	d.containers[id] = c
	return nil
}
