package payload

import (
	"bytes"
	"strings"

	"github.com/auditbell/auditbell/handler/jsonscan"
)

// span is where a value stands in the text around it; the zero span stands for absent or null. Offsets instead of
// slices, because an item holds a hundred: pointers would have to be cleared and told to the garbage collector.
type span struct{ from, to uint32 }

// present reports whether there is a value.
func (s span) present() bool { return s.to > 0 }

// empty reports whether there is nothing but an empty string.
func (s span) empty() bool { return s.to-s.from <= uint32(len(`""`)) }

// or returns s unless it is empty.
func (s span) or(other span) span {
	if s.empty() {
		return other
	}
	return s
}

// in returns the raw value, nil when there is none.
func (s span) in(text []byte) []byte {
	if s.to == 0 {
		return nil
	}
	return text[s.from:s.to]
}

// skip steps over the value c stands at and returns its span.
func skip(c *jsonscan.Cursor) span {
	from := c.Pos()
	if raw := c.Skip(); len(raw) == 0 || raw[0] == 'n' {
		return span{}
	}
	return span{uint32(from), uint32(c.Pos())}
}

// members holds where the members stand that forms read. REST, webhooks and the common alert schema share most names,
// and a name means the same wherever it stands.
type members struct {
	text                                                           []byte // what the spans point into
	operationName, category, eventSource, level, status, subStatus span
	time, eventTimestamp, eventTime, submissionTimestamp           span
	resourceID, resourceURI, resourceType, resourceGroup           span
	resultType, resultSignature, resultDescription, description    span
	correlationID, operationID, eventDataID, id, eventName         span
	caller, callerIP, subscriptionID, tenantID                     span
	authorization, httpRequest, identity, properties               span
	specVersion, typ, eventType, source, subject, topic            span
	data, dataBase64, schemaID, essentials, alertContext           span
	context, activityLog, customProperties, metricName, durationMS span
	resourceInfo, operationalInfo                                  span
	operation, eventDescription, operationDisplay, unread          span
	claims                                                         claims
	props                                                          *properties // where objects are written while they are read; nil: nowhere
	compactAuthorization, compactRequest                           span        // in props.side
	localizable                                                    bool        // a member was {"value","localizedValue"}
}

// raw returns the value at s.
func (m *members) raw(s span) []byte { return s.in(m.text) }

// slot returns where the member of that name is kept, nil when no form reads it.
func (m *members) slot(name []byte) *span {
	if slot := m.recordSlot(name); slot != nil {
		return slot
	}
	return m.wrapperSlot(name)
}

