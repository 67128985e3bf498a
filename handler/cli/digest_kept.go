package cli

import (
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"math"
	"slices"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/digest"
)

// keptEvents holds events without what only rules and messages read, in some hundred bytes each: texts that others share are
// numbers, in tuples of those that come together, and ids are the bytes that they stand for.
type keptEvents struct {
	groups []string // see alert.Essence
	n      int
	rows   [][]keptRow // never moved
	blocks [][]byte
	tuples map[string]uint32
	texts  []string // of tuples
	needed []int32  // events of each block that are still asked for; nil: it is not counted

	scratch, tail, packed []byte
}

// keptRow is one event.
type keptRow struct {
	at    int64 // Unix nanoseconds, noTime for none
	ref   uint32
	judge uint32 // number of its judgement
	links links
}

const (
	keptBlock = 1 << 10
	keptBytes = 1 << 16
	noTime    = math.MinInt64
)

func (k *keptEvents) row(n int32) *keptRow { return &k.rows[n/keptBlock][n%keptBlock] }

// add keeps an event and returns its number.
func (k *keptEvents) add(e *activity.Event, essence activity.Properties, judge uint32, by links) int32 {
	if k.n%keptBlock == 0 {
		k.rows = append(k.rows, make([]keptRow, 0, keptBlock))
	}
	at := int64(noTime)
	if !e.Time.IsZero() {
		at = e.Time.UnixNano()
	}
	last := len(k.rows) - 1
	k.rows[last] = append(k.rows[last], keptRow{at, k.put(e, essence), judge, by})
	k.n++
	return int32(k.n - 1) //nolint:gosec // far fewer
}

// put writes an event into the blocks.
func (k *keptEvents) put(e *activity.Event, essence activity.Properties) uint32 {
	scope, kind, name := digest.CutResource(e.ResourceID)
	b := k.tail[:0]
	for _, tuple := range tuplesOf(e, &scope, &kind, &name) {
		k.scratch = k.scratch[:0]
		for _, text := range tuple {
			k.scratch = append(binary.AppendUvarint(k.scratch, uint64(len(*text))), *text...)
		}
		b = binary.AppendUvarint(b, uint64(k.number(k.scratch)))
	}
	ids := squeezed{k.scratch[:0], k.packed[:0]}
	operation := ""
	if slices.Contains(k.groups, "operation_id") { // nothing else asks for it
		operation = e.OperationID
	}
	for _, id := range [...]string{e.ID, e.CorrelationID, e.EventID, operation, string(essence)} {
		ids.add(id)
	}
	k.scratch, k.packed = ids.skeleton, ids.packed
	b = append(binary.AppendUvarint(b, uint64(k.number(ids.skeleton))), ids.packed...)
	k.tail = b
	last := len(k.blocks) - 1
	if last < 0 || len(k.blocks[last])+len(b) > keptBytes {
		k.blocks = append(k.blocks, make([]byte, 0, max(keptBytes, len(b))))
		last++
	}
	ref := uint32(last)<<16 | uint32(len(k.blocks[last])) //nolint:gosec // blocks are bounded
	k.blocks[last] = append(k.blocks[last], b...)
	return ref
}

// number is the number of a text, each of which is kept once.
func (k *keptEvents) number(text []byte) uint32 {
	n, known := k.tuples[string(text)]
	if !known {
		if k.tuples == nil {
			k.tuples = map[string]uint32{}
		}
		n = uint32(len(k.texts)) //nolint:gosec // far fewer
		k.texts = append(k.texts, string(text))
		k.tuples[k.texts[n]] = n
	}
	return n
}

// tuplesOf are the texts that many events share, by what comes together.
func tuplesOf(e *activity.Event, scope, kind, name *string) [6][]*string {
	return [...][]*string{
		{(*string)(&e.Form), (*string)(&e.Category), (*string)(&e.Level), &e.Operation, &e.OperationDisplay, (*string)(&e.Outcome), &e.SubStatus},
		{&e.Caller, (*string)(&e.CallerType), &e.CallerObjectID, &e.CallerName, &e.CallerAppID, &e.TenantID},
		{&e.CallerIP},
		{&e.SubscriptionID, &e.ResourceGroup, scope},
		{&e.ResourceType, kind},
		{&e.ResourceName, name},
	}
}

// event is an event as far as it was kept.
func (k *keptEvents) event(n int32) activity.Event {
	row := k.row(n)
	var e activity.Event
	if row.at != noTime {
		e.Time = activity.At(time.Unix(0, row.at).UTC())
	}
	var scope, kind, name string
	b := k.blocks[row.ref>>16][row.ref&0xffff:]
	for _, tuple := range tuplesOf(&e, &scope, &kind, &name) {
		number, size := binary.Uvarint(b)
		b = b[size:]
		rest := k.texts[number]
		for _, text := range tuple {
			length, size := uvarint(rest)
			*text, rest = rest[size:size+length], rest[size+length:]
		}
	}
	e.ResourceID = scope + kind + name
	number, size := binary.Uvarint(b)
	ids := unsqueezed(k.texts[number], b[size:])
	e.ID, e.CorrelationID, e.EventID, e.OperationID = ids[0], ids[1], ids[2], ids[3]
	if ids[4] != "" {
		e.Properties = activity.Properties(ids[4])
	}
	return e
}

