package rules

import (
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
