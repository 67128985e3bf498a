package digest

import (
	"fmt"
	"strings"
	"unicode"
)

// shown is a text as paper can show it: what has no sign of its own is written as its number, and so is what could be taken
// for another letter, so that two names that differ never look the same.
func (p *paper) shown(s string) string {
	s = strings.ReplaceAll(visible(s), "\u2060", "")
	if isASCII(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		end := strings.IndexFunc(s, func(r rune) bool { return !lettered(r) })
		if end == 0 {
			end = strings.IndexFunc(s, lettered)
		}
		if end < 0 {
			end = len(s)
		}
		p.word(&b, s[:end])
		s = s[end:]
	}
	return b.String()
}

func lettered(r rune) bool { return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r) }

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}

// word writes letters in a row, or what stands between.
func (p *paper) word(b *strings.Builder, word string) {
	disguised := disguised(word)
	for _, r := range word {
		if r <= unicode.MaxASCII || p.d.Shows(r) && !unicode.IsMark(r) && !blank(r) && !strings.ContainsRune(twins, r) && !(disguised && foreign(r)) {
			b.WriteRune(r)
			continue
		}
		p.missing = true
		if r > 0xffff {
			fmt.Fprintf(b, `\u{%X}`, r)
		} else {
			fmt.Fprintf(b, `\u%04X`, r)
		}
	}
}

// blank reports whether a character leaves as little to see as a space or a hyphen that is not there. The space that never
// breaks is one of ours.
func blank(r rune) bool { return r != '\u00a0' && unicode.IsSpace(r) || r == '\u00ad' }

// foreign reports whether a letter is of another script than Latin.
func foreign(r rune) bool { return unicode.IsLetter(r) && !unicode.Is(unicode.Latin, r) }

// disguised reports whether a word could be taken for a Latin one: where scripts are mixed in it, and where each of its
// letters looks like a Latin one.
func disguised(word string) bool {
	latin, others, alike := false, false, true
	for _, r := range word {
		switch {
		case foreign(r):
			others = true
			alike = alike && strings.ContainsRune(lookalikes, r)
		case unicode.IsLetter(r):
			latin = true
		}
	}
	return others && (latin || alike)
}

// lookalikes are the Cyrillic and Greek letters that the document's fonts have and that Unicode's table of confusable
// characters (UTS #39, confusables.txt) sets equal to Latin letters or digits.
const lookalikes = "АВЕЅІЈКМНОРСТУХЗЬаеорсухіјѕһбԁԛԝҮүвгкнтмЁёЇї" + "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧΪΫαγινορτυχϊΐκωϲϳ"

// twins are signs and letters that look like another one wherever they stand: the Greek question mark, Eth, mu and the signs
// of mathematics, the hyphens and strokes beside those of ASCII, small tildes and carets.
const twins = "\u037e\u00d0\u00b5\u2126\u2206\u220f\u2211\u2010\u2011\u2212\u2215\u2044\u203e\u2219\u02c6\u02dc\u02c9\u00af\u2012"
