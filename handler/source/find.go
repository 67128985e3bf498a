package source

import (
	"bytes"
	"context"
	"encoding/binary"
	"iter"
	"slices"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/payload"
)

// Finder looks for events. Every source is one. An error ends the iteration; what came before it stands. A Found is
// valid until the next one.
type Finder interface {
	Find(ctx context.Context, f Filter) iter.Seq2[*Found, error]
}

// Found is what a piece of a source's input had of what is looked for, in the input's order.
type Found struct {
	Name       string
	Bytes      int64 // of input that it took, for progress
	Events     []activity.Event
	Unreadable []Place
	// Notices say what events lack: a time, an operation, an outcome that can be read. An event without a time lies in no
	// window: where one is asked for and the event could be meant, it is Unreadable.
	Notices []Place
}

var _ Finder = Files{}

// Find implements Finder. What cannot be read is Unreadable, not an error. Of JSON Lines, only those are read that hold
// the texts that are looked for, and in full only when the fast reader cannot rule them out: a line that is malformed
// inside is named when it could have been meant.
func (f Files) Find(ctx context.Context, filter Filter) iter.Seq2[*Found, error] {
	return func(yield func(*Found, error) bool) {
		newWorker := func(c *crew) worker {
			return &lineFinder{fileReader: newFileReader(NewVocabulary(nil), c, Files{}), ruler: newRecordRuler(&filter), filter: &filter, needles: filter.needles()}
		}
		for p, err := range f.read(ctx, newWorker) {
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(&Found{Name: p.Name, Bytes: p.Bytes, Events: p.found, Unreadable: p.Unreadable, Notices: p.notices}, nil) {
				return
			}
		}
	}
}

// lineFinder turns jobs into pieces of found events; each worker has one.
type lineFinder struct {
	*fileReader
	ruler   *recordRuler
	filter  *Filter
	needles [][][]byte
	lower   []byte
}

// lines reads a piece of JSON Lines.
func (r *lineFinder) lines(j job) *piece {
	p := &piece{Batch: Batch{Name: j.name, Bytes: int64(len(j.data) - padding)}, first: j.first}
	r.data = j.data
	for at := 0; at < len(j.data)-padding; at++ {
		p.lines++
		end := lineEnd(j.data, at)
		// The fast reader first: it knows the usual line's operation for less than looking through the line's text takes.
		if text := j.data[at:end]; !blank(text) && !r.ruledOut(at) && r.mayHold(text) {
			r.decode(p, text)
		}
		at = end
	}
	return p
}

// ruledOut has the fast reader look at the line that begins at data[at].
func (r *lineFinder) ruledOut(at int) bool {
	if r.data[at] != '{' {
		return false
	}
	var e Entry
	if _, ok := r.read(at); ok {
		return r.entry(&e) && !r.filter.mayHold(&e, r.fileReader.lower)
	}
	return r.ruler.rulesOut(r.data, at)
}

// decode has payload read a line that may be looked for.
func (r *lineFinder) decode(p *piece, text []byte) {
	for _, reading := range payload.DecodeLine(text) {
		r.keep(p, &reading, Place{Name: p.Name, Line: p.lines})
	}
}

func (r *lineFinder) keep(p *piece, reading *payload.Reading, at Place) {
	switch {
	case reading.Kind == payload.Invalid:
		at.Reason = reading.Reason
		p.Unreadable = append(p.Unreadable, at)
	case reading.Kind != payload.Activity:
	case r.filter.Holds(&reading.Event):
		p.found = append(p.found, r.filter.event(reading))
		if reading.Notice != "" {
			at.Reason = reading.Notice
			p.notices = append(p.notices, at)
		}
	case reading.Event.Time.IsZero() && r.filter.holdsAtSomeTime(&reading.Event):
		at.Reason = reading.Notice + ": an event without a time lies in no window"
		p.Unreadable = append(p.Unreadable, at)
	}
}

// stream reads a file that is not lines item by item.
func (r *lineFinder) stream(j job) {
	defer j.stream.Close()
	counted := &countingReader{r: j.stream}
	p, item, before := &piece{Batch: Batch{Name: j.name}, first: j.first}, int64(0), int64(0)
	for reading, err := range payload.NewDecoder(counted).All() {
		if item++; err != nil {
			p.Unreadable = append(p.Unreadable, Place{Name: j.name, Reason: err.Error()})
			break
		}
		r.keep(p, &reading, Place{Name: j.name, Item: item})
		if counted.n-before < pieceSize {
			continue
		}
		p.Bytes, before = counted.n-before, counted.n
		if !r.crew.send(j, p) {
			return
		}
		p = &piece{Batch: Batch{Name: j.name}}
	}
	p.Bytes = counted.n - before
	r.crew.send(j, p)
}

// needles are texts of which a line must hold one of each group to be looked for. A part that JSON may write in another
// way stands for itself only up to there: "\/" is as good as "/".
func (f *Filter) needles() [][][]byte {
	var all [][][]byte
	for _, parts := range [][]string{f.Operations, f.Resources, f.Callers, f.Groups, f.Subscriptions} {
		var group [][]byte
		for _, part := range parts {
			group = append(group, longestPlain(part))
		}
		// A shorter text is in nearly every line, and a caller that has none of these letters may be written otherwise.
		if len(group) > 0 && !slices.ContainsFunc(group, func(n []byte) bool { return len(n) < 3 }) {
			all = append(all, group)
		}
	}
	return all
}

// longestPlain is the longest run of letters, digits and the like in text.
func longestPlain(text string) []byte {
	longest := ""
	for run := range strings.FieldsFuncSeq(text, func(c rune) bool { return c >= 0x80 || c <= ' ' || strings.ContainsRune(`"\/'&<>+`, c) }) {
		if len(run) > len(longest) {
			longest = run
		}
	}
	return []byte(longest)
}

// mayHold reports whether a line of any form can be looked for: false is certain. Lines that do not begin and end as
// an object are always looked at, so that a file cut short is noticed whatever is looked for, and so are those with
// letters written as \u or with data_base64 (CloudEvents 1.0, JSON format §3.1.1).
func (r *lineFinder) mayHold(text []byte) bool {
	body := bytes.TrimRight(text, " \t\r,")
	if len(r.needles) == 0 || len(body) < 2 || body[0] != '{' || body[len(body)-1] != '}' || bytes.Contains(body, []byte(`\u`)) || bytes.Contains(body, []byte("_base64")) {
		return true
	}
	r.lower = lowerASCII(r.lower, body)
	for _, group := range r.needles {
		if !slices.ContainsFunc(group, func(n []byte) bool { return bytes.Contains(r.lower, n) }) {
			return false
		}
	}
	return true
}

// lowerASCII copies text in lower case into b, as far as it is ASCII: needles are. Eight bytes are folded together, each
// sum telling in the top bit of a byte whether that byte, without its own top bit, is beyond the bound.
func lowerASCII(b, text []byte) []byte {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	b = slices.Grow(b[:0], len(text)+8)[:len(text)+8]
	i := 0
	for ; i+8 <= len(text); i += 8 {
		x := binary.LittleEndian.Uint64(text[i:])
		low := x &^ tops
		upper := (low + (0x80-'A')*ones) &^ (low + (0x7f-'Z')*ones) &^ x & tops
		binary.LittleEndian.PutUint64(b[i:], x|upper>>2)
	}
	for ; i < len(text); i++ {
		c := text[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		b[i] = c
	}
	return b[:len(text)]
}
