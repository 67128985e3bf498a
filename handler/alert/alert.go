// Package alert is the alerts and how they live: the keys by which records belong together, and the rules by which an
// alert takes a record in, gets a new revision and owes it to its destinations.
//
// Everything here is a value and a pure function of it; time is a parameter. The store commits alerts, the pipeline
// delivers them. What a message looks like is not decided here.
package alert

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
)

// Alert is one thing that readers must know: one message in every channel, edited as it develops.
type Alert struct {
	ID    string `json:"alert_id"`
	Group string `json:"group_key"`      // partition key; see GroupKey: rule, actor and scope
	Rule  Rule   `json:"rule"`           // the gravest of those that matched
	Also  []Rule `json:"also,omitempty"` // further rules that the same operations met, at most keepRules

	Opened     time.Time `json:"opened"`      // when we opened it
	WindowEnds time.Time `json:"window_ends"` // from then on the same noise opens a new alert

	// Event is what the message is about: the first operation, its blanks filled and its outcome advanced by later
	// records of the same operation. Its properties are cut to keepProperties bytes.
	Event activity.Event `json:"event"`

	First activity.Time `json:"first"` // earliest and latest event time taken in
	Last  activity.Time `json:"last"`

	Count      int          `json:"count"`      // operations, each however many records it had
	Records    int          `json:"records"`    // distinct records
	Operations []*Operation `json:"operations"` // oldest first, at most keepOperations; Count is how many there were. None is changed in place.

	// Revision grows whenever what a reader sees has changed. A destination is behind while it has taken less.
	Revision   int                 `json:"revision"`
	Deliveries map[string]Delivery `json:"deliveries"` // by destination name
	Lease      Lease               `json:"lease,omitzero"`

	Acts   []Act    `json:"acts,omitempty"` // what people did about it, oldest first, at most keepActs
	Snooze Snooze   `json:"snooze,omitzero"`
	Notes  []string `json:"notes,omitempty"` // what a reader must know beside the event: an exception that expired
	Late   string   `json:"late,omitempty"`  // why it was opened long after its event; empty: as it happened

	Change  Change   `json:"change,omitzero"`   // whether it was announced
	Lookups []Lookup `json:"lookups,omitempty"` // what was asked about Event, answered or not
	Learned Learned  `json:"learned,omitzero"`  // what came of it

	Tally *Tally `json:"tally,omitempty"` // what a summary counts
}

const (
	keepOperations = 20
	keepRules      = 8
	keepNotes      = 4
	keepProperties = 8 << 10 // bytes; a Cosmos item of 10 KB costs about 7 RU to write
)

// Rule is what an alert keeps of the rule that matched: messages and digests show it as it was then.
type Rule struct {
	ID       string        `json:"id"`
	Title    string        `json:"title"`
	Severity string        `json:"severity"`           // Sigma's level: informational low medium high critical
	Author   string        `json:"author,omitempty"`   // must be shown for rules under the Detection Rule License
	Reason   string        `json:"reason,omitempty"`   // why it matters, one sentence
	Runbook  []string      `json:"runbook,omitempty"`  // what to do, one step each
	Controls []string      `json:"controls,omitempty"` // "CIS Azure 6.0.0 6.1.2.1"
	Azure    bool          `json:"azure,omitempty"`    // an Azure Monitor alert rule of the operator's, not one of ours
	Many     bool          `json:"many,omitempty"`     // a correlation: it matched for the number, not for this one event
	Window   time.Duration `json:"window,omitempty"`   // 0: DefaultWindow
	GroupBy  []string      `json:"-"`                  // event fields; empty: actor and resource group
	Tags     []string      `json:"-"`                  // Sigma's; routes ask for them
}

// Rules that are not Sigma: summaries of many alerts, and what Auditbell has to say about itself.
const (
	StormRule = "storm" // alerts that a channel could not take one by one
	HeldRule  = "held"  // alerts that a quiet time held back
	// BacklogRule is for alerts that waited until their destination was well again; each summary names all of its alerts.
	BacklogRule = "backlog"
	WatchRule   = "auditbell-" // prefix of the self-watch's rules

	CanaryRule = WatchRule + "canary" // the daily test
)

// IsSummary reports whether the alert counts other alerts.
func (a *Alert) IsSummary() bool {
	return a.Rule.ID == StormRule || a.Rule.ID == HeldRule || a.Rule.ID == BacklogRule
}

// DefaultWindow is how long the same rule, actor and scope count as the same noise.
const DefaultWindow = 15 * time.Minute

