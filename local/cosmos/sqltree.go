package cosmos

// query is a parsed query. What cannot be expressed here is not served.
type query struct {
	distinct bool
	top      *int // nil: no TOP
	star     bool // SELECT *
	single   expr // SELECT VALUE; nil otherwise
	items    []selectItem
	bindings []binding // the item first
	where    expr      // nil: everything
	group    []pathExpr
	order    []orderItem
	offset   *int // nil: no OFFSET LIMIT
	limit    *int

	aggregates []*aggregateExpr // in SELECT, in order of appearance
}

// binding gives a name to the item (the first one) or to the elements of an array in something bound before.
type binding struct {
	alias string
	path  pathExpr // of the array; unused when the first binding is the item itself
}

// selectItem is one element of a SELECT list with the name of its property in the result.
type selectItem struct {
	name string
	expr expr
}

type orderItem struct {
	path pathExpr
	desc bool
}

// expr is a scalar expression. eval never fails by itself: it reports through env what cannot be answered.
type expr interface {
	eval(*env) value
}

// env is what an expression is evaluated against: one value per binding.
type env struct {
	bound []value
	err   error // the first thing that could not be answered
}

// fail notes that the query has no answer and gives undefined to go on with.
func (e *env) fail(message string) value {
	if e.err == nil {
		e.err = badRequest(message)
	}
	return value{}
}

type (
	literalExpr struct{ v value }

	// pathExpr is a property reference: a binding and the steps from it.
	pathExpr struct {
		binding int
		steps   []pathStep
	}

	negateExpr struct{ x expr }
	notExpr    struct{ x expr }
	andExpr    struct{ left, right expr }
	orExpr     struct{ left, right expr }

	arithmeticExpr struct {
		op          string
		left, right expr
	}
	compareExpr struct {
		op          string
		left, right expr
	}
	betweenExpr struct{ x, low, high expr }
	inExpr      struct {
		x    expr
		list []expr
	}
	likeExpr struct {
		x, pattern expr
		escape     rune     // 0: none
		ready      *pattern // of a constant pattern
	}
	ternaryExpr  struct{ condition, yes, no expr }
	coalesceExpr struct{ left, right expr }
	arrayExpr    struct{ items []expr }
	objectExpr   struct {
		names []string
		items []expr
	}
	callExpr struct {
		f    function
		args []expr
	}
	// aggregateExpr stands for its result once the rows have been seen.
	aggregateExpr struct {
		name string
		arg  expr
		slot int // position in query.aggregates and in the results
	}
)

// pathStep is a property name or an array index.
type pathStep struct {
	name  string
	index int // when name is empty and isIndex is set
	isIdx bool
}

// names returns the property names of a path, if it has no array index.
func (p pathExpr) names() ([]string, bool) {
	out := make([]string, len(p.steps))
	for i, step := range p.steps {
		if step.isIdx {
			return nil, false
		}
		out[i] = step.name
	}
	return out, true
}

// crossPartition reports whether the gateway serves the query without a partition key: filters and projections only.
// "The provided cross partition query can not be directly served by the gateway" is its answer to the rest
// (Azure/azure-sdk-for-go issue 25043).
func (q *query) crossPartition() bool {
	return !q.distinct && q.top == nil && q.offset == nil && q.group == nil && q.order == nil && q.aggregates == nil
}

// streams reports whether results come out in the order in which items are read.
func (q *query) streams() bool {
	return !q.distinct && q.group == nil && q.order == nil && q.aggregates == nil
}
