package activity_test

import (
	"strings"
	"testing"

	"github.com/auditbell/auditbell/handler/activity"
)

// The phrases are those of "Microsoft Entra audit log activity reference" (Microsoft), Privileged Identity Management,
// category ResourceManagement; the collector's sample has three of them as records of the Activity Log.
func TestPIMPhrases(t *testing.T) {
	t.Parallel()
	const (
		activation = activity.Activation
		active     = activity.ActiveAssignment
		eligible   = activity.EligibleAssignment
	)
	for phrase, want := range map[string]activity.PIM{
		"Add member to role requested (PIM activation)":                 {Act: "requested", Assignment: activation},
		"Add member to role approval requested (PIM activation)":        {Act: "approval_requested", Assignment: activation},
		"Add member to role request approved (PIM activation)":          {Act: "approved", Assignment: activation},
		"Add member to role request denied (PIM activation)":            {Act: "denied", Assignment: activation},
		"Add member to role canceled (PIM activation)":                  {Act: "canceled", Assignment: activation},
		"Add member to role cancelled (PIM activation)":                 {Act: "canceled", Assignment: activation},
		"PIM activation request expired":                                {Act: "request_expired", Assignment: activation},
		"Add member to role completed (PIM activation)":                 {Act: "activated", Assignment: activation},
		"Remove member from role (PIM activation expired)":              {Act: "expired", Assignment: activation},
		"Remove member from role completed (PIM deactivate)":            {Act: "deactivated", Assignment: activation},
		"Remove member from role requested (PIM deactivate)":            {Act: "requested", Assignment: activation},
		"Add member to role in PIM completed (permanent)":               {Act: "granted", Assignment: active, Lasting: true},
		"Add member to role in PIM completed (timebound)":               {Act: "granted", Assignment: active},
		"Add member to role in PIM requested (permanent)":               {Act: "requested", Assignment: active, Lasting: true},
		"Add member to role in PIM canceled (renew)":                    {Act: "canceled", Assignment: active},
		"Add member to role outside of PIM (permanent)":                 {Act: "granted", Assignment: active, Lasting: true, Outside: true},
		"Add eligible member to role in PIM completed (permanent)":      {Act: "granted", Assignment: eligible, Lasting: true},
		"Add eligible member to role in PIM completed (timebound)":      {Act: "granted", Assignment: eligible},
		"Add eligible member to role in PIM requested (renew)":          {Act: "requested", Assignment: eligible},
		"Add eligible member to role in PIM completed (renew)":          {Act: "renewed", Assignment: eligible},
		"Add eligible member to role in PIM renewed (timebound)":        {Act: "renewed", Assignment: eligible},
		"Add member to role in PIM extended (timebound)":                {Act: "renewed", Assignment: active},
		"Update eligible member in PIM requested (extend)":              {Act: "requested", Assignment: eligible},
		"Update member in PIM approved by admin (extend/renew)":         {Act: "approved", Assignment: active},
		"Update member in PIM denied by admin (extend/renew)":           {Act: "denied", Assignment: active},
		"Remove eligible member from role in PIM completed (permanent)": {Act: "removed", Assignment: eligible, Lasting: true},
		"Remove member from role in PIM completed (timebound)":          {Act: "removed", Assignment: active},
		"Remove permanent direct role assignment":                       {Act: "removed", Assignment: active, Lasting: true},
		"Restore eligible member from role in PIM comleted":             {Act: "restored", Assignment: eligible}, // as Microsoft spells it
		"Restore permanent direct role assignment":                      {Act: "restored", Assignment: active, Lasting: true},
		"Update role setting in PIM":                                    {Act: "settings_changed"},
		"PIM policy removed":                                            {Act: "settings_changed"},
		"Offboarded resource from PIM":                                  {Act: "offboarded"},
		"Onboarded resource to PIM":                                     {Act: "onboarded"},
		"Triggered PIM alert":                                           {Act: "alert"},
		"Disable PIM alert":                                             {Act: "alert"},
		"Add member to role failed (PIM activation)":                    {Act: "other", Assignment: activation},
		"Add member to role request rejected (PIM activation)":          {Act: "denied", Assignment: activation},
		"Add member to role pending approval (PIM activation)":          {Act: "approval_requested", Assignment: activation},
		"Cancel request for role update":                                {Act: "canceled"},
		"Process role update request":                                   {Act: "other"},
	} {
		e := activity.Event{Category: activity.Administrative, Operation: strings.ToLower(phrase), Properties: activity.Properties(`{"ResourceProviderName":"azurerbac"}`)}
		got, ok := activity.PIMOf(&e)
		if !ok {
			t.Errorf("%s: not PIM", phrase)
			continue
		}
		equal(t, phrase, got, want)
	}
}

