package enrich

import (
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
)

// role names the role and the principal of a role assignment. The request body comes in two casings, the response has
// the same members (facts: payloads §3); Properties compares names without regard to case.
func role(e activity.Event, o Options, v *View) {
	if !strings.HasPrefix(e.Operation, "microsoft.authorization/roleassignments/") {
		return
	}
	definition := lastSegment(inAssignment(e, "roleDefinitionId"))
	name := or(RoleName(definition), o.name(definition))
	principal, known := principalOf(e, o)
	on := with(" on ", named(scopeName(inAssignment(e, "scope"), e), o))
	v.Specific = true
	v.Headline = upperFirst(join(name, "role", roleVerb(e))) + on
	v.Sentence = subject(e) + " " + roleAct(e) + " " + or(name, "a role") + on + with(roleTo(e), principal) + "."
	v.fact(Fact{Name: "Role", Value: or(name, definition), Code: name == ""})
	v.fact(Fact{Name: "Principal", Value: principal, Code: !known})
	if e.Properties.Doubtful("requestbody", "properties", "roleDefinitionId") {
		v.fact(Fact{Name: "Request", Value: "names the role in more than one way"})
	}
}

// principalOf is who the role is given to or taken from: "Ann Example (user e0b3…)" when the name is known, else the id.
func principalOf(e activity.Event, o Options) (text string, known bool) {
	id, kind := inAssignment(e, "principalId"), words(inAssignment(e, "principalType"))
	if name := o.name(id); name != "" {
		return name + " (" + join(kind, id) + ")", true
	}
	if kind != "" && id != "" {
		id += " (" + kind + ")"
	}
	return id, false
}

// Assignment returns the role definition and the principal of a role assignment, as ids; "" where the event does not
// tell them.
func Assignment(e activity.Event) (definition, principal string) {
	if !strings.HasPrefix(e.Operation, "microsoft.authorization/roleassignments/") {
		return "", ""
	}
	return inAssignment(e, "roleDefinitionId"), inAssignment(e, "principalId")
}

// roleAct is the verb of the sentence: "granted", "failed to remove".
func roleAct(e activity.Event) string {
	if strings.HasSuffix(e.Operation, "/delete") {
		return inflect(e.Outcome, "removed", "remove")
	}
	return inflect(e.Outcome, "granted", "grant")
}

func roleTo(e activity.Event) string {
	if strings.HasSuffix(e.Operation, "/delete") {
		return " from "
	}
	return " to "
}

func inAssignment(e activity.Event, member string) string {
	for _, body := range []string{"requestbody", "responseBody"} {
		if e.Properties.Doubtful(body, "properties", member) {
			continue
		}
		if s := e.Properties.Text(body, "properties", member); s != "" {
			return s
		}
	}
	return ""
}

func roleVerb(e activity.Event) string {
	verb := "granted"
	if strings.HasSuffix(e.Operation, "/delete") {
		verb = "removed"
	}
	return unfinished(e.Outcome) + verb
}

// scopeName is the last segment of the assignment's scope, else what the event's resource id is under.
func scopeName(scope string, e activity.Event) string {
	if scope == "" {
		scope, _, _ = strings.Cut(e.ResourceID, "/providers/microsoft.authorization/")
	}
	if strings.HasPrefix(strings.ToLower(scope), "/subscriptions/") && strings.Count(scope, "/") == 2 {
		return "subscription " + lastSegment(scope)
	}
	return lastSegment(scope)
}

// named puts a subscription's name in the place of its id.
func named(scope string, o Options) string {
	if id, ok := strings.CutPrefix(scope, "subscription "); ok {
		return "subscription " + or(o.name(id), id)
	}
	return scope
}

// RoleName returns the name of a built-in role by the GUID of its definition, "" for others (learn: "Azure built-in
// roles"; the ids are the same in every tenant).
func RoleName(definition string) string { return roles[strings.ToLower(definition)] }

