// Package coverage says which feed carries which records: the kinds of scope, the categories, the operations and the
// phases, each with the source of the fact. What a rule needs and what the connected feeds carry decide together whether
// the rule can produce an alert. It is not for what did arrive: the store and package reconcile know that.
package coverage

import (
	"slices"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
)

// Feed is a way on which Azure hands records over.
type Feed string

// The feeds, by the names that settings use.
const (
	EventGrid Feed = "eventgrid"      // Event Grid system topic of a subscription, in either schema
	EventHub  Feed = "eventhub"       // diagnostic setting of a subscription
	GroupHub  Feed = "eventhub-group" // diagnostic setting of a management group
	Poll      Feed = "poll"           // the tenant's and the management groups' own Activity Logs, listed by REST
	Listed    Feed = "activity-log"   // a subscription's Activity Log, listed by REST: what reconciliation compares with
	// Notified are Azure Resource Notifications: what a resource is and how its health is, for lookups. It carries no record.
	Notified Feed = "resource-notifications"
)

// Feeds lists them all.
var Feeds = []Feed{EventGrid, EventHub, GroupHub, Poll, Listed, Notified}

// Row is what one feed carries.
type Row struct {
	Feed       Feed
	Scopes     []activity.ScopeKind
	Categories []activity.Category // none: the feed carries no records
	// Verbs are the last parts of operations that the feed carries; nil: all.
	Verbs []string
	// EndsOnly: only records that say how an operation ended, and only with the resource that it was about. They have neither
	// properties, but what Azure Resource Manager puts beside these, nor level, sub status and description.
	EndsOnly bool
	Source   string // where the fact stands
}

// Table is what each feed carries.
var Table = []Row{
	{
		EventGrid,
		[]activity.ScopeKind{activity.SubscriptionKind},
		[]activity.Category{activity.Administrative},
		[]string{"write", "delete", "action"},
		true,
		`learn "Azure subscription as an Event Grid source": Microsoft.Resources.Resource{Write,Delete,Action}{Success,Failure,Cancel}`,
	},
	{
		EventHub,
		[]activity.ScopeKind{activity.SubscriptionKind},
		activity.Categories, nil, false,
		`learn "Azure Monitor activity log", section Export: the eight categories of a subscription's diagnostic setting`,
	},
	{
		GroupHub,
		[]activity.ScopeKind{activity.GroupKind},
		[]activity.Category{activity.Administrative, activity.Policy},
		nil, false,
		`REST "Management Group Diagnostic Settings - Create Or Update": categories Administrative and Policy`,
	},
	{
		Poll,
		[]activity.ScopeKind{activity.TenantKind, activity.GroupKind},
		activity.Categories, nil, false,
		`REST "Tenant Activity Logs - List"; the management group's list is known from practice, not from a page`,
	},
	{
		Listed,
		[]activity.ScopeKind{activity.SubscriptionKind},
		activity.Categories, nil, false,
		`REST "Activity Logs - List"`,
	},
	{
		Notified,
		[]activity.ScopeKind{activity.SubscriptionKind},
		nil, nil, false,
		`learn "Azure Resource Notifications - Resource Management events in Azure Event Grid" and "- Health Resources events": what a resource is, not who did what`,
	},
}

// Carries reports whether the feed brings such a record, whichever place it belongs to among those that the feed is
// connected to.
func (f Feed) Carries(e *activity.Event) bool {
	return slices.ContainsFunc(Table, func(r Row) bool { return r.Feed == f && r.carries(e) })
}

func (r *Row) carries(e *activity.Event) bool {
	if !slices.Contains(r.Scopes, activity.ScopeOf(e).Kind()) || len(r.Categories) == 0 || e.Category != "" && !slices.Contains(r.Categories, e.Category) {
		return false
	}
	if r.EndsOnly && (e.ResourceID == "" || !slices.Contains([]activity.Outcome{activity.Succeeded, activity.Failed, activity.Canceled}, e.Outcome)) {
		return false
	}
	verb := e.Operation[strings.LastIndexByte(e.Operation, '/')+1:]
	return r.Verbs == nil || strings.Contains(e.Operation, "/") && slices.Contains(r.Verbs, strings.ToLower(verb))
}

// Reaches reports whether the feed brings records of a category of scopes of a kind.
func (f Feed) Reaches(kind activity.ScopeKind, category activity.Category) bool {
	return slices.ContainsFunc(Table, func(r Row) bool {
		return r.Feed == f && slices.Contains(r.Scopes, kind) && slices.Contains(r.Categories, category)
	})
}

// Example is what a rule says that it must match: one event, or several for a correlation.
type Example struct {
	Events []activity.Event
	// Heeded reports whether the rule still takes such an event into account: a feed may bring less of it.
	Heeded func(e *activity.Event) bool
}

// FedBy lists those of the connected feeds that alone carry a whole example.
func FedBy(connected []Feed, examples []Example) []Feed {
	var all []Feed
	for _, f := range connected {
		if CanAlert([]Feed{f}, examples) {
			all = append(all, f)
		}
	}
	return all
}

// CanAlert reports whether the connected feeds together carry every event of some example, so that the rule can produce
// an alert. A rule without examples cannot be judged: false.
func CanAlert(connected []Feed, examples []Example) bool {
	return slices.ContainsFunc(examples, func(x Example) bool {
		for i := range x.Events {
			if !slices.ContainsFunc(connected, func(f Feed) bool { return f.brings(&x, &x.Events[i]) }) {
				return false
			}
		}
		return len(x.Events) > 0
	})
}

// brings reports whether the feed carries the event, with enough of it for the rule.
func (f Feed) brings(x *Example, e *activity.Event) bool {
	return slices.ContainsFunc(Table, func(r Row) bool {
		if r.Feed != f || !r.carries(e) {
			return false
		}
		brought := *e
		if r.EndsOnly {
			brought.Properties = e.Properties.Only("authorization", "claims", "httpRequest")
			brought.Level, brought.SubStatus, brought.Description = "", "", ""
		}
		return x.Heeded(&brought)
	})
}
