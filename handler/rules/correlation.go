package rules

import (
	"slices"
	"strconv"
	"time"

	"go.yaml.in/yaml/v4"
)

// Correlation is a Sigma 2 correlation: it alerts when other rules match in number, or together, within a timespan and
// for the same values of the group-by fields (Sigma correlation rules specification 2.1).
type Correlation struct {
	Type     CorrelationType
	Rules    []string // what it counts, by id, Sigma id or name; correlations too
	GroupBy  []string // as written; aliases are resolved for each rule
	Timespan time.Duration
	// Generate lets the counted rules alert on their own too. Without it they only count (specification, "generate").
	Generate bool

	fields     []string                     // of the value types: whose values are counted; several count together
	percentile float64                      // of value_percentile and value_median
	bounds     []bound                      // what the figure must be; all of them
	condition  *expr                        // extended: which of the rules must have matched; its leaves are parts
	aliases    map[string]map[string]string // alias → rule as referred to → field
	line       int
}

// CorrelationType is what is counted.
type CorrelationType string

// The types of the specification, and pySigma's value_median.
const (
	EventCount      CorrelationType = "event_count"
	ValueCount      CorrelationType = "value_count"
	ValueSum        CorrelationType = "value_sum"
	ValueAvg        CorrelationType = "value_avg"
	ValuePercentile CorrelationType = "value_percentile"
	ValueMedian     CorrelationType = "value_median"
	Temporal        CorrelationType = "temporal"
	TemporalOrdered CorrelationType = "temporal_ordered"
)

// numeric reports whether the type reckons with the field's values as numbers.
func (c *Correlation) numeric() bool {
	return c.Type == ValueSum || c.Type == ValueAvg || c.Type == ValueMedian || c.Type == ValuePercentile && c.percentile > 0
}

// valued reports whether the type is about a field's values.
func (c *Correlation) valued() bool {
	return slices.Contains([]CorrelationType{ValueCount, ValueSum, ValueAvg, ValuePercentile, ValueMedian}, c.Type)
}

// bound is one line of a correlation's condition.
type bound struct {
	op    string // gte, gt, lte, lt, eq or neq
	value float64
}

func (b bound) holds(figure float64) bool {
	switch b.op {
	case "gte":
		return figure >= b.value
	case "gt":
		return figure > b.value
	case "lte":
		return figure <= b.value
	case "lt":
		return figure < b.value
	case "eq":
		return figure == b.value
	}
	return figure != b.value
}

// maxCount bounds what a window may hold; state must stay small enough to be written with every event.
const maxCount = 10_000

// parseCorrelation reads a `correlation:` block. Which rules it counts is settled when a Set is compiled: they may come
// from another folder.
func (p *problems) parseCorrelation(n *yaml.Node) *Correlation {
	c := &Correlation{line: n.Line}
	var condition *yaml.Node
	for _, m := range p.members(n) {
		switch m.key {
		case "type":
			c.Type = CorrelationType(p.text(m.value))
		case "rules":
			c.Rules = p.texts(m.value)
		case "group-by":
			c.GroupBy = p.texts(m.value)
		case "timespan", "timeframe": // timeframe: drafts of the specification
			c.Timespan = p.duration(m)
		case "generate":
			if generate := p.flag(m); generate != nil {
				c.Generate = *generate
			}
		case "aliases":
			c.aliases = p.aliases(m.value)
		case "condition":
			condition = m.value
		default:
			p.add(m.line, "correlation.%s is not supported", m.key)
		}
	}
	p.condition(c, condition)
	p.checkCorrelation(c)
	return c
}

// condition reads what the correlation asks for. Without one the temporal types ask for all of their rules.
func (p *problems) condition(c *Correlation, n *yaml.Node) {
	together := c.Type == Temporal || c.Type == TemporalOrdered
	switch {
	case n == nil && together:
		c.bounds = []bound{{"gte", float64(len(c.Rules))}}
	case n == nil:
		p.add(c.line, "%s needs a condition", c.Type)
	case n.Kind == yaml.ScalarNode && together:
		p.extended(c, n)
	case n.Kind == yaml.ScalarNode:
		p.add(n.Line, "condition %q: only temporal and temporal_ordered take rules as their condition; write gte, gt, lte, lt, eq or neq", n.Value)
	default:
		p.bounds(c, n)
	}
}

// extended reads a condition over the names of the rules, such as "a and b and not c".
func (p *problems) extended(c *Correlation, n *yaml.Node) {
	selections := make(map[string]*expr, len(c.Rules))
	for i, name := range c.Rules {
		selections[name] = &expr{op: leaf, need: i, name: name}
	}
	e, err := parseCondition(n.Value, selections, c.Rules)
	if err != nil {
		p.add(n.Line, "%v", err)
		return
	}
	if c.condition = e; e.met(func(int) bool { return false }) {
		p.add(n.Line, "the condition %q holds where no rule has matched: what does not happen cannot alert", n.Value)
	}
}

