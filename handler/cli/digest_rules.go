package cli

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/digest/publish"
	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/handler/source"
)

// ruled evaluates the rules over the events that a digest counts, as replay does: rules and correlations by the events' own
// times, exceptions, and alert.Decide over a state in memory. It keeps of events what deciding and a report need, not
// their properties, because a report of a million events must fit into little memory.
type ruled struct {
	x      *explainer
	window source.Window

	mu    sync.Mutex
	seen  *seen
	texts map[string]string // those that many events share, once
	kept  []keptEvent
	state alert.Memory
}

// keptEvent is an event that a rule or a correlation cares for.
type keptEvent struct {
	event activity.Event
	met   []alert.Rule // by itself; correlations come later
}

func newRuled(ctx context.Context, choice ruleChoice, w source.Window, std Surroundings) (*ruled, error) {
	x, err := newExplainer(ctx, choice, std)
	if err != nil {
		return nil, err
	}
	return &ruled{x: x, window: w, seen: newSeen(), texts: map[string]string{}}, nil
}

// read takes an event in, in any order; several workers may call it.
func (r *ruled) read(e *activity.Event) {
	if !r.window.Holds(e.Time.Time) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.seen.first(e.ID) {
		return
	}
	r.x.at = e.Time.Time
	f, alerts := r.x.pipeline.Find(*e)
	contributes := r.x.matcher.story.Add(len(r.kept), e)
	if !alerts && !contributes {
		return
	}
	one := keptEvent{event: r.slim(e)}
	if alerts {
		_, one.met = r.x.except(e, append([]alert.Rule{f.Rule}, f.Also...))
	}
	r.kept = append(r.kept, one)
}

// size is about the memory that it takes, in bytes.
func (r *ruled) size() int64 {
	if r == nil {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	const reading, seenSize, keptSize = 24 << 20, 40, 1100 // what events take while they are read whole; each that was; each kept
	return reading + int64(len(r.seen.have))*seenSize + int64(len(r.kept))*keptSize
}

// slim is an event without what only rules and messages read. Its texts are copies: they were part of a larger text.
func (r *ruled) slim(e *activity.Event) activity.Event {
	return activity.Event{
		ID: strings.Clone(e.ID), Form: e.Form, Time: e.Time, Category: e.Category, Level: e.Level, Operation: r.once(e.Operation), Outcome: e.Outcome,
		Caller: r.once(e.Caller), CallerType: e.CallerType, CallerObjectID: r.once(e.CallerObjectID), CallerIP: r.once(e.CallerIP),
		TenantID: r.once(e.TenantID), SubscriptionID: r.once(e.SubscriptionID), ResourceID: r.once(e.ResourceID),
		ResourceType: r.once(e.ResourceType), ResourceGroup: r.once(e.ResourceGroup), ResourceName: r.once(e.ResourceName),
		CorrelationID: strings.Clone(e.CorrelationID), OperationID: strings.Clone(e.OperationID), EventID: strings.Clone(e.EventID),
	}
}

// once returns one copy of texts that are equal.
func (r *ruled) once(text string) string {
	if have, ok := r.texts[text]; ok {
		return have
	}
	text = strings.Clone(text)
	r.texts[text] = text
	return text
}

// evidence is what the rules say of what was read: what would have been alerted about. Nothing was sent.
func (r *ruled) evidence() *digest.Evidence {
	r.correlate()
	slices.SortStableFunc(r.kept, func(a, b keptEvent) int {
		return cmp.Or(a.event.Time.Compare(b.event.Time.Time), cmp.Compare(final(a.event), final(b.event)), strings.Compare(a.event.ID, b.event.ID))
	})
	e, byID := &digest.Evidence{Unsent: true}, map[string]digest.Rule{}
	for _, rule := range r.x.chosen.all {
		if rule.Alerts() {
			byID[rule.ID] = publish.RuleOf(rule)
			e.Rules = append(e.Rules, byID[rule.ID])
		}
	}
	ids, order := r.decide()
	for _, ref := range order {
		e.Alerts = append(e.Alerts, alertOf(r.state.Alert(ref), byID, ids[ref]))
	}
	return e
}

// correlate adds the correlations to the events with which they match.
func (r *ruled) correlate() {
	for _, hit := range r.x.matcher.story.Completed(time.Now()) {
		one := &r.kept[hit.N]
		r.x.at = one.event.Time.Time
		_, met := r.x.except(&one.event, []alert.Rule{r.named(hit.Rule)})
		one.met = append(one.met, met...)
	}
}

// named is a rule as alerts name it.
func (r *ruled) named(rule *rules.Rule) alert.Rule {
	f, _ := r.x.pipeline.Find(activity.Event{}, rule)
	return f.Rule
}

// decide opens alerts in the order of time, and returns them with the ids of their entries.
func (r *ruled) decide() (ids map[alert.Ref][]string, order []alert.Ref) {
	ids = map[alert.Ref][]string{}
	for i := range r.kept {
		one := &r.kept[i]
		if len(one.met) == 0 {
			continue
		}
		r.x.at = one.event.Time.Time
		decided := r.state.Take(r.x.pipeline.Only(alert.Finding{Event: one.event}, one.met), r.x.at)
		ref := decided.Alert.Ref()
		if decided.Opened {
			order = append(order, ref)
		}
		e := &one.event
		ids[ref] = append(ids[ref], digest.EntryKey(e.EventID, e.Operation, e.ResourceID, e.CorrelationID))
	}
	return ids, order
}

func alertOf(a *alert.Alert, byID map[string]digest.Rule, ids []string) digest.Alert {
	rule, known := byID[a.Rule.ID]
	if !known { // Azure's own
		rule = digest.Rule{ID: a.Rule.ID, Title: a.Rule.Title, Author: a.Rule.Author, Controls: a.Rule.Controls}
	}
	return digest.Alert{
		ID: a.ID, Rule: rule, Severity: a.Rule.Severity, Headline: a.Rule.Title, Happened: a.First.Time, Opened: a.Opened, Operation: a.Event.Operation, Caller: a.Event.Caller,
		Resource: a.Event.ResourceID, Outcome: digest.Word(a.Event.Outcome), EventID: a.Event.EventID, Entries: ids, Count: int64(a.Count), Records: int64(a.Records),
	}
}
