package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
)

// Set is a compiled rule set. It is safe for concurrent use.
//
// An event meets only the rules that could match it: what a rule asks of operation, category and outcome is decided
// once for each combination of them and remembered (see memo); what is left of the rules after that is evaluated
// against the event, each distinct question once however many rules ask it.
type Set struct {
	rules      []*Rule // most severe first, otherwise in the order given
	compiled   []compiled
	predicates []predicate
	fields     []field       // of the predicates, each once
	listed     []listing     // by field: the predicates that are lists of plain values
	asked      map[*item]int // the predicate that stands for an item; for Explain
	words      words         // all keywords of all rules
	memo       memo
	runs       sync.Pool
	// correlating tells sets without correlations, which need not match an event twice.
	correlating bool
	roles       map[*Rule]role   // of what correlations count
	feeds       map[*Rule][]feed // the correlations that count a rule
	filters     []*Rule
	// Lateness is how long after the newest of its group an event may come and still be counted by correlations.
	Lateness time.Duration
}

// DefaultLateness is Set.Lateness of a new Set: feeds run minutes apart, and what Azure publishes late is an hour late
// at most in nearly all cases.
const DefaultLateness = time.Hour

// compiled is a rule on single events, ready to match.
type compiled struct {
	rule      *Rule
	condition *node
	how       bool   // it asks how the body of a request can be read
	feeds     []feed // the correlations that count it
	role
}

// predicate is one question that rules ask of an event.
type predicate struct {
	item  *item
	field int   // index into Set.fields; for keywords meaningless
	ref   int   // one more than the index of the field it is compared with; 0: none
	plain bool  // a list of values and nothing else: answered by Set.listed
	atoms []int // for keywords: what to look for, indexes into Set.words.atoms
}

// listing finds the predicates that a value answers, however many rules list values of the field.
type listing map[string][]int

// node is a condition over predicates.
type node struct {
	op        op
	need      int // for atLeast
	predicate int // for leaf
	kids      []*node
}

// Compile indexes the rules. Rules that are switched off are left aside. What cannot be used (a second rule with one id,
// a correlation or a filter that refers to nothing) is left out and named by the error; the Set has all others.
func Compile(rules []*Rule) (*Set, error) {
	s := &Set{asked: make(map[*item]int), roles: make(map[*Rule]role), feeds: make(map[*Rule][]feed), Lateness: DefaultLateness}
	errs := s.take(rules)
	slices.SortStableFunc(s.rules, func(a, b *Rule) int { return b.Level.Rank() - a.Level.Rank() })
	c := compiler{set: s, predicates: make(map[string]int), fields: make(map[field]int), atoms: make(map[string]int)}
	errs = append(errs, c.all()...)
	s.words.build()
	s.memo.plans = make(map[planKey]*plan)
	s.runs.New = func() any { return s.newRun() }
	if err := errors.Join(errs...); err != nil {
		return s, fmt.Errorf("compile rules:\n%w", err)
	}
	return s, nil
}

// take enters the rules that are on, each id once.
func (s *Set) take(rules []*Rule) []error {
	var errs []error
	first := make(map[string]*Rule)
	for _, r := range rules {
		if other, ok := first[r.ID]; ok {
			errs = append(errs, &Problem{r.File, r.Line, 0, fmt.Sprintf("rule id %q is taken by %s", r.ID, other.Where())})
			continue
		}
		switch first[r.ID] = r; {
		case r.Off():
		case r.Filter != nil:
			s.filters = append(s.filters, r)
		default:
			s.rules = append(s.rules, r)
		}
	}
	return errs
}

// Problems takes an error of Load or Compile apart.
func Problems(err error) []*Problem {
	var list []*Problem
	switch e := err.(type) { //nolint:errorlint // what is wrapped is reached by the cases themselves
	case *Problem:
		list = append(list, e)
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			list = append(list, Problems(one)...)
		}
	case interface{ Unwrap() error }:
		list = Problems(e.Unwrap())
	}
	return list
}

// ReadsRecord reports whether some rule names a field that events do not hold.
func (s *Set) ReadsRecord() bool {
	return slices.ContainsFunc(s.fields, func(f field) bool { return f.kind == ofRecord || f.kind == ofClaim || f.kind == ofSignature })
}

// Correlates reports whether the set has correlations.
func (s *Set) Correlates() bool { return s.correlating }

// Rules returns the set's rules, the most severe first.
func (s *Set) Rules() []*Rule { return slices.Clone(s.rules) }

