package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Field is one row of the table of fields: what a rule may name, in which form it stands there, and how it is read.
// The loader resolves names by the table and refuses what is not in it; docs/fields.md is written from it.
type Field struct {
	Name string // the event's own name
	// Names in the wire forms, separated by blanks; empty where a form does not carry the field. Event Grid and CloudEvents
	// share their names, and so do both action-group schemas.
	REST, Records, EventGrid, ActionGroup, LogAnalytics, PowerShell, CSV string
	Also                                                                 string // further spellings
	Reads                                                                string // how it is read
	kind                                                                 kind
	path                                                                 string // for inProperties
}

// The reading that most fields have.
const (
	asText     = "text; case is ignored"
	fromRecord = "read in the record while rules run, not stored"
)

// fieldTable lists every field that is not found by its path (see paths). Sources, by column:
//   - Name: the JSON names of activity.Event;
//   - REST and ActionGroup: "Azure Activity Log event schema" (Microsoft), Administrative sample and the schema page's
//     alert schemas; value and localizedValue are the members of its {value, localizedValue} objects;
//   - Records: the same page, "Schema from storage account and event hubs";
//   - EventGrid: "Azure subscription as an Event Grid source", names at the top and under data;
//   - LogAnalytics: "AzureActivity" table reference (Microsoft), columns with and without Value, _d and _ prefixes;
//   - PowerShell: Get-AzActivityLog, PSEventData; CSV: the portal's "Download as CSV".
var fieldTable = []Field{
	{Name: "operation", kind: ofOperation, REST: "operationName.value operationName.localizedValue", Records: "operationName", EventGrid: "operationName", ActionGroup: "operationName", LogAnalytics: "OperationNameValue OperationName", PowerShell: "OperationName", CSV: "Operation name", Also: "operation_display", Reads: "the ARM operation and the name for people; either matches"},
	{Name: "outcome", kind: ofOutcome, REST: "status.value status.localizedValue", Records: "resultType", EventGrid: "status", ActionGroup: "status", LogAnalytics: "ActivityStatusValue ActivityStatus", PowerShell: "Status", CSV: "Status", Reads: "all spellings of one outcome match: Succeeded is Success"},
	{Name: "category", kind: ofCategory, REST: "category.value category.localizedValue eventSource.value", Records: "category properties.eventCategory", ActionGroup: "eventSource category", LogAnalytics: "CategoryValue Category Properties_d.eventCategory", PowerShell: "Category", CSV: "Event category", Also: "eventCategory eventSource", Reads: "one of the eight; Write, Delete and Action of the older export too"},
	{Name: "level", kind: ofLevel, REST: "level", Records: "level", ActionGroup: "level", LogAnalytics: "Level", PowerShell: "Level", CSV: "Level", Reads: "Information is Informational"},
	{Name: "sub_status", kind: ofSubStatus, REST: "subStatus.value subStatus.localizedValue subStatus", ActionGroup: "subStatus", LogAnalytics: "ActivitySubstatusValue ActivitySubstatus", PowerShell: "SubStatus", Reads: asText},
	{Name: "result_signature", kind: ofSignature, Records: "resultSignature", Reads: "as written (Succeeded.Created); in other forms outcome and sub status joined by a dot; the sub status alone matches too"},
	{Name: "time", kind: ofTime, REST: "eventTimestamp", Records: "time", EventGrid: "eventTime", ActionGroup: "eventTimestamp", LogAnalytics: "TimeGenerated", PowerShell: "EventTimestamp", CSV: "Time stamp", Reads: "RFC 3339, UTC; minute, hour, day, week, month and year as modifiers"},
	{Name: "submitted_at", kind: ofSubmittedAt, REST: "submissionTimestamp", ActionGroup: "submissionTimestamp", LogAnalytics: "EventSubmissionTimestamp", PowerShell: "SubmissionTimestamp", Reads: "RFC 3339, UTC"},
	{Name: "caller", kind: ofCaller, REST: "caller", Records: "caller", EventGrid: "caller", ActionGroup: "caller", LogAnalytics: "Caller", PowerShell: "Caller", CSV: "Event initiated by", Reads: "name, object id and app id; each matches"},
	{Name: "caller_type", kind: ofCallerType, Reads: "user, service_principal, managed_identity, platform or unknown; from the claims"},
	{Name: "caller_name", kind: ofCallerName, Reads: asText},
	{Name: "caller_object_id", kind: ofCallerObjectID, Reads: asText},
	{Name: "caller_app_id", kind: ofCallerAppID, Reads: asText},
	{Name: "caller_ip", kind: ofCallerIP, REST: "httpRequest.clientIpAddress", Records: "callerIpAddress", EventGrid: "httpRequest.clientIpAddress", ActionGroup: "httpRequest.clientIpAddress", LogAnalytics: "CallerIpAddress HTTPRequest_d.clientIpAddress", PowerShell: "HttpRequest.ClientIpAddress", Also: "clientIpAddress", Reads: "the address, without its port too"},
	{Name: "provider", kind: ofProvider, REST: "resourceProviderName.value resourceProviderName.localizedValue", EventGrid: "resourceProvider", ActionGroup: "resourceProviderName", LogAnalytics: "ResourceProviderValue ResourceProvider", PowerShell: "ResourceProviderName", Reads: "namespace of the resource type and of the operation; either matches"},
	{Name: "tenant_id", kind: ofTenant, REST: "tenantId", Records: "tenantId", EventGrid: "tenantId", ActionGroup: "tenantId", LogAnalytics: "TenantId", Reads: asText},
	{Name: "subscription_id", kind: ofSubscription, REST: "subscriptionId", EventGrid: "subscriptionId", ActionGroup: "subscriptionId", LogAnalytics: "SubscriptionId _SubscriptionId", PowerShell: "SubscriptionId", CSV: "Subscription", Also: "SubscriptionGuid", Reads: asText},
	{Name: "resource_id", kind: ofResourceID, REST: "resourceId", Records: "resourceId", EventGrid: "resourceUri subject", ActionGroup: "resourceId", LogAnalytics: "_ResourceId ResourceId", PowerShell: "ResourceId", CSV: "Resource", Reads: asText},
	{Name: "resource_type", kind: ofResourceType, REST: "resourceType.value resourceType.localizedValue", ActionGroup: "resourceType", LogAnalytics: "ResourceTypeValue ResourceType", PowerShell: "ResourceType", CSV: "Resource type", Reads: "from the resource id"},
	{Name: "resource_group", kind: ofResourceGroup, REST: "resourceGroupName", ActionGroup: "resourceGroupName", LogAnalytics: "ResourceGroup", PowerShell: "ResourceGroupName", CSV: "Resource group", Also: "resourceGroup", Reads: "from the resource id"},
	{Name: "resource_name", kind: ofResourceName, LogAnalytics: "Resource", Also: "resourceName", Reads: "last part of the resource id"},
	{Name: "correlation_id", kind: ofCorrelation, REST: "correlationId", Records: "correlationId", EventGrid: "correlationId", ActionGroup: "correlationId", LogAnalytics: "CorrelationId", PowerShell: "CorrelationId", CSV: "Correlation ID", Reads: asText},
	{Name: "operation_id", kind: ofOperationID, REST: "operationId", EventGrid: "operationId", ActionGroup: "operationId", LogAnalytics: "OperationId", PowerShell: "OperationId", Reads: asText},
	{Name: "event_id", kind: ofEventID, REST: "eventDataId", ActionGroup: "eventDataId", LogAnalytics: "EventDataId", PowerShell: "EventDataId", Reads: asText},
	{Name: "description", kind: ofDescription, REST: "description", Records: "resultDescription", ActionGroup: "description", PowerShell: "Description", Also: "eventDescription", Reads: asText},
	{Name: "event_name", kind: inProperties, path: "eventname", REST: "eventName.value eventName.localizedValue", Records: "properties.eventName", ActionGroup: "eventName", PowerShell: "EventName", CSV: "Event name", Also: "eventName", Reads: asText},
	{Name: "form", kind: ofForm, Reads: "how the event came: rest, records, eventgrid, cloudevents, common_alert, webhook_legacy, …"},
	{Name: "id", kind: ofID, Reads: "our own id of the record"},
	{Name: "duration_ms", kind: ofRecord, Records: "durationMs", Reads: "number; " + fromRecord},
	{Name: "location", kind: ofRecord, Records: "location", Reads: fromRecord},
	{Name: "operation_version", kind: ofRecord, Records: "operationVersion", Reads: fromRecord},
	{Name: "channels", kind: ofRecord, REST: "channels", ActionGroup: "channels", PowerShell: "EventChannels Channels", Reads: fromRecord},
	{Name: "event_type", kind: ofRecord, EventGrid: "eventType type", Reads: fromRecord},
	{Name: "topic", kind: ofRecord, EventGrid: "topic source", Reads: fromRecord},
	{Name: "data_version", kind: ofRecord, EventGrid: "dataVersion", Reads: fromRecord},
	{Name: "metadata_version", kind: ofRecord, EventGrid: "metadataVersion", Reads: fromRecord},
	{Name: "role_location", kind: ofRecord, Records: "RoleLocation", Reads: fromRecord},
	{Name: "stamp", kind: ofRecord, Records: "Stamp", Reads: fromRecord},
	{Name: "release_version", kind: ofRecord, Records: "ReleaseVersion", Reads: fromRecord},
	{Name: "hierarchy", kind: inProperties, path: "hierarchy", Records: "properties.hierarchy", LogAnalytics: "Hierarchy", Reads: "ids of the management groups above"},
	{Name: "entity", kind: inProperties, path: "entity", Records: "properties.entity", Also: "entity", Reads: asText},
	{Name: "open_to", kind: ofOpening, Reads: "internet where the sources that a request (or its answer) lets in cover half of all addresses together, azure where it lets in every Azure service"},
	{Name: "request_body", kind: ofRequest, Reads: "absent, plain, doubtful (a member stands twice, or the text is no strict JSON) or unreadable"},
}

