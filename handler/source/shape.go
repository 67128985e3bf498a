package source

import (
	"bytes"
	"strings"
)

// slot is a place in a REST item that an Entry is made of. Members that nothing is made of have none.
type slot uint8

const (
	slotNone slot = iota
	slotCaller
	slotCorrelation
	slotEventID
	slotTime
	slotResource
	slotSubscription
	slotTenant
	slotOperation
	slotDisplay // the operation for people
	slotStatus
	slotResult
	slotCategory
	slotEventSource
	slotEventCategory
	slotType
	slotUPN
	slotEmail
	slotUnique
	slotName
	slotObject
	slotApp
	slotService
	slotSignature
	slotDuration
	slotCallerIP
	slotLevel
	slotDescription
	slots
	slotOdd // something that decides how an item is read: payload reads the line
)

// place is the object that a member stands in, as far as it matters.
type place uint8

const (
	placeElsewhere place = iota
	placeTop
	placeClaims
	placeProperties
	placeLocalizable // {"value":…,"localizedValue":…}
	placeRecord      // the top of a record of the resource-log schema
	placeIdentity
	placeOwn       // the properties of a record, whose text is part of its identity
	placeWithinOwn // an object or a list in them
)

// member says what a name means in the object of s. It is asked once for each new shape, never in the hot path.
func (s *shape) member(name string) (slot, place) {
	switch s.place {
	case placeTop:
		return topMember(name)
	case placeClaims:
		return claimSlots[name], placeElsewhere
	case placeProperties:
		return propertyMember(name)
	case placeLocalizable:
		return s.localizable(name), placeElsewhere
	case placeRecord:
		return recordMember(name)
	case placeIdentity:
		return identityMember(name)
	case placeOwn:
		return ownMember(name)
	case placeWithinOwn:
		return withinOwn(name)
	}
	return slotNone, placeElsewhere
}

// localizable says what a member of {"value":…,"localizedValue":…} is: the value is the member's that holds the object.
func (s *shape) localizable(name string) slot {
	switch {
	case name == "value":
		return s.slot
	case name == "localizedValue" && s.slot == slotOperation:
		return slotDisplay
	case name != "localizedValue" && decisive[folded(name)], folded(name) == "localizedvalue" && name != "localizedValue":
		return slotOdd
	}
	return slotNone
}

func topMember(name string) (slot, place) {
	if s, ok := localizable[name]; ok {
		return s, placeLocalizable
	}
	if s, ok := topSlots[name]; ok {
		return s, placeElsewhere
	}
	switch name {
	case "claims":
		return slotNone, placeClaims
	case "properties":
		return slotNone, placeProperties
	case "authorization", "httpRequest", "channels", "description", "eventName", "id", "level", "resourceGroupName",
		"resourceProviderName", "operationId", "subStatus", "submissionTimestamp", "callerIpAddress":
		return slotNone, placeElsewhere // read by payload, but nothing is counted by them
	}
	if decisive[folded(name)] {
		return slotOdd, placeElsewhere
	}
	return slotNone, placeElsewhere
}

func propertyMember(name string) (slot, place) {
	switch name {
	case "eventCategory":
		return slotEventCategory, placeElsewhere
	case "eventProperties": // the older export nests them; payload lifts them
		return slotNone, placeProperties
	case "CallerInfo", "callerInfo":
		return slotOdd, placeElsewhere
	}
	return slotNone, placeElsewhere
}

var localizable = map[string]slot{
	"operationName": slotOperation, "status": slotStatus, "category": slotCategory, "resourceType": slotType,
}

var topSlots = map[string]slot{
	"caller": slotCaller, "correlationId": slotCorrelation, "eventDataId": slotEventID, "eventTimestamp": slotTime,
	"resourceId": slotResource, "subscriptionId": slotSubscription, "tenantId": slotTenant, "resultType": slotResult,
	"eventSource": slotEventSource,
}

// decisive are the names, folded as payload folds them, that tell other forms apart or stand in for the usual ones in
// another spelling.
var decisive = fold("time", "resourceUri", "resultSignature", "resultDescription", "identity", "metricName", "eventTime",
	"specversion", "type", "eventType", "source", "subject", "topic", "data", "data_base64", "schemaId", "essentials",
	"alertContext", "context", "activityLog", "customProperties", "operation", "records", "value", "caller", "claims",
	"correlationId", "eventDataId", "eventTimestamp", "resourceId", "subscriptionId", "tenantId", "resultType", "eventSource",
	"operationName", "status", "category", "resourceType", "properties", "authorization", "httpRequest")

func fold(names ...string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[folded(name)] = true
	}
	return set
}

func folded(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

// claimSlots are the claims that name a caller; see payload's claims for their meaning.
var claimSlots = map[string]slot{
	"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn": slotUPN, "upn": slotUPN,
	"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress": slotEmail, "email": slotEmail, "emailaddress": slotEmail,
	"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name": slotUnique, "unique_name": slotUnique,
	"name": slotName,
	"http://schemas.microsoft.com/identity/claims/objectidentifier": slotObject, "oid": slotObject,
	"appid": slotApp, "azp": slotApp,
	"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/spn": slotService, "spn": slotService,
}

// shape is one member name in the order of names that records have. Records of one kind have the same names in the same
// order, so the name that came next the last time is nearly always the one that comes next now: one comparison of bytes
// then stands for finding the name's end, looking it up, and checking that it does not stand twice in its object.
type shape struct {
	key   []byte // `"name":`
	name  string
	slot  slot
	place place    // of the members within, when the value is an object
	next  *shape   // the member that came after this one the last time
	kids  []*shape // all that ever did
	up    *shape   // the member before
	inner *shape   // the first member's parent, when the value is an object
}

// maxShapes bounds what a file of ever new names can make us remember.
const (
	maxShapes = 1 << 12
	maxKids   = 64 // they are tried one after the other
)

// after finds or makes the shape that follows s and begins data, which starts at a member name; nil when there is no
// plain `"name":` or the name stands in the object already.
func (s *shape) after(data []byte, in *shape, made *int) *shape {
	for _, k := range s.kids {
		if bytes.HasPrefix(data, k.key) {
			s.next = k
			return k
		}
	}
	end := bytes.IndexByte(data[1:], '"') + 1
	if data[0] != '"' || end < 1 || end+1 >= len(data) || data[end+1] != ':' {
		return nil
	}
	name := string(data[1:end])
	if !plain(name) || s.has(name) || *made >= maxShapes || len(s.kids) >= maxKids {
		return nil
	}
	*made++
	k := &shape{key: bytes.Clone(data[:end+2]), name: name, up: s}
	k.slot, k.place = in.member(name)
	s.kids = append(s.kids, k)
	s.next = k
	return k
}

// has reports whether name stands before in the object.
func (s *shape) has(name string) bool {
	for ; s != nil; s = s.up {
		if s.key != nil && s.name == name {
			return true
		}
	}
	return false
}

// plain reports whether name is ASCII without escapes and control characters.
func plain(name string) bool {
	for i := range len(name) {
		if c := name[i]; c < ' ' || c >= 0x80 || c == '\\' {
			return false
		}
	}
	return true
}
