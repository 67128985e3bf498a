package rules

import (
	"slices"

	"github.com/auditbell/auditbell/handler/activity"
)

// Match appends the rules that e meets to dst, the most severe first, and returns it. Experimental rules are among
// them (see Rule.Rings), rules that only count for correlations are not (see Correlate). It allocates nothing for an
// event that meets no rule.
func (s *Set) Match(dst []*Rule, e *activity.Event) []*Rule {
	p := s.plan(e)
	if !p.open {
		for i := range p.entries {
			dst = p.entries[i].met(dst)
		}
		return dst
	}
	r := s.runs.Get().(*run)
	r.begin(e)
	r.plan = p
	entries := p.entries
	if p.wordy && !r.anyWord() {
		entries = p.wordless
	}
	for i := range entries {
		if r.entry(&entries[i]) != no {
			dst = entries[i].met(dst)
		}
	}
	s.release(r)
	return dst
}

// certain reports whether some rule of the set matches e however e is read.
func (s *Set) certain(e *activity.Event) bool {
	r := s.runs.Get().(*run)
	r.begin(e)
	defer s.release(r)
	return slices.ContainsFunc(s.compiled, func(c compiled) bool { return r.holds(c.condition) == yes })
}

// release hands a run back without what it evaluated.
func (s *Set) release(r *run) {
	r.event, r.plan = nil, nil
	s.runs.Put(r)
}

// met appends the rule unless it only counts for correlations.
func (e *entry) met(dst []*Rule) []*Rule {
	if e.silent() {
		return dst
	}
	return append(dst, e.rule)
}

// run is the evaluation of one event: what was asked and read is remembered until the next begins.
type run struct {
	set    *Set
	event  *activity.Event
	plan   *plan   // nil while a plan is made, and in Explain
	truths []truth // by predicate
	spans  []span  // by field: where its values stand in values.list
	number uint64  // of the event; 0 is none
	values values
	search search // the keywords found in the event
	steps  bool   // Possible: what kind of step the event is stands in its body alone
}

// span is a range of values.list, valid for the event of that number.
type span struct {
	from, to int
	number   uint64
	listed   bool // some rule lists one of the values
	reading
}

// newRun sizes a run for the set, so that no event makes it grow.
func (s *Set) newRun() *run {
	return &run{
		set: s, truths: make([]truth, len(s.predicates)), spans: make([]span, len(s.fields)),
		search: search{hits: make([]bool, len(s.words.atoms))},
	}
}

// begin forgets the event before.
func (r *run) begin(e *activity.Event) {
	r.event = e
	clear(r.truths)
	r.number++
	r.values.reset()
	r.search.done = false
}

// entry answers what is left of a rule.
func (r *run) entry(e *entry) truth {
	if e.gate > 0 {
		if r.read(e.gate - 1); !r.spans[e.gate-1].listed {
			return no
		}
	}
	if e.left == nil {
		return yes
	}
	return r.holds(e.left)
}

// holds evaluates a condition as far as the result needs it, by Kleene's logic: maybe stays maybe unless another part
// decides.
func (r *run) holds(n *node) truth {
	switch n.op {
	case leaf:
		return r.predicate(n.predicate)
	case not:
		return opposite(r.holds(n.kids[0]))
	case and:
		all := yes
		for _, kid := range n.kids {
			switch r.holds(kid) {
			case no:
				return no
			case maybe:
				all = maybe
			}
		}
		return all
	}
	need := max(n.need, 1) // or is at least one
	certain, possible := 0, 0
	for _, kid := range n.kids {
		switch r.holds(kid) {
		case yes:
			if certain++; certain == need {
				return yes
			}
			possible++
		case maybe:
			possible++
		}
	}
	if possible >= need {
		return maybe
	}
	return no
}

// predicate answers a question, once for each event.
func (r *run) predicate(i int) truth {
	if t := r.truths[i]; t != unknown {
		return t
	}
	p := &r.set.predicates[i]
	var t truth
	switch {
	case p.item.keyword:
		t = r.keywords(p)
	case p.ref > 0:
		t = r.sameAs(p)
	default:
		vals := r.read(p.field)
		switch at := &r.spans[p.field]; {
		case at.doubt:
			t = p.item.test.inDoubt(vals, at.reading)
		case p.plain:
			t = truthOf(r.truths[i] == yes)
		default:
			t = truthOf(p.item.test.holds(vals, at.present))
		}
	}
	r.truths[i] = t
	return t
}

// sameAs compares two fields (fieldref): some value of one is, begins, ends or contains some value of the other.
func (r *run) sameAs(p *predicate) truth {
	vals := r.read(p.field)
	others := r.read(p.ref - 1)
	const most = 1 << 20 // pairs; who writes more may mean any of them
	if len(vals)*len(others) > most {
		return maybe
	}
	t := no
	for _, v := range vals {
		for _, o := range others {
			if p.item.test.around.covers(v, o) {
				t = yes
			}
		}
	}
	if t == yes && (r.spans[p.field].doubt || r.spans[p.ref-1].doubt) {
		t = maybe
	}
	if p.item.test.negate {
		return opposite(t)
	}
	return t
}

// read returns the values of a field. It reads it once for each event, and then answers yes to every plain predicate
// that lists one of the values; the others find no answer and are false.
func (r *run) read(i int) [][]byte {
	at := &r.spans[i]
	if at.number == r.number {
		return r.values.list[at.from:at.to]
	}
	at.from, at.number, at.listed = len(r.values.list), r.number, false
	r.values.read(r.set.fields[i], r.event)
	at.to, at.reading = len(r.values.list), r.values.reading
	vals := r.values.list[at.from:at.to]
	for _, v := range vals {
		for _, p := range r.set.listed[i][string(v)] {
			if at.listed = true; !at.doubt {
				r.truths[p] = yes
			}
		}
	}
	return vals
}

// keywords says whether any (with `|all`: every one) of the keywords occurs.
func (r *run) keywords(p *predicate) truth {
	r.find()
	t := truthOf(p.occurs(r.search.hits))
	if t == yes && !p.occurs(r.search.known.hits) && !p.occurs(r.search.certain(&r.set.words, r.event)) {
		return maybe
	}
	return t
}

func (p *predicate) occurs(hits []bool) bool {
	if !p.item.test.all {
		return slices.ContainsFunc(p.atoms, func(a int) bool { return hits[a] })
	}
	t := &p.item.test
	expressions := p.atoms[len(t.patterns):] // keywords lists them behind the patterns
	return t.everyOf(func(i int) bool { return hits[p.atoms[i]] }) &&
		!slices.ContainsFunc(expressions, func(a int) bool { return !hits[a] })
}

// anyWord reports whether any keyword of any rule occurs; most events hold none, and are spared all keyword rules.
func (r *run) anyWord() bool {
	r.find()
	return r.search.any
}

// find searches the event for keywords, once.
func (r *run) find() {
	if !r.search.done {
		r.search.rest(&r.set.words, r.event, r.knownWords())
	}
}

// knownWords are the keywords in the texts of the plan's key.
func (r *run) knownWords() *search {
	if r.plan != nil {
		return r.plan.words
	}
	return r.set.wordsOf(r.event)
}

func (s *Set) wordsOf(e *activity.Event) *search {
	found := &search{hits: make([]bool, len(s.words.atoms))}
	found.begin(&s.words, e)
	return found
}
