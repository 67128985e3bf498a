package payload

import (
	"bytes"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/jsonscan"
)

// text makes the strings of one event. They share one allocation, sized by the event before: an event has about
// twenty, most of them short, and allocating each would cost more than reading the JSON does.
type text struct {
	b    strings.Builder
	tmp  []byte // text of a string with escapes
	low  []byte // text being lowered
	size int    // of the event before
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

// of returns the text of a value; see word.
func (t *text) of(raw []byte) string { return t.keep(t.word(raw)) }

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
	written := t.word(raw)
	t.low = append(t.low[:0], written...)
	if activity.LowerASCII(t.low) < len(t.low) {
		return activity.Lower(string(written))
	}
	return t.keep(t.low)
}

// same returns the text of a value, sharing the string lower when that is how it is written.
func (t *text) same(lower string, raw []byte) string {
	written := t.word(raw)
	if string(written) == lower {
		return lower
	}
	return t.keep(written)
}

// when returns the first instant among the values; the zero Time when none is one.
func (t *text) when(raws ...[]byte) activity.Time {
	for _, raw := range raws {
		if raw == nil {
			continue
		}
		if at, ok := activity.ParseTime(t.word(raw)); ok {
			return at
		}
	}
	return activity.Time{}
}

// word returns the text of a value, without surrounding blanks, valid until the next call on t: a string unquoted, a
// number as written (ids and levels arrive as numbers at times), nothing for all else. raw was checked before, so a
// string without escapes needs no copy.
func (t *text) word(raw []byte) []byte {
	if len(raw) == 0 {
		return nil
	}
	switch raw[0] {
	case '{', '[', 'n', 't', 'f':
		return nil
	case '"':
	default:
		return raw
	}
	body := raw[1 : len(raw)-1]
	if bytes.IndexByte(body, '\\') >= 0 {
		t.tmp, _ = jsonscan.AppendUnquote(t.tmp[:0], raw)
		body = t.tmp
	}
	return bytes.TrimSpace(body)
}

// untilSlash returns the first path segment.
func untilSlash(s string) string {
	s, _, _ = strings.Cut(s, "/")
	return s
}

// cutLast cuts s around the last sep; without one, all of s is after.
func cutLast(s, sep string) (before, after string) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):]
	}
	return "", s
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
