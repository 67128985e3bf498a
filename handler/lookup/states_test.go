package lookup_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/lookup"
	"github.com/auditbell/auditbell/handler/store"
)

const account = "/subscriptions/" + subscription + "/resourceGroups/rg-net/providers/Microsoft.Storage/storageAccounts/tidelog"

// notifiedSet asks a real store and the stand-in of Azure about changes and health.
func notifiedSet(t *testing.T) (*bench, *store.Store) {
	t.Helper()
	b, past, _ := remembering(t)
	asked := open(t, func(o *lookup.Options) { o.Names, o.Past, o.Now = []string{"changes", "health"}, past, b.now })
	b.set, b.azure = asked.set, asked.azure
	return b, past
}

// became is a state of the account after began.
func became(after time.Duration, kind activity.StateKind, body string) activity.State {
	return activity.State{Kind: kind, ResourceID: strings.ToLower(account), Time: began.Add(after), Resource: activity.Properties(body)}
}

// accountWrite is an act on the account that ended at began.
func accountWrite() activity.Event {
	return activity.Event{
		ID: "w", Time: activity.At(began), Category: activity.Administrative, Operation: "microsoft.storage/storageaccounts/write", Outcome: activity.Succeeded,
		SubscriptionID: subscription, CorrelationID: "90000000-0000-4000-8000-000000000001", ResourceID: strings.ToLower(account),
	}
}

const (
	closed = `{"location":"westeurope","tags":{"team":"quay"},"properties":{"allowBlobPublicAccess":0,"networkAcls":{"defaultAction":"Deny","ipRules":[{"value":"203.0.113.7"}]},"provisioningState":"Succeeded"}}`
	open2  = `{"location":"westeurope","tags":{"team":"quay"},"properties":{"allowBlobPublicAccess":true,"networkAcls":{"defaultAction":"Allow","ipRules":[]},"provisioningState":"Updating"}}`
)

// TestChangesByNotification says what an act changed by the states from before and after it, in whatever order they came,
// and asks Resource Graph only where they do not say it.
func TestChangesByNotification(t *testing.T) {
	t.Parallel()
	const opens = "Changed: allowBlobPublicAccess: 0 → true; networkAcls.defaultAction: Deny → Allow; networkAcls.ipRules[0].value removed, was 203.0.113.7"
	for name, c := range map[string]struct {
		states []activity.State
		asked  time.Duration // after the act's end
		want   []string
		later  bool // asked again
		graph  bool // Resource Graph was asked
	}{
		"nothing is known":                       {graph: true, later: true},
		"before and after":                       {states: []activity.State{became(-time.Hour, "CreatedOrUpdated", closed), became(0, "CreatedOrUpdated", open2)}, want: []string{opens, "Changed between: 2026-11-22 11:00:00 UTC and 2026-11-22 12:00:00 UTC"}},
		"two came after it":                      {states: []activity.State{became(-time.Hour, "CreatedOrUpdated", closed), became(time.Second, "CreatedOrUpdated", open2), became(time.Minute, "CreatedOrUpdated", closed)}, want: []string{opens, "Changed between: 2026-11-22 11:00:00 UTC and 2026-11-22 12:00:01 UTC"}},
		"it is not there yet":                    {states: []activity.State{became(-time.Hour, "CreatedOrUpdated", closed)}, later: true},
		"it never came":                          {states: []activity.State{became(-time.Hour, "CreatedOrUpdated", closed)}, asked: 4 * time.Minute, later: true, graph: true},
		"one from while it ran is neither":       {states: []activity.State{became(-time.Second, "CreatedOrUpdated", closed), became(time.Second, "CreatedOrUpdated", open2)}, later: true, graph: true},
		"one from while it ran, between the two": {states: []activity.State{became(-time.Hour, "CreatedOrUpdated", closed), became(-time.Second, "CreatedOrUpdated", open2), became(time.Second, "CreatedOrUpdated", open2)}, want: []string{opens, "Changed between: 2026-11-22 11:00:00 UTC and 2026-11-22 12:00:01 UTC"}},
		"deleted meanwhile":                      {states: []activity.State{became(-time.Hour, "CreatedOrUpdated", closed), became(time.Minute, "Deleted", "")}, want: []string{"Now: deleted, at 2026-11-22 12:01:00 UTC"}, later: true, graph: true},
		"deleted before":                         {states: []activity.State{became(-time.Hour, "Deleted", ""), became(time.Second, "CreatedOrUpdated", open2)}, later: true, graph: true},
		"too large to be kept":                   {states: []activity.State{became(-time.Hour, "CreatedOrUpdated", closed), became(time.Second, "CreatedOrUpdated", "")}, later: true, graph: true},
		"a bookkeeping change":                   {states: []activity.State{became(-time.Hour, "CreatedOrUpdated", closed), became(time.Second, "CreatedOrUpdated", strings.Replace(closed, "Succeeded", "Updating", 1))}, later: true, graph: true},
		"a switch written in another way":        {states: []activity.State{became(-time.Hour, "CreatedOrUpdated", closed), became(time.Second, "CreatedOrUpdated", strings.Replace(closed, `Access":0`, `Access":false`, 1))}, later: true, graph: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			permuted := slices.Clone(c.states)
			slices.Reverse(permuted)
			for _, states := range [][]activity.State{c.states, permuted} {
				b, past := notifiedSet(t)
				b.clock.Store(int64(c.asked))
				for _, s := range states {
					if _, err := past.KeepState(t.Context(), s); err != nil {
						t.Fatal(err)
					}
				}
				found, later := b.look(t, accountWrite())
				if found.RU <= 0 || (later != nil) != c.later {
					t.Errorf("%.1f RU, later %v, want %v", found.RU, later, c.later)
				}
				if diff := cmp.Diff(c.want, factLines(found)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if asked := len(b.azure.Requests()) > 0; asked != c.graph {
					t.Errorf("Resource Graph was asked: %v, want %v", asked, c.graph)
				}
			}
		})
	}
}

