package activity

import (
	"log/slog"
	"slices"
)

// Record is a record as it was delivered, before it is cut to what an Event keeps. Rules read in it what the Event does
// not hold: claims beyond the kept ones, resultSignature as written, location and the like. It lives as long as the
// invocation does: it is never stored, logged, printed or compared, because a token's claims are personal data.
//
// The caller of rules fills it from the reading (payload.Reading.Raw); an event that comes from the store has none, and
// rules that name such a field do not match it.
type Record struct{ text []byte }

// RecordOf keeps text, which must not change while the Event is in use.
func RecordOf(text []byte) Record { return Record{text} }

// Clone is a Record that stays when the text that r points into changes.
func (r Record) Clone() Record { return Record{slices.Clone(r.text)} }

// Bytes is the JSON text, nil where there is none.
func (r Record) Bytes() []byte { return r.text }

// Equal makes go-cmp leave the record out: two readings of one event are equal whatever carried them.
func (Record) Equal(Record) bool { return true }

// String shows nothing.
func (Record) String() string { return "" }

// GoString shows nothing.
func (Record) GoString() string { return "activity.Record{}" }

// LogValue shows nothing.
func (Record) LogValue() slog.Value { return slog.StringValue("") }

// MarshalJSON shows nothing.
func (Record) MarshalJSON() ([]byte, error) { return []byte("null"), nil }
