package payload

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/auditbell/auditbell/handler/jsonscan"
)

// frames cuts input into items and reads each: a single object, an array, JSON Lines with or without commas behind
// the lines, an envelope that lists items, JSON in a string, and any of these within another. It works on a window of
// the input, so that a file of any size needs only the memory of its largest item.
type frames struct {
	item item
	out  *Reading // where next puts the reading it finds
	last Reading  // for callers of next that keep none of their own

	data []byte      // the window
	pos  int         // where the next item starts in it
	base int64       // input offset of data[0]
	fill func() bool // appends to data and may move data[pos:] to its start; false at the end of the input

	open  []byte // the lists we are in: '[' an array, '{' the object around an envelope's array, 'r' a result's rows
	comma bool   // an element was read: a comma or the list's end must follow
	owed  bool   // a comma was read: an element must follow
	first bool   // the first value was seen
	lines bool   // the input is JSON Lines: its first value begins and ends in one line, and there is another line
	// undecided: the first value stands in one line; what follows it tells whether the input is JSON Lines.
	undecided bool
	repair    bool    // a broken list was left: what closes it may still follow
	recovered bool    // the beginning of this list's next items was found again behind a damaged one
	unclean   bool    // the input may hold invalid UTF-8: look at each item
	partial   bool    // what a list stands in says that items are missing
	file      bool    // the input is a file that a person gives, not a delivery
	inner     *frames // reads the text of a string that holds items
	layer     int     // how many strings were opened around this input
}

// maxLists bounds how deep lists nest. Records in an array of event-hub messages in a JSON Lines file make three.
const maxLists = 8

// start makes f read other input, keeping its scratch memory.
func (f *frames) start(data []byte, fill func() bool) {
	f.data, f.pos, f.base, f.fill = data, 0, 0, fill
	f.open, f.comma, f.owed, f.first, f.lines, f.undecided, f.repair, f.recovered = f.open[:0], false, false, false, false, false, false, false
	f.inner, f.layer, f.partial, f.file, f.item.table.headed = nil, 0, false, false, false
	f.unclean = fill != nil || !utf8.Valid(data)
}

// next reads the next item into out; false at the end of the input.
func (f *frames) next(out *Reading) bool {
	f.out = out
	for {
		if f.inner != nil {
			if f.inner.next(out) {
				return true
			}
			f.inner = nil
		}
		if !f.space() {
			return f.end()
		}
		if f.step() {
			return true
		}
	}
}

// space moves to the next byte that is not white space; false at the end of the input.
func (f *frames) space() bool {
	for {
		from := f.pos
		f.pos = jsonscan.Space(f.data, from)
		if f.undecided && bytes.IndexByte(f.data[from:f.pos], '\n') >= 0 {
			f.lines, f.undecided = true, false
		}
		if f.pos < len(f.data) && (f.data[f.pos] != byteOrderMark[0] || !f.mark()) {
			return true
		}
		if f.pos == len(f.data) && (f.fill == nil || !f.fill()) {
			return false
		}
	}
}

// mark steps over a byte order mark at data[pos]: files were joined.
func (f *frames) mark() bool {
	if len(f.open) > 0 {
		return false
	}
	if len(f.data)-f.pos < len(byteOrderMark) && f.fill != nil {
		f.fill()
	}
	if !bytes.HasPrefix(f.data[f.pos:], byteOrderMark) {
		return false
	}
	f.pos += len(byteOrderMark)
	return true
}

// end reports a list that the input leaves open.
func (f *frames) end() bool {
	if len(f.open) == 0 {
		return false
	}
	f.open = f.open[:0]
	*f.out = invalidf("not JSON: the input ends within a list, at byte %d", f.offset(f.pos))
	return true
}

// offset is where data[at] stands in the input.
func (f *frames) offset(at int) int64 { return f.base + int64(at) }

// step reads on at data[pos], which is not white space, and reports whether that gave a reading.
func (f *frames) step() bool {
	c := f.data[f.pos]
	switch {
	case len(f.open) == 0:
		// JSON Lines may have a comma behind each line; what closes a broken list comes alone.
		if c == ',' || f.repair && (c == ']' || c == '}') {
			f.pos++
			return false
		}
	case f.open[len(f.open)-1] == '{':
		return f.envelopeRest(c)
	case c == ']' && f.owed:
		f.owed = false
		*f.out = f.notJSON(&jsonscan.SyntaxError{Offset: f.pos, Reason: "expected a value"})
		return true
	case c == ']':
		f.pos++
		f.leave()
		return false
	case f.comma && c == ',':
		f.pos++
		f.comma, f.owed = false, true
		return false
	case f.comma:
		return f.noComma(c)
	}
	return f.value(c)
}

