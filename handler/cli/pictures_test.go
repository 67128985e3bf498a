package cli

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/notify/slack"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/rules/rulestest"
	"github.com/auditbell/auditbell/handler/settings"
)

var pictures = flag.String("pictures", "", "write the cases of docs/pictures to this file")

// picture is one case that people look at: an alert in one of the states that messages differ in.
type picture struct {
	Name    string  `json:"name"`
	Preview preview `json:"preview"`
	// Judge is what a reader needs to judge the alert, each as a text that must be seen without scrolling on a phone;
	// empty: what the event does not say.
	Judge judge `json:"judge"`
	// Sheet is the sheet of its own that the case is on, 320 px wide: "summaries" or "states"; empty: all others.
	Sheet string `json:"sheet,omitempty"`
}

type judge struct {
	Who    string `json:"who"`
	What   string `json:"what"`
	Where  string `json:"where"`
	Result string `json:"result"`
	Why    string `json:"why"`
	Do     string `json:"do"`
}

const (
	pictureTime = "2026-11-22T09:41:02Z"
	inGroup     = "/subscriptions/5f1c0a52-7c1e-4b7d-9a41-2d6a8c3e9b10/resourcegroups/rg-production/providers/"
)

// asked is an administrative event of a person's.
func asked(operation, resource string, o activity.Outcome, properties string) activity.Event {
	at, _ := activity.ParseTime(pictureTime)
	name := resource[strings.LastIndexByte(resource, '/')+1:]
	return activity.Event{
		ID: "e-" + name, Category: activity.Administrative, Operation: strings.ToLower(operation), OperationDisplay: operation, Outcome: o, Time: at,
		Level: activity.Informational, Caller: "mara.lindqvist@contoso.example", CallerName: "Mara Lindqvist", CallerType: activity.User, CallerIP: "203.0.113.24",
		CallerObjectID: "7b1f0f7e-4a57-4d0f-9d5b-0c2f6f7a9e11", TenantID: "0e7d3b1c-58a2-4f60-8f2b-6a4c1d9e7f35",
		SubscriptionID: "5f1c0a52-7c1e-4b7d-9a41-2d6a8c3e9b10", ResourceGroup: "rg-production", ResourceName: name,
		ResourceID: inGroup + strings.ToLower(resource), CorrelationID: "8f7b1c2e-35d0-4e4a-9f0e-2b8a6c1d7e90", Properties: activity.Properties(properties),
	}
}

// byAzure is an event of another category, which Azure itself wrote.
func byAzure(c activity.Category, operation, resource string, o activity.Outcome, properties string) activity.Event {
	e := asked(operation, resource, o, properties)
	e.Category, e.Caller, e.CallerName, e.CallerType, e.CallerIP, e.CallerObjectID = c, "", "", "", "", ""
	return e
}

const granted = `{"requestbody":{"properties":{"roleDefinitionId":"/x/8e3af657-a8ff-443c-a75c-2fe8c4bcb635","principalId":"e0b3c1d2-4f5a-46b7-88c9-d0e1f2a3b4c5","principalType":"ServicePrincipal","scope":"/subscriptions/s/resourceGroups/rg-production"}}}`

