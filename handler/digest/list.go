package digest

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"hash/maphash"
	"iter"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/auditbell/auditbell/handler/source"
)

// list holds listed entries in about 150 bytes each: texts are kept once, in blocks that are never moved, and ids as the
// 16 bytes that they are.
type list struct {
	rows   []row
	blocks [][]byte
	recent []uint32 // refs of texts kept lately, by hash: a resource and a correlation id come several times
	seed   maphash.Seed
}

type row struct {
	time                         int64 // Unix nanoseconds; noTime when the entry does not say it
	operation, caller            int32 // symbol indexes; caller -1 when there is none
	resource, event, correlation uint32
	outcome                      uint8
	life                         source.Key
}

const (
	noTime    = math.MinInt64
	blockSize = 1 << 16
	recents   = 1 << 14
)

func (t *Tally) list(e *source.Entry) {
	l := &t.listed
	r := row{
		time: noTime, operation: int32(e.Operation.Index), caller: -1, outcome: uint8(outcomeIndex(e.Outcome)), //nolint:gosec // far fewer
		resource: l.keep(e.Detail.Resource), event: l.keep(e.Detail.EventID), correlation: l.keep(e.Detail.Correlation), life: e.Life,
	}
	if !e.Time.IsZero() {
		r.time = e.Time.UnixNano()
	}
	if e.Caller != nil {
		r.caller = int32(e.Caller.Index) //nolint:gosec // far fewer
	}
	l.rows = append(l.rows, r)
	if c := e.Detail.Role; c != nil {
		t.roles = append(t.roles, roleRow{
			row: r, definition: l.keep(c.Definition), principal: l.keep(c.Principal), kind: l.keep(c.Kind), scope: l.keep(c.Scope),
		})
	}
}

// roleRow is a listed entry that changes a role assignment.
type roleRow struct {
	row
	definition, principal, kind, scope uint32
}

// keep returns a ref to text, which is found again by text. The empty text is 0.
func (l *list) keep(text string) uint32 {
	if text == "" {
		return 0
	}
	if l.recent == nil {
		l.recent, l.seed = make([]uint32, recents), maphash.MakeSeed()
	}
	length, body := len(text), []byte(nil)
	if id, ok := packed(text); ok {
		length, body = packedID, id[:]
	} else {
		text = whole(text, packedID-1)
		length, body = len(text), []byte(text)
	}
	at := &l.recent[maphash.Bytes(l.seed, body)%recents]
	if *at == 0 || !l.holds(*at, length, body) {
		*at = l.append(length, body)
	}
	return *at
}

// whole is text where it is at most limit bytes long; else as many characters as fit, and the sign that some are missing.
func whole(text string, limit int) string {
	const cut = "…"
	if len(text) <= limit {
		return text
	}
	at := limit - len(cut)
	for at > 0 && !utf8.RuneStart(text[at]) {
		at--
	}
	return text[:at] + cut
}

// holds reports whether ref stands for body.
func (l *list) holds(ref uint32, length int, body []byte) bool {
	b := l.blocks[ref>>16][ref&0xffff:]
	return int(binary.LittleEndian.Uint16(b)) == length && bytes.HasPrefix(b[2:], body)
}

// packedID in place of a length stands for an id of 16 bytes.
const packedID = math.MaxUint16

// packed reads a GUID in the spelling that Azure uses, which is found again by writing it so.
func packed(text string) (id [16]byte, ok bool) {
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' || strings.ContainsAny(text, "ABCDEF") {
		return id, false
	}
	digits := append(make([]byte, 0, 32), text[:8]...)
	digits = append(append(append(append(digits, text[9:13]...), text[14:18]...), text[19:23]...), text[24:]...)
	_, err := hex.Decode(id[:], digits)
	return id, err == nil
}

// append adds a text to the blocks, or what stands for it.
func (l *list) append(length int, body []byte) (ref uint32) {
	last := len(l.blocks) - 1
	if last < 0 || len(l.blocks[last])+len(body)+2 > blockSize {
		l.blocks = append(l.blocks, make([]byte, 1, max(blockSize, len(body)+3))) // no ref is 0
		last++
	}
	b := l.blocks[last]
	ref = uint32(last)<<16 | uint32(len(b))                                  //nolint:gosec // blocks are bounded
	b = append(binary.LittleEndian.AppendUint16(b, uint16(length)), body...) //nolint:gosec // cut above
	l.blocks[last] = b
	return ref
}

// text returns what ref stands for.
func (l *list) text(ref uint32) string {
	if ref == 0 {
		return ""
	}
	b := l.blocks[ref>>16][ref&0xffff:]
	if n := int(binary.LittleEndian.Uint16(b)); n != packedID {
		return string(b[2 : 2+n])
	}
	return written([16]byte(b[2:]))
}

// written is packed backwards.
func written(id [16]byte) string {
	var text [36]byte
	hex.Encode(text[:8], id[:4])
	hex.Encode(text[9:13], id[4:6])
	hex.Encode(text[14:18], id[6:8])
	hex.Encode(text[19:23], id[8:10])
	hex.Encode(text[24:], id[10:])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}

// Operation is one listed entry.
type Operation struct {
	Time        time.Time // zero when the entry does not say it
	Operation   string
	Caller      string // empty when there is none
	Resource    string
	Status      string
	EventID     string
	Correlation string
	life        source.Key
}

// Operations are listed entries by time. They are made as they are asked for, because there may be many.
type Operations struct {
	list       *list
	vocabulary *source.Vocabulary
}

// Len is their number.
func (o Operations) Len() int {
	if o.list == nil {
		return 0
	}
	return len(o.list.rows)
}

// All iterates over them in order of time; what happened at one time is ordered by what it was, so that the same
// entries have the same order whatever source they came from.
func (o Operations) All() iter.Seq[Operation] {
	return func(yield func(Operation) bool) {
		if o.list == nil {
			return
		}
		for _, r := range o.list.rows {
			if !yield(o.operation(r)) {
				return
			}
		}
	}
}

func (o Operations) operation(r row) Operation {
	op := Operation{
		Operation: o.vocabulary.Operations.At(int(r.operation)).Text, Resource: o.list.text(r.resource),
		EventID: o.list.text(r.event), Correlation: o.list.text(r.correlation), Status: Word(outcomes[r.outcome]), life: r.life,
	}
	op.Time = r.when()
	if r.caller >= 0 {
		op.Caller = o.vocabulary.Callers.At(int(r.caller)).Text
	}
	return op
}

// when is the row's time, the zero time when the entry does not say it.
func (r *row) when() time.Time {
	if r.time == noTime {
		return time.Time{}
	}
	return time.Unix(0, r.time).UTC()
}

func (o Operations) sort() {
	slices.SortFunc(o.list.rows, func(a, b row) int {
		if c := cmp.Compare(a.time, b.time); c != 0 {
			return c
		}
		x, y := o.operation(a), o.operation(b)
		return cmp.Or(cmp.Compare(x.Operation, y.Operation), cmp.Compare(x.Resource, y.Resource), cmp.Compare(x.Caller, y.Caller),
			cmp.Compare(x.Status, y.Status), cmp.Compare(x.EventID, y.EventID), cmp.Compare(x.Correlation, y.Correlation))
	})
}
