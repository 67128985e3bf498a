package rules

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// parseDetection reads a `detection:` block into one condition tree.
func (p *problems) parseDetection(r *Rule, n *yaml.Node) {
	before := len(p.list)
	selections := make(map[string]*expr)
	var names []string
	var conditions []scalar
	for _, m := range p.members(n) {
		switch m.key {
		case "condition":
			conditions = p.conditions(m.value)
		case "timeframe":
			p.add(m.line, "timeframe belongs to Sigma 1 aggregations: write a correlation rule instead")
		default:
			selections[m.key] = p.parseSelection(m.key, m.value)
			r.selections = append(r.selections, selections[m.key])
			names = append(names, m.key)
		}
	}
	if len(conditions) == 0 && len(p.list) == before {
		p.add(n.Line, "the detection has no condition")
	}
	// A list of conditions: each is a way to match.
	either, texts := &expr{op: or}, make([]string, 0, 1)
	for _, c := range conditions {
		e, err := parseCondition(c.text, selections, names)
		if err != nil {
			p.add(c.line, "%v", err)
		}
		either.kids, texts = append(either.kids, e), append(texts, c.text)
	}
	r.detection, r.Condition = either, strings.Join(texts, " or ")
}

// conditions reads the condition, or the list of them.
func (p *problems) conditions(n *yaml.Node) []scalar {
	if n.Kind == yaml.ScalarNode {
		return []scalar{{n.Value, n.Tag, n.Line}}
	}
	var list []scalar
	if n.Kind == yaml.SequenceNode {
		for _, c := range n.Content {
			c = deref(c)
			list = append(list, scalar{p.text(c), c.Tag, c.Line})
		}
	}
	if len(list) == 0 {
		p.add(n.Line, "the condition is %s; expected text", kindName(n))
	}
	return list
}

// parseSelection reads a named selection: a mapping (all of its items), a list of mappings (any of them), a list of
// texts or a single text (keywords, any of them), or a mixture.
func (p *problems) parseSelection(name string, n *yaml.Node) *expr {
	var e *expr
	switch n.Kind {
	case yaml.MappingNode:
		e = p.allOf(n)
	case yaml.SequenceNode:
		e = p.anyOf(n)
	default:
		e = &expr{op: leaf, item: p.parseItem("", n.Line, n)}
	}
	if strings.ContainsAny(name, "*() ") {
		p.add(n.Line, "selection %q: a name is one word without stars and parentheses", name)
	}
	return &expr{op: and, kids: []*expr{e}, name: name}
}

// allOf reads a mapping: every item must hold.
func (p *problems) allOf(n *yaml.Node) *expr {
	e := &expr{op: and}
	for _, m := range p.members(n) {
		p.columns[m.line] = m.node.Column // several may share a line
		e.kids = append(e.kids, &expr{op: leaf, item: p.parseItem(m.key, m.line, m.value)})
	}
	if len(e.kids) == 0 {
		p.add(n.Line, "an empty selection would match everything")
	}
	return e
}

// anyOf reads a list: one of its mappings or keywords must hold.
func (p *problems) anyOf(n *yaml.Node) *expr {
	e := &expr{op: or}
	var words []*yaml.Node
	for _, c := range n.Content {
		switch c = deref(c); c.Kind {
		case yaml.MappingNode:
			e.kids = append(e.kids, p.allOf(c))
		case yaml.ScalarNode:
			words = append(words, c)
		default:
			p.add(c.Line, "expected a mapping or a keyword, found %s", kindName(c))
		}
	}
	if len(words) > 0 {
		list := &yaml.Node{Kind: yaml.SequenceNode, Content: words, Line: words[0].Line}
		e.kids = append(e.kids, &expr{op: leaf, item: p.parseItem("", list.Line, list)})
	}
	if len(e.kids) == 0 {
		p.add(n.Line, "an empty selection can never match")
	}
	return e
}