// Operation is one operation taken in, by its lifecycle key.
type Operation struct {
	Key      string           `json:"key"`
	Resource string           `json:"resource,omitempty"` // lower-case id
	Name     string           `json:"name,omitempty"`     // as people read it
	Detail   string           `json:"detail,omitempty"`   // what sets it apart beside its resource: role and principal, port and source
	Severity string           `json:"severity,omitempty"` // of the gravest rule that it met
	Outcome  activity.Outcome `json:"outcome,omitempty"`
	Started  activity.Time    `json:"started,omitzero"`
	Ended    activity.Time    `json:"ended,omitzero"`
	Detailed int              `json:"detailed,omitempty"` // the revision that brought Detail, where it came after the operation
}

// Decision is what became of a finding.
type Decision struct {
	Alert     Alert
	Opened    bool // a new alert
	Changed   bool // a reader sees a change
	Duplicate bool // this record had been counted before
	Leased    bool // the caller holds the delivery lease and should deliver now
	RU        float64
}

// clone makes to a copy of a that may be changed, with room for one more operation. Lists to which Absorb only appends are
// shared as far as they go.
func (a *Alert) clone(to *Alert) {
	*to = *a
	to.Operations = append(make([]*Operation, 0, len(a.Operations)+1), a.Operations...)
	to.Also, to.Deliveries = slices.Clone(a.Also), maps.Clone(a.Deliveries)
	to.Acts, to.Notes, to.Lookups = slices.Clip(a.Acts), slices.Clip(a.Notes), slices.Clip(a.Lookups)
}

// Ref finds an alert in the store.
type Ref struct {
	Group string `json:"pk"`
	ID    string `json:"id"`
}

// Ref returns how to find a again.
func (a *Alert) Ref() Ref { return Ref{a.Group, a.ID} }

// New opens an alert for the finding.
func New(f Finding, now time.Time) (a Alert) {
	a.open(&f, f.Group(), now)
	return a
}

// Alone is New for reports, which do not show the alert's group.
func Alone(f Finding, now time.Time) (a Alert) {
	a.open(&f, "", now)
	return a
}

// open makes a an alert of the group for the finding.
func (a *Alert) open(f *Finding, group string, now time.Time) {
	window := f.Rule.Window
	if window <= 0 {
		window = DefaultWindow
	}
	*a = Alert{
		ID: "alert-" + hash(f.Rule.ID, f.Event.ID), Group: group, Rule: f.Rule, Also: f.Also,
		Opened: now.UTC(), WindowEnds: now.UTC().Add(window),
		Event: f.Event, First: f.Event.Time, Last: f.Event.Time,
		Count: 1, Records: 1, Operations: []*Operation{operationOf(f)},
		Revision: 1, Deliveries: make(map[string]Delivery, len(f.To)), Notes: f.Notes, Change: f.Change, Late: f.Late,
	}
	a.Event.Properties = a.Event.Properties.Within(keepProperties)
	a.owe(f, now)
	a.ask(f.Ask, now)
}

// Absorb takes a further record in: another state of a known operation, or another operation of the same noise. It
// must be called once per record; the store's seen items see to that. known says that the operation was counted: the
// list of operations is cut, and does not say. It reports whether a reader sees a change.
func (a *Alert) Absorb(f Finding, known bool, now time.Time) (changed bool) {
	return a.absorb(&f, known, now)
}

func (a *Alert) absorb(f *Finding, known bool, now time.Time) (changed bool) {
	e := &f.Event
	before := a.Last
	a.Records++
	a.First, a.Last = earlier(a.First, e.Time), later(a.Last, e.Time)
	switch i := a.listed(f.operation()); {
	case i < 0 && known: // one of those that the list has no room for
	case i < 0:
		a.Count++
		a.keep(operationOf(f))
		changed = true
	default:
		op := a.renewed(i)
		advanced := op.advance(e, before)
		changed = op.complete(f, a.Revision+1) || advanced
		if i == 0 {
			merge(&a.Event, e, advanced)
			a.ask(f.Ask, now)
		}
	}
	if changed = a.judged(f, now) || changed; changed {
		a.revise(now)
	}
	return changed
}

// listed is the index of an operation by its key; -1: it is not among those listed.
func (a *Alert) listed(key string) int {
	for i := range a.Operations {
		if a.Operations[i].Key == key {
			return i
		}
	}
	return -1
}

// renewed is an operation that may be changed, in the place of the one listed, which others may hold.
func (a *Alert) renewed(i int) *Operation {
	op := *a.Operations[i]
	a.Operations[i] = &op
	return &op
}

// Raise takes in what was found out about the alert's event since: rules that it meets with that, who else must know of
// it, and a higher severity. It reports whether a reader sees a change.
func (a *Alert) Raise(f Finding, now time.Time) (changed bool) {
	merge(&a.Event, &f.Event, false)
	changed = a.renewed(0).complete(&f, a.Revision+1)
	if changed = a.judged(&f, now) || changed; changed {
		a.revise(now)
	}
	return changed
}

