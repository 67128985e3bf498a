package rules

import (
	"unicode"
	"unicode/utf8"

	"github.com/auditbell/auditbell/handler/activity"
)

// Azure writes one name as MICROSOFT.X/Y/WRITE, Microsoft.X/y/write and microsoft.x/y/write, depending on the channel.
// So everything compares in folded form unless a rule says `cased`: two texts are equal without regard to case exactly
// when their folded forms are equal (strings.EqualFold's notion; FuzzFold holds the two together).

// appendFolded appends s to dst in folded form, without allocating when dst has room.
func appendFolded[T string | []byte](dst []byte, s T) []byte {
	start := len(dst)
	dst = append(dst, s...)
	if end := start + activity.LowerASCII(dst[start:]); end < len(dst) {
		return foldTail(dst, end)
	}
	return dst
}

// foldTail folds b[from:] rune by rune. A folded rune may be longer than the original, so it writes behind the text
// and moves the result down.
func foldTail(b []byte, from int) []byte {
	end := len(b)
	for i := from; i < end; {
		r, n := utf8.DecodeRune(b[i:end])
		b = utf8.AppendRune(b, foldRune(r))
		i += n
	}
	n := copy(b[from:], b[end:])
	return b[:from+n]
}

// foldRune picks one rune for all that are equal without regard to case: the least, in lower case when it is ASCII.
func foldRune(r rune) rune {
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	if 'A' <= least && least <= 'Z' {
		return least + 'a' - 'A'
	}
	return least
}

// foldsToASCII reports whether s has a letter beyond ASCII that folds to one within it: the Kelvin sign or the long s. Azure
// keeps names with it apart, Go reads them as one, so what holds of one reading need not hold of the other.
func foldsToASCII[T string | []byte](s T) bool {
	for i := 0; i+1 < len(s); i++ {
		if s[i] == 0xC5 && s[i+1] == 0xBF || s[i] == 0xE2 && s[i+1] == 0x84 && i+2 < len(s) && s[i+2] == 0xAA {
			return true
		}
	}
	return false
}

// appendWritten is appendFolded that keeps such letters.
func appendWritten[T string | []byte](dst []byte, s T) []byte {
	for _, r := range string(s) {
		if plain := foldRune(r); r < utf8.RuneSelf || plain >= utf8.RuneSelf {
			r = plain
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

func folded(s string) string { return string(appendFolded(nil, s)) }