var roles = map[string]string{
	"8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
	"b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
	"acdd72a7-3385-48ef-bd42-f606fba81ae7": "Reader",
	"18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
	"f58310d9-a9f6-439a-9e8d-f62e7b41a168": "Role Based Access Control Administrator",
	"00482a5a-887f-4fb3-b363-3b7fe8e74483": "Key Vault Administrator",
	"8b54135c-b56d-4d72-a534-26097cfdc8d8": "Key Vault Data Access Administrator",
	"b86a8fe4-44ce-4948-aee5-eccb2c155cd7": "Key Vault Secrets Officer",
	"4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
	"14b46e9e-c2b7-41b4-b07b-48a6ebf60603": "Key Vault Crypto Officer",
	"a4417e6f-fecd-4de8-b567-7b0420556985": "Key Vault Certificates Officer",
	"21090545-7ca7-4776-b22c-e363652d74d2": "Key Vault Reader",
	"b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
	"ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
	"2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": "Storage Blob Data Reader",
	"17d1049b-9a84-46fb-8f53-869881c3d3ab": "Storage Account Contributor",
	"81a9662b-bebf-436f-a333-f67b29880f12": "Storage Account Key Operator Service Role",
	"9980e02c-c2be-4d73-94e8-173b1dc7cf3c": "Virtual Machine Contributor",
	"1c0163c0-47e6-4577-8991-ea5c82e286e4": "Virtual Machine Administrator Login",
	"fb879df8-f326-4884-b1cf-06f3ad86be52": "Virtual Machine User Login",
	"4d97b98b-1d4f-4787-a291-c67834d212e7": "Network Contributor",
	"fb1c8493-542b-48eb-b624-b4c8fea62acd": "Security Admin",
	"39bc4728-0917-49c7-9d2c-d95423bc2eb4": "Security Reader",
	"749f88d5-cbae-40b8-bcfc-e573ddc772fa": "Monitoring Contributor",
	"43d0d8ad-25c7-4714-9337-8ba259a9fe05": "Monitoring Reader",
	"92aaf0da-9dab-42b6-94a3-d43ce8d16293": "Log Analytics Contributor",
	"73c42c96-874c-492b-b04d-ab87d138a893": "Log Analytics Reader",
	"f1a07417-d97a-45cb-824c-7a7467783830": "Managed Identity Operator",
	"e40ec5ca-96e0-45a2-b4ff-59039f2c2b59": "Managed Identity Contributor",
	"0ab0b1a8-8aac-4efd-b8c2-3ee1fb270be8": "Azure Kubernetes Service Cluster Admin Role",
	"b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b": "Azure Kubernetes Service RBAC Cluster Admin",
	"3498e952-d568-435e-9b2c-8d77e338d7f7": "Azure Kubernetes Service RBAC Admin",
	"7f951dda-4ed3-4680-a7ca-43fe172d538d": "AcrPull",
	"8311e382-0749-4cb8-b61a-304f252e45ec": "AcrPush",
	"f353d9bd-d4a6-484e-a77a-8050b599b867": "Automation Contributor",
	"87a39d53-fc1b-424a-814c-f7e04687dc9e": "Logic App Contributor",
	"de139f84-1756-47ae-9be6-808fbbe84772": "Website Contributor",
	"9b7fa17d-e63e-47b0-bb0a-15c516ac86ec": "SQL DB Contributor",
	"056cd41c-7e88-42e1-933e-88ba6a50c9c3": "SQL Security Manager",
	"5e467623-bb1f-42f4-a55d-6e525e11384b": "Backup Contributor",
	"36243c78-bf99-498c-9df9-86d9f8d28608": "Resource Policy Contributor",
	"ab8e14d6-4a74-4a29-9ba8-549422addade": "Microsoft Sentinel Contributor",
	"4a9ae827-6dc8-4573-8ac7-8239d42aa03f": "Tag Contributor",
}
