package source

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"

	"github.com/auditbell/auditbell/handler/jsonscan"
)

// Sizes of pieces. Small ones stay in the processor's cache between being read and being understood.
const (
	pieceSize = 512 << 10
	maxLine   = 16 << 20 // as in payload: what is longer is no line of an export
)

// cutter reads files one after the other and cuts JSON Lines into pieces at line ends. Workers take turns with it: each
// reads the piece that it then works on, which is in its processor's cache by then.
type cutter struct {
	ctx   context.Context
	order chan job // what was taken, in order; it has room for whatever may be under way

	taking sync.Mutex // guards what follows
	inputs func() (Input, error, bool)
	file   *cutFile // nil between files
	ended  bool
}

// take returns the next job. Lines are read into buffer, or into a larger one when one of them is longer. False is the
// end, or that nobody wants more.
func (c *cutter) take(buffer []byte) (job, bool) {
	c.taking.Lock()
	defer c.taking.Unlock()
	if c.ended {
		return job{}, false
	}
	j, ok := c.next(buffer)
	if !ok {
		c.ended = true
		close(c.order)
		return j, false
	}
	j.out = make(chan *piece, 1)
	c.order <- j
	return j, true
}

// close closes the file that is open, when nobody takes any more.
func (c *cutter) close() {
	if c.file != nil {
		c.file.close()
	}
}

// next cuts a piece of the file that is open, or opens the next one.
func (c *cutter) next(buffer []byte) (j job, ok bool) {
	for c.ctx.Err() == nil {
		if c.file == nil {
			in, err, more := c.inputs()
			if !more {
				return job{}, false
			}
			if err == nil {
				c.file, err = open(in)
			}
			if err != nil {
				return job{name: in.Name, failed: err, first: true}, true
			}
		}
		j, ok = c.file.piece(buffer)
		if c.file.file == nil {
			c.file = nil
		}
		if ok {
			return j, true
		}
	}
	return job{}, false
}

// cutFile is a file of which pieces are cut.
type cutFile struct {
	name  string
	text  io.Reader
	file  io.Closer // nil when it is closed or handed out
	begun bool      // it is lines, and was looked at
	kept  []byte    // what was read and is not handed out
	over  error     // why no more of it can be read: io.EOF, or what is wrong with it
}

// open opens a file and looks whether it is gzip.
func open(in Input) (*cutFile, error) {
	file, err := in.Open()
	if err != nil {
		return nil, err
	}
	var text io.Reader = bufio.NewReaderSize(file, 4<<10) // for Peek; what is read in pieces goes past it
	if magic, _ := text.(*bufio.Reader).Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		if text, err = gzip.NewReader(text); err != nil {
			return nil, errors.Join(fmt.Errorf("open gzip: %w", err), file.Close())
		}
	}
	return &cutFile{name: in.Name, text: text, file: file}, nil
}

func (f *cutFile) close() {
	if f.file != nil {
		_ = f.file.Close() // it was only read
		f.file = nil
	}
}

// piece hands out the whole lines of what fits into buffer; false when there are none. A file that is not lines is
// handed out as it is, and one that cannot be read to its end ends with a job that says so.
func (f *cutFile) piece(buffer []byte) (j job, ok bool) {
	j = job{name: f.name, first: !f.begun}
	if f.over != nil { // and what could be read of it is handed out
		f.close()
		j.failed = fmt.Errorf("cannot be read to its end: %w", f.over)
		return j, true
	}
	buffer, n := f.fill(buffer)
	if !f.begun {
		n = withoutMark(buffer[:n])
	}
	end := bytes.LastIndexByte(buffer[:n], '\n') + 1
	switch {
	case !f.begun && !isLines(buffer[:n]), end == 0 && f.over == nil: // longer than any line: payload says what it is
		j.stream = readCloser{io.MultiReader(bytes.NewReader(buffer[:n]), f.rest()), f.file}
		f.file = nil
		return j, true
	case f.over != nil:
		end = n // the last line may lack its end
	}
	if errors.Is(f.over, io.EOF) {
		f.close()
	}
	f.begun = true
	f.kept = append(f.kept[:0], buffer[end:n]...)
	j.data = buffer[:end+padding]
	clear(j.data[end:])
	return j, end > 0
}

// fill reads what fits into buffer behind what was kept. Once lines have begun, the buffer grows until it holds the end
// of one.
func (f *cutFile) fill(buffer []byte) (_ []byte, n int) {
	for len(buffer)-padding <= len(f.kept) {
		buffer = doubled(buffer)
	}
	for n = copy(buffer, f.kept); ; buffer = doubled(buffer) {
		for n < len(buffer)-padding && f.over == nil {
			var more int
			more, f.over = f.text.Read(buffer[n : len(buffer)-padding])
			n += more
		}
		if !f.begun || f.over != nil || n >= maxLine || bytes.IndexByte(buffer[:n], '\n') >= 0 {
			return buffer, n
		}
	}
}

func doubled(buffer []byte) []byte { return append(buffer, make([]byte, len(buffer))...) }

// rest is what fill has not read. It fails as it did before.
func (f *cutFile) rest() io.Reader {
	if f.over != nil {
		return failing{f.over}
	}
	return f.text
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

type readCloser struct {
	io.Reader
	io.Closer
}

// withoutMark takes away the byte order mark that Windows tools write, and returns the length of the rest.
func withoutMark(text []byte) int {
	if mark := []byte("\xef\xbb\xbf"); bytes.HasPrefix(text, mark) {
		return copy(text, text[len(mark):])
	}
	return len(text)
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

// lineEnd is the offset of the line end at or behind data[at], or of the padding.
func lineEnd(data []byte, at int) int {
	if n := bytes.IndexByte(data[at:], '\n'); n >= 0 {
		return at + n
	}
	return len(data) - padding
}

// blank reports whether a line holds nothing.
func blank(text []byte) bool { return jsonscan.Space(text, 0) == len(text) }
