package cosmos

import (
	"slices"
	"time"
)

// What is understood, in the order of the text (| or, [ ] optional, { } any number):
//
//	query      = SELECT [DISTINCT] [TOP n] selection FROM source [WHERE expression]
//	             [GROUP BY path {, path}] [ORDER BY path [ASC|DESC] {, ...}] [OFFSET n LIMIT n]
//	selection  = * | VALUE expression | expression [AS name] {, expression [AS name]}
//	source     = name [[AS] name] {join} | name IN name steps {join}
//	join       = JOIN name IN path
//	path       = name steps
//	steps      = {.name | ["name"] | [n] | [@name]}
//	condition  = FROM name [[AS] name] WHERE expression          of a patch
//
// Expressions are in sqlexpr.go. n is a number or a parameter. Everything else is a syntax error here, also where the
// service knows more: subqueries, EXISTS, user-defined functions, full-text and vector search.

// parser turns tokens into a query by recursive descent. Parameters are replaced by their values on the way.
type parser struct {
	tokens []token // ends with tokenEnd
	pos    int
	q      *query // as far as it is understood
	params map[string]value
	now    time.Time // for functions of the clock
	depth  int       // of nesting
	clause clause
}

// clause says where in the query the parser is, because aggregates are at home in SELECT only.
type clause int

const (
	clauseFilter clause = iota // WHERE and the rest
	clauseSelect
	clauseAggregate // the argument of an aggregate
)

// parseQuery understands a whole query or refuses it.
func parseQuery(src string, params map[string]value, now time.Time) (*query, error) {
	tokens, err := lex(src)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens, q: &query{}, params: params, now: now}
	// Names are bound in FROM and used before it, in SELECT: FROM is read first. Only a subquery could have another
	// FROM before it, and subqueries are refused.
	from := slices.IndexFunc(tokens, func(t token) bool { return t.is(tokenKeyword, "FROM") })
	if from < 0 {
		return nil, syntaxError(0, "a query without FROM is not served")
	}
	p.pos = from
	if err := p.from(); err != nil {
		return nil, err
	}
	rest := p.pos
	p.pos = 0
	if err := p.selection(); err != nil {
		return nil, err
	}
	if p.pos != from {
		return nil, p.unexpected("FROM")
	}
	p.pos = rest
	if err := p.tail(); err != nil {
		return nil, err
	}
	return p.q, p.q.check()
}

// parseCondition understands the predicate of a patch: FROM and WHERE without SELECT.
func parseCondition(src string, now time.Time) (*query, error) {
	tokens, err := lex(src)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens, q: &query{star: true}, now: now}
	if err := p.from(); err != nil {
		return nil, err
	}
	if len(p.q.bindings) != 1 {
		return nil, syntaxError(0, "a patch condition has one FROM and no JOIN")
	}
	if err := p.filter(); err != nil {
		return nil, err
	}
	if p.q.where == nil || p.peek().kind != tokenEnd {
		return nil, p.unexpected("one WHERE")
	}
	return p.q, nil
}

// peek looks at the next token without taking it.
func (p *parser) peek() token { return p.tokens[p.pos] }

// next takes a token; at the end it gives the end again and again.
func (p *parser) next() token {
	t := p.tokens[p.pos]
	if t.kind != tokenEnd {
		p.pos++
	}
	return t
}

// accept takes the next token if it is this one.
func (p *parser) accept(kind tokenKind, text string) bool {
	if !p.peek().is(kind, text) {
		return false
	}
	p.pos++
	return true
}

// symbol and keyword take the next token if it is this one.
func (p *parser) symbol(text string) bool  { return p.accept(tokenSymbol, text) }
func (p *parser) keyword(text string) bool { return p.accept(tokenKeyword, text) }

// expect takes a token that has to come.
func (p *parser) expect(kind tokenKind, text string) error {
	if !p.accept(kind, text) {
		return p.unexpected(text)
	}
	return nil
}

// unexpected says what would have been understood here.
func (p *parser) unexpected(want string) error {
	t := p.peek()
	if t.kind == tokenEnd {
		return syntaxError(t.at, "the query ends where %s is expected", want)
	}
	return syntaxError(t.at, "%s expected", want)
}

// name takes a name; keywords are none, also after a dot (c.order is an error in the service, too).
func (p *parser) name() (string, error) {
	t := p.peek()
	if t.kind != tokenName {
		return "", p.unexpected("a name that is no keyword")
	}
	p.pos++
	return t.text, nil
}

