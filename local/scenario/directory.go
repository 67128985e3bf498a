package scenario

import (
	"strings"
	"time"

	"github.com/auditbell/auditbell/local/azure"
)

const subscription = "/subscriptions/5f1c0a52-7c1e-4b7d-9a41-2d6a8c3e9b10"

// Directory is what Azure would answer when it is asked about what the deliveries say by id only: the role assignment and
// the security rule, names of the principals and of the subscription, tags, a role's permissions.
func Directory() azure.Directory {
	return azure.Directory{
		Bodies: map[string]string{
			strings.ToLower(subscription + "/resourceGroups/rg-finance/providers/Microsoft.Authorization/roleAssignments/0d5a1c1e-77aa-4c3e-9d10-1f2e3a4b5c6d"): `{"properties":{` +
				`"roleDefinitionId":"/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7",` +
				`"principalId":"e0b3c1d2-4f5a-46b7-88c9-d0e1f2a3b4c5","principalType":"User"}}`,
			strings.ToLower(subscription + "/resourceGroups/myResourceGroup/providers/Microsoft.Network/networkSecurityGroups/myNSG/securityRules/allow-ssh"): `{"properties":{` +
				`"direction":"Inbound","access":"Allow","protocol":"Tcp","sourceAddressPrefix":"0.0.0.0/0","destinationPortRange":"22"}}`,
		},
		Roles: map[string]azure.Role{"8e3af657-a8ff-443c-a75c-2fe8c4bcb635": {Name: "Owner", Actions: []string{"*"}}},
		Objects: map[string]azure.Object{
			"e0b3c1d2-4f5a-46b7-88c9-d0e1f2a3b4c5": {Kind: "user", DisplayName: "Jonas Berg", UPN: "jonas.berg@contoso.example"},
			"2c4e6a80-1b3d-4f5a-9c7e-0d1f2a3b4c5d": {Kind: "servicePrincipal", DisplayName: "deploy-pipeline"},
		},
		Resources: []azure.Resource{
			{ID: subscription, Name: "Contoso Production", Tags: map[string]string{"cost-center": "4711"}},
			{ID: subscription + "/resourceGroups/myResourceGroup", Name: "myResourceGroup", Tags: map[string]string{"owner": "net-team@contoso.example", "env": "prod"}},
			{ID: subscription + "/resourceGroups/rg-production", Name: "rg-production", Tags: map[string]string{"owner": "payments@contoso.example", "env": "prod"}},
		},
	}
}

// Changes are what Azure has on record, a moment after the fact, of what was written in the deliveries of Load(now).
func Changes(now time.Time) []azure.Change {
	added := func(value string) map[string]any { return map[string]any{"previousValue": nil, "newValue": value} }
	const rule = "properties.securityRules[2]."
	return []azure.Change{{
		Correlation: guid(now, "correlation-2"), Kind: "Update", From: now.Add(2 * time.Second),
		Target: subscription + "/resourceGroups/myResourceGroup/providers/Microsoft.Network/networkSecurityGroups/myNSG",
		Changes: map[string]any{
			rule + "name": added("allow-ssh"), rule + "properties.direction": added("Inbound"), rule + "properties.access": added("Allow"),
			rule + "properties.sourceAddressPrefix": added("0.0.0.0/0"), rule + "properties.destinationPortRange": added("22"),
			"properties.provisioningState": map[string]any{"previousValue": "Updating", "newValue": "Succeeded", "changeCategory": "System"},
		},
	}}
}
