package cosmos

import (
	"context"
	"fmt"
	"net/http"
)

// Containers on the wire:
//
//	POST   /dbs/d/colls {"id", "partitionKey": {"paths": ["/pk"], "kind": "Hash", "version": 2}, "defaultTtl",
//	                     "indexingPolicy", "uniqueKeyPolicy"}
//	GET    /dbs/d/colls/c
//	PUT    /dbs/d/colls/c        time to live and indexing only
//	DELETE /dbs/d/colls/c
//	GET    /dbs/d/colls/c/pkranges
//
// Properties that mean nothing here are kept and shown again, so that what infra asked for can be read back.

// newContainer checks the properties of a container as a client sends them and understands those that matter here.
func newContainer(v value) (*container, error) {
	v = v.without("_rid", "_self", "_etag", "_ts", "_docs", "_sprocs", "_triggers", "_udfs", "_conflicts")
	c := &container{id: v.member("id").str}
	if err := checkName(v.member("id")); err != nil {
		return nil, err
	}
	var err error
	if c.key, err = parsePartitionKey(v.member("partitionKey")); err != nil {
		return nil, err
	}
	if v.member("indexingPolicy").kind == undefined {
		policy, err := decodeJSON(defaultIndexing)
		if err != nil {
			return nil, err
		}
		v = v.with("indexingPolicy", policy)
	}
	if c.index, err = parseIndexPolicy(v.member("indexingPolicy")); err != nil {
		return nil, err
	}
	if c.uniqueKeys, err = parseUniqueKeys(v.member("uniqueKeyPolicy")); err != nil {
		return nil, err
	}
	if c.ttl, err = parseDefaultTTL(v.member("defaultTtl")); err != nil {
		return nil, err
	}
	c.properties = v
	return c, nil
}

// checkName applies the rules for the names of databases and containers.
func checkName(v value) error {
	if v.kind != text || v.str == "" || len(v.str) > maxNameBytes {
		return badRequest("The input name is invalid. Ensure to provide a unique non-empty string of at most 255 characters.")
	}
	return checkCharacters(v.str)
}

// parseUniqueKeys reads the policy that can be given at creation only.
func parseUniqueKeys(policy value) ([][][]string, error) {
	const maxKeys, maxPaths = 10, 16 // concepts-limits
	keys := policy.member("uniqueKeys").items
	if len(keys) > maxKeys {
		return nil, badRequest("Only up to 10 unique keys are allowed.")
	}
	var out [][][]string
	for _, key := range keys {
		paths := key.member("paths").items
		if len(paths) == 0 || len(paths) > maxPaths {
			return nil, badRequest("A unique key needs between 1 and 16 paths.")
		}
		var steps [][]string
		for _, path := range paths {
			s, err := parseKeyPath(path)
			if err != nil {
				return nil, err
			}
			steps = append(steps, s)
		}
		out = append(out, steps)
	}
	return out, nil
}

// parseDefaultTTL reads defaultTtl: absent or null is off, -1 is on without a default, otherwise seconds.
func parseDefaultTTL(v value) (*int64, error) {
	if v.kind == undefined || v.kind == null {
		return nil, nil
	}
	if !v.isWhole() || v.num != -1 && (v.num < 1 || v.num > maxTTL) {
		return nil, badRequest("The value of defaultTtl is invalid: it must be -1 or a positive number of seconds.")
	}
	ttl := int64(v.num)
	return &ttl, nil
}

// document is the container as the service shows it.
func (c *container) document() value {
	return c.properties.
		with("_rid", textOf(c.rid())).
		with("_ts", numberOf(float64(c.ts))).
		with("_self", textOf(c.link())).
		with("_etag", textOf(c.etag())).
		with("_docs", textOf("docs/")).
		with("_sprocs", textOf("sprocs/")).
		with("_triggers", textOf("triggers/")).
		with("_udfs", textOf("udfs/")).
		with("_conflicts", textOf("conflicts/"))
}

// etag changes when the properties are replaced; it holds the second of that. Nobody makes it a condition.
func (c *container) etag() string { return etagOf(c.num, 0, c.ts) }

// createContainer answers POST /dbs/{database}/colls (learn.microsoft.com/rest/api/cosmos-db/create-a-collection).
// Throughput is taken from the headers; without any, and without that of the database, the service gives 400 RU/s.
func (s *Server) createContainer(ctx context.Context, in call) (reply, error) {
	v, err := decodeJSON(string(in.body))
	if err != nil {
		return reply{}, err
	}
	c, err := newContainer(v)
	if err != nil {
		return reply{}, err
	}
	s.catalog.changing.Lock()
	defer s.catalog.changing.Unlock()
	if c.database, err = s.catalog.database(in.database); err != nil {
		return reply{}, err
	}
	if _, err := s.catalog.container(in.database, c.id); err == nil {
		return reply{}, conflict("Resource with specified id, name, or unique index already exists.")
	}
	if c.offer, err = in.throughput(); err != nil {
		return reply{}, err
	}
	if c.offer == "" && c.database.offer == "" {
		c.offer = standardOffer
	}
	c.ts = s.now().Unix()
	if err := s.change(ctx, in, c.save); err != nil {
		return reply{}, err
	}
	s.catalog.show(func() { c.database.containers[c.id] = c })
	return documentReply(http.StatusCreated, c.document(), c.etag()), nil
}

