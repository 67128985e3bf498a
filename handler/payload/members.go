package payload

import (
	"strings"

	"github.com/auditbell/auditbell/handler/jsonscan"
)

// members holds the raw values of the members that forms read, nil when absent or null. REST, webhooks and the common
// alert schema share most names, and a name means the same wherever it stands.
type members struct {
	operationName, category, eventSource, level, status, subStatus []byte
	time, eventTimestamp, eventTime, submissionTimestamp           []byte
	resourceID, resourceURI, resourceType, resourceGroup           []byte
	resultType, resultSignature, resultDescription, description    []byte
	correlationID, operationID, eventDataID, id, eventName         []byte
	caller, callerIP, subscriptionID, tenantID                     []byte
	authorization, httpRequest, identity, properties               []byte
	specVersion, typ, eventType, source, subject, topic            []byte
	data, dataBase64, schemaID, essentials, alertContext           []byte
	context, activityLog, customProperties, metricName, durationMS []byte
	operation, eventDescription                                    []byte
	claims                                                         claims
	used                                                           bool
}

// slot returns where the member of that name is kept, nil when no form reads it.
func (m *members) slot(name string) *[]byte {
	if slot := m.recordSlot(name); slot != nil {
		return slot
	}
	return m.wrapperSlot(name)
}

// recordSlot knows the members of an Activity Log record.
func (m *members) recordSlot(name string) *[]byte {
	switch name {
	case "operationName":
		return &m.operationName
	case "category":
		return &m.category
	case "eventSource":
		return &m.eventSource
	case "level":
		return &m.level
	case "status":
		return &m.status
	case "subStatus":
		return &m.subStatus
	case "time":
		return &m.time
	case "eventTimestamp":
		return &m.eventTimestamp
	case "submissionTimestamp":
		return &m.submissionTimestamp
	case "resourceId":
		return &m.resourceID
	case "resourceType":
		return &m.resourceType
	case "resourceGroupName":
		return &m.resourceGroup
	case "resultType":
		return &m.resultType
	case "resultSignature":
		return &m.resultSignature
	case "resultDescription":
		return &m.resultDescription
	case "description":
		return &m.description
	case "correlationId":
		return &m.correlationID
	case "operationId":
		return &m.operationID
	case "eventDataId":
		return &m.eventDataID
	case "id":
		return &m.id
	case "eventName":
		return &m.eventName
	case "caller":
		return &m.caller
	case "callerIpAddress":
		return &m.callerIP
	case "subscriptionId":
		return &m.subscriptionID
	case "tenantId":
		return &m.tenantID
	case "authorization":
		return &m.authorization
	case "httpRequest":
		return &m.httpRequest
	case "identity":
		return &m.identity
	case "properties":
		return &m.properties
	case "durationMs":
		return &m.durationMS
	}
	return nil
}

// wrapperSlot knows the members of what is wrapped around a record, and those that tell other signals apart.
func (m *members) wrapperSlot(name string) *[]byte {
	switch name {
	case "eventTime":
		return &m.eventTime
	case "resourceUri":
		return &m.resourceURI
	case "specversion":
		return &m.specVersion
	case "type":
		return &m.typ
	case "eventType":
		return &m.eventType
	case "source":
		return &m.source
	case "subject":
		return &m.subject
	case "topic":
		return &m.topic
	case "data":
		return &m.data
	case "data_base64":
		return &m.dataBase64
	case "schemaId":
		return &m.schemaID
	case "essentials":
		return &m.essentials
	case "alertContext":
		return &m.alertContext
	case "context":
		return &m.context
	case "activityLog":
		return &m.activityLog
	case "customProperties":
		return &m.customProperties
	case "metricName":
		return &m.metricName
	case "operation":
		return &m.operation
	case "Activity Log Event Description":
		return &m.eventDescription
	}
	return nil
}

// recordNames are the names of recordSlot, by their folded spelling: SDK dumps write event_timestamp, PowerShell
// writes EventTimestamp, ServiceHealth alerts write ResourceType (facts: payload variations).
var recordNames = byFold("operationName", "category", "eventSource", "level", "status", "subStatus", "time",
	"eventTimestamp", "submissionTimestamp", "resourceId", "resourceType", "resourceGroupName", "resultType",
	"resultSignature", "resultDescription", "description", "correlationId", "operationId", "eventDataId", "id",
	"eventName", "caller", "callerIpAddress", "subscriptionId", "tenantId", "authorization", "httpRequest", "identity",
	"properties", "durationMs", "claims")

func byFold(names ...string) map[string]string {
	folded := make(map[string]string, len(names))
	for _, name := range names {
		folded[strings.ToLower(name)] = name
	}
	return folded
}

// take reads the member c stands at when a form knows it. The exact spelling wins over a folded one: records hold
// Level, a number, beside level, a word (facts: payload variations).
func (m *members) take(c *jsonscan.Cursor, name []byte) {
	if string(name) == "claims" {
		m.claims.take(c)
		return
	}
	if slot := m.slot(string(name)); slot != nil {
		*slot = present(c.Skip())
		return
	}
	var buf [32]byte
	known, ok := recordNames[string(fold(&buf, name))]
	if !ok {
		return
	}
	if known == "claims" {
		m.claims.take(c)
		return
	}
	if slot := m.recordSlot(known); *slot == nil {
		*slot = present(c.Skip())
	}
}

// takeAll reads every member of the object c stands at.
func (m *members) takeAll(c *jsonscan.Cursor) {
	m.used = true
	for name := range c.Members {
		m.take(c, name)
	}
}

// present drops null, which says no more than a missing member.
func present(raw []byte) []byte {
	if len(raw) == 4 && raw[0] == 'n' {
		return nil
	}
	return raw
}

// fold writes name to buf in lower case without underscores; nil when it is longer than any name we know.
func fold(buf *[32]byte, name []byte) []byte {
	if len(name) > len(buf) {
		return nil
	}
	folded := buf[:0]
	for _, c := range name {
		if c == '_' {
			continue
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		folded = append(folded, c)
	}
	return folded
}

// essentials holds the raw members of data.essentials of the common alert schema.
type essentials struct {
	alertID, alertRule, alertRuleID, severity, signalType, monitorCondition []byte
	monitoringService, alertTargetIDs, description                          []byte
	firedDateTime, resolvedDateTime                                         []byte
}

func (e *essentials) takeAll(c *jsonscan.Cursor) {
	for name := range c.Members {
		if slot := e.slot(string(name)); slot != nil {
			*slot = present(c.Skip())
		}
	}
}

func (e *essentials) slot(name string) *[]byte {
	switch name {
	case "alertId":
		return &e.alertID
	case "alertRule":
		return &e.alertRule
	case "alertRuleID":
		return &e.alertRuleID
	case "severity":
		return &e.severity
	case "signalType":
		return &e.signalType
	case "monitorCondition":
		return &e.monitorCondition
	case "monitoringService":
		return &e.monitoringService
	case "alertTargetIDs":
		return &e.alertTargetIDs
	case "description":
		return &e.description
	case "firedDateTime":
		return &e.firedDateTime
	case "resolvedDateTime":
		return &e.resolvedDateTime
	}
	return nil
}
