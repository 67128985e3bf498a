package source

import (
	"bytes"
	"encoding/binary"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/payload"
)

// recordEntries makes Entries of records of the resource-log schema as diagnostic settings write them, one a line. Such a
// record has no id of Azure's: it is identified by all that payload reads of it and by its own properties, and what this
// reader puts together must be the same, byte for byte (payload's identify). Properties that payload would write otherwise
// (white space, JSON in a string) are written by payload; names that it moves leave the whole record to it.
type recordEntries struct {
	*lineEntries
	parts   []byte
	written payload.Own
}

func newRecordEntries(v *Vocabulary) *recordEntries {
	l := newLineEntries(v)
	l.lineReader = newLineReader(placeRecord)
	return &recordEntries{lineEntries: l}
}

// recordMember is topMember for records.
func recordMember(name string) (slot, place) {
	if s, ok := recordSlots[name]; ok {
		return s, placeElsewhere
	}
	switch name {
	case "identity":
		return slotNone, placeIdentity
	case "properties":
		return slotNone, placeOwn
	}
	if f := folded(name); decisive[f] || recordDecisive[f] {
		return slotOdd, placeElsewhere
	}
	return slotNone, placeElsewhere
}

var recordSlots = map[string]slot{
	"time": slotTime, "operationName": slotOperation, "category": slotCategory, "resultType": slotResult, "resourceId": slotResource,
	"correlationId": slotCorrelation, "tenantId": slotTenant, "resultSignature": slotSignature, "resultDescription": slotDescription,
	"level": slotLevel, "durationMs": slotDuration, "callerIpAddress": slotCallerIP,
}

// recordDecisive are names, folded, of which payload reads more of a record than recordSlots hold.
var recordDecisive = fold("level", "durationMs", "callerIpAddress", "operationId", "description", "subStatus", "eventName", "id",
	"submissionTimestamp", "resourceGroupName", "TimeGenerated", "OperationNameValue", "ActivityStatusValue", "CategoryValue", "ActivitySubstatusValue")

// identityMember says what stands in the identity of a record: payload folds its names.
func identityMember(name string) (slot, place) {
	switch f := folded(name); {
	case name == "claims":
		return slotNone, placeClaims
	case f == "claims", f == "authorization" && name != "authorization":
		return slotOdd, placeElsewhere
	}
	return slotNone, placeElsewhere
}

// ownMember says what stands in a record's own properties. Names that payload lifts, moves or reads for something else
// than the category leave the record to it.
func ownMember(name string) (slot, place) {
	switch name {
	case "eventCategory":
		return slotEventCategory, placeElsewhere
	case "eventProperties", "operationId", "eventDataId", "CallerInfo", "callerInfo", "authorization", "httpRequest", "alert", "Content":
		return slotOdd, placeElsewhere
	}
	if strings.EqualFold(name, "pim") {
		return slotOdd, placeElsewhere
	}
	return withinOwn(name)
}

// withinOwn says the same of what stands deeper: claims are cut wherever they stand.
func withinOwn(name string) (slot, place) {
	if strings.EqualFold(name, "claims") {
		return slotOdd, placeElsewhere
	}
	return slotNone, placeWithinOwn
}

// entry makes the Entry of the line that read has accepted; false to give up, because something about it is not usual.
func (l *recordEntries) entry(e *Entry) bool {
	at, okTime := l.time()
	operation, okOperation := l.word(slotOperation)
	resource, okResource := l.body(slotResource)
	correlation, okCorrelation := l.body(slotCorrelation)
	caller, okCaller := l.caller()
	if !okTime || !okOperation || !okResource || !okCorrelation || !okCaller || len(operation) == 0 || len(resource) == 0 {
		return false
	}
	*e = Entry{Time: at, Form: activity.FormRecords, Operation: l.operation(operation)}
	if len(caller) > 0 {
		e.Caller = l.symbol(&l.callers, &l.v.Callers, caller)
	}
	if strings.Contains(e.Operation.Text, " ") || !l.words(e) || !l.category(e) || !l.identify(e, caller) {
		return false // a phrase of Privileged Identity Management has its caller in the properties
	}
	if e.Scope = l.scope(); e.Scope == nil {
		return false
	}
	id := payload.ID(l.parts)
	e.Key, e.Life, l.scratch = l.v.hash.keys(identity{
		form: activity.FormRecords, id: id[:], time: at, operation: e.Operation, outcome: e.Outcome, resource: l.lower, correlation: correlation,
	}, l.scratch)
	return !e.Operation.Listed || l.detail(e, nil, correlation)
}

