// Package activity says what happened in Azure: one Event, however it reached us.
//
// payload makes Events from every wire form; everything downstream reads Events only and never knows forms. The
// package imports nothing of ours but the JSON scanner. It is not the place for what we think of an event (rules,
// alert) nor for how it is shown (notify).
package activity

import (
	"strings"
	"time"
)

// Event is the single reading of one Activity Log record. Its JSON names are a contract: `handler decode` prints it
// and the store keeps it. A field that the payload does not tell is zero and omitted; nothing is guessed.
type Event struct {
	// ID is derived from the parts that identify the record, [a-z0-9-] only: the same record delivered again has the
	// same ID. It is not Azure's id: those collide, are missing, or differ by channel (see EventID).
	ID string `json:"id"`
	// Form is the wire form it was read from.
	Form Form `json:"form,omitempty"`

	Time        Time     `json:"time,omitzero"`         // when it happened (eventTimestamp, eventTime, time), UTC
	SubmittedAt Time     `json:"submitted_at,omitzero"` // when Azure made it available, UTC
	Category    Category `json:"category,omitempty"`
	Level       Level    `json:"level,omitempty"`
	// Operation is the lower-case ARM operation, or the lower-case phrase where Azure writes one (PIM).
	Operation string `json:"operation,omitempty"`
	// OperationDisplay is the operation as Azure wrote it for people: localizedValue, else the original spelling.
	OperationDisplay string  `json:"operation_display,omitempty"`
	Outcome          Outcome `json:"outcome,omitempty"`
	SubStatus        string  `json:"sub_status,omitempty"` // "Created", "Conflict (HTTP Status Code: 409)", …

	// Caller is the best name there is: UPN, else mail, else app or service-principal id, else object id, else the
	// platform's name.
	Caller         string     `json:"caller,omitempty"`
	CallerType     CallerType `json:"caller_type,omitempty"`
	CallerName     string     `json:"caller_name,omitempty"` // display name from the claims
	CallerObjectID string     `json:"caller_object_id,omitempty"`
	CallerAppID    string     `json:"caller_app_id,omitempty"`
	CallerIP       string     `json:"caller_ip,omitempty"`

	TenantID       string `json:"tenant_id,omitempty"`
	SubscriptionID string `json:"subscription_id,omitempty"` // lower case
	ResourceID     string `json:"resource_id,omitempty"`     // lower case
	ResourceType   string `json:"resource_type,omitempty"`   // lower case, "microsoft.compute/virtualmachines"
	ResourceGroup  string `json:"resource_group,omitempty"`  // lower case
	ResourceName   string `json:"resource_name,omitempty"`   // last segment as Azure wrote it, for people

	CorrelationID string `json:"correlation_id,omitempty"`
	OperationID   string `json:"operation_id,omitempty"` // changes within one operation: never group by it
	EventID       string `json:"event_id,omitempty"`     // eventDataId, or the Event Grid id
	Description   string `json:"description,omitempty"`
	// Properties holds the event's own details, JSON-in-strings peeled. What forms keep beside them is added under
	// the names authorization, claims (allow-listed, see payload), httpRequest and alert (what Azure Monitor judged).
	Properties Properties `json:"properties,omitempty"`

	// Recovered reports that the record stood behind a damaged one in a list, where its beginning had to be found again.
	Recovered bool `json:"recovered,omitempty"`
	// FoundBy is how the record came to us when no feed had delivered it: Reconciliation. Empty: a feed delivered it.
	FoundBy string `json:"found_by,omitempty"`

	// Record is what the event was read from, for rules alone. Empty where it was not set, and after a round trip
	// through JSON.
	Record Record `json:"-"`
}

// Reconciliation marks what was found by comparing what arrived with what Azure lists.
const Reconciliation = "reconciliation"

// Form names a wire form. The values are the folder names of payload/testdata.
type Form string

// The wire forms, as facts about Azure name them.
const (
	FormREST          Form = "rest"           // Activity Log REST list item, SDK dump
	FormRecords       Form = "records"        // resource-log schema: Event Hubs, storage export
	FormEventGrid     Form = "eventgrid"      // Event Grid schema
	FormCloudEvents   Form = "cloudevents"    // CloudEvents 1.0
	FormCommonAlert   Form = "common_alert"   // action group, common alert schema
	FormWebhookLegacy Form = "webhook_legacy" // action group, activity-log webhook before the common schema
	FormLogAnalytics  Form = "log_analytics"  // row of the table AzureActivity: workspace export, query result, CSV
	FormPowerShell    Form = "powershell"     // Get-AzActivityLog | ConvertTo-Json
	FormPortalCSV     Form = "portal_csv"     // "Download as CSV" of the portal's activity log
)

// Channel is the form whose records these are. A row of Log Analytics and an object of PowerShell's show a record of the
// list that the REST API has, with its eventDataId: whichever way it came, it is one record with one id.
func (f Form) Channel() Form {
	if f == FormLogAnalytics || f == FormPowerShell {
		return FormREST
	}
	return f
}

// FormCanary is what our own daily test becomes after it was read. No payload is ever read as this form, so that nobody
// outside can send a test, or hide as one.
const FormCanary Form = "canary"

// Category is one of the Activity Log's eight.
type Category string

