package rules

import (
	"bytes"
	"unicode/utf8"

	"github.com/auditbell/auditbell/handler/jsonscan"
)

// Reading a path out of an event's properties. The text is valid JSON by contract (activity.Properties), so values that
// are not wanted are stepped over without being checked again: this runs for every rule that reads a property on every
// event. Text that breaks the contract yields wrong values, never a panic (FuzzProperties).

// properties appends the values at path. Names compare without regard to case, any list on the way stands for all of
// its elements, and a name may itself contain dots (claims are named by URL).
func (v *values) properties(raw []byte, path string) {
	if len(raw) == 0 {
		return
	}
	switch c := raw[0]; {
	case c == '[':
		v.elements(raw, path)
	case path != "":
		if c == '{' {
			v.members(raw, path)
		}
	case c == '"':
		v.text(raw)
	case c != 'n': // null is nothing; an object is its text
		appendValue(v, raw)
	}
}

// members follows path into an object.
func (v *values) members(raw []byte, path string) {
	for i := jsonscan.Space(raw, 1); i < len(raw) && raw[i] == '"'; {
		nameEnd := stringEnd(raw, i)
		at := jsonscan.Space(raw, nameEnd)
		if at >= len(raw) || raw[at] != ':' {
			return
		}
		at = jsonscan.Space(raw, at+1)
		end := valueEnd(raw, at)
		if rest, ok := step(raw[i+1:nameEnd-1], path); ok {
			before := len(v.list)
			v.properties(raw[at:end], rest)
			if len(v.list) > before {
				return // one name in two casings is no case worth reading every object to its end
			}
		}
		i = nextElement(raw, end)
	}
}

// elements follows path into each element of a list; the list itself has no text.
func (v *values) elements(raw []byte, path string) {
	for i := jsonscan.Space(raw, 1); i < len(raw) && raw[i] != ']'; {
		end := valueEnd(raw, i)
		v.properties(raw[i:end], path)
		i = nextElement(raw, end)
	}
}

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
	if len(name) > len(path) || len(name) < len(path) && path[len(name)] != '.' {
		return "", false
	}
	for i, c := range name {
		if c >= utf8.RuneSelf || lower[c] != path[i] {
			return "", false // Azure's member names are ASCII
		}
	}
	if len(name) == len(path) {
		return "", true
	}
	return path[len(name)+1:], true
}

// text appends a JSON string's text.
func (v *values) text(raw []byte) {
	if len(raw) < 2 {
		return
	}
	body := raw[1 : len(raw)-1]
	if bytes.IndexByte(body, '\\') < 0 {
		appendValue(v, body)
		return
	}
	start := len(v.arena) // unescaped at the arena's end first, so that no text is allocated
	arena, err := jsonscan.AppendUnquote(v.arena, raw)
	if err != nil {
		return
	}
	v.arena = arena
	appendValue(v, arena[start:])
}
