package digesttest

import (
	"fmt"
	"strings"
	"time"
)

// Person is an actor: a person with a mail address, an application, or a service of the platform.
type Person struct {
	Name     string // UPN, GUID or the service's name
	Full     string // as a token names it
	Object   string
	App      string
	Address  string
	Kind     byte // 'u'ser, 'g'uest, 'a'pplication, 'p'latform
	TwoCases bool
}

var (
	given   = []string{"anna", "bruno", "chloé", "dmitri", "elif", "farah", "giulia", "hassan", "ines", "jonas", "kofi", "lucía", "mei", "nils", "olga", "priya"}
	family  = []string{"abel", "brandt", "costa", "dietrich", "eriksen", "fischer", "grønn", "hughes", "ivanova", "jensen", "klein", "lopez", "müller", "novak"}
	bots    = []string{"Microsoft.Insights/autoscaleSettings", "Microsoft.Advisor", "Microsoft.Insights/alertRules", "Microsoft.PolicyInsights"}
	groups  = []string{"payments", "shared_services", "data", "web", "identity", "batch", "shop", "crm", "erp", "build", "edge"}
	regions = []string{"westeurope", "northeurope", "swedencentral", "eastus2", "germanywestcentral"}
)

func (g *Generator) makePeople(n int) []Person {
	people := make([]Person, 0, n+len(bots))
	for i := range n {
		p := Person{Object: g.guid(), App: g.guid(), TwoCases: i%10 == 0, Address: fmt.Sprintf("203.0.113.%d", 1+g.rng.IntN(250))}
		first, last := given[i%len(given)], family[(i/3)%len(family)]
		switch {
		case i%20 < 7:
			p.Kind, p.Full = 'u', title(first)+" "+title(last)
			p.Name = fmt.Sprintf("%s.%s%d@contoso.example", ascii(first), ascii(last), i)
		case i%20 == 7:
			p.Kind, p.Full = 'g', title(first)+" "+title(last)+" (Fabrikam)"
			p.Name = fmt.Sprintf("%s.%s%d@fabrikam.example", ascii(first), ascii(last), i)
		default:
			p.Kind, p.Name = 'a', p.App
		}
		people = append(people, p)
	}
	for _, name := range bots {
		people = append(people, Person{Kind: 'p', Name: name})
	}
	return people
}