func factLines(found alert.Learned) (lines []string) {
	for _, f := range found.Facts {
		lines = append(lines, f.Name+": "+f.Value)
	}
	return lines
}

// TestNotificationOfASecurityRule says a rule that is new as a rule, wherever it stands in the list, and hides secrets.
func TestNotificationOfASecurityRule(t *testing.T) {
	t.Parallel()
	b, past := notifiedSet(t)
	nsg := strings.ToLower("/subscriptions/" + subscription + "/resourceGroups/rg-net/providers/Microsoft.Network/networkSecurityGroups/nsg")
	rule := func(name, from string) string {
		return `{"name":"` + name + `","properties":{"direction":"Inbound","access":"Allow","sourceAddressPrefix":"` + from + `","destinationPortRange":"22"}}`
	}
	body := func(rules ...string) activity.Properties {
		return activity.Properties(`{"properties":{"apiKey":"` + fmt.Sprint("AbC123dEf456GhI789", len(rules)) + `","securityRules":[` + strings.Join(rules, ",") + `]}}`)
	}
	for _, s := range []activity.State{
		{Kind: activity.CreatedOrUpdated, ResourceID: nsg, Time: began.Add(-time.Hour), Resource: body(rule("office", "198.51.100.0/24"))},
		{Kind: activity.CreatedOrUpdated, ResourceID: nsg, Time: began.Add(time.Second), Resource: body(rule("allow-ssh", "0.0.0.0/0"), rule("office", "198.51.100.0/24"))},
	} {
		if _, err := past.KeepState(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	e := opened
	e.Time = activity.At(began)
	found, _ := b.look(t, e)
	want := "Changed: apiKey: (hidden) → (hidden); inbound rule allow-ssh added: 0.0.0.0/0 → 22, allow"
	if lines := factLines(found); len(lines) == 0 || lines[0] != want {
		t.Errorf("%q, want %q", lines, want)
	}
}

// TestHealthByNotification says when a machine became unavailable and why, beside the Activity Log's own event.
func TestHealthByNotification(t *testing.T) {
	t.Parallel()
	b, past := notifiedSet(t)
	vm := "/subscriptions/" + subscription + "/resourcegroups/rg-net/providers/microsoft.compute/virtualmachines/crane01"
	of := func(after time.Duration, kind activity.StateKind, h activity.Health) activity.State {
		return activity.State{Kind: kind, ResourceID: vm, Time: began.Add(after), Health: &h}
	}
	e := activity.Event{ID: "h", Time: activity.At(began), Category: activity.ResourceHealth, ResourceID: vm, SubscriptionID: subscription}
	for _, after := range []time.Duration{0, 4 * time.Minute} { // asked again while it may come, and then no more
		b.clock.Store(int64(after))
		if found, later := b.look(t, e); len(found.Facts) > 0 || (later == nil) != (after > 0) {
			t.Errorf("before anything was notified, after %s: %+v, later %v", after, found, later)
		}
	}
	for _, s := range []activity.State{
		of(-2*time.Hour, activity.AvailabilityChanged, activity.Health{Previous: "Unavailable", Current: "Available"}),
		of(-2*time.Minute, activity.AvailabilityChanged, activity.Health{Previous: "Available", Current: "Unavailable"}),
		of(-2*time.Minute-time.Second, activity.Annotated, activity.Health{Reason: "Rebooted by user", Context: "Customer Initiated"}),
		{Kind: activity.CreatedOrUpdated, ResourceID: vm, Time: began.Add(-time.Minute), Resource: activity.Properties(`{"location":"x"}`)},
	} {
		if _, err := past.KeepState(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	found, later := b.look(t, e)
	want := []string{"Health: Rebooted by user (Customer Initiated) at 2026-11-22 11:57:59 UTC; Available → Unavailable at 2026-11-22 11:58:00 UTC"}
	if diff := cmp.Diff(want, factLines(found)); diff != "" || later != nil {
		t.Errorf("later %v (-want +got):\n%s", later, diff)
	}
	if n := len(b.azure.Requests()); n > 0 {
		t.Errorf("%d requests to Azure", n)
	}
}
