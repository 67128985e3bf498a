// Package jsonscan walks JSON text in place: strict, one pass, no allocation.
//
// It exists because an invocation carries every event twice and an event carries claims that nobody downstream may
// keep (see DESIGN.md, "Reading JSON"): most bytes must be checked and stepped over, not decoded. encoding/json
// decodes all of them; the fast field extractors skip them without noticing that they are malformed. This package
// accepts exactly what encoding/json.Valid accepts (FuzzValue and FuzzCursor hold them together) and hands out raw spans.
//
// Object and Array walk one container whose parts are handed to a function; a Cursor descends into containers as it
// goes, so that nested text is looked at once, and notices names that stand twice.
//
// Not for building JSON, AppendQuote for a single string aside, and not for Go structs: callers take the members they
// know and leave the rest.
package jsonscan

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"unicode/utf8"
)

// MaxDepth bounds nesting. encoding/json stops at 10,000; no Azure payload seen is deeper than 12, and a bound this
// low keeps a megabyte of "[[[[" from costing more than a few microseconds.
const MaxDepth = 200

var tooDeep = fmt.Sprintf("nested deeper than %d", MaxDepth)

// SyntaxError says where in the text the first offence stands.
type SyntaxError struct {
	Offset int    // byte offset into the scanned text
	Reason string // what was expected
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("%s at byte %d", e.Reason, e.Offset) }

// ErrStop ends an iteration early without being reported as an error.
var ErrStop = errors.New("stop")

// Value checks the one JSON value that starts at data[i], leading white space allowed, and returns the offset just
// behind it. What follows is not looked at.
func Value(data []byte, i int) (end int, err error) {
	return value(data, Space(data, i), 0)
}

// Valid reports the first syntax error of a text that must hold exactly one value; nil when it is valid.
func Valid(data []byte) error {
	end, err := Value(data, 0)
	if err != nil {
		return err
	}
	if rest := Space(data, end); rest != len(data) {
		return &SyntaxError{rest, "unexpected text after the value"}
	}
	return nil
}

// Kind is the class of a value by its first byte: '{', '[', '"', 't', 'f', 'n', '0' for any number, 0 for none.
func Kind(raw []byte) byte {
	i := Space(raw, 0)
	if i == len(raw) {
		return 0
	}
	switch c := raw[i]; c {
	case '{', '[', '"', 't', 'f', 'n':
		return c
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return '0'
	}
	return 0
}

// Space returns the offset of the first byte at or after i that is not JSON white space.
func Space(data []byte, i int) int {
	for i < len(data) && data[i] <= ' ' && (data[i] == ' ' || data[i] == '\n' || data[i] == '\t' || data[i] == '\r') {
		i++
	}
	return i
}

func value(data []byte, i, depth int) (int, error) {
	if i >= len(data) {
		return i, &SyntaxError{i, "unexpected end of text"}
	}
	switch c := data[i]; {
	case c == '"':
		return str(data, i)
	case c == '{', c == '[':
		if depth >= MaxDepth {
			return i, &SyntaxError{i, tooDeep}
		}
		if c == '{' {
			return object(data, i, depth+1)
		}
		return array(data, i, depth+1)
	case c == '-' || '0' <= c && c <= '9':
		return number(data, i)
	case c == 't':
		return literal(data, i, "true")
	case c == 'f':
		return literal(data, i, "false")
	case c == 'n':
		return literal(data, i, "null")
	}
	return i, &SyntaxError{i, "expected a value"}
}

func object(data []byte, i, depth int) (int, error) {
	i = Space(data, i+1)
	if i < len(data) && data[i] == '}' {
		return i + 1, nil
	}
	for {
		at, err := key(data, i)
		if err != nil {
			return at, err
		}
		end, err := value(data, at, depth)
		if err != nil {
			return end, err
		}
		if end+1 < len(data) && data[end] == ',' && data[end+1] > ' ' {
			i = end + 1 // compact text needs no look for white space
			continue
		}
		next, done, err := separator(data, end, '}')
		if err != nil || done {
			return next, err
		}
		i = next
	}
}

func array(data []byte, i, depth int) (int, error) {
	i = Space(data, i+1)
	if i < len(data) && data[i] == ']' {
		return i + 1, nil
	}
	for {
		end, err := value(data, i, depth)
		if err != nil {
			return end, err
		}
		next, done, err := separator(data, end, ']')
		if err != nil || done {
			return next, err
		}
		i = next
	}
}

// key checks `"name" :` at i and returns the offset of the member's value.
func key(data []byte, i int) (int, error) {
	if i >= len(data) || data[i] != '"' {
		return i, &SyntaxError{i, expectedName}
	}
	i = special(data, i+1)
	if i+2 < len(data) && data[i] == '"' && data[i+1] == ':' && data[i+2] > ' ' {
		return i + 2, nil // the usual name in compact text
	}
	i, err := strRest(data, i)
	if err != nil {
		return i, err
	}
	return colon(data, i)
}

