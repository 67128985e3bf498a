package cli

import (
	"cmp"
	"slices"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/digest/publish"
	"github.com/auditbell/auditbell/handler/rules"
)

// evidence is what the rules say of what was read: what would have been alerted about. Nothing was sent.
func (r *ruled) evidence() *digest.Evidence {
	e, byID := &digest.Evidence{Unsent: true}, map[string]digest.Rule{}
	for _, rule := range r.x.chosen.all {
		if rule.Alerts() {
			byID[rule.ID] = publish.RuleOf(r.x.chosen.set, rule)
			e.Rules = append(e.Rules, byID[rule.ID])
		}
	}
	d := deciding{ruled: r, opened: func(a *alert.Alert, entries []string) {
		one := alertOf(a, byID, entries)
		e.Alerts.Add(&one)
	}}
	order := r.order()
	r.complete(order)
	r.stories(order, d.decide)
	return e
}

// order is the events by time, and among equals by stage: a start does not come after its end. Each is there once.
func (r *ruled) order() []int32 {
	order := make([]int32, r.kept.n)
	for i := range order {
		order[i] = int32(i) //nolint:gosec // far fewer
	}
	again := func(a, b *activity.Event) int {
		return cmp.Or(cmp.Compare(final(*a), final(*b)), cmp.Compare(a.ID, b.ID))
	}
	slices.SortFunc(order, func(x, y int32) int {
		if c := cmp.Compare(r.kept.row(x).at, r.kept.row(y).at); c != 0 {
			return c
		}
		a, b := r.kept.event(x), r.kept.event(y)
		return cmp.Or(a.Time.Compare(b.Time.Time), again(&a, &b), cmp.Compare(x, y))
	})
	return slices.CompactFunc(order, func(x, y int32) bool {
		if r.kept.row(x).at != r.kept.row(y).at {
			return false
		}
		a, b := r.kept.event(x), r.kept.event(y)
		return again(&a, &b) == 0
	})
}

// complete judges again what another record's body may decide about, and adds correlations to the events that complete them.
// Events without a time count at the report's, behind the others: in front of them they would make all others too old to count.
func (r *ruled) complete(order []int32) {
	correlator := rules.NewCorrelator(r.x.chosen.set, manyWindows)
	dated := slices.IndexFunc(order, func(n int32) bool { return r.kept.row(n).at != noTime })
	for _, n := range order[max(dated, 0):] {
		r.completedBy(correlator, n)
	}
	for _, n := range order[:max(dated, 0)] {
		r.completedBy(correlator, n)
	}
}

// completedBy is complete for one event.
func (r *ruled) completedBy(correlator *rules.Correlator, n int32) {
	if one := r.judged[r.kept.row(n).judge]; one.reopen && !r.judgeAgain(n) && one.unknown > 0 {
		row, e := r.kept.row(n), r.event(n)
		row.judge = one.unknown - 1
		row.links = r.links(&e, r.judged[row.judge].rest)
	}
	one := r.judged[r.kept.row(n).judge]
	if len(one.counted) == 0 {
		return
	}
	e, now := r.event(n), r.now
	if !e.Time.IsZero() {
		now = e.Time.Time
	}
	for _, rule := range correlator.Take(nil, &e, one.counted, now) {
		if f, alerts := r.x.pipeline.Find(activity.Event{}, rule); alerts {
			r.correlated(n, &e, f.Rule)
		}
	}
}

// event is an event as far as it was kept.
func (r *ruled) event(n int32) activity.Event {
	if one := r.whole[n]; one != nil {
		return *one
	}
	return r.kept.event(n)
}

// judgeAgain judges an event beside the other records of its act; false: none of them says what it was about.
func (r *ruled) judgeAgain(n int32) bool {
	if len(r.bodies) == 0 {
		return false
	}
	e := r.event(n)
	var others []activity.Event
	for _, other := range r.bodies[alert.ChainKey(e)] {
		if alert.SameAct(&e, &other) {
			others = append(others, other)
		}
	}
	if len(others) == 0 {
		return false
	}
	e = r.x.pipeline.Joined(e, others)
	met, counted := r.met(&e), r.x.chosen.set.Counted(nil, &e)
	rest, barred := r.except(&e, met, counted)
	row := r.kept.row(n)
	row.judge, row.ref = r.number(judgement{met: met, rest: rest, counted: counted, barred: barred}), r.kept.put(&e, alert.Essence(&e, r.kept.groups))
	row.links = r.links(&e, rest)
	if r.whole[n] != nil {
		r.whole[n] = &e
	}
	return e.Properties.SaysWhat()
}