// only says that no other events than these are asked for any more. What has none of them is let go.
func (k *keptEvents) only(events []int32) {
	k.needed = make([]int32, len(k.blocks))
	for _, n := range events {
		k.needed[k.row(n).ref>>16]++
	}
	for i, n := range k.needed {
		if n == 0 {
			k.blocks[i] = nil
		}
	}
}

// drop says that events are not asked for any more.
func (k *keptEvents) drop(events []int32) {
	for _, n := range events {
		block := k.row(n).ref >> 16
		if k.needed[block]--; k.needed[block] == 0 {
			k.blocks[block] = nil
		}
	}
}

// uvarint is binary.Uvarint of a string.
func uvarint(s string) (n, size int) {
	for shift := 0; ; shift += 7 {
		c := s[size]
		size++
		n |= int(c&0x7f) << shift
		if c < 0x80 {
			return n, size
		}
	}
}

// squeezed is some texts in which ids are cut out: the skeleton, which many events share, and the bytes that the ids stand
// for.
type squeezed struct{ skeleton, packed []byte }

// Characters of a skeleton that stand for something: an id by its kind, the next character as it is, the end of a text.
const (
	cutID = 1 + iota
	cutHash
	cutEventID
	asIs
	textEnd
)

// idKinds are the ids that are cut out: GUIDs, hashes of package alert, and ids of package payload.
var idKinds = [...]struct {
	mark           byte
	length, packed int
	pack           func(dst []byte, digits string) ([]byte, error)
	unpack         func(dst, id []byte) []byte
}{
	{cutID, 36, 16, packGUID, digest.AppendGUID},
	{cutHash, 26, 16, digitsOf("0123456789abcdefghijklmnopqrstuv").pack, digitsOf("0123456789abcdefghijklmnopqrstuv").unpack},
	{cutEventID, 32, 20, digitsOf("abcdefghijklmnopqrstuvwxyz234567").pack, digitsOf("abcdefghijklmnopqrstuvwxyz234567").unpack},
}

// add appends a text.
func (s *squeezed) add(text string) {
	for len(text) > 0 {
		end := 0
		for end < len(text) && ofID(text[end]) {
			end++
		}
		if end > 0 {
			s.run(text[:end])
			text = text[end:]
			continue
		}
		if text[0] <= textEnd {
			s.skeleton = append(s.skeleton, asIs)
		}
		s.skeleton, text = append(s.skeleton, text[0]), text[1:]
	}
	s.skeleton = append(s.skeleton, textEnd)
}

func ofID(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' }

// run appends letters, digits and hyphens in a row.
func (s *squeezed) run(text string) {
	for _, kind := range idKinds {
		if len(text) != kind.length {
			continue
		}
		var room [36]byte
		packed, err := kind.pack(s.packed, text)
		if err == nil && len(packed) == len(s.packed)+kind.packed && (kind.mark == cutID || string(kind.unpack(room[:0], packed[len(s.packed):])) == text) {
			s.skeleton, s.packed = append(s.skeleton, kind.mark), packed
			return
		}
	}
	s.skeleton = append(s.skeleton, text...)
}

// unsqueezed is the texts again. They share one allocation.
func unsqueezed(skeleton string, packed []byte) (texts [5]string) {
	var room [512]byte
	b, ends, n := room[:0], [len(texts)]int{}, 0
	for i := 0; i < len(skeleton); i++ {
		switch c := skeleton[i]; c {
		case cutID, cutHash, cutEventID:
			kind := idKinds[c-cutID]
			b = kind.unpack(b, packed[:kind.packed])
			packed = packed[kind.packed:]
		case asIs:
			i++
			b = append(b, skeleton[i])
		case textEnd:
			ends[n] = len(b)
			n++
		default:
			b = append(b, c)
		}
	}
	all, from := string(b), 0
	for i, end := range ends {
		texts[i], from = all[from:end], end
	}
	return texts
}

// packGUID appends what the digits of a GUID in lower case stand for.
func packGUID(dst []byte, text string) ([]byte, error) {
	if text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return dst, nil
	}
	var digits [32]byte
	at := 0
	for _, part := range [...]string{text[:8], text[9:13], text[14:18], text[19:23], text[24:]} {
		at += copy(digits[at:], part)
	}
	return hex.AppendDecode(dst, digits[:])
}

// base32Digits are ids written in five bits a letter.
type base32Digits struct{ *base32.Encoding }

func digitsOf(alphabet string) base32Digits {
	return base32Digits{base32.NewEncoding(alphabet).WithPadding(base32.NoPadding)}
}

func (d base32Digits) pack(dst []byte, text string) ([]byte, error) {
	return d.AppendDecode(dst, []byte(text))
}

func (d base32Digits) unpack(dst, id []byte) []byte { return d.AppendEncode(dst, id) }
