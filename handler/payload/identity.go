package payload

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"

	"github.com/auditbell/auditbell/handler/activity"
)

// idLetters has 32 letters, no hyphen: ids are document ids, partition keys and URL parts downstream.
const idLetters = "abcdefghijklmnopqrstuvwxyz234567"

// identify derives Event.ID: 160 bits of the SHA-256 of the parts that identify the record.
//
//   - form, time, operation, resource, outcome, correlation id and Azure's event id; Event Grid's event type; the Azure
//     alert's id, rule and condition, because two rules may ring for one record and a rule may ring and resolve.
//   - where Azure gives no event id, as in most exported records, also everything else that was read and the record's own
//     properties: redelivered, such a record is identical.
//
// The form is part of it because the same record through two feeds is two facts: an Azure alert must ring although
// the export brought its record before. What belongs to one operation is told by correlation, not by ID.
// Event Grid's own ids have been seen to collide, so no raw id is ever used alone (facts: payload variations).
func (it *item) identify(e *activity.Event, m *members) string {
	b := it.text.tmp[:0]
	part := func(s string) { b = append(append(b, s...), 0) }
	part(string(e.Form.Channel()))
	b = append(append(b, firstPresent(it.top.raw(it.top.eventType), it.top.raw(it.top.typ))...), 0)
	b = binary.BigEndian.AppendUint64(b, uint64(e.Time.Unix()))
	b = binary.BigEndian.AppendUint32(b, uint32(e.Time.Nanosecond()))
	part(e.Operation)
	part(e.ResourceID)
	part(string(e.Outcome))
	part(e.CorrelationID)
	part(e.EventID)
	b = append(append(b, it.data.raw(it.data.status)...), 0)
	for _, at := range [...]span{it.essence.alertID, it.essence.alertRule, it.essence.monitorCondition} {
		b = append(append(b, it.essence.raw(at)...), 0)
	}
	if e.EventID == "" {
		part(string(e.Level))
		part(e.SubStatus)
		part(e.Caller)
		part(e.CallerIP)
		part(e.OperationID)
		part(e.Description)
		b = append(append(b, m.raw(m.durationMS)...), 0)
		b = binary.BigEndian.AppendUint64(b, Fingerprint(it.props.own))
	}
	it.text.tmp = b
	id := ID(b)
	return it.text.keep(id[:])
}

// ID makes an Event.ID of the parts that identify a record, as identify puts them together. The fast reader of exports
// does the same (package source), and a test holds the two together.
func ID(parts []byte) (id [32]byte) {
	sum := sha256.Sum256(parts)
	for i := range 4 { // 40 bits make eight letters, as in base 32
		five := uint64(sum[5*i])<<32 | uint64(binary.BigEndian.Uint32(sum[5*i+1:]))
		for j := 7; j >= 0; j-- {
			id[8*i+j] = idLetters[five%32]
			five /= 32
		}
	}
	return id
}

// Fingerprint reduces the properties to 64 bits. It only has to distinguish records that agree in everything else, down to
// the tick; hashing all properties with SHA-256 would take a tenth of the time that an event takes to read.
func Fingerprint(b []byte) uint64 {
	const k0, k1 = 0xa0761d6478bd642f, 0xe7037ed1a0b428db // odd, and half of their bits set
	h := uint64(len(b)) * k1
	for ; len(b) >= 16; b = b[16:] {
		hi, lo := bits.Mul64(binary.LittleEndian.Uint64(b)^k0^h, binary.LittleEndian.Uint64(b[8:])^k1)
		h = hi ^ lo ^ h<<7
	}
	var tail [16]byte
	copy(tail[:], b)
	hi, lo := bits.Mul64(binary.LittleEndian.Uint64(tail[:])^k0^h, binary.LittleEndian.Uint64(tail[8:])^k1)
	return hi ^ lo ^ h<<7
}
