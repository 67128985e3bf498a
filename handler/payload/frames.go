package payload

import (
	"bytes"
	"unicode/utf8"

	"github.com/auditbell/auditbell/handler/jsonscan"
)

// frames cuts input into items and reads each: a single object, an array, JSON Lines with or without commas behind
// the lines, an envelope that lists items, JSON in a string, and any of these within another. It works on a window of
// the input, so that a file of any size needs only the memory of its largest item.
type frames struct {
	item
	data []byte      // the window
	pos  int         // where the next item starts in it
	base int64       // input offset of data[0]
	fill func() bool // appends to data and may move data[pos:] to its start; false at the end of the input

	open    []byte // the lists we are in: '[' an array, '{' the object around an envelope's array
	comma   bool   // the list's last element was read: a comma or the end must follow
	lines   bool   // the input is JSON Lines: its first value ends where its line ends
	first   bool   // the first value was seen
	repair  bool   // a broken list was left: what closes it may still follow
	inner   *frames
	layer   int
	unclean bool // the input may hold invalid UTF-8: look at each item
}

// maxLists bounds how deep lists nest: records of an array of event-hub messages of a JSON Lines file make three.
const maxLists = 8

func newFrames(data []byte, fill func() bool) *frames {
	return &frames{data: data, fill: fill, unclean: fill != nil || !utf8.Valid(data)}
}

// skipMark skips the byte order mark that Windows tools put before UTF-8.
func (f *frames) skipMark() {
	if bytes.HasPrefix(f.data[f.pos:], []byte("\xef\xbb\xbf")) {
		f.pos += 3
	}
}

// all iterates over the readings.
func (f *frames) all(yield func(Reading) bool) {
	for {
		r, ok := f.next()
		if !ok || !yield(r) {
			return
		}
	}
}

// next reads the next item; false at the end of the input.
func (f *frames) next() (Reading, bool) {
	for {
		if f.inner != nil {
			if r, ok := f.inner.next(); ok {
				return r, true
			}
			f.inner = nil
		}
		if !f.space() {
			return f.end()
		}
		if r, done := f.step(); done {
			return r, true
		}
	}
}

// space moves to the next byte that is not white space; false at the end of the input.
func (f *frames) space() bool {
	for {
		f.pos = jsonscan.Space(f.data, f.pos)
		if f.pos < len(f.data) {
			return true
		}
		if f.fill == nil || !f.fill() {
			return false
		}
	}
}

// end reports a list that the input leaves open.
func (f *frames) end() (Reading, bool) {
	if len(f.open) == 0 || f.repair {
		return Reading{}, false
	}
	f.open = f.open[:0]
	r := invalidf("not JSON: the input ends within a list, at byte %d", f.offset(f.pos))
	return r, true
}

func (f *frames) offset(at int) int64 { return f.base + int64(at) }

// step takes one step at data[pos], which is not white space, and reports whether it led to a reading.
func (f *frames) step() (Reading, bool) {
	c := f.data[f.pos]
	if len(f.open) == 0 {
		return f.topLevel(c)
	}
	if f.open[len(f.open)-1] == '{' {
		return f.envelopeRest(c)
	}
	switch {
	case c == ']':
		f.pos++
		f.closeList()
		return Reading{}, false
	case f.comma && c == ',':
		f.pos++
		f.comma = false
		return Reading{}, false
	case f.comma:
		return f.broken(&jsonscan.SyntaxError{Offset: f.pos, Reason: "expected ',' or ']'"})
	}
	return f.value(c)
}

// topLevel reads between the values of the input. JSON Lines may have a comma behind each line.
func (f *frames) topLevel(c byte) (Reading, bool) {
	if c == ',' || f.repair && (c == ']' || c == '}') {
		f.pos++
		return Reading{}, false
	}
	return f.value(c)
}

func (f *frames) closeList() {
	f.open = f.open[:len(f.open)-1]
	f.comma = true
}
