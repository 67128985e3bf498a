package cosmos

import "reflect"

// check refuses combinations of clauses that the service refuses too, or whose meaning is not documented.
func (q *query) check() error {
	grouped := q.group != nil || q.aggregates != nil
	switch {
	case q.star && !q.hasOneSource():
		return badRequest("'SELECT *' is only valid with a single input set.")
	case q.star && grouped:
		return badRequest("'SELECT *' cannot be combined with GROUP BY.")
	case q.group != nil && q.order != nil:
		// "You can't use GROUP BY with an ORDER BY clause" (learn.microsoft.com/azure/cosmos-db/nosql/query/group-by).
		return badRequest("GROUP BY cannot be combined with ORDER BY.")
	case q.order != nil && (grouped || q.distinct):
		return badRequest("ORDER BY with DISTINCT or aggregates is not served.")
	case q.distinct && grouped:
		return badRequest("DISTINCT with GROUP BY or aggregates is not served.")
	case q.top != nil && q.offset != nil:
		return badRequest("TOP cannot be combined with OFFSET LIMIT.")
	}
	for _, item := range q.order {
		if _, plain := item.path.names(); !plain || item.path.binding != 0 {
			return badRequest("Unsupported ORDER BY clause. ORDER BY item expression could not be mapped to a document path.")
		}
	}
	if !grouped {
		return nil
	}
	if q.single != nil {
		return q.checkGrouped(q.single)
	}
	for _, item := range q.items {
		if err := q.checkGrouped(item.expr); err != nil {
			return err
		}
	}
	return nil
}

// hasOneSource: the item itself, or the elements of one array when the item has no name.
func (q *query) hasOneSource() bool {
	return len(q.bindings) == 1 || len(q.bindings) == 2 && q.bindings[0].alias == ""
}

// checkGrouped: with GROUP BY or aggregates, SELECT has aggregates, grouped properties and literals, nothing else.
func (q *query) checkGrouped(x expr) error {
	switch x := x.(type) {
	case *aggregateExpr, literalExpr:
		return nil
	case pathExpr:
		for _, path := range q.group {
			if reflect.DeepEqual(path, x) {
				return nil
			}
		}
	}
	return badRequest("Property reference is invalid in the select list because it is not contained in either an " +
		"aggregate function or the GROUP BY clause.")
}
