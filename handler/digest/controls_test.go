package digest_test

import (
	"strings"
	"testing"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/coverage"
	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/source"
)

// TestQuietNeedsAFeed: a control whose rules met nothing is quiet only where a feed that carries their events brought
// entries in the period.
func TestQuietNeedsAFeed(t *testing.T) {
	t.Parallel()
	const (
		rest   = `{"eventDataId":"e1","eventTimestamp":"2026-10-05T00:00:00Z","operationName":{"value":"Microsoft.Compute/virtualMachines/write"},"status":{"value":"Succeeded"},"category":{"value":"Administrative"},"caller":"a@contoso.example","resourceId":"/subscriptions/s/x","correlationId":"c1","subscriptionId":"s"}` + "\n"
		record = `{"time":"2026-10-05T00:00:00Z","resourceId":"/SUBSCRIPTIONS/S/RESOURCEGROUPS/R/PROVIDERS/MICROSOFT.COMPUTE/VIRTUALMACHINES/V","operationName":"MICROSOFT.COMPUTE/VIRTUALMACHINES/WRITE","category":"Administrative","resultType":"Success","correlationId":"c1","level":"Information","tenantId":"t"}` + "\n"
		grid   = `{"id":"e1","topic":"/subscriptions/s","subject":"/subscriptions/s/resourceGroups/r/providers/Microsoft.Compute/virtualMachines/v","eventType":"Microsoft.Resources.ResourceWriteSuccess","eventTime":"2026-10-05T00:00:00Z","dataVersion":"2","metadataVersion":"1","data":{"correlationId":"c1","operationName":"Microsoft.Compute/virtualMachines/write","status":"Succeeded","subscriptionId":"s","tenantId":"t","resourceUri":"/subscriptions/s/x"}}` + "\n"
	)
	rules := map[string]digest.Rule{
		"admin":   {Categories: []activity.Category{activity.Administrative}, Feeds: []coverage.Feed{coverage.EventGrid, coverage.EventHub, coverage.Listed}},
		"policy":  {Categories: []activity.Category{activity.Policy}, Feeds: []coverage.Feed{coverage.EventHub, coverage.Listed}},
		"tenant":  {Categories: []activity.Category{activity.Administrative}, Feeds: []coverage.Feed{coverage.Poll}},
		"unfed":   {Categories: []activity.Category{activity.Administrative}},
		"unknown": {},
	}
	polled := &digest.Ledger{Expected: 1, Feeds: map[string]digest.Delay{"poll": {N: 1}, "eventgrid": {N: 0}}}
	for name, c := range map[string]struct {
		lines  string
		ledger *digest.Ledger
		quiet  string
	}{
		"nothing came":                 {quiet: ""},
		"Event Grid":                   {lines: grid, quiet: "admin"},
		"an export":                    {lines: record, quiet: "admin policy unknown"},
		"a list":                       {lines: rest, quiet: "admin policy unknown"},
		"the tenant's log alone":       {ledger: polled, quiet: "tenant"},
		"Event Grid, and the tenant's": {lines: grid, ledger: polled, quiet: "admin tenant"},
		"the comparison alone":         {ledger: &digest.Ledger{Expected: 1, Checked: 1}, quiet: "admin policy unknown"},
		"no hour was compared":         {ledger: &digest.Ledger{Expected: 1}, quiet: ""},
	} {
		evidence := &digest.Evidence{Ledger: c.ledger}
		for id, rule := range rules {
			rule.ID, rule.Controls = id, []string{id}
			evidence.Rules = append(evidence.Rules, rule)
		}
		r := digest.Build(tallied(t, october, source.Files{Inputs: inputs(file("x", c.lines))}), digest.Subject{Source: "files", Now: october.To, Evidence: evidence})
		var quiet []string
		for _, control := range r.Controls {
			switch control.Verdict {
			case digest.Quiet:
				quiet = append(quiet, control.ID)
			case digest.NotWatched:
				if !strings.Contains(control.Why, "rule "+control.ID) {
					t.Errorf("%s: %s is not watched, because %q", name, control.ID, control.Why)
				}
			default:
				t.Errorf("%s: %s is %s", name, control.ID, control.Verdict)
			}
		}
		if got := strings.Join(quiet, " "); got != c.quiet || len(r.Controls) != len(rules) {
			t.Errorf("%s: quiet are %q, want %q", name, got, c.quiet)
		}
	}
}
