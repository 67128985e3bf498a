package reconcile

import (
	"slices"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/coverage"
)

// Feed is a way on which Azure hands records over as they happen. It is told from the form of what arrived, because one
// function may take what several feeds bring.
type Feed string

// The feeds that bring records of their own accord. Action groups bring alerts about records, not the records: what only
// an alert told of has not met our rules, and counts as missing.
const (
	EventGrid Feed = "eventgrid"      // the subscription's system topic, in either schema
	EventHub  Feed = "eventhub"       // the export by subscriptions' diagnostic settings
	GroupHub  Feed = "eventhub-group" // the export by management groups' diagnostic settings, to the same hub
	// Other is what somebody handed in, as a replay does. Nothing is expected of it.
	Other Feed = "other"
)

// Feeds lists those that may be expected to bring something.
var Feeds = []Feed{EventGrid, EventHub, GroupHub}

// feedOf is the feed that a form comes from; "" for alerts and for our own test.
func feedOf(form activity.Form) Feed {
	switch form {
	case activity.FormEventGrid, activity.FormCloudEvents:
		return EventGrid
	case activity.FormRecords:
		return EventHub
	case activity.FormREST, activity.FormLogAnalytics, activity.FormPowerShell, activity.FormPortalCSV:
		return Other
	}
	return ""
}

// carries reports whether the feed brings such a record, by package coverage's table.
func (f Feed) carries(e *activity.Event) bool { return coverage.Feed(f).Carries(e) }

// Connected are the ways on which records reach Auditbell with these settings: the feeds, the polled logs of tenant and
// management groups, and the lists of subscriptions that hours are compared with, from which missing records are recovered.
func (r *Reconciler) Connected() []coverage.Feed {
	var all []coverage.Feed
	for _, f := range r.Feeds {
		all = append(all, coverage.Feed(f))
	}
	for _, s := range r.Scopes {
		way := coverage.Poll
		if s.Kind() == activity.SubscriptionKind {
			way = coverage.Listed
		}
		if !slices.Contains(all, way) {
			all = append(all, way)
		}
	}
	return all
}