// pictured are the events of the cases, in the order of the sheet.
func pictured() []struct {
	name  string
	event activity.Event
	judge judge
} {
	robot := asked("Microsoft.Network/networkSecurityGroups/securityRules/write", "Microsoft.Network/networkSecurityGroups/nsg-web/securityRules/allow-ssh", activity.Succeeded, `{}`)
	robot.Caller, robot.CallerName, robot.CallerType = "9f6d2e4b-1a3c-45d7-8e90-b1c2d3e4f5a6", "deploy-prod", activity.ServicePrincipal
	unnamed := asked("Microsoft.KeyVault/vaults/delete", "Microsoft.KeyVault/vaults/kv-payments", activity.Succeeded, `{}`)
	unnamed.Caller, unnamed.CallerName, unnamed.CallerType, unnamed.CallerIP, unnamed.CallerObjectID = "", "", "", "", ""
	long := asked("Microsoft.Storage/storageAccounts/delete", "Microsoft.Storage/storageAccounts/"+strings.Repeat("ledger-", 712)+"archive", activity.Succeeded, `{}`)
	scripts := asked("Microsoft.Resources/subscriptions/resourceGroups/delete", "x/rg-支払い-🔥", activity.Succeeded, `{}`)
	scripts.ResourceGroup, scripts.ResourceName, scripts.CallerName = "rg-支払い-🔥", "rg-支払い-🔥", "דנה כהן / مريم \u202eegdelwonk"
	strange := byAzure("Sustainability", "Contoso.Energy/meters/report", "Contoso.Energy/meters/meter-1", "", `{"a":"b"}`)
	deny := asked("Microsoft.Authorization/policies/deny/action", "Microsoft.Sql/servers/sql-1", activity.Failed, `{"policies":[{"policyDefinitionName":"no-public-ip","policyAssignmentName":"no-public-ip","policyAssignmentScope":"/providers/Microsoft.Management/managementGroups/mg-corp"}]}`)
	deny.Category, deny.SubStatus = activity.Policy, "Forbidden"
	mara := "Mara Lindqvist"
	return []struct {
		name  string
		event activity.Event
		judge judge
	}{
		{
			"Succeeded", asked("Microsoft.Authorization/roleAssignments/write", "Microsoft.Authorization/roleAssignments/5b1d9f3a-0a2c-4e6d-8f10-22334455aabb", activity.Succeeded, granted),
			judge{mara, "Owner role granted", "rg-production", "Succeeded", "An owner can do everything", "Confirm with the caller"},
		},
		{"Failed", asked("Microsoft.Insights/diagnosticSettings/delete", "Microsoft.Insights/diagnosticSettings/export-all", activity.Failed, `{"statusMessage":{"error":{"code":"ScopeLocked","message":"The scope cannot perform delete operation because it is locked."}}}`), judge{}},
		{"Started only", asked("Microsoft.Compute/virtualMachines/delete", "Microsoft.Compute/virtualMachines/vm-build-07", activity.Started, `{}`), judge{}},
		{"By a service principal", robot, judge{"deploy-prod", "rule created or changed", "rg-production", "Succeeded", "reachable from", "Read direction"}},
		{"Caller not named", unnamed, judge{"Somebody the event does not name", "Key Vault deleted", "kv-payments", "Succeeded", "Everything that reads", "soft delete"}},
		{"A name of 5,000 characters", long, judge{}},
		{"Right to left, CJK, emoji", scripts, judge{"דנה", "Resource group deleted", "rg-支払い", "Succeeded", "gone with one call", "Ask the caller"}},
		{"Unknown category", strange, judge{}},
		{
			"Service Health", byAzure(activity.ServiceHealth, "Microsoft.ServiceHealth/incident/action", "x/5f1c0a52-7c1e-4b7d-9a41-2d6a8c3e9b10", activity.Active, `{"title":"Storage - West Europe","service":"Storage","region":"West Europe","incidentType":"Incident","stage":"Active","trackingId":"2K9T-PZ8","impactStartTime":"2026-11-22T08:55:00Z","communication":"We are aware of errors and delays for Storage in West Europe. Engineers are working on it.","impactedServices":[{"ServiceName":"Storage","ImpactedRegions":[{"RegionName":"West Europe"}]},{"ServiceName":"Azure Files","ImpactedRegions":[{"RegionName":"West Europe"}]}]}`),
			judge{"Azure", "Service incident", "West Europe", "Ongoing", "explains our own alarms", "Match it with own alarms"},
		},
		{
			"Resource Health", withType(byAzure(activity.ResourceHealth, "Microsoft.ResourceHealth/healthevent/Activated/action", "Microsoft.Compute/virtualMachines/vm-shop-01", activity.Active, `{"currentHealthStatus":"Unavailable","previousHealthStatus":"Available","cause":"PlatformInitiated","details":"Virtual machine has experienced an unexpected event"}`)),
			judge{"Azure's platform", "is unavailable", "vm-shop-01", "Ongoing", "does not work", "Check Service Health"},
		},
		{
			"Alert", byAzure(activity.AlertCategory, "Microsoft.Insights/AlertRules/Activated/Action", "Microsoft.Insights/alertRules/disk-read", activity.Active, `{"RuleName":"disk-read","MetricName":"Disk read","Operator":"LessThan","Threshold":"100000","MetricUnit":"Count"}`),
			judge{"alert rule", "disk-read fired", "rg-production", "Ongoing", "context for other alerts", "runbook of the alert rule"},
		},
		{
			"Autoscale", byAzure(activity.Autoscale, "Microsoft.Insights/AutoscaleSettings/Scaleup/Action", "Microsoft.Insights/autoscaleSettings/web", activity.Failed, `{"ResourceName":"/subscriptions/s/resourceGroups/rg-production/providers/Microsoft.Web/serverfarms/plan-web","OldInstancesCount":"2","NewInstancesCount":"5"}`),
			judge{"Autoscale", "could not scale out", "rg-production", "Failed", "", ""},
		},
		{"Recommendation", byAzure(activity.Recommendation, "Microsoft.Advisor/generateRecommendations/action", "Microsoft.Storage/storageAccounts/stshop", activity.Active, `{"recommendationCategory":"Security","recommendationImpact":"High","recommendationName":"Restrict network access"}`), judge{}},
		{
			"Security", byAzure(activity.Security, "Microsoft.Security/locations/alerts/activate/action", "Microsoft.Compute/virtualMachines/vm-shop-01", activity.Active, `{"eventName":"Suspicious double extension file executed","Severity":"High","ActionTaken":"Detected","compromisedEntity":"vm-shop-01","userName":"myUser","domainName":"hpc","commandLine":"c:\\mydirectory\\doubleextension.pdf.exe"}`),
			judge{"myUser", "Suspicious double extension", "vm-shop-01", "Ongoing", "under attack", "Open the alert in Defender"},
		},
		{"Policy", deny, judge{mara, "denied a change", "sql-1", "Failed", "probing", "Read which policy"}},
	}
}

