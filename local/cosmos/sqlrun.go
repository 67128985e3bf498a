package cosmos

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
)

// Running a query: every item in scope is decoded, its arrays are walked where the query joins them, and each combination
// that passes the filter becomes a row. Rows either stream out in the order of the items, or are gathered first because
// of ORDER BY, DISTINCT, GROUP BY or an aggregate.

// each calls f for every combination of bindings of one item that passes the filter, until f says stop.
func (q *query) each(doc value, f func(*env) (more bool)) error {
	return q.eachIn(q.newEnv(), doc, f)
}

// newEnv is where one item after the other may be looked at.
func (q *query) newEnv() *env { return &env{bound: make([]value, len(q.bindings))} }

func (q *query) eachIn(e *env, doc value, f func(*env) (more bool)) error {
	e.bound[0] = doc
	q.walk(e, 1, f)
	return e.err
}

// walk binds one array after the other, like nested loops, and tests the filter once all are bound.
func (q *query) walk(e *env, at int, f func(*env) bool) bool {
	if at == len(q.bindings) {
		return q.where != nil && !q.where.eval(e).isTrue() || e.err != nil || f(e)
	}
	// A property that is no array has no elements, so it contributes no rows.
	source := q.bindings[at].path.eval(e)
	if source.kind != array {
		return true
	}
	for _, item := range source.items {
		e.bound[at] = item
		if !q.walk(e, at+1, f) || e.err != nil {
			return false
		}
	}
	return true
}

// project makes one result; undefined means that the row has none.
func (q *query) project(e *env) value {
	switch {
	case q.star:
		return e.bound[len(e.bound)-1]
	case q.single != nil:
		return sure(e, q.single)
	}
	out := value{kind: object}
	for _, item := range q.items {
		if v := sure(e, item.expr); v.kind != undefined {
			out.names, out.items = append(out.names, item.name), append(out.items, v)
		}
	}
	return out
}

// holds evaluates the query as a condition on one item.
func (q *query) holds(doc value) (bool, error) {
	found := false
	err := q.each(doc, func(*env) bool { found = true; return false })
	return found, err
}

