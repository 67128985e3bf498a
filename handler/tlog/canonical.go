package tlog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/auditbell/auditbell/handler/jsonscan"
)

// storeOnly reports whether a member of a stored record is the store's and not the event's: where it lies, until when, and
// by which attempt it was written.
func storeOnly(name []byte) bool {
	switch string(name) {
	case "pk", "hour", "ttl", "by", "actor":
		return true
	}
	return len(name) > 0 && name[0] == '_'
}

// AppendCanonical appends the canonical form of a record: its JSON as RFC 8785 writes it (members sorted by name, no
// white space, one spelling for each string and number), without the store's own members. It is the same for a record as
// the store keeps it and as the command line prints it.
func AppendCanonical(dst, record []byte) ([]byte, error) {
	w := canonical{dst: dst}
	err := w.object(record, true)
	return w.dst, err
}

// canonical writes a canonical form. Its slices are for the next record again.
type canonical struct {
	dst     []byte
	members []member // of the objects that are open, the innermost last
	id      []byte   // the record's own, as JSON
}

type member struct{ name, value []byte }

var idName = []byte("id")

// object writes an object; top: it is the record itself.
func (w *canonical) object(raw []byte, top bool) error {
	first := len(w.members)
	err := jsonscan.Object(raw, func(name, value []byte) error {
		if bytes.IndexByte(name, '\\') >= 0 {
			text, err := jsonscan.Unquote(slices.Concat([]byte{'"'}, name, []byte{'"'}))
			if err != nil {
				return err
			}
			name = []byte(text)
		}
		if top && bytes.Equal(name, idName) {
			w.id = value
		}
		if !top || !storeOnly(name) {
			w.members = append(w.members, member{name, value})
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write canonical form: %w", err)
	}
	last := len(w.members)
	slices.SortFunc(w.members[first:], func(a, b member) int { return compareUTF16(a.name, b.name) })
	w.dst = append(w.dst, '{')
	for i := first; i < last; i++ {
		m := w.members[i]
		if i > first {
			if bytes.Equal(w.members[i-1].name, m.name) {
				return fmt.Errorf("write canonical form: member %q is there twice", m.name)
			}
			w.dst = append(w.dst, ',')
		}
		w.dst = append(appendString(w.dst, m.name), ':')
		if err := w.value(m.value); err != nil {
			return err
		}
	}
	w.dst, w.members = append(w.dst, '}'), w.members[:first]
	return nil
}

func (w *canonical) value(raw []byte) (err error) {
	switch c := raw[0]; {
	case c == '{':
		return w.object(raw, false)
	case c == '[':
		return w.array(raw)
	case c == '"' && bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw):
		w.dst = append(w.dst, raw...)
	case c == '"':
		var text string
		text, err = jsonscan.Unquote(raw)
		w.dst = appendString(w.dst, []byte(text))
	case c == '-' || c >= '0' && c <= '9':
		w.dst, err = appendNumber(w.dst, raw)
	default: // true, false, null
		w.dst = append(w.dst, raw...)
	}
	return err
}

func (w *canonical) array(raw []byte) error {
	first := true
	w.dst = append(w.dst, '[')
	err := jsonscan.Array(raw, func(value []byte) error {
		if !first {
			w.dst = append(w.dst, ',')
		}
		first = false
		return w.value(value)
	})
	w.dst = append(w.dst, ']')
	return err
}

// appendNumber writes a number as ECMAScript does, which is what encoding/json writes for a float64.
func appendNumber(dst, raw []byte) ([]byte, error) {
	n, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		return dst, fmt.Errorf("write canonical form: number %s: %w", raw, err)
	}
	if n == 0 {
		return append(dst, '0'), nil // -0 too
	}
	text, err := json.Marshal(n)
	return append(dst, text...), err
}

// appendString writes a string as RFC 8785 §3.2.2.2 does.
func appendString(dst, text []byte) []byte {
	const short = "btn.fr" // \b is 8
	dst = append(dst, '"')
	if !slices.ContainsFunc(text, func(c byte) bool { return c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf }) {
		return append(append(dst, text...), '"')
	}
	for _, c := range bytes.ToValidUTF8(text, []byte("\uFFFD")) {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c >= 8 && c <= 13 && c != 11:
			dst = append(dst, '\\', short[c-8])
		case c < ' ':
			dst = fmt.Appendf(dst, `\u%04x`, c)
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// compareUTF16 orders names by their UTF-16 code units, as RFC 8785 §3.2.3 asks.
func compareUTF16(a, b []byte) int {
	if c := bytes.Compare(a, b); c == 0 || isBelowSurrogates(a) && isBelowSurrogates(b) {
		return c
	}
	return slices.Compare(utf16.Encode([]rune(string(a))), utf16.Encode([]rune(string(b))))
}

// isBelowSurrogates reports whether the order of bytes is that of code units: no byte begins a rune from U+D000 on.
func isBelowSurrogates(s []byte) bool {
	return !slices.ContainsFunc(s, func(c byte) bool { return c >= 0xed })
}
