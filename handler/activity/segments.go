package activity

import (
	"net/url"
	"strings"
	"unicode"
)

// OperationName is the name of an operation, in lower case, as Azure writes it, however this one is written. Whether Azure takes
// other spellings is not documented, so they are read as if it did: an act must not be hidden by one. What is no name of
// Azure Resource Manager stays as it is.
func OperationName(lower string) string {
	if !OddlySpelled(lower) {
		return lower
	}
	segments := Segments(lower)
	for i, s := range segments {
		segments[i] = strings.Trim(s, " .")
	}
	if name := strings.Join(segments, "/"); len(segments) > 1 && !strings.Contains(name, " ") {
		return name
	}
	return lower
}

// OddlySpelled reports whether OperationName has to look at a name more closely.
func OddlySpelled[T string | []byte](name T) bool {
	before := byte('/')
	for i := range len(name) {
		c := name[i]
		if c == '/' && before == '/' || c <= ' ' && (c < ' ' || i == 0) || c >= 0x7f || c == '%' || c == '\\' || c == '?' || c == '#' {
			return true
		}
		before = c
	}
	return len(name) > 0 && (before == '/' || before == '.' || before == ' ')
}

// Segments are the segments of an id or a name in lower case, however it was written: with slashes too many or the wrong
// way round, percent signs, full-width letters or characters that are not seen.
func Segments(text string) []string {
	return strings.FieldsFunc(Lower(strings.Map(narrow, addressed(text))), func(r rune) bool { return r == '/' || r == '\\' })
}

// narrow is the ASCII character of which r is the full-width form, and nothing where r is not seen.
func narrow(r rune) rune {
	switch {
	case '\uff01' <= r && r <= '\uff5e':
		return r - '\uff01' + '!'
	case unicode.In(r, unicode.Cf, unicode.Cc):
		return -1
	}
	return r
}

// addressed is what an address leads to: without query and fragment, and without percent signs, however often it was encoded.
// Whether Azure takes such an id is not documented, so it is read as if it did.
func addressed(text string) string {
	const most = 5 // times that it was encoded
	for range most {
		if at := strings.IndexAny(text, "?#"); at >= 0 {
			text = text[:at]
		}
		plain, err := url.PathUnescape(text)
		if err != nil || plain == text {
			break
		}
		text = plain
	}
	return text
}
