package cli

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/notify"
)

// rehearsal alerts without a store: alert.Decide decides on a state in memory, one record after the other, at the
// records' own times. What a route gathers is one message; what a channel's pace would fold into a summary is not foreseen. A backfill is rehearsed too: all of it happens at one moment then, and what has alerted is known.
type rehearsal struct {
	x       *explainer
	moment  time.Time                           // of a backfill; zero: every record has its own
	alerted func(*activity.Event) (bool, error) // whether the store has an alert of a record's operation; nil: there is none to ask
	known   map[string]bool                     // operations for which it has
	asked   map[string]alert.Rule               // operations that Azure is asked about, and what they could be at worst
	seen    *seen
	events  []activity.Event // that a rule or correlation cares for
	result  replayed

	state  alert.Memory
	bodies map[string][]activity.Event // by chain: records that say what their act asked for
	alerts []alert.Ref                 // in the order of opening
	opened map[alert.Ref]opening
	rules  map[string]*replayedRule
	hours  map[time.Time]int

	firstEvent, lastEvent time.Time
}

func newRehearsal(x *explainer) *rehearsal {
	return &rehearsal{
		x: x, seen: newSeen(), known: map[string]bool{}, asked: map[string]alert.Rule{}, opened: map[alert.Ref]opening{}, bodies: map[string][]activity.Event{},
		rules: map[string]*replayedRule{}, hours: map[time.Time]int{}, result: replayed{Messages: map[string]int{}, Rules: []replayedRule{}},
	}
}

// read takes an event in, in any order.
func (r *rehearsal) read(e *activity.Event) {
	if !r.seen.first(e.ID) {
		r.result.Duplicates++
		return
	}
	r.result.Events++
	if at := e.Time.Time; !at.IsZero() {
		if r.firstEvent.IsZero() || at.Before(r.firstEvent) {
			r.firstEvent = at
		}
		if at.After(r.lastEvent) {
			r.lastEvent = at
		}
	}
	r.keepBody(e)
	_, azure := activity.AzureAlert(*e)
	unasked := r.x.pipeline.Unasked
	if azure || unasked != nil && unasked(e) || len(r.x.chosen.set.Match(nil, e)) > 0 || len(r.x.chosen.set.Counted(nil, e)) > 0 || r.x.chosen.set.ReadsBodies(e) {
		r.events = append(r.events, *e)
		r.events[len(r.events)-1].Record = e.Record.Clone()
	}
}

// play judges what was read by time, and among equals by stage: a start does not come after its end.
func (r *rehearsal) play(list, text bool) (replayed, error) {
	slices.SortStableFunc(r.events, func(a, b activity.Event) int {
		return cmp.Or(a.Time.Compare(b.Time.Time), cmp.Compare(final(a), final(b)), strings.Compare(a.ID, b.ID))
	})
	for i := range r.events {
		if err := r.one(&r.events[i]); err != nil {
			return r.result, err
		}
	}
	r.result.Alerts, r.result.Asked = len(r.alerts), askedOf(r.asked)
	all := r.messages(nil)
	for _, m := range all {
		r.result.Messages[m.to]++
	}
	r.result.Daily = daily(all, r.days())
	if r.moment.IsZero() {
		r.result.Halved = r.halve(all)
	}
	r.result.Rules = r.sums()
	if r.moment.IsZero() {
		r.result.Busiest = r.busiest()
	}
	if list {
		for _, ref := range r.alerts {
			r.result.List = append(r.result.List, r.listed(r.state.Alert(ref), text))
		}
	}
	return r.result, nil
}

// askedOf counts operations that Azure is asked about; nil for none.
func askedOf(worst map[string]alert.Rule) *replayedAsked {
	if len(worst) == 0 {
		return nil
	}
	a := &replayedAsked{Operations: len(worst), AtWorst: map[string]int{}}
	for _, rule := range worst {
		a.AtWorst[rule.Severity]++
	}
	return a
}

func final(e activity.Event) int {
	if e.Outcome.Final() {
		return 1
	}
	return 0
}

// one is the story of one event, as pipeline.Handle decides it.
func (r *rehearsal) one(e *activity.Event) error {
	if r.x.at = cmp.Or(r.moment, e.Time.Time); r.x.at.IsZero() {
		r.x.at = time.Now()
	}
	e = r.completed(e)
	for _, rule := range r.x.matcher.match(e) {
		if !rule.Alerts() {
			r.rule(alert.Rule{ID: rule.ID, Title: rule.Title, Severity: string(rule.Level)}, e).Staged = true
		}
	}
	r.unknown(e)
	f, alerts := r.x.pipeline.Find(*e, r.x.matcher.correlated()...)
	if !alerts {
		return nil
	}
	r.result.Matched++
	if known, err := r.inStore(e); known || err != nil {
		return err
	}
	met := append([]alert.Rule{f.Rule}, f.Also...)
	_, rest := r.x.except(e, met, r.x.at)
	for _, rule := range met {
		sum := r.rule(rule, e)
		if !slices.ContainsFunc(rest, func(left alert.Rule) bool { return left.ID == rule.ID }) {
			sum.Excepted++
		}
	}
	switch {
	case r.state.Known(*e) != nil: // readers of its beginning are notified of its end
	case len(rest) == 0:
		r.result.Excepted++
		return nil
	case len(rest) < len(met):
		f = r.x.pipeline.Only(f, rest)
	}
	r.alert(f)
	return nil
}

