package cosmos

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// decoder reads JSON from src. Strings without escapes share src's memory.
type decoder struct {
	src string
	pos int // of the next byte; may be beyond the end after an escape that is cut off
}

// fail says where the text stops being JSON. It is the client's fault, hence 400.
func (d *decoder) fail(what string) error {
	return badRequest(fmt.Sprintf("The request body is not valid JSON: %s at byte %d.", what, d.pos))
}

// space skips the four characters that JSON calls white space, and no others.
func (d *decoder) space() {
	for d.pos < len(d.src) {
		switch d.src[d.pos] {
		case ' ', '\t', '\r', '\n':
			d.pos++
		default:
			return
		}
	}
}

// peek returns the next byte, or 0 at the end; 0 starts no JSON value.
func (d *decoder) peek() byte {
	if d.pos < len(d.src) {
		return d.src[d.pos]
	}
	return 0
}

// value reads whatever comes next. depth counts the arrays and objects around it.
func (d *decoder) value(depth int) (value, error) {
	if depth > maxNesting {
		return value{}, d.fail("nesting deeper than 128 levels")
	}
	switch c := d.peek(); {
	case c == '{':
		return d.object(depth)
	case c == '[':
		return d.array(depth)
	case c == '"':
		s, err := d.text()
		return textOf(s), err
	case c == '-' || c >= '0' && c <= '9':
		return d.number()
	}
	return d.word()
}

// word reads true, false and null.
func (d *decoder) word() (value, error) {
	rest := d.src[d.pos:]
	switch {
	case strings.HasPrefix(rest, "true"):
		d.pos += 4
		return boolOf(true), nil
	case strings.HasPrefix(rest, "false"):
		d.pos += 5
		return boolOf(false), nil
	case strings.HasPrefix(rest, "null"):
		d.pos += 4
		return value{kind: null}, nil
	}
	return value{}, d.fail("no value")
}

// array reads from [ to ].
func (d *decoder) array(depth int) (value, error) {
	out := value{kind: array}
	d.pos++ // [
	d.space()
	if d.peek() == ']' {
		d.pos++
		return out, nil
	}
	for {
		d.space()
		item, err := d.value(depth + 1)
		if err != nil {
			return value{}, err
		}
		out.items = append(out.items, item)
		more, err := d.more(']')
		if err != nil || !more {
			return out, err
		}
	}
}

// object reads from { to }.
func (d *decoder) object(depth int) (value, error) {
	out := value{kind: object}
	d.pos++ // {
	d.space()
	if d.peek() == '}' {
		d.pos++
		return out, nil
	}
	// Most objects are small; growing one step at a time would cost more than the room.
	out.names, out.items = make([]string, 0, 8), make([]value, 0, 8)
	for {
		name, err := d.name()
		if err != nil {
			return value{}, err
		}
		item, err := d.value(depth + 1)
		if err != nil {
			return value{}, err
		}
		out.names = append(out.names, name)
		out.items = append(out.items, item)
		more, err := d.more('}')
		if err != nil {
			return value{}, err
		}
		if !more {
			return out, d.distinct(out.names)
		}
	}
}

// name reads a property name and the colon after it.
func (d *decoder) name() (string, error) {
	d.space()
	if d.peek() != '"' {
		return "", d.fail("no property name")
	}
	name, err := d.text()
	if err != nil {
		return "", err
	}
	d.space()
	if d.peek() != ':' {
		return "", d.fail("no colon after a property name")
	}
	d.pos++
	d.space()
	return name, nil
}

// more reads a comma (true) or the closing bracket (false).
func (d *decoder) more(end byte) (bool, error) {
	d.space()
	c := d.peek()
	if c != ',' && c != end {
		return false, d.fail("no comma or closing bracket")
	}
	d.pos++
	return c == ',', nil
}

// distinct refuses repeated names: which of the two the service would keep is not documented.
func (d *decoder) distinct(names []string) error {
	if len(names) <= 32 {
		for i, name := range names {
			if slices.Contains(names[:i], name) {
				return d.fail("property " + strconv.Quote(name) + " given twice")
			}
		}
		return nil
	}
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		if seen[name] {
			return d.fail("property " + strconv.Quote(name) + " given twice")
		}
		seen[name] = true
	}
	return nil
}