// filter runs a query without sorting or counting over documents at hand.
func (q *query) filter(docs []value) ([]value, error) {
	if !q.crossPartition() {
		return nil, badRequest("Only filters and projections are served over metadata.")
	}
	var out []value
	for _, doc := range docs {
		err := q.each(doc, func(e *env) bool {
			if v := q.project(e); v.kind != undefined {
				out = append(out, v)
			}
			return true
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// result is one row of a query that has to see everything before it can answer. key is what ORDER BY sorts by; tie
// makes the order total and the place of a row findable again on the next page.
type result struct {
	key  []value
	tie  string
	json []byte
}

// compareResults orders results: by the sort keys, then by the tie.
func (q *query) compareResults(a, b result) int {
	for i, item := range q.order {
		c := order(a.key[i], b.key[i])
		if item.desc {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return cmp.Compare(a.tie, b.tie)
}

// gatherer collects the results of such a query.
type gatherer struct {
	q      *query
	rows   []result
	seen   map[string]bool   // DISTINCT
	groups map[string]*group // aggregates
	keep   int               // results that can still matter; 0: all
}

// newGatherer prepares for a query; TOP and LIMIT tell how many sorted results can matter.
func newGatherer(q *query) *gatherer {
	g := &gatherer{q: q, seen: map[string]bool{}, groups: map[string]*group{}}
	switch {
	case q.top != nil:
		g.keep = max(1, *q.top)
	case q.limit != nil:
		g.keep = max(1, *q.offset+*q.limit)
	}
	if q.aggregates != nil && q.group == nil {
		g.groups[""] = newGroup(q, nil) // without GROUP BY there is one row, also of nothing
	}
	return g
}

// add takes one row of one item.
func (g *gatherer) add(e *env, tie string) {
	switch {
	case g.q.group != nil || g.q.aggregates != nil:
		g.count(e)
	case g.q.distinct:
		g.once(e)
	default:
		g.sort(e, tie)
	}
}

// sort keeps a result with its sort keys. An absent sort property is undefined and comes first: Microsoft's query tests
// see such items (CosmosUndefinedQueryTests), and the page promises no order for them. When many more results have come
// than can be given, the surplus is dropped, so that TOP 10 of a large partition stays small.
func (g *gatherer) sort(e *env, tie string) {
	r := result{tie: tie}
	for _, item := range g.q.order {
		v := item.path.eval(e)
		if v.kind == array || v.kind == object {
			e.fail("ORDER BY arrays or objects is not served.")
			return
		}
		r.key = append(r.key, v)
	}
	v := g.q.project(e)
	if v.kind == undefined {
		return
	}
	r.json = appendJSON(nil, v)
	g.rows = append(g.rows, r)
	if g.keep > 0 && len(g.rows) > 2*g.keep+1000 {
		slices.SortFunc(g.rows, g.q.compareResults)
		g.rows = slices.Delete(g.rows, g.keep, len(g.rows))
	}
}

// once keeps a result that has not been there before. The order of DISTINCT results is nobody's promise; by digest
// it is the same on every page, and no order that code could come to rely on.
func (g *gatherer) once(e *env) {
	v := g.q.project(e)
	if v.kind == undefined {
		return
	}
	digest := digestOf(v)
	if !g.seen[digest] {
		g.seen[digest] = true
		g.rows = append(g.rows, result{tie: digest, json: appendJSON(nil, v)})
	}
}

// count adds a row to its group.
func (g *gatherer) count(e *env) {
	key := value{kind: array}
	for _, path := range g.q.group {
		v := path.eval(e)
		if v.kind == undefined {
			v = value{kind: raw, str: "{}?"} // a group of its own, unlike every JSON text
		}
		key.items = append(key.items, v)
	}
	name := ""
	if g.q.group != nil {
		name = digestOf(key)
	}
	group := g.groups[name]
	if group == nil {
		group = newGroup(g.q, e)
		g.groups[name] = group
	}
	for i, a := range g.q.aggregates {
		group.sums[i].add(e, sure(e, a.arg))
	}
}

// digestOf is short and the same for equal values. It stands for a value in continuation tokens, which travel in a
// header.
func digestOf(v value) string {
	sum := sha256.Sum256(appendJSON(nil, sorted(v)))
	return hex.EncodeToString(sum[:])
}

// sorted returns v with the properties of all its objects in order of name, so that equal values have equal text.
func sorted(v value) value {
	if v.kind != object && v.kind != array {
		return v
	}
	out := value{kind: v.kind, items: make([]value, len(v.items))}
	if v.kind == array {
		for i, item := range v.items {
			out.items[i] = sorted(item)
		}
		return out
	}
	out.names = slices.Sorted(slices.Values(v.names))
	for i, name := range out.names {
		out.items[i] = sorted(v.member(name))
	}
	return out
}

// finish returns all results in their final order.
func (g *gatherer) finish() ([]result, error) {
	for name, group := range g.groups {
		v, err := group.project(g.q)
		if err != nil {
			return nil, err
		}
		if v.kind != undefined {
			g.rows = append(g.rows, result{tie: name, json: appendJSON(nil, v)})
		}
	}
	slices.SortFunc(g.rows, g.q.compareResults)
	return g.q.window(g.rows), nil
}

// window applies TOP or OFFSET LIMIT.
func (q *query) window(rows []result) []result {
	switch {
	case q.top != nil:
		return rows[:min(*q.top, len(rows))]
	case q.limit != nil:
		rows = rows[min(*q.offset, len(rows)):]
		return rows[:min(*q.limit, len(rows))]
	}
	return rows
}

var aggregateNames = []string{"COUNT", "SUM", "AVG", "MIN", "MAX"}

// group is one group of a query with aggregates.
type group struct {
	first *env // any row of the group: grouped properties are the same in all of them; nil before the first
	sums  []sum
}

// newGroup starts a group. The row is copied, because its bindings change with the next one.
func newGroup(q *query, e *env) *group {
	g := &group{sums: make([]sum, len(q.aggregates))}
	if e != nil {
		g.first = &env{bound: slices.Clone(e.bound)}
	}
	for i, a := range q.aggregates {
		g.sums[i].name = a.name
	}
	return g
}

// project makes the group's row.
func (g *group) project(q *query) (value, error) {
	e := g.first
	if e == nil {
		e = &env{bound: make([]value, len(q.bindings))}
	}
	of := func(x expr) value {
		if a, ok := x.(*aggregateExpr); ok {
			return g.sums[a.slot].result(e)
		}
		return sure(e, x)
	}
	if q.single != nil {
		return of(q.single), e.err
	}
	out := value{kind: object}
	for _, item := range q.items {
		if v := of(item.expr); v.kind != undefined {
			out.names, out.items = append(out.names, item.name), append(out.items, v)
		}
	}
	return out, e.err
}

// sum is the running state of one aggregate in one group.
type sum struct {
	name  string
	count int
	total float64
	best  value // of MIN and MAX
	mixed bool  // SUM or AVG met something that is no number
}

// add takes one value. "Any undefined values are ignored"; a value that is no number makes SUM and AVG undefined
// (learn.microsoft.com/azure/cosmos-db/nosql/query/sum, .../average, .../min).
func (s *sum) add(e *env, v value) {
	if v.kind == undefined {
		return
	}
	s.count++
	switch s.name {
	case "SUM", "AVG":
		s.mixed = s.mixed || v.kind != number
		s.total += v.num
	case "MIN", "MAX":
		if v.kind == array || v.kind == object {
			e.fail("MIN and MAX of arrays or objects are not served.")
			return
		}
		if c := order(v, s.best); s.count == 1 || s.name == "MIN" && c < 0 || s.name == "MAX" && c > 0 {
			s.best = v
		}
	}
}

// result is the aggregate's value. Over nothing COUNT is 0 and AVG, MIN and MAX are undefined; SUM has no answer.
func (s *sum) result(e *env) value {
	switch {
	case s.name == "COUNT":
		return numberOf(float64(s.count))
	case s.name == "MIN" || s.name == "MAX":
		return s.best
	case s.mixed:
		return value{}
	case s.name == "AVG" && s.count == 0:
		return value{}
	case s.name == "AVG":
		return numberOf(s.total / float64(s.count))
	case s.count == 0:
		return e.fail("SUM of no numbers is not served: 0 or undefined, the documentation does not say which. " +
			"Count first, or group.")
	}
	return numberOf(s.total)
}
