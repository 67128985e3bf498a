package rules

import (
	"slices"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
)

// Possible appends the rules that e meets, or would meet if the bodies of its request and answer said the right thing:
// everything else is taken as e says it. A record that carries no body is judged by less than what happened. The most severe
// come first; of these, rules that ask how a body can be read, which say nothing of what it was, are the last.
func (s *Set) Possible(dst []*Rule, e *activity.Event) []*Rule {
	return s.possible(dst, e, func(r *Rule) bool { return !s.roles[r].silent() })
}

// possible is Possible for the rules that are asked about.
func (s *Set) possible(dst []*Rule, e *activity.Event, asked func(*Rule) bool) []*Rule {
	entries := s.plan(e).entries
	r := s.runs.Get().(*run)
	r.begin(e)
	defer s.release(r)
	r.steps = activity.IsPIMRequest(e.Operation) && !e.Properties.SaysWhat()
	had, known := len(dst), make([]truth, len(s.predicates))
	for _, how := range [...]bool{false, true} {
		for i := range entries {
			one := &entries[i]
			if one.how == how && asked(one.rule) && (one.left == nil || r.possible(one.left, known)) {
				dst = append(dst, one.rule)
			}
		}
	}
	slices.SortStableFunc(dst[had:], func(a, b *Rule) int { return b.Level.Rank() - a.Level.Rank() })
	return dst
}

// asksHow reports whether a condition asks how the body of a request can be read.
func (s *Set) asksHow(n *node) bool {
	return n.op == leaf && !s.predicates[n.predicate].item.keyword && s.fields[s.predicates[n.predicate].field].kind == ofRequest ||
		slices.ContainsFunc(n.kids, s.asksHow)
}

// Heeds reports whether the rule meets e, or would if bodies said the right thing (Possible); of a correlation, whether it
// counts e, which takes what the record itself says. Of a rule that the set does not have, nothing is known: true.
func (s *Set) Heeds(rule *Rule, e *activity.Event) bool {
	switch {
	case rule.Correlation != nil:
		return slices.ContainsFunc(s.Correlate(nil, e), func(b Beat) bool { return b.adds(rule) })
	case !slices.Contains(s.rules, rule):
		return true
	}
	return len(s.possible(nil, e, func(r *Rule) bool { return r == rule })) > 0
}

// adds reports whether the beat counts for the correlation, or for one that counts another.
func (b *Beat) adds(to *Rule) bool {
	return b.Rule == to || slices.ContainsFunc(b.above, func(above Beat) bool { return above.adds(to) })
}

// Concerns reports whether an event may meet a rule that alerts, or count for a correlation, of which only operation, the
// operation's name for people, category, outcome and resource id, in lower case, are known. No other is passed by: what the
// engine does not decide by these is left open.
func (s *Set) Concerns(e *activity.Event, resource []byte) bool {
	heeded := s.plan(e).heeded
	if len(heeded) == 0 {
		return false
	}
	for i := range heeded {
		if heeded[i].left == nil {
			return true
		}
	}
	e.ResourceID = string(resource)
	r := s.runs.Get().(*run)
	r.begin(e)
	defer s.release(r)
	return slices.ContainsFunc(heeded, func(one entry) bool { return !r.elsewhere(one.left) })
}

// ReadsBodies reports whether a rule that alerts or is counted may be decided by the bodies of request and answer, which
// other records of the act may carry. Only operation, category and outcome of e are looked at.
func (s *Set) ReadsBodies(e *activity.Event) bool { return s.plan(e).bodies }

// ReadsMore reports whether a rule that alerts or is counted asks such an event for more than its own fields and the bodies
// of request and answer: for other properties, its description, its record, or keywords.
func (s *Set) ReadsMore(e *activity.Event) bool { return s.plan(e).more }

// GroupsByMore reports whether a correlation that counts such an event groups by, or reckons with, something beside its own
// fields.
func (s *Set) GroupsByMore(e *activity.Event) bool { return s.plan(e).grouped }

// heed notes which entries have consequences, and what these ask for.
func (p *plan) heed(s *Set) {
	for i := range p.entries {
		one := p.entries[i]
		if len(one.feeds) == 0 && (one.silent() || !one.rule.Alerts()) {
			continue
		}
		p.heeded = append(p.heeded, one)
		if one.left != nil {
			p.asks(s, one.left)
		}
		for _, f := range one.feeds {
			p.counted = true
			p.grouped = p.grouped || f.readsMore()
		}
	}
}

func (p *plan) asks(s *Set, n *node) {
	for _, kid := range n.kids {
		p.asks(s, kid)
	}
	if n.op != leaf {
		return
	}
	one := &s.predicates[n.predicate]
	fields := []int{one.field}
	if one.ref > 0 {
		fields = append(fields, one.ref-1)
	}
	p.bodies, p.more = p.bodies || one.item.keyword, p.more || one.item.keyword
	for _, i := range fields {
		p.bodies = p.bodies || s.fields[i].ofBody()
		p.more = p.more || s.fields[i].ofMore()
	}
}

// readsMore reports whether the correlation groups by, or reckons with, something beside an event's own fields.
func (f *feed) readsMore() bool {
	return slices.ContainsFunc(slices.Concat(f.group, f.values), func(one field) bool { return one.ofMore() || one.ofBody() }) ||
		slices.ContainsFunc(f.above, func(above feed) bool { return above.readsMore() })
}

// ofMore reports whether the field is neither within a body nor one of the own fields that a caller who keeps many events keeps: the
// description, the operation id and when it was submitted are not.
func (f field) ofMore() bool {
	switch f.kind {
	case inProperties:
		return !f.ofBody()
	case ofRecord, ofClaim, ofSignature, ofDescription, ofSubmittedAt, ofOperationID:
		return true
	}
	return false
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
	if known[n.predicate] == unknown && !p.item.keyword && !r.set.fields[p.field].ofBody() && !(r.steps && r.set.fields[p.field].ofStep()) {
		known[n.predicate] = r.predicate(n.predicate)
	}
}

// ofStep reports whether the field is of a step of Privileged Identity Management.
func (f field) ofStep() bool { return f.kind == inProperties && strings.HasPrefix(f.path, "pim.") }

// ofBody reports whether the field is read in the body of a request or an answer.
func (f field) ofBody() bool {
	if f.kind == ofOpening || f.kind == ofRequest {
		return true
	}
	path := strings.ToLower(f.path)
	return f.kind == inProperties && (strings.HasPrefix(path, "requestbody") || strings.HasPrefix(path, "responsebody"))
}
