package simulation

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

const (
	subscription = "11112222-3333-4444-5555-666677778888"
	tenant       = "72f988bf-0000-4000-8000-2d7cd011db47"
	upnClaim     = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"
)

// object is a JSON object under construction.
type object = map[string]any

// status is a stage of an operation as a record reports it.
type status string

const (
	started   status = "Started"
	accepted  status = "Accepted"
	succeeded status = "Succeeded"
	failed    status = "Failed"
)

// operation is what the records of one act have in common.
type operation struct {
	name        string // Microsoft.KeyVault/vaults/delete
	resource    string // id
	caller, ip  string
	correlation string
	body        string // request body, "" for none; Started carries it
	whole       bool   // Succeeded carries it as well
	answer      string // response body, only Succeeded carries it
}

// seven is a time with seven decimals, as Azure writes it.
func seven(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.0000000Z") }

// grid is an event in the Event Grid schema. It reports the end of an operation and carries no body (learn: "Azure
// subscription as an Event Grid source").
func (o *operation) grid(id string, at time.Time, end status) string {
	kind := map[string]string{"write": "Write", "delete": "Delete", "action": "Action"}[o.name[strings.LastIndexByte(o.name, '/')+1:]]
	outcome := map[status]string{succeeded: "Success", failed: "Failure"}[end]
	return text(object{
		"id": id, "topic": "/subscriptions/" + subscription, "subject": o.resource, "eventTime": seven(at),
		"eventType": "Microsoft.Resources.Resource" + kind + outcome, "dataVersion": "2", "metadataVersion": "1",
		"data": object{
			"authorization": object{"scope": o.resource, "action": o.name}, "claims": o.claims(), "correlationId": o.correlation,
			"httpRequest":      object{"clientIpAddress": o.ip, "method": "PUT", "url": "https://management.azure.com" + o.resource},
			"resourceProvider": strings.SplitN(o.name, "/", 2)[0], "resourceUri": o.resource, "operationName": o.name,
			"status": string(end), "subscriptionId": subscription, "tenantId": tenant,
		},
	})
}

// record is a record of the diagnostic-setting export, in capitals as it is written there.
func (o *operation) record(at time.Time, stage status) string {
	words := map[status][2]string{started: {"Start", "Started."}, accepted: {"Accept", "Accepted.Accepted"}, succeeded: {"Success", "Succeeded."}, failed: {"Failure", "Failed.Conflict"}}
	properties := object{}
	if o.body != "" && (stage == started || stage == succeeded && o.whole) {
		properties["requestbody"] = o.body
	}
	if stage == succeeded && o.answer != "" {
		properties["responseBody"] = o.answer
	}
	return text(object{
		"time": seven(at), "resourceId": strings.ToUpper(o.resource), "operationName": strings.ToUpper(o.name), "category": "Administrative",
		"resultType": words[stage][0], "resultSignature": words[stage][1], "durationMs": "0", "callerIpAddress": o.ip,
		"correlationId": o.correlation, "level": "Information", "tenantId": tenant,
		"identity":   object{"authorization": object{"scope": o.resource, "action": o.name}, "claims": o.claims()},
		"properties": properties,
	})
}

func (o *operation) claims() object { return object{upnClaim: o.caller, "ipaddr": o.ip} }

// healthEvent is a resource that becomes unavailable and available again.
type healthEvent struct{ resource, correlation string }

// alert is a Resource Health alert in the common alert schema, as it begins and as it ends.
func (c *healthEvent) alert(id string, at time.Time, over bool) string {
	resource, correlation := c.resource, c.correlation
	stage, now, before, condition := "Active", "Unavailable", "Available", "Fired"
	if over {
		stage, now, before, condition = "Resolved", "Available", "Unavailable", "Fired"
	}
	name := resource[strings.LastIndexByte(resource, '/')+1:]
	return text(object{"schemaId": "azureMonitorCommonAlertSchema", "data": object{
		"essentials": object{
			"alertId":   "/subscriptions/" + subscription + "/providers/Microsoft.AlertsManagement/alerts/" + id,
			"alertRule": "health watch", "severity": "Sev2", "signalType": "Activity Log", "monitorCondition": condition,
			"monitoringService": "Resource Health", "alertTargetIDs": []string{resource}, "configurationItems": []string{name},
			"originAlertId": id, "firedDateTime": seven(at), "essentialsVersion": "1.0", "alertContextVersion": "1.0",
		},
		"alertContext": object{
			"channels": "Admin, Operation", "correlationId": correlation, "eventSource": "ResourceHealth", "eventTimestamp": seven(at),
			"eventDataId": id, "level": "Critical", "operationName": "Microsoft.Resourcehealth/healthevent/" + map[bool]string{false: "Activated", true: "Resolved"}[over] + "/action",
			"operationId": id, "status": stage, "submissionTimestamp": seven(at.Add(time.Minute)),
			"properties": object{
				"title": "Rebooted by the platform", "currentHealthStatus": now, "previousHealthStatus": before, "type": "Downtime", "cause": "PlatformInitiated",
			},
		},
	}})
}

func text(v any) string {
	b, _ := json.Marshal(v) // maps of strings always encode
	return string(b)
}

// guid is an id that follows from a seed and a number.
func guid(seed uint64, number int, what string) string {
	a, b := digest(seed, what, fmt.Sprint(number)), digest(seed, fmt.Sprint(number), what)
	return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", uint32(a), uint16(a>>32), uint16(a>>48)&0xfff, uint16(b>>48)&0xfff, b&0xffffffffffff)
}
