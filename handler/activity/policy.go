package activity

import "strings"

// PolicyFacts is what Azure Policy did about a resource (schema page, "Policy category").
type PolicyFacts struct {
	Effect          string // of the operation, which "directly correlates to the Policy effect": audit, deny, append, …
	ComplianceCheck bool   // false when a resource was deployed or changed, true for all other evaluations
	Location        string // region of the resource
	Ancestors       []string
	Policies        []PolicyEvaluation // empty when Azure wrote the list in a way that is not JSON
}

// PolicyEvaluation is one policy that the event is the result of.
type PolicyEvaluation struct {
	DefinitionID, DefinitionName, Effect         string
	AssignmentID, AssignmentName, AssignedScope  string
	SetDefinitionID, SetDefinitionName, Category string     // of the initiative, where there is one
	Parameters                                   Properties // of the assignment; nil when there are none
}

// PolicyOf returns the facts of a Policy event; false for events of another category.
func PolicyOf(e Event) (PolicyFacts, bool) {
	if e.Category != Policy {
		return PolicyFacts{}, false
	}
	p := e.Properties
	f := PolicyFacts{
		Effect:          policyEffect(e.Operation),
		ComplianceCheck: strings.EqualFold(p.Text("isComplianceCheck"), "true"), // "True" and "False" as text
		Location:        p.Text("resourceLocation"),
	}
	if ancestors := p.Text("ancestors"); ancestors != "" {
		f.Ancestors = strings.Split(ancestors, ",")
	}
	each(p.Value("policies"), func(entry Properties) {
		f.Policies = append(f.Policies, PolicyEvaluation{
			DefinitionID:      entry.Text("policyDefinitionId"),
			DefinitionName:    entry.Text("policyDefinitionName"),
			Effect:            entry.Text("policyDefinitionEffect"),
			AssignmentID:      entry.Text("policyAssignmentId"),
			AssignmentName:    entry.Text("policyAssignmentName"),
			AssignedScope:     entry.Text("policyAssignmentScope"),
			SetDefinitionID:   entry.Text("policySetDefinitionId"),
			SetDefinitionName: entry.Text("policySetDefinitionName"),
			Category:          entry.Text("policySetDefinitionCategory"),
			Parameters:        members(entry.Value("policyAssignmentParameters")),
		})
	})
	return f, true
}

// policyEffect reads "microsoft.authorization/policies/<effect>/action".
func policyEffect(operation string) string {
	effect, ok := strings.CutPrefix(operation, "microsoft.authorization/policies/")
	if !ok {
		return ""
	}
	effect, _, _ = strings.Cut(effect, "/")
	return effect
}

// members returns raw when it is an object with members.
func members(raw []byte) Properties {
	if len(raw) <= len("{}") || raw[0] != '{' {
		return nil
	}
	return raw
}
