package rules

import (
	"strings"
	"sync"
	"sync/atomic"

	"github.com/auditbell/auditbell/handler/activity"
)

// memo remembers, for each combination of operation, category and outcome seen, what is left of the rules once these
// are known. A subscription uses some hundreds of operations; 29 of the 35 rules that SigmaHQ has for the Activity Log
// read nothing but the operation, so for them a look-up is the whole match.
type memo struct {
	mu    sync.RWMutex
	plans map[planKey]*plan
	last  [512]atomic.Pointer[plan] // asked for last, by planKey.place: found without a lock and without hashing whole texts
}

// planKey must hold everything that keyed fields read (field.keyed), and nothing that grows without bound.
type planKey struct {
	operation, display string
	category           activity.Category
	outcome            activity.Outcome
}

// place differs for most keys: it is made of every fourth letter of the operation and the other texts' lengths.
func (k *planKey) place() int {
	h := uint(len(k.display) ^ len(k.category)<<4 ^ len(k.outcome)<<6)
	for i := len(k.operation) - 1; i >= 0; i -= 4 {
		h = h*31 + uint(k.operation[i])
	}
	return int(h % uint(len(memo{}.last)))
}

// maxPlans bounds the memo; it starts again when full. maxKey keeps what a caller can make up out of it: operations
// are Azure's, but nothing proves that.
const (
	maxPlans = 8192
	maxKey   = 512
)

// plan is what remains to be asked of events with one key.
type plan struct {
	key     planKey // where the memo has it
	entries []entry
	// wordless are the entries that can match where no keyword of the set occurs; wordy: these are fewer.
	wordless []entry
	wordy    bool
	open     bool    // some entry needs the event; else all of them match
	heeded   []entry // those that alert or are counted
	bodies   bool    // see Set.ReadsBodies
	more     bool    // see Set.ReadsMore
	grouped  bool    // see Set.GroupsByMore
	counted  bool    // some entry is counted by a correlation
	words    *search // the keywords in the texts of the key
}

// entry is one rule that may match.
type entry struct {
	*compiled
	left *node // what is still to be asked; nil: the rule matches
	// gate is one more than the field of a list of values without which left cannot hold, 0 where there is none: many
	// rules over one field are passed by together when the event has none of their values.
	gate int
}

// plan returns the plan for e, from the memo where it can.
func (s *Set) plan(e *activity.Event) *plan {
	key := planKey{e.Operation, e.OperationDisplay, e.Category, e.Outcome}
	last := &s.memo.last[key.place()]
	if p := last.Load(); p != nil && p.key == key {
		return p
	}
	s.memo.mu.RLock()
	p := s.memo.plans[key]
	s.memo.mu.RUnlock()
	if p != nil {
		last.Store(p)
		return p
	}
	p = s.newPlan(e)
	if len(key.operation)+len(key.display)+len(key.category)+len(key.outcome) > maxKey {
		return p
	}
	key = planKey{ // copies: the event's texts may be parts of a large payload
		strings.Clone(key.operation), strings.Clone(key.display),
		activity.Category(strings.Clone(string(key.category))), activity.Outcome(strings.Clone(string(key.outcome))),
	}
	p.key = key
	s.memo.mu.Lock()
	defer s.memo.mu.Unlock()
	if len(s.memo.plans) >= maxPlans {
		clear(s.memo.plans)
	}
	s.memo.plans[key] = p
	return p
}

// newPlan reduces every rule by what the key tells.
func (s *Set) newPlan(e *activity.Event) *plan {
	r := s.newRun()
	r.begin(e)
	known, silent := make([]truth, len(s.predicates)), make([]truth, len(s.predicates))
	for i := range s.predicates {
		switch p := &s.predicates[i]; {
		case p.item.keyword:
			silent[i] = no
		case s.fields[p.field].keyed():
			known[i] = r.predicate(i)
			silent[i] = known[i]
		}
	}
	p := &plan{words: s.wordsOf(e)}
	for i := range s.compiled {
		c := &s.compiled[i]
		left := reduce(c.condition, known)
		switch {
		case left == never:
			continue
		case left == always:
			left = nil
		default:
			p.open = true
		}
		one := entry{c, left, s.gate(left)}
		p.entries = append(p.entries, one)
		if left == nil || reduce(left, silent) != never {
			p.wordless = append(p.wordless, one)
		}
	}
	p.wordy = len(p.wordless) < len(p.entries)
	p.heed(s)
	return p
}

// gate finds a plain predicate that must hold for n to hold.
func (s *Set) gate(n *node) int {
	switch {
	case n == nil:
		return 0
	case n.op == leaf && s.predicates[n.predicate].plain:
		return s.predicates[n.predicate].field + 1
	case n.op == and:
		for _, kid := range n.kids {
			if g := s.gate(kid); g > 0 {
				return g
			}
		}
	}
	return 0
}

// truth is what is known of a predicate. Maybe: it holds under some reading of the event and not under every one (see
// reading). A rule matches unless the answer is no; an exception needs yes. So a second value can never silence.
type truth uint8

const (
	unknown truth = iota
	yes
	no
	maybe
)

func opposite(t truth) truth {
	switch t {
	case yes:
		return no
	case no:
		return yes
	}
	return t
}

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// always and never are what conditions reduce to when everything that matters is known.
var always, never = &node{op: and}, &node{op: or}

// reduce returns what is left of n once the known predicates are replaced by their truth.
func reduce(n *node, known []truth) *node {
	if n.op == leaf {
		switch known[n.predicate] {
		case yes:
			return always
		case no:
			return never
		}
		return n
	}
	var left []*node // most nodes are decided by their first kid, and nothing is left of them
	met := 0
	for i, kid := range n.kids {
		switch k := reduce(kid, known); {
		case k == always && n.op == or, k == never && n.op == and:
			return k
		case k == always:
			met++
		case k != never:
			if left == nil {
				left = make([]*node, 0, len(n.kids)-i)
			}
			left = append(left, k)
		}
	}
	return combine(n, left, met)
}

// combine rebuilds an inner node of which met kids are true, the kids in left are open and all others are false.
func combine(n *node, left []*node, met int) *node {
	need := 0 // how many of left must still hold
	switch n.op {
	case not:
		switch {
		case len(left) > 0:
			return &node{op: not, kids: left}
		case met > 0:
			return never
		}
		return always
	case and:
		need = len(n.kids) - met
	case or:
		need = 1 - met
	case atLeast:
		need = n.need - met
	}
	switch {
	case need <= 0:
		return always
	case need > len(left):
		return never
	case len(left) == 1:
		return left[0]
	case need == len(left):
		return &node{op: and, kids: left}
	}
	return &node{op: atLeast, need: need, kids: left}
}
