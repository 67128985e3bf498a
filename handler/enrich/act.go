package enrich

import (
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
)

// act is an ARM operation in words. noun is the kind of thing; done and do are the verb in past and base form.
type act struct{ noun, done, do string }

// actOf reads "Microsoft.Network/networkSecurityGroups/securityRules/write". Phrases that are no ARM operation (PIM)
// are taken as they are.
func actOf(e activity.Event) act {
	parts := strings.Split(spelled(e), "/")
	if len(parts) < 3 {
		named := or(e.OperationDisplay, e.Operation, "an unnamed operation")
		return act{done: "ran “" + named + "” on", do: "run “" + named + "” on"}
	}
	verb, types := strings.ToLower(parts[len(parts)-1]), parts[1:len(parts)-1]
	if verb == "action" {
		doing, noun := words(types[len(types)-1]), ""
		if strings.Contains(e.OperationDisplay, " ") { // a name for people: "List Storage Account Keys"
			doing = Brief(e.OperationDisplay)
		}
		if len(types) > 1 { // else it is the provider that does it: Microsoft.Authorization/elevateAccess/action
			noun = nounOf(types[:len(types)-1])
		}
		return act{noun, "ran “" + doing + "” on", "run “" + doing + "” on"}
	}
	switch verb {
	case "write":
		return act{nounOf(types), "created or changed", "create or change"}
	case "delete":
		return act{nounOf(types), "deleted", "delete"}
	}
	return act{nounOf(types), "ran " + verb + " on", "run " + verb + " on"}
}

// spelled is the operation with the capitals that set its words apart, "…/networkSecurityGroups/delete". Where the record
// has a name for people instead, or only capitals, the access check or the message of the export may repeat it.
func spelled(e activity.Event) string {
	for _, text := range []string{e.OperationDisplay, e.Properties.Text("authorization", "action"), e.Properties.Text("message")} {
		if strings.EqualFold(text, e.Operation) && text != e.Operation && text != strings.ToUpper(text) {
			return text
		}
	}
	return e.Operation
}

// verb puts the verb into the form that the outcome asks for.
func (a act) verb(o activity.Outcome) string { return inflect(o, a.done, a.do) }

func inflect(o activity.Outcome, done, do string) string {
	switch o {
	case activity.Started, activity.Accepted, activity.InProgress:
		return "started to " + do
	case activity.Failed:
		return "failed to " + do
	case activity.Canceled:
		return "began to " + do
	}
	return done
}

// tail ends the sentence of an act that was not carried through.
func tail(o activity.Outcome) string {
	if o == activity.Canceled {
		return ", and it was canceled"
	}
	return ""
}

// headline is "Network security group deleted: nsg-web". What failed or is not over must not read as if it were done.
func (a act) headline(e activity.Event) string {
	noun := upperFirst(a.noun)
	if doing, ok := strings.CutPrefix(a.done, "ran "); ok && noun != "" {
		return noun + ": " + strings.TrimSuffix(doing, " on") + with(" on ", e.ResourceName) + state(e.Outcome)
	}
	if noun == "" {
		return or(e.OperationDisplay, e.Operation, "Activity") + with(" on ", e.ResourceName) + state(e.Outcome)
	}
	return noun + " " + unfinished(e.Outcome) + a.done + with(": ", e.ResourceName)
}

// unfinished stands before a participle while the deed is not done: "not deleted", "being deleted".
func unfinished(o activity.Outcome) string {
	switch o {
	case activity.Failed, activity.Canceled:
		return "not "
	case activity.Started, activity.Accepted, activity.InProgress:
		return "being "
	}
	return ""
}

// state is the outcome beside a headline that has no verb of its own; nothing for what was done.
func state(o activity.Outcome) string {
	switch o {
	case activity.Failed, activity.Canceled, activity.Started, activity.Accepted:
		return " (" + string(o) + ")"
	case activity.InProgress:
		return " (in progress)"
	}
	return ""
}

// Unfinished is what a headline that speaks of a deed must add while the deed is not done: " (failed)", " (started)".
func Unfinished(e activity.Event) string { return state(e.Outcome) }

// objectOf is "network security group nsg-web in rg-prod".
func objectOf(e activity.Event, a act) string {
	object := join(a.noun, e.ResourceName)
	if object == "" {
		object = or(e.ResourceID, "a resource")
	}
	if e.ResourceGroup != "" && !strings.EqualFold(e.ResourceGroup, e.ResourceName) {
		object += " in " + e.ResourceGroup
	}
	return object
}

// nounOf names a resource type in the singular: the well-known by table, because lower-case ids have lost their word
// boundaries, the others by splitting what capitals are left.
func nounOf(types []string) string {
	last := types[len(types)-1]
	if noun, ok := nouns[strings.ToLower(last)]; ok {
		return noun
	}
	noun := words(last)
	switch {
	case strings.HasSuffix(noun, "ies"):
		return strings.TrimSuffix(noun, "ies") + "y"
	case strings.HasSuffix(noun, "sses"):
		return strings.TrimSuffix(noun, "es")
	case strings.HasSuffix(noun, "s") && !strings.HasSuffix(noun, "ss"):
		return strings.TrimSuffix(noun, "s")
	}
	return noun
}

var nouns = map[string]string{
	"roleassignments": "role assignment", "roledefinitions": "role definition", "policyassignments": "policy assignment",
	"policydefinitions": "policy definition", "policyexemptions": "policy exemption", "locks": "resource lock",
	"networksecuritygroups": "network security group", "securityrules": "network security rule",
	"publicipaddresses": "public IP address", "virtualnetworks": "virtual network", "routetables": "route table",
	"azurefirewalls": "firewall", "firewallpolicies": "firewall policy", "firewallrules": "firewall rule",
	"applicationgateways": "application gateway", "virtualnetworkpeerings": "network peering", "subnets": "subnet",
	"virtualmachines": "virtual machine", "virtualmachinescalesets": "scale set", "disks": "disk", "snapshots": "snapshot",
	"storageaccounts": "storage account", "vaults": "vault", "secrets": "vault secret", "accesspolicies": "vault access policy",
	"diagnosticsettings": "diagnostic setting", "actiongroups": "action group", "activitylogalerts": "activity log alert rule",
	"metricalerts": "metric alert rule", "actionrules": "alert processing rule", "eventsubscriptions": "event subscription",
	"databaseaccounts": "Cosmos DB account", "servers": "server", "managedclusters": "Kubernetes cluster",
	"resourcegroups": "resource group", "deployments": "deployment", "sites": "app", "workspaces": "workspace",
	"userassignedidentities": "managed identity", "federatedidentitycredentials": "federated identity credential",
	"securitysolutions": "security solution", "elevateaccess": "access elevation", "extensions": "extension",
}
