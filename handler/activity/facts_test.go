package activity_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/activity"
)

func event(c activity.Category, properties string) activity.Event {
	return activity.Event{Category: c, Properties: activity.Properties(properties)}
}

func equal[T any](t *testing.T, name string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// Facts belong to one category: an event of another has none, whatever its properties say.
func TestFactsAreOfOneCategory(t *testing.T) {
	t.Parallel()
	for _, c := range append([]activity.Category{""}, activity.Categories...) {
		e := event(c, `{}`)
		told := map[activity.Category]bool{}
		_, told[activity.Administrative] = activity.AdministrativeOf(e)
		_, told[activity.ServiceHealth] = activity.ServiceHealthOf(e)
		_, told[activity.ResourceHealth] = activity.ResourceHealthOf(e)
		_, told[activity.AlertCategory] = activity.AlertOf(e)
		_, told[activity.Autoscale] = activity.AutoscaleOf(e)
		_, told[activity.Recommendation] = activity.RecommendationOf(e)
		_, told[activity.Security] = activity.SecurityOf(e)
		_, told[activity.Policy] = activity.PolicyOf(e)
		for of, ok := range told {
			if ok != (of == c) {
				t.Errorf("an event of category %q has facts of %s: %v", c, of, ok)
			}
		}
	}
}

// Schema page, Categories: "Service Health events come in Six varieties".
func TestServiceHealthVarieties(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]activity.IncidentType{
		"ActionRequired": activity.ActionRequired, "Action Required": activity.ActionRequired, "AssistedRecovery": activity.AssistedRecovery,
		"Assisted Recovery": activity.AssistedRecovery, "Incident": activity.Incident, "Maintenance": activity.Maintenance,
		"Information": activity.Information, "Informational": activity.Information, "Security": activity.SecurityAdvisory,
		"security": activity.SecurityAdvisory, "Billing": "Billing", "": "",
	} {
		f, _ := activity.ServiceHealthOf(event(activity.ServiceHealth, `{"incidentType":"`+written+`"}`))
		if f.Type != want {
			t.Errorf("incidentType %q reads %q, want %q", written, f.Type, want)
		}
	}
}

func TestServiceHealthOdds(t *testing.T) {
	t.Parallel()
	f, _ := activity.ServiceHealthOf(event(activity.ServiceHealth, `{"defaultLanguageTitle":"t","impactedServices":[{"ServiceName":"A","ImpactedRegions":[{"RegionName":"x"},{"RegionId":"y"},7]},
		{"ImpactedRegions":[]},"b",{"ServiceName":"C"}],"communication":"<p>Stop &amp; go</p>","impactStartTime":"06/25/2017 19:59:39","impactMitigationTime":"later"}`))
	start, _ := activity.ParseTime("2017-06-25T19:59:39Z")
	equal(t, "facts", f, activity.ServiceHealthFacts{
		Title: "t", Communication: "Stop & go", ImpactStart: start,
		Services: []activity.ImpactedService{{Name: "A", Regions: []string{"x"}}, {Name: "C"}},
	})
	// impactedServices that is no JSON stays text: no services, no fault.
	f, _ = activity.ServiceHealthOf(event(activity.ServiceHealth, `{"impactedServices":"[{broken"}`))
	equal(t, "facts of broken services", f, activity.ServiceHealthFacts{})
}

