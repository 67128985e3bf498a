package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/coverage"
	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/exception"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/reconcile"
	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/handler/source"
	"github.com/auditbell/auditbell/handler/store"
)

// parkedListed bounds what is read of what was set aside.
const parkedListed = 10_000

// Record is what the store knows of a period beside its events.
type Record struct {
	Store      *store.Store
	Exceptions *exception.Book
	Reconciler *reconcile.Reconciler
	Rules      []*rules.Rule
	Set        *rules.Set               // of the same rules
	Headline   func(alert.Alert) string // as the channels showed it
	Now        func() time.Time
}

// Evidence is what the store knows of a period beside its events.
func (r *Record) Evidence(ctx context.Context, w source.Window, zone *time.Location) (*digest.Evidence, error) {
	e := &digest.Evidence{Rules: r.rulesInForce(), Parked: map[string]int64{}, Names: digest.Names{}}
	alerts, err := r.Store.AlertsOpened(ctx, w.From, w.To)
	if err != nil {
		return nil, err
	}
	for i := range alerts {
		switch one := &alerts[i]; {
		case one.IsSummary() || one.Rule.ID == alert.CanaryRule: // tests are no alerts; see alive
		default:
			a := r.reportAlert(one)
			e.Alerts.Add(&a)
			e.Names.Add(one.Learned.Names)
		}
	}
	if e.Alive, err = r.Alive(ctx, w, zone); err != nil {
		return nil, err
	}
	if e.Exceptions, err = r.exceptionsUsed(ctx, w); err != nil {
		return nil, err
	}
	if e.Staged, err = r.stagedMatches(ctx, w); err != nil {
		return nil, err
	}
	parked, err := r.Store.ListParked(ctx, parkedListed)
	if err != nil {
		return nil, err
	}
	for _, p := range parked {
		if w.Holds(p.At) {
			e.Parked[p.Signal]++
		}
	}
	e.Ledger, err = r.Ledger(ctx, w)
	return e, err
}

// stagedMatches is what experimental rules would have alerted about. Their counts are kept by UTC day.
func (r *Record) stagedMatches(ctx context.Context, w source.Window) ([]digest.Count, error) {
	counts, err := r.Store.Staged(ctx, w.From)
	if err != nil {
		return nil, err
	}
	byRule := map[string]int64{}
	for _, c := range counts {
		if day, err := time.Parse(time.DateOnly, c.Day); err == nil && w.Holds(day) {
			byRule[c.Rule] += int64(c.Matches)
		}
	}
	var all []digest.Count
	for rule, n := range byRule {
		all = append(all, digest.Count{Name: rule, N: n})
	}
	return all, nil
}

// reportAlert is an alert as a report has it.
func (r *Record) reportAlert(one *alert.Alert) digest.Alert {
	a := digest.Alert{
		ID: one.ID, Rule: digest.Rule{ID: one.Rule.ID, Title: one.Rule.Title, Author: one.Rule.Author, Controls: one.Rule.Controls},
		Severity: one.Rule.Severity, Headline: r.Headline(*one), Happened: one.First.Time, Opened: one.Opened,
		Operation: one.Event.Operation, Caller: one.Event.Caller, Resource: one.Event.ResourceID, Outcome: digest.Word(one.Event.Outcome),
		EventID: one.Event.EventID, JudgedBy: BasisOf(one), Count: int64(one.Count), Records: int64(one.Records),
	}
	for _, name := range slices.Sorted(maps.Keys(one.Deliveries)) {
		d := one.Deliveries[name]
		a.Deliveries = append(a.Deliveries, digest.Delivery{
			Destination: name, State: stateOf(d), At: firstHad(d), Reason: waitingReason(d),
		})
	}
	for _, act := range one.Acts {
		a.Answers = append(a.Answers, digest.Answer{Action: string(act.Kind), By: act.By.String(), At: act.At})
	}
	return a
}

// BasisOf is what an alert was judged by, as its notes say: the last one counts, because an answer takes the place of a doubt.
func BasisOf(one *alert.Alert) (basis digest.Basis) {
	for _, note := range one.Notes {
		switch {
		case strings.HasPrefix(note, pipeline.LookedUp):
			basis = digest.ByLookup
		case strings.HasPrefix(note, pipeline.NotKnown):
			basis = digest.AtWorst
		}
	}
	return basis
}

