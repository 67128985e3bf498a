package reconcile

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/azure"
	"github.com/auditbell/auditbell/handler/settings"
)

const (
	// budget leaves a minute of the function's four for what was begun: marking must not be cut short.
	budget = 3 * time.Minute
	// pages bounds what one run asks of Azure. Reads are counted by subscription and identity, and other tools
	// of the same identity must not be starved.
	pages = 2000
)

// FoundLate is how alerts say that reconciliation found them.
const FoundLate = "found by reconciliation"

// Unstored is the signal under which records are set aside that could not be recorded.
const Unstored = "unstored"

var subscriptionID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// Read reads what is compared with what Azure lists. Without subscriptions nothing is.
func Read(s *settings.Set) *Reconciler {
	r := &Reconciler{Budget: budget, Pages: pages}
	ids := settings.Def{
		Name: "RECONCILE_SUBSCRIPTIONS", Doc: "Ids of the subscriptions whose Activity Log is compared with what arrived, parted by commas; empty compares nothing.",
		Hint: "the ids, without /subscriptions/ before them; the identity needs Microsoft.Insights/eventtypes/values/read there",
	}
	for _, id := range words(s.Text(ids)) {
		if !subscriptionID.MatchString(id) {
			s.Report(settings.Problem{Name: ids.Name, Reason: fmt.Sprintf("%q is no subscription id", id), Hint: ids.Hint})
		}
		r.Subscriptions = append(r.Subscriptions, id)
	}
	feeds := settings.Def{Name: "RECONCILE_FEEDS", Default: "eventgrid", Doc: "Feeds that bring records of these subscriptions: eventgrid, eventhub, or both; what they should have brought and did not is missed."}
	for _, name := range words(s.Text(feeds)) {
		if !slices.Contains(Feeds, Feed(name)) {
			s.Report(settings.Problem{Name: feeds.Name, Reason: fmt.Sprintf("%q is no feed", name), Hint: "eventgrid, eventhub, or both"})
		}
		r.Feeds = append(r.Feeds, Feed(name))
	}
	r.Ignore = words(s.Text(settings.Def{
		Name: "RECONCILE_IGNORE",
		Doc:  "Operations that the event subscription filters out, parted by commas: they are counted and, unless an export brings them, not fetched.",
	}))
	r.Lookback = s.Duration(settings.Def{
		Name: "RECONCILE_LOOKBACK", Default: "24h",
		Doc: "How far back the first run looks, 2136h (89 days) at most; a larger value later has the past done when there is time.",
	})
	r.Old = s.Duration(settings.Def{
		Name: "RECONCILE_SUMMARY_AGE", Default: "6h",
		Doc: "Age from which on what is found missing is told in one summary rather than one by one.",
	})
	r.Log.REST = azure.ResourceManager(s, len(r.Subscriptions) > 0)
	return r
}

// words are the parts of a list, in lower case.
func words(list string) []string {
	return strings.FieldsFunc(strings.ToLower(list), func(c rune) bool { return c == ',' || c == ' ' })
}