func withType(e activity.Event) activity.Event {
	e.ResourceType = "microsoft.compute/virtualmachines"
	return e
}

// gallery renders all cases with the library's rules, buttons included.
func gallery(t *testing.T) []picture {
	t.Helper()
	_, set := rulestest.Library(t)
	now, err := time.Parse(time.RFC3339, pictureTime)
	if err != nil {
		t.Fatal(err)
	}
	p := pipeline.Offline(&pipeline.Judge{Rules: set}, &pipeline.Composer{Acting: pipeline.Acting{Interactive: true, Expect: true, ExpectedFor: 168 * time.Hour, Zone: time.UTC}}, func() time.Time { return now })
	p.Enrich.Portal = "https://portal.azure.com"
	var shown []picture
	for _, c := range pictured() {
		shown = append(shown, picture{Name: c.name, Preview: rendered(p.Message(opened(p, c.event, now))), Judge: c.judge})
	}
	grant := opened(p, pictured()[0].event, now)
	shown = append(shown, storm(p, now), edited(p, grant, now))
	return slices.Concat(shown, summaries(p, now), states(p, grant, now))
}

// summaries has one of each kind.
func summaries(p *pipeline.Pipeline, now time.Time) (all []picture) {
	for _, kind := range []struct {
		name, rule, of, late, headline string
	}{
		{"Hourly summary", alert.HeldRule, settings.HourlySummary, "", "214 alerts in the hourly summary"},
		{"Daily summary", alert.HeldRule, settings.DailySummary, "", "214 alerts in the daily summary"},
		{"Quiet time", alert.HeldRule, "the night", "", "214 alerts held back during the night"},
		{"Storm", alert.StormRule, "microsoft.storage", "", "Alert storm: 214 alerts"},
		{"What waited for a channel", alert.BacklogRule, "", "", "214 alerts waited for"},
		{"What comes late", alert.HeldRule, "", "found by reconciliation", "214 alerts of the past"},
	} {
		a := summed(alert.Rule{ID: kind.rule}, kind.of, now)
		if a.Late = kind.late; kind.rule == alert.BacklogRule {
			a.Event.Caller = "slack"
		}
		a.ID = "alert-k3q7mzr2ab5t" // the same in every picture
		all = append(all, picture{kind.name, rendered(p.Message(a)), judge{"mara.lindqvist", kind.headline, "handler query --alert alert-k3q7mzr2ab5t", "4 medium, 210 low", "Storage account deleted", ""}, "summaries"})
	}
	return all
}

