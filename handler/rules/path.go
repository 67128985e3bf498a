package rules

import (
	"bytes"
	"iter"
	"unicode/utf8"

	"github.com/auditbell/auditbell/handler/jsonscan"
)

// Reading a path out of an event's properties. The text is valid JSON by contract (activity.Properties), so values that
// are not wanted are stepped over without being checked again: this runs for every rule that reads a property on every
// event. Text that breaks the contract yields wrong values, never a panic (FuzzProperties).
//
// What a caller sent stands in a request body, and a resource provider may read it otherwise than we do: of a member
// that stands twice, or in two letter cases, it takes either; where the text is no strict JSON it may take it all the
// same. So every value that some reading has is appended, and reading.doubt says that there are several.

// deepest bounds lists within lists, which are followed by recursion.
const deepest = 500

// properties appends the values at path. Names compare without regard to case, any list on the way stands for all of
// its elements, and a name may itself contain dots (claims are named by URL).
func (v *values) properties(raw []byte, path string) {
	if len(raw) == 0 {
		return
	}
	if path == "" {
		v.present = true
	}
	switch c := raw[0]; {
	case c == '[':
		v.elements(raw, path)
	case path != "":
		switch c {
		case '{':
			v.members(raw, path)
		case '"':
			v.opened(raw, path)
		}
	case c == '"':
		v.string(raw)
	case c != 'n': // null is nothing; an object is its text
		appendValue(v, raw)
	}
}

// members follows path into an object, through every member that could be meant.
func (v *values) members(raw []byte, path string) {
	found, empty := 0, false
	for name, value := range membersOf(raw) {
		if beginsOtherwise(name, path) {
			continue
		}
		rest, ok := step(name, path)
		if !ok {
			continue
		}
		before := len(v.list)
		v.properties(value, rest)
		found, empty = found+1, empty || len(v.list) == before
		if v.first && len(v.list) > before {
			return
		}
	}
	if found > 1 {
		v.doubt, v.absent = true, v.absent || empty
	}
}

// membersOf walks an object: names without their quotes, escapes as they stand.
func membersOf(raw []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		for i := jsonscan.Space(raw, 1); i < len(raw) && raw[i] == '"'; {
			nameEnd := stringEnd(raw, i)
			at := jsonscan.Space(raw, nameEnd)
			if at >= len(raw) || raw[at] != ':' {
				return
			}
			at = jsonscan.Space(raw, at+1)
			end := valueEnd(raw, at)
			if !yield(raw[i+1:nameEnd-1], raw[at:end]) {
				return
			}
			i = nextElement(raw, end)
		}
	}
}

// elements follows path into each element of a list; the list itself has no text.
func (v *values) elements(raw []byte, path string) {
	if v.depth++; v.depth > deepest {
		v.doubt, v.absent = true, true
		return
	}
	for i := jsonscan.Space(raw, 1); i < len(raw) && raw[i] != ']'; {
		end := valueEnd(raw, i)
		v.properties(raw[i:end], path)
		i = nextElement(raw, end)
	}
	v.depth--
}

// opened follows path into JSON within a string: payload opens strings that hold strict JSON, so what is left is text
// that a lenient reader may take for JSON, or no JSON at all.
func (v *values) opened(raw []byte, path string) {
	if !sameText(v.text, raw) {
		v.text = raw
		v.relaxed.read(raw)
	}
	if len(v.relaxed.out) == 0 {
		return
	}
	if !v.relaxed.strict {
		v.doubt, v.absent = true, true
	}
	v.properties(v.relaxed.out, path)
}

// sameText reports whether a and b are the same bytes in the same place.
func sameText(a, b []byte) bool { return len(a) == len(b) && len(a) > 0 && &a[0] == &b[0] }

// nextElement returns the offset of what follows the comma at or after i, len(raw) when there is none.
func nextElement(raw []byte, i int) int {
	if i = jsonscan.Space(raw, i); i < len(raw) && raw[i] == ',' {
		return jsonscan.Space(raw, i+1)
	}
	return len(raw)
}

// valueEnd returns the offset behind the value at i; always more than i, at most len(raw).
func valueEnd(raw []byte, i int) int {
	for depth := 0; i < len(raw); {
		switch raw[i] {
		case '"':
			i = stringEnd(raw, i)
		case '{', '[':
			depth++
			i++
			continue
		case '}', ']':
			depth--
			i++
		case ',', ':', ' ', '\n', '\t', '\r':
			i++
			continue
		default:
			i = scalarEnd(raw, i)
		}
		if depth <= 0 {
			return i
		}
	}
	return len(raw)
}

// stringEnd returns the offset behind the string whose opening quote is at i.
func stringEnd(raw []byte, i int) int {
	for {
		n := bytes.IndexByte(raw[i+1:], '"')
		if n < 0 {
			return len(raw)
		}
		i += 1 + n
		slashes := 0
		for raw[i-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return i + 1
		}
	}
}

// scalarEnd returns the offset behind the number or word at i.
func scalarEnd(raw []byte, i int) int {
	for i++; i < len(raw); i++ {
		switch raw[i] {
		case ',', '}', ']', ' ', '\n', '\t', '\r':
			return i
		}
	}
	return i
}

// step reports whether a member's name is the beginning of path (which is folded), and what remains of it.
func step(name []byte, path string) (rest string, ok bool) {
	if len(name) <= len(path) && string(name) == path[:len(name)] {
		return remains(path, len(name))
	}
	for i, c := range name {
		if c >= utf8.RuneSelf || c == '\\' {
			return stepFolded(name, path)
		}
		if i >= len(path) || lower[c] != path[i] {
			return "", false
		}
	}
	return remains(path, len(name))
}

// beginsOtherwise spares most names the step.
func beginsOtherwise(name []byte, path string) bool {
	if len(name) == 0 {
		return false
	}
	c := initial[name[0]]
	return c != 0 && c != path[0]
}

// initial folds a name's first byte; 0 is what may stand for any letter.
var initial = func() [256]byte {
	table := lower
	clear(table[utf8.RuneSelf:])
	table['\\'] = 0
	return table
}()

// remains is what follows the first n bytes of path, if they end a name.
func remains(path string, n int) (string, bool) {
	switch {
	case len(path) == n:
		return "", true
	case path[n] != '.':
		return "", false
	}
	return path[n+1:], true
}

// stepFolded is step for names with escapes and letters beyond ASCII: readers resolve both before they compare.
func stepFolded(name []byte, path string) (rest string, ok bool) {
	plain, err := jsonscan.AppendUnquote(nil, append(append([]byte{'"'}, name...), '"'))
	if err != nil {
		return "", false
	}
	if plain = appendFolded(nil, plain); !bytes.HasPrefix([]byte(path), plain) {
		return "", false
	}
	return remains(path, len(plain))
}

// string appends a JSON string's text; of a role definition, also what it says however it is written.
func (v *values) string(raw []byte) {
	if len(raw) < 2 {
		return
	}
	before := len(v.list)
	body := raw[1 : len(raw)-1]
	if bytes.IndexByte(body, '\\') < 0 {
		appendValue(v, body)
	} else {
		start := len(v.arena) // unescaped at the arena's end first, so that no text is allocated
		arena, err := jsonscan.AppendUnquote(v.arena, raw)
		if err != nil {
			return
		}
		v.arena = arena
		appendValue(v, arena[start:])
	}
	if v.role && len(v.list) > before {
		v.roles(string(v.list[before]))
	}
}
