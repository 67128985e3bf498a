package cosmos

import (
	"context"
	"net/http"
)

// Items on the wire:
//
//	POST   /dbs/d/colls/c/docs       create; upsert with x-ms-documentdb-is-upsert: True
//	GET    /dbs/d/colls/c/docs/{id}  read; 304 with If-None-Match
//	PUT    /dbs/d/colls/c/docs/{id}  replace
//	PATCH  /dbs/d/colls/c/docs/{id}  patch
//	DELETE /dbs/d/colls/c/docs/{id}  delete, 204
//
// Every one needs x-ms-documentdb-partitionkey, a JSON array with one element per path of the container's key. If-Match
// is a condition on all but create. Writes are answered with the item unless Prefer says return=minimal, which azcosmos
// says by default.
//
// Reads go to a reading connection. Writes are steps, run one after the other by the writing goroutine, so a step may
// look at the item, decide and write without anything in between; that is what makes 409 and 412 mean something.

// target is what a document operation works on.
type target struct {
	*container
	pk string // canonical partition key from the header
}

// target finds the container and reads the partition key header, which every operation on one item needs.
func (s *Server) target(in call) (target, error) {
	c, err := s.catalog.container(in.database, in.container)
	if err != nil {
		return target{}, err
	}
	header := in.header("X-Ms-Documentdb-Partitionkey")
	if header == "" {
		return target{}, badRequest("PartitionKey value must be supplied for this operation.")
	}
	pk, err := c.key.ofHeader(header)
	return target{container: c, pk: pk}, err
}

// outcome is the result of one operation on one item, alone or in a batch.
type outcome struct {
	status int
	charge float64
	etag   string
	body   string // the item; empty after a delete
	lsn    int64  // 0 for a read
}

// step is one operation on one item inside the writing goroutine.
type step func(w *session, now int64) (outcome, error)

// single runs one step as a transaction of its own.
func (s *Server) single(ctx context.Context, in call, do step) (reply, error) {
	var out outcome
	err := s.write(ctx, in, func(w *session) (err error) {
		out, err = do(w, s.now().Unix())
		return err
	})
	if err != nil {
		return reply{}, err
	}
	r := reply{status: out.status, etag: out.etag, charge: out.charge, lsn: out.lsn}
	if in.wantsBody() {
		r.body = []byte(out.body)
	}
	return r, nil
}

// createDocument creates, or upserts when the header says so.
func (s *Server) createDocument(ctx context.Context, in call) (reply, error) {
	t, err := s.target(in)
	if err != nil {
		return reply{}, err
	}
	d, err := t.parse(in.body)
	if err != nil {
		return reply{}, err
	}
	if in.says("X-Ms-Documentdb-Is-Upsert") {
		return s.single(ctx, in, s.upsert(t, d, in.header("If-Match")))
	}
	return s.single(ctx, in, s.create(t, d))
}

// replaceDocument answers PUT on an item (learn.microsoft.com/rest/api/cosmos-db/replace-a-document).
func (s *Server) replaceDocument(ctx context.Context, in call) (reply, error) {
	t, err := s.target(in)
	if err != nil {
		return reply{}, err
	}
	d, err := t.parse(in.body)
	if err != nil {
		return reply{}, err
	}
	return s.single(ctx, in, s.replace(t, in.id, d, in.header("If-Match")))
}

// deleteDocument answers DELETE on an item.
func (s *Server) deleteDocument(ctx context.Context, in call) (reply, error) {
	t, err := s.target(in)
	if err != nil {
		return reply{}, err
	}
	return s.single(ctx, in, s.remove(t, in.id, in.header("If-Match")))
}

// patchDocument answers PATCH on an item. The body is checked as a whole before the item is looked for.
func (s *Server) patchDocument(ctx context.Context, in call) (reply, error) {
	t, err := s.target(in)
	if err != nil {
		return reply{}, err
	}
	v, err := decodeJSON(string(in.body))
	if err != nil {
		return reply{}, err
	}
	p, err := t.newPatch(v, s.now())
	if err != nil {
		return reply{}, err
	}
	return s.single(ctx, in, s.patch(t, in.id, p, in.header("If-Match")))
}

// readDocument answers GET on an item: 304 instead when If-None-Match names the current version. It needs no turn in
// the writing goroutine, so reads go on while writes wait for the disk.
func (s *Server) readDocument(ctx context.Context, in call) (reply, error) {
	t, err := s.target(in)
	if err != nil {
		return reply{}, err
	}
	if err := s.checkSession(in); err != nil {
		return reply{}, err
	}
	var r row
	var found bool
	err = s.store.read(ctx, func(c *session) (err error) {
		r, found, err = t.table.find(c, t.pk, in.id, s.now().Unix())
		return err
	})
	if err != nil {
		return reply{}, err
	}
	if !found {
		return reply{}, notFound()
	}
	out := reply{
		status: http.StatusOK, body: []byte(r.body), etag: t.etagOf(r),
		charge: readCharge(len(r.body)), lsn: s.store.newest.Load(),
	}
	if none := in.header("If-None-Match"); none != "" && (none == out.etag || none == "*") {
		out.status, out.body, out.charge = http.StatusNotModified, nil, missCharge
	}
	return out, nil
}

// parse reads the item of a request and checks it against the container.
func (t target) parse(body []byte) (*draft, error) {
	v, err := decodeJSON(string(body))
	if err != nil {
		return nil, err
	}
	return t.newDraft(v, t.pk)
}

