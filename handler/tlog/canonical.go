package tlog

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
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
	var w canonical
	err := w.record(record)
	return append(dst, w.text...), err
}

// canonical writes a canonical form, reading the record once. Its slices are for the next record again.
type canonical struct {
	text    []byte
	in      jsonscan.Cursor
	valid   bool       // the record is valid UTF-8
	id      []byte     // the record's own, as JSON
	members []member   // of the objects that are open, the innermost last
	orders  [256][]int // the order of the last object with as many members and the same first and last one, as far as a hash says
	sorted  []byte     // an object with its members in order
}

// member is one of an object, which stands in text.
type member struct {
	name     []byte
	head     uint64 // the first bytes of the name: most comparisons need no more
	high     bool   // the order of its bytes is not that of its code units
	from, to int
}

func (w *canonical) record(raw []byte) error {
	w.text, w.members, w.id, w.valid = w.text[:0], w.members[:0], nil, utf8.Valid(raw)
	w.in.Reset(raw, 0)
	if !w.in.At('{') {
		return errors.New("write canonical form: the record is not a JSON object")
	}
	err := w.object(true)
	if err = cmp.Or(w.in.Err(), err); err != nil {
		return fmt.Errorf("write canonical form: %w", err)
	}
	if jsonscan.Space(raw, w.in.Pos()) != len(raw) {
		return errors.New("write canonical form: text follows the record")
	}
	return nil
}

// object writes an object; top: it is the record itself. The Cursor refuses a member that is there twice.
func (w *canonical) object(top bool) (err error) {
	first, start := len(w.members), len(w.text)
	for name := range w.in.Members {
		if top && storeOnly(name) {
			continue
		}
		m := member{name: name, head: head(name), high: isHigh(name), from: len(w.text)}
		w.text = append(appendString(w.text, name), ':')
		at := w.in.Pos()
		if err = w.value(); err != nil {
			return err
		}
		if top && string(name) == "id" {
			w.id = w.in.Text()[at:w.in.Pos()]
		}
		m.to = len(w.text)
		w.members = append(w.members, m)
	}
	w.sort(first, start)
	return nil
}

// sort puts the members of an object in order; its text begins at start.
func (w *canonical) sort(first, start int) {
	w.sorted = append(w.sorted[:0], '{')
	members := w.members[first:]
	for i, at := range w.order(members) {
		if i > 0 {
			w.sorted = append(w.sorted, ',')
		}
		w.sorted = append(w.sorted, w.text[members[at].from:members[at].to]...)
	}
	w.text = append(append(w.text[:start], w.sorted...), '}')
	w.members = w.members[:first]
}

// order is the places of members, sorted by name. Most objects have the members of one before them, so the last order of such
// an object is tried first.
func (w *canonical) order(members []member) []int {
	n := len(members)
	if n < 2 {
		return sortedPlaces(members)
	}
	like := &w.orders[(members[0].head^members[n-1].head*3+uint64(n))*0x9e3779b97f4a7c15>>56]
	last := *like
	if len(last) != n {
		last = nil
	}
	for i := range last[min(1, len(last)):] {
		if members[last[i]].compare(&members[last[i+1]]) > 0 {
			last = nil
			break
		}
	}
	if last == nil {
		*like = sortedPlaces(members)
	}
	return *like
}

func sortedPlaces(members []member) []int {
	places := make([]int, len(members))
	for i := range places {
		places[i] = i
	}
	slices.SortFunc(places, func(a, b int) int { return members[a].compare(&members[b]) })
	return places
}

func (w *canonical) value() (err error) {
	switch kind := w.in.Kind(); kind {
	case '{':
		return w.object(false)
	case '[':
		return w.array()
	case '"':
		raw := w.in.Skip()
		if w.valid && bytes.IndexByte(raw, '\\') < 0 {
			w.text = append(w.text, raw...)
			return nil
		}
		text, err := jsonscan.Unquote(raw)
		w.text = appendString(w.text, []byte(text))
		return err
	case '0':
		w.text, err = appendNumber(w.text, w.in.Skip())
	default: // true, false, null
		w.text = append(w.text, w.in.Skip()...)
	}
	return err
}

func (w *canonical) array() (err error) {
	w.text = append(w.text, '[')
	for i := range w.in.Elements {
		if i > 0 {
			w.text = append(w.text, ',')
		}
		if err = w.value(); err != nil {
			return err
		}
	}
	w.text = append(w.text, ']')
	return nil
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
	if isPlain(text) {
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

// isPlain reports whether text is ASCII without a character that JSON escapes.
func isPlain(text []byte) bool {
	for _, c := range text {
		if c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// compare orders names by their UTF-16 code units, as RFC 8785 §3.2.3 asks.
func (m *member) compare(o *member) int {
	switch {
	case m.high || o.high:
		return slices.Compare(utf16.Encode([]rune(string(m.name))), utf16.Encode([]rune(string(o.name))))
	case m.head != o.head:
		return cmp.Compare(m.head, o.head)
	}
	return bytes.Compare(m.name, o.name)
}

// head is the first eight bytes of a name, as a number that sorts as they do.
func head(name []byte) uint64 {
	var b [8]byte
	copy(b[:], name)
	return binary.BigEndian.Uint64(b[:])
}

// isHigh reports whether a name has a rune from U+D000 on, where the order of bytes may differ from that of code units.
func isHigh(name []byte) bool {
	for _, c := range name {
		if c >= 0xed {
			return true
		}
	}
	return false
}
