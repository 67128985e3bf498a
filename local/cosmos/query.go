package cosmos

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"hash/fnv"
	"net/http"
	"strconv"
	"time"
)

// A query on the wire:
//
//	POST /dbs/d/colls/c/docs
//	x-ms-documentdb-query: True
//	Content-Type: application/query+json
//	x-ms-documentdb-partitionkey: ["g"]                   one partition, or
//	x-ms-documentdb-query-enablecrosspartition: true      all of them
//	x-ms-max-item-count: 100
//	x-ms-continuation: ...
//
//	{"query": "SELECT ... WHERE c.n > @n", "parameters": [{"name": "@n", "value": 1}]}
//
// and its answer: 200 {"_rid", "Documents": [...], "_count"}, with x-ms-continuation while there is more.

// everyItem is the query behind a plain feed.
var everyItem = query{star: true, bindings: []binding{{alias: "c"}}}

// readQuery reads the body of a query request, {"query": …, "parameters": [{"name": "@x", "value": …}]}.
func readQuery(body []byte, now time.Time) (*query, error) {
	v, err := decodeJSON(string(body))
	if err != nil {
		return nil, err
	}
	params := map[string]value{}
	for _, p := range v.member("parameters").items {
		name := p.member("name")
		if name.kind != text || p.member("value").kind == undefined {
			return nil, badRequest("A query parameter needs a name and a value.")
		}
		params[name.str] = p.member("value")
	}
	if v.member("query").kind != text {
		return nil, badRequest("The request has no query.")
	}
	return parseQuery(v.member("query").str, params, now)
}

// readCondition reads the condition of a patch.
func readCondition(v value, now time.Time) (*query, error) {
	if v.kind != text {
		return nil, badRequest("The condition of a patch must be a string.")
	}
	return parseCondition(v.str, now)
}

// queryDocuments answers a POST with a query (learn.microsoft.com/rest/api/cosmos-db/query-documents). Everything that
// can be refused is refused before the first item is read.
func (s *Server) queryDocuments(ctx context.Context, in call) (reply, error) {
	c, err := s.catalog.container(in.database, in.container)
	if err != nil {
		return reply{}, err
	}
	if err := s.checkSession(in); err != nil {
		return reply{}, err
	}
	if in.says("X-Ms-Cosmos-Is-Query-Plan-Request") {
		return reply{}, badRequest("Query plans are not served.")
	}
	q, err := readQuery(in.body, s.now())
	if err != nil {
		return reply{}, err
	}
	p, err := s.page(in, c, q)
	if err != nil {
		return reply{}, err
	}
	if err := p.allowed(in); err != nil {
		return reply{}, err
	}
	return s.runPage(ctx, p)
}

// page is one page of a query to be answered.
type page struct {
	q         *query
	container *container
	partition string       // canonical key; empty: all partitions
	size      int          // results at most
	from      continuation // zero on the first page
	id        uint64       // of query, parameters and place, so that a continuation is not used with others
}

