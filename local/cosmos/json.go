package cosmos

import (
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

// kind orders values the way ORDER BY does: undefined, null, boolean, number, string, array, object
// (learn.microsoft.com/azure/cosmos-db/nosql/query/min gives the middle of that order).
type kind uint8

const (
	undefined kind = iota
	null
	boolean
	number
	text
	array
	object
	// unsure is the outcome of comparing two different types with "=": Microsoft's page says undefined, the
	// offline engine in Microsoft's .NET SDK says false. Both keep a row out of a WHERE, so it may only be used
	// where the difference cannot show; anywhere else evaluation fails.
	unsure
	// raw is text that is JSON already, for answers that carry stored items.
	raw
)

// value is one JSON value, or undefined. Objects keep their properties in order: names[i] belongs to items[i].
type value struct {
	kind  kind
	truth bool
	num   float64
	str   string
	items []value
	names []string
}

// Values are made by these; undefined is the zero value.
func boolOf(b bool) value      { return value{kind: boolean, truth: b} }
func numberOf(n float64) value { return value{kind: number, num: n} }
func textOf(s string) value    { return value{kind: text, str: s} }

// isTrue reports whether v is the boolean true; nothing else counts as true in this query language.
func (v value) isTrue() bool { return v.kind == boolean && v.truth }

// isWhole reports whether v is a number without a fraction that a double holds exactly.
func (v value) isWhole() bool {
	return v.kind == number && v.num == math.Trunc(v.num) && math.Abs(v.num) <= 1<<53
}

// member returns the property called name, or undefined.
func (v value) member(name string) value {
	if i := v.find(name); i >= 0 {
		return v.items[i]
	}
	return value{}
}

// find returns the position of a property, or -1, also for what is no object. Objects are small, so it looks along the
// list; a map per object would cost more than it saves.
func (v value) find(name string) int {
	if v.kind != object {
		return -1
	}
	return slices.Index(v.names, name)
}

// with returns a copy of the object in which name has value x. The receiver stays as it is.
func (v value) with(name string, x value) value {
	if i := v.find(name); i >= 0 {
		v.items = slices.Clone(v.items)
		v.items[i] = x
		return v
	}
	v.items = append(slices.Clip(v.items), x)
	v.names = append(slices.Clip(v.names), name)
	return v
}

// without returns a copy of the object that lacks the named properties.
func (v value) without(names ...string) value {
	out := value{kind: object, items: make([]value, 0, len(v.items)), names: make([]string, 0, len(v.names))}
	for i, name := range v.names {
		if !slices.Contains(names, name) {
			out.items = append(out.items, v.items[i])
			out.names = append(out.names, name)
		}
	}
	return out
}

// equal compares deeply; the order of an object's properties does not matter.
func equal(a, b value) bool {
	if a.kind != b.kind || len(a.items) != len(b.items) {
		return false
	}
	switch a.kind {
	case boolean:
		return a.truth == b.truth
	case number:
		return a.num == b.num
	case text:
		return a.str == b.str
	case array:
		return slices.EqualFunc(a.items, b.items, equal)
	case object:
		for i, name := range a.names {
			if j := b.find(name); j < 0 || !equal(a.items[i], b.items[j]) {
				return false
			}
		}
	}
	return true
}

// appendJSON writes v as compact JSON. An undefined element or property is left out, as the service does.
func appendJSON(dst []byte, v value) []byte {
	switch v.kind {
	case null:
		return append(dst, "null"...)
	case boolean:
		return strconv.AppendBool(dst, v.truth)
	case number:
		return appendNumber(dst, v.num)
	case text:
		return appendText(dst, v.str)
	case array:
		return appendArray(dst, v)
	case object:
		return appendObject(dst, v)
	case raw:
		return append(dst, v.str...)
	}
	return dst
}

// appendArray writes what is defined of an array.
func appendArray(dst []byte, v value) []byte {
	dst = append(dst, '[')
	for _, item := range v.items {
		if item.kind == undefined {
			continue
		}
		dst = append(appendJSON(dst, item), ',')
	}
	return closeWith(dst, ']')
}

// appendObject writes what is defined of an object, in the order in which it came.
func appendObject(dst []byte, v value) []byte {
	dst = append(dst, '{')
	for i, item := range v.items {
		if item.kind == undefined {
			continue
		}
		dst = append(appendText(dst, v.names[i]), ':')
		dst = append(appendJSON(dst, item), ',')
	}
	return closeWith(dst, '}')
}

// closeWith ends a list, replacing the comma after its last element.
func closeWith(dst []byte, end byte) []byte {
	if dst[len(dst)-1] == ',' {
		dst[len(dst)-1] = end
		return dst
	}
	return append(dst, end)
}

// appendNumber writes the shortest text that reads back as the same double. Cosmos DB keeps numbers as doubles
// ("Maximum numeric precision: IEEE 754 double-precision 64-bit", learn.microsoft.com/azure/cosmos-db/concepts-limits),
// so 9007199254740993 comes back as 9007199254740992 there and here.
func appendNumber(dst []byte, n float64) []byte {
	if n == math.Trunc(n) && math.Abs(n) < 1e15 {
		return strconv.AppendInt(dst, int64(n), 10)
	}
	format := byte('f')
	if abs := math.Abs(n); abs < 1e-6 || abs >= 1e21 {
		format = 'e'
	}
	return strconv.AppendFloat(dst, n, format, -1, 64)
}

const hexDigits = "0123456789abcdef"

// appendText escapes only what JSON demands; everything else stays UTF-8, as the service sends it.
func appendText(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[start:i]...)
		dst = appendEscape(dst, c)
		start = i + 1
	}
	return append(append(dst, s[start:]...), '"')
}

// appendEscape writes one character that cannot stand for itself.
func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}

// depth limits nesting: "Maximum level of nesting for embedded objects / arrays: 128" (concepts-limits).
const maxNesting = 128

// decodeJSON reads exactly one JSON value. It is stricter than encoding/json where the service's answer is not
// documented: invalid UTF-8, lone surrogates, numbers too large for a double and repeated property names are
// refused. It exists beside encoding/json because query evaluation decodes every item it looks at, needs undefined,
// and must tell an absent property from null; fuzzing holds it to encoding/json's verdicts.
func decodeJSON(src string) (value, error) {
	if !utf8.ValidString(src) {
		return value{}, badRequest("The request body is not valid UTF-8.")
	}
	d := decoder{src: src}
	d.space()
	v, err := d.value(0)
	if err != nil {
		return value{}, err
	}
	d.space()
	if d.pos != len(src) {
		return value{}, d.fail("text after the JSON value")
	}
	return v, nil
}
