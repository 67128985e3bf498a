package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"
	"sync"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/payload"
)

// Files reads exported files: JSON Lines as storage accounts write them (PT1H.json), dumps of the REST API, record
// envelopes, gzip, in any mix. JSON Lines are cut into pieces that are read in parallel; in them each line stands by
// itself. Everything else is read by payload as it comes.
type Files struct {
	Inputs  iter.Seq2[Input, error]
	Workers int // 0: one for each processor
}

// Input is one file.
type Input struct {
	Name string
	Open func() (io.ReadCloser, error)
}

var _ Source = Files{}

// Entries implements Source. What cannot be opened or read is Unreadable, not an error: the other files still count.
func (f Files) Entries(ctx context.Context, v *Vocabulary) iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		for p, err := range f.read(ctx, func(c *cutter) func(<-chan job) { return newFileReader(v, c).work }) {
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

// ahead is how many pieces may be ready or under way for each worker while the one before them is put together. Measured:
// with one, workers wait for a piece that holds more entries than others, and a digest takes a tenth longer.
const ahead = 4

// read has workers turn the files into pieces and yields them in the input's order; worker makes what one worker does.
func (f Files) read(ctx context.Context, worker func(*cutter) func(<-chan job)) iter.Seq2[*piece, error] {
	return func(yield func(*piece, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		workers := f.Workers
		if workers <= 0 {
			workers = runtime.GOMAXPROCS(0)
		}
		c := &cutter{
			ctx: ctx, jobs: make(chan job), order: make(chan job, ahead*workers),
			free: make(chan []byte, (ahead+1)*workers+2), used: make(chan []Entry, (ahead+1)*workers+2),
		}
		var running sync.WaitGroup
		defer running.Wait()
		defer cancel()
		running.Go(func() { c.cut(f.Inputs) })
		for range workers {
			running.Go(func() { worker(c)(c.jobs) })
		}
		var lines lineCount
		for j := range c.order {
			for p := range j.out {
				if !yield(lines.number(p), nil) {
					return
				}
				c.recycle(p)
			}
		}
		if err := context.Cause(ctx); err != nil {
			yield(nil, fmt.Errorf("read files: %w", err))
		}
	}
}

// lineCount turns line numbers within a piece into numbers within the file.
type lineCount struct{ before int64 }

func (l *lineCount) number(b *piece) *piece {
	if b.first {
		l.before = 0
	}
	for i := range b.Unreadable {
		if b.Unreadable[i].Line > 0 {
			b.Unreadable[i].Line += l.before
		}
	}
	l.before += b.lines
	return b
}

// job is a piece of lines, or a whole file that is not lines. Its batches go to out, which is then closed.
type job struct {
	name   string
	data   []byte        // lines, with padding behind
	first  bool          // of its file
	stream io.ReadCloser // not lines
	failed error         // the file cannot be read (any further)
	out    chan *piece
}

// piece is the Batch of a job with what is needed to number its lines and to use its memory again.
type piece struct {
	Batch
	first bool
	lines int64
	data  []byte
	found []activity.Event // Find's, in place of Entries
}

// fileReader turns jobs into batches; each worker has one.
type fileReader struct {
	*lineEntries
	cut *cutter
}

func newFileReader(v *Vocabulary, c *cutter) *fileReader {
	return &fileReader{lineEntries: newLineEntries(v), cut: c}
}

func (r *fileReader) work(jobs <-chan job) {
	for j := range jobs {
		switch {
		case j.failed != nil:
			r.send(j, &piece{Batch: Batch{Name: j.name, Unreadable: []Place{{Name: j.name, Reason: j.failed.Error()}}}})
		case j.stream != nil:
			r.stream(j)
		default:
			r.send(j, r.lines(j))
		}
		close(j.out)
	}
}

// send hands a batch over; false when nobody wants it any more.
func (r *fileReader) send(j job, b *piece) bool {
	select {
	case j.out <- b:
		return true
	case <-r.cut.ctx.Done():
		return false
	}
}

// lines reads a piece of JSON Lines.
func (r *fileReader) lines(j job) *piece {
	b := &piece{Batch: Batch{Name: j.name, Bytes: int64(len(j.data) - padding), Entries: r.cut.entries()}, first: j.first, data: j.data}
	r.data = j.data
	for at := 0; at < len(j.data)-padding; at++ {
		b.lines++
		b.Entries = append(b.Entries, Entry{})
		end, ok := 0, false
		if j.data[at] == '{' {
			end, ok = r.read(at)
		}
		if !ok || !r.entry(&b.Entries[len(b.Entries)-1]) {
			b.Entries = b.Entries[:len(b.Entries)-1]
			end = lineEnd(j.data, at)
			r.line(b, j.data[at:end])
		}
		at = end
	}
	return b
}

// line has payload read a line that is not the usual record.
func (r *fileReader) line(b *piece, text []byte) {
	if blank(text) {
		return
	}
	for _, reading := range payload.Decode(text) {
		r.v.add(&b.Batch, reading, Place{Name: b.Name, Line: b.lines})
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
		r.v.add(&b.Batch, reading, Place{Name: j.name, Item: item})
		if len(b.Entries)+len(b.Unreadable) < streamed {
			continue
		}
		b.Bytes, before = counted.n-before, counted.n
		if !r.send(j, b) {
			return
		}
		b = &piece{Batch: Batch{Name: j.name}}
	}
	b.Bytes = counted.n - before
	r.send(j, b)
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
