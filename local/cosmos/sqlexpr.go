package cosmos

import (
	"slices"
	"strings"
)

// Precedence, loosest first: ?? and ?:, OR, AND, comparisons with BETWEEN, IN and LIKE, + and -, * / %, unary. Where
// Microsoft's grammar and common sense could part ways (NOT a = b, a ?? b ? c : d, a = b = c) parentheses are
// demanded instead of guessing.

// maxDepth bounds the nesting of a query, so that none can exhaust the stack.
const maxDepth = 100

// expression reads a scalar expression.
func (p *parser) expression() (expr, error) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxDepth {
		return nil, syntaxError(p.peek().at, "the query is nested too deeply")
	}
	x, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.peek().is(tokenSymbol, "?") {
		return p.ternary(x)
	}
	for p.symbol("??") {
		right, err := p.or()
		if err != nil {
			return nil, err
		}
		x = coalesceExpr{x, right}
	}
	return x, p.alone("?", "??")
}

// ternary reads ? a : b after its condition. Chains nest to the right.
func (p *parser) ternary(condition expr) (expr, error) {
	if !p.symbol("?") {
		return condition, nil
	}
	yes, err := p.or()
	if err != nil {
		return nil, err
	}
	if err := p.expect(tokenSymbol, ":"); err != nil {
		return nil, err
	}
	no, err := p.or()
	if err != nil {
		return nil, err
	}
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxDepth {
		return nil, syntaxError(p.peek().at, "the query is nested too deeply")
	}
	if no, err = p.ternary(no); err != nil {
		return nil, err
	}
	return ternaryExpr{condition, yes, no}, p.alone("??")
}

// alone refuses operators that would need parentheses to be understood.
func (p *parser) alone(symbols ...string) error {
	if t := p.peek(); t.kind == tokenSymbol && slices.Contains(symbols, t.text) {
		return syntaxError(t.at, "put parentheses around the operand of %s", t.text)
	}
	return nil
}

// or reads operands joined by OR, from left to right.
func (p *parser) or() (expr, error) {
	x, err := p.and()
	for err == nil && p.keyword("OR") {
		var right expr
		right, err = p.and()
		x = orExpr{x, right}
	}
	return x, err
}

// and reads operands joined by AND, from left to right.
func (p *parser) and() (expr, error) {
	x, err := p.predicate()
	for err == nil && p.keyword("AND") {
		var right expr
		right, err = p.predicate()
		x = andExpr{x, right}
	}
	return x, err
}

var comparisons = []string{"=", "!=", "<>", "<", "<=", ">", ">="}

// predicate reads an operand and at most one comparison, BETWEEN, IN or LIKE.
func (p *parser) predicate() (expr, error) {
	x, err := p.sum()
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind == tokenSymbol && slices.Contains(comparisons, t.text) {
		p.pos++
		right, err := p.sum()
		if err != nil {
			return nil, err
		}
		if t.text == "<>" {
			t.text = "!="
		}
		return compareExpr{t.text, x, right}, p.alone(comparisons...)
	}
	negated := p.keyword("NOT")
	switch {
	case p.keyword("BETWEEN"):
		x, err = p.between(x)
	case p.keyword("IN"):
		x, err = p.in(x)
	case p.keyword("LIKE"):
		x, err = p.like(x)
	case negated:
		return nil, p.unexpected("BETWEEN, IN or LIKE")
	default:
		return x, nil
	}
	if negated {
		x = notExpr{x}
	}
	return x, err
}

// between reads low AND high; this AND belongs to BETWEEN and not to the condition around it.
func (p *parser) between(x expr) (expr, error) {
	low, err := p.sum()
	if err != nil {
		return nil, err
	}
	if err := p.expect(tokenKeyword, "AND"); err != nil {
		return nil, err
	}
	high, err := p.sum()
	return betweenExpr{x, low, high}, err
}

// in reads a list in parentheses. A subquery there is refused like everywhere.
func (p *parser) in(x expr) (expr, error) {
	if err := p.expect(tokenSymbol, "("); err != nil {
		return nil, err
	}
	list, err := p.list(")")
	if err == nil && len(list) == 0 {
		err = p.unexpected("a value")
	}
	return inExpr{x, list}, err
}

// like reads a pattern and compiles it at once if it is constant, so that a malformed one is refused before any row is
// read.
func (p *parser) like(x expr) (expr, error) {
	like := likeExpr{x: x}
	var err error
	if like.pattern, err = p.sum(); err != nil {
		return nil, err
	}
	if p.keyword("ESCAPE") {
		t := p.next()
		if runes := []rune(t.text); t.kind == tokenText && len(runes) == 1 {
			like.escape = runes[0]
		} else {
			return nil, syntaxError(t.at, "ESCAPE needs a string of one character")
		}
	}
	if constant, ok := like.pattern.(literalExpr); ok && constant.v.kind == text {
		if like.ready, err = newPattern(constant.v.str, like.escape); err != nil {
			return nil, err
		}
	}
	return like, nil
}

// list reads expressions up to the closing bracket.
func (p *parser) list(end string) ([]expr, error) {
	var out []expr
	if p.symbol(end) {
		return nil, nil
	}
	for {
		x, err := p.expression()
		if err != nil {
			return nil, err
		}
		out = append(out, x)
		if p.symbol(end) {
			return out, nil
		}
		if err := p.expect(tokenSymbol, ","); err != nil {
			return nil, err
		}
	}
}

// sum reads operands joined by + and -.
func (p *parser) sum() (expr, error) {
	return p.chain(p.product, "+", "-")
}