// keepBody keeps a record that says what its act asked for, when a rule asks for that of the act's end.
func (r *rehearsal) keepBody(e *activity.Event) {
	if e.Outcome.Final() || len(e.Properties.Only("requestbody")) == 0 {
		return
	}
	done := *e
	done.Outcome = activity.Succeeded
	if len(r.x.chosen.set.Match(nil, &done)) > 0 {
		key := alert.ChainKey(*e)
		r.bodies[key] = append(r.bodies[key], *e)
	}
}

// completed is the record with the bodies of its act's other records, as pipeline.Intake judges it.
func (r *rehearsal) completed(e *activity.Event) *activity.Event {
	if e.Properties.SaysWhat() {
		return e
	}
	var others []activity.Event
	for _, other := range r.bodies[alert.ChainKey(*e)] {
		if alert.SameAct(e, &other) {
			others = append(others, other)
		}
	}
	whole := r.x.pipeline.Joined(*e, others)
	return &whole
}

// unknown counts an operation that Azure is asked about before it is judged: what it answers is not known here.
func (r *rehearsal) unknown(e *activity.Event) {
	if !r.x.asked(e) {
		return
	}
	if worst, ok := r.x.pipeline.AtWorst(e, r.x.pipeline.Met(*e)); ok {
		op := alert.ChainKey(*e)
		r.asked[op], _ = alert.Gravest([]alert.Rule{worst, r.asked[op]})
	}
}

// inStore reports whether the store has an alert of the record's operation, and counts such operations.
func (r *rehearsal) inStore(e *activity.Event) (bool, error) {
	if r.alerted == nil {
		return false, nil
	}
	known, err := r.alerted(e)
	if op := alert.ChainKey(*e); known && !r.known[op] {
		r.known[op] = true
		r.result.Known++
	}
	return known, err
}

// alert opens an alert or brings one up to date.
func (r *rehearsal) alert(f alert.Finding) {
	decided := r.state.Take(f, r.x.at)
	ref := decided.Alert.Ref()
	if !decided.Opened {
		if decided.Changed {
			r.result.Edits++
		}
		return
	}
	r.alerts, r.opened[ref] = append(r.alerts, ref), opening{f.Rule, f.Also}
	r.rules[f.Rule.ID].Alerts++
	r.hours[r.x.at.UTC().Truncate(time.Hour)]++
	if f.Hold.Name != "" {
		r.result.Held++
	}
}

// days is how many days the events span.
func (r *rehearsal) days() int {
	if len(r.events) == 0 {
		return 0
	}
	first, last := r.firstEvent.UTC().Truncate(24*time.Hour), r.lastEvent.UTC().Truncate(24*time.Hour)
	return int(last.Sub(first)/(24*time.Hour)) + 1
}

// rule counts a record under a rule.
func (r *rehearsal) rule(one alert.Rule, e *activity.Event) *replayedRule {
	sum := r.rules[one.ID]
	if sum == nil {
		sum = &replayedRule{ID: one.ID, Title: one.Title, Severity: one.Severity, First: e.Time}
		r.rules[one.ID] = sum
	}
	sum.Matched++
	sum.Last = e.Time
	return sum
}

// sums are the rules that did something, the loudest first.
func (r *rehearsal) sums() []replayedRule {
	list := make([]replayedRule, 0, len(r.rules))
	for _, sum := range r.rules {
		list = append(list, *sum)
	}
	slices.SortFunc(list, func(a, b replayedRule) int {
		return cmp.Or(cmp.Compare(b.Alerts, a.Alerts), cmp.Compare(b.Matched, a.Matched), strings.Compare(a.ID, b.ID))
	})
	return list
}

// busiest is the hour in which most alerts opened, the first among equals.
func (r *rehearsal) busiest() *busyHour {
	var most *busyHour
	for _, hour := range slices.SortedFunc(maps.Keys(r.hours), time.Time.Compare) {
		if most == nil || r.hours[hour] > most.Alerts {
			most = &busyHour{hour, r.hours[hour]}
		}
	}
	return most
}

// listed is an alert as it stood in the end, under the rule that opened it.
func (r *rehearsal) listed(a *alert.Alert, text bool) replayedAlert {
	m := r.x.pipeline.Message(*a)
	one := replayedAlert{
		Time: activity.At(a.Opened), Rule: r.opened[a.Ref()].rule.ID, Severity: r.opened[a.Ref()].rule.Severity, Title: m.Headline,
		Operations: a.Count, Records: a.Records, To: slices.Sorted(maps.Keys(a.Deliveries)),
	}
	for _, d := range a.Deliveries {
		one.Held = cmp.Or(one.Held, d.Held)
	}
	if text {
		one.Text = notify.Plain(m)
	}
	return one
}
