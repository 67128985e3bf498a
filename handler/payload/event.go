package payload

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/jsonscan"
)

// draft starts an Event from the members of a record. Every form calls it, corrects what the form says elsewhere or
// otherwise, and calls finish.
func (it *item) draft(form activity.Form, m *members) (activity.Event, error) {
	it.text.begin()
	if err := it.props.begin(m.properties); err != nil {
		return activity.Event{}, fmt.Errorf("read properties: %w", err)
	}
	t, p := &it.text, &it.props
	e := activity.Event{
		Form:           form,
		Time:           t.when(m.eventTimestamp, m.time, m.eventTime),
		SubmittedAt:    t.when(m.submissionTimestamp),
		Level:          activity.LevelOf(string(t.word(m.level))),
		Category:       it.category(p.eventCategory, m.category, m.eventSource),
		Outcome:        it.outcome(m.status, m.resultType),
		TenantID:       t.first(m.tenantID, m.claims.tenantID),
		SubscriptionID: t.lower(m.subscriptionID),
		ResourceGroup:  t.lower(m.resourceGroup),
		CorrelationID:  t.of(m.correlationID),
		OperationID:    t.first(m.operationID, p.operationID),
		EventID:        t.first(m.eventDataID, p.eventDataID),
		Description:    t.first(m.description, m.resultDescription, m.eventDescription),
	}
	it.operation(&e, m.operationName)
	it.subStatus(&e, m)
	return e, nil
}

// finish reads what depends on more than one member and derives the id.
func (it *item) finish(e activity.Event, m *members) activity.Event {
	it.resource(&e, m)
	authorization := it.props.add("authorization", m.authorization, it.props.reserved.authorization)
	request := it.props.add("httpRequest", m.httpRequest, it.props.reserved.httpRequest)
	it.address(&e, m, request)
	it.caller(&e, m, authorization)
	if e.Form != activity.FormCommonAlert && e.Form != activity.FormWebhookLegacy {
		it.props.keepOwn("alert", it.props.reserved.alert)
	}
	it.keepClaims(m)
	it.keepEventName(m)
	it.props.out = append(it.props.out, '}')
	if len(it.props.out) > len("{}") {
		e.Properties = bytes.Clone(it.props.out)
	}
	e.ID = it.identify(&e, m)
	return e
}

// category returns the first of the eight names among the texts.
func (it *item) category(raws ...[]byte) activity.Category {
	for _, raw := range raws {
		if c := activity.CategoryOf(string(it.text.word(raw))); c != "" {
			return c
		}
	}
	return ""
}

// outcome returns the first outcome among the texts.
func (it *item) outcome(raws ...[]byte) activity.Outcome {
	for _, raw := range raws {
		if o := activity.OutcomeOf(string(it.text.word(raw))); o != "" {
			return o
		}
	}
	return ""
}

// operation reads the name that rules match, and the one that people read: they differ where Azure localizes
// ("Health Event Activated", schema page, Resource Health sample).
func (it *item) operation(e *activity.Event, raw []byte) {
	e.Operation = it.text.lower(raw)
	display := raw
	if jsonscan.Kind(raw) == '{' {
		if value, localized := localizable(raw); len(it.text.word(localized)) > 0 && len(it.text.word(value)) > 0 {
			display = localized
		}
	}
	e.OperationDisplay = it.text.same(e.Operation, display)
}

// subStatus reads the HTTP side of the outcome. The resource-log schema writes it behind the outcome, as
// resultSignature "Succeeded.Created", "Started." or "Failed.NotFound", or alone: "200", "OK", "None".
func (it *item) subStatus(e *activity.Event, m *members) {
	if e.SubStatus = it.text.of(m.subStatus); e.SubStatus != "" {
		return
	}
	signature := it.text.word(m.resultSignature)
	head, tail, dotted := bytes.Cut(signature, []byte("."))
	folded := activity.OutcomeOf(string(head))
	if e.Outcome == "" {
		e.Outcome = folded
	}
	if folded != "" || dotted && len(tail) == 0 {
		signature = tail
	}
	if !strings.EqualFold(string(signature), "None") {
		e.SubStatus = it.text.keep(signature)
	}
}

// resource reads the resource and what its id implies. The id wins over the members beside it: those name the
// provider that logs (ResourceHealth), the check that ran (Policy) or nothing at all (exports).
func (it *item) resource(e *activity.Event, m *members) {
	raw := m.resourceID
	if e.ResourceID == "" {
		e.ResourceID = it.text.lower(raw)
	}
	if e.ResourceID == "" {
		raw = it.props.entity
		e.ResourceID = it.text.lower(raw)
	}
	r := activity.ParseResource(e.ResourceID)
	if e.ResourceType = r.Type; strings.HasPrefix(r.Type, "Microsoft.") {
		e.ResourceType = strings.ToLower(r.Type)
	}
	if e.ResourceType == "" {
		e.ResourceType = it.text.lower(m.resourceType)
	}
	if r.Group != "" {
		e.ResourceGroup = r.Group
	}
	if e.SubscriptionID == "" {
		e.SubscriptionID = r.Subscription
	}
	if e.ResourceName == "" {
		e.ResourceName = it.lastSegment(raw, r.Name)
	}
}

// lastSegment returns the name of a resource as Azure spelled it, for people.
func (it *item) lastSegment(raw []byte, lower string) string {
	written := bytes.TrimRight(it.text.word(raw), "/")
	written = written[bytes.LastIndexByte(written, '/')+1:]
	if string(written) == lower {
		return lower
	}
	return it.text.keep(written)
}

// address reads the caller's address: a member of its own in the export, part of httpRequest elsewhere.
func (it *item) address(e *activity.Event, m *members, request []byte) {
	if e.CallerIP = it.text.of(m.callerIP); e.CallerIP == "" && request != nil {
		e.CallerIP = it.text.first(
			activity.Properties(request).Value("clientIpAddress"), activity.Properties(request).Value("client_ip_address"))
	}
}

// keepClaims puts the allow-listed claims beside the record's properties.
func (it *item) keepClaims(m *members) {
	k := &m.claims
	if k.empty() && it.props.reserved.claims != nil {
		k.take(jsonscan.NewCursor(it.props.reserved.claims, 0))
	}
	if !k.empty() {
		it.props.name([]byte("claims"))
		it.props.out = k.append(it.props.out)
	}
}

// keepEventName puts the event's friendly name where the export has it (schema page, mapping table:
// "properties.eventName: eventName"). For Security it is the title of the alert.
func (it *item) keepEventName(m *members) {
	name := it.text.word(m.eventName)
	if len(name) == 0 || it.props.eventName != nil {
		return
	}
	it.props.name([]byte("eventName"))
	it.props.out = appendString(it.props.out, name)
}
