package activity

import "testing"

func TestParseScope(t *testing.T) {
	t.Parallel()
	const id = "11111111-1111-4111-8111-111111111111"
	for text, want := range map[string]Scope{
		"tenant": TenantScope, "/": "", "": "", "Tenant ": TenantScope,
		"managementGroups/Contoso-Root": "managementgroups/contoso-root", "/providers/Microsoft.Management/managementGroups/a.b_(c)": "managementgroups/a.b_(c)",
		"managementGroups/": "", "managementGroups/a/b": "", "managementGroups/a b": "", "managementGroups/../x": "",
		id: id, "/subscriptions/" + id + "/": id, "subscriptions/x": "", "contoso": "",
	} {
		got, err := ParseScope(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("ParseScope(%q): %q, %v, want %q", text, got, err, want)
		}
	}
}

func TestScopeOf(t *testing.T) {
	t.Parallel()
	const id = "11111111-1111-4111-8111-111111111111"
	for _, c := range []struct {
		resource, subscription string
		want                   Scope
		kind                   ScopeKind
		words                  string
	}{
		{"/providers/Microsoft.Authorization", "", TenantScope, TenantKind, "the tenant"},
		{"", "", TenantScope, TenantKind, "the tenant"},
		{"/providers/Microsoft.Management/managementGroups/Root/providers/Microsoft.Authorization/roleAssignments/x", "", "managementgroups/root", GroupKind, "management group root"},
		{"/PROVIDERS/MICROSOFT.MANAGEMENT/MANAGEMENTGROUPS/ROOT", id, "managementgroups/root", GroupKind, "management group root"},
		{"/subscriptions/" + id + "/resourceGroups/x", "", id, SubscriptionKind, "subscription " + id},
		{"", id, id, SubscriptionKind, "subscription " + id},
		{"/", noSubscription, TenantScope, TenantKind, "the tenant"},
		{"/subscriptions/" + noSubscription + "/providers/x", "", TenantScope, TenantKind, "the tenant"},
		{"providers/Microsoft.Management/managementGroups/Contoso%28Prod%29/", id, "managementgroups/contoso(prod)", GroupKind, "management group contoso(prod)"},
		{"/providers/Microsoft.Management/managementGroups/a%2Fb/x", "", "managementgroups/a%2fb", GroupKind, "management group a%2fb"}, // no name of one: nothing is resolved
	} {
		got := ScopeOf(&Event{ResourceID: c.resource, SubscriptionID: c.subscription})
		if got != c.want || got.Kind() != c.kind || got.String() != c.words {
			t.Errorf("%s in %q: %s, %s, %s", c.resource, c.subscription, got, got.Kind(), got.String())
		}
	}
}
