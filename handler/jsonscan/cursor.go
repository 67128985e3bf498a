package jsonscan

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Cursor reads one text from front to back, once. A caller descends into the objects and arrays whose members it
// knows and lets the rest be stepped over; either way every byte is checked exactly once.
//
// Unlike Object, which leaves it to the caller, Members also reports a name that stands twice in one object: readers
// disagree on which of the two counts, so an object that is read by name must not hold any.
type Cursor struct {
	data  []byte
	pos   int
	depth int
	err   error
}

// DuplicateError reports a member name that stands twice in an object that was read by name. The text is well-formed
// nevertheless: a caller may step over the object with Value and go on behind it.
type DuplicateError struct {
	Offset int // of the second one
	Name   string
}

func (e *DuplicateError) Error() string {
	return fmt.Sprintf("member %.64q stands twice, again at byte %d", e.Name, e.Offset)
}

// NewCursor returns a Cursor at the value that starts at data[at], leading white space allowed.
func NewCursor(data []byte, at int) *Cursor { return &Cursor{data: data, pos: Space(data, at)} }

// Reset makes c read the value that starts at data[at], as NewCursor would.
func (c *Cursor) Reset(data []byte, at int) { *c = Cursor{data: data, pos: Space(data, at)} }

// Pos is the offset the Cursor stands at: that of the value before it is read, that behind it afterwards.
func (c *Cursor) Pos() int { return c.pos }

// Text is the text the Cursor reads; Pos counts in it.
func (c *Cursor) Text() []byte { return c.data }

// Err is the first error met; a Cursor with an error reads nothing more.
func (c *Cursor) Err() error { return c.err }

// Kind is the class of the value the Cursor stands at, see the function Kind.
func (c *Cursor) Kind() byte {
	if c.err != nil || c.pos >= len(c.data) {
		return 0
	}
	return Kind(c.data[c.pos : c.pos+1])
}

// First is the first byte of the value the Cursor stands at, 0 where there is none.
func (c *Cursor) First() byte {
	if c.err != nil || c.pos >= len(c.data) {
		return 0
	}
	return c.data[c.pos]
}

// At reports whether the value the Cursor stands at starts with b: '{', '[' or '"'.
func (c *Cursor) At(b byte) bool { return c.err == nil && c.pos < len(c.data) && c.data[c.pos] == b }

// Skip checks the value the Cursor stands at, moves behind it and returns its raw span; nil after an error.
func (c *Cursor) Skip() []byte {
	if c.err != nil {
		return nil
	}
	start := c.pos
	if start < len(c.data) && c.data[start] == '"' { // most values are strings without escapes
		if end := special(c.data, start+1); end < len(c.data) && c.data[end] == '"' {
			c.pos = end + 1
			return c.data[start : end+1]
		}
	}
	end, err := value(c.data, start, c.depth)
	if c.pos = end; err != nil {
		c.err = err
		return nil
	}
	return c.data[start:end]
}

// Members iterates over the object the Cursor stands at: for each member it yields the name, escapes resolved, with
// the Cursor at the member's value. The loop body may read the value (Skip, Members, Elements); if it does not,
// the value is skipped. After the loop the Cursor is behind the object; after a break it is where the body left it
// and must not be used further.
func (c *Cursor) Members(yield func(name []byte) bool) {
	var names nameSet
	if len(c.data) >= 1<<31-1 {
		names.n = tableLimit // offsets would not fit
	}
	for more := c.open('{'); more; {
		name, ok := c.usualName(&names)
		if !ok {
			if name = c.name(&names); c.err != nil {
				return
			}
		}
		at := c.pos
		if !yield(name) {
			return
		}
		if i := c.pos; i > at && c.err == nil && i+1 < len(c.data) && c.data[i] == ',' && c.data[i+1] > ' ' {
			c.pos = i + 1 // the usual separator in compact text
			continue
		}
		more = c.next(at, '}')
	}
}

// Elements iterates over the array the Cursor stands at, by the rules of Members; it yields the element's index.
func (c *Cursor) Elements(yield func(i int) bool) {
	i := 0
	for more := c.open('['); more; i++ {
		at := c.pos
		if !yield(i) {
			return
		}
		more = c.next(at, ']')
	}
}

// open steps into a container and reports whether it has a first element.
func (c *Cursor) open(opening byte) bool {
	if c.err != nil {
		return false
	}
	if c.pos >= len(c.data) || c.data[c.pos] != opening {
		return c.fail(c.pos, "expected "+string(rune(opening)))
	}
	if c.depth >= MaxDepth {
		return c.fail(c.pos, tooDeep)
	}
	i := Space(c.data, c.pos+1)
	if i < len(c.data) && c.data[i] == opening+2 { // '{' + 2 == '}', '[' + 2 == ']'
		c.pos = i + 1
		return false
	}
	c.pos = i
	c.depth++
	return true
}

