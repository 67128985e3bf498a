package enrich_test

import (
	"strings"
	"testing"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/enrich"
)

func TestPIMReadsLikeWhatHappened(t *testing.T) {
	t.Parallel()
	const properties = `{"RoleDefinition":"Owner","SubjectName":"Ann Example","SubjectID":"u-1","Justification":"ship repair","TicketNumber":"4711","TicketSystem":"desk"}`
	for phrase, want := range map[string][2]string{
		"Add member to role requested (PIM activation)":            {"Owner role activation requested on nsg-web", "Rob Robertson requested the activation of the Owner role on nsg-web for Ann Example."},
		"Add member to role approval requested (PIM activation)":   {"Owner role activation approval requested on nsg-web", "Rob Robertson requested approval of the activation of the Owner role on nsg-web for Ann Example."},
		"Add member to role request denied (PIM activation)":       {"Owner role activation denied on nsg-web", "Rob Robertson denied the activation of the Owner role on nsg-web for Ann Example."},
		"Add member to role completed (PIM activation)":            {"Owner role activated on nsg-web", "Rob Robertson activated the Owner role on nsg-web for Ann Example."},
		"Remove member from role (PIM activation expired)":         {"Owner role activation ended on nsg-web", "Rob Robertson ended the activation of the Owner role on nsg-web for Ann Example."},
		"Add member to role in PIM completed (permanent)":          {"Owner role granted permanently on nsg-web", "Rob Robertson granted the Owner role on nsg-web to Ann Example permanently."},
		"Add eligible member to role in PIM completed (timebound)": {"Owner role eligibility granted on nsg-web", "Rob Robertson granted eligibility for the Owner role on nsg-web to Ann Example."},
		"Add member to role outside of PIM (permanent)":            {"Owner role granted outside Privileged Identity Management on nsg-web", "Rob Robertson granted the Owner role on nsg-web to Ann Example outside Privileged Identity Management."},
		"Remove member from role in PIM completed (permanent)":     {"Owner role removed on nsg-web", "Rob Robertson removed the Owner role on nsg-web from Ann Example."},
		"Update role setting in PIM":                               {"Owner role settings changed on nsg-web", "Rob Robertson changed what Privileged Identity Management asks for before the Owner role is activated on nsg-web."},
		"Offboarded resource from PIM":                             {"Privileged Identity Management switched off on nsg-web", "Rob Robertson took the resource on nsg-web out of Privileged Identity Management."},
	} {
		e := administrative(phrase, activity.Succeeded)
		e.Properties = activity.Properties(properties)
		v := enrich.Of(e, enrich.Options{})
		if v.Headline != want[0] || v.Sentence != want[1] {
			t.Errorf("%s\ngot  %q / %q\nwant %q / %q", phrase, v.Headline, v.Sentence, want[0], want[1])
		}
		for name, value := range map[string]string{"Role": "Owner", "Principal": "Ann Example", "Justification": "ship repair", "Ticket": "desk 4711", "Scope": e.ResourceID} {
			if got := factNamed(v, name); got.Value != value {
				t.Errorf("%s: fact %s is %q, want %q", phrase, name, got.Value, value)
			}
		}
	}
}

// A request that was not carried out must not read as if the role were held.
func TestPIMThatFailedIsNotTold(t *testing.T) {
	t.Parallel()
	e := administrative("Microsoft.Authorization/roleAssignmentScheduleRequests/write", activity.Failed)
	e.Properties = activity.Properties(`{"requestbody":{"properties":{"requestType":"AdminAssign","roleDefinitionId":"x/8e3af657-a8ff-443c-a75c-2fe8c4bcb635","principalId":"u-1"}}}`)
	if v := enrich.Of(e, enrich.Options{}); !strings.HasPrefix(v.Headline, "Owner role not granted") || !strings.HasPrefix(v.Sentence, "Rob Robertson failed to grant the Owner role") {
		t.Errorf("%q / %q", v.Headline, v.Sentence)
	}
}

func factNamed(v enrich.View, name string) enrich.Fact {
	for _, f := range v.Facts {
		if f.Name == name {
			return f
		}
	}
	return enrich.Fact{}
}
