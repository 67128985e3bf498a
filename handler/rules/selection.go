package rules

import (
	"go.yaml.in/yaml/v4"

	"github.com/auditbell/auditbell/handler/activity"
)

// Selection is one Sigma selection that stands outside of a rule, as exceptions have it: a mapping (all of it), or a
// list of mappings (any of them), with the fields, modifiers and values of rules. It is safe for concurrent use.
type Selection struct{ set *Set }

// ReadSelection reads a selection from the YAML node n of file. The problems, each a *Problem, are everything that is
// wrong with it; with any of them the Selection is nil.
func ReadSelection(n *yaml.Node, file string) (*Selection, []error) {
	p := problems{file: file}
	n = deref(n)
	if n.Kind == yaml.ScalarNode {
		p.add(n.Line, "expected a selection such as {caller: a@example.com}, found %s", kindName(n))
		return nil, p.list
	}
	e := p.parseSelection("selection", n)
	if len(p.list) > 0 {
		return nil, p.list
	}
	set, err := Compile([]*Rule{{ID: "selection", File: file, Line: n.Line, detection: e, selections: []*expr{e}}})
	if err != nil {
		return nil, []error{err}
	}
	return &Selection{set}, nil
}

// ReadsRecord is Set.ReadsRecord for the selection.
func (s *Selection) ReadsRecord() bool { return s.set.ReadsRecord() }

// Matches reports whether e meets the selection however e is read: where a request can be read in two ways, and meets it
// in one of them only, it does not.
func (s *Selection) Matches(e *activity.Event) bool { return s.set.certain(e) }
