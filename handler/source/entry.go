package source

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/maphash"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
)

// Entry is what there is to count of one log entry, or of many alike.
type Entry struct {
	// Key tells entries apart: the same record delivered again has the same Key. Life tells operations apart: it is
	// shared by Started, Accepted and Succeeded of one operation. Both are zero in entries that stand for many.
	Key, Life Key
	Time      time.Time // zero when the entry does not tell it
	Form      activity.Form
	Category  activity.Category
	Outcome   activity.Outcome
	Operation *Symbol // lower case; the empty text when there is none
	Caller    *Symbol // lower case: Azure writes one person in several; nil when there is none
	Scope     *Symbol // subscription id in lower case, else the tenant's; nil when there is none
	Type      *Symbol // resource type in lower case, of listed operations only
	// Detail is set for operations that are listed one by one (Symbol.Listed); it belongs to the batch.
	Detail *Detail

	// Count is how many log entries, or in the aspect Lives how many operations, this one stands for; 0 means one.
	Count int64
	// Listed is, in the aspect When of entries that stand for many, how many of Count are of listed operations.
	Listed int64
	// Aspects says what the entry counts for, where a source aggregates; 0 means for everything.
	Aspects Aspect
}

// Aspect is a part of what is counted. A source that aggregates (rollups, Log Analytics) tells each part by entries of
// its own, because entries that tell everything about many cannot be made.
type Aspect uint8

// The aspects.
const (
	What  Aspect = 1 << iota // category, outcome, operation, caller, scope and type
	When                     // time, to a quarter of an hour, and whether the operation is listed
	Lives                    // operations rather than entries: Life, or Count of them, and the outcome they ended with
	List                     // one listed entry with its Detail
)

// Of reports whether e counts for the aspect.
func (e *Entry) Of(a Aspect) bool { return e.Aspects == 0 || e.Aspects&a != 0 }

// N is the number that e stands for.
func (e *Entry) N() int64 { return max(e.Count, 1) }

// Detail is what a list shows of an entry beside what is counted.
type Detail struct {
	Resource    string // lower case
	EventID     string
	Correlation string
	Role        *RoleChange // of role assignments
}

// RoleChange is what a role assignment's request says.
type RoleChange struct {
	Definition string // id of the role definition, the GUID only
	Principal  string // object id of who receives or loses the role
	Kind       string // User, Group, ServicePrincipal as Azure writes it; empty when it does not
	Scope      string // lower-case resource id that the role is granted on
}

// Key identifies something by 88 bits of keyed hash: of a hundred million entries the chance that any two are
// confused is one in sixty thousand million, and nobody can choose texts that collide, because the key of the hash is
// drawn when the Vocabulary is made.
type Key [11]byte

// Zero reports whether k is not set.
func (k Key) Zero() bool { return k == Key{} }

// hasher makes Keys; see Key. Two seeds of the runtime's 64-bit hash make 128 bits, of which 88 are kept. Keys that are
// to be stored are the same everywhere instead: they come from SHA-256, which is several times slower.
type hasher struct {
	a, b   maphash.Seed
	stored bool
}

func newHasher() hasher { return hasher{a: maphash.MakeSeed(), b: maphash.MakeSeed()} }

func (h hasher) key(text []byte) Key {
	if h.stored {
		sum := sha256.Sum256(text)
		return Key(sum[:11])
	}
	var both [16]byte
	binary.LittleEndian.PutUint64(both[:8], maphash.Bytes(h.a, text))
	binary.LittleEndian.PutUint64(both[8:], maphash.Bytes(h.b, text))
	return Key(both[:11])
}

// identity holds the parts that tell records and operations apart, as payload.identify and alert.LifecycleKey define
// them. A test in this package and one in package main hold the three together.
type identity struct {
	form                  activity.Form
	id                    []byte // Event.ID where the parts below do not identify the record
	time                  time.Time
	operation             *Symbol
	outcome               activity.Outcome
	resource, correlation []byte // resource in lower case
	eventID               []byte
	subscription          string // stands for the resource where there is none
}

// keys appends to scratch, which is used again for the next entry.
func (h hasher) keys(i identity, scratch []byte) (key, life Key, used []byte) {
	b := append(scratch[:0], 'o')
	if h.stored {
		b = append(append(b, i.operation.Text...), 0)
	} else {
		b = binary.LittleEndian.AppendUint32(b, uint32(i.operation.Index)) //nolint:gosec // symbols are counted from 0
	}
	if len(i.resource) > 0 {
		b = append(b, i.resource...)
	} else {
		b = append(append(b, "/subscriptions/"...), i.subscription...)
	}
	b = append(b, 0)
	b = appendLower(b, i.correlation)
	life = h.key(b)
	if len(i.id) > 0 {
		b = append(append(b[:0], 'i'), i.id...)
		key = h.key(b)
	} else {
		b = append(append(b[:0], life[:]...), i.form...)
		b = append(append(append(b, 0), i.correlation...), 0)
		b = append(b, i.eventID...)
		b = append(append(append(b, 0), i.outcome...), byte(min(len(i.resource), 1)))
		b = binary.LittleEndian.AppendUint64(b, uint64(i.time.Unix()))       //nolint:gosec // only compared
		b = binary.LittleEndian.AppendUint32(b, uint32(i.time.Nanosecond())) //nolint:gosec // below 1e9
		key = h.key(b)
	}
	if len(i.correlation) == 0 || i.operation.Text == "" {
		life = key // nothing to join records by: an operation of its own
	}
	return key, life, b
}

// appendLower appends text in lower case, as activity.Lower does. Eight bytes are looked at together: each sum below
// has the top bit of a byte set where that byte is beyond the bound.
func appendLower(b, text []byte) []byte {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	start := len(b)
	b = append(b, text...)
	i := start
	for ; i+8 <= len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		if x&tops != 0 {
			return append(b[:start], activity.Lower(string(text))...)
		}
		upper := (x + (0x80-'A')*ones) ^ (x + (0x7f-'Z')*ones)
		binary.LittleEndian.PutUint64(b[i:], x|(upper&tops)>>2)
	}
	for ; i < len(b); i++ {
		if b[i] >= 0x80 {
			return append(b[:start], activity.Lower(string(text))...)
		}
		if 'A' <= b[i] && b[i] <= 'Z' {
			b[i] |= 0x20
		}
	}
	return b
}