// The eight categories (seed: "Azure Activity Log event schema", section Categories).
const (
	Administrative Category = "Administrative"
	ServiceHealth  Category = "ServiceHealth"
	ResourceHealth Category = "ResourceHealth"
	AlertCategory  Category = "Alert"
	Autoscale      Category = "Autoscale"
	Recommendation Category = "Recommendation"
	Security       Category = "Security"
	Policy         Category = "Policy"
)

// Categories lists the eight in the order of the schema page.
var Categories = []Category{
	Administrative, ServiceHealth, ResourceHealth, AlertCategory, Autoscale, Recommendation, Security, Policy,
}

// CategoryOf folds a spelling ("Resource Health", "SERVICEHEALTH") to a Category; "" when it is none of the eight.
func CategoryOf(s string) Category {
	for _, c := range Categories {
		if s == string(c) {
			return c
		}
	}
	s = strings.TrimSpace(s)
	for _, c := range Categories {
		if equalFoldNoSpace(s, string(c)) {
			return c
		}
	}
	return ""
}

// Level is the severity Azure gave the record.
type Level string

// The four levels; Azure writes both Information and Informational for the last (facts: payload variations).
const (
	Critical      Level = "Critical"
	Error         Level = "Error"
	Warning       Level = "Warning"
	Informational Level = "Informational"
)

// LevelOf folds a spelling to a Level; "" when it is none. Numbers are never mapped: Azure's disagree with each other.
func LevelOf(s string) Level {
	switch s { // as Azure writes it nearly always
	case string(Informational), "Information":
		return Informational
	case string(Warning):
		return Warning
	case string(Error):
		return Error
	}
	for _, l := range []Level{Critical, Error, Warning, Informational} {
		if strings.EqualFold(s, string(l)) {
			return l
		}
	}
	if strings.EqualFold(s, "Information") {
		return Informational
	}
	return ""
}

// Outcome is the state of the operation that the record reports, one vocabulary for all of Azure's.
type Outcome string

// Outcomes. The first six are an operation's life, the last three a condition's (health, alerts, recommendations).
const (
	Started    Outcome = "started"
	Accepted   Outcome = "accepted"
	InProgress Outcome = "in_progress"
	Succeeded  Outcome = "succeeded"
	Failed     Outcome = "failed"
	Canceled   Outcome = "canceled"
	Active     Outcome = "active"
	Resolved   Outcome = "resolved"
	Updated    Outcome = "updated"
)

// OutcomeOf folds Azure's vocabularies (Success/Succeeded, Start/Started, Accept/Accepted, Failure/Failed,
// In Progress, Cancelled, …) to an Outcome; "" when the word is none of them.
func OutcomeOf(s string) Outcome {
	switch s { // the words of nearly every event: no copy in lower case, no map
	case "":
		return ""
	case "Success", "Succeeded":
		return Succeeded
	case "Start", "Started":
		return Started
	case "Accept", "Accepted":
		return Accepted
	case "Failure", "Failed":
		return Failed
	case "Active":
		return Active
	}
	return outcomes[strings.ToLower(strings.TrimSpace(s))]
}

var outcomes = map[string]Outcome{
	"start": Started, "started": Started,
	"accept": Accepted, "accepted": Accepted,
	"inprogress": InProgress, "in progress": InProgress, "in_progress": InProgress, "running": InProgress,
	"success": Succeeded, "succeeded": Succeeded,
	"failure": Failed, "failed": Failed, "fail": Failed,
	"cancel": Canceled, "canceled": Canceled, "cancelled": Canceled,
	"active": Active, "activated": Active,
	"resolved": Resolved, "resolve": Resolved,
	"updated": Updated, "update": Updated,
}

// Final reports whether nothing more is to be expected of the operation.
func (o Outcome) Final() bool {
	return o == Succeeded || o == Failed || o == Canceled || o == Resolved
}

// CallerType is the kind of actor behind Caller.
type CallerType string

// Kinds of actor. Unknown is a real answer: the payload names a caller and does not say what it is.
const (
	User             CallerType = "user"
	ServicePrincipal CallerType = "service_principal"
	ManagedIdentity  CallerType = "managed_identity"
	Platform         CallerType = "platform"
	UnknownCaller    CallerType = "unknown"
)

// Time is an instant whose JSON is RFC 3339 in UTC with at least milliseconds.
type Time struct{ time.Time }

// At returns t as a Time in UTC.
func At(t time.Time) Time { return Time{t.UTC()} }

// AppendText implements encoding.TextAppender.
func (t Time) AppendText(b []byte) ([]byte, error) {
	layout := time.RFC3339Nano
	if t.Nanosecond()%int(time.Millisecond) == 0 {
		layout = "2006-01-02T15:04:05.000Z07:00"
	}
	return t.UTC().AppendFormat(b, layout), nil
}

// MarshalText implements encoding.TextMarshaler.
func (t Time) MarshalText() ([]byte, error) { return t.AppendText(nil) }

// MarshalJSON implements json.Marshaler; without it the embedded time.Time would drop the milliseconds.
func (t Time) MarshalJSON() ([]byte, error) {
	b, err := t.AppendText([]byte{'"'})
	return append(b, '"'), err
}

// equalFoldNoSpace compares without regard to case and to blanks in s ("Resource Health" in the common alert schema).
func equalFoldNoSpace(s, want string) bool {
	if strings.EqualFold(s, want) {
		return true
	}
	return strings.Contains(s, " ") && strings.EqualFold(strings.ReplaceAll(s, " ", ""), want)
}
