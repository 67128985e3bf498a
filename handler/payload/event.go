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
func (it *item) draft(e *activity.Event, form activity.Form, m *members) error {
	if raw := m.raw(m.identity); len(raw) > 0 && (raw[0] == '"' || raw[0] == '[') {
		m.identityText(raw)
	}
	it.text.begin()
	if err := it.props.begin(m); err != nil {
		return fmt.Errorf("read properties: %w", asTwice(err))
	}
	t, p := &it.text, &it.props
	e.Form = form
	e.Time = t.when(m.raw(m.eventTimestamp), m.raw(m.time), m.raw(m.eventTime))
	e.SubmittedAt = t.when(m.raw(m.submissionTimestamp))
	e.Level = activity.LevelOf(string(t.word(m.raw(m.level))))
	e.Category = it.category(p.eventCategory, m.raw(m.category), m.raw(m.eventSource))
	e.Outcome = it.outcome(m.raw(m.status), m.raw(m.resultType))
	e.TenantID = t.first(m.raw(m.tenantID), m.claims.raw(claimTenantID))
	e.SubscriptionID = t.lower(m.raw(m.subscriptionID))
	e.ResourceGroup = t.lower(m.raw(m.resourceGroup))
	e.CorrelationID = t.of(m.raw(m.correlationID))
	e.OperationID = t.first(m.raw(m.operationID), p.operationID)
	e.EventID = t.first(m.raw(m.eventDataID), p.eventDataID)
	e.Description = t.first(m.raw(m.description), m.raw(m.resultDescription), m.raw(m.eventDescription))
	e.Operation = activity.OperationName(t.lower(m.raw(m.operationName)))
	e.OperationDisplay = t.same(e.Operation, firstPresent(m.raw(m.operationDisplay), m.raw(m.operationName)))
	it.subStatus(e, m)
	return nil
}

// finish reads what depends on more than one member and derives the id. resource is the raw resource id.
func (it *item) finish(r *Reading, m *members, resource []byte) error {
	r.Kind = Activity
	e, p := &r.Event, &it.props
	it.resource(e, m, resource)
	authorization := p.add("authorization", m.compactAuthorization.in(p.side), m.raw(m.authorization), p.reserved.authorization)
	request := p.add("httpRequest", m.compactRequest.in(p.side), m.raw(m.httpRequest), p.reserved.httpRequest)
	it.address(e, m, request)
	it.caller(e, m, authorization)
	if e.Form != activity.FormCommonAlert && e.Form != activity.FormWebhookLegacy {
		p.keepOwn("alert", p.reserved.alert)
	}
	it.keepClaims(m)
	it.keepEventName(m)
	p.out = append(p.out, '}')
	if len(p.out) > len("{}") {
		if e.Properties = clip(p.out, 0); !it.lent {
			e.Properties = bytes.Clone(p.out)
		}
	}
	e.ID = it.identify(e, m)
	activity.AddPIM(e)
	it.notice(r, m)
	return nil
}

// category returns the first of the eight names among the texts.
func (it *item) category(raws ...[]byte) activity.Category {
	for _, raw := range raws {
		if raw == nil {
			continue
		}
		if c := activity.CategoryOf(string(it.text.word(raw))); c != "" {
			return c
		}
	}
	return ""
}

// outcome returns the first outcome among the texts.
func (it *item) outcome(raws ...[]byte) activity.Outcome {
	for _, raw := range raws {
		if raw == nil {
			continue
		}
		if o := activity.OutcomeOf(string(it.text.word(raw))); o != "" {
			return o
		}
	}
	return ""
}

// subStatus reads the HTTP side of the outcome. The resource-log schema writes it behind the outcome, as
// resultSignature "Succeeded.Created", "Started." or "Failed.NotFound", or alone: "200", "OK", "None".
func (it *item) subStatus(e *activity.Event, m *members) {
	if e.SubStatus = it.text.of(m.raw(m.subStatus)); e.SubStatus != "" {
		return
	}
	signature := it.text.word(m.raw(m.resultSignature))
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
func (it *item) resource(e *activity.Event, m *members, raw []byte) {
	if e.ResourceID == "" {
		e.ResourceID = it.text.lower(raw)
	}
	if e.ResourceID == "" {
		raw = it.props.entity
		e.ResourceID = it.text.lower(raw)
	}
	r := activity.ParseResource(e.ResourceID)
	if e.ResourceType = r.Type; strings.HasPrefix(r.Type, "Microsoft.") {
		e.ResourceType = activity.Lower(r.Type)
	}
	if e.ResourceType == "" {
		e.ResourceType = it.text.lower(m.raw(m.resourceType))
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
	if e.CallerIP = it.text.of(m.raw(m.callerIP)); e.CallerIP == "" && request != nil {
		e.CallerIP = it.text.first(
			activity.Properties(request).Value("clientIpAddress"), activity.Properties(request).Value("client_ip_address"))
	}
}

// keepClaims puts the allow-listed claims beside the record's properties.
func (it *item) keepClaims(m *members) {
	p, before := &it.props, len(it.props.out)
	p.name([]byte("claims"))
	start := len(p.out)
	if p.out = m.claims.append(p.out); len(p.out) == start+len("{}") {
		p.out = p.out[:before]
	}
}

// keepEventName puts the event's friendly name where the export has it (schema page, mapping table:
// "properties.eventName: eventName"). For Security it is the title of the alert.
func (it *item) keepEventName(m *members) {
	name := it.text.word(m.raw(m.eventName))
	if len(name) == 0 || it.props.eventName != nil {
		return
	}
	it.props.name([]byte("eventName"))
	it.props.out = jsonscan.AppendQuote(it.props.out, name)
}
