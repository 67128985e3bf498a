package rules

import (
	"slices"

	"github.com/auditbell/auditbell/handler/activity"
)

// Explanation says which parts of a rule an event met and which it did not.
type Explanation struct {
	Rule      *Rule  `json:"-"`
	ID        string `json:"rule"`
	Matched   bool   `json:"matched"`
	Condition string `json:"condition,omitempty"` // as written
	Parts     []Part `json:"parts"`
}

// Part is one selection of a rule, or one rule that a correlation counts.
type Part struct {
	Name string `json:"name"`
	Held bool   `json:"held"`
	// Decides: had this part alone been otherwise, the rule would have matched, or would not have. Where two parts stand
	// in the way, neither decides.
	Decides bool      `json:"decides,omitempty"`
	Items   []Checked `json:"items,omitempty"`
}

// Checked is one line of a selection with what the event says.
type Checked struct {
	Field string   `json:"field"` // with its modifiers, as written; "keywords" for those
	Line  int      `json:"line,omitempty"`
	Want  []string `json:"want"`
	Got   []string `json:"got"` // the field's values; for keywords those that occur
	Held  bool     `json:"held"`
}

// Explain evaluates every part of one rule, whether or not the result needs it. It reports false for an id that the
// set does not have.
func (s *Set) Explain(e *activity.Event, ruleID string) (Explanation, bool) {
	rule := s.Rule(ruleID)
	if rule == nil {
		return Explanation{}, false
	}
	r := s.newRun()
	r.begin(e)
	x := Explanation{Rule: rule, ID: rule.ID, Condition: rule.Condition}
	if rule.Correlation != nil {
		r.explainCorrelation(&x)
		return x, true
	}
	for i := range s.compiled {
		if s.compiled[i].rule == rule {
			x.Matched = r.holds(s.compiled[i].condition) != no
		}
	}
	if outcomes := rule.Auditbell.Outcomes; len(outcomes) > 0 {
		i, v := outcomeItem(outcomes), values{}
		v.read(i.field, e)
		c := r.check(i, i.test.holds(v.list, v.present))
		x.Parts = append(x.Parts, Part{Name: "auditbell.outcomes", Held: c.Held, Items: []Checked{c}})
	}
	detection, selections := s.filtered(rule)
	met, allowed := r.holdsExpr(detection, "") != no, true
	for i := range x.Parts { // the outcomes, if any
		allowed, x.Parts[i].Decides = x.Parts[i].Held, met
	}
	for _, selection := range selections {
		p := Part{Name: selection.name, Held: r.holdsExpr(selection, "") != no}
		p.Decides = allowed && (r.holdsExpr(detection, selection.name) != no) != met
		r.checkAll(&p, selection)
		x.Parts = append(x.Parts, p)
	}
	return x, true
}

// Near explains the rules that e did not meet although its operation, or its category where that says as much, is one
// that they watch: what else they asked for is what kept them silent.
func (s *Set) Near(e *activity.Event) []Explanation {
	var near []Explanation
	r := s.newRun()
	r.begin(e)
	for i := range s.compiled {
		c := &s.compiled[i]
		if r.holds(c.condition) != no || !r.watched(c) {
			continue
		}
		if x, ok := s.Explain(e, c.rule.ID); ok {
			near = append(near, x)
		}
	}
	return near
}

// watched reports whether the rule names the event's operation, by all of it or its beginning, and could match another
// event with it; or likewise its category, if it is not the one that most events have.
func (r *run) watched(c *compiled) bool {
	known := make([]truth, len(r.set.predicates))
	named := false
	for i := range r.set.predicates {
		p := &r.set.predicates[i]
		k := r.set.fields[p.field].kind
		if k == ofRequest && !p.item.keyword && uses(c.condition, i) {
			return false // nothing came near: the request could be read
		}
		if p.item.keyword || k != ofOperation && k != ofCategory {
			continue
		}
		known[i] = r.predicate(i)
		tells := k == ofOperation || r.event.Category != activity.Administrative
		named = named || tells && p.item.names() && known[i] == yes && uses(c.condition, i)
	}
	return named && reduce(c.condition, known) != never
}

// names reports whether the item asks for whole values, or for how they begin.
func (i *item) names() bool {
	return len(i.test.exact) > 0 || slices.ContainsFunc(i.test.patterns, func(p pattern) bool { return !p.openHead })
}

func uses(n *node, predicate int) bool {
	return n.op == leaf && n.predicate == predicate ||
		slices.ContainsFunc(n.kids, func(kid *node) bool { return uses(kid, predicate) })
}

// explainCorrelation shows which of the counted rules the event meets; whether the correlation alerts depends on the
// events before it.
func (r *run) explainCorrelation(x *Explanation) {
	for _, name := range x.Rule.Correlation.Rules {
		p := Part{Name: name}
		for i := range r.set.compiled {
			if c := &r.set.compiled[i]; c.rule.called(name) {
				p.Held = r.holds(c.condition) != no
			}
		}
		x.Matched = x.Matched || p.Held
		x.Parts = append(x.Parts, p)
	}
}

// checkAll evaluates every item below e, also where the first already decides: people want to see all of them.
func (r *run) checkAll(p *Part, e *expr) {
	if e.op == leaf {
		p.Items = append(p.Items, r.check(e.item, r.predicate(r.set.asked[e.item]) != no))
	}
	for _, kid := range e.kids {
		r.checkAll(p, kid)
	}
}

// holdsExpr is holds for the tree as written, with the selection of the given name, if any, taken for its opposite.
func (r *run) holdsExpr(e *expr, flipped string) truth {
	if flipped != "" && e.name == flipped {
		return opposite(r.holdsExpr(e, ""))
	}
	if e.op == leaf {
		return r.predicate(r.set.asked[e.item])
	}
	certain, possible := 0, 0
	for _, kid := range e.kids {
		switch r.holdsExpr(kid, flipped) {
		case yes:
			certain, possible = certain+1, possible+1
		case maybe:
			possible++
		}
	}
	need := max(e.need, 1)
	switch e.op {
	case not:
		certain, possible = 1-possible, 1-certain
	case and:
		need = len(e.kids)
	}
	switch {
	case certain >= need:
		return yes
	case possible >= need:
		return maybe
	}
	return no
}

// check pairs what an item wants with what the event says, as written.
func (r *run) check(i *item, held bool) Checked {
	c := Checked{Field: i.name, Line: i.line, Want: i.wants, Held: held, Got: []string{}}
	if i.keyword {
		r.find()
		c.Field = "keywords" + i.name
		for n, a := range r.set.predicates[r.set.asked[i]].atoms {
			if r.search.hits[a] && n < len(i.wants) {
				c.Got = append(c.Got, i.wants[n])
			}
		}
		return c
	}
	var v values
	v.read(field{i.field.kind, i.field.path, true}, r.event)
	for n, text := range v.list {
		if !v.variant(n) {
			c.Got = append(c.Got, string(text))
		}
	}
	return c
}
