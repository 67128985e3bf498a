package rules

import (
	"slices"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
)

// Possible appends the rules that e meets, or would meet if the bodies of its request and answer said the right thing:
// everything else is taken as e says it. A record that carries no body is judged by less than what happened.
func (s *Set) Possible(dst []*Rule, e *activity.Event) []*Rule {
	r := s.runs.Get().(*run)
	r.begin(e)
	defer s.release(r)
	known := make([]truth, len(s.predicates))
	for i := range s.compiled {
		c := &s.compiled[i]
		if s.roles[c.rule].silent() || !r.possible(c.condition, known) {
			continue
		}
		dst = append(dst, c.rule)
	}
	return dst
}

// Concerns reports whether an event may meet a rule, or count for a correlation, of which only operation, the operation's
// name for people, category, outcome and resource id are known.
func (s *Set) Concerns(e *activity.Event) bool {
	p := s.plan(e)
	if len(p.entries) == 0 {
		return false
	}
	r := s.runs.Get().(*run)
	r.begin(e)
	defer s.release(r)
	return slices.ContainsFunc(p.entries, func(one entry) bool { return one.left == nil || !r.elsewhere(one.left) })
}

// elsewhere reports whether a condition cannot hold, because it asks for another resource.
func (r *run) elsewhere(n *node) bool {
	switch n.op {
	case and:
		return slices.ContainsFunc(n.kids, r.elsewhere)
	case leaf:
		p := &r.set.predicates[n.predicate]
		return !p.item.keyword && p.ref == 0 && r.set.fields[p.field].kind == ofResourceID && r.predicate(n.predicate) == no
	}
	return false
}

// possible reports whether the condition can hold. known is a memo of predicates, shared by all rules.
func (r *run) possible(n *node, known []truth) bool {
	r.learn(n, known)
	return reduce(n, known) != never
}

// learn evaluates the predicates below n that bodies have no part in.
func (r *run) learn(n *node, known []truth) {
	if n.op != leaf {
		for _, kid := range n.kids {
			r.learn(kid, known)
		}
		return
	}
	p := &r.set.predicates[n.predicate]
	if known[n.predicate] == unknown && !p.item.keyword && !r.set.fields[p.field].ofBody() {
		known[n.predicate] = r.predicate(n.predicate)
	}
}

// ofBody reports whether the field is read in the body of a request or an answer.
func (f field) ofBody() bool {
	if f.kind == ofOpening || f.kind == ofRequest {
		return true
	}
	path := strings.ToLower(f.path)
	return f.kind == inProperties && (strings.HasPrefix(path, "requestbody") || strings.HasPrefix(path, "responsebody"))
}
