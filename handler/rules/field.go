package rules

import (
	"cmp"
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
	ofDescription
	ofTime
	ofSubmittedAt
	ofForm
	ofID
)

// keyed reports whether the field's values depend on the memo's key alone; see plan.
func (f field) keyed() bool {
	return !f.raw && (f.kind == ofOperation || f.kind == ofOutcome || f.kind == ofCategory)
}

// fieldOf resolves the name that a rule uses. Names that are no field of the event are looked for in its properties:
// whatever a form keeps beside the record's known fields ends there.
func fieldOf(name string) field {
	name = folded(name)
	if k, ok := fieldNames[name]; ok {
		return field{kind: k}
	}
	if name == "properties" || name == "properties_d" {
		return field{} // the whole object as one text
	}
	for _, rewrite := range fieldPrefixes {
		rest, ok := strings.CutPrefix(name, rewrite.from)
		if !ok {
			continue
		}
		if rewrite.again {
			return fieldOf(rest)
		}
		return field{path: renamed(rewrite.to + rest)}
	}
	return field{path: renamed(name)}
}

func renamed(path string) string { return cmp.Or(ownPaths[path], path) }

// eventField returns the event's own JSON name for a rule's field: "caller", "properties.a.b".
func eventField(name string) string { return fieldOf(name).name() }

// name is the event's own name for f, empty for what it has none for.
func (f field) name() string {
	if f.kind == inProperties {
		return strings.TrimSuffix("properties."+f.path, ".")
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
	ofEventID: "event_id", ofSubStatus: "sub_status", ofDescription: "description", ofTime: "time",
	ofSubmittedAt: "submitted_at", ofForm: "form", ofID: "id",
}

// fieldNames maps folded names to fields. Sources, by column:
//   - ours: the JSON names of activity.Event;
//   - REST and webhook: "Azure Activity Log event schema" (Microsoft), Administrative sample; localizedValue and value
//     are the members of its {value, localizedValue} objects;
//   - export: the same page, "Schema from storage account and event hubs" (resultType, callerIpAddress, …);
//   - Log Analytics: "AzureActivity" table reference (Microsoft), columns with and without Value, _d and _ prefixes;
//   - Event Grid: "Azure subscription as an Event Grid source", names under data.
//
// Comparing status, category and level folds their vocabularies: see the reading functions in value.go.
var fieldNames = aliases(map[kind]string{
	ofOperation: "operation operation_display operationName operationName.value operationName.localizedValue " +
		"OperationNameValue",
	ofOutcome: "outcome status status.value status.localizedValue resultType ActivityStatus ActivityStatusValue",
	ofCategory: "category category.value category.localizedValue CategoryValue eventCategory eventSource " +
		"eventSource.value properties.eventCategory Properties_d.eventCategory",
	ofLevel:          "level",
	ofCaller:         "caller",
	ofCallerType:     "caller_type",
	ofCallerName:     "caller_name",
	ofCallerObjectID: "caller_object_id",
	ofCallerAppID:    "caller_app_id",
	ofCallerIP: "caller_ip callerIpAddress clientIpAddress httpRequest.clientIpAddress HTTPRequest_d.clientIpAddress " +
		"data.httpRequest.clientIpAddress",
	ofProvider: "resourceProviderName resourceProviderName.value resourceProviderName.localizedValue resourceProvider " +
		"ResourceProviderValue data.resourceProvider",
	ofTenant:        "tenant_id tenantId",
	ofSubscription:  "subscription_id subscriptionId _SubscriptionId SubscriptionGuid",
	ofResourceID:    "resource_id resourceId _ResourceId resourceUri data.resourceUri subject",
	ofResourceType:  "resource_type resourceType resourceType.value resourceType.localizedValue ResourceTypeValue",
	ofResourceGroup: "resource_group resourceGroup resourceGroupName",
	ofResourceName:  "resource_name Resource resourceName",
	ofCorrelation:   "correlation_id correlationId",
	ofOperationID:   "operation_id operationId",
	ofEventID:       "event_id eventDataId EventDataId",
	ofSubStatus: "sub_status subStatus subStatus.value subStatus.localizedValue ActivitySubstatus " +
		"ActivitySubstatusValue resultSignature",
	ofDescription: "description eventDescription resultDescription",
	ofTime:        "time eventTimestamp eventTime TimeGenerated",
	ofSubmittedAt: "submitted_at submissionTimestamp EventSubmissionTimestamp",
	ofForm:        "form",
	ofID:          "id",
})

// aliases inverts the table above.
func aliases(names map[kind]string) map[string]kind {
	byName := make(map[string]kind)
	for k, list := range names {
		for name := range strings.FieldsSeq(list) {
			byName[folded(name)] = k
		}
	}
	return byName
}

// fieldPrefixes rewrites the start of a nested name, first match wins; longer prefixes stand before shorter ones.
// Authorization, claims and httpRequest stand beside the properties in every form, under identity in the export and
// under data in Event Grid; the event keeps them within its properties (see activity.Event).
var fieldPrefixes = []struct {
	from, to string
	again    bool // resolve the rest as a name of its own
}{
	{from: "properties.eventproperties."}, // older export (payload variations: two generations of export)
	{from: "properties_d.eventproperties."},
	{from: "properties."},
	{from: "properties_d."},
	{from: "data.properties."},
	{from: "identity.authorization.", to: "authorization."},
	{from: "identity.claims.", to: "claims."},
	{from: "authorization_d.", to: "authorization."},
	{from: "claims_d.", to: "claims."},
	{from: "httprequest_d.", to: "httprequest."},
	{from: "data.", again: true},
	{from: "record.", again: true},
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
	"claims.xms_mirid":         "claims.mirid",
	"eventname.value":          "eventname",
	"eventname.localizedvalue": "eventname",
}

// Fields returns the text values that a rule's field has in e, as written. It is how a group key, an exception or a
// route reads an event by any of a field's names.
func Fields(e *activity.Event, name string) []string {
	f := fieldOf(name)
	f.raw = true
	var v values
	v.read(f, e)
	texts := make([]string, len(v.list))
	for i, text := range v.list {
		texts[i] = string(text)
	}
	return texts
}
