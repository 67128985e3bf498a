package payload

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/auditbell/auditbell/handler/jsonscan"
)

// text makes the strings of one event. They share one allocation, sized by the event before: an event has about
// twenty, most of them short, and allocating each would cost more than reading the JSON does.
type text struct {
	b    strings.Builder
	tmp  []byte
	size int // of the event before
}

// begin starts the strings of another event.
func (t *text) begin() {
	t.size = max(t.size*7/8, t.b.Len()) // follows a run of larger events at once, smaller ones slowly
	t.b.Reset()
	t.b.Grow(t.size + 64)
}

// keep returns s as one of the event's strings.
func (t *text) keep(s []byte) string {
	if len(s) == 0 {
		return ""
	}
	start := t.b.Len()
	t.b.Write(s)
	return t.b.String()[start:]
}

// of returns the text of a value; see scalar.
func (t *text) of(raw []byte) string {
	t.tmp = scalar(t.tmp[:0], raw)
	return t.keep(t.tmp)
}

// first returns the first text that is not empty.
func (t *text) first(raws ...[]byte) string {
	for _, raw := range raws {
		if s := t.of(raw); s != "" {
			return s
		}
	}
	return ""
}

// lower returns the text of a value in lower case.
func (t *text) lower(raw []byte) string {
	t.tmp = scalar(t.tmp[:0], raw)
	for i, c := range t.tmp {
		if c >= utf8.RuneSelf {
			return strings.ToLower(string(t.tmp))
		}
		if 'A' <= c && c <= 'Z' {
			t.tmp[i] = c + 'a' - 'A'
		}
	}
	return t.keep(t.tmp)
}

// same returns the text of a value, sharing the string lower when that is how it is written.
func (t *text) same(lower string, raw []byte) string {
	t.tmp = scalar(t.tmp[:0], raw)
	if string(t.tmp) == lower {
		return lower
	}
	return t.keep(t.tmp)
}

// scalar appends the text of a value to dst, without surrounding blanks: a string unquoted, a number or boolean as
// written (ids and levels arrive as numbers at times), of {"value","localizedValue"} the value; nothing for null,
// arrays and other objects.
func scalar(dst, raw []byte) []byte {
	switch jsonscan.Kind(raw) {
	case '"':
		start := len(dst)
		dst, _ = jsonscan.AppendUnquote(dst, raw)
		return dst[:start+copy(dst[start:], bytes.TrimSpace(dst[start:]))]
	case '0', 't', 'f':
		return append(dst, raw...)
	case '{':
		value, localized := localizable(raw)
		if start := len(dst); jsonscan.Kind(value) != '{' {
			if dst = scalar(dst, value); len(dst) > start {
				return dst
			}
		}
		if jsonscan.Kind(localized) != '{' {
			return scalar(dst, localized)
		}
	}
	return dst
}

// localizable returns the two halves of REST's {"value":…,"localizedValue":…}. SDK dumps write localized_value
// (facts: payload variations).
func localizable(raw []byte) (value, localized []byte) {
	c := jsonscan.NewCursor(raw, 0)
	for name := range c.Members {
		var buf [32]byte
		switch string(fold(&buf, name)) {
		case "value":
			value = c.Skip()
		case "localizedvalue":
			localized = c.Skip()
		}
	}
	return value, localized
}

// word returns the text of a value as a temporary, valid until the next call on t: for words that become constants.
func (t *text) word(raw []byte) []byte {
	t.tmp = scalar(t.tmp[:0], raw)
	return t.tmp
}

// untilSlash returns the first path segment.
func untilSlash(s string) string {
	s, _, _ = strings.Cut(s, "/")
	return s
}

// cutLast cuts s around the last sep.
func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return "", s, false
}

// firstPresent returns the first value that is there.
func firstPresent(raws ...[]byte) []byte {
	for _, raw := range raws {
		if raw != nil {
			return raw
		}
	}
	return nil
}