// Schema page, "Resource health category": four statuses, two causes, and which transitions are recorded.
func TestResourceHealthTransitions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		why, current, previous string
		want                   activity.Transition
	}{
		{"a resource transitioned to Unhealthy", "Unavailable", "Available", activity.Worsened},
		{"a resource transitioned to Unhealthy by degrees", "Degraded", "Available", activity.Worsened},
		{"from bad to worse", "Unavailable", "Degraded", activity.Worsened},
		{"a resource transitioned from Unhealthy", "Available", "Unavailable", activity.Recovered},
		{"better, not well", "Degraded", "Unavailable", activity.Recovered},
		{"a resource was Unhealthy for more than 15 minutes", "Unavailable", "Unavailable", activity.Unchanged},
		{"an annotation, for example ResourceDegraded, is submitted", "Degraded", "Degraded", activity.Unchanged},
		{"a transition to Unknown is not recorded; should one come, it tells nothing", "Unknown", "Available", activity.Unclear},
		{"a transition from Unknown tells the new status only", "Unavailable", "Unknown", activity.Unclear},
		{"older events name the current status only: the page's sample", "Unavailable", "", activity.Worsened},
		{"older events, recovered", "Available", "", activity.Recovered},
		{"nothing told", "", "", activity.Unclear},
		{"letter case", "unavailable", "AVAILABLE", activity.Worsened},
		{"a status that Azure may add", "Hibernating", "Available", activity.Unclear},
	} {
		f, ok := activity.ResourceHealthOf(event(activity.ResourceHealth, `{"currentHealthStatus":"`+c.current+`","previousHealthStatus":"`+c.previous+`"}`))
		if got := f.Transition(); !ok || got != c.want {
			t.Errorf("%s: %s from %s is %q, want %q", c.why, c.current, c.previous, got, c.want)
		}
	}
	newer, _ := activity.ResourceHealthOf(event(activity.ResourceHealth, `{"title":"t","details":null,"currentHealthStatus":"Unavailable","previousHealthStatus":"Available","type":"Downtime","cause":"UserInitiated"}`))
	equal(t, "newer", newer, activity.ResourceHealthFacts{Title: "t", Current: activity.Unavailable, Previous: activity.Available, Cause: activity.UserInitiated, Kind: "Downtime"})
	unknown, _ := activity.ResourceHealthOf(event(activity.ResourceHealth, `{"cause":"Unknown","currentHealthStatus":"Unknown"}`))
	equal(t, "unknown", unknown, activity.ResourceHealthFacts{Current: activity.UnknownHealth, Cause: "Unknown"})
}

// Schema page, "Properties for Activity Log alerts": the event that activated the rule.
func TestAlertNamesItsCause(t *testing.T) {
	t.Parallel()
	f, _ := activity.AlertOf(event(activity.AlertCategory, `{"subscriptionId":"s","eventDataId":"e","resourceGroup":"g","resourceId":"/r","eventTimestamp":"2026-03-04T10:15:30Z","operationName":"o","status":"Succeeded"}`))
	when, _ := activity.ParseTime("2026-03-04T10:15:30Z")
	equal(t, "facts", f, activity.AlertFacts{Cause: activity.AlertCause{
		SubscriptionID: "s", EventID: "e", ResourceGroup: "g", ResourceID: "/r", Operation: "o", Status: "Succeeded", Time: when,
	}})
}

// Names change case between forms (facts: payload variations).
func TestAutoscaleInEitherSpelling(t *testing.T) {
	t.Parallel()
	want := activity.AutoscaleFacts{Description: "d", Resource: "/r", Old: 3, New: 2}
	for _, properties := range []string{
		`{"Description":"d","ResourceName":"/r","OldInstancesCount":"3","NewInstancesCount":"2"}`,
		`{"description":"d","resourceName":"/r","oldInstancesCount":3,"newInstancesCount":2}`,
	} {
		f, _ := activity.AutoscaleOf(event(activity.Autoscale, properties))
		equal(t, properties, f, want)
	}
	f, _ := activity.AutoscaleOf(event(activity.Autoscale, `{"oldInstancesCount":"many"}`))
	equal(t, "counts that are none", f, activity.AutoscaleFacts{Old: -1, New: -1})
}

func TestSecuritySeverities(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]activity.SecuritySeverity{
		"High": activity.HighSeverity, "medium": activity.MediumSeverity, "LOW": activity.LowSeverity, "Informational": "Informational",
	} {
		for _, name := range []string{"Severity", "severity"} {
			f, _ := activity.SecurityOf(event(activity.Security, `{"`+name+`":"`+written+`"}`))
			if f.Severity != want {
				t.Errorf("%s %q reads %q, want %q", name, written, f.Severity, want)
			}
		}
	}
	f, _ := activity.SecurityOf(event(activity.Security, `{"compromisedEntity":"crane01","userName":"deckhand","actionTaken":"Blocked","processName":"p","commandLine":"c"}`))
	equal(t, "facts", f, activity.SecurityFacts{Entity: "crane01", Actor: "deckhand", Action: "Blocked", Process: "p", Command: "c"})
}

func TestPolicyEffectAndCheck(t *testing.T) {
	t.Parallel()
	for operation, want := range map[string]string{
		"microsoft.authorization/policies/deny/action": "deny", "microsoft.authorization/policies/auditifnotexists/action": "auditifnotexists",
		"microsoft.authorization/policies/": "", "microsoft.sql/servers/write": "",
	} {
		e := event(activity.Policy, `{"isComplianceCheck":"False","policies":"not json"}`)
		e.Operation = operation
		f, _ := activity.PolicyOf(e)
		equal(t, operation, f, activity.PolicyFacts{Effect: want})
	}
}