// noComma reports what stands where a comma should be. Two items without one between them are both read.
func (f *frames) noComma(c byte) bool {
	err := &jsonscan.SyntaxError{Offset: f.pos, Reason: "expected ',' or ']'"}
	if c != '{' || nameAfterBrace(f.data, f.pos) == nil {
		return f.broken(err)
	}
	*f.out = f.notJSON(err)
	f.comma = false
	return true
}

// value reads the value at data[pos]: an item, a list, or a string that holds either.
func (f *frames) value(c byte) bool {
	f.undecided, f.owed = false, false
	switch c {
	case '{':
		return f.object()
	case '[':
		if len(f.open) > 0 && f.open[len(f.open)-1] == 'r' {
			return f.row()
		}
		return f.enter(f.pos, "[")
	}
	end, ok := f.measure()
	if !ok {
		return true
	}
	if c == '"' && len(f.open) > 0 { // what is left of a record may begin with one of its strings, which is no element then
		ok, known := f.followed(end)
		for !known && f.refill() {
			end, _ = f.measure()
			ok, known = f.followed(end)
		}
		if !ok {
			return f.broken(&jsonscan.SyntaxError{Offset: jsonscan.Space(f.data, end), Reason: "expected ',' or ']'"})
		}
	}
	raw := f.data[f.pos:end]
	f.pos, f.comma = end, true
	if c == '"' && f.peel(raw) {
		return false
	}
	*f.out = invalidf("%s, expected an object", kindName(raw))
	f.out.Raw = raw
	return true
}

// kindName names a scalar for a reason.
func kindName(raw []byte) string {
	switch jsonscan.Kind(raw) {
	case '"':
		return "a string"
	case '0':
		return "a number"
	case 'n':
		return "null"
	}
	return "a boolean"
}

// object reads the object at data[pos], or enters it when it is an envelope.
func (f *frames) object() bool {
	for {
		end, list, err := f.item.collect(f.data, f.pos)
		f.partial = f.partial || list > 0 && jsonscan.Kind(f.item.top.raw(f.item.row.failure)) == '{'
		switch {
		case list > 0 && f.item.table.rows:
			f.item.table.rows = false
			return f.enter(list, "{r")
		case list > 0:
			return f.enter(list, "{[")
		case err == nil && len(f.open) > 0:
			ok, known := f.followed(end)
			if !known && f.refill() {
				continue
			}
			if !ok {
				return f.broken(&jsonscan.SyntaxError{Offset: jsonscan.Space(f.data, end), Reason: "expected ',' or ']'"})
			}
			return f.itemOrCarrier(end)
		case err == nil:
			return f.itemOrCarrier(end)
		case !f.incomplete(err):
			return f.faulty(err)
		}
	}
}

// itemOrCarrier reads the object that ends at data[end], or goes on with what it carries.
func (f *frames) itemOrCarrier(end int) bool {
	if f.file {
		if text := f.item.carried(); text != nil && f.within(text) {
			f.pos, f.comma = end, true
			return false
		}
	}
	f.read(end, "")
	return true
}

// faulty reports an object that cannot be read. One that has a member twice, or encodes bytes that are no text, is
// well-formed: reading goes on behind it.
func (f *frames) faulty(err error) bool {
	fault := asTwice(err)
	if !errors.Is(fault, errTwice) && !errors.Is(fault, errNotText) {
		return f.broken(err)
	}
	if end, ok := f.measure(); ok {
		f.read(end, fault.Error())
	}
	return true
}

// errTwice is the part of a reason that separates a doubled name from malformed text.
var errTwice = errors.New("stands twice in one object")

// asTwice says of an error about a name that stands twice which one it is; other errors are returned as they are. The
// offset is left out: the object may be the text of a string, where it would count from nowhere.
func asTwice(err error) error {
	var twice *jsonscan.DuplicateError
	if errors.As(err, &twice) {
		return fmt.Errorf("member %.64q %w", twice.Name, errTwice)
	}
	return err
}

// read makes the reading of the item that ends at data[end], which is invalid when fault says so, and moves behind it.
func (f *frames) read(end int, fault string) {
	raw := f.data[f.pos:end]
	switch {
	case fault != "":
		*f.out = invalid(fault)
	case f.unclean && !utf8.Valid(raw):
		*f.out = invalid(f.notUTF8(raw))
	default:
		f.item.classify(f.out)
		f.out.Event.Recovered = f.recovered && f.out.Kind == Activity
	}
	f.out.Raw = raw
	if !f.first && len(f.open) == 0 {
		f.first, f.undecided = true, bytes.IndexByte(raw, '\n') < 0
	}
	f.pos, f.comma = end, true
}

