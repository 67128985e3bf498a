package pipeline

import (
	"strings"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
)

// TestAListThatWasCutSaysWhereTheRestIs has lists of an event, of what was looked up, and of what an actor did.
func TestAListThatWasCutSaysWhereTheRestIs(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 9, 41, 2, 0, time.UTC)
	a := alert.Alert{ID: "alert-1", Event: activity.Event{
		ID: "e1", Category: activity.Policy, Operation: "microsoft.authorization/policies/audit/action", Outcome: activity.Succeeded, ResourceName: "sql-1", Time: activity.At(at), Caller: "ana@contoso.example",
		Properties: activity.Properties(`{"policies":[{"policyDefinitionName":"a"},{"policyDefinitionName":"b"},{"policyDefinitionName":"c"},{"policyDefinitionName":"d"}]}`),
	}}
	a.Learned.Facts = []alert.Fact{{Name: "Tags", Value: "a=1, b=2, and 3 more"}, {Name: "Last hour", Value: "vaults/delete, and 2 more"}}
	c := &Composer{Now: func() time.Time { return at }}
	got := map[string]string{}
	for _, f := range c.view(a).Facts {
		got[f.Name] = f.Value
	}
	for name, want := range map[string]string{
		"Policy":    "a, b, c and 1 more: handler query --alert alert-1",
		"Tags":      "a=1, b=2, and 3 more, in the portal",
		"Last hour": "vaults/delete, and 2 more: handler query --source store --caller ana@contoso.example --since 2026-11-22T08:41:02Z --until 2026-11-22T09:41:03Z",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	a.Event.Caller = "$(reboot)"
	for _, f := range c.view(a).Facts {
		if strings.Contains(f.Value, "--caller") {
			t.Errorf("a command holds a name that a shell would act on: %q", f.Value)
		}
	}
}
