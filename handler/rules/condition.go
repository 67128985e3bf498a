package rules

import (
	"fmt"
	"strconv"
	"strings"
)

// expr is a condition: a tree whose leaves are detection items.
type expr struct {
	op   op
	need int // for atLeast
	kids []*expr
	item *item  // for leaf
	name string // the selection that this subtree was written as; "" elsewhere
}

type op uint8

const (
	leaf op = iota
	and
	or
	not
	atLeast // at least need of the kids hold
)

// parser reads a Sigma condition (specification, "Condition"):
//
//	or   = and { "or" and }
//	and  = not { "and" not }
//	not  = "not" not | item
//	item = "(" or ")" | quantity "of" pattern | name
//
// quantity is "all", "any", "1" or any other number, pattern is "them" or a name with stars.
type parser struct {
	tokens     []string
	selections map[string]*expr
	names      []string // of the selections, in the order written
}

// parseCondition builds the tree of one condition over the named selections.
func parseCondition(text string, selections map[string]*expr, names []string) (*expr, error) {
	const longest = 8 << 10 // bytes; a person wrote it, and nesting is read by recursion
	if len(text) > longest {
		return nil, fmt.Errorf("the condition is longer than %d bytes", longest)
	}
	p := parser{tokens: tokenize(text), selections: selections, names: names}
	if at := strings.IndexByte(text, '|'); at >= 0 {
		return nil, fmt.Errorf("aggregation after %q is Sigma 1: write a correlation rule instead", "|")
	}
	e, err := p.or()
	if err == nil && len(p.tokens) > 0 {
		err = fmt.Errorf("unexpected %q in the condition", p.tokens[0])
	}
	return e, err
}

// tokenize splits at white space and around parentheses; line breaks within a condition are white space.
func tokenize(text string) []string {
	return strings.Fields(strings.NewReplacer("(", " ( ", ")", " ) ").Replace(text))
}

// peek returns the next token in lower case, "" at the end.
func (p *parser) peek() string {
	if len(p.tokens) == 0 {
		return ""
	}
	return strings.ToLower(p.tokens[0])
}

// next takes a token; callers have peeked.
func (p *parser) next() string {
	t := p.tokens[0]
	p.tokens = p.tokens[1:]
	return t
}

func (p *parser) or() (*expr, error) { return p.chain("or", or, p.and) }

func (p *parser) and() (*expr, error) { return p.chain("and", and, p.not) }

// chain reads operands joined by word; a single one stays itself.
func (p *parser) chain(word string, o op, operand func() (*expr, error)) (*expr, error) {
	e, err := operand()
	if err != nil || p.peek() != word {
		return e, err
	}
	all := &expr{op: o, kids: []*expr{e}}
	for p.peek() == word {
		p.next()
		if e, err = operand(); err != nil {
			return nil, err
		}
		all.kids = append(all.kids, e)
	}
	return all, nil
}

func (p *parser) not() (*expr, error) {
	if p.peek() != "not" {
		return p.item()
	}
	p.next()
	e, err := p.not()
	return &expr{op: not, kids: []*expr{e}}, err
}

func (p *parser) item() (*expr, error) {
	switch word := p.peek(); {
	case word == "":
		return nil, fmt.Errorf("the condition ends too early")
	case word == "(":
		p.next()
		e, err := p.or()
		if err == nil && p.peek() != ")" {
			err = fmt.Errorf("a parenthesis is not closed in the condition")
		}
		if err == nil {
			p.next()
		}
		return e, err
	case len(p.tokens) > 1 && strings.EqualFold(p.tokens[1], "of"):
		return p.quantified()
	}
	name := p.next()
	e, ok := p.selections[name]
	if !ok {
		return nil, fmt.Errorf("the condition names %q, which the detection does not define", name)
	}
	return e, nil
}

// quantified reads "1 of selection_*", "all of them", "2 of them".
func (p *parser) quantified() (*expr, error) {
	quantity := strings.ToLower(p.next())
	p.next() // of
	if len(p.tokens) == 0 {
		return nil, fmt.Errorf("%q needs a name or %q", quantity+" of", "them")
	}
	target := p.next()
	kids := p.selected(target)
	if len(kids) == 0 {
		return nil, fmt.Errorf("%q selects nothing that the detection defines", quantity+" of "+target)
	}
	switch quantity {
	case "all":
		return &expr{op: and, kids: kids}, nil
	case "any", "1":
		return &expr{op: or, kids: kids}, nil
	}
	n, err := strconv.Atoi(quantity)
	if err != nil || n < 1 || n > len(kids) {
		return nil, fmt.Errorf("%q: expected all, any or a number up to %d", quantity+" of "+target, len(kids))
	}
	return &expr{op: atLeast, need: n, kids: kids}, nil
}

// selected returns the selections that a pattern names. Names that begin with an underscore are for explicit use only
// (specification, "them").
func (p *parser) selected(target string) []*expr {
	target, them := strings.ToLower(target), strings.EqualFold(target, "them")
	pat := parsePattern(target, false, affix{})
	var kids []*expr
	for _, name := range p.names {
		hidden := strings.HasPrefix(name, "_") && !strings.HasPrefix(target, "_")
		if !hidden && (them || pat.matches([]byte(folded(name)))) {
			kids = append(kids, p.selections[name])
		}
	}
	return kids
}