// next moves behind the element that started at at, and reports whether another one follows.
func (c *Cursor) next(at int, closing byte) bool {
	if c.pos == at {
		c.Skip()
	}
	if c.err != nil {
		return false
	}
	if i := c.pos; i+1 < len(c.data) && c.data[i] == ',' && c.data[i+1] > ' ' {
		c.pos = i + 1
		return true
	}
	pos, done, err := separator(c.data, c.pos, closing)
	if c.pos = pos; err != nil {
		c.err = err
	}
	if done {
		c.depth--
	}
	return !done && err == nil
}

// usualName reads `"name":` as compact text has it, when no name before could be the same. Nearly all names are read
// here, which is kept small for it.
func (c *Cursor) usualName(names *nameSet) (name []byte, ok bool) {
	data, start := c.data, c.pos+1
	if c.pos >= len(data) || data[c.pos] != '"' {
		return nil, false
	}
	i := special(data, start)
	if i+2 >= len(data) || data[i] != '"' || data[i+1] != ':' || data[i+2] <= ' ' {
		return nil, false
	}
	slot := nameHash(data[start:i]) % uint64(len(names.slots))
	if names.slots[slot] != 0 || names.n >= tableLimit {
		return nil, false
	}
	names.slots[slot] = int32(start + 1)
	names.n++
	c.pos = i + 2
	return data[start:i], true
}

// name reads `"name" :` and moves to the value.
func (c *Cursor) name(names *nameSet) []byte {
	start := c.pos + 1
	if c.pos >= len(c.data) || c.data[c.pos] != '"' {
		c.fail(c.pos, expectedName)
		return nil
	}
	name, plain := c.slowName(start, special(c.data, start))
	if c.err == nil && names.add(c.data, name, start, plain) {
		c.err = &DuplicateError{start - 1, string(name)}
	}
	return name
}

// slowName reads a name that starts at data[start] and may have an escape at data[i], and what follows it.
func (c *Cursor) slowName(start, i int) (name []byte, plain bool) {
	end, err := strRest(c.data, i)
	if err == nil {
		c.pos, err = colon(c.data, end)
	}
	if c.err = err; err != nil {
		return nil, false
	}
	name = c.data[start : end-1]
	if plain = end == i+1; !plain {
		name = appendUnescaped(nil, name)
	}
	return name, plain
}

func (c *Cursor) fail(at int, reason string) bool {
	c.err = &SyntaxError{at, reason}
	return false
}

// nameSet finds a name that stands twice in one object. The usual object has 5 to 30 members, so the first 48 names
// are kept by offset in a small hash table on the stack; what comes beyond, and names with escapes, go to a map.
type nameSet struct {
	slots [64]int32 // offset of a name + 1, open addressing
	n     int
	more  map[string]struct{}
}

const tableLimit = 48 // three quarters of the slots: probing stays short

// add reports whether the name, which starts at data[at], was added before.
func (s *nameSet) add(data, name []byte, at int, plain bool) bool {
	slot := nameHash(name) % uint64(len(s.slots))
	for ; s.slots[slot] != 0; slot = (slot + 1) % uint64(len(s.slots)) {
		old := data[s.slots[slot]-1:]
		if len(old) > len(name) && old[len(name)] == '"' && bytes.Equal(old[:len(name)], name) {
			return true
		}
	}
	if plain && s.n < tableLimit {
		s.slots[slot] = int32(at + 1)
		s.n++
		return false
	}
	return s.addMore(name)
}

func (s *nameSet) addMore(name []byte) (dup bool) {
	if _, dup = s.more[string(name)]; dup {
		return true
	}
	if s.more == nil {
		s.more = make(map[string]struct{})
		s.n = tableLimit // whatever follows is looked for in both
	}
	s.more[string(name)] = struct{}{}
	return false
}

// nameHash mixes the length with the last eight bytes: claim names share their first fifty.
func nameHash(name []byte) uint64 {
	var x uint64
	if n := len(name); n >= 8 {
		x = binary.LittleEndian.Uint64(name[n-8:])
	} else {
		for _, c := range name {
			x = x<<8 | uint64(c)
		}
	}
	x = (x ^ uint64(len(name))) * 0x9E3779B97F4A7C15
	return x >> 58
}
