package source

import (
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
)

// roleChange reads the request body of a role assignment: REST and the export call it requestbody, Event Grid
// requestBody, and its members come as Properties/PrincipalId or properties/principalId (facts: payload variations). A
// deletion has none; the response body of its end shows what was deleted.
func roleChange(e *activity.Event) *RoleChange {
	if !strings.Contains(e.Operation, "roleassignments/") {
		return nil
	}
	for _, body := range []string{"requestbody", "responsebody"} {
		p := activity.Properties(e.Properties.Value(body, "properties"))
		definition, principal := p.Text("roledefinitionid"), p.Text("principalid")
		if definition == "" && principal == "" {
			continue
		}
		scope := p.Text("scope")
		if scope == "" {
			scope = assignmentScope(e.ResourceID)
		}
		return &RoleChange{
			Definition: activity.Lower(definition[strings.LastIndexByte(definition, '/')+1:]),
			Principal:  activity.Lower(principal), Kind: p.Text("principaltype"), Scope: activity.Lower(scope),
		}
	}
	return &RoleChange{Scope: assignmentScope(e.ResourceID)}
}

// assignmentScope is what a role assignment's own id is below.
func assignmentScope(resource string) string {
	scope, _, found := strings.Cut(resource, "/providers/microsoft.authorization/roleassignments")
	if !found {
		return ""
	}
	return scope
}

// RoleChangeOf tells what a record of a role assignment says of it; nil for records of anything else.
func RoleChangeOf(e *activity.Event) *RoleChange { return roleChange(e) }