// matches checks If-Match against a stored version.
func (t target) matches(ifMatch string, r row) error {
	if ifMatch != "" && ifMatch != "*" && ifMatch != t.etagOf(r) {
		return preconditionFailed()
	}
	return nil
}

// create adds an item that must not be there. One that has expired does not count as there: it makes room, also when
// the sweeper has not come by yet.
func (s *Server) create(t target, d *draft) step {
	return func(w *session, now int64) (outcome, error) {
		old, found, err := t.table.findAny(w, t.pk, d.id)
		if err != nil {
			return outcome{}, err
		}
		if !found {
			return s.insert(w, t, d, now)
		}
		if !old.expired(now) {
			return outcome{}, conflict("Entity with the specified id already exists in the system.")
		}
		if err := t.table.erase(w, old); err != nil {
			return outcome{}, err
		}
		return s.insert(w, t, d, now)
	}
}

// upsert creates or replaces. If-Match is a condition on the replaced version only.
func (s *Server) upsert(t target, d *draft, ifMatch string) step {
	return func(w *session, now int64) (outcome, error) {
		old, found, err := t.table.find(w, t.pk, d.id, now)
		if err != nil {
			return outcome{}, err
		}
		if !found {
			return s.create(t, d)(w, now)
		}
		if err := t.matches(ifMatch, old); err != nil {
			return outcome{}, err
		}
		before, err := s.read.of(old)
		if err != nil {
			return outcome{}, err
		}
		return s.update(w, t, d, change{old: old, before: before, now: now})
	}
}

// replace changes an item that must be there, in the version that If-Match names.
func (s *Server) replace(t target, id string, d *draft, ifMatch string) step {
	return func(w *session, now int64) (outcome, error) {
		if d.id != id {
			return outcome{}, badRequest("The id of the item and the id in the address differ; an id cannot be changed.")
		}
		old, err := t.existing(w, id, now, ifMatch)
		if err != nil {
			return outcome{}, err
		}
		before, err := s.read.of(old)
		if err != nil {
			return outcome{}, err
		}
		return s.update(w, t, d, change{old: old, before: before, now: now})
	}
}

// patch changes parts of an item. Its condition is evaluated here, in the writing goroutine, so that no other write
// can come between condition and change. The result has to pass the same checks as an item that is created.
func (s *Server) patch(t target, id string, p *patch, ifMatch string) step {
	return func(w *session, now int64) (outcome, error) {
		old, err := t.existing(w, id, now, ifMatch)
		if err != nil {
			return outcome{}, err
		}
		doc, err := s.read.of(old)
		if err != nil {
			return outcome{}, err
		}
		next, err := p.apply(doc)
		if err != nil {
			return outcome{}, err
		}
		d, err := t.newDraft(next, t.pk)
		if err != nil {
			return outcome{}, err
		}
		return s.update(w, t, d, change{old: old, before: doc, now: now, patchOps: len(p.ops)})
	}
}

// remove deletes an item. The change feed does not show it, but the session token moves on.
func (s *Server) remove(t target, id, ifMatch string) step {
	return func(w *session, now int64) (outcome, error) {
		old, err := t.existing(w, id, now, ifMatch)
		if err != nil {
			return outcome{}, err
		}
		doc, err := s.read.of(old)
		if err != nil {
			return outcome{}, err
		}
		if err := t.table.erase(w, old); err != nil {
			return outcome{}, err
		}
		charge := deleteCharge(len(old.body), len(t.index.terms(doc.without(systemProperties...))))
		return outcome{status: http.StatusNoContent, charge: charge, lsn: s.store.nextLSN()}, nil
	}
}

// existing reads the item that an operation changes and checks its condition.
func (t target) existing(w *session, id string, now int64, ifMatch string) (row, error) {
	old, found, err := t.table.find(w, t.pk, id, now)
	if err != nil {
		return row{}, err
	}
	if !found {
		return row{}, notFound()
	}
	return old, t.matches(ifMatch, old)
}

// insert stores the first version of an item.
func (s *Server) insert(w *session, t target, d *draft, now int64) (outcome, error) {
	r, stored, err := t.version(d, s.store.nextLSN(), now, "")
	if err != nil {
		return outcome{}, err
	}
	if err := t.table.put(w, r, nil, d.keys); err != nil {
		return outcome{}, err
	}
	s.read.keep(r.seq, document{r.body, stored})
	return outcome{
		status: http.StatusCreated, etag: t.etagOf(r), body: r.body, lsn: r.seq,
		charge: createCharge(len(r.body), len(d.terms)),
	}, nil
}

// change is the circumstances of an update.
type change struct {
	old      row   // the version that is there
	before   value // the same, decoded
	now      int64
	patchOps int // operations of a patch, which are charged for
}

// update stores the next version of an item and charges by what changed in the index.
func (s *Server) update(w *session, t target, d *draft, c change) (outcome, error) {
	r, stored, err := t.version(d, s.store.nextLSN(), c.now, c.before.member("_rid").str)
	if err != nil {
		return outcome{}, err
	}
	if err := t.table.put(w, r, &c.old, d.keys); err != nil {
		return outcome{}, err
	}
	s.read.keep(r.seq, document{r.body, stored})
	terms := t.index.terms(c.before.without(systemProperties...))
	charge := replaceCharge(len(c.old.body), len(r.body), changedTerms(terms, d.terms))
	return outcome{
		status: http.StatusOK, etag: t.etagOf(r), body: r.body, lsn: r.seq, charge: patchCharge(charge, c.patchOps),
	}, nil
}