// met evaluates an extended condition over parts.
func (e *expr) met(part func(int) bool) bool {
	if e.op == leaf {
		return part(e.need)
	}
	met := 0
	for _, kid := range e.kids {
		if kid.met(part) {
			met++
		}
	}
	switch e.op {
	case not:
		return met == 0
	case and:
		return met == len(e.kids)
	}
	return met >= max(e.need, 1)
}

// denies reports whether something in the condition must not have happened.
func (e *expr) denies() bool { return e.op == not || slices.ContainsFunc(e.kids, (*expr).denies) }

// parts are the parts that the condition names.
func (e *expr) parts() []int {
	if e.op == leaf {
		return []int{e.need}
	}
	var list []int
	for _, kid := range e.kids {
		if e.op != not {
			list = append(list, kid.parts()...)
		}
	}
	return list
}

// bounds reads `condition: {gte: 10}`, for the value types with a field.
func (p *problems) bounds(c *Correlation, n *yaml.Node) {
	for _, m := range p.members(n) {
		switch m.key {
		case "field":
			c.fields = p.texts(m.value)
		case "percentile":
			c.percentile = p.number(m, 0, 100)
		case "gte", "gt", "lte", "lt", "eq", "neq":
			most := float64(maxCount)
			if c.valued() && c.Type != ValueCount {
				most = 1e15
			}
			c.bounds = append(c.bounds, bound{m.key, p.number(m, -most, most)})
		default:
			p.add(m.line, "condition.%s is not supported; supported are field, percentile, gte, gt, lte, lt, eq and neq", m.key)
		}
	}
	if len(c.bounds) == 0 {
		p.add(n.Line, "the condition has no bound: write gte, gt, lte, lt, eq or neq")
	}
}

// number reads a number within bounds.
func (p *problems) number(m pair, least, most float64) float64 {
	f, err := strconv.ParseFloat(p.text(m.value), 64)
	if err != nil || f < least || f >= most {
		p.add(m.line, "condition.%s: expected a number below %v", m.key, most)
	}
	return f
}

// checkCorrelation refuses what could never alert, or would always.
func (p *problems) checkCorrelation(c *Correlation) {
	switch c.Type {
	case EventCount, ValueCount, ValueSum, ValueAvg, ValuePercentile, Temporal, TemporalOrdered:
	case ValueMedian:
		c.percentile = 50
	default:
		p.add(c.line, "correlation type %q is not supported; supported are event_count, value_count, value_sum, value_avg, "+
			"value_percentile, value_median, temporal and temporal_ordered", c.Type)
	}
	if c.valued() && len(c.fields) == 0 {
		p.add(c.line, "%s needs condition.field: whose values are counted", c.Type)
	}
	if c.numeric() && len(c.fields) > 1 {
		p.add(c.line, "%s takes one field", c.Type)
	}
	for _, name := range slices.Concat(c.GroupBy, c.fields) {
		if c.aliases[name] != nil {
			continue
		}
		if f := p.field(c.line, name); c.numeric() && slices.Contains(c.fields, name) && !f.kind.open() {
			p.add(c.line, "%s: the field %s holds no number", c.Type, name)
		}
	}
	p.checkBounds(c)
	if len(c.Rules) == 0 {
		p.add(c.line, "the correlation names no rules")
	}
	if c.Timespan == 0 {
		p.add(c.line, "the correlation has no valid timespan")
	}
}

// checkBounds looks for figures that a window cannot have, or has when nothing happened.
func (p *problems) checkBounds(c *Correlation) {
	if len(c.bounds) == 0 {
		return
	}
	counts := !c.valued() || c.Type == ValueCount
	most := maxCount
	if c.Type == Temporal || c.Type == TemporalOrdered {
		most = len(c.Rules)
	}
	if counts && !c.within(most) {
		p.add(c.line, "the condition can never hold for one to %d matches: what does not happen cannot alert", most)
	}
}

// within reports whether some figure from 1 to most meets the bounds.
func (c *Correlation) within(most int) bool {
	for n := 1; n <= most; n++ {
		if c.bounded(float64(n)) {
			return true
		}
	}
	return false
}

func (c *Correlation) bounded(figure float64) bool {
	return !slices.ContainsFunc(c.bounds, func(b bound) bool { return !b.holds(figure) })
}

// monotone reports whether more members never undo what is met.
func (c *Correlation) monotone() bool {
	switch {
	case c.condition != nil:
		return !c.condition.denies()
	case c.valued() && c.Type != ValueCount:
		return false
	}
	return !slices.ContainsFunc(c.bounds, func(b bound) bool { return b.op != "gte" && b.op != "gt" })
}

// aliases reads `alias: {rule: field}`.
func (p *problems) aliases(n *yaml.Node) map[string]map[string]string {
	all := make(map[string]map[string]string)
	for _, alias := range p.members(n) {
		all[alias.key] = make(map[string]string)
		for _, m := range p.members(alias.value) {
			all[alias.key][m.key] = p.text(m.value)
			p.field(m.line, all[alias.key][m.key])
		}
	}
	return all
}
