package rules

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Filter is a Sigma filter (filters specification 2.1): a condition that is added to the conditions of other rules. It
// never matches by itself.
type Filter struct {
	Rules []string // by id, Sigma id or name; empty: every rule on single events
	line  int
}

// parseFilter reads a `filter:` block: the rules it is for, and a detection.
func (p *problems) parseFilter(r *Rule, m pair) {
	f := &Filter{line: m.line}
	detection := &yaml.Node{Kind: yaml.MappingNode, Line: m.line, Column: m.value.Column}
	named := false
	for i := 0; m.value.Kind == yaml.MappingNode && i+1 < len(m.value.Content); i += 2 {
		key, value := m.value.Content[i], deref(m.value.Content[i+1])
		if key.Value != "rules" {
			detection.Content = append(detection.Content, key, value)
			continue
		}
		named = true
		if f.Rules = p.texts(value); len(f.Rules) == 1 && strings.EqualFold(f.Rules[0], "any") {
			f.Rules = nil
		}
	}
	if !named {
		p.add(m.line, "the filter does not say for which rules it is: write rules with a list of ids, or any")
	}
	r.Filter = f
	p.parseDetection(r, detection)
}

// covers reports whether the filter is for the rule.
func (f *Filter) covers(r *Rule) bool {
	return len(f.Rules) == 0 || slices.ContainsFunc(f.Rules, r.called)
}

// filtered is the rule's detection with those of the filters for it, and all their selections.
func (s *Set) filtered(r *Rule) (detection *expr, selections []*expr) {
	detection, selections = r.detection, r.selections
	for _, f := range s.filters {
		if f.Filter.covers(r) {
			detection = &expr{op: and, kids: []*expr{detection, f.detection}}
			selections = slices.Concat(selections, f.selections)
		}
	}
	return detection, selections
}

// lostFilters are the filters that name rules which the set does not have.
func (s *Set) lostFilters() []error {
	var errs []error
	for _, f := range s.filters {
		for _, name := range f.Filter.Rules {
			if !slices.ContainsFunc(s.rules, func(r *Rule) bool { return r.detection != nil && r.called(name) }) {
				errs = append(errs, &Problem{f.File, f.Filter.line, 0, fmt.Sprintf("the filter is for rule %q, which is not loaded", name)})
			}
		}
	}
	return errs
}