// paths are the fields that stand for everything below them. Every member of properties and every claim may be named;
// of authorization and httpRequest the members that Azure documents.
var paths = []struct {
	prefix, path string
	kind         kind
	known        string // members, folded; empty: any
	reads        string
}{
	{"properties.eventproperties.", "", inProperties, "", ""}, // older export (payload variations: two generations of export)
	{"properties_d.eventproperties.", "", inProperties, "", ""},
	{"properties.", "", inProperties, "", "any member of the record's own details; JSON in strings is opened, lists stand for their elements"},
	{"properties_d.", "", inProperties, "", ""},
	{"data.properties.", "", inProperties, "", ""},
	{"requestbody.", "requestbody.", inProperties, "", ""}, // as people write them, without properties
	{"responsebody.", "responsebody.", inProperties, "", ""},
	{"identity.authorization.", "authorization.", inProperties, knownAuthorization, ""},
	{"authorization_d.", "authorization.", inProperties, knownAuthorization, ""},
	{"authorization.", "authorization.", inProperties, knownAuthorization, "what ARM checked: action, scope, evidence"},
	{"identity.claims.", "claims.", ofClaim, "", ""},
	{"claims_d.", "claims.", ofClaim, "", ""},
	{"claims.content.", "claims.", ofClaim, "", ""}, // PowerShell's
	{"claims.", "claims.", ofClaim, "", "any claim of the caller's token; 14 are stored, all others are " + fromRecord},
	{"httprequest_d.", "httprequest.", inProperties, knownRequest, ""},
	{"httprequest.", "httprequest.", inProperties, knownRequest, "how the caller called: method, clientRequestId, clientIpAddress, uri"},
	{"pim.", "pim.", inProperties, knownPIM, "a step of Privileged Identity Management: act, assignment, lasting, outside, role, role_id, subject, subject_id, scope, justification, ticket, ticket_system, start, end, request"},
	{"alert.", "alert.", inProperties, "", "what Azure Monitor judged: rule, severity, condition"},
}

