package verify

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"math/bits"
	"time"

	"github.com/auditbell/auditbell/handler/digest"
)

// cells are the cells of operations of a file, so that those of operations.csv can be held against those of report.json: in
// 9 MiB at most, however many they are. What both have always passes. What only one has passes by chance: one cell in a hundred
// where the report lists a million entries, fewer where it lists fewer. Who makes the files cannot choose which: the hashes
// are seeded.
type cells struct {
	seed    maphash.Seed
	shift   int         // of a hash, to a line of the filter
	filter  [][8]uint64 // a blocked Bloom filter of cells, each with the operation that it belongs to
	entries []int64     // by hash of the operation
	waiting []uint64    // hashes that are still to be put into the filter
}

// Lines of the filter, of 512 bits, which processors load at once: one for every eight entries, in these bounds.
const (
	fewestLines = 10 // as powers of two
	mostLines   = 17
	buckets     = 1 << 16
	together    = 256 // hashes that are put into the filter at once
)

// newCells has room for about as many entries.
func newCells(seed maphash.Seed, entries int64) cells {
	lines := min(max(bits.Len64(uint64(max(entries, 0)))-3, fewestLines), mostLines) //nolint:gosec // not negative
	return cells{seed: seed, shift: 64 - lines, filter: make([][8]uint64, 1<<lines), entries: make([]int64, buckets), waiting: make([]uint64, 0, together)}
}

// Columns of operations.csv, as the filter distinguishes them.
const (
	aTime = iota
	aCaller
	aResource
	anOutcome
	anAlert
)

// hash is of a cell: the hash of what it says, in which column, of which operation (its hash; 0 for none).
func (c *cells) hash(operation uint64, column int, text uint64) uint64 {
	const odd = 0x9e3779b97f4a7c15 // 2⁶⁴ over the golden ratio: spreads sums
	return (text ^ bits.RotateLeft64(operation*odd, 8*column+1)) * odd
}

// text is the hash of a text as the report has it.
func (c *cells) text(text []byte) uint64 { return maphash.Bytes(c.seed, shown(text)) }

// cell is the hash of a text as a cell shows it.
func (c *cells) cell(text string) uint64 { return maphash.String(c.seed, text) }

// place is where the filter has a hash: five bits of a line, in as many words.
func (c *cells) place(h uint64) (line uint64, words [5]uint64) {
	line, h = h>>c.shift, h*0xff51afd7ed558ccd // odd: the bits below are spread again
	for i := range words {
		words[i] = 1 << (h >> (58 - 6*i) & 63)
	}
	return line, words
}

func (c *cells) add(h uint64) {
	if c.waiting = append(c.waiting, h); len(c.waiting) == together {
		c.settle()
	}
}

// settle puts into the filter what waits. Each line is a miss of the processor's cache where the filter is large; loads that do
// not depend on each other are made together, and one after the other they would be waited for.
func (c *cells) settle() (touched uint64) { //nolint:unparam // returned so that no compiler leaves the loads out
	for _, h := range c.waiting {
		touched |= c.filter[h>>c.shift][0]
	}
	for _, h := range c.waiting {
		line, words := c.place(h)
		at := &c.filter[line]
		for i, bit := range words {
			at[(h>>3+uint64(i))%8] |= bit
		}
	}
	c.waiting = c.waiting[:0]
	return touched
}

// has reports whether a cell is among those that were settled.
func (c *cells) has(h uint64) bool {
	line, words := c.place(h)
	at := &c.filter[line]
	for i, bit := range words {
		if at[(h>>3+uint64(i))%8]&bit == 0 {
			return false
		}
	}
	return true
}

// within reports whether all cells of c are among those of o.
func (c *cells) within(o *cells) bool {
	c.settle()
	o.settle()
	for i := range c.filter {
		for k, word := range c.filter[i] {
			if word&^o.filter[i][k] != 0 {
				return false
			}
		}
	}
	return true
}

// shown is a text as a cell of operations.csv shows it.
func shown(text []byte) []byte {
	for i, c := range text {
		if c < ' ' || c > '~' || i == 0 && (c == '=' || c == '+' || c == '-' || c == '@') {
			return []byte(digest.Cell(string(text)))
		}
	}
	return text
}

// entry is a listed entry, as the report writes it. Its slices are for the next entry again.
type entry struct{ timestamp, operation, caller, resource, status []byte }

// member is where a member of the entry is kept, nil for others.
func (e *entry) member(name string) *[]byte {
	switch name {
	case "timestamp":
		return &e.timestamp
	case "operation":
		return &e.operation
	case "caller":
		return &e.caller
	case "resource":
		return &e.resource
	case "status":
		return &e.status
	}
	return nil
}

// reset empties the entry.
func (e *entry) reset() {
	e.timestamp, e.operation, e.caller, e.resource, e.status = e.timestamp[:0], e.operation[:0], e.caller[:0], e.resource[:0], e.status[:0]
}

// parseTime reads a time, "" for none.
func parseTime(text []byte) (at time.Time, err error) {
	if len(text) == 0 {
		return at, nil
	}
	if err := at.UnmarshalText(text); err != nil {
		return at, fmt.Errorf("%q is not a time", printable(string(text)))
	}
	return at, nil
}

// timeHash is hash of a time, whatever its zone; the zero time is an empty cell.
func (c *cells) timeHash(operation uint64, at time.Time) uint64 {
	var b [8]byte
	text := b[:0]
	if !at.IsZero() {
		text = binary.BigEndian.AppendUint64(text, uint64(at.UnixNano())) //nolint:gosec // only compared
	}
	return c.hash(operation, aTime, maphash.Bytes(c.seed, text))
}

// entry takes in a listed entry.
func (c *cells) entry(e *entry, at time.Time) {
	operation := c.text(e.operation)
	c.entries[operation%buckets]++
	c.add(c.timeHash(operation, at))
	c.add(c.hash(operation, aCaller, c.text(e.caller)))
	c.add(c.hash(operation, aResource, c.text(e.resource)))
	c.add(c.hash(operation, anOutcome, c.text(e.status)))
}

// alert takes in a listed alert.
func (c *cells) alert(a *digest.Alert) {
	operation := c.text([]byte(a.Operation))
	c.add(c.timeHash(operation, a.Happened))
	c.add(c.hash(operation, aCaller, c.text([]byte(a.Caller))))
	c.add(c.hash(operation, aResource, c.text([]byte(a.Resource))))
	c.add(c.hash(operation, anOutcome, c.text([]byte(a.Outcome))))
	c.add(c.hash(0, anAlert, c.cell(alertText(digest.Cell(a.ID), digest.Cell(a.Rule.ID), digest.Cell(a.Severity)))))
}

func alertText(id, rule, severity string) string { return id + "\x00" + rule + "\x00" + severity }
