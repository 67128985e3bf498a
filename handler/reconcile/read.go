package reconcile

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
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

// Read reads what is compared with what Azure lists, which is asked over web. Without scopes nothing is.
func Read(s *settings.Set, web http.RoundTripper) *Reconciler {
	r := &Reconciler{Budget: budget, Pages: pages}
	r.Scopes = readScopes(s)
	feeds := settings.Def{Name: "RECONCILE_FEEDS", Default: "eventgrid", Doc: "Feeds that are connected: eventgrid, eventhub, eventhub-group (management groups' diagnostic settings), comma-separated; what they should have brought and did not is missed."}
	for _, name := range words(s.Text(feeds)) {
		if !slices.Contains(Feeds, Feed(name)) {
			s.Report(settings.Problem{Name: feeds.Name, Reason: fmt.Sprintf("%q is no feed", name), Hint: "eventgrid, eventhub or eventhub-group"})
		}
		r.Feeds = append(r.Feeds, Feed(name))
	}
	r.Ignore = words(s.Text(settings.Def{
		Name: "RECONCILE_IGNORE",
		Doc:  "Operations that the event subscription filters out, comma-separated: they are counted and, unless an export brings them, not fetched.",
	}))
	r.Lookback = s.Duration(settings.Def{
		Name: "RECONCILE_LOOKBACK", Default: "24h",
		Doc: "How far back the first run looks, 2136h (89 days) at most; a larger value later has the past done when there is time.",
	})
	r.Old = s.Duration(settings.Def{
		Name: "RECONCILE_SUMMARY_AGE", Default: "6h",
		Doc: "Age from which on what is found missing is sent in one summary rather than one by one, unless it is high or critical.",
	})
	r.Log.REST = azure.ResourceManager(s, web, len(r.Scopes) > 0)
	return r
}

// readScopes reads what is watched. RECONCILE_SUBSCRIPTIONS is what deployments of the first version set; it names
// subscriptions only and adds to SCOPES.
func readScopes(s *settings.Set) []activity.Scope {
	var all []activity.Scope
	for _, d := range []settings.Def{
		{
			Name: "SCOPES", Doc: "What is watched: ids of subscriptions, managementGroups/NAME and tenant, comma-separated. Their own Activity Logs are compared with what arrived; those of tenant and groups are polled too.",
			Hint: "such as tenant,managementGroups/contoso,ID; the identity needs Microsoft.Insights/eventtypes/values/read at each",
		},
		{Name: "RECONCILE_SUBSCRIPTIONS", Doc: "Ids of further subscriptions, comma-separated: the former name of SCOPES.", Hint: "use SCOPES"},
	} {
		for _, text := range words(s.Text(d)) {
			scope, err := activity.ParseScope(text)
			if err != nil {
				s.Report(settings.Problem{Name: d.Name, Reason: err.Error()})
			} else if !slices.Contains(all, scope) {
				all = append(all, scope)
			}
		}
	}
	return all
}

// words are the parts of a list, in lower case.
func words(list string) []string {
	return strings.FieldsFunc(strings.ToLower(list), func(c rune) bool { return c == ',' || c == ' ' })
}
