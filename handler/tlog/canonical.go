package tlog

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
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

// canonical writes the canonical form of a record: its JSON as RFC 8785 writes it (members sorted by name, no white space,
// one spelling for each string and number), without the store's own members. It is the same for a record as the store keeps
// it and as the command line prints it. The record is read once. The slices are for the next record again.
type canonical struct {
	text    []byte
	in      jsonscan.Cursor
	id      []byte         // the record's own, as JSON
	members []member       // of the objects that are open, the innermost last
	orders  [1 << 10][]int // the order of the last object with members of these names, as far as a hash says
	sorted  []byte         // an object with its members in order
}

// member is one of an object: text[from:to], with its name at the beginning, and a colon at colon.
type member struct {
	from, colon, to int
	head            uint64 // the first bytes of the name: most comparisons need no more
	plain           bool   // the name is ASCII without escapes
}

func (w *canonical) record(raw []byte) error {
	w.text, w.members, w.id = w.text[:0], w.members[:0], nil
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
		m := member{from: len(w.text), head: head(name), plain: jsonscan.Plain(name)}
		w.text = appendString(w.text, name, m.plain)
		m.colon = len(w.text)
		w.text = append(w.text, ':')
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
	w.sorted = append(w.sorted, '}')
	if w.members = w.members[:first]; start == 0 {
		w.text, w.sorted = w.sorted, w.text
		return
	}
	w.text = append(w.text[:start], w.sorted...)
}

// order is the places of members, sorted by name. Most objects have the members of one before them, so the last order of such
// an object is tried first.
func (w *canonical) order(members []member) []int {
	shape := uint64(len(members))
	for i := range members {
		shape = bits.RotateLeft64(shape, 5) ^ members[i].head
	}
	like := &w.orders[shape*0x9e3779b97f4a7c15>>(64-10)]
	if last := *like; len(last) != len(members) || !w.inOrder(members, last) {
		*like = w.sortedPlaces(members, last[:0])
	}
	return *like
}

// inOrder reports whether members at these places, which are all places there are, are sorted.
func (w *canonical) inOrder(members []member, places []int) bool {
	for i := range max(len(places), 1) - 1 {
		if w.compare(&members[places[i]], &members[places[i+1]]) > 0 {
			return false
		}
	}
	return true
}

func (w *canonical) sortedPlaces(members []member, places []int) []int {
	for i := range members {
		places = append(places, i)
	}
	slices.SortFunc(places, func(a, b int) int { return w.compare(&members[a], &members[b]) })
	return places
}

func (w *canonical) value() (err error) {
	switch w.in.First() {
	case '{':
		return w.object(false)
	case '[':
		return w.array()
	case '"':
		raw := w.in.Skip()
		if len(raw) > 1 && (jsonscan.Plain(raw[1:len(raw)-1]) || bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw)) {
			w.text = append(w.text, raw...)
			return nil
		}
		text, err := jsonscan.Unquote(raw)
		w.text = appendString(w.text, []byte(text), false)
		return err
	case 't', 'f', 'n':
		w.text = append(w.text, w.in.Skip()...)
		return nil
	}
	w.text, err = appendNumber(w.text, w.in.Skip())
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

// appendNumber writes a number as ECMAScript does, which is what encoding/json writes for a float64. One that is larger than any of
// those stays as it is: RFC 8785 knows none, and an hour is logged whatever an event says.
func appendNumber(dst, raw []byte) ([]byte, error) {
	n, err := strconv.ParseFloat(string(raw), 64)
	if errors.Is(err, strconv.ErrRange) {
		return append(dst, raw...), nil
	}
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
func appendString(dst, text []byte, plain bool) []byte {
	const short = "btn.fr" // \b is 8
	dst = append(dst, '"')
	if plain {
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

// compare orders members by the UTF-16 code units of their names, as RFC 8785 §3.2.3 asks.
func (w *canonical) compare(a, b *member) int {
	x, y := w.text[a.from:a.colon], w.text[b.from:b.colon]
	switch {
	case !a.plain || !b.plain:
		return slices.Compare(codeUnits(x), codeUnits(y))
	case a.head != b.head:
		return cmp.Compare(a.head, b.head)
	}
	return bytes.Compare(x[:len(x)-1], y[:len(y)-1]) // a quotation mark may sort after what follows it in the other
}

func codeUnits(name []byte) []uint16 {
	text, _ := jsonscan.Unquote(name) // appendString wrote it
	return utf16.Encode([]rune(text))
}

// head is the first eight bytes of a name, as a number that sorts as they do.
func head(name []byte) uint64 {
	if len(name) >= 8 {
		return binary.BigEndian.Uint64(name)
	}
	var b [8]byte
	copy(b[:], name)
	return binary.BigEndian.Uint64(b[:])
}
