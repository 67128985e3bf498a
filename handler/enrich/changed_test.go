package enrich_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/enrich"
)

// factOf is the value of the named fact of an event, "" when it has none.
func factOf(e activity.Event, o enrich.Options, name string) string {
	for _, f := range enrich.Of(e, o).Facts {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

func TestWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, operation, properties, want string }{
		{
			"a rule for everybody", "microsoft.network/networksecuritygroups/securityrules/write",
			`{"requestbody":{"properties":{"direction":"Inbound","access":"Allow","protocol":"Tcp","sourceAddressPrefix":"0.0.0.0/0","destinationPortRange":"22"}}}`,
			"asked for inbound rule allow-ssh: 0.0.0.0/0 → 22, allow",
		},
		{
			"in the other casing, with lists", "microsoft.network/networksecuritygroups/securityrules/write",
			`{"requestBody":{"Properties":{"Direction":"Inbound","Access":"Deny","SourceAddressPrefixes":["10.0.0.0/8","*"],"DestinationPortRanges":["80","443"]}}}`,
			"asked for inbound rule allow-ssh: 10.0.0.0/8, * → 80, 443, deny",
		},
		{
			"a whole group", "microsoft.network/networksecuritygroups/write",
			`{"requestbody":{"properties":{"securityRules":[` + strings.TrimSuffix(strings.Repeat(`{"name":"r","properties":{"direction":"Outbound","access":"Allow","sourceAddressPrefix":"*","destinationPortRange":"*"}},`, 5), ",") + `]}}}`,
			"asked for outbound rule r: anywhere → every port, allow; outbound rule r: anywhere → every port, allow; outbound rule r: anywhere → every port, allow; and 2 more",
		},
		{
			"what decides on exposure comes first", "microsoft.storage/storageaccounts/write",
			`{"requestbody":{"properties":{"accessTier":"Hot","provisioningState":"Succeeded","publicNetworkAccess":"Enabled","networkAcls":{"defaultAction":"Allow"},"big":10737418240}}}`,
			"asked for networkAcls.defaultAction Allow, publicNetworkAccess Enabled, accessTier Hot, big 10737418240, provisioningState Succeeded",
		},
		{
			"secrets", "microsoft.compute/virtualmachines/write",
			`{"requestbody":{"properties":{"osProfile":{"adminUsername":"root","adminPassword":"correct horse"},"url":"https://x/?sig=abc"}}}`,
			"asked for osProfile.adminUsername root, osProfile.adminPassword (hidden), url (hidden)",
		},
		{
			"ids by their last segment", "microsoft.insights/diagnosticsettings/write",
			`{"requestbody":{"properties":{"workspaceId":"/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w1"}}}`,
			"asked for workspaceId w1",
		},
		{"a role assignment says it better", "microsoft.authorization/roleassignments/write", `{"requestbody":{"properties":{"principalId":"x"}}}`, ""},
		{"no body", "microsoft.storage/storageaccounts/write", `{"requestbody":""}`, ""},
		{"a body that was cut", "microsoft.storage/storageaccounts/write", `{"requestbody":"{\"properties\":{\"a\":…"}`, ""},
		{"a list for a body", "microsoft.storage/storageaccounts/write", `{"requestbody":{"properties":[1,2]}}`, ""},
	} {
		e := activity.Event{Category: activity.Administrative, Operation: c.operation, ResourceName: "allow-ssh", Properties: activity.Properties(c.properties)}
		if got := factOf(e, enrich.Options{}, "Changed"); got != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
	}
}

func TestSecretsAreHidden(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, value string
		hidden      bool
	}{
		{"adminPassword", "x", true},
		{"clientSecret", "short", true},
		{"properties.connectionString", "Server=a", true},
		{"sharedKeyAccess", "true", false}, // a switch
		{"tokenLifetimeMinutes", "60", false},
		{"passwordSecretName", "kv-1", false},
		{"keyVaultUri", "https://kv.vault.azure.net/", false},
		{"x", "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJ", true},
		{"x", "https://st.blob.core.windows.net/c?sv=2022&sig=abc", true},
		{"x", "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=abc", true},
		{"x", "-----BEGIN RSA PRIVATE KEY-----", true},
		{"x", "https://rob:pw@host/", true},
		{"x", "xoxb-1-2", true},
		{"x", "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq", true}, // the emulator's published account key
		{"x", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", true},
		{"x", "e0b3c1d2-4f5a-46b7-88c9-d0e1f2a3b4c5", false},
		{"x", "0.0.0.0/0", false},
		{"x", "Microsoft.Network/networkSecurityGroups", false},
		{"x", "aks-nodepool-production-westeurope", false},
		{"sku.name", "Standard_GRS", false},
		{"publicNetworkAccess", "Enabled", false},
		{"x", "2026-11-22T12:00:00.1234567Z", false},
	} {
		if got := enrich.Secretive(c.name, c.value); got != c.hidden {
			t.Errorf("%s %s: hidden %v, want %v", c.name, c.value, got, c.hidden)
		}
	}
	if got := enrich.Shown("x", strings.Repeat("wide ", 100)); len([]rune(got)) != 60 {
		t.Errorf("shown with %d runes, want 60", len([]rune(got)))
	}
}

