package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/auditbell/auditbell/handler/activity"
)

// Correlation is a Sigma 2 correlation: it rings when other rules match in number, or together, within a timespan and
// for the same values of the group-by fields (Sigma correlation rules specification 2.1).
type Correlation struct {
	Type     CorrelationType
	Rules    []string // what it counts, by id, Sigma id or name
	GroupBy  []string // as written; aliases are resolved for each rule
	Timespan time.Duration
	// Generate lets the counted rules ring on their own too. Without it they only count (specification, "generate").
	Generate bool

	field   string                       // value_count: whose different values are counted
	bounds  bounds                       // how many
	aliases map[string]map[string]string // alias → rule as referred to → field
	line    int
}

// CorrelationType is what is counted.
type CorrelationType string

// The types that can be decided event by event. The specification's value_sum, value_avg, value_percentile and
// value_median are about figures that the Activity Log does not have.
const (
	EventCount      CorrelationType = "event_count"
	ValueCount      CorrelationType = "value_count"
	Temporal        CorrelationType = "temporal"
	TemporalOrdered CorrelationType = "temporal_ordered"
)

// bounds is a correlation's condition: at least least, at most most.
type bounds struct{ least, most int }

// maxCount bounds what a window may hold; state must stay small enough to be written with every event.
const maxCount = 10_000

// parseCorrelation reads a `correlation:` block. Which rules it counts is settled when a Set is compiled: they may come
// from another folder.
func (p *problems) parseCorrelation(n *yaml.Node) *Correlation {
	c := &Correlation{line: n.Line}
	conditional := false
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
			p.bounds(c, m.value)
			conditional = true
		default:
			p.add(m.line, "correlation.%s is not supported", m.key)
		}
	}
	p.checkCorrelation(c, conditional)
	return c
}

// checkCorrelation refuses what could never ring, or would always.
func (p *problems) checkCorrelation(c *Correlation, conditional bool) {
	switch c.Type {
	case EventCount, ValueCount:
		if !conditional {
			p.add(c.line, "%s needs a condition", c.Type)
		}
	case Temporal, TemporalOrdered:
		if !conditional {
			c.bounds = bounds{len(c.Rules), maxCount}
		}
		if c.bounds.least > len(c.Rules) {
			p.add(c.line, "the condition asks for %d of %d rules", c.bounds.least, len(c.Rules))
		}
	default:
		p.add(c.line, "correlation type %q is not supported; supported are event_count, value_count, temporal and "+
			"temporal_ordered", c.Type)
	}
	if c.Type == ValueCount && c.field == "" {
		p.add(c.line, "value_count needs condition.field: whose values are counted")
	}
	if len(c.Rules) == 0 {
		p.add(c.line, "the correlation names no rules")
	}
	if c.Timespan == 0 {
		p.add(c.line, "the correlation has no valid timespan")
	}
}

// bounds reads `condition: {gte: 10}`, for value_count with a field.
func (p *problems) bounds(c *Correlation, n *yaml.Node) {
	c.bounds = bounds{0, maxCount}
	if n.Kind == yaml.ScalarNode {
		p.add(n.Line, "extended conditions (%q) are not supported: write gte, gt, lte, lt or eq", n.Value)
		return
	}
	for _, m := range p.members(n) {
		if m.key == "field" {
			c.field = p.text(m.value)
			continue
		}
		count, err := strconv.Atoi(p.text(m.value))
		if err != nil || count < 0 || count >= maxCount {
			p.add(m.line, "condition.%s: expected a number below %d", m.key, maxCount)
			continue
		}
		switch m.key {
		case "gte":
			c.bounds.least = count
		case "gt":
			c.bounds.least = count + 1
		case "lte":
			c.bounds.most = count
		case "lt":
			c.bounds.most = count - 1
		case "eq":
			c.bounds = bounds{count, count}
		default:
			p.add(m.line, "condition.%s is not supported; supported are gte, gt, lte, lt and eq", m.key)
		}
	}
	if c.bounds.least < 1 || c.bounds.most < c.bounds.least {
		p.add(n.Line, "the condition must need at least one match: what does not happen cannot ring")
	}
}

