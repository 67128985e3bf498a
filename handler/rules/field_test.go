package rules_test

import (
	"strings"
	"testing"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/rules"
)

// full has another value in every field, so that a name that resolves to the wrong one shows.
func full() activity.Event {
	e := grant()
	e.CallerName, e.CallerAppID, e.CallerType = "name", "app", activity.User
	e.TenantID, e.ResourceName, e.CorrelationID, e.OperationID, e.EventID, e.Description = "tenant", "App", "corr", "op", "evt", "desc"
	if err := e.Time.UnmarshalText([]byte("2026-03-04T05:06:07.5Z")); err != nil {
		panic(err)
	}
	e.SubmittedAt = activity.At(e.Time.Add(60e9))
	return e
}

// Every vocabulary's name for a field must find the same value: a rule is written once and alerts on every form.
func TestFieldNames(t *testing.T) {
	t.Parallel()
	e := full()
	for want, names := range map[string]string{
		"Create role assignment microsoft.authorization/roleassignments/write": "operation operationName operationName.value OperationNameValue OperationName data.operationName",
		"Succeeded Success":    "outcome status status.value resultType ActivityStatus ActivityStatusValue data.status",
		"Administrative write": "category category.value Category CategoryValue properties.eventCategory eventSource.value",
		"Created":              "sub_status subStatus.value ActivitySubstatusValue data.subStatus",
		"Succeeded.Created Success.Created Created": "resultSignature",
		"Ada@Contoso.example 0b1e app":              "caller Caller",
		"name":                                      "caller_name",
		"app":                                       "caller_app_id",
		"0b1e":                                      "caller_object_id",
		"user":                                      "caller_type",
		"203.0.113.7":                               "caller_ip callerIpAddress CallerIpAddress httpRequest.clientIpAddress data.httpRequest.clientIpAddress",
		"tenant":                                    "tenant_id tenantId TenantId data.tenantId",
		"5a5a":                                      "subscription_id subscriptionId SubscriptionId _SubscriptionId",
		"rg-web":                                    "resource_group resourceGroup resourceGroupName ResourceGroup",
		"microsoft.web/sites":                       "resource_type resourceType resourceType.value",
		"App":                                       "resource_name Resource",
		"microsoft.web microsoft.authorization":     "resourceProviderName resourceProviderName.value ResourceProvider ResourceProviderValue data.resourceProvider",
		"corr":                                      "correlation_id correlationId CorrelationId",
		"op":                                        "operation_id operationId OperationId",
		"evt":                                       "event_id eventDataId EventDataId",
		"desc":                                      "description resultDescription",
		"Informational Information":                 "level Level",
		"2026-03-04T05:06:07.500Z":                  "time eventTimestamp eventTime TimeGenerated",
		"2026-03-04T05:07:07.500Z":                  "submitted_at submissionTimestamp EventSubmissionTimestamp",
		"250":                                       "properties.durationMs Properties.durationms Properties_d.durationMs durationMs data.properties.durationMs",
		"f00":                                       "claims.appid identity.claims.appid Claims_d.appid data.claims.appid claims.azp",
		"ada@contoso.example":                       "claims.upn identity.claims.http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
		"/x/8e3af657":                               "properties.requestbody.properties.roledefinitionid Properties_d.requestBody.Properties.RoleDefinitionId requestbody.properties.roleDefinitionId",
		"a1 b2":                                     "properties.list.id",
		"rest":                                      "form",
	} {
		for name := range strings.FieldsSeq(names) {
			if got := strings.Join(rules.Fields(&e, name), " "); got != want {
				t.Errorf("%s = %q, want %q", name, got, want)
			}
		}
	}
	id := "/subscriptions/5a5a/resourcegroups/rg-web/providers/microsoft.web/sites/app"
	for name := range strings.FieldsSeq("resource_id resourceId ResourceId _ResourceId resourceUri data.resourceUri subject") {
		if got := strings.Join(rules.Fields(&e, name), " "); got != id {
			t.Errorf("%s = %q, want the resource id", name, got)
		}
	}
	if got := rules.Fields(&e, "nowhere.at.all"); len(got) > 0 {
		t.Errorf("an unknown name = %q, want nothing", got)
	}
}

func TestPropertiesInAnyShape(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"a":1}`: "1", `{"A":"x"}`: "x", `{ "a" : true }`: "true", `{"b":{"a":2},"a":3}`: "3", `{"a":[1,2]}`: "1 2",
		`{"a":[]}`: "", `{"a":null}`: "", `{"a":{"b":1}}`: `{"b":1}`, `{"s":"\"a\":1","a":2}`: "2", `{"s":"\\","a":3}`: "3",
		`{"a":"\u00e9\n"}`: "é\n", `{"s":"}{][","a":4}`: "4", `{"a":[[5],{"b":6}]}`: `5 {"b":6}`, `{}`: "", "": "",
		`{"a":-1.5e3}`: "-1.5e3", `{"a":""}`: "", `[1]`: "", `{"a`: "", `{"a":`: "", `{"a":"x`: "",
	} {
		e := activity.Event{Properties: activity.Properties(text)}
		if got := strings.Join(rules.Fields(&e, "properties.a"), " "); got != want {
			t.Errorf("a in %s = %q, want %q", text, got, want)
		}
	}
}