// from reads FROM c, FROM x AS c, FROM x c, FROM t IN c.tags and any number of JOIN t IN c.tags.
func (p *parser) from() error {
	if err := p.expect(tokenKeyword, "FROM"); err != nil {
		return err
	}
	first, err := p.name()
	if err != nil {
		return err
	}
	if p.keyword("IN") {
		// The container's own name can be anything here; the item behind it stays without a name.
		p.q.bindings = []binding{{}}
		if _, err := p.name(); err != nil {
			return err
		}
		if err := p.bind(first, pathExpr{}); err != nil {
			return err
		}
		return p.joins()
	}
	if p.peek().kind == tokenName || p.keyword("AS") {
		if first, err = p.name(); err != nil {
			return err
		}
	}
	p.q.bindings = []binding{{alias: first}}
	return p.joins()
}

// joins reads JOIN alias IN path. Other joins would need subqueries.
func (p *parser) joins() error {
	for p.keyword("JOIN") {
		alias, err := p.name()
		if err != nil {
			return err
		}
		if err := p.expect(tokenKeyword, "IN"); err != nil {
			return err
		}
		source, err := p.reference()
		if err != nil {
			return err
		}
		if err := p.bind(alias, source); err != nil {
			return err
		}
	}
	return nil
}

// bind adds a binding whose array is at the path that follows root.
func (p *parser) bind(alias string, root pathExpr) error {
	const maxBindings = 8
	if p.alias(alias) >= 0 || len(p.q.bindings) == maxBindings {
		return syntaxError(p.peek().at, "the alias %q is taken or there are too many", alias)
	}
	steps, err := p.steps()
	if err != nil {
		return err
	}
	if len(steps) == 0 {
		return p.unexpected("a property")
	}
	root.steps = steps
	p.q.bindings = append(p.q.bindings, binding{alias: alias, path: root})
	return nil
}

// alias finds a bound name.
func (p *parser) alias(name string) int {
	return slices.IndexFunc(p.q.bindings, func(b binding) bool { return b.alias == name })
}

// reference reads a bound name.
func (p *parser) reference() (pathExpr, error) {
	t := p.peek()
	name, err := p.name()
	if err != nil {
		return pathExpr{}, err
	}
	i := p.alias(name)
	if i < 0 {
		return pathExpr{}, syntaxError(t.at, "identifier %q could not be resolved", name)
	}
	return pathExpr{binding: i}, nil
}

// steps reads .name, ["name"], [0] and [@parameter] as often as they follow.
func (p *parser) steps() ([]pathStep, error) {
	var out []pathStep
	for {
		switch {
		case p.symbol("."):
			name, err := p.name()
			if err != nil {
				return nil, err
			}
			out = append(out, pathStep{name: name})
		case p.symbol("["):
			step, err := p.subscript()
			if err != nil {
				return nil, err
			}
			out = append(out, step)
		default:
			return out, nil
		}
	}
}

// subscript reads a constant between [ and ]; a computed one is not served.
func (p *parser) subscript() (pathStep, error) {
	v, err := p.constant()
	if err != nil {
		return pathStep{}, err
	}
	if err := p.expect(tokenSymbol, "]"); err != nil {
		return pathStep{}, err
	}
	switch {
	case v.kind == text:
		return pathStep{name: v.str}, nil
	case v.isWhole() && v.num >= 0 && v.num < 1<<31:
		return pathStep{index: int(v.num), isIdx: true}, nil
	}
	return pathStep{}, syntaxError(p.peek().at, "a subscript is a string or a whole number")
}

// constant reads a string, a number or a parameter.
func (p *parser) constant() (value, error) {
	switch t := p.next(); t.kind {
	case tokenText:
		return textOf(t.text), nil
	case tokenNumber:
		return numberOf(t.num), nil
	case tokenParameter:
		return p.parameter(t)
	default:
		return value{}, syntaxError(t.at, "a constant or a parameter expected")
	}
}

// parameter gives a parameter's value. What the service makes of a missing one is not documented.
func (p *parser) parameter(t token) (value, error) {
	v, ok := p.params[t.text]
	if !ok {
		return value{}, syntaxError(t.at, "parameter %s has no value", t.text)
	}
	return v, nil
}

