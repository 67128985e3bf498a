package notify

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Cut shortens text to at most limit code points, the last one "…" when something was cut.
func Cut(text string, limit int) string {
	if len(text) <= limit || utf8.RuneCountInString(text) <= limit {
		return text
	}
	if limit <= 0 {
		return ""
	}
	runes := 0
	for i := range text {
		if runes++; runes == limit {
			return strings.TrimRightFunc(text[:i], unicode.IsSpace) + "…"
		}
	}
	return text
}

// Clean makes event text safe to place anywhere as text: control characters become blanks, and the characters that
// reorder or hide text on screen (bidirectional overrides, zero-width, tags) are removed, because an attacker can
// name a resource with them. Line breaks survive only where lines is true.
func Clean(text string, lines bool) string {
	if !needsCleaning(text) {
		return text
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' && lines:
			return r
		case hidden(r):
			return -1
		case unicode.IsControl(r), r == '\u2028', r == '\u2029', r == utf8.RuneError:
			return ' '
		}
		return r
	}, text)
}

func needsCleaning(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] >= 0x7f {
			return true
		}
	}
	return false
}

// hidden reports characters with no glyph of their own that change how others are read (Unicode TR 36, "Trojan
// Source"). U+200D and U+200C stay: emoji and several scripts need them.
func hidden(r rune) bool {
	switch {
	case r == '\u200b', r == '\ufeff', r == '\u2060', r == '\u00ad', r == '\u180e':
		return true
	case '\u200e' <= r && r <= '\u200f', '\u202a' <= r && r <= '\u202e', '\u2066' <= r && r <= '\u2069':
		return true
	}
	return 0xe0000 <= r && r <= 0xe007f
}

// FirstLine is the first line of an error's text, at most 300 bytes of it: what a list or a stored reason has room for.
func FirstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return Cut(line, 300)
}
