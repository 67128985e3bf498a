package cosmos

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// Values have the types of JSON and undefined, the value of what is not there. Undefined is contagious but for AND, OR, ??,
// IS_DEFINED and its kin, and a row whose filter is anything but true is left out:
//
//	AND        true   false  undefined        OR         true   false      undefined
//	true       true   false  undefined        true       true   true       true
//	false      false  false  false            false      true   false      undefined
//	undefined  undef. false  undefined        undefined  true   undefined  undefined
//
// Two readings of "=" across types exist, see unsure. The evaluator carries the doubt along as far as both readings end
// in the same answer, and gives up (400) where they would not.

const unsureMessage = "This query depends on comparing values of different types, or on a function of a value of the " +
	"wrong type, where the documentation and the service's own tools disagree on false or undefined. " +
	"Test the type first (IS_DEFINED, IS_NULL, IS_STRING, ...)."

// sure evaluates an operand whose value is used, so it must not be one of two things.
func sure(e *env, x expr) value {
	v := x.eval(e)
	if v.kind == unsure {
		return e.fail(unsureMessage)
	}
	return v
}

// A literal is itself; undefined can be written, too.
func (x literalExpr) eval(*env) value { return x.v }

// A path that leads nowhere is undefined, whatever it stumbles over on the way: no property, no array, no element.
func (x pathExpr) eval(e *env) value {
	v := &e.bound[x.binding]
	for i := range x.steps {
		if v = x.steps[i].of(v); v == nil {
			return value{}
		}
	}
	return *v
}

// of is where the step leads, nil where nothing is.
func (s *pathStep) of(v *value) *value {
	at := s.index
	switch {
	case s.isIdx && (v.kind != array || at < 0 || at >= len(v.items)):
		return nil
	case !s.isIdx:
		if v.kind != object {
			return nil
		}
		if at = slices.Index(v.names, s.name); at < 0 {
			return nil
		}
	}
	return &v.items[at]
}

// The negative of what is no number is undefined.
func (x negateExpr) eval(e *env) value {
	if v := sure(e, x.x); v.kind == number {
		return numberOf(-v.num)
	}
	return value{}
}

// NOT needs a boolean; of anything else it is undefined, so the row is left out either way.
func (x notExpr) eval(e *env) value {
	if v := sure(e, x.x); v.kind == boolean {
		return boolOf(!v.truth)
	}
	return value{}
}

// AND and OR know a third value: what is not a boolean counts as undefined, but false AND anything is false and true
// OR anything is true (learn.microsoft.com/azure/cosmos-db/nosql/query/logical-operators).

func (x andExpr) eval(e *env) value { return junction(x.left.eval(e), x.right, e, false) }
func (x orExpr) eval(e *env) value  { return junction(x.left.eval(e), x.right, e, true) }

// junction combines two operands; decisive is the truth value that settles the result alone.
func junction(left value, x expr, e *env, decisive bool) value {
	if left.kind == boolean && left.truth == decisive {
		return left
	}
	right := x.eval(e)
	switch {
	case right.kind == boolean && right.truth == decisive:
		return right
	case left.kind == unsure || right.kind == unsure:
		return value{kind: unsure}
	case left.kind == boolean && right.kind == boolean:
		return boolOf(!decisive)
	}
	return value{}
}

// Arithmetic knows numbers only; a string makes it undefined and never joins. JSON has no infinity, so there is no
// answer to a division by zero.
func (x arithmeticExpr) eval(e *env) value {
	a, b := sure(e, x.left), sure(e, x.right)
	if a.kind != number || b.kind != number {
		return value{}
	}
	var n float64
	switch x.op {
	case "+":
		n = a.num + b.num
	case "-":
		n = a.num - b.num
	case "*":
		n = a.num * b.num
	case "/":
		n = a.num / b.num
	case "%":
		n = math.Mod(a.num, b.num)
	}
	if math.IsInf(n, 0) || math.IsNaN(n) {
		return e.fail("An arithmetic result is not a finite number.")
	}
	return numberOf(n)
}

func (x compareExpr) eval(e *env) value { return compare(e, x.op, sure(e, x.left), sure(e, x.right)) }

