package payload

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"

	"github.com/auditbell/auditbell/handler/activity"
)

// idEncoding has 32 letters, no hyphen: ids are document ids, partition keys and URL parts downstream.
var idEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// identify derives Event.ID: 160 bits of the SHA-256 of the parts that identify the record.
//
//   - form, time, operation, resource, outcome, correlation id and Azure's event id; Event Grid's event type; the Azure
//     alert's id, rule and condition, because two rules may ring for one record.
//   - where Azure gives no event id, as in most exported records, also everything else that was read and the record's own
//     properties: redelivered, such a record is identical.
//
// The form is part of it because the same record through two feeds is two facts: an Azure alert must ring although
// the export brought its record before. What belongs to one operation is told by correlation, not by ID.
// Event Grid's own ids have been seen to collide, so no raw id is ever used alone (facts: payload variations).
func (it *item) identify(e *activity.Event, m *members) string {
	b := it.text.tmp[:0]
	part := func(s string) { b = append(append(b, s...), 0) }
	part(string(e.Form))
	b = append(append(b, firstPresent(it.top.raw(it.top.eventType), it.top.raw(it.top.typ))...), 0)
	b = binary.BigEndian.AppendUint64(b, uint64(e.Time.Unix()))
	b = binary.BigEndian.AppendUint32(b, uint32(e.Time.Nanosecond()))
	part(e.Operation)
	part(e.ResourceID)
	part(string(e.Outcome))
	part(e.CorrelationID)
	part(e.EventID)
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
		b = append(b, it.props.own...)
	}
	sum := sha256.Sum256(b)
	var id [32]byte
	idEncoding.Encode(id[:], sum[:20])
	it.text.tmp = b
	return it.text.keep(id[:])
}