// save inserts the catalog row and makes the table.
func (c *container) save(w *session) error {
	err := w.exec("INSERT INTO containers (database, id, ts, properties, offer) VALUES (?, ?, ?, ?, ?)",
		c.database.num, c.id, c.ts, string(appendJSON(nil, c.properties)), c.offer)
	if err != nil {
		return fmt.Errorf("insert container: %w", err)
	}
	if _, err := w.row("SELECT last_insert_rowid()", nil, []any{&c.num}); err != nil {
		return err
	}
	if c.table = newTable(c.num, len(c.uniqueKeys) > 0, w.inMemory); w.inMemory {
		return nil
	}
	return w.script(context.Background(), c.table.create)
}

// readContainer answers GET on a container. azcosmos asks for it before ReadManyItems and the change feed.
func (s *Server) readContainer(_ context.Context, in call) (reply, error) {
	c, err := s.catalog.container(in.database, in.container)
	if err != nil {
		return reply{}, notFound()
	}
	return documentReply(http.StatusOK, c.document(), c.etag()), nil
}

// replaceContainer changes what may change: time to live and indexing. The key and the unique keys are for life.
func (s *Server) replaceContainer(ctx context.Context, in call) (reply, error) {
	v, err := decodeJSON(string(in.body))
	if err != nil {
		return reply{}, err
	}
	c, err := newContainer(v)
	if err != nil {
		return reply{}, err
	}
	s.catalog.changing.Lock()
	defer s.catalog.changing.Unlock()
	old, err := s.catalog.container(in.database, in.container)
	if err != nil {
		return reply{}, notFound()
	}
	if c, err = old.changed(c); err != nil {
		return reply{}, err
	}
	c.ts = s.now().Unix()
	err = s.change(ctx, in, func(w *session) error {
		if err := w.exec("UPDATE containers SET ts = ?, properties = ? WHERE num = ?",
			c.ts, string(appendJSON(nil, c.properties)), c.num); err != nil {
			return err
		}
		return c.table.expire(w, c.ttl)
	})
	if err != nil {
		return reply{}, err
	}
	s.catalog.show(func() { c.database.containers[c.id] = c })
	return documentReply(http.StatusOK, c.document(), c.etag()), nil
}

// changed gives the new properties the old identity, if they leave alone what cannot change.
func (c *container) changed(next *container) (*container, error) {
	for _, fixed := range []string{"id", "partitionKey", "uniqueKeyPolicy"} {
		if !equal(c.properties.member(fixed), next.properties.member(fixed)) {
			return nil, badRequest("Replacing the " + fixed + " of a container is not allowed.")
		}
	}
	next.num, next.database, next.offer, next.table = c.num, c.database, c.offer, c.table
	return next, nil
}

// deleteContainer answers DELETE on a container. When the commit fails the container is there as before.
func (s *Server) deleteContainer(ctx context.Context, in call) (reply, error) {
	s.catalog.changing.Lock()
	defer s.catalog.changing.Unlock()
	c, err := s.catalog.container(in.database, in.container)
	if err != nil {
		return reply{}, notFound()
	}
	if err := s.change(ctx, in, c.erase); err != nil {
		c.table.gone.Store(false)
		return reply{}, err
	}
	s.catalog.show(func() { delete(c.database.containers, c.id) })
	return reply{status: http.StatusNoContent}, nil
}

// erase drops the table. From here on, who still holds the container is told that it is gone.
func (c *container) erase(w *session) error {
	if err := w.exec("DELETE FROM containers WHERE num = ?", c.num); err != nil {
		return err
	}
	if !w.inMemory {
		if err := w.script(context.Background(), c.table.drop); err != nil {
			return err
		}
	}
	c.table.gone.Store(true)
	return nil
}

// listContainers answers GET /dbs/{database}/colls, and queries over it.
func (s *Server) listContainers(_ context.Context, in call) (reply, error) {
	d, err := s.catalog.database(in.database)
	if err != nil {
		return reply{}, err
	}
	var docs []value
	for _, c := range s.catalog.containers(d) {
		docs = append(docs, c.document())
	}
	return s.answerList(in, list{rid: d.rid(), name: "DocumentCollections", docs: docs})
}

// listRanges answers the partition key ranges as a change feed of them: all at first, then 304. There is one
// physical partition, which holds every key. azcosmos v1.5.0 needs the range's id to be a string.
func (s *Server) listRanges(_ context.Context, in call) (reply, error) {
	c, err := s.catalog.container(in.database, in.container)
	if err != nil {
		return reply{}, err
	}
	etag := `"` + c.rid() + `"`
	if in.header("If-None-Match") == etag {
		return reply{status: http.StatusNotModified, etag: etag, charge: missCharge}, nil
	}
	rangeOf := value{kind: object}.
		with("id", textOf("0")).
		with("_rid", textOf(rid(c.database.num, c.num, 1))).
		with("_self", textOf(c.link()+"pkranges/0/")).
		with("_etag", textOf(etag)).
		with("_ts", numberOf(float64(c.ts))).
		with("minInclusive", textOf("")).
		with("maxExclusive", textOf("FF")).
		with("ridPrefix", numberOf(0)).
		with("throughputFraction", numberOf(1)).
		with("status", textOf("online")).
		with("parents", value{kind: array})
	out, err := s.answerList(in, list{rid: c.rid(), name: "PartitionKeyRanges", docs: []value{rangeOf}})
	out.etag = etag
	return out, err
}
