package rules

import (
	"bytes"
	"hash/maphash"
	"strconv"
	"unicode/utf8"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/jsonscan"
)

// relaxed reads text as the lenient readers of resource providers do (Newtonsoft.Json, which ARM and many providers
// use: comments, single quotes, names without quotes, trailing commas, a byte order mark, raw line breaks in strings)
// and writes it as strict JSON. Members that stand twice stay twice. One relaxed is used again and again.
type relaxed struct {
	out     []byte
	strict  bool // the text was JSON already
	damaged bool // something was made up: a bracket closed, a member without a value
	open    []byte
	in      []byte
	at      int
	text    []byte // scratch
	whole   []byte // scratch: the text that in is part of
}

// read takes a JSON string that should hold an object or a list. Without either out is empty.
func (x *relaxed) read(quoted []byte) {
	*x = relaxed{out: x.out[:0], open: x.open[:0], text: x.text[:0], whole: x.whole[:0]}
	in, err := jsonscan.AppendUnquote(x.whole, quoted)
	if err != nil {
		return
	}
	x.whole = in
	if x.in = bytes.TrimPrefix(in, []byte("\uFEFF")); jsonscan.Valid(x.in) == nil && len(in) == len(x.in) {
		if k := jsonscan.Kind(bytes.TrimLeft(x.in, " \t\r\n")); k == '{' || k == '[' {
			x.out, x.strict = append(x.out, bytes.TrimSpace(x.in)...), true
		}
		return
	}
	x.skip()
	if x.at < len(x.in) && (x.in[x.at] == '{' || x.in[x.at] == '[') {
		x.document()
	}
}

// document writes the first value of the text; what follows it is not read.
func (x *relaxed) document() {
	for {
		x.skip()
		if x.at >= len(x.in) {
			x.damaged = true
			for len(x.open) > 0 {
				x.end()
			}
			return
		}
		if x.token(); len(x.open) == 0 {
			x.skip()
			x.damaged = x.damaged || x.at < len(x.in)
			return
		}
	}
}

// token writes what stands at x.at.
func (x *relaxed) token() {
	switch c := x.in[x.at]; c {
	case '{', '[':
		x.value()
		if x.atName() {
			x.out, x.damaged = append(x.out, `"":`...), true
		}
		x.out, x.open = append(x.out, c), append(x.open, c)
		x.at++
	case '}', ']':
		x.damaged = x.damaged || c != x.open[len(x.open)-1]+2 // '{'+2 is '}', '['+2 is ']'
		x.end()
		x.at++
	case '"', '\'':
		x.value()
		x.out = jsonscan.AppendQuote(x.out, x.quoted(c))
	default:
		x.value()
		x.word()
	}
}

// end closes the innermost list or object.
func (x *relaxed) end() {
	last := len(x.open) - 1
	if x.out[len(x.out)-1] == ':' {
		x.out, x.damaged = append(x.out, "null"...), true
	} else if x.open[last] == '{' && x.named() {
		x.out, x.damaged = append(x.out, ":null"...), true
	}
	x.out, x.open = append(x.out, x.open[last]+2), x.open[:last]
}

// value writes what must stand before the next value, and between a name and its value.
func (x *relaxed) value() {
	if len(x.open) == 0 {
		return
	}
	switch last := x.out[len(x.out)-1]; {
	case last == '{' || last == '[' || last == ':':
	case x.open[len(x.open)-1] == '{' && x.named():
		x.out = append(x.out, ':')
	default:
		x.out = append(x.out, ',')
	}
}

// atName reports whether the next value would be a member's name.
func (x *relaxed) atName() bool {
	return len(x.open) > 0 && x.open[len(x.open)-1] == '{' && x.out[len(x.out)-1] != ':'
}

// named reports whether out ends with a name that has no value yet: of an object's strings, every other one is a name.
// What precedes a name is '{' or ','; what precedes a value is ':'.
func (x *relaxed) named() bool {
	if x.out[len(x.out)-1] != '"' {
		return false
	}
	start := stringStart(x.out)
	return start > 0 && x.out[start-1] != ':'
}

// stringStart is where the string that ends out begins.
func stringStart(out []byte) int {
	for i := len(out) - 2; i >= 0; i-- {
		if out[i] != '"' {
			continue
		}
		slashes := 0
		for i-1-slashes >= 0 && out[i-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return i
		}
	}
	return 0
}

// quoted reads the string that begins at x.at with the quote c.
func (x *relaxed) quoted(c byte) []byte {
	x.text = x.text[:0]
	for x.at++; x.at < len(x.in) && x.in[x.at] != c; x.at++ {
		if x.in[x.at] == '\\' && x.at+1 < len(x.in) {
			x.at++
			x.escape()
			continue
		}
		x.text = append(x.text, x.in[x.at])
	}
	x.damaged = x.damaged || x.at >= len(x.in)
	x.at = min(x.at+1, len(x.in))
	return x.text
}

// escape reads what follows a backslash at x.at.
func (x *relaxed) escape() {
	if i := bytes.IndexByte([]byte(`nrtbf`), x.in[x.at]); i >= 0 {
		x.text = append(x.text, "\n\r\t\b\f"[i])
		return
	}
	if x.in[x.at] == 'u' && x.at+4 < len(x.in) {
		if n, err := strconv.ParseUint(string(x.in[x.at+1:x.at+5]), 16, 32); err == nil {
			x.text = utf8.AppendRune(x.text, rune(n))
			x.at += 4
			return
		}
	}
	x.text = append(x.text, x.in[x.at])
}