// number checks the grammar itself, because strconv takes more than JSON does (hexadecimal, underscores, Inf).
func (d *decoder) number() (value, error) {
	start := d.pos
	if d.peek() == '-' {
		d.pos++
	}
	whole := d.digits()
	if whole == 0 || whole > 1 && d.src[d.pos-whole] == '0' {
		return value{}, d.fail("malformed number")
	}
	simple := whole <= 15
	if d.peek() == '.' {
		d.pos++
		simple = false
		if d.digits() == 0 {
			return value{}, d.fail("malformed number")
		}
	}
	if c := d.peek(); c == 'e' || c == 'E' {
		d.pos++
		simple = false
		if c := d.peek(); c == '+' || c == '-' {
			d.pos++
		}
		if d.digits() == 0 {
			return value{}, d.fail("malformed number")
		}
	}
	return d.double(d.src[start:d.pos], simple)
}

// double converts a number's text; short integers, by far the most common, take the cheap way.
func (d *decoder) double(s string, simple bool) (value, error) {
	if simple {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return value{}, d.fail("malformed number")
		}
		return numberOf(float64(n)), nil
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(n, 0) {
		return value{}, d.fail("number too large for a double")
	}
	return numberOf(n), nil
}

// digits skips digits and returns how many there were.
func (d *decoder) digits() int {
	start := d.pos
	for c := d.peek(); c >= '0' && c <= '9'; c = d.peek() {
		d.pos++
	}
	return d.pos - start
}

// text reads a string; without escapes, which is the common case, nothing is copied.
func (d *decoder) text() (string, error) {
	d.pos++ // "
	start := d.pos
	for d.pos < len(d.src) {
		switch c := d.src[d.pos]; {
		case c == '"':
			d.pos++
			return d.src[start : d.pos-1], nil
		case c == '\\':
			return d.escapedText(start)
		case c < 0x20:
			return "", d.fail("control character in a string")
		}
		d.pos++
	}
	return "", d.fail("unterminated string")
}

// escapedText reads the rest of a string from its first escape on.
func (d *decoder) escapedText(start int) (string, error) {
	out := []byte(d.src[start:d.pos])
	for d.pos < len(d.src) {
		c := d.src[d.pos]
		d.pos++
		switch {
		case c == '"':
			return string(out), nil
		case c == '\\':
			r, err := d.escape()
			if err != nil {
				return "", err
			}
			out = utf8.AppendRune(out, r)
		case c < 0x20:
			return "", d.fail("control character in a string")
		default:
			out = append(out, c)
		}
	}
	return "", d.fail("unterminated string")
}

// escape reads what follows a backslash. The query language uses the same escapes.
func (d *decoder) escape() (rune, error) {
	c := d.peek()
	d.pos++
	switch c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
		return d.unicode()
	}
	return 0, d.fail("unknown escape")
}

// unicode reads \uXXXX, and a second one where the first is half of a pair. Half a pair alone has no UTF-8 form; what
// the service makes of it is not documented.
func (d *decoder) unicode() (rune, error) {
	r, err := d.hex4()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	if !strings.HasPrefix(d.src[min(d.pos, len(d.src)):], `\u`) {
		return 0, d.fail("lone surrogate")
	}
	d.pos += 2
	low, err := d.hex4()
	if err != nil {
		return 0, err
	}
	if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
		return 0, d.fail("lone surrogate")
	}
	return r, nil
}

// hex4 reads four hexadecimal digits.
func (d *decoder) hex4() (rune, error) {
	if d.pos+4 > len(d.src) {
		return 0, d.fail("malformed \\u escape")
	}
	n, err := strconv.ParseUint(d.src[d.pos:d.pos+4], 16, 16)
	if err != nil {
		return 0, d.fail("malformed \\u escape")
	}
	d.pos += 4
	return rune(n), nil
}
