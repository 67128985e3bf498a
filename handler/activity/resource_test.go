package activity_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/auditbell/auditbell/handler/activity"
)

// The spellings are those of the facts on payloads: upper-cased exports, mixed case, subscription only, provider only,
// tenant, child and extension resources.
func TestParseResource(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]activity.Resource{
		"/subscriptions/s1/resourceGroups/rg/providers/Microsoft.Network/networkSecurityGroups/web": {
			Subscription: "s1", Group: "rg", Type: "Microsoft.Network/networkSecurityGroups", Name: "web",
			Parent: "/subscriptions/s1/resourceGroups/rg",
		},
		"/SUBSCRIPTIONS/S1/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.WEB/SITES/APP/CONFIG/APPSETTINGS": {
			Subscription: "S1", Group: "RG", Type: "MICROSOFT.WEB/SITES/CONFIG", Name: "APPSETTINGS",
			Parent: "/SUBSCRIPTIONS/S1/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.WEB/SITES/APP",
		},
		"/subscriptions/s1/resourcegroups/rg/providers/Microsoft.Storage/storageAccounts/acc/blobServices/default/containers/c": {
			Subscription: "s1", Group: "rg", Type: "Microsoft.Storage/storageAccounts/blobServices/containers", Name: "c",
			Parent: "/subscriptions/s1/resourcegroups/rg/providers/Microsoft.Storage/storageAccounts/acc/blobServices/default",
		},
		"/subscriptions/s1/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv/providers/Microsoft.Authorization/roleAssignments/ra": {
			Subscription: "s1", Group: "rg", Type: "Microsoft.Authorization/roleAssignments", Name: "ra",
			Parent: "/subscriptions/s1/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv",
		},
		"/subscriptions/s1":                    {Subscription: "s1", Type: "Microsoft.Resources/subscriptions", Name: "s1"},
		"/subscriptions/s1/resourceGroups/rg/": {Subscription: "s1", Group: "rg", Type: "Microsoft.Resources/subscriptions/resourceGroups", Name: "rg", Parent: "/subscriptions/s1"},
		"/subscriptions/s1/providers/Microsoft.domainRegistration": {
			Subscription: "s1", Name: "Microsoft.domainRegistration", Parent: "/subscriptions/s1",
		},
		"/providers/Microsoft.Authorization": {Name: "Microsoft.Authorization"},
		"/TeNaNtS/t1/providers/Microsoft.Aadiam/diagnosticSettings/export": {
			Type: "Microsoft.Aadiam/diagnosticSettings", Name: "export", Parent: "/TeNaNtS/t1",
		},
		"/providers/Microsoft.Management/managementGroups/root": {Type: "Microsoft.Management/managementGroups", Name: "root"},
		"/subscriptions/": {Name: "subscriptions"},
		"/subscriptions/s1/resourceGroups/rg/providers/": {Subscription: "s1", Group: "rg", Name: "providers"},
		"/subscriptions/s1/resourceGroups/rg/providers/Microsoft.Sql/servers/srv/databases": {
			Subscription: "s1", Group: "rg", Type: "Microsoft.Sql/servers/databases", Name: "databases",
			Parent: "/subscriptions/s1/resourceGroups/rg/providers/Microsoft.Sql/servers/srv",
		},
		"/subscriptions/s1/resourceGroups/providers": {
			Subscription: "s1", Group: "providers", Type: "Microsoft.Resources/subscriptions/resourceGroups", Name: "providers", Parent: "/subscriptions/s1",
		},
		"providers/Microsoft.Web/sites/app": {Type: "Microsoft.Web/sites", Name: "app"}, // the slash in front is missing
		"mydisk":                            {Name: "mydisk"}, "": {}, "/": {}, "//": {},
	} {
		if diff := cmp.Diff(want, activity.ParseResource(id)); diff != "" {
			t.Errorf("ParseResource(%q) (-want +got):\n%s", id, diff)
		}
	}
}

// Whatever the id: no panic, and every part is a piece of it.
func TestParseResourceOfAnything(t *testing.T) {
	t.Parallel()
	piece := rapid.SampledFrom([]string{"/", "subscriptions", "resourceGroups", "providers", "Providers", "a", "Microsoft.X", "", "//", "é"})
	rapid.Check(t, func(t *rapid.T) {
		id := strings.Join(rapid.SliceOfN(piece, 0, 14).Draw(t, "pieces"), rapid.SampledFrom([]string{"/", ""}).Draw(t, "between"))
		r := activity.ParseResource(id)
		for _, part := range []string{r.Subscription, r.Group, r.Name} {
			if !strings.Contains(id, part) || strings.Contains(part, "/") {
				t.Fatalf("ParseResource(%q) has the part %q", id, part)
			}
		}
		if !strings.HasPrefix(id, r.Parent) {
			t.Fatalf("ParseResource(%q) has the parent %q", id, r.Parent)
		}
	})
}
