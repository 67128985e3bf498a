package payload

import (
	"bytes"
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
// accepts, see unwrap.
type Decoder struct {
	frames *frames
	input  io.Reader
	source io.Reader // the text that is read now
	left   *int64    // see part
	err    error
}

// NewDecoder returns a Decoder that reads r; it reads ahead. A file may be sought in: the directory of a zip archive
// stands at its end.
func NewDecoder(r io.Reader) *Decoder { return &Decoder{input: r, frames: new(frames)} }

// All iterates over the readings, in input order. A read error ends the iteration, with a zero Reading. A Reading's
// Raw is valid until the next one.
func (d *Decoder) All() iter.Seq2[Reading, error] {
	return func(yield func(Reading, error) bool) {
		wanted := true
		err := unwrap(d.input, d.left, func(p part) bool {
			wanted = d.part(p, yield)
			return wanted && d.err == nil
		})
		if err = errors.Join(err, d.err); wanted && err != nil {
			yield(Reading{}, fmt.Errorf("read input: %w", err))
		}
	}
}

// part reads one text; false when no more is wanted.
func (d *Decoder) part(p part, yield func(Reading, error) bool) bool {
	if p.fault != "" {
		r := invalid(p.fault)
		r.Raw = p.start
		return yield(r, nil)
	}
	f := d.frames
	f.start(f.window(), d.fill)
	f.base, f.item.csv, d.source, f.file = p.base, p.csv, p.text, d.left == nil
	for f.next(&f.last) {
		if p.name != "" && f.last.Kind == Invalid {
			f.last.Reason = p.name + ": " + f.last.Reason
		}
		if !yield(f.last, nil) {
			return false
		}
	}
	if errors.Is(d.err, io.EOF) {
		d.err = nil
	} else if d.err != nil && p.name != "" {
		d.err = fmt.Errorf("%s: %w", p.name, d.err)
	}
	return true
}

// window is the memory for a text's window: that of the text before.
func (f *frames) window() []byte {
	if cap(f.data) < firstWindow {
		return make([]byte, 0, firstWindow)
	}
	return f.data[:0]
}

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

// wrapped recognises a delivery that is not JSON as it stands.
func wrapped(data []byte) bool {
	if bytes.HasPrefix(data, []byte(`{"`)) || bytes.HasPrefix(data, []byte(`[{"`)) { // nearly every delivery
		return false
	}
	data = bytes.TrimPrefix(data, byteOrderMark)
	_, utf16 := utf16Order(data)
	return utf16 || !looksJSON(data[:min(len(data), sniffed)])
}
