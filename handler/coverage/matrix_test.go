package coverage_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/coverage"
	"github.com/auditbell/auditbell/handler/rules"
)

// wires are the feeds as Microsoft's pages describe them, written down apart from coverage's table: what each lets through.
var wires = map[coverage.Feed]func(*activity.Event) bool{
	coverage.EventGrid: func(e *activity.Event) bool {
		return below(e) && eventGridTypes[eventGridType(e)] && e.ResourceID != "" && e.Category == "Administrative"
	},
	coverage.EventHub: below,
	coverage.GroupHub: func(e *activity.Event) bool {
		return above(e) && !tenantwide(e) && (e.Category == "Administrative" || e.Category == "Policy")
	},
	coverage.Poll:     above,
	coverage.Listed:   below,
	coverage.Notified: func(*activity.Event) bool { return false }, // its events are of other types: no record comes of any
}

// eventGridTypes are the nine of "Azure subscription as an Event Grid source".
var eventGridTypes = map[string]bool{
	"ResourceWriteSuccess": true, "ResourceWriteFailure": true, "ResourceWriteCancel": true,
	"ResourceDeleteSuccess": true, "ResourceDeleteFailure": true, "ResourceDeleteCancel": true,
	"ResourceActionSuccess": true, "ResourceActionFailure": true, "ResourceActionCancel": true,
}

func eventGridType(e *activity.Event) string {
	parts := strings.Split(e.Operation, "/")
	verb := parts[len(parts)-1]
	if len(parts) < 2 || verb == "" {
		return ""
	}
	ends := map[activity.Outcome]string{activity.Succeeded: "Success", activity.Failed: "Failure", activity.Canceled: "Cancel"}
	return "Resource" + strings.ToUpper(verb[:1]) + verb[1:] + ends[e.Outcome]
}

// below, above and tenantwide say in whose log a record stands.
func below(e *activity.Event) bool {
	return !above(e)
}

func above(e *activity.Event) bool {
	return strings.HasPrefix(strings.ToLower(e.ResourceID), "/providers/microsoft.management/managementgroups/") || tenantwide(e)
}

func tenantwide(e *activity.Event) bool {
	return e.SubscriptionID == "" && !strings.Contains(strings.ToLower(e.ResourceID), "/managementgroups/")
}

// TestWhatCannotAlertDoesNot sends each library rule's examples through every combination of feeds: what coverage says
// cannot alert is exactly what does not.
func TestWhatCannotAlertDoesNot(t *testing.T) {
	t.Parallel()
	library, err := rules.Library()
	if err != nil {
		t.Fatal(err)
	}
	feeds := coverage.Feeds
	differences, dark := 0, 0
	for _, r := range library {
		needed := []*rules.Rule{r}
		if r.Correlation != nil {
			needed = library // it counts what others match
		}
		set, err := rules.Compile(needed)
		if err != nil {
			t.Fatal(err)
		}
		examples := examplesOf(set, r)
		for mask := range 1 << len(feeds) {
			var connected []coverage.Feed
			for i, f := range feeds {
				if mask>>i&1 == 1 {
					connected = append(connected, f)
				}
			}
			said, does := coverage.CanAlert(connected, examples), slices.ContainsFunc(r.Auditbell.Examples.Match, func(x rules.Example) bool { return alerts(t, set, r, x, connected) })
			if !does {
				dark++
			}
			if said != does {
				differences++
				t.Errorf("%s with %v: coverage says %v, the examples through these feeds say %v", r.ID, connected, said, does)
			}
		}
	}
	if dark == 0 || differences > 0 {
		t.Errorf("%d rules × combinations, %d without an alert, %d differences", len(library)<<len(feeds), dark, differences)
	}
}

// examplesOf are a rule's examples as coverage takes them.
func examplesOf(set *rules.Set, r *rules.Rule) []coverage.Example {
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

// alerts sends an example through the connected feeds and reports whether the rule matches what comes out.
func alerts(t *testing.T, set *rules.Set, r *rules.Rule, x rules.Example, connected []coverage.Feed) bool {
	t.Helper()
	windows := map[string]*rules.Window{}
	window := func(group string, add func(*rules.Window)) error {
		if windows[group] == nil {
			windows[group] = &rules.Window{}
		}
		add(windows[group])
		return nil
	}
	met, n := false, 0
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for _, s := range x.Steps {
		for range s.Times {
			e := s.Event
			at = at.Add(s.Every)
			n++
			e.Time, e.ID, e.CorrelationID = activity.At(at), e.ID+"-"+time.Duration(n).String(), e.CorrelationID+time.Duration(n).String()
			for _, f := range connected {
				if !wires[f](&e) {
					continue
				}
				e := e
				if f == coverage.EventGrid {
					e = gridOnly(e)
				}
				counted, err := set.Count(&e, at, window)
				if err != nil {
					t.Fatal(err)
				}
				met = met || slices.Contains(set.Possible(nil, &e), r) || slices.Contains(counted, r)
			}
		}
	}
	return met
}

// gridOnly is what Event Grid's data has of a record: neither properties nor level, sub status and description, but what
// Azure Resource Manager puts beside the properties. What the request said is asked of Azure, or taken for the gravest that
// it could be: rules.Possible.
func gridOnly(e activity.Event) activity.Event {
	e.Properties = e.Properties.Only("authorization", "claims", "httpRequest")
	e.Level, e.SubStatus, e.Description = "", "", ""
	return e
}

// TestFeedsCarryWhatThePagesSay holds the table to the wires for every kind of scope, category, operation and outcome.
func TestFeedsCarryWhatThePagesSay(t *testing.T) {
	t.Parallel()
	const subscription = "11111111-1111-4111-8111-111111111111"
	for _, e := range []activity.Event{
		{SubscriptionID: subscription, ResourceID: "/subscriptions/" + subscription + "/resourcegroups/rg/providers/microsoft.network/networksecuritygroups/nsg"},
		{SubscriptionID: subscription},
		{ResourceID: "/providers/microsoft.authorization"},
		{ResourceID: "/providers/Microsoft.Management/managementGroups/contoso/providers/Microsoft.Authorization/policyAssignments/x"},
	} {
		for _, e.Category = range append(slices.Clone(activity.Categories), "Unheard") {
			for _, e.Operation = range []string{"microsoft.x/y/write", "microsoft.x/y/delete", "microsoft.x/y/z/action", "microsoft.x/y/read", "add member to role completed", ""} {
				for _, e.Outcome = range []activity.Outcome{activity.Started, activity.Accepted, activity.Succeeded, activity.Failed, activity.Canceled, activity.Active, ""} {
					for feed, passes := range wires {
						known := slices.Contains(activity.Categories, e.Category)
						if got, want := feed.Carries(&e), passes(&e) && known; got != want {
							t.Errorf("%s carries %+v: %v, want %v", feed, e, got, want)
						}
					}
				}
			}
		}
	}
}
