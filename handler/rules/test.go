package rules

import (
	"bytes"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// test is what a detection item asks of its field's values. Values are folded unless the item is cased or a regular
// expression (field.raw).
type test struct {
	all      bool // every alternative must be met by some value; else one is enough
	negate   bool // `neq`
	null     bool // the field may be missing
	exact    map[string]struct{}
	patterns []pattern
	of       []int // by pattern: the value that it is a spelling of; with `all` one spelling of each is enough
	numbers  []float64
	regexps  []*regexp.Regexp
	nets     []netip.Prefix
	compare  comparison
	bound    float64
	exists   presence
	part     timePart // compare a part of a time, as a number
	around   affix    // fieldref: on which sides the value may go on
}

// timePart takes a number out of a time, in UTC (Sigma modifiers appendix, "Time Modifiers").
type timePart func(time.Time) int

var timeParts = map[string]timePart{
	"minute": time.Time.Minute, "hour": time.Time.Hour, "day": time.Time.Day, "year": time.Time.Year,
	"week":  func(t time.Time) int { _, week := t.ISOWeek(); return week },
	"month": func(t time.Time) int { return int(t.Month()) },
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
	return len(t.exact) > 0 && !t.all && !t.negate && !t.null && t.part == nil && t.exists == anyPresence && t.compare == noComparison &&
		len(t.patterns)+len(t.numbers)+len(t.regexps)+len(t.nets) == 0
}

// holds reports whether the field with these values passes. present: the member is there, though it may be null or an
// empty list.
func (t *test) holds(vals [][]byte, present bool) bool {
	return t.passes(vals, present) != t.negate
}

// inDoubt is holds where the field can be read in several ways: yes when it holds under each of them, as far as can be
// said without listing them. Each value belongs to one of them; all of them together may.
func (t *test) inDoubt(vals [][]byte, of reading) truth {
	some, every := false, true
	note := func(vals [][]byte, present bool) {
		held := t.holds(vals, present)
		some, every = some || held, every && held
	}
	note(vals, of.present)
	for i := 0; i < len(vals); {
		end := i + 1
		for end < len(vals) && of.variant(end) {
			end++
		}
		note(vals[i:end], true)
		i = end
	}
	if of.absent {
		note(nil, false)
	}
	switch {
	case every:
		return yes
	case some:
		return maybe
	}
	return no
}

// passes is holds without the negation. A field without values passes only what asks for its absence.
func (t *test) passes(vals [][]byte, present bool) bool {
	switch {
	case t.exists != anyPresence:
		return present == (t.exists == mustExist)
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
	return t.everyOf(func(i int) bool { return anyOf(vals, t.patterns[i].matches) })
}

// everyOf reports whether of every value some spelling is met.
func (t *test) everyOf(met func(pattern int) bool) bool {
	for i := 0; i < len(t.patterns); {
		some, value := false, t.of[i]
		for ; i < len(t.patterns) && t.of[i] == value; i++ {
			some = some || met(i)
		}
		if !some {
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
	n, ok := t.figure(v)
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
		n, ok := t.figure(v)
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

// figure is v as a number, or the part of it, as a time, that the test is about.
func (t *test) figure(v []byte) (float64, bool) {
	if t.part == nil {
		return number(v)
	}
	at, err := time.Parse(time.RFC3339, strings.ToUpper(string(v)))
	return float64(t.part(at.UTC())), err == nil
}

// covers reports whether v is o, or goes on around it on the open sides.
func (a affix) covers(v, o []byte) bool {
	switch {
	case a.head && a.tail:
		return bytes.Contains(v, o)
	case a.head:
		return bytes.HasSuffix(v, o)
	case a.tail:
		return bytes.HasPrefix(v, o)
	}
	return bytes.Equal(v, o)
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
	addr, ok := addressOf(string(v))
	if !ok {
		return false
	}
	for _, n := range nets {
		if n.Contains(addr) {
			return true
		}
	}
	return false
}
