package rules

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/auditbell/auditbell/handler/activity"
)

// Example is one test within a rule: what happened, and (by the list it stands in) whether the rule must match.
type Example struct {
	Name  string // why it is there
	Line  int
	Steps []Step // one for a rule on single events
}

// Step is an event, and for correlations how often it comes.
type Step struct {
	Event activity.Event
	Times int           // at least 1
	Every time.Duration // between repeats, and after the step before
}

// parseExamples reads the block
//
//	match:
//	  - name: why it is there
//	    event: {operationName: …, status: Succeeded, properties: {…}}
//	no_match: […]
//
// An event is written with any of the field names that rules may use, and only as far as it matters: the rest is
// filled in with what an ordinary event has (see complete). A resource id without a leading slash continues that
// event's subscription.
func (p *problems) parseExamples(n *yaml.Node) Examples {
	var x Examples
	for _, m := range p.members(n) {
		switch m.key {
		case "match":
			x.Match = p.exampleList(m.value)
		case "no_match":
			x.NoMatch = p.exampleList(m.value)
		default:
			p.add(m.line, "examples.%s is unknown; known are match and no_match", m.key)
		}
	}
	return x
}

func (p *problems) exampleList(n *yaml.Node) []Example {
	if n.Kind != yaml.SequenceNode {
		p.add(n.Line, "expected a list of examples, found %s", kindName(n))
		return nil
	}
	var list []Example
	for _, c := range n.Content {
		list = append(list, p.parseExample(deref(c)))
	}
	return list
}

func (p *problems) parseExample(n *yaml.Node) Example {
	x := Example{Line: n.Line}
	var rest []pair
	for _, m := range p.members(n) {
		switch m.key {
		case "name":
			x.Name = p.text(m.value)
		case "steps":
			for _, c := range m.value.Content {
				x.Steps = append(x.Steps, p.parseStep(c.Line, p.members(c)))
			}
		default:
			rest = append(rest, m)
		}
	}
	if len(rest) > 0 {
		x.Steps = append(x.Steps, p.parseStep(n.Line, rest))
	}
	if len(x.Steps) == 0 {
		p.add(n.Line, "the example has no event")
	}
	return x
}

func (p *problems) parseStep(line int, members []pair) Step {
	s := Step{Times: 1, Every: time.Second}
	seen := false
	for _, m := range members {
		switch m.key {
		case "event":
			s.Event, seen = p.parseEvent(m.value), true
		case "times":
			if _, err := fmt.Sscan(p.text(m.value), &s.Times); err != nil || s.Times < 1 || s.Times > 10_000 {
				p.add(m.line, "times takes a number from 1 to 10000")
			}
		case "every":
			s.Every = p.duration(m)
		default:
			p.add(m.line, "%s is unknown in an example; known are name, event, times, every and steps", m.key)
		}
	}
	if !seen {
		p.add(line, "the example has no event")
	}
	return s
}

// parseEvent makes an event of field names and values.
func (p *problems) parseEvent(n *yaml.Node) activity.Event {
	var e activity.Event
	outside := make(map[string]json.RawMessage)
	record, claims := make(map[string]json.RawMessage), make(map[string]json.RawMessage)
	for _, m := range p.members(n) {
		f := p.field(m.line, m.key)
		switch {
		case f.kind == ofClaim:
			claims[strings.TrimPrefix(f.path, "claims.")] = p.jsonText(m.value, 0)
		case f.kind == ofRecord || f.kind == ofSignature:
			record[recordNames[cmp.Or(f.path, "result_signature")][0]] = p.jsonText(m.value, 0)
		case f == field{}:
			e.Properties = p.jsonText(m.value, 0)
		case f.kind == inProperties:
			outside[m.key] = json.RawMessage(p.jsonText(m.value, 0))
		case f.kind == ofTime:
			e.Time = p.instant(m)
		default:
			if !set(&e, f.kind, p.text(m.value)) {
				p.add(m.line, "%s cannot be set in an example", m.key)
			}
		}
	}
	p.adopt(&e, n.Line, outside)
	e.Record = recordOf(record, claims)
	complete(&e)
	activity.AddPIM(&e)
	return e
}

// recordOf is the record that holds what an event does not keep.
func recordOf(record, claims map[string]json.RawMessage) activity.Record {
	if len(claims) > 0 {
		record["claims"], _ = json.Marshal(claims) // texts that are JSON always marshal
	}
	if len(record) == 0 {
		return activity.Record{}
	}
	text, _ := json.Marshal(record)
	return activity.RecordOf(text)
}

// adopt moves what stands beside the properties into them, as payload does: authorization, claims, httpRequest.
func (p *problems) adopt(e *activity.Event, line int, outside map[string]json.RawMessage) {
	if len(outside) == 0 {
		return
	}
	all := make(map[string]json.RawMessage)
	if len(e.Properties) > 0 {
		if err := json.Unmarshal(e.Properties, &all); err != nil {
			p.add(line, "the properties of the example are no mapping")
		}
	}
	for name, value := range outside {
		all[name] = value
	}
	text, err := json.Marshal(all)
	if err != nil {
		p.add(line, "the properties of the example: %v", err)
	}
	e.Properties = text
}

