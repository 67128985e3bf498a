package rules

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// pattern is a Sigma value with its wildcards: `*` any text, `?` any one character, backslash escapes (Sigma rules
// specification, "Escaping"). It is kept as the literal segments between stars.
type pattern struct {
	segments []string // at least one; '?' stands as the byte hole
	openHead bool     // begins with '*'
	openTail bool     // ends with '*'
	holes    bool     // some segment has a '?'
}

// hole marks '?' within a segment. 0xFF never occurs in UTF-8, and folding turns stray bytes into U+FFFD.
const hole = 0xFF

// affix says on which sides a modifier opens the value.
type affix struct{ head, tail bool }

// parsePattern reads a value as written in a rule; around opens it on the sides that the modifiers ask for.
func parsePattern(value string, cased bool, around affix) pattern {
	pieces := split(strings.ToValidUTF8(value, "\uFFFD"))
	if around.head {
		pieces = append([]string{""}, pieces...)
	}
	if around.tail {
		pieces = append(pieces, "")
	}
	p := pattern{}
	if last := len(pieces) - 1; last > 0 {
		p.openHead, p.openTail = pieces[0] == "", pieces[last] == ""
	}
	for _, piece := range pieces {
		if piece != "" {
			p.segments = append(p.segments, foldSegment(piece, cased))
			p.holes = p.holes || strings.IndexByte(piece, hole) >= 0
		}
	}
	return p
}

// split cuts a value at its stars and resolves escapes: a backslash stands for itself unless a wildcard or another
// backslash follows.
func split(value string) []string {
	var pieces []string
	var piece []byte
	for i := 0; i < len(value); i++ {
		c := value[i]
		switch {
		case c == '\\' && i+1 < len(value) && strings.IndexByte(`\*?`, value[i+1]) >= 0:
			i++
			piece = append(piece, value[i])
		case c == '*':
			pieces, piece = append(pieces, string(piece)), piece[:0]
		case c == '?':
			piece = append(piece, hole)
		default:
			piece = append(piece, c)
		}
	}
	return append(pieces, string(piece))
}

// foldSegment folds the text between holes, which folding would destroy.
func foldSegment(s string, cased bool) string {
	parts := strings.Split(s, string([]byte{hole}))
	for i, part := range parts {
		if !cased {
			parts[i] = folded(part)
		}
	}
	return strings.Join(parts, string([]byte{hole}))
}

// literal returns the text of a pattern without wildcards.
func (p *pattern) literal() (string, bool) {
	switch {
	case p.openHead || p.openTail || p.holes || len(p.segments) > 1:
		return "", false
	case len(p.segments) == 0:
		return "", true
	}
	return p.segments[0], true
}

// matches reports whether all of s (folded unless the pattern is cased) is the pattern.
func (p *pattern) matches(s []byte) bool {
	segments := p.segments
	if len(segments) == 0 {
		return p.openHead || p.openTail || len(s) == 0
	}
	if !p.openHead {
		n, ok := at(s, segments[0])
		if !ok {
			return false
		}
		if s, segments = s[n:], segments[1:]; len(segments) == 0 {
			return p.openTail || len(s) == 0
		}
	}
	if p.openTail {
		_, ok := through(s, segments)
		return ok
	}
	last := len(segments) - 1
	rest, ok := through(s, segments[:last])
	return ok && endsWith(rest, segments[last])
}

// through finds the segments one after the other, each as early as possible, and returns what is left.
func through(s []byte, segments []string) ([]byte, bool) {
	for _, segment := range segments {
		end := find(s, segment)
		if end < 0 {
			return nil, false
		}
		s = s[end:]
	}
	return s, true
}

// find returns where the earliest occurrence of segment in s ends, -1 when there is none.
func find(s []byte, segment string) int {
	plain := segment
	if i := strings.IndexByte(segment, hole); i >= 0 {
		plain = segment[:i]
	}
	for from := 0; from <= len(s); {
		i := indexOf(s[from:], plain)
		if i < 0 {
			return -1
		}
		if n, ok := at(s[from+i:], segment); ok {
			return from + i + n
		}
		_, size := utf8.DecodeRune(s[from+i:])
		from += i + max(size, 1)
	}
	return -1
}

// indexOf is bytes.Index for a string. Where the text is short the first byte settles it without a call.
func indexOf(s []byte, plain string) int {
	if plain == "" {
		return 0
	}
	for from := 0; ; {
		i := bytes.IndexByte(s[from:], plain[0])
		if i < 0 || len(s)-from-i < len(plain) {
			return -1
		}
		if from += i; string(s[from:from+len(plain)]) == plain {
			return from
		}
		from++
	}
}

// at reports whether s begins with segment, and how many bytes it takes.
func at(s []byte, segment string) (int, bool) {
	if strings.IndexByte(segment, hole) < 0 {
		return len(segment), len(s) >= len(segment) && string(s[:len(segment)]) == segment
	}
	n := 0
	for i := 0; i < len(segment); i++ {
		switch {
		case n >= len(s):
			return 0, false
		case segment[i] == hole:
			_, size := utf8.DecodeRune(s[n:])
			n += size
		case s[n] == segment[i]:
			n++
		default:
			return 0, false
		}
	}
	return n, true
}

// endsWith reports whether s ends with segment: a segment has a fixed number of characters, so there is one place.
func endsWith(s []byte, segment string) bool {
	if strings.IndexByte(segment, hole) < 0 {
		return len(s) >= len(segment) && string(s[len(s)-len(segment):]) == segment
	}
	start := len(s)
	for i := 0; i < len(segment); i++ {
		if segment[i] != hole && !utf8.RuneStart(segment[i]) {
			continue
		}
		if start == 0 {
			return false
		}
		_, size := utf8.DecodeLastRune(s[:start])
		start -= size
	}
	n, ok := at(s[start:], segment)
	return ok && start+n == len(s)
}
