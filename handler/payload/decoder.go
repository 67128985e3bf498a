package payload

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"iter"
)

// Sizes of a Decoder's window.
const (
	firstWindow = 256 << 10
	maxItem     = 8 << 20 // no Azure channel delivers more than 1 MB at once
)

// Decoder reads a file or stream of any size, item by item, in the memory of its largest item. It accepts what Decode
// accepts, gzip included.
type Decoder struct {
	frames *frames
	source io.Reader
	err    error
}

// NewDecoder returns a Decoder that reads r; it reads ahead.
func NewDecoder(r io.Reader) *Decoder {
	d := &Decoder{source: r, frames: new(frames)}
	d.frames.start(make([]byte, 0, firstWindow), d.fill)
	d.open()
	return d
}

// All iterates over the readings, in input order. A read error ends the iteration, with a zero Reading. A Reading's
// Raw is valid until the next one.
func (d *Decoder) All() iter.Seq2[Reading, error] {
	return func(yield func(Reading, error) bool) {
		r := &d.frames.last
		for d.frames.next(r) {
			if !yield(*r, nil) {
				return
			}
		}
		if d.err != nil && !errors.Is(d.err, io.EOF) {
			yield(Reading{}, fmt.Errorf("read input: %w", d.err))
		}
	}
}

// open looks at the first bytes: gzip by its magic number, then a byte order mark, which Windows tools put before UTF-8.
func (d *Decoder) open() {
	buffered := bufio.NewReaderSize(d.source, 64<<10)
	if magic, _ := buffered.Peek(len(gzipMagic)); bytes.Equal(magic, gzipMagic) {
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			d.err = err
			return
		}
		buffered = bufio.NewReaderSize(unzipped, 64<<10)
	}
	if mark, _ := buffered.Peek(len(byteOrderMark)); bytes.Equal(mark, byteOrderMark) {
		d.frames.base = int64(len(byteOrderMark))
		_, d.err = buffered.Discard(len(byteOrderMark))
	}
	d.source = buffered
}

// gzipMagic is how every gzip stream begins (RFC 1952, section 2.3.1).
var gzipMagic = []byte{0x1f, 0x8b}

var byteOrderMark = []byte("\xef\xbb\xbf")

// fill appends input to the window, first moving what is still needed to its start. It doubles the window when an
// item fills half of it, so that an item is looked at a few times at most. False: there is no more, or the item is
// larger than the largest window.
func (d *Decoder) fill() bool {
	f := d.frames
	window, kept := f.data[:cap(f.data)], len(f.data)-f.pos
	if d.err != nil || kept == maxItem {
		return false
	}
	if kept > len(window)/2 {
		window = make([]byte, min(2*len(window), maxItem))
	}
	copy(window, f.data[f.pos:])
	f.base += int64(f.pos)
	f.pos = 0
	n := 0
	for n <= kept/2 && d.err == nil && kept+n < len(window) { // by half at least: an item is scanned a few times at most
		var more int
		more, d.err = d.source.Read(window[kept+n:])
		n += more
	}
	f.data = window[:kept+n]
	return n > 0
}