const expectedName = "expected a member name"

// colon checks the ':' behind a name and returns the offset of the member's value.
func colon(data []byte, i int) (int, error) {
	i = Space(data, i)
	if i >= len(data) || data[i] != ':' {
		return i, &SyntaxError{i, "expected ':' after the member name"}
	}
	return Space(data, i+1), nil
}

// separator reads what follows a member: a comma (next value's offset) or the closing byte (done).
func separator(data []byte, i int, closing byte) (next int, done bool, err error) {
	i = Space(data, i)
	if i < len(data) && data[i] == ',' {
		return Space(data, i+1), false, nil
	}
	if i < len(data) && data[i] == closing {
		return i + 1, true, nil
	}
	return i, false, &SyntaxError{i, fmt.Sprintf("expected ',' or %q", closing)}
}

// str checks the string literal at i and returns the offset behind it.
func str(data []byte, i int) (int, error) {
	if i = special(data, i+1); i < len(data) && data[i] == '"' {
		return i + 1, nil // most strings hold no escape
	}
	return strRest(data, i)
}

// strRest goes on at the first byte of a string that is not an ordinary one.
func strRest(data []byte, i int) (int, error) {
	for ; i < len(data); i = special(data, i) {
		switch data[i] {
		case '"':
			return i + 1, nil
		case '\\':
			next, err := escape(data, i)
			if err != nil {
				return next, err
			}
			i = next
		default:
			return i, &SyntaxError{i, "control character in a string"}
		}
	}
	return i, &SyntaxError{i, "unterminated string"}
}

// special returns the offset of the first byte at or after i that ends a run of ordinary string bytes: a quote, a
// backslash or a control character. Eight bytes are looked at together, because claims are long plain strings, and the
// loop takes two such steps: measured, one step or four are a quarter slower.
func special(data []byte, i int) int {
	for ; i+16 <= len(data); i += 16 {
		d := data[i : i+16 : i+16]
		if found := specials(binary.LittleEndian.Uint64(d)); found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
		if found := specials(binary.LittleEndian.Uint64(d[8:])); found != 0 {
			return i + 8 + bits.TrailingZeros64(found)/8
		}
	}
	for i < len(data) && data[i] >= ' ' && data[i] != '"' && data[i] != '\\' {
		i++
	}
	return i
}

const ones, tops = 0x0101010101010101, 0x8080808080808080

// specials has the top bit of a byte set where x has a quote, a backslash or a control character; above the first such
// byte there may be more bits.
func specials(x uint64) uint64 {
	quote, slash := x^(ones*'"'), x^(ones*'\\') // both have the top bits of x
	return ((quote - ones) | (slash - ones) | (x - ones*' ')) &^ x & tops
}

// Plain reports whether text is ASCII that stands in a JSON string as it is.
func Plain(text []byte) bool {
	for ; len(text) >= 8; text = text[8:] {
		if x := binary.LittleEndian.Uint64(text); (specials(x)|x)&tops != 0 {
			return false
		}
	}
	for _, c := range text {
		if c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func escape(data []byte, i int) (int, error) {
	if i+1 >= len(data) {
		return i, &SyntaxError{i, "unterminated string"}
	}
	switch data[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2, nil
	case 'u':
		if _, ok := hex4(data, i+2); ok {
			return i + 6, nil
		}
	}
	return i, &SyntaxError{i, "invalid escape in a string"}
}

func hex4(data []byte, i int) (rune, bool) {
	if i+4 > len(data) {
		return 0, false
	}
	var r rune
	for _, c := range data[i : i+4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

func number(data []byte, i int) (int, error) {
	if data[i] == '-' {
		i++
	}
	var ok bool
	if i < len(data) && data[i] == '0' {
		i++
	} else if i, ok = digits(data, i); !ok {
		return i, &SyntaxError{i, "expected a digit"}
	}
	if i < len(data) && data[i] == '.' {
		if i, ok = digits(data, i+1); !ok {
			return i, &SyntaxError{i, "expected a digit"}
		}
	}
	if i < len(data) && (data[i] == 'e' || data[i] == 'E') {
		i++
		if i < len(data) && (data[i] == '+' || data[i] == '-') {
			i++
		}
		if i, ok = digits(data, i); !ok {
			return i, &SyntaxError{i, "expected a digit"}
		}
	}
	return i, nil
}

func digits(data []byte, i int) (int, bool) {
	start := i
	for i < len(data) && '0' <= data[i] && data[i] <= '9' {
		i++
	}
	return i, i > start
}

func literal(data []byte, i int, want string) (int, error) {
	if len(data)-i >= len(want) && string(data[i:i+len(want)]) == want {
		return i + len(want), nil
	}
	return i, &SyntaxError{i, "expected " + want}
}
