package transcode

import (
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
)

// words spells outcomes as REST, the webhooks and the common alert schema do.
var words = map[activity.Outcome]string{
	activity.Started: "Started", activity.Accepted: "Accepted", activity.InProgress: "In Progress",
	activity.Succeeded: "Succeeded", activity.Failed: "Failed", activity.Canceled: "Canceled",
	activity.Active: "Active", activity.Resolved: "Resolved", activity.Updated: "Updated",
}

// exportWords spells outcomes as the resource-log schema does; those that are missing are spelled as elsewhere.
var exportWords = map[activity.Outcome]string{
	activity.Started: "Start", activity.Accepted: "Accept", activity.Succeeded: "Success", activity.Failed: "Failure",
}

// activityRecord holds what REST, the webhook and the common alert schema have in common.
func activityRecord(e activity.Event) object {
	o := object{"channels": "Operation"}
	o.set("eventTimestamp", e.Time)
	o.set("submissionTimestamp", e.SubmittedAt)
	o.set("level", string(e.Level))
	o.set("caller", e.Caller)
	o.set("correlationId", e.CorrelationID)
	o.set("operationId", e.OperationID)
	o.set("eventDataId", e.EventID)
	o.set("subscriptionId", e.SubscriptionID)
	o.set("tenantId", e.TenantID)
	o.set("resourceId", resourceID(e))
	o.set("resourceGroupName", e.ResourceGroup)
	o.set("description", e.Description)
	o.set("authorization", beside(e, "authorization"))
	o.set("properties", own(e))
	return o
}

// rest writes an item of the Activity Log REST API.
func rest(e activity.Event) object {
	o := activityRecord(e)
	o.set("claims", claims(e, true))
	o.set("httpRequest", request(e))
	for name, value := range map[string]string{
		"category": string(e.Category), "status": words[e.Outcome], "subStatus": e.SubStatus, "resourceType": e.ResourceType,
	} {
		if value != "" {
			o[name] = localizable(value, value)
		}
	}
	if e.Operation != "" {
		o["operationName"] = localizable(operation(e), e.OperationDisplay)
	}
	return o
}

// alerted writes the record inside an action group's payload: names are plain strings, claims and httpRequest are JSON
// in strings, the category is called eventSource.
func alerted(e activity.Event) object {
	o := activityRecord(e)
	o.set("claims", text(claims(e, true)))
	o.set("httpRequest", text(request(e)))
	o.set("eventSource", string(e.Category))
	o.set("status", words[e.Outcome])
	o.set("subStatus", e.SubStatus)
	o.set("resourceType", e.ResourceType)
	o.set("operationName", operation(e))
	return o
}

// record writes the resource-log schema of today, with the resource id upper-cased as many exports have it.
func record(e activity.Event) object {
	o := object{"location": "global", "durationMs": "0", "operationVersion": "2017-03-31"}
	o.set("time", e.Time)
	o.set("resourceId", strings.ToUpper(resourceID(e)))
	o.set("operationName", operation(e))
	o.set("category", string(e.Category))
	o.set("level", string(e.Level))
	o.set("correlationId", e.CorrelationID)
	o.set("callerIpAddress", e.CallerIP)
	o.set("tenantId", e.TenantID)
	o.set("resultDescription", e.Description)
	word := exportWords[e.Outcome]
	if word == "" {
		word = words[e.Outcome]
	}
	o.set("resultType", word)
	o.set("resultSignature", e.SubStatus)
	if e.Outcome != "" {
		o["resultSignature"] = words[e.Outcome] + "." + e.SubStatus
	}
	identity := object{}
	identity.set("authorization", beside(e, "authorization"))
	identity.set("claims", claims(e, false))
	o.set("identity", identity)
	o.set("properties", own(e))
	return o
}

// gridTypes are the endings of Microsoft.Resources event types: operation kind and outcome.
var (
	gridKinds    = map[string]string{"write": "Write", "delete": "Delete", "action": "Action"}
	gridOutcomes = map[activity.Outcome]string{
		activity.Succeeded: "Success", activity.Failed: "Failure", activity.Canceled: "Cancel",
	}
)

// grid writes Event Grid's two schemas.
func grid(e activity.Event, form activity.Form) ([]byte, bool) {
	kind := gridKinds[e.Operation[strings.LastIndexByte(e.Operation, '/')+1:]]
	outcome := gridOutcomes[e.Outcome]
	if e.Category != activity.Administrative || kind == "" || outcome == "" || e.ResourceID == "" {
		return nil, false
	}
	data := object{"operationName": operation(e), "resourceUri": resourceID(e), "status": words[e.Outcome]}
	data.set("authorization", beside(e, "authorization"))
	data.set("claims", claims(e, false))
	data.set("httpRequest", request(e))
	data.set("correlationId", e.CorrelationID)
	data.set("subscriptionId", e.SubscriptionID)
	data.set("tenantId", e.TenantID)
	provider, _, _ := strings.Cut(operation(e), "/")
	data.set("resourceProvider", provider)

	o := object{"id": e.EventID, "subject": resourceID(e), "data": data}
	eventType := "Microsoft.Resources.Resource" + kind + outcome
	if form == activity.FormCloudEvents {
		o["specversion"], o["type"], o["source"] = "1.0", eventType, "/subscriptions/"+e.SubscriptionID
		o.set("time", e.Time)
		return encode(o), true
	}
	o["eventType"], o["topic"] = eventType, "/subscriptions/"+e.SubscriptionID
	o["dataVersion"], o["metadataVersion"] = "2", "1"
	o.set("eventTime", e.Time)
	return encode([]object{o}), true
}

// commonAlert writes the common alert schema. What Azure Monitor judged comes from the event where it has it.
func commonAlert(e activity.Event) object {
	judged, ok := activity.AzureAlert(e)
	if !ok {
		judged = activity.MonitorAlert{Rule: "watch-" + strings.ToLower(string(e.Category)), Severity: "Sev4", Condition: "Fired"}
	}
	if judged.ID == "" {
		judged.ID = "/subscriptions/" + e.SubscriptionID + "/providers/Microsoft.AlertsManagement/alerts/" + e.EventID
	}
	essentials := object{
		"alertId": judged.ID, "alertRule": judged.Rule, "severity": judged.Severity, "signalType": "Activity Log",
		"monitorCondition": judged.Condition, "monitoringService": monitoringService(e.Category), "alertTargetIDs": []string{resourceID(e)},
		"description": judged.Description, "essentialsVersion": "1.0", "alertContextVersion": "1.0",
	}
	essentials.set("firedDateTime", e.SubmittedAt)
	context := alerted(e)
	delete(context, "resourceId") // the target says it
	return object{"schemaId": "azureMonitorCommonAlertSchema", "data": object{"essentials": essentials, "alertContext": context}}
}

// monitoringService spells the category as the common alert schema does.
func monitoringService(c activity.Category) string {
	switch c {
	case activity.ServiceHealth:
		return "ServiceHealth"
	case activity.ResourceHealth:
		return "Resource Health"
	case "":
		return "Activity Log"
	}
	return "Activity Log - " + string(c)
}

// webhook writes the activity-log webhook before the common alert schema.
func webhook(e activity.Event) object {
	return object{"schemaId": "Microsoft.Insights/activityLogs", "data": object{
		"status": "Activated", "context": object{"activityLog": alerted(e)}, "properties": object{},
	}}
}