func title(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func ascii(s string) string {
	return strings.NewReplacer("é", "e", "í", "i", "ø", "o", "ü", "ue").Replace(s)
}

// kind is a sort of operation.
type kind struct {
	weight    int
	lifecycle bool
	category  string
	provider  string // namespace and type: Microsoft.Network/networkSecurityGroups
	act       string // write, delete, restart/action
	display   string // what the portal shows; empty: the ARM name
	listed    bool   // a digest lists it one by one
}

var kinds = []kind{
	{260, true, "Administrative", "Microsoft.Compute/virtualMachines", "write", "Create or Update Virtual Machine", false},
	{120, true, "Administrative", "Microsoft.Compute/virtualMachines", "restart/action", "Restart Virtual Machine", false},
	{90, true, "Administrative", "Microsoft.Compute/virtualMachines", "deallocate/action", "Deallocate Virtual Machine", false},
	{25, true, "Administrative", "Microsoft.Compute/virtualMachines", "delete", "Delete Virtual Machine", true},
	{110, true, "Administrative", "Microsoft.Compute/disks", "write", "Update Disk", false},
	{25, true, "Administrative", "Microsoft.Compute/disks", "delete", "Delete Disk", true},
	{70, true, "Administrative", "Microsoft.Network/networkInterfaces", "write", "", false},
	{60, true, "Administrative", "Microsoft.Network/networkSecurityGroups", "write", "Create or Update Network Security Group", false},
	{45, true, "Administrative", "Microsoft.Network/networkSecurityGroups/securityRules", "write", "Create or Update Security Rule", false},
	{10, true, "Administrative", "Microsoft.Network/networkSecurityGroups", "delete", "Delete Network Security Group", true},
	{40, true, "Administrative", "Microsoft.Network/publicIPAddresses", "write", "", false},
	{20, true, "Administrative", "Microsoft.Network/publicIPAddresses", "delete", "", true},
	{150, true, "Administrative", "Microsoft.Storage/storageAccounts", "listKeys/action", "List Storage Account Keys", false},
	{80, true, "Administrative", "Microsoft.Storage/storageAccounts", "write", "Create/Update Storage Account", false},
	{14, true, "Administrative", "Microsoft.Storage/storageAccounts", "delete", "Delete Storage Account", true},
	{60, true, "Administrative", "Microsoft.KeyVault/vaults", "write", "Update Key Vault", false},
	{8, true, "Administrative", "Microsoft.KeyVault/vaults", "delete", "Delete Key Vault", true},
	{9, true, "Administrative", "Microsoft.Authorization/roleAssignments", "write", "Create role assignment", true},
	{5, true, "Administrative", "Microsoft.Authorization/roleAssignments", "delete", "Delete role assignment", true},
	{8, true, "Administrative", "Microsoft.Authorization/policyAssignments", "write", "Create policy assignment", false},
	{3, true, "Administrative", "Microsoft.Authorization/policyAssignments", "delete", "Delete policy assignment", true},
	{4, true, "Administrative", "Microsoft.Insights/diagnosticSettings", "delete", "Delete diagnostic setting", true},
	{300, true, "Administrative", "Microsoft.Resources/deployments", "write", "Create Deployment", false},
	{120, true, "Administrative", "Microsoft.Resources/deployments", "validate/action", "Validate Deployment", false},
	{60, true, "Administrative", "Microsoft.Web/sites", "config/write", "Update web sites config", false},
	{40, true, "Administrative", "Microsoft.ContainerService/managedClusters", "write", "", false},
	{60, true, "Administrative", "Microsoft.ContainerService/managedClusters", "listClusterUserCredential/action", "", false},
	{30, true, "Administrative", "Microsoft.Sql/servers/firewallRules", "write", "Update SQL server firewall rule", false},
	{260, false, "Policy", "Microsoft.Authorization/policies", "audit/action", "", false},
	{40, false, "Policy", "Microsoft.Authorization/policies", "deny/action", "", false},
	{70, false, "Autoscale", "Microsoft.Insights/autoscaleSettings", "scaleup/action", "Autoscale scale up completed", false},
	{60, false, "Recommendation", "Microsoft.Advisor/recommendations", "available/action", "New recommendation is available", false},
	{45, false, "ResourceHealth", "Microsoft.Resourcehealth/healthevent", "Activated/action", "Health Event Activated", false},
	{22, false, "Alert", "Microsoft.Insights/alertRules", "activated/action", "Activate Alert", false},
	{20, false, "Security", "Microsoft.Security/locations/alerts", "activate/action", "Activate a security alert", false},
	{10, false, "ServiceHealth", "Microsoft.ServiceHealth/incident", "action", "Microsoft.ServiceHealth/incident/action", false},
}

func (g *Generator) pickKind() kind { return g.pick(func(kind) bool { return true }) }

func (g *Generator) pickLifecycle() kind { return g.pick(func(k kind) bool { return k.lifecycle }) }

func (g *Generator) pick(wanted func(kind) bool) kind {
	for {
		total := 0
		for _, k := range kinds {
			total += k.weight
		}
		n := g.rng.IntN(total)
		for _, k := range kinds {
			if n -= k.weight; n >= 0 {
				continue
			}
			if wanted(k) && !(g.o.Quiet && (k.listed || strings.Contains(k.provider, "KeyVault") || strings.Contains(k.provider, "networkSecurity"))) {
				return k
			}
			break
		}
	}
}

// operation is the last record of an operation of kind k that begins at the time given.
func (g *Generator) operation(k kind, at time.Time) Record {
	p := &g.people[g.rng.IntN(len(g.people)-len(bots))]
	r := Record{
		Time: at, Category: k.category, Operation: k.provider + "/" + k.act, Display: k.display, Level: "Informational",
		Status: "Succeeded", SubStatus: "OK", Person: p, Caller: g.written(p), Subscription: g.subscription(), Type: k.provider,
		Correlation: g.guid(), Address: p.Address,
	}
	r.OperationID = r.Correlation
	r.Group = fmt.Sprintf("rg-%s-%02d", groups[g.rng.IntN(len(groups))], g.rng.IntN(20))
	if g.rng.IntN(40) == 0 {
		r.Group = "rg-größe"
	}
	r.Resource = g.resourceID(k.provider, r)
	if k.act == "write" {
		r.SubStatus = "Created"
	}
	if g.rng.Float64() < 0.1 {
		r.Status, r.SubStatus, r.Level = "Failed", "Conflict", "Error"
	}
	r.Properties = g.properties(k, r)
	return r
}

// resourceID makes names that come again: about 60 resources of a type in a group.
func (g *Generator) resourceID(provider string, r Record) string {
	namespace, types, _ := strings.Cut(provider, "/")
	id := "/subscriptions/" + r.Subscription + "/resourceGroups/" + r.Group + "/providers/" + namespace
	for i, t := range strings.Split(types, "/") {
		id += fmt.Sprintf("/%s/%s-%s%02d", t, strings.ToLower(t[:min(len(t), 4)]), r.Group[3:min(len(r.Group), 7)], g.rng.IntN(60)+i)
	}
	return id
}

func (g *Generator) properties(k kind, r Record) []Pair {
	pairs := []Pair{{"serviceRequestId", g.guid()}, {"eventCategory", k.category}, {"entity", r.Resource}, {"message", r.Operation}, {"hierarchy", r.Subscription}}
	switch {
	case strings.HasSuffix(r.Operation, "roleAssignments/write"):
		role := []string{"8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "b24988ac-6180-42a0-ab88-20f7382dd24c", "acdd72a7-3385-48ef-bd42-f606fba81ae7"}[g.rng.IntN(3)]
		body := fmt.Sprintf(`{"Id":"%s","Properties":{"PrincipalId":"%s","PrincipalType":"ServicePrincipal","RoleDefinitionId":"/subscriptions/%s/providers/Microsoft.Authorization/roleDefinitions/%s","Scope":"/subscriptions/%s/resourceGroups/%s"}}`,
			g.guid(), g.guid(), r.Subscription, role, r.Subscription, r.Group)
		pairs = append(pairs, Pair{"requestbody", body})
	case r.Status == "Failed":
		pairs = append(pairs, Pair{"statusMessage", `{"error":{"code":"Conflict","message":"The resource is locked by \"lock-prod\".\r\nTry again later."}}`})
	case k.act == "write" && g.rng.IntN(4) == 0:
		body := fmt.Sprintf(`{"location":"%s","tags":{"owner":"%s","costCenter":"CC-%04d"},"properties":{"provisioningState":"Succeeded"}}`,
			regions[g.rng.IntN(len(regions))], r.Person.Full, g.rng.IntN(9999))
		pairs = append(pairs, Pair{"responseBody", body})
	}
	return pairs
}

// single is a record that stands alone: no caller but the platform, no lifecycle.
func (g *Generator) single(k kind, at time.Time) Record {
	r := g.operation(k, at)
	r.Person, r.Caller, r.Address, r.OperationID, r.Transition = nil, "", "", g.guid(), ""
	r.Status, r.SubStatus = "Active", ""
	switch k.category {
	case "Policy":
		r.Person = &g.people[g.rng.IntN(len(g.people)-len(bots))]
		r.Caller, r.Status, r.Level = g.written(r.Person), "Succeeded", "Warning"
		if strings.Contains(r.Operation, "deny") {
			r.Status, r.Level = "Failed", "Error"
		}
	case "Autoscale", "Recommendation", "Alert":
		r.Person = &g.people[len(g.people)-len(bots)+g.rng.IntN(len(bots))]
		r.Caller = r.Person.Name
		if k.category == "Autoscale" {
			r.Status = "Succeeded"
		}
	case "ServiceHealth":
		r.Level, r.Resource = "Warning", "/subscriptions/"+r.Subscription
		r.Properties = []Pair{{"title", "Storage – West Europe"}, {"service", "Storage"}, {"stage", "Active"}, {"communication", "<p>We are aware of \"errors\".</p>\r\n"}}
	}
	return r
}