// selection reads SELECT [DISTINCT] [TOP n] and what is selected.
func (p *parser) selection() (err error) {
	if err := p.expect(tokenKeyword, "SELECT"); err != nil {
		return err
	}
	p.q.distinct = p.keyword("DISTINCT")
	if p.keyword("TOP") {
		if p.q.top, err = p.count(); err != nil {
			return err
		}
	}
	p.clause = clauseSelect
	defer func() { p.clause = clauseFilter }()
	if p.symbol("*") {
		p.q.star = true
		return nil
	}
	if p.keyword("VALUE") {
		p.q.single, err = p.expression()
		return err
	}
	for unnamed := 1; ; {
		item, err := p.selectItem(&unnamed)
		if err != nil {
			return err
		}
		p.q.items = append(p.q.items, item)
		if !p.symbol(",") {
			return nil
		}
	}
}

// selectItem reads one expression and names it: by its alias, by its last property, or $1, $2 and so on.
func (p *parser) selectItem(unnamed *int) (selectItem, error) {
	at := p.peek().at
	x, err := p.expression()
	if err != nil {
		return selectItem{}, err
	}
	item := selectItem{expr: x}
	path, isPath := x.(pathExpr)
	switch {
	case p.keyword("AS"):
		if item.name, err = p.name(); err != nil {
			return selectItem{}, err
		}
	case isPath && len(path.steps) == 0:
		item.name = p.q.bindings[path.binding].alias
	case isPath && path.steps[len(path.steps)-1].isIdx:
		return selectItem{}, syntaxError(at, "an array element needs an alias (AS)")
	case isPath:
		item.name = path.steps[len(path.steps)-1].name
	default:
		item.name = "$" + string(appendNumber(nil, float64(*unnamed)))
		*unnamed++
	}
	for _, other := range p.q.items {
		if other.name == item.name {
			return selectItem{}, syntaxError(at, "the property name %q is used twice", item.name)
		}
	}
	return item, nil
}

// count reads what follows TOP, OFFSET and LIMIT.
func (p *parser) count() (*int, error) {
	at := p.peek().at
	v, err := p.constant()
	if err != nil {
		return nil, err
	}
	if !v.isWhole() || v.num < 0 || v.num > 1<<31 {
		return nil, syntaxError(at, "a whole number expected that is not negative")
	}
	n := int(v.num)
	return &n, nil
}

// tail reads WHERE, GROUP BY, ORDER BY and OFFSET LIMIT.
func (p *parser) tail() error {
	for _, part := range []func() error{p.filter, p.grouping, p.ordering, p.paging} {
		if err := part(); err != nil {
			return err
		}
	}
	if p.peek().kind != tokenEnd {
		return p.unexpected("the end of the query")
	}
	return nil
}

// filter reads WHERE.
func (p *parser) filter() (err error) {
	if p.keyword("WHERE") {
		p.q.where, err = p.expression()
	}
	return err
}

// grouping reads GROUP BY over properties. Grouping by expressions is allowed in the service and not served here.
func (p *parser) grouping() error {
	if !p.keyword("GROUP") {
		return nil
	}
	if err := p.expect(tokenKeyword, "BY"); err != nil {
		return err
	}
	for {
		path, err := p.path()
		if err != nil {
			return err
		}
		p.q.group = append(p.q.group, path)
		if !p.symbol(",") {
			return nil
		}
	}
}

// ordering reads ORDER BY. ASC is the default.
func (p *parser) ordering() error {
	if !p.keyword("ORDER") {
		return nil
	}
	if err := p.expect(tokenKeyword, "BY"); err != nil {
		return err
	}
	for {
		path, err := p.path()
		if err != nil {
			return err
		}
		item := orderItem{path: path}
		if !p.keyword("ASC") {
			item.desc = p.keyword("DESC")
		}
		p.q.order = append(p.q.order, item)
		if !p.symbol(",") {
			return nil
		}
	}
}

// path reads a property reference, the only thing to group or sort by here.
func (p *parser) path() (pathExpr, error) {
	path, err := p.reference()
	if err != nil {
		return pathExpr{}, err
	}
	path.steps, err = p.steps()
	if err == nil && len(path.steps) == 0 {
		err = p.unexpected("a property")
	}
	return path, err
}

// paging reads OFFSET and LIMIT, which only come together.
func (p *parser) paging() (err error) {
	if !p.keyword("OFFSET") {
		return nil
	}
	if p.q.offset, err = p.count(); err != nil {
		return err
	}
	if err := p.expect(tokenKeyword, "LIMIT"); err != nil {
		return err
	}
	p.q.limit, err = p.count()
	return err
}
