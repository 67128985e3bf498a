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

	mu     sync.Mutex
	seen   *seen
	texts  texts
	kept   []keptEvent
	named  map[string]*alert.Rule // our rules, by id
	groups []string               // the fields of their groups
	state  alert.Memory
}

// keptEvent is an event that a rule or a correlation cares for, without what only rules and messages read.
type keptEvent struct {
	at    activity.Time
	ids   [len(keptIDs{})]string
	props activity.Properties      // see alert.Essence
	texts [len(keptTexts{})]uint32 // see texts
	met   []*alert.Rule            // by itself; correlations come later
}

type (
	keptIDs   [4]*string
	keptTexts [19]*string
)

// idsOf are the texts of an event that few others share.
func idsOf(e *activity.Event) keptIDs {
	return keptIDs{&e.ID, &e.CorrelationID, &e.OperationID, &e.EventID}
}

// textsOf are the texts of an event that many others share.
func textsOf(e *activity.Event) keptTexts {
	return keptTexts{
		(*string)(&e.Form), (*string)(&e.Category), (*string)(&e.Level), &e.Operation, (*string)(&e.Outcome), &e.Caller, (*string)(&e.CallerType), &e.CallerObjectID, &e.CallerIP,
		&e.TenantID, &e.SubscriptionID, &e.ResourceID, &e.ResourceType, &e.ResourceGroup, &e.ResourceName,
		&e.OperationDisplay, &e.SubStatus, &e.CallerName, &e.CallerAppID,
	}
}

// texts are texts by number, each once.
type texts struct {
	all    []string
	number map[string]uint32
}

func (t *texts) of(text string) uint32 {
	n, ok := t.number[text]
	if !ok {
		text = strings.Clone(text) // it was part of a larger one
		n = uint32(len(t.all))     //nolint:gosec // of a report's texts there are fewer
		t.all, t.number[text] = append(t.all, text), n
	}
	return n
}

func newRuled(ctx context.Context, choice ruleChoice, w source.Window, std Surroundings) (*ruled, error) {
	x, err := newExplainer(ctx, choice, std)
	if err != nil {
		return nil, err
	}
	r := &ruled{x: x, window: w, seen: newSeen(), texts: texts{number: map[string]uint32{}}, named: map[string]*alert.Rule{}}
	for _, rule := range x.chosen.all {
		r.groups = append(r.groups, rule.Auditbell.GroupBy...)
	}
	slices.Sort(r.groups)
	r.groups = slices.Compact(r.groups)
	return r, nil
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
	met := r.x.pipeline.Met(*e)
	contributes := r.x.matcher.story.Add(len(r.kept), e)
	if len(met) == 0 && !contributes {
		return
	}
	one := r.keep(e)
	one.add(r, e, met)
	r.kept = append(r.kept, one)
}

// wants says by a glance whether an event may meet a rule.
func (r *ruled) wants(e *activity.Event) bool {
	return r.window.Holds(e.Time.Time) && r.x.chosen.set.Concerns(e)
}

// keep is what is kept of an event.
func (r *ruled) keep(e *activity.Event) keptEvent {
	one := keptEvent{at: e.Time, props: alert.Essence(e, r.groups)}
	for i, id := range idsOf(e) {
		one.ids[i] = strings.Clone(*id)
	}
	for i, text := range textsOf(e) {
		one.texts[i] = r.texts.of(*text)
	}
	return one
}

// event is an event as far as it was kept.
func (r *ruled) event(one *keptEvent) activity.Event {
	e := activity.Event{Time: one.at, Properties: one.props}
	for i, id := range idsOf(&e) {
		*id = one.ids[i]
	}
	for i, text := range textsOf(&e) {
		*text = r.texts.all[one.texts[i]]
	}
	return e
}

// add notes the rules that an event met, without those that exceptions cover.
func (one *keptEvent) add(r *ruled, e *activity.Event, met []alert.Rule) {
	if len(met) == 0 {
		return
	}
	_, rest := r.x.except(e, met)
	for i := range rest {
		rule, known := r.named[rest[i].ID]
		if !known || rest[i].Azure { // Azure's own share one id
			rule = &rest[i]
			r.named[rule.ID] = rule
		}
		one.met = append(one.met, rule)
	}
}

// evidence is what the rules say of what was read: what would have been alerted about. Nothing was sent.
func (r *ruled) evidence() *digest.Evidence {
	r.correlate()
	slices.SortStableFunc(r.kept, func(a, b keptEvent) int {
		return cmp.Or(a.at.Compare(b.at.Time), cmp.Compare(r.final(a), r.final(b)), strings.Compare(a.ids[0], b.ids[0]))
	})
	e, byID := &digest.Evidence{Unsent: true}, map[string]digest.Rule{}
	for _, rule := range r.x.chosen.all {
		if rule.Alerts() {
			byID[rule.ID] = publish.RuleOf(rule)
			e.Rules = append(e.Rules, byID[rule.ID])
		}
	}
	ids, order := r.decide()
	e.Alerts = make([]digest.Alert, 0, len(order))
	for _, ref := range order {
		e.Alerts = append(e.Alerts, alertOf(r.state.Alert(ref), byID, ids[ref]))
	}
	return e
}

// correlate adds the correlations to the events with which they match.
func (r *ruled) correlate() {
	for _, hit := range r.x.matcher.story.Completed(time.Now()) {
		one := &r.kept[hit.N]
		r.x.at = one.at.Time
		e := r.event(one)
		one.add(r, &e, []alert.Rule{r.alertRule(hit.Rule)})
	}
}

// alertRule is a rule as alerts name it.
func (r *ruled) alertRule(rule *rules.Rule) alert.Rule {
	f, _ := r.x.pipeline.Find(activity.Event{}, rule)
	return f.Rule
}

func (r *ruled) final(one keptEvent) int { return final(r.event(&one)) }

// decide opens alerts in the order of time, and returns them with the ids of their entries.
func (r *ruled) decide() (ids map[alert.Ref][]string, order []alert.Ref) {
	ids = map[alert.Ref][]string{}
	for i := range r.kept {
		one := &r.kept[i]
		if len(one.met) == 0 {
			continue
		}
		e := r.event(one)
		decided := r.state.Take(finding(e, one.met), one.at.Time)
		ref := decided.Alert.Ref()
		if decided.Opened {
			order = append(order, ref)
		}
		ids[ref] = append(ids[ref], digest.EntryKey(e.EventID, e.Operation, e.ResourceID, e.CorrelationID))
	}
	return ids, order
}

// finding is what is decided about. Where it would go is no question of a report from files.
func finding(e activity.Event, met []*alert.Rule) alert.Finding {
	all := make([]alert.Rule, len(met))
	for i, rule := range met {
		all[i] = *rule
	}
	f := alert.Finding{Event: e}
	f.Rule, f.Also = alert.Gravest(all)
	return f
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