// instant reads a time with its zone; an example without one has a fixed time, so that it means the same every day.
func (p *problems) instant(m pair) activity.Time {
	t, err := time.Parse(time.RFC3339, p.text(m.value))
	if err != nil {
		p.add(m.line, "%s: write a time like 2026-03-04T05:06:07Z", m.key)
	}
	return activity.At(t)
}

// set stores a field as payload would: folded vocabularies, lower-case identifiers.
func set(e *activity.Event, k kind, text string) bool {
	lower := strings.ToLower(text)
	switch k {
	case ofOperation:
		e.Operation, e.OperationDisplay = lower, text
	case ofOutcome:
		e.Outcome = activity.OutcomeOf(text)
		return e.Outcome != "" || text == ""
	case ofCategory:
		e.Category = activity.CategoryOf(text)
		return e.Category != ""
	case ofLevel:
		e.Level = activity.LevelOf(text)
		return e.Level != ""
	case ofSubStatus:
		e.SubStatus = text
	case ofDescription:
		e.Description = text
	case ofCorrelation:
		e.CorrelationID = text
	case ofSubscription:
		e.SubscriptionID = lower
	case ofResourceID:
		if lower != "" && lower[0] != '/' {
			lower = exampleSubscription + "/" + lower
		}
		e.ResourceID, e.ResourceName = lower, text[strings.LastIndexByte(text, '/')+1:]
	case ofResourceType:
		e.ResourceType = lower
	case ofResourceGroup:
		e.ResourceGroup = lower
	default:
		return setCaller(e, k, text)
	}
	return true
}

// setCaller is the part of set about who did it.
func setCaller(e *activity.Event, k kind, text string) bool {
	switch k {
	case ofCaller:
		e.Caller = text
	case ofCallerType:
		e.CallerType = activity.CallerType(text)
	case ofCallerName:
		e.CallerName = text
	case ofCallerObjectID:
		e.CallerObjectID = text
	case ofCallerAppID:
		e.CallerAppID = text
	case ofCallerIP:
		e.CallerIP = text
	case ofTenant:
		e.TenantID = text
	default:
		return false
	}
	return true
}

// What an example's event has where it says nothing else.
const (
	exampleSubscription = "/subscriptions/00000000-0000-4000-8000-000000000001"
	exampleTenant       = "00000000-0000-4000-8000-00000000000a"
	exampleCorrelation  = "00000000-0000-4000-8000-0000000000c0"
)

// complete fills in what an ordinary event of the Administrative category has.
func complete(e *activity.Event) {
	if e.ResourceID == "" {
		e.ResourceID = exampleSubscription
	}
	e.Category = cmp.Or(e.Category, activity.Administrative)
	e.Level = cmp.Or(e.Level, activity.Informational)
	e.TenantID = cmp.Or(e.TenantID, exampleTenant)
	e.CorrelationID = cmp.Or(e.CorrelationID, exampleCorrelation)
	if e.Time.IsZero() {
		e.Time = activity.At(time.Date(2026, time.March, 4, 5, 6, 7, 0, time.UTC))
	}
	r := activity.ParseResource(e.ResourceID)
	e.SubscriptionID = cmp.Or(e.SubscriptionID, r.Subscription)
	e.ResourceGroup = cmp.Or(e.ResourceGroup, r.Group)
	e.ResourceType = cmp.Or(e.ResourceType, strings.ToLower(r.Type))
	e.ID = "example-" + slug(e.Operation)
}

// jsonText writes a YAML value as compact JSON.
func (p *problems) jsonText(n *yaml.Node, depth int) []byte {
	const deepest = 50
	if n = deref(n); p.costly(n) {
		return []byte("null")
	}
	if depth > deepest {
		p.add(n.Line, "nested deeper than %d", deepest)
		return []byte("null")
	}
	switch n.Kind {
	case yaml.MappingNode:
		text := []byte{'{'}
		for i, m := range p.members(n) {
			text = append(separated(text, i), quoted(m.key)...)
			text = append(append(text, ':'), p.jsonText(m.value, depth+1)...)
		}
		return append(text, '}')
	case yaml.SequenceNode:
		text := []byte{'['}
		for i, c := range n.Content {
			text = append(separated(text, i), p.jsonText(c, depth+1)...)
		}
		return append(text, ']')
	}
	switch n.Tag {
	case "!!null":
		return []byte("null")
	case "!!int", "!!float", "!!bool":
		if json.Valid([]byte(n.Value)) {
			return []byte(n.Value)
		}
	}
	return quoted(n.Value)
}

func separated(text []byte, i int) []byte {
	if i > 0 {
		return append(text, ',')
	}
	return text
}

func quoted(s string) []byte {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes
	return []byte(strings.TrimSuffix(b.String(), "\n"))
}
