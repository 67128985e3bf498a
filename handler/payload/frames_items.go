package payload

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/auditbell/auditbell/handler/jsonscan"
)

// value reads the value at data[pos]: an item, a list, or a string that holds either.
func (f *frames) value(c byte) (Reading, bool) {
	switch c {
	case '{':
		return f.object()
	case '[':
		return f.enter(f.pos, '[')
	}
	end, ok, r := f.measure(f.pos)
	if !ok {
		return r, true
	}
	raw := f.data[f.pos:end]
	f.pos = end
	f.comma = true
	if c == '"' && f.peel(raw) {
		return Reading{}, false
	}
	r = invalidf("%s, expected an object", kindName(raw))
	r.Raw = raw
	return r, true
}

// kindName names a scalar for a reason.
func kindName(raw []byte) string {
	switch jsonscan.Kind(raw) {
	case '"':
		return "a string"
	case '0':
		return "a number"
	case 'n':
		return "null"
	}
	return "a boolean"
}

// object reads the object at data[pos], or enters it when it is an envelope.
func (f *frames) object() (Reading, bool) {
	for {
		end, list, err := f.collect(f.data, f.pos)
		var twice *jsonscan.DuplicateError
		switch {
		case list > 0:
			return f.enter(list, '{', '[')
		case err == nil:
			return f.reading(end, f.classify), true
		case errors.As(err, &twice):
			end, ok, r := f.measure(f.pos)
			if !ok {
				return r, true
			}
			return f.reading(end, func() Reading { return f.duplicate(twice) }), true
		case !f.incomplete(err):
			return f.broken(err)
		}
	}
}

// duplicate says which member stands twice. The offset is known only where it counts from the start of the input.
func (f *frames) duplicate(err *jsonscan.DuplicateError) Reading {
	return invalidf("member %.64q stands twice in one object", err.Name)
}

// reading makes the reading of the item that ends at data[end] and moves behind it.
func (f *frames) reading(end int, read func() Reading) Reading {
	raw := f.data[f.pos:end]
	r := Reading{}
	if f.unclean && !utf8.Valid(raw) {
		r = invalid(f.notUTF8(raw))
	} else {
		r = read()
	}
	r.Raw = raw
	f.noteLines(raw, end)
	f.pos = end
	f.comma = true
	return r
}

