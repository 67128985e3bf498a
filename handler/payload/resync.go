package payload

import (
	"bytes"

	"github.com/auditbell/auditbell/handler/jsonscan"
)

// resync finds where a list goes on behind a malformed element. Azure sends a hundred records as one line, so one that is
// damaged must not take the others with it.
//
// The element ends where its braces balance outside strings, when a record or the list's end follows there. A quote too
// few or too many turns inside and outside about, and a missing brace never balances; then the list goes on at the next
// place that can only be a record's beginning: behind a comma where no element of a nested list can stand, a brace, a
// name in quotes that are not escaped, and a colon, beginning an object that is well-formed and that a form knows. What
// stands inside a string of any record has its quotes escaped and is never taken for one, whatever it looks like. Records
// that were found so are marked (activity.Event.Recovered).
type resync struct {
	f        *frames
	at       int    // the byte that is looked at
	stack    []byte // the brackets that are open within the element; the first is its own
	prev     byte   // the last byte that is no white space
	last     byte   // the last byte
	text     bool   // within a string, counted by quotes from the element's beginning
	escaped  bool
	balanced bool   // the element's brackets are closed, and nothing has followed but a comma
	first    []byte // the name that the element begins with: records of a list begin alike
	passed   []byte // the beginning of the element, as far as it is kept
	start    int    // where it begins, while all of the input is in the window
}

// skipElement moves behind the malformed element at data[pos] and returns its text, of a stream the beginning of it.
func (f *frames) skipElement() []byte {
	r := resync{f: f, start: f.pos, stack: []byte{'{'}}
	if f.inRows() {
		r.stack[0] = '['
	}
	if name := nameAfterBrace(f.data, f.pos); name != nil {
		r.first = bytes.Clone(name)
	}
	if r.at = f.pos; f.data[r.at] == r.stack[0] {
		r.prev = f.data[r.at]
		r.at++
	}
	for ; ; r.at++ {
		if r.at == len(f.data) {
			if r.pass(); f.fill == nil || !f.fill() {
				f.open = f.open[:0]
				return r.element()
			}
			r.at = f.pos
		}
		if r.step() {
			f.pos = r.at
			return r.element()
		}
	}
}

func (f *frames) inRows() bool { return len(f.open) > 0 && f.open[len(f.open)-1] == 'r' }

// pass says that what stands before the byte belongs to the element.
func (r *resync) pass() {
	f := r.f
	if f.fill != nil {
		piece := f.data[f.pos:r.at]
		r.passed = append(r.passed, piece[:min(len(piece), brokenKept-len(r.passed))]...)
	}
	f.pos = r.at
}

// look has some bytes stand in the window behind the one that is looked at.
func (r *resync) look() {
	r.pass()
	for len(r.f.data)-r.f.pos < maxName && r.f.fill != nil && r.f.fill() { //nolint:revive // fill does the work
	}
	r.at = r.f.pos
}

// element is the text that was passed, without the comma that follows it.
func (r *resync) element() []byte {
	text := r.passed
	if r.f.fill == nil {
		text = r.f.data[r.start:r.f.pos]
	}
	return bytes.TrimRight(text, ", \t\r\n")
}

// step looks at one byte and reports whether the list goes on there.
func (r *resync) step() bool {
	c := r.f.data[r.at]
	if c == '{' && r.begins() || c == '[' && r.balanced && r.prev == ',' && r.f.inRows() {
		r.f.comma = false
		r.pass()
		return true
	}
	switch {
	case r.escaped:
		r.escaped = false
	case r.text:
		r.escaped, r.text = c == '\\', c != '"'
	case r.outside(c):
		return true
	}
	if r.last = c; c > ' ' {
		r.prev = c
	}
	return false
}

// outside looks at a byte outside strings, and reports whether the list ends at it.
func (r *resync) outside(c byte) bool {
	if r.balanced && c > ' ' && c != ',' && c != ']' {
		r.balanced = false
	}
	switch c {
	case '"':
		r.text = true
	case '{', '[':
		r.stack = append(r.stack, c)
	case '}', ']':
		if c == ']' && (r.balanced || bytes.IndexByte(r.stack[1:], '[') < 0 && !r.f.inRows()) {
			return r.ends()
		}
		r.close(c - 2) // '}' - 2 == '{', ']' - 2 == '['
	}
	return false
}

// close closes the innermost bracket of a kind and what was left open within it.
func (r *resync) close(opening byte) {
	at := bytes.LastIndexByte(r.stack, opening)
	if at < 0 {
		return
	}
	if r.balanced = at == 0; r.balanced {
		at = 1 // what follows may belong to the element all the same
	}
	r.stack = r.stack[:at]
}

// begins reports whether a brace can only be the beginning of the list's next element, or of the input's next line.
func (r *resync) begins() bool {
	if r.f.inRows() {
		return false
	}
	nested := !r.text && r.stack[len(r.stack)-1] == '['
	line := r.last == '\n' && bytes.IndexByte([]byte(",:["), r.prev) < 0
	if r.prev != ',' && !line && !(r.balanced && r.prev == '}') {
		return false
	}
	r.look()
	name := nameAfterBrace(r.f.data, r.at)
	switch alike := bytes.Equal(name, r.first); {
	case name == nil, nested && !alike:
		return false
	case line:
		r.f.open, r.f.recovered = r.f.open[:0], false // a line stands by itself
		return true
	default:
		ok := r.f.holdsItem(alike)
		r.at = r.f.pos // it may have moved the window
		r.f.recovered = r.f.recovered || ok && !r.balanced
		return ok
	}
}

