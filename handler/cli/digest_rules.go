package cli

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/digest/publish"
	"github.com/auditbell/auditbell/handler/exception"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/handler/source"
)

// ruled evaluates the rules over the events that a digest counts, as replay does: rules and correlations by the events' own
// times, beside the bodies that other records of an act carry, exceptions, and alert.Decide over a state in memory. A report
// of a million events must fit into little memory, so it keeps of an event what deciding and a report need.
type ruled struct {
	x            *explainer
	window       source.Window
	now          time.Time // stands for the time of events that have none
	correlations []alert.Rule

	mu     sync.Mutex
	kept   keptEvents
	whole  map[int32]*activity.Event   // kept events that are judged again by more than keptEvents has
	bodies map[string][]activity.Event // by chain: records that say what their act asked for
	byBody bool                        // some group is by what stands in a request's body

	records bool // a rule or an exception reads records

	judged  []judgement
	numbers map[string]uint32 // of judgements
	linkage linkage
	counted []*rules.Rule // by number: those that correlations count
	key     []byte        // scratch

	naming   sync.Mutex
	rules    []*alert.Rule
	named    map[string]uint32      // numbers of rules, by what distinguishes them
	numbered map[*rules.Rule]uint32 // the same of ours
}

// judgement is what rules and exceptions say of an event; most events share theirs with many.
type judgement struct {
	met     []uint32 // numbers of rules, in the engine's order
	rest    []uint32 // without those that exceptions cover
	counted []*rules.Rule
	barred  []string // correlations that exceptions cover, by id
	reopen  bool     // the body of another record of the act may decide
	worst   bool     // nothing says what the act was about: it is judged as the gravest that it could be
	unknown uint32   // of judgements, plus one: what holds where no record says what the act was about; 0: this one
}

// notes are what an alert of such an event says beside the event.
func (j *judgement) notes() []string {
	if j.worst {
		return []string{pipeline.NotKnown}
	}
	return nil
}

func newRuled(ctx context.Context, choice ruleChoice, w source.Window, now time.Time, std Surroundings) (*ruled, error) {
	x, err := newExplainer(ctx, choice, std)
	if err != nil {
		return nil, err
	}
	r := &ruled{
		x: x, window: w, now: now, records: x.chosen.set.ReadsRecord() || exception.ReadsRecord(x.exceptions), whole: map[int32]*activity.Event{}, bodies: map[string][]activity.Event{},
		numbers: map[string]uint32{}, named: map[string]uint32{}, numbered: map[*rules.Rule]uint32{}, linkage: newLinkage(),
	}
	for _, rule := range x.chosen.all {
		r.kept.groups = append(r.kept.groups, rule.Auditbell.GroupBy...)
		f, alerts := x.pipeline.Find(activity.Event{}, rule)
		if !alerts {
			continue
		}
		if r.numbered[rule] = r.rule(&f.Rule); rule.Correlation != nil {
			r.correlations = append(r.correlations, f.Rule)
		}
	}
	r.byBody = slices.ContainsFunc(r.kept.groups, func(field string) bool { return strings.HasPrefix(strings.ToLower(field), "properties.requestbody") })
	slices.Sort(r.kept.groups)
	r.kept.groups = slices.Compact(r.kept.groups)
	return r, nil
}

// wants says by a glance whether an event matters: it may meet a rule, or its act would and it has the request's body.
func (r *ruled) wants(e *activity.Event, resource, line []byte) bool {
	if !r.window.Holds(e.Time.Time) {
		return false
	}
	if r.x.chosen.set.Concerns(e, resource) {
		return true
	}
	if e.Outcome.Final() {
		return false
	}
	e.Outcome = activity.Succeeded
	return r.x.chosen.set.Concerns(e, resource) && activity.MayName(line, "requestbody")
}