const (
	knownAuthorization = "action scope role condition evidence evidence.role evidence.roleassignmentscope evidence.roleassignmentid " +
		"evidence.roledefinitionid evidence.principalid evidence.principaltype"
	knownRequest = "clientrequestid clientipaddress method uri url"
	knownPIM     = "act assignment lasting outside role role_id subject subject_id scope justification ticket ticket_system start end request"
)

// wholes are the objects that may be named as one text.
var wholes = map[string]field{
	"properties": {}, "properties_d": {}, "authorization": {path: "authorization"}, "claims": {path: "claims"},
	"httprequest": {path: "httprequest"}, "alert": {path: "alert"},
	"authorization_d": {path: "authorization"}, "claims_d": {path: "claims"}, "httprequest_d": {path: "httprequest"},
}

// Table returns the rows of the table of fields, in the order in which people read them, paths last.
func Table() []Field {
	rows := slices.Clone(fieldTable)
	for _, p := range paths {
		if p.reads != "" {
			rows = append(rows, Field{Name: p.prefix + "…", Reads: p.reads, kind: p.kind})
		}
	}
	return rows
}

// Kept reports whether the event still has the field after it was stored.
func (f Field) Kept() bool { return f.kind != ofRecord && f.kind != ofClaim }

// spellings are all names of a row.
func (f Field) spellings() []string {
	return strings.Fields(strings.Join([]string{f.Name, f.REST, f.Records, f.EventGrid, f.ActionGroup, f.LogAnalytics, f.PowerShell, f.Also}, " "))
}