// recordSlot knows the members of an Activity Log record.
func (m *members) recordSlot(name []byte) *span {
	switch string(name) {
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
func (m *members) wrapperSlot(name []byte) *span {
	switch string(name) {
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
	case "channels", "relatedEvents", "resourceProviderName", "resourceProvider", "metadataVersion", "dataVersion",
		"location", "operationVersion", "RoleLocation", "Stamp", "ReleaseVersion":
		return &m.unread // usual, and said elsewhere or to nobody: known here so that they cost nothing more
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

// byFold lists names by their folded spelling, see fold.
func byFold(names ...string) map[string]string {
	folded := make(map[string]string, len(names))
	for _, name := range names {
		folded[strings.ToLower(name)] = name
	}
	return folded
}

// take reads the member c stands at when a form knows it, and reports whether one does. The exact spelling wins over a
// folded one: records hold Level, a number, beside level, a word (facts: payload variations). Of two folded ones the
// first counts that is not empty: rows of Log Analytics have an empty ResourceId beside _ResourceId.
func (m *members) take(c *jsonscan.Cursor, name []byte) bool {
	if string(name) == "claims" {
		m.claims.take(c)
		return true
	}
	if slot := m.slot(name); slot != nil {
		m.fill(slot, c)
		return true
	}
	var buf [32]byte
	known, ok := recordNames[string(fold(&buf, name))]
	if !ok {
		return false
	}
	if known == "claims" {
		m.claims.take(c)
	} else if slot := m.recordSlot([]byte(known)); slot.empty() {
		m.fill(slot, c)
	}
	return true
}

// fill reads the value c stands at into slot. Of REST's {"value":…,"localizedValue":…} it keeps the value, which rules
// match; people read the localized operation name ("Health Event Activated" on the schema page).
func (m *members) fill(slot *span, c *jsonscan.Cursor) {
	if !c.At('{') {
		*slot = skip(c)
		return
	}
	if m.holdsObject(slot) {
		from := c.Pos()
		m.object(slot, c)
		*slot = span{uint32(from), uint32(c.Pos())}
		return
	}
	m.localizable = true
	value, localized := localizable(c)
	*slot = value.or(localized)
	if slot == &m.operationName && !localized.empty() {
		m.operationDisplay = localized
	}
}

// object reads an object that the event keeps, or steps over one that it does not.
func (m *members) object(slot *span, c *jsonscan.Cursor) {
	switch {
	case slot == &m.identity:
		m.readIdentity(c)
	case m.props == nil:
		c.Skip()
	case slot == &m.properties:
		m.props.read(m, c)
	case slot == &m.authorization:
		m.compactAuthorization = m.props.aside(c)
	case slot == &m.httpRequest:
		m.compactRequest = m.props.aside(c)
	default:
		c.Skip()
	}
}

// readIdentity reads the resource-log schema's identity, which holds what REST has at the top (schema page, mapping
// table: "identity: claims and authorization properties").
func (m *members) readIdentity(c *jsonscan.Cursor) {
	for name := range c.Members {
		switch {
		case string(name) == "claims", string(name) == "authorization", string(name) == "Claims", string(name) == "Authorization":
			m.take(c, name)
		}
	}
}

// identityText reads an identity that pipelines have made text of (elastic/beats#25815: a field that is usually an object
// is a string that holds JSON), or a list. Other logs write a person's name there.
func (m *members) identityText(raw []byte) {
	if jsonscan.Kind(raw) == '[' {
		m.claims.lost = m.claims.lost || !emptyList(raw)
		return
	}
	if !looksNested(raw) {
		return
	}
	inner, err := jsonscan.AppendUnquote(nil, raw)
	if err != nil || jsonscan.Valid(inner) != nil || jsonscan.Kind(inner) != '{' {
		m.claims.lost = true
		return
	}
	c := jsonscan.NewCursor(inner, 0)
	for name := range c.Members {
		switch {
		case bytes.EqualFold(name, []byte("claims")):
			m.claims.take(c)
		case bytes.EqualFold(name, []byte("authorization")) && m.props != nil:
			if m.compactAuthorization = m.props.aside(c); jsonscan.Kind(m.compactAuthorization.in(m.props.side)) != '{' {
				m.compactAuthorization = span{}
			}
		}
	}
}

// holdsObject tells the members whose value is an object of its own kind.
func (m *members) holdsObject(slot *span) bool {
	switch slot {
	case &m.authorization, &m.httpRequest, &m.identity, &m.properties, &m.data, &m.essentials, &m.alertContext,
		&m.context, &m.activityLog, &m.customProperties:
		return true
	}
	return false
}

// localizable reads the two halves of {"value":…,"localizedValue":…}; SDK dumps write localized_value. Both are nil
// when null, missing or not a text: {"value":null} is usual (facts: payload variations).
func localizable(c *jsonscan.Cursor) (value, localized span) {
	for name := range c.Members {
		if c.At('{') || c.At('[') {
			continue
		}
		switch string(name) {
		case "value", "Value":
			value = skip(c)
		case "localizedValue", "localized_value", "LocalizedValue":
			localized = skip(c)
		}
	}
	return value, localized
}

// takeAll reads every member of the object c stands at.
func (m *members) takeAll(c *jsonscan.Cursor, props *properties) {
	*m = members{text: c.Text(), props: props}
	for name := range c.Members {
		m.take(c, name)
	}
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

// essentials holds where the members of data.essentials of the common alert schema stand.
type essentials struct {
	text                                                                    []byte
	alertID, alertRule, alertRuleID, severity, signalType, monitorCondition span
	monitoringService, alertTargetIDs, description                          span
	firedDateTime, resolvedDateTime                                         span
}

// raw returns the value at s.
func (e *essentials) raw(s span) []byte { return s.in(e.text) }

// takeAll reads the members of data.essentials. They come in one spelling only.
func (e *essentials) takeAll(c *jsonscan.Cursor) {
	*e = essentials{text: c.Text()}
	for name := range c.Members {
		if slot := e.slot(name); slot != nil {
			*slot = skip(c)
		}
	}
}

// slot returns where the member of that name is kept, nil when it is not read.
func (e *essentials) slot(name []byte) *span {
	switch string(name) {
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