// notUTF8 says where the first invalid byte stands.
func (f *frames) notUTF8(raw []byte) string {
	at := 0
	for at < len(raw) {
		r, size := utf8.DecodeRune(raw[at:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		at += size
	}
	member := ""
	_ = jsonscan.Object(raw, func(name, value []byte) error {
		if utf8.Valid(name) && utf8.Valid(value) {
			return nil
		}
		member = fmt.Sprintf(" in member %.64q", name)
		return jsonscan.ErrStop
	})
	return fmt.Sprintf("invalid UTF-8%s at byte %d", member, f.offset(f.pos+at))
}

// peel opens a string that holds items, as relays and bindings deliver them.
func (f *frames) peel(raw []byte) bool {
	text, err := jsonscan.AppendUnquote(nil, raw)
	return err == nil && f.within(text)
}

// within goes on with a text that an item holds, if it holds items.
func (f *frames) within(text []byte) bool {
	if kind := jsonscan.Kind(text); f.layer >= peelLayers || kind != '{' && kind != '[' && kind != '"' {
		return false
	}
	f.inner = new(frames)
	f.inner.start(text, nil)
	f.inner.layer, f.inner.file = f.layer+1, f.file
	return true
}

// enter steps into a list whose '[' is at data[at].
func (f *frames) enter(at int, lists string) bool {
	if len(f.open)+len(lists) > maxLists {
		return f.broken(&jsonscan.SyntaxError{Offset: at, Reason: fmt.Sprintf("lists nested deeper than %d", maxLists)})
	}
	f.open = append(f.open, lists...)
	f.pos, f.comma = at+1, false
	return false
}

// leave steps out of a list.
func (f *frames) leave() {
	f.open = f.open[:len(f.open)-1]
	f.comma, f.recovered = true, f.recovered && len(f.open) > 1
}

// measure returns the end of the value at data[pos]; not ok when it is broken, which f.out then says.
func (f *frames) measure() (end int, ok bool) {
	for {
		start := f.pos
		end, err := jsonscan.Value(f.data, start)
		switch {
		case err == nil && (end < len(f.data) || f.data[end-1] > '9' || f.data[end-1] < '0' || f.fill == nil):
			return end, true
		case err == nil && !f.fill(): // a number at the end of the window may go on
			return end - start + f.pos, true // the window may have moved
		case err != nil && !f.incomplete(err):
			f.broken(err)
			return 0, false
		}
	}
}

// refill reads on and reports whether the window has changed: what was found in it has then to be looked for again.
func (f *frames) refill() bool {
	before := f.pos
	return f.fill != nil && (f.fill() || f.pos != before)
}

// incomplete reports whether err may come from the window's end and there was more input to read. An escape or a
// literal cut off by the end is reported at its start, a few bytes before.
func (f *frames) incomplete(err error) bool {
	const longestToken = len(`\u0000`)
	var syntax *jsonscan.SyntaxError
	if f.fill == nil || !errors.As(err, &syntax) || syntax.Offset+longestToken < len(f.data) {
		return false
	}
	before := f.pos
	more := f.fill()
	syntax.Offset += f.pos - before // the window may have moved
	return more
}

// envelopeRest reads what follows an envelope's list: more members, such as nextLink, and the end.
func (f *frames) envelopeRest(c byte) bool {
	switch c {
	case '}':
		f.pos++
		f.leave()
		return f.endsPartial()
	case ',':
	default:
		return f.broken(&jsonscan.SyntaxError{Offset: f.pos, Reason: "expected ',' or '}'"})
	}
	for {
		name, at, err := memberAfter(f.data, f.pos)
		end := 0
		if err == nil && isList(name) && f.data[at] == '[' {
			return f.enter(at, "[")
		}
		if err == nil {
			end, err = jsonscan.Value(f.data, at)
		}
		if err == nil {
			f.partial = f.partial || string(name) == "error" && f.data[at] == '{'
			f.pos = end
			return false
		}
		if !f.incomplete(err) {
			return f.broken(err)
		}
	}
}

// endsPartial reports, behind a list, that items are missing from it: Log Analytics answers with what it found and an error
// (Microsoft: "Azure Monitor Log Analytics API errors", PartialError).
func (f *frames) endsPartial() bool {
	if !f.partial {
		return false
	}
	f.partial = false
	*f.out = invalid("the answer of a query that says itself that it is not whole: items are missing; ask for a shorter time")
	return true
}

// memberAfter reads `, "name" :` at data[i] and returns the value's offset.
func memberAfter(data []byte, i int) (name []byte, at int, err error) {
	i = jsonscan.Space(data, i+1)
	if i >= len(data) || data[i] != '"' {
		return nil, 0, &jsonscan.SyntaxError{Offset: i, Reason: "expected a member name"}
	}
	end, err := jsonscan.Value(data, i)
	if err != nil {
		return nil, 0, err
	}
	colon := jsonscan.Space(data, end)
	if colon >= len(data) || data[colon] != ':' {
		return nil, 0, &jsonscan.SyntaxError{Offset: colon, Reason: "expected ':' after the member name"}
	}
	if at = jsonscan.Space(data, colon+1); at >= len(data) {
		return nil, 0, &jsonscan.SyntaxError{Offset: at, Reason: "unexpected end of text"}
	}
	return data[i+1 : end-1], at, nil
}