// word reads a number, a constant or a name without quotes.
func (x *relaxed) word() {
	start := x.at
	for x.at < len(x.in) && bytes.IndexByte([]byte(" \t\r\n,:{}[]\"'/"), x.in[x.at]) < 0 {
		x.at++
	}
	if x.at == start {
		x.at, x.damaged = x.at+1, true // a lone '/'
	}
	word := x.in[start:x.at]
	if !x.atName() && jsonscan.Valid(word) == nil {
		x.out = append(x.out, word...)
		return
	}
	x.out = jsonscan.AppendQuote(x.out, word)
}

// skip steps over white space, commas, colons and comments: their place says nothing more than order does.
func (x *relaxed) skip() {
	for x.at < len(x.in) {
		rest := x.in[x.at:]
		switch {
		case bytes.IndexByte([]byte(" \t\r\n\v\f,:"), rest[0]) >= 0:
			x.at++
		case bytes.HasPrefix(rest, []byte("\u00a0")) || bytes.HasPrefix(rest, []byte("\uFEFF")):
			_, n := utf8.DecodeRune(rest)
			x.at += n
		case bytes.HasPrefix(rest, []byte("/*")):
			x.over(rest, "*/")
		case bytes.HasPrefix(rest, []byte("//")):
			x.over(rest, "\n")
		default:
			return
		}
	}
}

// over steps behind the next mark in rest, or to the end.
func (x *relaxed) over(rest []byte, mark string) {
	if n := bytes.Index(rest, []byte(mark)); n >= 0 {
		x.at += n + len(mark)
		return
	}
	x.at = len(x.in)
}

// mostReadings bounds in how many ways a request body may be read before it counts as unreadable.
const mostReadings = 16

// request says whether the request body can be read: absent, plain, doubtful or unreadable.
func (v *values) request(properties activity.Properties) {
	worst := "absent"
	for name, raw := range membersOf(properties) {
		if rest, ok := step(name, "requestbody"); ok && rest == "" {
			worst = graver(worst, v.bodyReading(raw))
		}
	}
	v.add(worst)
	v.present = worst != "absent"
}

func graver(a, b string) string {
	for _, word := range []string{"unreadable", "doubtful", "plain"} {
		if a == word || b == word {
			return word
		}
	}
	return a
}

// bodyReading judges one body as it stands in the properties.
func (v *values) bodyReading(raw []byte) string {
	switch jsonscan.Kind(raw) {
	case '"':
		if len(bytes.TrimSpace(raw[1:len(raw)-1])) == 0 {
			return "absent"
		}
		v.text = raw
		v.relaxed.read(raw)
		if len(v.relaxed.out) == 0 || v.relaxed.damaged || v.ways(v.relaxed.out) > mostReadings {
			return "unreadable"
		}
		return "doubtful"
	case '{', '[':
		switch n := v.ways(raw); {
		case n > mostReadings:
			return "unreadable"
		case n > 1:
			return "doubtful"
		}
		return "plain"
	case 'n', 0:
		return "absent"
	}
	return "plain"
}

// ways counts in how many ways JSON can be read: for each name of an object the number of times that it stands there,
// in any letter case, all multiplied; mostReadings+1 stands for more.
func (v *values) ways(raw []byte) int {
	total, objects := 1, 0
	v.names.forget()
	v.open = v.open[:0]
	for i := 0; i < len(raw) && total <= mostReadings; {
		switch raw[i] {
		case '{', '[':
			objects++
			v.open = append(v.open, objects)
			i++
		case '}', ']':
			v.open = v.open[:max(len(v.open)-1, 0)]
			i++
		case '"':
			end := stringEnd(raw, i)
			if at := jsonscan.Space(raw, end); at < len(raw) && raw[at] == ':' && len(v.open) > 0 {
				if n := v.names.count(v.open[len(v.open)-1], raw[i:end]); n > 1 {
					total = total / (n - 1) * n
				}
			}
			i = end
		default:
			i++
		}
	}
	return min(total, mostReadings+1)
}

// memberNames counts how often names stand in the objects of one text, in any letter case. Names are kept by their hash.
type memberNames struct {
	seen  map[memberName]int
	seed  maphash.Seed
	plain []byte // scratch
}

type memberName struct {
	object int
	name   uint64
}

func (m *memberNames) forget() {
	const large = 1 << 10 // a map stays as large as it ever was
	if m.seen == nil || len(m.seen) > large {
		m.seen, m.seed = make(map[memberName]int), maphash.MakeSeed()
	}
	clear(m.seen)
}

// count enters a quoted name and returns how often it was entered.
func (m *memberNames) count(object int, quoted []byte) int {
	plain := bytes.Trim(quoted, `"`)
	if bytes.IndexByte(quoted, '\\') >= 0 {
		if unquoted, err := jsonscan.AppendUnquote(nil, quoted); err == nil {
			plain = unquoted
		}
	}
	m.plain = appendFolded(m.plain[:0], plain)
	key := memberName{object, maphash.Bytes(m.seed, m.plain)}
	m.seen[key]++
	return m.seen[key]
}