// compare follows learn.microsoft.com/azure/cosmos-db/nosql/query/equality-comparison-operators.
func compare(e *env, op string, a, b value) value {
	if a.kind == undefined || b.kind == undefined {
		return value{}
	}
	nested := a.kind == array || a.kind == object
	switch {
	case op == "=" && a.kind == b.kind:
		return boolOf(equal(a, b))
	case op == "=":
		return value{kind: unsure}
	case op == "!=" && (a.kind != b.kind || nested):
		return e.fail(unsureMessage)
	case op == "!=":
		return boolOf(!equal(a, b))
	case a.kind != b.kind || nested:
		return value{}
	}
	return boolOf(orders(op, order(a, b)))
}

// orders reads a three-way comparison as one of the four operators.
func orders(op string, order int) bool {
	switch op {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}

// order compares two scalars, of different types by their kinds.
func order(a, b value) int {
	if a.kind != b.kind {
		return cmp.Compare(a.kind, b.kind)
	}
	switch a.kind {
	case boolean:
		switch {
		case a.truth == b.truth:
			return 0
		case a.truth:
			return 1
		}
		return -1
	case number:
		return cmp.Compare(a.num, b.num)
	case text:
		return strings.Compare(a.str, b.str)
	}
	return 0
}

// BETWEEN is two comparisons joined by AND, so it is undefined across types ("the item is skipped").
func (x betweenExpr) eval(e *env) value {
	v := sure(e, x.x)
	low := compare(e, ">=", v, sure(e, x.low))
	return junction(low, literalExpr{compare(e, "<=", v, sure(e, x.high))}, e, false)
}

// eval of IN: equal to any of the list. When only types differ, it is as unsure as the equality itself.
func (x inExpr) eval(e *env) value {
	needle := sure(e, x.x)
	if needle.kind == undefined {
		return needle
	}
	result := boolOf(false)
	for _, item := range x.list {
		v := sure(e, item)
		if v.kind != needle.kind {
			result = value{kind: unsure}
		} else if equal(v, needle) {
			return boolOf(true)
		}
	}
	return result
}

// LIKE compiles a pattern that is not constant for every row; ours are constant.
func (x likeExpr) eval(e *env) value {
	v, pattern := sure(e, x.x), sure(e, x.pattern)
	if v.kind != text || pattern.kind != text {
		return value{kind: unsure}
	}
	ready := x.ready
	if ready == nil {
		var err error
		if ready, err = newPattern(pattern.str, x.escape); err != nil {
			return e.fail("The pattern of LIKE is malformed.")
		}
	}
	return boolOf(ready.matches(v.str))
}

// eval of ?: takes the second branch for everything that is not true, so an unsure condition decides nothing.
func (x ternaryExpr) eval(e *env) value {
	if x.condition.eval(e).isTrue() {
		return x.yes.eval(e)
	}
	return x.no.eval(e)
}

func (x coalesceExpr) eval(e *env) value {
	if v := sure(e, x.left); v.kind != undefined {
		return v
	}
	return x.right.eval(e)
}

// Undefined elements and properties vanish from literals, as they do from results.
func (x arrayExpr) eval(e *env) value {
	out := value{kind: array}
	for _, item := range x.items {
		if v := sure(e, item); v.kind != undefined {
			out.items = append(out.items, v)
		}
	}
	return out
}

func (x objectExpr) eval(e *env) value {
	out := value{kind: object}
	for i, item := range x.items {
		if v := sure(e, item); v.kind != undefined {
			out.names, out.items = append(out.names, x.names[i]), append(out.items, v)
		}
	}
	return out
}

// Arguments are evaluated before the function sees them; none of the functions served needs it otherwise.
func (x callExpr) eval(e *env) value {
	args := make([]value, len(x.args))
	for i, arg := range x.args {
		args[i] = sure(e, arg)
	}
	return x.f.eval(e, args)
}

// eval of an aggregate outside of a group cannot happen: check refuses such queries.
func (x *aggregateExpr) eval(e *env) value { return e.fail("An aggregate is out of place.") }
