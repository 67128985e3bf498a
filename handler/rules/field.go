package rules

import (
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
)

// field says where in an event a rule's field is found. It is comparable: equal fields share one look-up per event.
type field struct {
	kind kind
	path string // within the properties, folded; for kind inProperties only
	raw  bool   // compare as written, not folded: `cased` and `re`
}

// kind is one of the event's own fields, or the properties.
type kind uint8

const (
	inProperties kind = iota
	ofOperation
	ofOutcome
	ofCategory
	ofLevel
	ofCaller
	ofCallerType
	ofCallerName
	ofCallerObjectID
	ofCallerAppID
	ofCallerIP
	ofProvider
	ofTenant
	ofSubscription
	ofResourceID
	ofResourceType
	ofResourceGroup
	ofResourceName
	ofCorrelation
	ofOperationID
	ofEventID
	ofSubStatus
	ofSignature
	ofDescription
	ofTime
	ofSubmittedAt
	ofForm
	ofID
	ofRecord  // read in the record as delivered, at path (see recordNames)
	ofClaim   // a claim that events do not keep, at path "claims.…", read in the record
	ofOpening // whom a request lets in (see opening.go)
	ofRequest // whether the request body can be read (see relaxed.go)
)

// keyed reports whether the field's values depend on the memo's key alone; see plan.
func (f field) keyed() bool {
	return !f.raw && (f.kind == ofOperation || f.kind == ofOutcome || f.kind == ofCategory)
}

// fieldOf is resolve for names that were resolved before.
func fieldOf(name string) field {
	f, _ := resolve(name)
	return f
}

// name is the event's own name for f, empty for what it has none for.
func (f field) name() string {
	switch f.kind {
	case inProperties:
		return strings.TrimSuffix("properties."+f.path, ".")
	case ofRecord, ofClaim:
		return "record." + f.path
	case ofOpening, ofRequest:
		return "properties.requestbody"
	}
	return kindNames[f.kind]
}

// kindNames are the event's JSON names (design: "The event"); ofProvider has none, it is read from resource type and
// operation.
var kindNames = map[kind]string{
	ofOperation: "operation", ofOutcome: "outcome", ofCategory: "category", ofLevel: "level", ofCaller: "caller",
	ofCallerType: "caller_type", ofCallerName: "caller_name", ofCallerObjectID: "caller_object_id",
	ofCallerAppID: "caller_app_id", ofCallerIP: "caller_ip", ofTenant: "tenant_id", ofSubscription: "subscription_id",
	ofResourceID: "resource_id", ofResourceType: "resource_type", ofResourceGroup: "resource_group",
	ofResourceName: "resource_name", ofCorrelation: "correlation_id", ofOperationID: "operation_id",
	ofEventID: "event_id", ofSubStatus: "sub_status", ofSignature: "sub_status", ofDescription: "description", ofTime: "time",
	ofSubmittedAt: "submitted_at", ofForm: "form", ofID: "id",
}

// ownPaths are the places to which payload moves what it keeps: claims are cut to an allow-list of short names (their
// URIs are those of version 1 tokens, schema page, Administrative sample), an event's friendly name is one text.
var ownPaths = map[string]string{
	"claims.http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn":          "claims.upn",
	"claims.http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress": "claims.email",
	"claims.emailaddress": "claims.email",
	"claims.http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name":    "claims.unique_name",
	"claims.http://schemas.microsoft.com/identity/claims/objectidentifier": "claims.oid",
	"claims.azp":    "claims.appid",
	"claims.azpacr": "claims.appidacr",
	"claims.http://schemas.microsoft.com/identity/claims/tenantid":      "claims.tid",
	"claims.http://schemas.microsoft.com/claims/authnmethodsreferences": "claims.amr",
	"claims.http://schemas.xmlsoap.org/ws/2005/05/identity/claims/spn":  "claims.spn",
	"claims.http://schemas.microsoft.com/identity/claims/scope":         "claims.scp",
	"claims.xms_mirid": "claims.mirid",
}

// keptClaims are the claims that events keep (payload's allow-list), as paths. They need no record.
var keptClaims = map[string]bool{
	"claims.upn": true, "claims.email": true, "claims.unique_name": true, "claims.name": true, "claims.oid": true,
	"claims.appid": true, "claims.appidacr": true, "claims.idtyp": true, "claims.tid": true, "claims.amr": true,
	"claims.ipaddr": true, "claims.spn": true, "claims.scp": true, "claims.mirid": true,
}

// Fields returns the text values that a rule's field has in e, as written. It is how a group key, an exception or a
// route reads an event by any of a field's names.
func Fields(e *activity.Event, name string) []string {
	f, err := resolve(name)
	if err != nil {
		return nil
	}
	f.raw = true
	var v values
	v.read(f, e)
	texts := make([]string, len(v.list))
	for i, text := range v.list {
		texts[i] = string(text)
	}
	return texts
}