// product reads operands joined by *, / and %.
func (p *parser) product() (expr, error) {
	return p.chain(p.unary, "*", "/", "%")
}

// chain reads operands joined by left-associative operators of one precedence.
func (p *parser) chain(operand func() (expr, error), operators ...string) (expr, error) {
	x, err := operand()
	for err == nil {
		t := p.peek()
		if t.kind != tokenSymbol || !slices.Contains(operators, t.text) {
			return x, nil
		}
		p.pos++
		var right expr
		right, err = operand()
		x = arithmeticExpr{t.text, x, right}
	}
	return nil, err
}

// unary reads signs and NOT. A sign before a number is an operator here; the service's grammar makes it part of the
// number, with the same result.
func (p *parser) unary() (expr, error) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxDepth {
		return nil, syntaxError(p.peek().at, "the query is nested too deeply")
	}
	switch {
	case p.symbol("-"):
		x, err := p.unary()
		return negateExpr{x}, err
	case p.keyword("NOT"):
		x, err := p.unary()
		if err != nil {
			return nil, err
		}
		return notExpr{x}, p.afterNot()
	}
	return p.primary()
}

// afterNot refuses NOT a = b: in Microsoft's grammar NOT binds tighter than the comparison, in every reader's mind
// it does not.
func (p *parser) afterNot() error {
	t := p.peek()
	operator := t.kind == tokenSymbol && (slices.Contains(comparisons, t.text) || strings.Contains("+-*/%", t.text))
	word := t.kind == tokenKeyword && slices.Contains([]string{"NOT", "BETWEEN", "IN", "LIKE"}, t.text)
	if operator || word {
		return syntaxError(t.at, "put parentheses around what NOT negates")
	}
	return nil
}

// primary reads constants, paths, calls and what is in brackets. A call has no path behind it.
func (p *parser) primary() (expr, error) {
	t := p.peek()
	switch t.kind {
	case tokenText, tokenNumber, tokenParameter:
		v, err := p.constant()
		return literalExpr{v}, err
	case tokenName:
		if p.tokens[p.pos+1].is(tokenSymbol, "(") {
			return p.call()
		}
		path, err := p.reference()
		if err != nil {
			return nil, err
		}
		path.steps, err = p.steps()
		return path, err
	case tokenKeyword:
		if v, ok := constants[t.text]; ok {
			p.pos++
			return literalExpr{v}, nil
		}
	case tokenSymbol:
		return p.bracketed()
	}
	return nil, p.unexpected("an expression")
}

var constants = map[string]value{
	"true": boolOf(true), "false": boolOf(false), "null": {kind: null}, "undefined": {},
}

// bracketed reads ( ), [ ] and { }.
func (p *parser) bracketed() (expr, error) {
	switch {
	case p.symbol("("):
		x, err := p.expression()
		if err != nil {
			return nil, err
		}
		return x, p.expect(tokenSymbol, ")")
	case p.symbol("["):
		items, err := p.list("]")
		return arrayExpr{items}, err
	case p.symbol("{"):
		return p.object()
	}
	return nil, p.unexpected("an expression")
}

// object reads {"name": value}. Names may stand without quotes, as in the examples of Microsoft's ORDER BY page.
func (p *parser) object() (expr, error) {
	var out objectExpr
	if p.symbol("}") {
		return out, nil
	}
	for {
		t := p.next()
		if t.kind != tokenText && t.kind != tokenName || slices.Contains(out.names, t.text) {
			return nil, syntaxError(t.at, "a property name expected that is not there yet")
		}
		if err := p.expect(tokenSymbol, ":"); err != nil {
			return nil, err
		}
		x, err := p.expression()
		if err != nil {
			return nil, err
		}
		out.names, out.items = append(out.names, t.text), append(out.items, x)
		if p.symbol("}") {
			return out, nil
		}
		if err := p.expect(tokenSymbol, ","); err != nil {
			return nil, err
		}
	}
}

// call reads a function or an aggregate with its arguments.
func (p *parser) call() (expr, error) {
	t := p.next()
	p.pos++ // the parenthesis, which primary saw
	name := strings.ToUpper(t.text)
	if slices.Contains(aggregateNames, name) {
		return p.aggregate(t, name)
	}
	f, ok := functions[name]
	if !ok {
		return nil, syntaxError(t.at, "function %s is not served", t.text)
	}
	args, err := p.list(")")
	if err != nil {
		return nil, err
	}
	if len(args) < f.least || len(args) > f.most {
		return nil, syntaxError(t.at, "function %s takes between %d and %d arguments", t.text, f.least, f.most)
	}
	if f.clock != nil {
		return literalExpr{f.clock(p.now)}, nil // one time for the whole query
	}
	return callExpr{f, args}, nil
}

// aggregate reads the one argument of an aggregate and gives the aggregate its place among the others.
func (p *parser) aggregate(t token, name string) (expr, error) {
	if p.clause != clauseSelect {
		return nil, syntaxError(t.at, "%s is only served in SELECT, and not inside another aggregate", name)
	}
	p.clause = clauseAggregate
	defer func() { p.clause = clauseSelect }()
	args, err := p.list(")")
	if err != nil {
		return nil, err
	}
	if len(args) != 1 {
		return nil, syntaxError(t.at, "%s takes one argument", name)
	}
	a := &aggregateExpr{name: name, arg: args[0], slot: len(p.q.aggregates)}
	p.q.aggregates = append(p.q.aggregates, a)
	return a, nil
}
