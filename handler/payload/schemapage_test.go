package payload_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/payload"
)

// These tests follow Microsoft's page "Azure Activity Log event schema" section by section; each row of its tables that
// says something about reading has a case.

// one decodes a payload that must be one event.
func one(t *testing.T, text string) activity.Event {
	t.Helper()
	readings := payload.Decode([]byte(text))
	if len(readings) != 1 || readings[0].Kind != payload.Activity {
		t.Fatalf("Decode(%.200s) = %v, want one event", text, summary(readings))
	}
	return readings[0].Event
}

func page(t *testing.T, name string) activity.Event {
	t.Helper()
	data, err := os.ReadFile("testdata/rest/page_" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return one(t, string(data))
}

// Section "Severity Level": four levels; exports write Information for the last.
func TestPageSeverityLevels(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]activity.Level{
		`"Critical"`: activity.Critical, `"Error"`: activity.Error, `"Warning"`: activity.Warning,
		`"Informational"`: activity.Informational, `"Information"`: activity.Informational, `"CRITICAL"`: activity.Critical,
		`"Verbose"`: "", `4`: "", `null`: "", `{"value":"Error"}`: activity.Error,
	} {
		rest := one(t, `{"eventTimestamp":"2026-03-04T10:15:30Z","operationName":"a/b","level":`+written+`}`)
		record := one(t, `{"time":"2026-03-04T10:15:30Z","operationName":"a/b","resultType":"Start","level":`+written+`}`)
		if rest.Level != want || record.Level != want {
			t.Errorf("level %s reads %q in REST and %q in a record, want %q", written, rest.Level, record.Level, want)
		}
	}
}

// Section "Categories": the eight, as REST, export and webhook spell them.
func TestPageCategories(t *testing.T) {
	t.Parallel()
	for _, want := range activity.Categories {
		spaced := string(want)
		if parts := strings.Split(spaced, "Health"); len(parts) == 2 {
			spaced = parts[0] + " Health"
		}
		for form, text := range map[string]string{
			"rest":    `{"eventTimestamp":"2026-03-04T10:15:30Z","operationName":"a/b","category":{"value":"%s","localizedValue":"x"}}`,
			"spaced":  `{"eventTimestamp":"2026-03-04T10:15:30Z","operationName":"a/b","category":"` + spaced + `","x":"%s"}`,
			"record":  `{"time":"2026-03-04T10:15:30Z","operationName":"a/b","category":"%s"}`,
			"older":   `{"time":"2026-03-04T10:15:30Z","operationName":"a/b","category":"Action","properties":{"eventCategory":"%s"}}`,
			"webhook": `{"data":{"context":{"activityLog":{"operationName":"a/b","eventSource":"%s"}}}}`,
			"alert":   `{"data":{"essentials":{"monitoringService":"Activity Log - %s"},"alertContext":{"operationName":"a/b"}}}`,
		} {
			if got := one(t, fmt.Sprintf(text, want)).Category; got != want {
				t.Errorf("%s: category = %q, want %q", form, got, want)
			}
		}
	}
}

// Rows "status" and "subStatus" of the Administrative category: the common values, and the HTTP status behind them.
func TestPageStatusAndSubStatus(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]activity.Outcome{
		"Started": activity.Started, "In Progress": activity.InProgress, "Succeeded": activity.Succeeded, "Failed": activity.Failed,
		"Active": activity.Active, "Resolved": activity.Resolved, "InProgress": activity.InProgress, "Updated": activity.Updated,
	} {
		if got := one(t, `{"eventTimestamp":"2026-03-04T10:15:30Z","operationName":"a/b","status":{"value":"`+written+`"}}`).Outcome; got != want {
			t.Errorf("status %s reads %q, want %q", written, got, want)
		}
	}
	for _, name := range []string{
		"OK (HTTP Status Code: 200)", "Created (HTTP Status Code: 201)", "Accepted (HTTP Status Code: 202)",
		"No Content (HTTP Status Code: 204)", "Bad Request (HTTP Status Code: 400)", "Not Found (HTTP Status Code: 404)",
		"Conflict (HTTP Status Code: 409)", "Internal Server Error (HTTP Status Code: 500)",
		"Service Unavailable (HTTP Status Code: 503)", "Gateway Timeout (HTTP Status Code: 504)",
	} {
		word, _, _ := strings.Cut(name, " (")
		value := strings.ReplaceAll(word, " ", "")
		e := one(t, `{"eventTimestamp":"2026-03-04T10:15:30Z","operationName":"a/b","subStatus":{"value":"`+value+`","localizedValue":"`+name+`"}}`)
		if e.SubStatus != value {
			t.Errorf("subStatus %s reads %q, want the value %q", name, e.SubStatus, value)
		}
		e = one(t, `{"eventTimestamp":"2026-03-04T10:15:30Z","operationName":"a/b","subStatus":{"value":"","localizedValue":"`+name+`"}}`)
		if e.SubStatus != name {
			t.Errorf("subStatus without value reads %q, want %q", e.SubStatus, name)
		}
	}
}