// read takes an event in, in any order; several workers may call it.
func (r *ruled) read(e *activity.Event) {
	if !r.window.Holds(e.Time.Time) {
		return
	}
	set := r.x.chosen.set
	r.keepBody(e)
	met, counted := r.met(e), set.Counted(nil, e)
	reopen := set.ReadsBodies(e) && !e.Properties.SaysWhat()
	if len(met) == 0 && len(counted) == 0 && !reopen {
		return
	}
	rest, barred := r.except(e, met, counted)
	var doubt, doubtRest []uint32
	if reopen {
		if doubt = r.atWorst(e, met); doubt != nil {
			doubtRest, _ = r.except(e, doubt, nil)
		}
	}
	essence, by := alert.Essence(e, r.kept.groups), links{}
	if len(met) > 0 {
		by = r.links(e, rest)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	one := judgement{met: met, rest: rest, counted: counted, barred: barred, reopen: reopen}
	if doubt != nil {
		one.unknown = r.number(judgement{met: doubt, rest: doubtRest, counted: counted, barred: barred, worst: true}) + 1
	}
	n := r.kept.add(e, essence, r.number(one), by)
	if reopen && (set.ReadsMore(e) || len(r.x.exceptions) > 0 || carriesBody(e)) || len(counted) > 0 && set.GroupsByMore(e) || r.byBody || !exactTime(e) {
		one := *e
		if one.Properties, one.Record = bytes.Clone(e.Properties), (activity.Record{}); r.records {
			one.Record = e.Record.Clone()
		}
		r.whole[n] = &one
	}
}

// met are the numbers of the rules that alert about an event.
func (r *ruled) met(e *activity.Event) (met []uint32) {
	if _, azure := activity.AzureAlert(*e); azure || e.Form == activity.FormCanary {
		return r.ruleNumbers(r.x.pipeline.Met(*e))
	}
	var matched [8]*rules.Rule
	for _, rule := range r.x.chosen.set.Match(matched[:0], e) {
		if rule.Alerts() {
			met = append(met, r.numbered[rule])
		}
	}
	return met
}

// atWorst are the numbers of the rules that an event is judged by where no record says what its act was about and Azure cannot be
// asked, as pipeline.Judge.Find has it; nil: those that it met.
func (r *ruled) atWorst(e *activity.Event, met []uint32) []uint32 {
	if !r.x.pipeline.Doubts(e) {
		return nil
	}
	worst, ok := r.x.pipeline.AtWorst(e, r.alertRules(met))
	if !ok {
		return nil
	}
	return append(slices.Clone(met), r.rule(&worst))
}

// carriesBody reports whether the event has a body, even one that does not say what the act was about.
func carriesBody(e *activity.Event) bool {
	return e.Properties.Value("requestbody") != nil || e.Properties.Value("responsebody") != nil
}

// exactTime reports whether keptEvents can hold the time.
func exactTime(e *activity.Event) bool {
	return e.Time.IsZero() || time.Unix(0, e.Time.UnixNano()).Equal(e.Time.Time)
}

// keepBody keeps a record that says what its act asked for, when a rule asks for that of the act's end.
func (r *ruled) keepBody(e *activity.Event) {
	if e.Outcome.Final() || len(e.Properties.Value("requestbody")) == 0 || len(e.Properties.Only("requestbody")) == 0 {
		return
	}
	done := *e
	done.Outcome = activity.Succeeded
	if len(r.x.chosen.set.Match(nil, &done)) == 0 {
		return
	}
	one := *e
	one.Properties, one.Record = e.Properties.Only("requestbody", "responsebody", "httpRequest", "trackingId"), activity.Record{}
	key := alert.ChainKey(one)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bodies[key] = append(r.bodies[key], one)
}

// except takes the rules that exceptions cover at the event's time: those that were met, and of the correlations those that the
// event may complete.
func (r *ruled) except(e *activity.Event, met []uint32, counted []*rules.Rule) (rest []uint32, barred []string) {
	if len(r.x.exceptions) == 0 {
		return met, nil
	}
	_, free := r.x.except(e, r.alertRules(met), e.Time.Time)
	rest = r.ruleNumbers(free)
	if len(counted) > 0 {
		_, free := r.x.except(e, r.correlations, e.Time.Time)
		for _, one := range r.correlations {
			if !slices.ContainsFunc(free, func(f alert.Rule) bool { return f.ID == one.ID }) {
				barred = append(barred, one.ID)
			}
		}
	}
	return rest, barred
}

// number is the number of a judgement.
func (r *ruled) number(one judgement) uint32 {
	key := append(r.key[:0], 0)
	if one.reopen {
		key[0] = 1
	}
	if one.worst {
		key[0] |= 2
	}
	key = binary.BigEndian.AppendUint32(key, one.unknown)
	word := func(n int) { key = binary.BigEndian.AppendUint32(key, uint32(n)) } //nolint:gosec // few
	for _, list := range [...][]uint32{one.met, one.rest} {
		word(len(list))
		for _, n := range list {
			word(int(n))
		}
	}
	for _, rule := range one.counted {
		n := slices.Index(r.counted, rule)
		if n < 0 {
			n, r.counted = len(r.counted), append(r.counted, rule)
		}
		word(n)
	}
	r.key = append(key, strings.Join(one.barred, " ")...)
	n, known := r.numbers[string(r.key)]
	if !known {
		n = uint32(len(r.judged)) //nolint:gosec // far fewer
		r.judged, r.numbers[string(r.key)] = append(r.judged, one), n
	}
	return n
}

// alertRule is the rule of a number.
func (r *ruled) alertRule(number uint32) alert.Rule {
	r.naming.Lock()
	defer r.naming.Unlock()
	return *r.rules[number]
}

// alertRules are the rules of these numbers.
func (r *ruled) alertRules(numbers []uint32) []alert.Rule {
	r.naming.Lock()
	defer r.naming.Unlock()
	all := make([]alert.Rule, len(numbers), len(numbers)+1)
	for i, n := range numbers {
		all[i] = *r.rules[n]
	}
	return all
}

// ruleNumbers are the numbers of rules.
func (r *ruled) ruleNumbers(all []alert.Rule) []uint32 {
	numbers := make([]uint32, len(all))
	for i := range all {
		numbers[i] = r.rule(&all[i])
	}
	return numbers
}

// rule is the number of a rule. Azure's own may share one id.
func (r *ruled) rule(rule *alert.Rule) uint32 {
	r.naming.Lock()
	defer r.naming.Unlock()
	name := rule.ID
	if rule.Azure {
		name = strings.Join([]string{rule.ID, rule.Title, rule.Severity, rule.Reason}, "\n")
	}
	n, known := r.named[name]
	if !known {
		one := *rule
		n = uint32(len(r.rules)) //nolint:gosec // far fewer
		r.rules, r.named[strings.Clone(name)] = append(r.rules, &one), n
	}
	return n
}

// ruleSet is the hash of the rules that are evaluated.
func (r *ruled) ruleSet() string { return publish.RuleSet(r.x.chosen.all) }