// category stands in for the one that words has not found, as payload's isActivityCategory does.
func (l *recordEntries) category(e *Entry) bool {
	if e.Category != "" {
		return true
	}
	written, ok := l.word(slotCategory)
	kind := string(written)
	if !ok || !strings.EqualFold(kind, "write") && !strings.EqualFold(kind, "delete") && !strings.EqualFold(kind, "action") {
		return false
	}
	e.Category = activity.Administrative
	return true
}

// identify puts together the parts that payload's identify hashes; it completes the outcome on the way.
func (l *recordEntries) identify(e *Entry, caller []byte) bool {
	status, okStatus := l.subStatus(e)
	level, okLevel := l.body(slotLevel)
	address, okAddress := l.body(slotCallerIP)
	description, okDescription := l.body(slotDescription)
	correlation, _ := l.body(slotCorrelation)
	resource, _ := l.body(slotResource)
	if !okStatus || !okLevel || !okAddress || !okDescription {
		return false
	}
	l.lower = appendLower(l.lower[:0], resource)
	b := append(append(l.parts[:0], activity.FormRecords...), 0, 0)
	b = binary.BigEndian.AppendUint64(b, uint64(e.Time.Unix()))       //nolint:gosec // as payload does
	b = binary.BigEndian.AppendUint32(b, uint32(e.Time.Nanosecond())) //nolint:gosec // below 1e9
	b = append(append(b, e.Operation.Text...), 0)
	b = append(append(b, l.lower...), 0)
	b = append(append(b, e.Outcome...), 0)
	b = append(append(b, correlation...), 0)
	b = append(b, 0, 0, 0, 0, 0) // no event id, and nothing of Event Grid and alerts
	b = append(append(b, activity.LevelOf(string(level))...), 0)
	for _, part := range [...][]byte{status, caller, address, nil, description, l.duration()} {
		b = append(append(b, part...), 0)
	}
	own := []byte("{")
	if l.own.set {
		own = l.data[l.own.from : l.own.to-1]
	}
	if l.ownOdd {
		var ok bool
		if own, ok = l.written.Text(l.data[l.own.from:l.own.to]); !ok {
			return false
		}
	}
	l.parts = binary.BigEndian.AppendUint64(b, payload.Fingerprint(own))
	return true
}

// subStatus reads resultSignature as payload's subStatus does.
func (l *recordEntries) subStatus(e *Entry) ([]byte, bool) {
	signature, ok := l.body(slotSignature)
	head, tail, dotted := bytes.Cut(signature, []byte("."))
	state := activity.OutcomeOf(string(head))
	if e.Outcome == "" {
		e.Outcome = state
	}
	if state != "" || dotted && len(tail) == 0 {
		signature = tail
	}
	if bytes.EqualFold(signature, []byte("None")) {
		signature = nil
	}
	return signature, ok
}

// duration is durationMs as it is written, with its quotes.
func (l *recordEntries) duration() []byte {
	at := l.spans[slotDuration]
	if !at.set {
		return nil
	}
	return l.data[at.from-1 : at.to+1]
}

// scope is the subscription of the resource, else the tenant, as payload's resource and Vocabulary's scope have it.
func (l *recordEntries) scope() *Symbol {
	const prefix = "/subscriptions/"
	if rest, ok := bytes.CutPrefix(l.lower, []byte(prefix)); ok {
		id, _, _ := bytes.Cut(rest, []byte("/"))
		if len(id) == 0 {
			return nil
		}
		return l.symbol(&l.scopes, &l.v.Scopes, id)
	}
	return nil
}