func TestAdministrativeRequestAndEvidence(t *testing.T) {
	t.Parallel()
	f, _ := activity.AdministrativeOf(activity.Event{Category: activity.Administrative, CallerIP: "198.51.100.7", Properties: activity.Properties(`{
		"statusCode":"Forbidden","statusMessage":{"error":{"code":"AuthorizationFailed"}},"requestBody":{"a":1},"responseBody":"","entity":"/e",
		"authorization":{"action":"a","scope":"s","role":"Subscription Admin","evidence":{"roleAssignmentId":"ra","roleAssignmentScope":"rs","roleDefinitionId":"rd","principalId":"p","principalType":"Group"}},
		"httpRequest":{"method":"PUT","uri":"https://management.azure.com/x","client_request_id":"c"}}`)})
	equal(t, "facts", f, activity.AdministrativeFacts{
		Authorization: activity.Authorization{
			Action: "a", Scope: "s", Role: "Subscription Admin", RoleAssignmentID: "ra", RoleAssignmentScope: "rs", RoleDefinitionID: "rd",
			PrincipalID: "p", PrincipalType: "Group", SubscriptionAdmin: true, ThroughGroup: true,
		},
		Request:    activity.HTTPRequest{Method: "PUT", URL: "https://management.azure.com/x", ClientIP: "198.51.100.7", ClientRequestID: "c"},
		StatusCode: "Forbidden", StatusMessage: `{"error":{"code":"AuthorizationFailed"}}`, Entity: "/e", RequestBody: activity.Properties(`{"a":1}`),
	})
	f, _ = activity.AdministrativeOf(event(activity.Administrative, `{"statusMessage":"The resource is locked."}`))
	if f.StatusMessage != "The resource is locked." {
		t.Errorf("statusMessage in plain words reads %q", f.StatusMessage)
	}
}

func TestAzureAlertComesWithActionGroupsOnly(t *testing.T) {
	t.Parallel()
	const properties = `{"alert":{"id":"i","rule":"r","rule_id":"ri","severity":"Sev1","condition":"Resolved","signal":"Activity Log","service":"Resource Health","description":"d","fired_at":"2026-03-04T10:15:30Z","resolved_at":"2026-03-04T11:00:00Z","custom_properties":{"team":"quay"}}}`
	for _, form := range []activity.Form{activity.FormREST, activity.FormRecords, activity.FormEventGrid, activity.FormCloudEvents, ""} {
		if _, ok := activity.AzureAlert(activity.Event{Form: form, Properties: activity.Properties(properties)}); ok {
			t.Errorf("form %q passes its own property off as Azure's judgement", form)
		}
	}
	fired, _ := activity.ParseTime("2026-03-04T10:15:30Z")
	resolved, _ := activity.ParseTime("2026-03-04T11:00:00Z")
	got, ok := activity.AzureAlert(activity.Event{Form: activity.FormCommonAlert, Properties: activity.Properties(properties)})
	if !ok {
		t.Error("the common alert schema has a judgement")
	}
	equal(t, "alert", got, activity.MonitorAlert{
		ID: "i", Rule: "r", RuleID: "ri", Severity: "Sev1", Condition: "Resolved", Signal: "Activity Log", Service: "Resource Health",
		Description: "d", FiredAt: fired, ResolvedAt: resolved, CustomProperties: activity.Properties(`{"team":"quay"}`),
	})
}

// HTML in communications (facts: payload variations).
func TestPlainText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain":                             "plain",
		" plain ":                           "plain",
		"a &amp; b&nbsp;c &quot;d&quot;":    `a & b c "d"`,
		"<p>One</p><p>Two<br>Three</p>":     "One\nTwo\nThree",
		"<ul><li>One</li><li>Two</li></ul>": "- One\n- Two",
		"<table><tr><td>A</td><td>B</td></tr><tr><td>C</td></tr></table>": "A B\nC",
		"5 < 6 and 7 > 6":              "5 < 6 and 7 > 6",
		"a <b":                         "a <b",
		"<3 you":                       "<3 you",
		"<script>alert(1)</script>x":   "x",
		"<style>p{}</style>x":          "x",
		"<!-- hidden -->x":             "x",
		"&lt;b&gt;not a tag&lt;/b&gt;": "<b>not a tag</b>",

		"<a href=\"https://x/?a=1&amp;b=2\">link</a>": "link",

		"<DIV>Upper</DIV>": "Upper",
		"":                 "",
		"<":                "<",
		"</":               "</",
	} {
		if got := activity.PlainText(in); got != want {
			t.Errorf("PlainText(%q) = %q, want %q", in, got, want)
		}
	}
}
