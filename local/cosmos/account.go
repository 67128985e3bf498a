package cosmos

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
)

// The account and its databases on the wire:
//
//	GET  /                     → {"writableLocations": [{"name", "databaseAccountEndpoint"}], ...}
//	POST /dbs {"id": "d"}      → 201 {"id": "d", "_rid", "_self", "_etag", "_ts"}, or 409
//	GET  /dbs/d                → 200, or 404
//	POST /dbs {"query": ...}   → 200 {"_rid", "Databases": [...], "_count"}
//
// azcosmos reads GET / once per client and every five minutes after, and goes to the first writable location from then
// on; a client whose first GET / fails keeps the error for five minutes (v1.5.0).

// readAccount answers GET /. azcosmos sends every later request to the address found here, so it is the one the
// caller used (learn.microsoft.com/rest/api/cosmos-db/get-a-database-account).
func (s *Server) readAccount(_ context.Context, in call) (reply, error) {
	scheme := in.URL.Scheme
	if scheme == "" {
		scheme = "http"
		if in.TLS != nil {
			scheme = "https"
		}
	}
	host := in.Host
	if host == "" {
		host = in.URL.Host
	}
	region := value{kind: object}.
		with("name", textOf("Local")).
		with("databaseAccountEndpoint", textOf(scheme+"://"+host+"/"))
	regions := value{kind: array, items: []value{region}}
	account := value{kind: object}.
		with("_self", textOf("")).
		with("id", textOf("local")).
		with("_rid", textOf("local")).
		with("media", textOf("//media/")).
		with("addresses", textOf("//addresses/")).
		with("_dbs", textOf("//dbs/")).
		with("writableLocations", regions).
		with("readableLocations", regions).
		with("enableMultipleWriteLocations", boolOf(false)).
		with("userConsistencyPolicy", value{kind: object}.with("defaultConsistencyLevel", textOf("Session")))
	return documentReply(http.StatusOK, account, ""), nil
}

// etag changes when the database is made anew under its old name.
func (d *database) etag() string { return etagOf(d.num, 0, d.ts) }

// document is the database as the service shows it.
func (d *database) document() value {
	return value{kind: object}.
		with("id", textOf(d.id)).
		with("_rid", textOf(d.rid())).
		with("_self", textOf(d.link())).
		with("_etag", textOf(d.etag())).
		with("_colls", textOf("colls/")).
		with("_users", textOf("users/")).
		with("_ts", numberOf(float64(d.ts)))
}

// createDatabase answers POST /dbs (learn.microsoft.com/rest/api/cosmos-db/create-a-database). The check for the name
// and the insert are one step for everybody, because only one change of the catalog runs at a time.
func (s *Server) createDatabase(ctx context.Context, in call) (reply, error) {
	v, err := decodeJSON(string(in.body))
	if err != nil {
		return reply{}, err
	}
	if err := checkName(v.member("id")); err != nil {
		return reply{}, err
	}
	d := &database{id: v.member("id").str, containers: map[string]*container{}}
	s.catalog.changing.Lock()
	defer s.catalog.changing.Unlock()
	if _, err := s.catalog.database(d.id); err == nil {
		return reply{}, conflict("Resource with specified id, name, or unique index already exists.")
	}
	if d.offer, err = in.throughput(); err != nil {
		return reply{}, err
	}
	d.ts = s.now().Unix()
	if err := s.change(ctx, in, d.save); err != nil {
		return reply{}, err
	}
	s.catalog.show(func() { s.catalog.databases[d.id] = d })
	return documentReply(http.StatusCreated, d.document(), d.etag()), nil
}

// save inserts the catalog row; SQLite numbers it, and the number makes the resource id.
func (d *database) save(w *session) error {
	if err := w.exec("INSERT INTO databases (id, ts, offer) VALUES (?, ?, ?)", d.id, d.ts, d.offer); err != nil {
		return fmt.Errorf("insert database: %w", err)
	}
	_, err := w.row("SELECT last_insert_rowid()", nil, []any{&d.num})
	return err
}

// readDatabase answers GET /dbs/{database}.
func (s *Server) readDatabase(_ context.Context, in call) (reply, error) {
	d, err := s.catalog.database(in.database)
	if err != nil {
		return reply{}, notFound()
	}
	return documentReply(http.StatusOK, d.document(), d.etag()), nil
}

// deleteDatabase drops all containers and the database in one transaction, so that a crash cannot leave some behind.
func (s *Server) deleteDatabase(ctx context.Context, in call) (reply, error) {
	s.catalog.changing.Lock()
	defer s.catalog.changing.Unlock()
	d, err := s.catalog.database(in.database)
	if err != nil {
		return reply{}, notFound()
	}
	containers := s.catalog.containers(d)
	err = s.change(ctx, in, func(w *session) error {
		for _, c := range containers {
			if err := c.erase(w); err != nil {
				return err
			}
		}
		return w.exec("DELETE FROM databases WHERE num = ?", d.num)
	})
	if err != nil {
		for _, c := range containers {
			c.table.gone.Store(false)
		}
		return reply{}, err
	}
	s.catalog.show(func() { delete(s.catalog.databases, d.id) })
	return reply{status: http.StatusNoContent}, nil
}

// listDatabases answers GET /dbs, and queries over it.
func (s *Server) listDatabases(_ context.Context, in call) (reply, error) {
	var docs []value
	for _, d := range s.catalog.all() {
		docs = append(docs, d.document())
	}
	return s.answerList(in, list{name: "Databases", docs: docs})
}

// list is a feed of metadata: all databases, the containers of one, the offers.
type list struct {
	rid  string
	name string // of the array in the answer
	docs []value
}

// answerList answers a metadata feed, or a query over it. These lists are short, so there is always one page.
func (s *Server) answerList(in call, l list) (reply, error) {
	slices.SortFunc(l.docs, func(a, b value) int { return cmp.Compare(a.member("id").str, b.member("id").str) })
	charge := 2.0
	if in.isQuery() {
		q, err := readQuery(in.body, s.now())
		if err != nil {
			return reply{}, err
		}
		if l.docs, err = q.filter(l.docs); err != nil {
			return reply{}, err
		}
		charge = minQueryCharge
	}
	body := value{kind: object}.
		with("_rid", textOf(l.rid)).
		with(l.name, value{kind: array, items: l.docs}).
		with("_count", numberOf(float64(len(l.docs))))
	return reply{status: http.StatusOK, body: appendJSON(nil, body), charge: charge, isFeed: true, count: len(l.docs)}, nil
}

// documentReply answers with one metadata document.
func documentReply(status int, doc value, etag string) reply {
	return reply{status: status, body: appendJSON(nil, doc), etag: etag, charge: 1}
}