// firstHad is when a destination first had the alert. An alert keeps only when it last had it, which is the same as long as
// it has had one revision.
func firstHad(d alert.Delivery) time.Time {
	if d.Revision == 1 {
		return d.At
	}
	return time.Time{}
}

// stateOf is how much is known about an alert at a destination. What earlier versions stored says only that something
// was answered, and one that a summary counts is in a message of its own: both are accepted, not confirmed.
func stateOf(d alert.Delivery) digest.State {
	switch {
	case d.Revision == 0 && d.Folded == "":
		return digest.Waiting
	case d.State == string(notify.Confirmed):
		return digest.Confirmed
	}
	return digest.Accepted
}

func waitingReason(d alert.Delivery) string {
	if stateOf(d) == digest.Waiting {
		return d.Reason
	}
	return ""
}

// exceptionsUsed are the exceptions that suppressed something in the period, or that ended in it.
func (r *Record) exceptionsUsed(ctx context.Context, w source.Window) ([]digest.ExceptionUse, error) {
	uses, err := r.Store.UsesBetween(ctx, w.From, w.To)
	if err != nil {
		return nil, err
	}
	all, err := r.Exceptions.All(ctx)
	if err != nil {
		return nil, err
	}
	var shown []digest.ExceptionUse
	for _, x := range all {
		n := int64(uses[x.ID])
		if n == 0 && !w.Holds(x.Expires) {
			continue
		}
		shown = append(shown, digest.ExceptionUse{
			ID: x.ID, Owner: x.Owner, Reason: x.Reason, Ticket: x.Ticket, Expires: x.Expires, Expired: !x.Active(w.To), Count: n, Rules: coveredRules(x, n),
		})
	}
	return shown, nil
}

// coveredRules says which rule an exception kept quiet, where it is one: of several they are not counted apart.
func coveredRules(x exception.Exception, n int64) []digest.Count {
	if len(x.Rules) != 1 || x.Rules[0] == exception.Every || n == 0 {
		return nil
	}
	return []digest.Count{{Name: x.Rules[0], N: n}}
}

// rulesInForce are the rules that alert.
func (r *Record) rulesInForce() []digest.Rule {
	var all []digest.Rule
	for _, one := range r.Rules {
		if one.Alerts() {
			all = append(all, RuleOf(r.Set, one))
		}
	}
	return all
}

// RuleOf is a rule as a report shows it. The categories are those of its own examples.
func RuleOf(set *rules.Set, r *rules.Rule) digest.Rule {
	one := digest.Rule{ID: r.ID, Title: r.Title, Author: r.Author, Severity: string(r.Level), Controls: r.Auditbell.Controls}
	for _, x := range r.Auditbell.Examples.Match {
		for _, step := range x.Steps {
			if c := step.Event.Category; c != "" && !slices.Contains(one.Categories, c) {
				one.Categories = append(one.Categories, c)
			}
		}
	}
	slices.Sort(one.Categories)
	one.Feeds = coverage.FedBy(coverage.Feeds, ExamplesOf(set, r))
	return one
}

// ExamplesOf are a rule's own examples of what it matches, judged by the set that it is in.
func ExamplesOf(set *rules.Set, r *rules.Rule) []coverage.Example {
	var all []coverage.Example
	for _, x := range r.Auditbell.Examples.Match {
		one := coverage.Example{Heeded: func(e *activity.Event) bool { return set.Heeds(r, e) }}
		for _, s := range x.Steps {
			one.Events = append(one.Events, s.Event)
		}
		all = append(all, one)
	}
	return all
}

// RuleSet is the hash of the rules in force, as far as a rule differs from another without its file: its id, its
// level, its condition, what it groups by, its controls, and when it was last changed.
func RuleSet(rules []*rules.Rule) string {
	type identity struct {
		ID, UUID, Level, Status, Condition, Modified string
		GroupBy, Controls                            []string
	}
	var all []identity
	for _, one := range rules {
		if one.Alerts() {
			all = append(all, identity{one.ID, one.UUID, string(one.Level), one.Status, one.Condition, one.Modified, one.Auditbell.GroupBy, one.Auditbell.Controls})
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		return "" // texts always marshal
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
