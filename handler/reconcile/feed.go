package reconcile

import (
	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/coverage"
)

// Feed is a way on which Azure hands records over as they happen. It is told from the form of what arrived, because one
// function may take what several feeds bring.
type Feed string

// The feeds that bring records of their own accord. Action groups bring alerts about records, not the records: what only
// an alert told of has not met our rules, and counts as missing.
const (
	EventGrid Feed = "eventgrid" // the subscription's system topic, in either schema
	EventHub  Feed = "eventhub"  // the diagnostic setting's export
	// Other is what somebody handed in, as a replay does. Nothing is expected of it.
	Other Feed = "other"
)

// Feeds lists those that may be expected to bring something.
var Feeds = []Feed{EventGrid, EventHub}

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
