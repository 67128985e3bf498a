package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"runtime"
	"sync"

	"github.com/auditbell/auditbell/handler/activity"
)

// job is a piece of lines, or a whole file that is not lines. Its batches go to out, which is then closed.
type job struct {
	name   string
	data   []byte        // lines, with padding behind
	first  bool          // of its file
	stream io.ReadCloser // not lines
	failed error         // the file cannot be read (any further)
	out    chan *piece
}

// piece is the Batch of a job with what is needed to number its lines.
type piece struct {
	Batch
	first bool
	lines int64
	found []activity.Event // Find's, in place of Entries

	notices []Place // Find's
}

// worker turns jobs into pieces.
type worker interface {
	lines(j job) *piece
	stream(j job)
}

// crew is the workers on the files of one call and what they share.
type crew struct {
	*cutter
	slots chan struct{} // one for each job that is under way or waits to be yielded
	used  chan []Entry  // memory to use again
}

// ahead is how many pieces may be under way or ready for each worker while the one before them is not.
const ahead = 4

// read has workers turn the files into pieces and yields them in the input's order. The caller is one of the workers:
// there are as many as processors, and hardly anybody ever waits. Measured: handing each piece from a reader to a worker
// to the caller, a goroutine each, took a tenth more time.
func (f Files) read(ctx context.Context, newWorker func(*crew) worker) iter.Seq2[*piece, error] {
	return func(yield func(*piece, error) bool) {
		workers := f.Workers
		if workers <= 0 {
			workers = runtime.GOMAXPROCS(0)
		}
		inputs, stop := iter.Pull2(f.Inputs)
		defer stop()
		ctx, cancel := context.WithCancel(ctx)
		c := &crew{
			cutter: &cutter{ctx: ctx, inputs: inputs, order: make(chan job, ahead*workers)},
			slots:  make(chan struct{}, ahead*workers), used: make(chan []Entry, ahead*workers),
		}
		defer c.close()
		var running sync.WaitGroup
		defer running.Wait()
		defer cancel()
		for range workers - 1 {
			running.Go(func() { c.work(newWorker(c)) })
		}
		var lines lineCount
		l := lead{crew: c, worker: newWorker(c), buffer: make([]byte, pieceSize), running: &running}
		for p := range l.pieces {
			if !yield(lines.number(p), nil) {
				return
			}
			c.recycle(p)
		}
		if err := context.Cause(ctx); err != nil {
			yield(nil, fmt.Errorf("read files: %w", err))
		}
	}
}

// work has w do jobs until there are none.
func (c *crew) work(w worker) {
	buffer := make([]byte, pieceSize)
	for {
		select {
		case c.slots <- struct{}{}:
		case <-c.ctx.Done():
		}
		j, ok := c.take(buffer)
		if !ok {
			return
		}
		c.do(j, w)
	}
}

// do has w do a job.
func (c *crew) do(j job, w worker) {
	defer close(j.out)
	switch {
	case j.failed != nil:
		c.send(j, &piece{Batch: Batch{Name: j.name, Unreadable: []Place{{Name: j.name, Reason: reason(j.failed)}}}})
	case j.stream != nil:
		w.stream(j)
	default:
		c.send(j, w.lines(j))
	}
}

// reason is why a file cannot be read, without its name where it was not even opened: a Place has that.
func reason(err error) string {
	if at := new(fs.PathError); errors.As(err, &at) && at.Op == "open" {
		return "cannot be opened: " + at.Err.Error()
	}
	return err.Error()
}

// send hands a piece over; false when nobody wants it any more.
func (c *crew) send(j job, p *piece) bool {
	select {
	case j.out <- p:
		return true
	case <-c.ctx.Done():
		return false
	}
}

// entries returns memory for the entries of a piece, old one if there is some.
func (c *crew) entries() []Entry {
	select {
	case e := <-c.used:
		return e[:0]
	default:
		return make([]Entry, 0, pieceSize/2048)
	}
}

// recycle takes back the memory of a piece that was seen.
func (c *crew) recycle(p *piece) {
	clear(p.Entries) // details must not be kept alive
	select {
	case c.used <- p.Entries:
	default:
	}
}

// lead is the worker that also puts the pieces in order.
type lead struct {
	*crew
	worker
	buffer    []byte
	streaming chan *piece // out of the file that it has somebody else read
	running   *sync.WaitGroup
}

// pieces yields the pieces in the input's order.
func (l *lead) pieces(yield func(*piece) bool) {
	for j, ok := await(l, l.order); ok; j, ok = await(l, l.order) {
		for p, ok := await(l, j.out); ok; p, ok = await(l, j.out) {
			if !yield(p) {
				return
			}
		}
		if j.out == l.streaming {
			l.streaming = nil
		}
		<-l.slots
	}
}

// await receives from a channel; until there is something, it works.
func await[T any](l *lead, from <-chan T) (T, bool) {
	for {
		select {
		case v, ok := <-from:
			return v, ok
		default:
		}
		if !l.along() {
			v, ok := <-from
			return v, ok
		}
	}
}

// along does one job; false when there is none for it now.
func (l *lead) along() bool {
	if l.streaming != nil {
		return false
	}
	select {
	case l.slots <- struct{}{}:
	default:
		return false
	}
	j, ok := l.take(l.buffer)
	switch {
	case !ok:
		<-l.slots
		return false
	case j.stream != nil: // it makes many pieces, which must be received meanwhile; its beginning is in the buffer
		l.streaming = j.out
		l.running.Go(func() { l.do(j, l.worker) })
	default:
		l.do(j, l.worker)
	}
	return true
}

// lineCount turns line numbers within a piece into numbers within the file.
type lineCount struct{ before int64 }

func (l *lineCount) number(b *piece) *piece {
	if b.first {
		l.before = 0
	}
	for _, places := range [][]Place{b.Unreadable, b.notices} {
		for i := range places {
			if places[i].Line > 0 {
				places[i].Line += l.before
			}
		}
	}
	l.before += b.lines
	return b
}
