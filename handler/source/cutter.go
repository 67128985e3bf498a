package source

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/auditbell/auditbell/handler/jsonscan"
)

// Sizes of pieces. Small ones stay in the processor's cache between being read and being understood.
const (
	pieceSize = 512 << 10
	maxLine   = 16 << 20 // as in payload: what is longer is no line of an export
)

// cutter reads files one after the other and cuts JSON Lines into pieces at line ends.
type cutter struct {
	ctx   context.Context
	jobs  chan job     // for whichever worker is free
	order chan job     // the same, in order, for whoever puts results together; its capacity bounds the work ahead
	free  chan []byte  // buffers to use again
	used  chan []Entry // the same for what is made of them
}

func (c *cutter) cut(inputs iter.Seq2[Input, error]) {
	defer close(c.order)
	defer close(c.jobs)
	for in, err := range inputs {
		if err == nil {
			err = c.file(in)
		}
		if err != nil && !c.do(job{name: in.Name, failed: err, first: true}) || c.ctx.Err() != nil {
			return
		}
	}
}

// do hands a job out; false when nobody wants more.
func (c *cutter) do(j job) bool {
	j.out = make(chan *piece, 1)
	for _, to := range []chan job{c.order, c.jobs} {
		select {
		case to <- j:
		case <-c.ctx.Done():
			if to == c.jobs { // announced and given to no worker
				close(j.out)
			}
			return false
		}
	}
	return true
}

// file opens a file and looks at its beginning: gzip, and then lines or not.
func (c *cutter) file(in Input) error {
	file, err := in.Open()
	if err != nil {
		return err
	}
	var text io.Reader = bufio.NewReaderSize(file, 4<<10) // for Peek; what is read in pieces goes past it
	if magic, _ := text.(*bufio.Reader).Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		if text, err = gzip.NewReader(text); err != nil {
			return errors.Join(fmt.Errorf("open gzip: %w", err), file.Close())
		}
	}
	buffer := c.buffer(pieceSize)
	n, err := io.ReadFull(text, buffer[:len(buffer)-padding])
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return errors.Join(err, file.Close())
	}
	if mark := []byte("\xef\xbb\xbf"); bytes.HasPrefix(buffer[:n], mark) { // the byte order mark of Windows tools
		n = copy(buffer, buffer[len(mark):n])
	}
	if !isLines(buffer[:n]) {
		rest := io.MultiReader(bytes.NewReader(buffer[:n]), text)
		c.do(job{name: in.Name, first: true, stream: readCloser{rest, file}})
		return nil
	}
	defer file.Close()
	return c.lines(in.Name, text, buffer, n)
}

type readCloser struct {
	io.Reader
	io.Closer
}

// isLines reports whether text, the beginning of a file, is JSON Lines: its first line is one whole object.
func isLines(text []byte) bool {
	at := jsonscan.Space(text, 0)
	if at == len(text) || text[at] != '{' {
		return false
	}
	end, err := jsonscan.Value(text, at)
	if err != nil || bytes.IndexByte(text[at:end], '\n') >= 0 {
		return false
	}
	rest := bytes.TrimLeft(text[end:], " \t,\r")
	return len(rest) == 0 || rest[0] == '\n'
}

// lines cuts a file whose first n bytes are in buffer.
func (c *cutter) lines(name string, text io.Reader, buffer []byte, n int) error {
	for first := true; ; {
		more, err := io.ReadFull(text, buffer[n:len(buffer)-padding])
		n += more
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			c.emit(job{name: name, first: first, data: buffer}, n)
			return nil
		}
		if err != nil {
			return err
		}
		end := bytes.LastIndexByte(buffer[:n], '\n') + 1
		switch {
		case end == 0 && n >= maxLine: // payload says what it is
			c.do(job{name: name, first: first, stream: io.NopCloser(io.MultiReader(bytes.NewReader(buffer[:n]), text))})
			return nil
		case end == 0:
			buffer = append(buffer, make([]byte, len(buffer))...)
			continue
		}
		next := c.buffer(len(buffer))
		kept := copy(next, buffer[end:n])
		if !c.emit(job{name: name, first: first, data: buffer}, end) {
			return nil
		}
		buffer, n, first = next, kept, false
	}
}

// emit hands out the first n bytes of j.data as lines.
func (c *cutter) emit(j job, n int) bool {
	if n == 0 {
		c.recycleBuffer(j.data)
		return true
	}
	j.data = j.data[:n+padding]
	clear(j.data[n:])
	return c.do(j)
}

// buffer returns a buffer of at least size bytes, an old one if there is one.
func (c *cutter) buffer(size int) []byte {
	select {
	case b := <-c.free:
		if cap(b) >= size {
			return b[:cap(b)]
		}
	default:
	}
	return make([]byte, size)
}

func (c *cutter) recycleBuffer(b []byte) {
	select {
	case c.free <- b:
	default:
	}
}

// entries returns memory for the entries of a piece, old one if there is some.
func (c *cutter) entries() []Entry {
	select {
	case e := <-c.used:
		return e[:0]
	default:
		return make([]Entry, 0, pieceSize/2048)
	}
}

// recycle takes back the memory of a batch that was seen.
func (c *cutter) recycle(b *piece) {
	if b.data == nil {
		return
	}
	c.recycleBuffer(b.data)
	clear(b.Entries) // details must not be kept alive
	select {
	case c.used <- b.Entries:
	default:
	}
}

// lineEnd is the offset of the line end at or behind data[at], or of the padding.
func lineEnd(data []byte, at int) int {
	if n := bytes.IndexByte(data[at:], '\n'); n >= 0 {
		return at + n
	}
	return len(data) - padding
}

// blank reports whether a line holds nothing.
func blank(text []byte) bool { return jsonscan.Space(text, 0) == len(text) }