// Lacks reports whether the alert counted the finding's record without what the finding says of it.
func (a *Alert) Lacks(f Finding) bool {
	shown := f.Detail == "" || slices.ContainsFunc(a.Operations, func(op *Operation) bool { return op.Detail == cut(f.Detail) })
	return !shown || rank(a.Rule.Severity) < rank(f.Rule.Severity)
}

// judged takes over rules, destinations and notes of a finding. What makes the alert graver lets it leave what holds it.
func (a *Alert) judged(f *Finding, now time.Time) (changed bool) {
	before := a.Rule.Severity
	met := a.meet(&f.Rule)
	for i := range f.Also {
		met = a.meet(&f.Also[i]) || met
	}
	owed, noted := a.owe(f, now), a.note(f.Notes)
	if rank(a.Rule.Severity) > rank(before) {
		a.release(f, now)
	}
	return met || owed || noted
}

// keep lists an operation while there is room. A summary makes room for what is graver than something it lists.
func (a *Alert) keep(op *Operation) {
	if len(a.Operations) < keepOperations {
		a.Operations = append(a.Operations, op)
		return
	}
	mildest := slices.IndexFunc(a.Operations, func(have *Operation) bool { return rank(have.Severity) < rank(op.Severity) })
	if a.IsSummary() && mildest >= 0 {
		a.Operations[mildest] = op
	}
}

// release leaves what kept a milder alert from its readers: a quiet time that does not hold what it has become, a
// summary, and a snooze that a person chose before it was this grave.
func (a *Alert) release(f *Finding, now time.Time) {
	a.Snooze = Snooze{}
	for name, d := range a.Deliveries {
		if d.Held != "" && f.Hold.Name == "" && d.Revision == 0 {
			d.Held, d.HeldUntil, d.Due = "", now.UTC(), now.UTC()
		}
		d.Spared = Spared{} // what rises is sent
		if IsGrave(a.Rule.Severity) {
			d.Folded = ""
		}
		a.Deliveries[name] = d
	}
}

// meet notes a rule that was not known to this alert; a graver one becomes its rule, however many it knows. Of the
// others the gravest are kept. A rule that is known and grave as never before (a summary's) is graver from now on.
func (a *Alert) meet(r *Rule) (changed bool) {
	if r.ID == a.Rule.ID {
		if changed = rank(r.Severity) > rank(a.Rule.Severity); changed {
			a.Rule = *r
		}
		return changed
	}
	if i := slices.IndexFunc(a.Also, func(have Rule) bool { return have.ID == r.ID }); i >= 0 {
		if rank(r.Severity) <= rank(a.Also[i].Severity) {
			return false
		}
		a.Also = slices.Delete(a.Also, i, i+1)
	}
	if rank(r.Severity) > rank(a.Rule.Severity) {
		milder := a.Rule
		a.Rule = *r
		a.also(milder)
		return true
	}
	return a.also(*r)
}

// also keeps a rule beside the gravest, in place of a milder one where there is no room.
func (a *Alert) also(r Rule) (changed bool) {
	if len(a.Also) < keepRules {
		a.Also = append(a.Also, r)
		return true
	}
	mildest := 0
	for i, have := range a.Also {
		if rank(have.Severity) < rank(a.Also[mildest].Severity) {
			mildest = i
		}
	}
	if rank(r.Severity) <= rank(a.Also[mildest].Severity) {
		return false
	}
	a.Also[mildest] = r
	return true
}

// note adds notes that were not there yet.
func (a *Alert) note(notes []string) (changed bool) {
	for _, n := range notes {
		if !slices.Contains(a.Notes, n) && len(a.Notes) < keepNotes {
			a.Notes = append(a.Notes, n)
			changed = true
		}
	}
	return changed
}

// owe adds destinations that did not have this alert yet.
func (a *Alert) owe(f *Finding, now time.Time) (changed bool) {
	for _, name := range f.To {
		if _, ok := a.Deliveries[name]; ok {
			continue
		}
		hold := f.hold(name, now)
		d := Delivery{Due: now.UTC(), Held: hold.Name, Spared: f.spared(name, hold)}
		if hold.Until.After(now) {
			d.Due, d.HeldUntil = hold.Until.UTC(), hold.Until.UTC()
		}
		if f.Await.Until.After(d.Due) && slices.Contains(f.Await.To, name) {
			d.Due = f.Await.Until.UTC()
		}
		a.Deliveries[name], changed = d, true
	}
	return changed
}

// hasten makes first messages due that waited for an answer.
func (a *Alert) hasten(now time.Time) {
	for name, d := range a.Deliveries {
		if d.Revision == 0 && d.Held == "" && d.Attempts == 0 && !d.Parked() && d.Due.After(now) {
			d.Due = now.UTC()
			a.Deliveries[name] = d
		}
	}
}

// Severities lists Sigma's levels from quiet to loud.
var Severities = []string{"informational", "low", "medium", "high", "critical"}