// Section "Schema from storage account and event hubs": the mapping table, row by row.
func TestPageMappingTable(t *testing.T) {
	t.Parallel()
	type field func(activity.Event) string
	properties := func(name string) field { return func(e activity.Event) string { return e.Properties.Text(name) } }
	for _, row := range []struct {
		property, value string // of the resource log
		field           field
		want            string
	}{
		{"time", `"2026-03-04T10:15:30Z"`, func(e activity.Event) string { return e.Time.Format(time.RFC3339) }, "2026-03-04T10:15:30Z"},
		{"resourceId", `"/subscriptions/S/resourceGroups/G/providers/P/t/N"`, func(e activity.Event) string { return e.ResourceID }, "/subscriptions/s/resourcegroups/g/providers/p/t/n"},
		{"resourceId", `"/subscriptions/S/resourceGroups/G/providers/P/t/N"`, func(e activity.Event) string { return e.SubscriptionID }, "s"},
		{"resourceId", `"/subscriptions/S/resourceGroups/G/providers/P/t/N"`, func(e activity.Event) string { return e.ResourceType }, "p/t"},
		{"resourceId", `"/subscriptions/S/resourceGroups/G/providers/P/t/N"`, func(e activity.Event) string { return e.ResourceGroup }, "g"},
		{"operationName", `"P/T/Write"`, func(e activity.Event) string { return e.Operation }, "p/t/write"},
		{"category", `"Write"`, func(e activity.Event) string { return string(e.Category) }, "Administrative"},
		{"category", `"Delete"`, func(e activity.Event) string { return string(e.Category) }, "Administrative"},
		{"category", `"Action"`, func(e activity.Event) string { return string(e.Category) }, "Administrative"},
		{"resultType", `"Success"`, func(e activity.Event) string { return string(e.Outcome) }, "succeeded"},
		{"resultSignature", `"Succeeded.Created"`, func(e activity.Event) string { return e.SubStatus }, "Created"},
		{"resultDescription", `"told"`, func(e activity.Event) string { return e.Description }, "told"},
		{"callerIpAddress", `"198.51.100.7"`, func(e activity.Event) string { return e.CallerIP }, "198.51.100.7"},
		{"correlationId", `"c"`, func(e activity.Event) string { return e.CorrelationID }, "c"},
		{"identity", `{"claims":{"appid":"a"}}`, func(e activity.Event) string { return e.CallerAppID }, "a"},
		{"identity", `{"authorization":{"action":"P/T/write"}}`, func(e activity.Event) string { return activity.AuthorizationOf(e).Action }, "P/T/write"},
		{"Level", `"Warning"`, func(e activity.Event) string { return string(e.Level) }, "Warning"},
		{"Properties", `{"statusCode":"OK"}`, properties("statusCode"), "OK"},
		{"properties", `{"eventCategory":"Policy"}`, func(e activity.Event) string { return string(e.Category) }, "Policy"},
		{"properties", `{"eventName":"EndRequest"}`, properties("eventName"), "EndRequest"},
		{"properties", `{"operationId":"o"}`, func(e activity.Event) string { return e.OperationID }, "o"},
		{"properties", `{"eventProperties":{"statusCode":"OK"}}`, properties("statusCode"), "OK"},
	} {
		text := `{"resultType":"Start","` + row.property + `":` + row.value + `}`
		if row.property == "resultType" {
			text = `{"resultType":` + row.value + `}`
		}
		if !strings.Contains(text, "operationName") {
			text = `{"operationName":"p/t/write",` + text[1:]
		}
		if got := row.field(one(t, text)); got != row.want {
			t.Errorf("%s = %s reads %q, want %q", row.property, row.value, got, row.want)
		}
	}
	// "durationMs: always 0" and "location: not that of the resource" have no place in an event.
}