// page reads from the headers where and how much to answer. There is one partition key range, "0"; whoever asks for
// another has a routing map from elsewhere and is told to fetch it again (410/1002).
func (s *Server) page(in call, c *container, q *query) (*page, error) {
	if ranges := in.header("X-Ms-Documentdb-Partitionkeyrangeid"); ranges != "" && ranges != "0" {
		return nil, &problem{status: http.StatusGone, substatus: substatusRangeGone, message: "There is no such partition key range."}
	}
	p := &page{q: q, container: c}
	if header := in.header("X-Ms-Documentdb-Partitionkey"); header != "" {
		pk, err := c.key.ofHeader(header)
		if err != nil {
			return nil, err
		}
		p.partition = pk
	}
	hash := fnv.New64a()
	_, _ = hash.Write(in.body) // a hash does not fail
	_, _ = hash.Write([]byte(p.partition + c.rid()))
	p.id = hash.Sum64()
	var err error
	if p.size, err = in.pageSize(); err != nil {
		return nil, err
	}
	if token := in.header("X-Ms-Continuation"); token != "" {
		if err := p.from.decode(token, p.id); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// allowed refuses what the gateway refuses.
func (p *page) allowed(in call) error {
	if p.partition == "" && !in.says("X-Ms-Documentdb-Query-Enablecrosspartition") {
		return badRequest("Cross partition query is required but disabled. Please set x-ms-documentdb-query-" +
			"enablecrosspartition to true, or specify x-ms-documentdb-partitionkey.")
	}
	if p.partition == "" && !p.q.crossPartition() {
		return &problem{
			status: http.StatusBadRequest, substatus: substatusNotServable, charge: missCharge,
			message: "The provided cross partition query can not be directly served by the gateway.",
		}
	}
	var order []compositePath
	for _, item := range p.q.order {
		order = append(order, compositePath{item.pathText(), item.desc})
	}
	if order == nil || p.container.index.sorts(order) {
		return nil
	}
	if len(order) > 1 {
		return badRequest("The order by query does not have a corresponding composite index that it can be served from.")
	}
	return badRequest("The index path corresponding to the specified order-by item is excluded.")
}

// pathText writes a sort path the way index policies write theirs.
func (o orderItem) pathText() string {
	text := ""
	for _, step := range o.path.steps {
		text += "/" + step.name
	}
	return text
}

// continuation is where the next page starts. It is opaque to clients.
type continuation struct {
	Query uint64 `json:"q"`
	// PK and ID name the last item that is done with; Rows of the item after it, PartPK and PartID, are done too.
	PK     string `json:"pk,omitempty"`
	ID     string `json:"id,omitempty"`
	PartPK string `json:"ppk,omitempty"`
	PartID string `json:"pid,omitempty"`
	Rows   int    `json:"rows,omitempty"`
	Taken  int    `json:"n,omitempty"` // results given so far, for TOP and OFFSET LIMIT
	// Key and Tie are the place of the last result of a query that gathers. An undefined key is {}.
	Key string `json:"key,omitempty"`
	Tie string `json:"tie,omitempty"`
}

// encode makes the header's value. Real tokens are opaque as well, so nobody may look into this one.
func (c continuation) encode() (string, error) {
	text, err := json.Marshal(c)
	return base64.RawURLEncoding.EncodeToString(text), err
}

// decode refuses a token of another query: going on from a foreign place would silently lose rows.
func (c *continuation) decode(token string, id uint64) error {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || json.Unmarshal(raw, c) != nil || c.Query != id {
		return badRequest("The continuation token is malformed or belongs to another query.")
	}
	return nil
}

// scanFrom is what part of a container to scan.
type scanFrom struct {
	table  *table
	ranges []keyRange
	after  position
}

// runPage answers one page. A query whose results come in the order of the items stops reading when the page is full;
// the others have to see every item each time, since nothing of them is kept between pages.
func (s *Server) runPage(ctx context.Context, p *page) (reply, error) {
	from := scanFrom{table: p.container.table, ranges: p.q.scope(p.container, p.partition)}
	out := pageBody{rid: p.container.rid()}
	run := s.runGathered
	if p.q.streams() {
		run = s.runStream
	}
	next, err := run(ctx, p, from, &out)
	if err != nil {
		return reply{}, err
	}
	r := reply{
		status: http.StatusOK, body: out.bytes(), charge: queryCharge(out.charge), lsn: s.store.newest.Load(),
		isFeed: true, count: out.count,
	}
	if next != nil {
		next.Query = p.id
		r.continuation, err = next.encode()
	}
	return r, err
}

// stream is the state of a query whose results come in the order of the items.
type stream struct {
	*page
	read  *documents
	env   *env
	out   *pageBody
	first glance        // what an item's text must hold
	skip  int           // results to leave out for OFFSET
	left  int           // results that may still be given; -1: any number
	done  position      // the last item whose results are all given
	next  *continuation // set when the page is full and there is more
}

// runStream goes on after the last item that is done with. TOP and LIMIT count on from what earlier pages gave; OFFSET
// was used up by the first.
func (s *Server) runStream(ctx context.Context, p *page, from scanFrom, out *pageBody) (*continuation, error) {
	from.after = position{p.from.PK, p.from.ID}
	st := &stream{page: p, read: &s.read, env: p.q.newEnv(), out: out, first: glanceOf(p.q.where), left: -1, done: from.after}
	switch {
	case p.q.top != nil:
		st.left = *p.q.top - p.from.Taken
	case p.q.limit != nil:
		st.left = *p.q.limit - p.from.Taken
		if p.from.Taken == 0 {
			st.skip = *p.q.offset
		}
	}
	if st.left == 0 {
		return nil, nil
	}
	err := s.scan(ctx, from, st.item)
	return st.next, err
}

// item takes one item; it says stop when the page is full and one more result is there, or when nothing is left.
func (st *stream) item(r row) (more bool, err error) {
	if !st.first.passes(r.body) {
		st.done = position{r.pk, r.id}
		return true, nil
	}
	doc, err := st.read.of(r)
	if err != nil {
		return false, err
	}
	n, matched, more := 0, false, true
	err = st.q.eachIn(st.env, doc, func(e *env) bool {
		v := st.q.project(e)
		if e.err != nil || v.kind == undefined {
			return e.err == nil
		}
		matched = true
		n++
		if r.pk == st.from.PartPK && r.id == st.from.PartID && n <= st.from.Rows {
			return true
		}
		more = st.give(r, n-1, appendJSON(nil, v))
		return more
	})
	if matched {
		st.out.charge += readCharge(len(r.body))
	}
	st.done = position{r.pk, r.id}
	return more, err
}

// give adds one result; rows is how many of the same item came before it.
func (st *stream) give(r row, rows int, text []byte) (more bool) {
	if st.skip > 0 {
		st.skip--
		return true
	}
	if st.out.count == st.size || !st.out.add(text) {
		st.next = &continuation{PK: st.done.pk, ID: st.done.id, PartPK: r.pk, PartID: r.id, Rows: rows}
		st.next.Taken = st.from.Taken + st.out.count
		return false
	}
	if st.left > 0 {
		st.left--
	}
	return st.left != 0
}

// runGathered sees all rows, then gives the page that comes after the continuation.
func (s *Server) runGathered(ctx context.Context, p *page, from scanFrom, out *pageBody) (*continuation, error) {
	g, at := newGatherer(p.q), p.q.newEnv()
	err := s.scan(ctx, from, func(r row) (bool, error) {
		doc, err := s.read.of(r)
		if err != nil {
			return false, err
		}
		n := 0
		err = p.q.eachIn(at, doc, func(e *env) bool {
			n++
			g.add(e, r.pk+"\x00"+r.id+"\x00"+strconv.Itoa(1_000_000+n))
			return e.err == nil
		})
		if n > 0 {
			out.charge += readCharge(len(r.body))
		}
		return true, err
	})
	if err != nil {
		return nil, err
	}
	rows, err := g.finish()
	if err != nil {
		return nil, err
	}
	return p.givePage(rows, out)
}

// givePage finds its place by comparing sort keys, not by counting, so that items which came or went in between neither
// repeat nor hide others.
func (p *page) givePage(rows []result, out *pageBody) (*continuation, error) {
	start := 0
	if p.from.Tie != "" {
		last, err := p.from.place()
		if err != nil || len(last.key) != len(p.q.order) {
			return nil, badRequest("The continuation token is malformed.")
		}
		for start < len(rows) && p.q.compareResults(rows[start], last) <= 0 {
			start++
		}
	}
	for i, r := range rows[start:] {
		if out.count == p.size || !out.add(r.json) {
			return placeOf(rows[start+i-1]), nil
		}
	}
	return nil, nil
}

// placeOf notes where a page ended.
func placeOf(r result) *continuation {
	key := value{kind: array}
	for _, v := range r.key {
		if v.kind == undefined {
			v = value{kind: object}
		}
		key.items = append(key.items, v)
	}
	return &continuation{Key: string(appendJSON(nil, key)), Tie: r.tie}
}

// place is the inverse of placeOf.
func (c continuation) place() (result, error) {
	key, err := decodeJSON(c.Key)
	for i, v := range key.items {
		if v.kind == object {
			key.items[i] = value{}
		}
	}
	return result{key: key.items, tie: c.Tie}, err
}
