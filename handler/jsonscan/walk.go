package jsonscan

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// Object calls fn for each member of the object that data holds, in order: the name's raw bytes without its quotes
// (still escaped) and the value's raw span. The whole object is checked as it goes; an error of fn ends the walk, and
// ErrStop ends it without an error (what follows is then unchecked).
func Object(data []byte, fn func(name, value []byte) error) error {
	return walk(data, '{', func(data []byte, i int) (int, error) {
		at, err := key(data, i)
		if err != nil {
			return at, err
		}
		end, err := value(data, at, 1)
		if err != nil {
			return end, err
		}
		return end, fn(nameOf(data, i), data[at:end])
	})
}

// Array calls fn with the raw span of each element; see Object for errors.
func Array(data []byte, fn func(value []byte) error) error {
	return walk(data, '[', func(data []byte, i int) (int, error) {
		end, err := value(data, i, 1)
		if err != nil {
			return end, err
		}
		return end, fn(data[i:end])
	})
}

// walk steps over a container's elements; one checks and reports the element at i and returns its end.
func walk(data []byte, opening byte, one func(data []byte, i int) (int, error)) error {
	closing := opening + 2 // '{' + 2 == '}', '[' + 2 == ']'
	i := Space(data, 0)
	if i >= len(data) || data[i] != opening {
		return &SyntaxError{i, "expected " + string(rune(opening))}
	}
	i = Space(data, i+1)
	done := i < len(data) && data[i] == closing
	if done {
		i++
	}
	for !done {
		end, err := one(data, i)
		if err == ErrStop { //nolint:errorlint // callers return the sentinel itself, never wrapped
			return nil
		}
		if err != nil {
			return err
		}
		if i, done, err = separator(data, end, closing); err != nil {
			return err
		}
	}
	if rest := Space(data, i); rest != len(data) {
		return &SyntaxError{rest, "unexpected text after the value"}
	}
	return nil
}

// nameOf returns the member name at i, whose string was checked before, without quotes.
func nameOf(data []byte, i int) []byte {
	end, _ := str(data, i)
	return data[i+1 : end-1]
}

// Unquote returns the text of a JSON string literal (with its quotes). Lone surrogates and invalid UTF-8 become
// U+FFFD, as encoding/json does.
func Unquote(raw []byte) (string, error) {
	body, err := stringBody(raw)
	if err != nil {
		return "", err
	}
	if plainRun(body) == len(body) {
		return string(body), nil
	}
	return string(appendUnescaped(make([]byte, 0, len(body)), body)), nil
}

// AppendUnquote appends the text of a JSON string literal to dst.
func AppendUnquote(dst, raw []byte) ([]byte, error) {
	body, err := stringBody(raw)
	if err != nil {
		return dst, err
	}
	return appendUnescaped(dst, body), nil
}

func stringBody(raw []byte) ([]byte, error) {
	i := Space(raw, 0)
	if i >= len(raw) || raw[i] != '"' {
		return nil, &SyntaxError{i, "expected a string"}
	}
	end, err := str(raw, i)
	if err != nil {
		return nil, err
	}
	return raw[i+1 : end-1], nil
}

// appendUnescaped copies a checked string body, resolving escapes.
func appendUnescaped(dst, body []byte) []byte {
	for len(body) > 0 {
		if n := plainRun(body); n > 0 {
			dst = append(dst, body[:n]...)
			body = body[n:]
			continue
		}
		n := 2
		switch c := body[0]; {
		case c != '\\':
			var r rune
			r, n = utf8.DecodeRune(body)
			dst = utf8.AppendRune(dst, r)
		case body[1] == 'u':
			var r rune
			r, n = unicodeEscape(body)
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, unescaped[body[1]])
		}
		body = body[n:]
	}
	return dst
}

// plainRun returns how many bytes at the start of body are ASCII and no backslash. Eight are looked at together, as in
// special.
func plainRun(body []byte) int {
	i := 0
	for ; i+8 <= len(body); i += 8 {
		x := binary.LittleEndian.Uint64(body[i:])
		slash := x ^ (ones * '\\')
		if found := ((slash-ones)&^slash | x) & tops; found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for i < len(body) && body[i] != '\\' && body[i] < utf8.RuneSelf {
		i++
	}
	return i
}

// AppendQuote appends s as a JSON string literal; s is text that Unquote or a Cursor returned.
func AppendQuote(dst, s []byte) []byte {
	dst = append(dst, '"')
	for {
		n := special(s, 0)
		dst = append(dst, s[:n]...)
		if n == len(s) {
			return append(dst, '"')
		}
		switch c := s[n]; {
		case c == '"', c == '\\':
			dst = append(dst, '\\', c)
		default:
			dst = append(dst, '\\', 'u', '0', '0', "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
		}
		s = s[n+1:]
	}
}

var unescaped = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unicodeEscape reads \uXXXX, and the low half behind it when it is a surrogate pair.
func unicodeEscape(b []byte) (rune, int) {
	r, _ := hex4(b, 2)
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if len(b) >= 12 && b[6] == '\\' && b[7] == 'u' {
		if low, ok := hex4(b, 8); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, 12
			}
		}
	}
	return utf8.RuneError, 6
}