// states has the headline of each state that a person can bring an alert into, and of one that was taken back.
func states(p *pipeline.Pipeline, a alert.Alert, now time.Time) (all []picture) {
	ana, bob := alert.Person{ID: "U1", Name: "ana"}, alert.Person{ID: "U2", Name: "bob"}
	for _, state := range []struct {
		name string
		acts []alert.Act
		want string
	}{
		{"Nothing done yet", nil, "Owner role granted"},
		{"Acknowledged", []alert.Act{{ID: "c1", Kind: alert.Acknowledged, By: ana, At: now}}, "🟢 Acknowledged by @ana, 22 Nov 09:41 UTC"},
		{"Snoozed", []alert.Act{{ID: "c1", Kind: alert.Snoozed, By: ana, At: now, Until: now.Add(8 * time.Hour)}}, "🔵 Snoozed by @ana until 22 Nov 17:41 UTC"},
		{"Marked as expected", []alert.Act{{ID: "c1", Kind: alert.Expected, By: ana, At: now, Until: now.Add(168 * time.Hour)}}, "⚪ Marked as expected by @ana until 29 Nov 09:41 UTC"},
		{"Taken back", []alert.Act{{ID: "c1", Kind: alert.Acknowledged, By: ana, At: now}, {ID: "c2", Kind: alert.Unacknowledged, By: bob, At: now.Add(time.Minute)}}, "Owner role granted"},
	} {
		one := a
		one.Acts = nil
		for _, act := range state.acts {
			one.Take(act, act.At)
		}
		all = append(all, picture{state.name, editedOnSlack(p.Message(one)), judge{What: state.want}, "states"})
	}
	return all
}

// opened is the alert of an event; one that no rule of ours matches alerts by one of Azure Monitor's.
func opened(p *pipeline.Pipeline, e activity.Event, now time.Time) alert.Alert {
	f, ok := p.Find(e)
	if !ok {
		f = alert.Finding{Event: e, Rule: alert.Rule{ID: "azure-monitor:platform-watch", Title: "platform-watch", Severity: "medium", Azure: true}}
	}
	return alert.New(f, now)
}

// summed is a summary of 214 alerts by one person, and a few by others. It follows one that had none of the latter.
func summed(rule alert.Rule, of string, now time.Time) alert.Alert {
	finding := func(n int, of, title, severity, actor, name string) alert.Finding {
		r := rule
		r.Severity = severity
		return alert.Finding{
			Event: activity.Event{ID: fmt.Sprint("of-slack-", rule.ID, n), Time: activity.At(now.Add(time.Duration(n) * 3 * time.Second)), Operation: of, Caller: actor, ResourceName: name},
			Rule:  r, To: []string{"slack"}, Of: alert.Summed{Rule: title, Title: title, Severity: severity, Actor: actor},
		}
	}
	const mara = "mara.lindqvist@contoso.example"
	before := alert.Summary([]alert.Finding{finding(0, of, "Storage account keys listed", "low", mara, "")}, nil, now.Add(-24*time.Hour))
	var all []alert.Finding
	for n := range 210 {
		all = append(all, finding(n, of, "Storage account keys listed", "low", mara, fmt.Sprintf("Storage account keys listed: stshop%03d", n)))
	}
	for n := range 4 {
		all = append(all, finding(210+n, of, "Storage account deleted", "medium", "deploy-pipeline", fmt.Sprintf("Storage account deleted: stledger%d", n)))
	}
	return alert.Summary(all, &before, now)
}

