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

type database struct {
	num        int64
	id         string
	ts         int64
	offer      string // throughput content as JSON, "" without own throughput
	containers map[string]*container
}

// container is immutable; a change of its properties makes a new one that shares the table.
type container struct {
	num        int64
	database   *database
	id         string
	ts         int64
	offer      string
	properties value // as the client gave them, without system properties
	key        partitionKey
	index      indexPolicy
	uniqueKeys [][][]string // unique key → paths → steps
	ttl        *int64       // defaultTtl; nil: time to live is off
	table      *table
}

// Resource ids are bytes in base64 with - for /: four for the database, four more for the container, eight more for
// the item. azcosmos compares them as text and sends them back in lower case to sign an offer.
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

func (d *database) rid() string  { return rid(d.num) }
func (c *container) rid() string { return rid(c.database.num, c.num) }

func (d *database) link() string  { return "dbs/" + d.rid() + "/" }
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
		err := r.rows("SELECT num, id, ts, offer FROM databases", nil, func(found *sql.Rows) error {
			d := &database{containers: map[string]*container{}}
			if err := found.Scan(&d.num, &d.id, &d.ts, &d.offer); err != nil {
				return err
			}
			c.databases[d.id], byNum[d.num] = d, d
			return nil
		})
		if err != nil {
			return err
		}
		return r.rows("SELECT num, database, id, ts, properties, offer FROM containers", nil, func(found *sql.Rows) error {
			return loadContainer(found, byNum)
		})
	})
	if err != nil {
		return fmt.Errorf("load catalog: %w", err)
	}
	return nil
}

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
	c.table = newTable(num, len(c.uniqueKeys) > 0)
	d.containers[id] = c
	return nil
}