// rank orders severities; an unknown one ranks lowest.
func rank(severity string) int { return slices.Index(Severities, severity) }

// Gravest splits rules into the gravest, the first among equals, and the others.
func Gravest(rules []Rule) (Rule, []Rule) {
	top := 0
	for i, r := range rules {
		if rank(r.Severity) > rank(rules[top].Severity) {
			top = i
		}
	}
	return rules[top], slices.Delete(slices.Clone(rules), top, top+1)
}

// revise makes the new revision due everywhere, debounced: an edit waits until editEvery has passed since the last,
// and until a snooze is over.
func (a *Alert) revise(now time.Time) {
	a.Revision++
	for name, d := range a.Deliveries {
		if d.Parked() || d.Attempts > 0 || d.Held != "" {
			continue // what is scheduled already will bring the newest revision
		}
		d.Due = a.notBefore(&d, now)
		a.Deliveries[name] = d
	}
}

func operationOf(f *Finding) *Operation {
	e := &f.Event
	op := &Operation{Key: f.operation(), Detail: cut(f.Detail), Severity: f.Rule.Severity, Resource: e.ResourceID, Name: e.ResourceName, Outcome: e.Outcome, Started: e.Time}
	if e.Outcome.Final() {
		op.Ended = e.Time
	}
	return op
}

// complete takes over what a further record says of the operation, by the alert's next revision.
func (op *Operation) complete(f *Finding, revision int) (changed bool) {
	if detail := cut(f.Detail); detail != "" && detail != op.Detail && len(detail) >= len(op.Detail) {
		op.Detail, op.Detailed, changed = detail, revision, true
	}
	if rank(f.Rule.Severity) > rank(op.Severity) {
		op.Severity = f.Rule.Severity
	}
	return changed
}

// advance moves the operation to the state e reports, whatever order the records come in: a later stage wins, and
// between two final ones the later time. While a condition lasts, the last word about it wins; last is when that came. It
// reports whether readers see it.
func (op *Operation) advance(e *activity.Event, last activity.Time) bool {
	op.Started = earlier(op.Started, e.Time)
	have, got := stage(op.Outcome), stage(e.Outcome)
	if isCondition(e) && !op.Outcome.Final() && !e.Outcome.Final() {
		if e.Time.Before(last.Time) || e.Time.Equal(last.Time) && got <= have {
			return false
		}
	} else if got < have || got == have && (e.Outcome == op.Outcome || !e.Time.After(op.Ended.Time)) {
		return false
	}
	op.Outcome = e.Outcome
	if e.Outcome.Final() {
		op.Ended = e.Time
	}
	return true
}

// stage orders outcomes within an operation's or a condition's life.
func stage(o activity.Outcome) int {
	switch o {
	case "":
		return 0
	case activity.Started:
		return 1
	case activity.Accepted, activity.InProgress, activity.Active:
		return 2
	case activity.Updated:
		return 3
	}
	return 4
}

// merge fills have's blanks from e, a record of the same operation; advanced says that e carries the newer state.
func merge(have, e *activity.Event, advanced bool) {
	for _, pair := range [...]struct{ to, from *string }{
		{&have.Caller, &e.Caller},
		{&have.CallerName, &e.CallerName},
		{&have.CallerObjectID, &e.CallerObjectID},
		{&have.CallerAppID, &e.CallerAppID},
		{&have.CallerIP, &e.CallerIP},
		{&have.TenantID, &e.TenantID},
		{&have.SubscriptionID, &e.SubscriptionID},
		{&have.ResourceType, &e.ResourceType},
		{&have.Description, &e.Description},
		{&have.ResourceGroup, &e.ResourceGroup},
		{&have.ResourceName, &e.ResourceName},
		{&have.EventID, &e.EventID},
	} {
		if *pair.to == "" {
			*pair.to = *pair.from
		}
	}
	if have.CallerType == "" || have.CallerType == activity.UnknownCaller {
		have.CallerType = e.CallerType
	}
	if advanced {
		have.Outcome, have.SubStatus = e.Outcome, e.SubStatus
		have.Level = cmp.Or(e.Level, have.Level)
	}
	if advanced && isCondition(e) { // nothing of an earlier state may stand beside the later one
		have.Operation, have.OperationDisplay, have.Description = e.Operation, e.OperationDisplay, e.Description
		have.Properties = e.Properties.Within(keepProperties)
		return
	}
	if advanced {
		have.Properties = have.Properties.With(e.Properties).Within(keepProperties)
	} else {
		have.Properties = e.Properties.With(have.Properties).Within(keepProperties)
	}
}

func earlier(a, b activity.Time) activity.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a.Time) {
		return b
	}
	return a
}

func later(a, b activity.Time) activity.Time {
	if b.After(a.Time) {
		return b
	}
	return a
}