// Rule returns the rule with the given id, nil when the set has none.
func (s *Set) Rule(id string) *Rule {
	if i := slices.IndexFunc(s.rules, func(r *Rule) bool { return r.ID == id }); i >= 0 {
		return s.rules[i]
	}
	return nil
}

// compiler gives equal questions one number.
type compiler struct {
	set        *Set
	predicates map[string]int
	fields     map[field]int
	atoms      map[string]int
}

// all compiles the set's rules, and then the correlations over them.
func (c *compiler) all() []error {
	errs := c.set.lostFilters()
	for _, r := range c.set.rules {
		if r.detection != nil {
			condition := c.rule(r)
			c.set.compiled = append(c.set.compiled, compiled{rule: r, condition: condition, how: c.set.asksHow(condition)})
		}
	}
	return append(errs, c.link()...)
}

// rule compiles the condition, with the outcomes that alert as one more part of it.
func (c *compiler) rule(r *Rule) *node {
	detection, selections := c.set.filtered(r)
	condition := c.node(detection)
	for _, selection := range selections {
		c.node(selection) // also those that the condition does not use: Explain shows them
	}
	if len(r.Auditbell.Outcomes) == 0 {
		return condition
	}
	return &node{op: and, kids: []*node{c.leaf(outcomeItem(r.Auditbell.Outcomes)), condition}}
}

// outcomeItem is the detection item that `auditbell.outcomes` stands for; null lets unknown outcomes alert.
func outcomeItem(outcomes []activity.Outcome) *item {
	i := &item{name: "outcome", field: field{kind: ofOutcome}, test: test{null: true, exact: map[string]struct{}{}}}
	for _, o := range outcomes {
		i.wants = append(i.wants, string(o))
		i.test.exact[folded(outcomeWords[o][0])] = struct{}{}
	}
	return i
}

// node compiles a condition, selections included.
func (c *compiler) node(e *expr) *node {
	if e.op == leaf {
		return c.leaf(e.item)
	}
	n := &node{op: e.op, need: e.need}
	for _, kid := range e.kids {
		n.kids = append(n.kids, c.node(kid))
	}
	return n
}

// leaf gives an item the number of its question; rules that ask the same share the answer.
func (c *compiler) leaf(i *item) *node {
	key := i.key()
	at, ok := c.predicates[key]
	if !ok {
		at = len(c.set.predicates)
		c.predicates[key] = at
		c.set.predicates = append(c.set.predicates, c.predicate(i))
		c.list(at)
	}
	c.set.asked[i] = at
	return &node{op: leaf, predicate: at}
}

// predicate makes a new question and enters what it reads.
func (c *compiler) predicate(i *item) predicate {
	p := predicate{item: i}
	if i.keyword {
		p.atoms = c.keywords(i)
		return p
	}
	p.field, p.plain = c.field(i.field), i.test.plain()
	if i.ref != nil {
		p.ref, p.plain = c.field(*i.ref)+1, false
	}
	return p
}

// field gives a field its number.
func (c *compiler) field(f field) int {
	at, ok := c.fields[f]
	if !ok {
		at = len(c.set.fields)
		c.fields[f] = at
		c.set.fields = append(c.set.fields, f)
		c.set.listed = append(c.set.listed, listing{})
	}
	return at
}

// list enters a plain predicate under each of its values.
func (c *compiler) list(at int) {
	p := &c.set.predicates[at]
	if !p.plain {
		return
	}
	for value := range p.item.test.exact {
		c.set.listed[p.field][value] = append(c.set.listed[p.field][value], at)
	}
}

// keywords numbers what a keyword item looks for.
func (c *compiler) keywords(i *item) []int {
	var list []atom
	for _, p := range i.test.patterns {
		list = append(list, atom{pattern: p, cased: i.field.raw})
	}
	for _, re := range i.test.regexps {
		list = append(list, atom{regexp: re})
	}
	var numbers []int
	for _, a := range list {
		key := a.key()
		at, ok := c.atoms[key]
		if !ok {
			at = len(c.set.words.atoms)
			c.atoms[key] = at
			c.set.words.atoms = append(c.set.words.atoms, a)
		}
		numbers = append(numbers, at)
	}
	return numbers
}

// key is equal for items that ask the same question.
func (i *item) key() string {
	_, mods, _ := strings.Cut(i.name, "|")
	ref := ""
	if i.ref != nil {
		ref = fmt.Sprint(*i.ref)
	}
	return fmt.Sprintf("%v|%v|%s|%q|%v|%v|%s", i.keyword, i.field, mods, i.wants, i.test.numbers, i.test.null, ref)
}