func TestWhereACallComesFrom(t *testing.T) {
	t.Parallel()
	known := enrich.Options{Whereabouts: func(a netip.Addr) string {
		if a == netip.MustParseAddr("20.1.2.3") {
			return "Dublin, Ireland"
		}
		return ""
	}}
	for _, c := range []struct{ address, want string }{
		{"20.1.2.3", "20.1.2.3 (Dublin, Ireland)"},
		{"20.1.2.3:51234", "20.1.2.3:51234 (Dublin, Ireland)"},
		{"::ffff:20.1.2.3", "::ffff:20.1.2.3 (Dublin, Ireland)"},
		{"20.9.9.9", "20.9.9.9 (public)"},
		{"10.1.2.3", "10.1.2.3 (private network)"},
		{"fd00::1", "fd00::1 (private network)"},
		{"100.64.1.1", "100.64.1.1 (carrier network)"},
		{"127.0.0.1", "127.0.0.1 (the machine itself)"},
		{"169.254.169.254", "169.254.169.254 (link-local)"},
		{"168.63.129.16", "168.63.129.16 (Azure's own host)"},
		{"0.0.0.0", ""},
		{"", ""},
		{"a proxy", "a proxy"},
	} {
		if got := factOf(activity.Event{CallerIP: c.address}, known, "From"); got != c.want {
			t.Errorf("%s: %q, want %q", c.address, got, c.want)
		}
	}
}

// What was learned is ids' names: every sentence is better by them, none of them is needed.
func TestNamesOfIds(t *testing.T) {
	t.Parallel()
	e := activity.Event{
		Category: activity.Administrative, Operation: "microsoft.authorization/roleassignments/write", Outcome: activity.Succeeded,
		CallerType: activity.ServicePrincipal, Caller: "c0ffee00-0000-0000-0000-000000000001", CallerObjectID: "c0ffee00-0000-0000-0000-000000000001",
		SubscriptionID: "5f1c0a52-7c1e-4b7d-9a41-2d6a8c3e9b10",
		Properties: activity.Properties(`{"requestbody":{"properties":{"principalId":"E0B3C1D2-4f5a-46b7-88c9-d0e1f2a3b4c5","principalType":"User",` +
			`"roleDefinitionId":"/x/11111111-0000-0000-0000-000000000002","scope":"/subscriptions/5f1c0a52-7c1e-4b7d-9a41-2d6a8c3e9b10"}}}`),
	}
	named := enrich.Of(e, enrich.Options{Names: map[string]string{
		"c0ffee00-0000-0000-0000-000000000001": "deploy-pipeline", "e0b3c1d2-4f5a-46b7-88c9-d0e1f2a3b4c5": "Ann Example",
		"11111111-0000-0000-0000-000000000002": "Break-glass operator", "5f1c0a52-7c1e-4b7d-9a41-2d6a8c3e9b10": "Contoso Production",
	}})
	for _, want := range []string{"deploy-pipeline", "granted", "Break-glass operator", "subscription Contoso Production", "Ann Example"} {
		if !strings.Contains(named.Sentence, want) {
			t.Errorf("the sentence %q does not say %q", named.Sentence, want)
		}
	}
	if !strings.HasPrefix(named.Headline, "Break-glass operator role granted") {
		t.Errorf("headline %q", named.Headline)
	}
	bare := enrich.Of(e, enrich.Options{})
	if bare.Sentence == "" || strings.Contains(bare.Sentence, "Ann") {
		t.Errorf("without names: %q", bare.Sentence)
	}
}

func TestFactsFromElsewhereTakeTheirPlace(t *testing.T) {
	t.Parallel()
	v := enrich.Of(activity.Event{Category: activity.Administrative, Caller: "rob", ResourceGroup: "rg", Operation: "a/b/write", Outcome: activity.Succeeded}, enrich.Options{})
	v.Put(enrich.Fact{Name: "Changed", Value: "x: 1 → 2"})
	v.Put(enrich.Fact{Name: "Changed", Value: "x: 1 → 3"})
	v.Put(enrich.Fact{Name: "Where", Value: "elsewhere"})
	v.Put(enrich.Fact{Name: "Unheard of", Value: "last"})
	var got []string
	for _, f := range v.Facts {
		got = append(got, f.Name)
	}
	if want := "Who Changed Where Operation Unheard of"; strings.Join(got, " ") != want {
		t.Errorf("facts %q, want %q", strings.Join(got, " "), want)
	}
	if v.Facts[1].Value != "x: 1 → 3" || v.Facts[2].Value != "elsewhere" {
		t.Errorf("facts %v", v.Facts)
	}
}
