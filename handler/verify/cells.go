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
}

// Lines of the filter, of 512 bits, which processors load at once: one for every eight entries, in these bounds.
const (
	fewestLines = 10 // as powers of two
	mostLines   = 17
	buckets     = 1 << 16
)

// newCells has room for about as many entries.
func newCells(seed maphash.Seed, entries int64) cells {
	lines := min(max(bits.Len64(uint64(max(entries, 0)))-3, fewestLines), mostLines) //nolint:gosec // not negative
	return cells{seed: seed, shift: 64 - lines, filter: make([][8]uint64, 1<<lines), entries: make([]int64, buckets)}
}

// Columns of operations.csv, as the filter distinguishes them.
const (
	aTime = iota
	aCaller
	aResource
	anOutcome
	anAlert
)

// hash is of a cell: what it says, in which column, of which operation (its hash; 0 for none).
func (c *cells) hash(operation uint64, column int, text string) uint64 {
	const odd = 0x9e3779b97f4a7c15 // 2⁶⁴ over the golden ratio: spreads sums
	return (maphash.String(c.seed, text) ^ bits.RotateLeft64(operation*odd, 8*column+1)) * odd
}

func (c *cells) operation(text string) uint64 { return maphash.String(c.seed, shown(text)) }

// place is where the filter has a hash: five bits of a line, in as many words.
func (c *cells) place(h uint64) (line uint64, words [5]uint64) {
	line, h = h>>c.shift, h*0xff51afd7ed558ccd // odd: the bits below are spread again
	for i := range words {
		words[i] = 1 << (h >> (58 - 6*i) & 63)
	}
	return line, words
}

func (c *cells) add(h uint64) {
	line, words := c.place(h)
	at := &c.filter[line]
	for i, bit := range words {
		at[(h>>3+uint64(i))%8] |= bit
	}
}

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
func shown(text string) string {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || i == 0 && (c == '=' || c == '+' || c == '-' || c == '@') {
			return digest.Cell(text)
		}
	}
	return text
}

// entry is a listed entry, as the report writes it.
type entry struct{ timestamp, operation, caller, resource, status string }

// set keeps a member of the entry.
func (e *entry) set(name, value string) {
	switch name {
	case "timestamp":
		e.timestamp = value
	case "operation":
		e.operation = value
	case "caller":
		e.caller = value
	case "resource":
		e.resource = value
	case "status":
		e.status = value
	}
}

// parseTime reads a time, "" for none.
func parseTime(text string) (at time.Time, err error) {
	if len(text) > 0 {
		if at, err = time.Parse(time.RFC3339Nano, text); err != nil {
			err = fmt.Errorf("%q is not a time", printable(text))
		}
	}
	return at, err
}

// timeHash is hash of a time, whatever its zone; the zero time is an empty cell.
func (c *cells) timeHash(operation uint64, at time.Time) uint64 {
	if at.IsZero() {
		return c.hash(operation, aTime, "")
	}
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(at.UnixNano())) //nolint:gosec // only compared
	return c.hash(operation, aTime, string(b[:]))
}

// entry takes in a listed entry.
func (c *cells) entry(e *entry, at time.Time) {
	operation := c.operation(e.operation)
	c.entries[operation%buckets]++
	c.add(c.timeHash(operation, at))
	c.add(c.hash(operation, aCaller, shown(e.caller)))
	c.add(c.hash(operation, aResource, shown(e.resource)))
	c.add(c.hash(operation, anOutcome, shown(e.status)))
}

// alert takes in a listed alert.
func (c *cells) alert(a *digest.Alert) {
	operation := c.operation(a.Operation)
	c.add(c.timeHash(operation, a.Happened))
	c.add(c.hash(operation, aCaller, shown(a.Caller)))
	c.add(c.hash(operation, aResource, shown(a.Resource)))
	c.add(c.hash(operation, anOutcome, shown(a.Outcome)))
	c.add(c.hash(0, anAlert, alertText(digest.Cell(a.ID), digest.Cell(a.Rule.ID), digest.Cell(a.Severity))))
}

func alertText(id, rule, severity string) string { return id + "\x00" + rule + "\x00" + severity }