// Microsoft: REST reference of Azure authorization, role assignment and eligibility schedule requests.
func TestPIMScheduleRequests(t *testing.T) {
	t.Parallel()
	const body = `{"requestbody":{"Properties":{"PrincipalId":"p-1","RoleDefinitionId":"/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/8E3AF657-a8ff-443c-a75c-2fe8c4bcb635","RequestType":"%","Justification":"why",
		"TicketInfo":{"TicketNumber":"4711","TicketSystem":"desk"},"ScheduleInfo":{"StartDateTime":"2026-03-04T08:00:00Z","Expiration":{"Type":"AfterDuration","Duration":"PT8H"}}}}}`
	start, _ := activity.ParseTime("2026-03-04T08:00:00Z")
	end, _ := activity.ParseTime("2026-03-04T16:00:00Z")
	for requestType, want := range map[string]struct {
		act        activity.PIMAct
		assignment activity.Assignment
	}{
		"AdminAssign": {activity.PIMGranted, activity.ActiveAssignment}, "AdminRemove": {activity.PIMRemoved, activity.ActiveAssignment},
		"SelfActivate": {activity.PIMRequested, activity.Activation}, "SelfDeactivate": {activity.PIMDeactivated, activity.Activation},
		"AdminRenew": {activity.PIMRenewed, activity.ActiveAssignment}, "": {activity.PIMRequested, activity.ActiveAssignment},
	} {
		e := activity.Event{
			Operation: "microsoft.authorization/roleassignmentschedulerequests/write", Properties: activity.Properties(strings.ReplaceAll(body, "%", requestType)),
			ResourceID: "/subscriptions/s/providers/microsoft.authorization/roleassignmentschedulerequests/r-1",
		}
		got, _ := activity.PIMOf(&e)
		equal(t, requestType, got, activity.PIM{
			Act: want.act, Assignment: want.assignment, RoleID: "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", SubjectID: "p-1", Scope: "/subscriptions/s",
			Justification: "why", Ticket: "4711", TicketSystem: "desk", Start: start, End: end, Request: "r-1",
		})
	}
}

func TestPIMScheduleActs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		operation, properties string
		act                   activity.PIMAct
		assignment            activity.Assignment
		lasting               bool
	}{
		{
			"roleassignmentschedulerequests/write", `{"responseBody":{"properties":{"requestType":"SelfActivate","status":"Provisioned"}}}`,
			activity.PIMActivated, activity.Activation, false,
		},
		{
			"roleeligibilityschedulerequests/write", `{"requestbody":{"properties":{"requestType":"AdminAssign","scheduleInfo":{"expiration":{"type":"NoExpiration"}}}}}`,
			activity.PIMGranted, activity.EligibleAssignment, true,
		},
		{"roleeligibilityschedulerequests/cancel/action", `{}`, activity.PIMCanceled, activity.EligibleAssignment, false},
		{"rolemanagementpolicies/write", `{}`, activity.PIMSettingsChanged, "", false},
		{"roleassignmentapprovals/stages/write", `{"requestbody":{"properties":{"reviewResult":"Deny"}}}`, activity.PIMDenied, "", false},
	} {
		e := activity.Event{Operation: "microsoft.authorization/" + c.operation, Properties: activity.Properties(c.properties)}
		got, ok := activity.PIMOf(&e)
		if !ok || got.Act != c.act || got.Assignment != c.assignment || got.Lasting != c.lasting {
			t.Errorf("%s %s: %+v, %v", c.operation, c.properties, got, ok)
		}
	}
	for _, operation := range []string{"", "microsoft.authorization/roleassignments/write", "microsoft.authorization/roleassignmentschedulerequests/read", "shipment received"} {
		if p, ok := activity.PIMOf(&activity.Event{Operation: operation}); ok {
			t.Errorf("%q is read as PIM: %+v", operation, p)
		}
	}
}
