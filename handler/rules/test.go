package rules

import (
	"net/netip"
	"regexp"
	"strconv"
)

// test is what a detection item asks of its field's values. Values are folded unless the item is cased or a regular
// expression (field.raw).
type test struct {
	all      bool // every alternative must be met by some value; else one is enough
	negate   bool // `neq`
	null     bool // the field may be missing
	exact    map[string]struct{}
	patterns []pattern
	numbers  []float64
	regexps  []*regexp.Regexp
	nets     []netip.Prefix
	compare  comparison
	bound    float64
	exists   presence
}

type comparison uint8

const (
	noComparison comparison = iota
	less
	lessOrEqual
	greater
	greaterOrEqual
)

// comparisons are the modifiers of numeric order.
var comparisons = map[string]comparison{"lt": less, "lte": lessOrEqual, "gt": greater, "gte": greaterOrEqual}

type presence uint8

const (
	anyPresence presence = iota
	mustExist
	mustMiss
)

// plain reports whether the test is a list of values and nothing else.
func (t *test) plain() bool {
	return len(t.exact) > 0 && !t.all && !t.negate && !t.null && t.exists == anyPresence && t.compare == noComparison &&
		len(t.patterns)+len(t.numbers)+len(t.regexps)+len(t.nets) == 0
}

// holds reports whether the field with these values passes.
func (t *test) holds(vals [][]byte) bool {
	return t.passes(vals) != t.negate
}

// passes is holds without the negation. A field without values passes only what asks for its absence.
func (t *test) passes(vals [][]byte) bool {
	switch {
	case t.exists != anyPresence:
		return (len(vals) > 0) == (t.exists == mustExist)
	case t.compare != noComparison:
		return t.compares(vals)
	case t.null && len(vals) == 0:
		return true
	case t.all:
		return t.everyPattern(vals) && t.everyRegexp(vals) && t.everyNet(vals)
	}
	for _, v := range vals {
		if t.one(v) {
			return true
		}
	}
	return false
}

// one reports whether any alternative is met by v.
func (t *test) one(v []byte) bool {
	if _, ok := t.exact[string(v)]; ok {
		return true
	}
	for i := range t.patterns {
		if t.patterns[i].matches(v) {
			return true
		}
	}
	for _, re := range t.regexps {
		if re.Match(v) {
			return true
		}
	}
	return len(t.nets) > 0 && inAny(t.nets, v) || len(t.numbers) > 0 && t.isNumber(v)
}

// everyPattern, everyRegexp and everyNet are `|all`: each alternative is met by one value or another.
func (t *test) everyPattern(vals [][]byte) bool {
	for i := range t.patterns {
		if !anyOf(vals, t.patterns[i].matches) {
			return false
		}
	}
	return true
}

func (t *test) everyRegexp(vals [][]byte) bool {
	for _, re := range t.regexps {
		if !anyOf(vals, re.Match) {
			return false
		}
	}
	return true
}

func (t *test) everyNet(vals [][]byte) bool {
	for i := range t.nets {
		if !anyOf(vals, func(v []byte) bool { return inAny(t.nets[i:i+1], v) }) {
			return false
		}
	}
	return true
}

func anyOf(vals [][]byte, met func([]byte) bool) bool {
	for _, v := range vals {
		if met(v) {
			return true
		}
	}
	return false
}

// isNumber compares as numbers: 5, 5.0 and "5" are the same figure.
func (t *test) isNumber(v []byte) bool {
	n, ok := number(v)
	if !ok {
		return false
	}
	for _, want := range t.numbers {
		if n == want {
			return true
		}
	}
	return false
}

// compares holds when any value is a number in the right order to the bound.
func (t *test) compares(vals [][]byte) bool {
	for _, v := range vals {
		n, ok := number(v)
		if ok && ordered(t.compare, n, t.bound) {
			return true
		}
	}
	return false
}

func ordered(c comparison, n, bound float64) bool {
	switch c {
	case less:
		return n < bound
	case lessOrEqual:
		return n <= bound
	case greater:
		return n > bound
	case greaterOrEqual:
		return n >= bound
	}
	return false
}

// number reads v; Azure writes one and the same figure as a number here and as a string there (payload variations,
// durationMs), so both compare.
func number(v []byte) (float64, bool) {
	const longest = 32 // a conversion this short stays on the stack
	if len(v) == 0 || len(v) > longest || v[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseFloat(string(v), 64)
	return n, err == nil
}

// inAny reports whether v is an address, alone or with a port, in one of the networks.
func inAny(nets []netip.Prefix, v []byte) bool {
	addr, err := netip.ParseAddr(string(v))
	if err != nil {
		withPort, err := netip.ParseAddrPort(string(v))
		if err != nil {
			return false
		}
		addr = withPort.Addr()
	}
	addr = addr.Unmap().WithZone("")
	for _, n := range nets {
		if n.Contains(addr) {
			return true
		}
	}
	return false
}