// The eight samples: the category's own facts.
func TestPageSamplesTellTheirFacts(t *testing.T) {
	t.Parallel()
	administrative, _ := activity.AdministrativeOf(page(t, "administrative"))
	check(t, administrative, activity.AdministrativeFacts{
		Authorization: activity.Authorization{
			Action: "Microsoft.Network/networkSecurityGroups/write",
			Scope:  "/subscriptions/<subscription ID>/resourcegroups/myResourceGroup/providers/Microsoft.Network/networkSecurityGroups/myNSG",
		},
		StatusCode: "Created", ServiceID: "a4c11dbd-697e-47c5-9663-12362307157d", EventName: "EndRequest",
	})
	service, _ := activity.ServiceHealthOf(page(t, "servicehealth"))
	service.Communication = service.Communication[:40]
	check(t, service, activity.ServiceHealthFacts{
		Title: "Network Infrastructure - UK South", Type: activity.Incident, TrackingID: "NA0F-BJG", Stage: "Active",
		Service: "Service Fabric", Region: "UK South", CommunicationID: "636361902146035247",
		Services:      []activity.ImpactedService{{Name: "Service Fabric", Regions: []string{"UK South"}}},
		Communication: "Starting at approximately 21:41 UTC on 2", ImpactStart: at(t, "2017-07-20T21:41:00Z"),
	})
	resource, _ := activity.ResourceHealthOf(page(t, "resourcehealth"))
	check(t, resource, activity.ResourceHealthFacts{
		Title: "Virtual Machine health status changed to unavailable", Details: "Virtual machine has experienced an unexpected event",
		Current: activity.Unavailable, Cause: activity.PlatformInitiated, Kind: "Downtime", Stage: "Active", Planned: "Unplanned",
	})
	alert, _ := activity.AlertOf(page(t, "alert"))
	check(t, alert, activity.AlertFacts{
		Rule: "myalert", RuleID: "/subscriptions/<subscription ID>/resourceGroups/myResourceGroup/providers/microsoft.insights/alertrules/myalert",
		Metric: "Disk read", Operator: "LessThan", Threshold: "100000", Aggregation: "Average", WindowMinutes: "5", Unit: "Count",
	})
	autoscale, _ := activity.AutoscaleOf(page(t, "autoscale"))
	autoscale.Description = ""
	check(t, autoscale, activity.AutoscaleFacts{
		Resource: "/subscriptions/<subscription ID>/resourceGroups/myResourceGroup/providers/Microsoft.ClassicCompute/domainNames/myResourceGroup/slots/Production/roles/myResource",
		Old:      3, New: 2, ScaledAt: at(t, "2017-07-21T01:00:51Z"),
	})
	security, _ := activity.SecurityOf(page(t, "security"))
	check(t, security, activity.SecurityFacts{
		Title: "Suspicious double extension file executed", Severity: activity.HighSeverity, Actor: `hpc\myUser`, Action: "Detected",
		Process: `c:\mydirectory\doubleetension.pdf.exe`, Command: `c:\mydirectory\doubleetension.pdf.exe`,
	})
	recommendation, _ := activity.RecommendationOf(page(t, "recommendation"))
	check(t, recommendation, activity.RecommendationFacts{Category: "Security", Impact: "High", Risk: "None", Version: "1.0"})
	policy, _ := activity.PolicyOf(page(t, "policy"))
	check(t, policy, activity.PolicyFacts{
		Effect: "audit", ComplianceCheck: true, Location: "westus2", Ancestors: []string{"72f988bf-86f1-41af-91ab-2d7cd011db47"},
		Policies: []activity.PolicyEvaluation{{
			DefinitionID:   "/subscriptions/<subscriptionID>/providers/Microsoft.Authorization/policyDefinitions/5775cdd5-d3d3-47bf-bc55-bb8b61746506/",
			DefinitionName: "5775cdd5-d3d3-47bf-bc55-bb8b61746506", Effect: "Deny",
			AssignmentID:   "/subscriptions/<subscriptionID>/providers/Microsoft.Authorization/policyAssignments/991a69402a6c484cb0f9b673/",
			AssignmentName: "991a69402a6c484cb0f9b673", AssignedScope: "/subscriptions/<subscriptionID>",
		}},
	})
}

func check[T any](t *testing.T, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%T (-want +got):\n%s", got, diff)
	}
}

func at(t *testing.T, s string) activity.Time {
	t.Helper()
	parsed, ok := activity.ParseTime(s)
	if !ok {
		t.Fatalf("bad time %q in the test", s)
	}
	return parsed
}