// aliases reads `alias: {rule: field}`.
func (p *problems) aliases(n *yaml.Node) map[string]map[string]string {
	all := make(map[string]map[string]string)
	for _, alias := range p.members(n) {
		all[alias.key] = make(map[string]string)
		for _, m := range p.members(alias.value) {
			all[alias.key][m.key] = p.text(m.value)
		}
	}
	return all
}

// feed is one rule's part in a correlation.
type feed struct {
	rule     *Rule // the correlation
	part     int   // which of its rules
	group    []field
	value    field // value_count
	hasValue bool
}

// link finds the rules that a correlation counts and gives them their feeds.
func (c *compiler) link(r *Rule) []error {
	var errs []error
	for part, name := range r.Correlation.Rules {
		i := slices.IndexFunc(c.set.compiled, func(one compiled) bool { return one.rule.called(name) })
		if i < 0 {
			errs = append(errs, &Problem{r.File, r.Correlation.line, fmt.Sprintf(
				"the correlation counts rule %q, which is not a loaded rule on single events", name)})
			continue
		}
		counted := &c.set.compiled[i]
		f := feed{rule: r, part: part, hasValue: r.Correlation.field != ""}
		for _, g := range r.Correlation.GroupBy {
			f.group = append(f.group, fieldOf(r.Correlation.resolve(g, name)))
		}
		if f.hasValue {
			f.value = fieldOf(r.Correlation.resolve(r.Correlation.field, name))
		}
		counted.feeds = append(counted.feeds, f)
		// An operator's correlation over a rule of the library must not mute it: nobody would notice.
		if !r.Correlation.Generate && (r.embedded || !counted.rule.embedded) {
			counted.counting = true
		} else {
			counted.ringing = true
		}
	}
	return errs
}

// called reports whether a correlation means r by name.
func (r *Rule) called(name string) bool {
	return name != "" && (name == r.ID || strings.EqualFold(name, r.UUID) || name == r.Name)
}

// resolve gives the field that an alias stands for in one of the rules.
func (c *Correlation) resolve(field, rule string) string {
	if own, ok := c.aliases[field][rule]; ok {
		return own
	}
	return field
}

// CountsOnly reports whether the rule is there for correlations alone: it never matches by itself.
func (s *Set) CountsOnly(r *Rule) bool {
	i := slices.IndexFunc(s.compiled, func(c compiled) bool { return c.rule == r })
	return i >= 0 && s.compiled[i].silent()
}

// Beat is one event's contribution to one correlation: where it counts and what it adds there.
type Beat struct {
	Rule   *Rule    // the correlation
	Group  string   // names the window: the rule's id and a hash of the group's values, [a-z0-9-] only
	Values []string // of the group-by fields, folded
	Member Member
}

// Correlate appends what e contributes to the set's correlations. An event that lacks one of the group-by fields
// contributes nothing: nobody could say to which group.
func (s *Set) Correlate(dst []Beat, e *activity.Event) []Beat {
	if !s.correlating {
		return dst
	}
	p := s.plan(e)
	r := s.runs.Get().(*run)
	r.begin(e)
	r.plan = p
	for i := range p.entries {
		one := &p.entries[i]
		if len(one.feeds) > 0 && r.entry(one) {
			dst = appendBeats(dst, one.feeds, e)
		}
	}
	s.release(r)
	return dst
}

// appendBeats adds one beat for each correlation that counts the rule.
func appendBeats(dst []Beat, feeds []feed, e *activity.Event) []Beat {
	for _, f := range feeds {
		group, ok := first(f.group, e)
		if !ok {
			continue
		}
		m := Member{At: e.Time, ID: e.ID, Part: f.part, Key: lifecycle(e), Form: e.Form}
		if f.hasValue {
			value, ok := first([]field{f.value}, e)
			if !ok {
				continue
			}
			m.Value = value[0]
		}
		dst = append(dst, Beat{Rule: f.rule, Group: groupID(f.rule.ID, group), Values: group, Member: m})
	}
	return dst
}

// first returns the first value of each field, folded: a person in two letter cases is one person.
func first(fields []field, e *activity.Event) ([]string, bool) {
	var texts []string
	for _, f := range fields {
		var v values
		v.read(f, e)
		if len(v.list) == 0 {
			return nil, false
		}
		texts = append(texts, string(v.list[0]))
	}
	return texts, true
}