// correlated adds a correlation to what an event met.
func (r *ruled) correlated(n int32, e *activity.Event, rule alert.Rule) {
	row := r.kept.row(n)
	one := r.judged[row.judge]
	number := r.rule(&rule)
	met, rest := append(slices.Clone(one.met), number), slices.Clone(one.rest)
	if !slices.Contains(one.barred, rule.ID) {
		rest = append(rest, number)
	}
	one.met, one.rest = met, rest
	row.judge, row.links = r.number(one), r.links(e, rest)
}

// stories are the events that met rules, in the order of time, by what decides together: what shares a chain or a group.
// What is decided in one story no other has part in.
func (r *ruled) stories(order []int32, each func([]int32)) {
	at := slices.DeleteFunc(order, func(n int32) bool { return len(r.judged[r.kept.row(n).judge].met) == 0 })
	r.kept.only(at)
	together := newUnion(len(at))
	for _, n := range at {
		together.add(r.kept.row(n).links)
	}
	together.each(func(story []int32) {
		for i, place := range story {
			story[i] = at[place]
		}
		each(story)
		r.kept.drop(story)
	})
}

// deciding decides story by story.
type deciding struct {
	*ruled
	memory alert.Memory
	opened func(a *alert.Alert, entries []string) // is given each alert as it stands in the end, and the EntryKeys of its records
}

// decide opens the alerts of a story.
func (d *deciding) decide(story []int32) {
	if len(story) == 1 {
		if one := d.judged[d.kept.row(story[0]).judge]; len(one.rest) > 0 {
			e := d.event(story[0])
			f := d.finding(e, one.rest)
			f.Notes = one.notes()
			f.Operation = e.ID               // a report does not show its key
			a := alert.Alone(f, e.Time.Time) // as Decide does where nothing is known
			d.opened(&a, []string{digest.EntryKey(e.EventID, e.Operation, e.ResourceID, e.CorrelationID)})
		}
		return
	}
	d.memory.Forget()
	ids, opened := map[alert.Ref][]string{}, []alert.Ref(nil)
	for _, n := range story {
		e, one := d.event(n), d.judged[d.kept.row(n).judge]
		met := one.rest
		if len(met) == 0 {
			if d.memory.Known(e) == nil {
				continue
			}
			met = one.met // readers of its beginning are notified of its end
		}
		f := d.finding(e, met)
		f.Notes = one.notes()
		decided := d.memory.Take(f, e.Time.Time)
		ref := decided.Alert.Ref()
		if decided.Opened {
			opened = append(opened, ref)
		}
		ids[ref] = append(ids[ref], digest.EntryKey(e.EventID, e.Operation, e.ResourceID, e.CorrelationID))
	}
	for _, ref := range opened {
		d.opened(d.memory.Alert(ref), ids[ref])
	}
}

// links are what an event that rules met is decided together by.
func (r *ruled) links(e *activity.Event, rest []uint32) links {
	group := ""
	if len(rest) > 0 {
		group = r.finding(*e, rest).Group()
	}
	return r.linkage.of(alert.ChainKey(*e), group)
}

// finding is what is decided about. Where it would go is no question of a report from files.
func (r *ruled) finding(e activity.Event, met []uint32) alert.Finding {
	f := alert.Finding{Event: e}
	if len(met) == 1 { // as most are
		f.Rule = r.alertRule(met[0])
		return f
	}
	f.Rule, f.Also = alert.Gravest(r.alertRules(met))
	return f
}

// alertOf is an alert as a report has it.
func alertOf(a *alert.Alert, byID map[string]digest.Rule, entries []string) digest.Alert {
	rule, known := byID[a.Rule.ID]
	if !known { // Azure's own
		rule = digest.Rule{ID: a.Rule.ID, Title: a.Rule.Title, Author: a.Rule.Author, Controls: a.Rule.Controls}
	}
	return digest.Alert{
		ID: a.ID, Rule: rule, Severity: a.Rule.Severity, Headline: a.Rule.Title, Happened: a.First.Time, Opened: a.Opened, Operation: a.Event.Operation, Caller: a.Event.Caller,
		Resource: a.Event.ResourceID, Outcome: digest.Word(a.Event.Outcome), EventID: a.Event.EventID, JudgedBy: publish.BasisOf(a), Entries: entries, Count: int64(a.Count), Records: int64(a.Records),
	}
}
