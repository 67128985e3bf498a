package source

import (
	"unicode/utf8"

	"github.com/auditbell/auditbell/handler/jsonscan"
)

// lineReader reads one JSON object at a time, strictly, and keeps where the values stand that an Entry is made of. It
// gives up on whatever is not the usual REST item: then payload reads the line. So it needs to be right about what it
// accepts, and only fast about the rest.
type lineReader struct {
	data   []byte // with padding behind, see padding
	spans  [slots]span
	high   uint32 // not 0 when some string may be other than ASCII
	odd    bool   // white space outside strings, or a string that may hold JSON: payload writes properties otherwise
	own    span   // the properties of a record
	ownOdd bool
	top    place // what a line is taken for
	root   *shape
	shapes int
	days   dayCache
	tokens [512]token
}

// span is the body of a string in data.
type span struct {
	from, to int32
	set      bool
	escaped  bool
}

// padding is what must follow the input in data, so that 32 bytes can always be loaded. It is zero: a control
// character ends every string.
const padding = 32

// maxNesting bounds recursion; deeper records are payload's.
const maxNesting = 32

func newLineReader(top place) *lineReader {
	return &lineReader{top: top, root: &shape{place: top}}
}

// read reads the object that begins at data[at] and must end, but for blanks and a comma, where the line does. It
// returns the offset of the line's end, or false to give up.
func (r *lineReader) read(at int) (end int, ok bool) {
	if r.shapes >= maxShapes {
		r.root, r.shapes = &shape{place: r.top}, 0
	}
	r.spans = [slots]span{}
	r.high, r.odd, r.own, r.ownOdd = 0, false, span{}, false
	end = r.object(at, r.root, 0)
	if end < 0 {
		return 0, false
	}
	behind := r.blanks(end)
	if r.data[behind] == ',' { // some tools write one behind each line
		behind = r.blanks(behind + 1)
	}
	if r.data[behind] != '\n' && behind != len(r.data)-padding {
		return 0, false
	}
	if r.high != 0 && !utf8.Valid(r.data[at:end]) {
		return 0, false
	}
	return behind, true
}

func (r *lineReader) blanks(i int) int {
	for r.data[i] == ' ' || r.data[i] == '\t' || r.data[i] == '\r' {
		i++
	}
	return i
}

// object reads the object at data[i] and returns the offset behind it; -1 to give up.
func (r *lineReader) object(i int, within *shape, depth int) int {
	data := r.data
	if i++; data[i] <= ' ' {
		i = r.spaces(i)
	}
	if data[i] == '}' {
		return i + 1
	}
	if depth > maxNesting {
		return -1
	}
	for s := within; ; {
		if next := s.next; next != nil && len(data)-i > len(next.key) && string(data[i:i+len(next.key)]) == string(next.key) {
			s = next
		} else if s = s.after(data[i:], within, &r.shapes); s == nil {
			return -1
		}
		if i = r.value(i+len(s.key), s, depth); i < 0 {
			return -1
		}
		if data[i] <= ' ' {
			i = r.spaces(i)
		}
		switch data[i] {
		case ',':
			if i++; data[i] <= ' ' {
				i = r.spaces(i)
			}
		case '}':
			return i + 1
		default:
			return -1
		}
	}
}

// value reads the value of member s, which is at data[i] but for blanks.
func (r *lineReader) value(i int, s *shape, depth int) int {
	if r.data[i] <= ' ' {
		i = r.spaces(i)
	}
	if r.data[i] == '"' {
		switch r.data[i+1] {
		case '{', '[', ' ', '\\':
			r.odd = true
		}
		n, high := plainRun(r.data, i+1)
		r.high |= high
		end, escaped := i+1+n, false
		if r.data[end] != '"' {
			end, escaped = r.text(end)
		}
		switch {
		case end < 0 || s.slot >= slotOdd || s.place == placeClaims || s.place == placeProperties || s.place == placeIdentity || s.place == placeOwn:
			return -1
		case s.slot != slotNone:
			r.spans[s.slot] = span{int32(i + 1), int32(end), true, escaped} //nolint:gosec // a piece of input is a megabyte or so
		}
		return end + 1
	}
	return r.other(i, s, depth)
}

// other reads a value that is not a string.
func (r *lineReader) other(i int, s *shape, depth int) int {
	switch c := r.data[i]; {
	case s.slot >= slotOdd:
		return -1
	case c == '{' && (s.slot == slotNone || s.place == placeLocalizable):
		return r.within(i, s, depth)
	case c == '[' && s.slot == slotNone && (s.place == placeElsewhere || s.place == placeWithinOwn):
		return r.array(i, s, depth)
	case c == 'n' && s.slot == slotDisplay: // payload has no name for people then
		return -1
	case c == 'n': // null is as good as missing
		r.spans[s.slot] = span{}
	case s.slot != slotNone || s.place != placeElsewhere && s.place != placeWithinOwn:
		return -1
	}
	end, err := jsonscan.Value(r.data, i)
	if err != nil {
		return -1
	}
	return end
}

// within reads an object that is the value of s.
func (r *lineReader) within(i int, s *shape, depth int) int {
	if s.inner == nil {
		s.inner = &shape{place: s.place, slot: s.slot}
	}
	if s.place == placeLocalizable {
		r.spans[s.slot] = span{}
	}
	if s.place == placeClaims {
		return r.claims(i, s, depth)
	}
	if s.place == placeOwn {
		return r.properties(i, s, depth)
	}
	end := r.object(i, s.inner, depth+1)
	if s.place == placeLocalizable && !r.spans[s.slot].set {
		return -1 // payload falls back to what people read
	}
	return end
}

// properties reads the properties of a record and notes where they stand.
func (r *lineReader) properties(i int, s *shape, depth int) int {
	before := r.odd
	r.odd = false
	end := r.object(i, s.inner, depth+1)
	r.own, r.ownOdd = span{from: int32(i), to: int32(end), set: true}, r.odd //nolint:gosec // a piece of input is a megabyte or so
	r.odd = before
	return end
}

// spaces is blanks where compact text has none.
func (r *lineReader) spaces(i int) int {
	r.odd = true
	return r.blanks(i)
}

func (r *lineReader) array(i int, s *shape, depth int) int {
	if i++; r.data[i] <= ' ' {
		i = r.spaces(i)
	}
	if r.data[i] == ']' {
		return i + 1
	}
	element := shape{inner: s.inner, place: s.place}
	defer func() { s.inner = element.inner }()
	for depth < maxNesting {
		if i = r.value(i, &element, depth+1); i < 0 {
			return -1
		}
		if r.data[i] <= ' ' {
			i = r.spaces(i)
		}
		if r.data[i] == ']' {
			return i + 1
		}
		if r.data[i] != ',' {
			return -1
		}
		i++
	}
	return -1
}

// text returns the offset of the quote that ends the string that has data[i] in its body; -1 when it is malformed.
func (r *lineReader) text(i int) (end int, escaped bool) {
	for {
		n, high := plainRun(r.data, i)
		r.high |= high
		i += n
		switch r.data[i] {
		case '"':
			return i, escaped
		case '\\':
			if i = escape(r.data, i); i < 0 {
				return -1, false
			}
			escaped = true
		default:
			return -1, false
		}
	}
}

// escape returns the offset behind the escape at data[i]; -1 when it is malformed.
func escape(data []byte, i int) int {
	switch data[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		for _, c := range data[i+2 : i+6] {
			if !('0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f') {
				return -1
			}
		}
		return i + 6
	}
	return -1
}