// notUTF8 says where the first invalid byte stands.
func (f *frames) notUTF8(raw []byte) string {
	at := 0
	for at < len(raw) {
		r, size := utf8.DecodeRune(raw[at:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		at += size
	}
	member := ""
	_ = jsonscan.Object(raw, func(name, value []byte) error {
		if member == "" && !utf8.Valid(value) {
			member = fmt.Sprintf(" in member %.64q", name)
		}
		return nil
	})
	return fmt.Sprintf("invalid UTF-8%s at byte %d", member, f.offset(f.pos+at))
}

// noteLines decides once, by the first value, whether the input is JSON Lines.
func (f *frames) noteLines(raw []byte, end int) {
	if f.first || len(f.open) > 0 {
		return
	}
	f.first = true
	rest := bytes.TrimLeft(f.data[end:], " \t,\r")
	f.lines = bytes.IndexByte(raw, '\n') < 0 && len(rest) > 0 && rest[0] == '\n'
}

// peel opens a string that holds an item or a list, as relays and bindings deliver them.
func (f *frames) peel(raw []byte) bool {
	text, err := jsonscan.AppendUnquote(nil, raw)
	if kind := jsonscan.Kind(text); err != nil || f.layer >= peelLayers || kind != '{' && kind != '[' && kind != '"' {
		return false
	}
	f.inner = newFrames(text, nil)
	f.inner.layer = f.layer + 1
	return true
}

// enter steps into a list whose '[' is at data[at].
func (f *frames) enter(at int, lists ...byte) (Reading, bool) {
	if len(f.open)+len(lists) > maxLists {
		return f.broken(&jsonscan.SyntaxError{Offset: at, Reason: fmt.Sprintf("lists nested deeper than %d", maxLists)})
	}
	f.open = append(f.open, lists...)
	f.pos = at + 1
	f.comma = false
	return Reading{}, false
}

// measure returns the end of the value at data[at], reading more input as needed; not ok when it is broken, with the
// reading that says so.
func (f *frames) measure(at int) (end int, ok bool, r Reading) {
	ahead := at - f.pos
	for {
		end, err := jsonscan.Value(f.data, f.pos+ahead)
		if err == nil && (end < len(f.data) || f.fill == nil) {
			return end, true, Reading{}
		}
		if err == nil && !f.fill() {
			return end, true, Reading{}
		}
		if err != nil && !f.incomplete(err) {
			r, _ = f.broken(err)
			return 0, false, r
		}
	}
}

// incomplete reports whether err may come from the window's end, and then whether there was more to read. An escape
// or a literal cut off by the end is reported at its start, a few bytes before.
func (f *frames) incomplete(err error) bool {
	const longestToken = len(`\u0000`)
	var syntax *jsonscan.SyntaxError
	return errors.As(err, &syntax) && f.fill != nil && syntax.Offset+longestToken >= len(f.data) && f.fill()
}

// envelopeRest reads what follows an envelope's list: more members, such as nextLink, and the end.
func (f *frames) envelopeRest(c byte) (Reading, bool) {
	if c == '}' {
		f.pos++
		f.closeList()
		return Reading{}, false
	}
	if c != ',' {
		return f.broken(&jsonscan.SyntaxError{Offset: f.pos, Reason: "expected ',' or '}'"})
	}
	for {
		name, at, err := memberAfter(f.data, f.pos)
		if err == nil && isList(name) && jsonscan.Kind(f.data[at:]) == '[' {
			return f.enter(at, '[')
		}
		if err == nil {
			f.pos, err = jsonscan.Value(f.data, at)
		}
		if err == nil {
			return Reading{}, false
		}
		if !f.incomplete(err) {
			return f.broken(err)
		}
	}
}

// memberAfter reads `, "name" :` at data[i] and returns the value's offset.
func memberAfter(data []byte, i int) (name []byte, at int, err error) {
	i = jsonscan.Space(data, i+1)
	if i >= len(data) || data[i] != '"' {
		return nil, 0, &jsonscan.SyntaxError{Offset: i, Reason: "expected a member name"}
	}
	end, err := jsonscan.Value(data, i)
	if err != nil {
		return nil, 0, err
	}
	colon := jsonscan.Space(data, end)
	if colon >= len(data) || data[colon] != ':' {
		return nil, 0, &jsonscan.SyntaxError{Offset: colon, Reason: "expected ':' after the member name"}
	}
	if at = jsonscan.Space(data, colon+1); at >= len(data) {
		return nil, 0, &jsonscan.SyntaxError{Offset: at, Reason: "unexpected end of text"}
	}
	return data[i+1 : end-1], at, nil
}

// broken reports the malformed piece that starts at data[pos] and moves to where reading can go on: the next line in
// JSON Lines; else the next line that starts an object or an array at its very first byte, because the lines of a
// document that was printed over several lines are indented.
func (f *frames) broken(err error) (Reading, bool) {
	var syntax *jsonscan.SyntaxError
	reason := err.Error()
	if errors.As(err, &syntax) {
		reason = fmt.Sprintf("%s at byte %d", syntax.Reason, f.offset(syntax.Offset))
	}
	r := invalid("not JSON: " + reason)
	anyLine := f.lines && len(f.open) == 0
	f.repair = f.repair || len(f.open) > 0
	f.open, f.comma = f.open[:0], false
	r.Raw = f.skipBroken(anyLine)
	return r, true
}

// skipBroken moves to the next line to go on with and returns what was passed, as far as the window held it.
func (f *frames) skipBroken(anyLine bool) []byte {
	from := f.pos
	for {
		next := nextLine(f.data, from, anyLine)
		if next >= 0 {
			raw := f.data[f.pos:next]
			f.pos = next
			return bytes.TrimRight(raw, "\r\n")
		}
		ahead := len(f.data) - f.pos
		if f.fill == nil || !f.fill() {
			raw := f.data[f.pos:]
			f.pos = len(f.data)
			return raw
		}
		from = f.pos + max(ahead-1, 0) // the window may end between a line's end and the next line's first byte
	}
}

// nextLine returns the offset of the first line behind data[from] to go on with; -1 when there is none in the window.
func nextLine(data []byte, from int, anyLine bool) int {
	for i := from; ; {
		end := bytes.IndexByte(data[i:], '\n')
		if end < 0 || i+end+1 >= len(data) {
			return -1
		}
		i += end + 1
		if anyLine || data[i] == '{' || data[i] == '[' {
			return i
		}
	}
}
