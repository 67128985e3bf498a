package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/payload"
)

// Files reads exported files: JSON Lines as storage accounts write them (PT1H.json), dumps of the REST API, record
// envelopes, gzip, in any mix. JSON Lines are cut into pieces that are read in parallel; in them each line stands by
// itself. Everything else is read by payload as it comes.
type Files struct {
	Inputs  iter.Seq2[Input, error]
	Workers int // 0: one for each processor
	// Events, when set, is given every event that Entries reads, whole. It is called by several workers at a time; an
	// event is valid during the call. To read an event whole takes ten times as long as to count it.
	Events func(*activity.Event)
	// Wanted, when set, says by a glance which events Events is given: by time, operation, its name for people, category and
	// outcome, which are all that the event has then, by its resource id in lower case and by its line as it stands. An event
	// that no glance reads, Events is given anyway.
	Wanted func(e *activity.Event, resource, line []byte) bool
}

// Input is one file.
type Input struct {
	Name string
	Open func() (io.ReadCloser, error)
	// Version names what was read of a blob, once it has been opened (its ETag); nil: there is no such name.
	Version func() string
	InTurn  bool // it is not to be opened before its turn: standard input, a pipe
}

var _ Source = Files{}

// Entries implements Source. What cannot be opened or read is Unreadable, not an error: the other files still count.
func (f Files) Entries(ctx context.Context, v *Vocabulary) iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		for p, err := range f.read(ctx, func(c *crew) worker { return newFileReader(v, c, f) }) {
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(&p.Batch, nil) {
				return
			}
		}
	}
}

// fileReader turns jobs into batches; each worker has one.
type fileReader struct {
	*lineEntries
	records *recordEntries
	crew    *crew
	events  func(*activity.Event)                               // nil: only entries are wanted
	wanted  func(e *activity.Event, resource, line []byte) bool // nil: all events are
	last    *lineEntries                                        // that read the last entry
	glance  activity.Event
	scratch payload.Scratch
}

func newFileReader(v *Vocabulary, c *crew, f Files) *fileReader {
	return &fileReader{lineEntries: newLineEntries(v), records: newRecordEntries(v), crew: c, events: f.Events, wanted: f.Wanted}
}

// fast reads the line that begins at data[at] when it is a usual item or record, and returns the offset of its end.
func (r *fileReader) fast(at int, e *Entry) (end int, ok bool) {
	if end, ok = r.read(at); ok {
		r.last = r.lineEntries
		return end, r.entry(e)
	}
	if end, ok = r.records.read(at); ok {
		r.last = r.records.lineEntries
		return end, r.records.entry(e)
	}
	return 0, false
}

// lines reads a piece of JSON Lines.
func (r *fileReader) lines(j job) *piece {
	b := &piece{Batch: Batch{Name: j.name, Bytes: int64(len(j.data) - padding), Entries: r.crew.entries()}, first: j.first}
	r.data, r.records.data = j.data, j.data
	for at := 0; at < len(j.data)-padding; at++ {
		b.lines++
		b.Entries = append(b.Entries, Entry{})
		end, ok := 0, false
		if j.data[at] == '{' {
			end, ok = r.fast(at, &b.Entries[len(b.Entries)-1])
		}
		if !ok {
			b.Entries = b.Entries[:len(b.Entries)-1]
			end = lineEnd(j.data, at)
			r.line(b, j.data[at:end])
		} else if r.events != nil && r.wants(&b.Entries[len(b.Entries)-1], j.data[at:end]) {
			r.whole(j.data[at:end])
		}
		at = end
	}
	return b
}

// wants asks whether the event of an entry that was just read is wanted.
func (r *fileReader) wants(e *Entry, line []byte) bool {
	if r.wanted == nil {
		return true
	}
	display, ok := r.last.display()
	if !ok {
		return true
	}
	r.glance = activity.Event{
		Time: activity.Time{Time: e.Time}, Operation: e.Operation.Text, OperationDisplay: display, Category: e.Category, Outcome: e.Outcome,
	}
	return r.wanted(&r.glance, r.last.lower, line)
}

// whole has payload read a line whose entry was read already.
func (r *fileReader) whole(text []byte) { r.scratch.Each(text, r.handOn) }

// handOn gives the event of a reading to Events, with the record that rules read what it does not hold in.
func (r *fileReader) handOn(reading *payload.Reading) {
	if r.events != nil && reading.Kind == payload.Activity {
		reading.Event.Record = activity.RecordOf(reading.Raw)
		r.events(&reading.Event)
	}
}

// add counts a reading, and hands its event on.
func (r *fileReader) add(b *Batch, reading payload.Reading, at Place) {
	r.handOn(&reading)
	r.v.add(b, reading, at)
}

// line has payload read a line that is not the usual record.
func (r *fileReader) line(b *piece, text []byte) {
	if blank(text) {
		return
	}
	for _, reading := range payload.DecodeLine(text) {
		r.add(&b.Batch, reading, Place{Name: b.Name, Line: b.lines})
	}
}

// streamed bounds the entries of one batch of a file that is not lines.
const streamed = 1 << 10

// stream reads a file item by item.
func (r *fileReader) stream(j job) {
	defer j.stream.Close()
	counted := &countingReader{r: j.stream}
	b, item, before := &piece{Batch: Batch{Name: j.name}, first: j.first}, int64(0), int64(0)
	for reading, err := range payload.NewDecoder(counted).All() {
		if item++; err != nil {
			b.Unreadable = append(b.Unreadable, Place{Name: j.name, Reason: err.Error()})
			break
		}
		r.add(&b.Batch, reading, Place{Name: j.name, Item: item})
		if len(b.Entries)+len(b.Unreadable) < streamed {
			continue
		}
		b.Bytes, before = counted.n-before, counted.n
		if !r.crew.send(j, b) {
			return
		}
		b = &piece{Batch: Batch{Name: j.name}}
	}
	b.Bytes = counted.n - before
	r.crew.send(j, b)
}

// add puts what payload read into a batch.
func (v *Vocabulary) add(b *Batch, r payload.Reading, at Place) {
	switch r.Kind {
	case payload.Activity:
		b.Entries = append(b.Entries, v.Entry(&r.Event))
	case payload.Invalid:
		at.Reason = r.Reason
		b.Unreadable = append(b.Unreadable, at)
	default:
		if b.Other == nil {
			b.Other = map[string]int{}
		}
		b.Other[r.Signal]++
	}
}

// countingReader counts what is read, for progress.
type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("read file: %w", err)
	}
	return n, err
}