// fieldNames maps folded names to fields: the table turned round. An object of {value, localizedValue} may be named
// without either.
var fieldNames = func() map[string]field {
	byName := make(map[string]field)
	for i, row := range fieldTable {
		f := field{kind: row.kind, path: row.path}
		if row.kind == ofRecord {
			f.path = folded(fieldTable[i].Name)
		}
		for _, name := range row.spellings() {
			name = folded(name)
			byName[name] = f
			for _, half := range []string{".value", ".localizedvalue"} {
				if whole, ok := strings.CutSuffix(name, half); ok {
					byName[whole] = f
				}
			}
		}
	}
	return byName
}()

// recordNames are the names under which a record has the fields of kind ofRecord, folded, by the field's path.
var recordNames = func() map[string][]string {
	names := make(map[string][]string)
	for _, row := range fieldTable {
		if row.kind != ofRecord && row.kind != ofSignature {
			continue
		}
		for _, name := range strings.Fields(strings.Join([]string{row.REST, row.Records, row.EventGrid, row.ActionGroup, row.PowerShell}, " ")) {
			if name = folded(name); !slices.Contains(names[row.Name], name) {
				names[row.Name] = append(names[row.Name], name)
			}
		}
	}
	return names
}()

// resolve finds the field of a name. The error names the nearest field that there is.
func resolve(name string) (field, error) {
	if f, ok := lookUp(folded(name)); ok {
		return f, nil
	}
	return field{}, fmt.Errorf("no form of the Activity Log has a field %q; the nearest is %q (a member of the record's own details is written properties.%s)",
		name, nearest(name), name)
}

func lookUp(name string) (field, bool) {
	if f, ok := fieldNames[name]; ok {
		return f, true
	}
	if f, ok := wholes[name]; ok {
		return f, true
	}
	for _, p := range paths {
		rest, ok := strings.CutPrefix(name, p.prefix)
		if !ok || rest == "" {
			continue
		}
		if p.known != "" && !slices.Contains(strings.Fields(p.known), rest) {
			return field{}, false
		}
		return pathOf(p.kind, p.path+rest), true
	}
	for _, around := range []string{"data.", "record.", "alertcontext.", "data.context.activitylog.", "data.alertcontext."} {
		if rest, ok := strings.CutPrefix(name, around); ok {
			return lookUp(rest)
		}
	}
	return field{}, false
}

// pathOf is the field at a path. A claim that the event keeps is read there; only the others need the record.
func pathOf(k kind, path string) field {
	path = cmp.Or(ownPaths[path], path)
	if strings.HasPrefix(path, "claims.") && (k == inProperties || k == ofClaim) {
		if k = ofClaim; keptClaims[path] {
			k = inProperties
		}
	}
	return field{kind: k, path: path}
}

// nearest is the name that is written most like name.
func nearest(name string) string {
	best, distance := "", 1<<30
	consider := func(candidate string) {
		if d := edits(folded(name), folded(candidate)); d < distance {
			best, distance = candidate, d
		}
	}
	for _, row := range fieldTable {
		for _, candidate := range row.spellings() {
			consider(candidate)
		}
	}
	_, member, isPath := strings.Cut(name, ".")
	for _, p := range paths {
		for known := range strings.FieldsSeq(p.known) {
			consider(p.prefix + known)
		}
		if p.known == "" && isPath {
			consider(p.prefix + member)
		}
	}
	return best
}

// edits is Levenshtein's distance.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