// storm is the summary that stands for alerts that a channel could not take.
func storm(p *pipeline.Pipeline, now time.Time) picture {
	a := summed(alert.Rule{ID: alert.StormRule, Title: "Alert storm"}, "microsoft.storage", now)
	return picture{Name: "Summary of a storm", Preview: rendered(p.Message(a)), Judge: judge{"mara.lindqvist", "Alert storm: 214 alerts", "microsoft.storage", "not shown one by one", "all are recorded", ""}}
}

// edited is a message after 37 more of the same and a click.
func edited(p *pipeline.Pipeline, a alert.Alert, now time.Time) picture {
	a.Count, a.Last = 37, activity.Time{Time: now.Add(12 * time.Minute)}
	a.Operations = nil
	for _, name := range []string{"rg-production", "rg-billing", "rg-web", "rg-data"} {
		a.Operations = append(a.Operations, &alert.Operation{Key: name, Name: name})
	}
	a.Take(alert.Act{ID: "c1", Kind: alert.Acknowledged, By: alert.Person{ID: "U1", Name: "jonas"}, At: now.Add(3 * time.Minute)}, now)
	m := p.Message(a)
	m.News = "×37 now, new: rg-data"
	return picture{Name: "Edited: more of the same, acknowledged", Preview: editedOnSlack(m), Judge: judge{"Mara Lindqvist", "Owner role granted", "rg-production", "37 times", "An owner can do everything", "Confirm with the caller"}}
}

// editedOnSlack is a message that people did something about: the channels that edit say so in the headline.
func editedOnSlack(m notify.Message) preview {
	edited := slack.Render(m)
	m.Standing = notify.Standing{}
	out := rendered(m)
	out.Slack = edited
	return out
}

// TestGallery holds every case to what a reader needs, and writes the cases for scripts/pictures when asked to.
func TestGallery(t *testing.T) {
	t.Parallel()
	cases := gallery(t)
	categories := map[activity.Category]bool{}
	for _, c := range pictured() {
		categories[c.event.Category] = true
	}
	for _, c := range activity.Categories {
		if !categories[c] {
			t.Errorf("no picture shows the category %s", c)
		}
	}
	for _, c := range cases {
		for _, want := range []string{c.Judge.Who, c.Judge.What, c.Judge.Where, c.Judge.Result, c.Judge.Why, c.Judge.Do} {
			for channel, text := range map[string]string{"plain": c.Preview.Plain, "mail": c.Preview.Mail.Text, "slack": jsonText(t, c.Preview.Slack), "teams": jsonText(t, c.Preview.Teams)} {
				if c.Sheet == "states" && channel != "slack" {
					continue // it stands in the headline of what can be edited
				}
				if flat := strings.Join(strings.Fields(text), " "); !strings.Contains(flat, want) {
					t.Errorf("%s: a reader of %s does not see %q in:\n%s", c.Name, channel, want, text)
				}
			}
		}
	}
	if n := len(slices.DeleteFunc(slices.Clone(cases), func(c picture) bool { return c.Judge == judge{} })); n < 10 {
		t.Errorf("%d cases say what a reader needs, want at least 10", n)
	}
	if *pictures == "" {
		return
	}
	encoded, err := json.Marshal(cases)
	if err == nil {
		err = os.WriteFile(*pictures, encoded, 0o600)
	}
	if err != nil {
		t.Error(err)
	}
}

// jsonText is a payload with its escapes undone, to look for texts in it.
func jsonText(t *testing.T, payload any) string {
	t.Helper()
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(payload); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