// ends reports whether a bracket can only be the end of the list.
func (r *resync) ends() bool {
	r.look()
	f := r.f
	next, ok := jsonscan.Space(f.data, r.at+1), false
	switch {
	case next == len(f.data): // of which list does not matter any more
		r.at, f.open = next, f.open[:0]
		r.pass()
		return true
	case len(f.open) > 1 && f.open[len(f.open)-2] == '{':
		ok = r.envelopeEnds(next)
	case len(f.open) > 1:
		ok = f.data[next] == ']' || f.data[next] == ',' && r.balanced
	default:
		ok = bytes.IndexByte(f.data[r.at:next], '\n') >= 0
	}
	f.comma = f.comma || ok
	return ok
}

// envelopeEnds reports whether data[next], behind the end of an envelope's list, is what ends the envelope: its brace and
// the end of the line, of the input or of the list that it stands in; or another member, behind an element that balances.
func (r *resync) envelopeEnds(next int) bool {
	data, nested := r.f.data, len(r.f.open) > 2
	if data[next] == ',' && r.balanced {
		return nameAt(data, jsonscan.Space(data, next+1)) != nil
	}
	behind := jsonscan.Space(data, next+1)
	switch {
	case data[next] != '}':
		return false
	case behind == len(data), bytes.IndexByte(data[next:behind], '\n') >= 0:
		return true
	}
	return nested && (data[behind] == ']' || data[behind] == ',' && nameAfterBrace(data, jsonscan.Space(data, behind+1)) != nil)
}

// maxName bounds how far is looked for a name behind a brace.
const maxName = 256

// nameAfterBrace returns the name of the first member of the object that begins at data[at]: a brace, a name in plain
// quotes and a colon; nil when there is none.
func nameAfterBrace(data []byte, at int) []byte {
	if at >= len(data) || data[at] != '{' {
		return nil
	}
	return nameAt(data, jsonscan.Space(data, at+1))
}

// nameAt returns the name at data[at], which a colon must follow. Names of records are letters, digits and a few signs;
// behind the quote that ends a string stands none of them.
func nameAt(data []byte, at int) []byte {
	if at >= len(data) || data[at] != '"' {
		return nil
	}
	end := at + 1
	for end < len(data) && end-at < maxName && isNameByte(data[end]) {
		end++
	}
	if end == at+1 || end >= len(data) || data[end] != '"' {
		return nil
	}
	if colon := jsonscan.Space(data, end+1); colon >= len(data) || data[colon] != ':' {
		return nil
	}
	return data[at+1 : end]
}

func isNameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '$' || c == '@' || c == '.' || c == '-'
}

// holdsItem reports whether data[pos] begins an item: an object that is well-formed, that a form knows and that stands in
// a list as items do. Of one that begins as the records around it do, a beginning is enough: two may be damaged in a row.
func (f *frames) holdsItem(alike bool) bool {
	for {
		end, list, err := f.item.collect(f.data, f.pos)
		switch {
		case err == nil && list > 0:
			f.item.table.rows = false
			return true
		case err == nil:
			ok, known := f.followed(end)
			if !known && f.refill() {
				continue
			}
			var r Reading
			f.item.classify(&r)
			return ok && (r.Kind != Invalid || alike)
		case !f.incomplete(err):
			return alike
		}
	}
}

// followed reports whether behind data[end] follows what may follow an element of a list. Where that is not so, the
// element that ends there is damaged too: a bracket too many makes it end early. It is not known when the window ends
// before that can be seen.
func (f *frames) followed(end int) (ok, known bool) {
	data := f.data
	if end+1 < len(data) && data[end] == ',' && data[end+1] == '{' {
		return true, true
	}
	next := jsonscan.Space(data, end)
	behind := jsonscan.Space(data, min(next+1, len(data)))
	if behind+maxName > len(data) && f.fill != nil {
		return f.followedBy(next, behind), false
	}
	return f.followedBy(next, behind), true
}

// followedBy is followed for what stands in the window: data[next] and data[behind] are the next two bytes that are no
// white space.
func (f *frames) followedBy(next, behind int) bool {
	data := f.data
	if next >= len(data) {
		return true // the end of the input is reported when it is met
	}
	switch data[next] {
	case ',':
		name := nameAt(data, behind) // of a member, unless the next record has lost its brace: records begin alike
		return behind >= len(data) || data[behind] != '}' && (name == nil || bytes.Equal(name, nameAfterBrace(data, f.pos)))
	case ']':
		return behind >= len(data) || f.listEnds(next, behind)
	case '{':
		return nameAfterBrace(data, next) != nil // a comma is missing, and nothing else
	}
	return false
}

// listEnds reports whether data[behind] may follow the end of the list at data[end].
func (f *frames) listEnds(end, behind int) bool {
	data := f.data
	outer := byte(0)
	if len(f.open) > 1 {
		outer = f.open[len(f.open)-2]
	}
	switch outer {
	case '{':
		return data[behind] == '}' || data[behind] == ',' && nameAfterBrace(data, jsonscan.Space(data, behind+1)) == nil
	case 0:
		return data[behind] != ']' && (data[behind] != ',' || bytes.IndexByte(data[end:behind], '\n') >= 0 ||
			nameAfterBrace(data, jsonscan.Space(data, behind+1)) == nil)
	}
	return data[behind] == ']' || data[behind] == ','
}
