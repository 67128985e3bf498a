package digest

import (
	"fmt"
	"strings"
	"unicode"
)

// visible shows what would hide itself or reorder its neighbours: control characters and the marks of writing direction
// are written as escapes. Line breaks stay. Everything that people read goes through it.
func visible(s string) string {
	if !strings.ContainsFunc(s, hidden) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if hidden(r) {
			fmt.Fprintf(&b, `\u%04X`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// hidden reports whether a reader could not see a character: controls (Unicode category Cc), marks of direction and other
// format characters (Cf), line and paragraph separators, and what is no character at all. The joiners stay: scripts and
// emoji need them.
func hidden(r rune) bool {
	switch {
	case r == '\n', r == '\u200c', r == '\u200d', r == '\u2060', r == '\u00ad':
		return false
	case r < ' ', r >= 0x7f && r < 0xa0, r == '\u2028', r == '\u2029', r == unicode.ReplacementChar:
		return true
	case r > 0x2ff:
		return unicode.Is(unicode.Cf, r)
	}
	return false
}

// joinLines joins lines.
func joinLines(lines []string) string { return strings.Join(lines, "\n") }
