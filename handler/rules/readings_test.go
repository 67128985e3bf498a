package rules_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/handler/rules/rulestest"
)

const (
	ownerRole  = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
	readerRole = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
	roleFolder = "/subscriptions/00000000-0000-4000-8000-000000000001/providers/Microsoft.Authorization/roleDefinitions/"
)

// sent is an event of the library's kind whose request body is the text, delivered as Azure does: within a record.
func sent(t *testing.T, operation, resource, body string) activity.Event {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	record := fmt.Sprintf(`{"operationName":{"value":%q},"status":{"value":"Succeeded"},"category":{"value":"Administrative"},"eventTimestamp":"2026-03-04T05:06:07Z",`+
		`"caller":"eve@contoso.example","correlationId":"c","eventDataId":"e","resourceId":"/subscriptions/00000000-0000-4000-8000-000000000001%s","properties":{"requestbody":%s}}`,
		operation, resource, text)
	events := decode([]byte(record))
	if len(events) != 1 {
		t.Fatalf("%d events of %s", len(events), record)
	}
	return events[0]
}

func met(set *rules.Set, e activity.Event) string {
	var ids []string
	for _, r := range set.Match(nil, &e) {
		ids = append(ids, r.ID)
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

// A resource provider takes spellings that strict readers do not; the rule must see what it may take.
func TestRoleBodies(t *testing.T) {
	t.Parallel()
	_, set := rulestest.Library(t)
	owner := func(id string) string { return `{"properties":{"roleDefinitionId":"` + id + `","principalId":"p"}}` }
	many := `{"properties":{`
	for range 20 {
		many += `"roleDefinitionId":"` + roleFolder + readerRole + `",`
	}
	many += `"principalId":"p"}}`
	for name, c := range map[string]struct{ body, want, not string }{
		"reader":                     {owner(roleFolder + readerRole), "role-assignment-alert", "role-assignment-owner"},
		"owner":                      {owner(roleFolder + ownerRole), "role-assignment-owner", "request-unreadable"},
		"twice, owner last":          {`{"properties":{"roleDefinitionId":"` + roleFolder + readerRole + `","roleDefinitionId":"` + roleFolder + ownerRole + `"}}`, "role-assignment-owner", "request-unreadable"},
		"twice, owner first":         {`{"properties":{"roleDefinitionId":"` + roleFolder + ownerRole + `","roleDefinitionId":"` + roleFolder + readerRole + `"}}`, "role-assignment-owner", "request-unreadable"},
		"in two cases":               {`{"properties":{"roleDefinitionId":"` + roleFolder + readerRole + `","RoleDefinitionId":"` + roleFolder + ownerRole + `"}}`, "role-assignment-owner", "request-unreadable"},
		"two properties":             {`{"properties":{"roleDefinitionId":"` + roleFolder + readerRole + `"},"Properties":{"roleDefinitionId":"` + roleFolder + ownerRole + `"}}`, "role-assignment-owner", "request-unreadable"},
		"capitals":                   {owner(strings.ToUpper(roleFolder + ownerRole)), "role-assignment-owner", "request-unreadable"},
		"a slash behind":             {owner(roleFolder + ownerRole + "/"), "role-assignment-owner", "request-unreadable"},
		"the GUID alone":             {owner(ownerRole), "role-assignment-owner", "request-unreadable"},
		"the GUID in braces":         {owner(roleFolder + "{" + ownerRole + "}"), "role-assignment-owner", "request-unreadable"},
		"the GUID without hyphens":   {owner(roleFolder + strings.ReplaceAll(ownerRole, "-", "")), "role-assignment-owner", "request-unreadable"},
		"the GUID percent-encoded":   {owner(roleFolder + "%7B" + ownerRole + "%7D"), "role-assignment-owner", "request-unreadable"},
		"a hyphen encoded":           {owner(roleFolder + strings.Replace(ownerRole, "-", "%2D", 1)), "role-assignment-owner", "request-unreadable"},
		"encoded twice":              {owner(strings.ReplaceAll(roleFolder, "/", "%252F") + ownerRole), "role-assignment-owner", "request-unreadable"},
		"a query behind it":          {owner(roleFolder + ownerRole + "?api-version=2022-04-01"), "role-assignment-owner", "request-unreadable"},
		"a fragment behind it":       {owner(roleFolder + ownerRole + "#" + readerRole), "role-assignment-owner", "request-unreadable"},
		"blanks around":              {owner(" " + roleFolder + ownerRole + " "), "role-assignment-owner", "request-unreadable"},
		"an escaped name":            {strings.Replace(owner(roleFolder+ownerRole), "roleDefinitionId", `roleDefiniti\u006fnId`, 1), "role-assignment-owner", "request-unreadable"},
		"a letter that folds":        {strings.Replace(owner(roleFolder+ownerRole), "roleDefinitionId", "roleDefinitionId", 1), "role-assignment-owner", "request-unreadable"},
		"comments":                   {"/*x*/" + owner(roleFolder+ownerRole) + "//y", "role-assignment-owner", "request-unreadable"},
		"a comma too many":           {`{"properties":{"roleDefinitionId":"` + roleFolder + ownerRole + `",},}`, "role-assignment-owner", "request-unreadable"},
		"a byte order mark":          {"\ufeff" + owner(roleFolder+ownerRole), "role-assignment-owner", "request-unreadable"},
		"single quotes":              {strings.ReplaceAll(owner(roleFolder+ownerRole), `"`, "'"), "role-assignment-owner", "request-unreadable"},
		"names without quotes":       {`{properties:{roleDefinitionId:"` + roleFolder + ownerRole + `"}}`, "role-assignment-owner", "request-unreadable"},
		"a raw line break":           {`{"x":"a` + "\n" + `b","properties":{"roleDefinitionId":"` + roleFolder + ownerRole + `"}}`, "role-assignment-owner", "request-unreadable"},
		"a huge number":              {`{"x":1e999,"properties":{"roleDefinitionId":"` + roleFolder + ownerRole + `"}}`, "role-assignment-owner", "request-unreadable"},
		"deep junk before":           {`{"x":` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + `,"properties":{"roleDefinitionId":"` + roleFolder + ownerRole + `"}}`, "role-assignment-owner", "request-unreadable"},
		"very deep junk before":      {`{"x":` + strings.Repeat("[", 200_000) + strings.Repeat("]", 200_000) + `,"properties":{"roleDefinitionId":"` + roleFolder + ownerRole + `"}}`, "role-assignment-owner", "request-unreadable"},
		"cut behind the role":        {`{"properties":{"roleDefinitionId":"` + roleFolder + ownerRole + `","pri`, "role-assignment-owner request-unreadable", "x"},
		"cut before the role":        {`{"properties":{"princip`, "request-unreadable", "role-assignment-owner"},
		"no JSON":                    {`roleDefinitionId=` + ownerRole, "request-unreadable", "role-assignment-owner"},
		"in more than sixteen ways":  {many, "request-unreadable", "role-assignment-owner"},
		"twenty readers, one owner":  {strings.Replace(many, "principalId", `roleDefinitionId":"`+roleFolder+ownerRole+`","x`, 1), "role-assignment-owner request-unreadable", "x"},
		"no value":                   {`{"properties":{"roleDefinitionId":null}}`, "role-assignment-alert", "role-assignment-owner"},
		"owner in the wrong member":  {`{"properties":{"roleDefinitionId":"` + roleFolder + readerRole + `","description":"` + roleFolder + ownerRole + `"}}`, "role-assignment-alert", "role-assignment-owner"},
		"two roles in one id":        {owner(roleFolder + readerRole + "/roleDefinitions/" + ownerRole), "role-assignment-owner", "request-unreadable"},
		"a query behind is no GUID":  {owner(roleFolder + ownerRole + "zz"), "role-assignment-alert", "role-assignment-owner"},
		"an object in place of a id": {`{"properties":{"roleDefinitionId":{"x":"` + ownerRole + `"}}}`, "role-assignment-alert", "role-assignment-owner"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := met(set, sent(t, "Microsoft.Authorization/roleAssignments/write", "/providers/Microsoft.Authorization/roleAssignments/11111111-1111-4111-8111-111111111111", c.body))
			for want := range strings.FieldsSeq(c.want) {
				if !slices.Contains(strings.Fields(got), want) {
					t.Errorf("met %s, want %s, for %.300s", got, want, c.body)
				}
			}
			if slices.Contains(strings.Fields(got), c.not) {
				t.Errorf("met %s, must not meet %s, for %.300s", got, c.not, c.body)
			}
		})
	}
}

func TestNetworkBodies(t *testing.T) {
	t.Parallel()
	_, set := rulestest.Library(t)
	rule := func(source string) string {
		return `{"properties":{"access":"Allow","direction":"Inbound","protocol":"*","sourceAddressPrefix":"` + source + `","destinationPortRange":"*"}}`
	}
	cases := map[string]bool{
		rule("*"): true, rule("10.0.0.0/8"): false, rule("AzureCloud"): false, rule("VirtualNetwork"): false, rule("203.0.113.7"): false, rule(""): false,
		`{"properties":{"access":"Deny","access":"Allow","direction":"Inbound","sourceAddressPrefix":"*"}}`:                                                                                                                        true,
		`{"properties":{"access":"Allow","direction":"Inbound","sourceAddressPrefix":"10.0.0.1","sourceAddressPrefix":"*"}}`:                                                                                                       true,
		`{"properties":{"access":"Deny"},"properties":{"access":"Allow","direction":"Inbound","sourceAddressPrefix":"*"}}`:                                                                                                         true,
		`{"PROPERTIES":{"ACCESS":"allow","DIRECTION":"inbound","SOURCEADDRESSPREFIX":"*"}}`:                                                                                                                                        true,
		`{"properties":{"\u0061ccess":"\u0041llow","direction":"Inbound","sourceAddressPrefi\u0078":"\u002a"}}`:                                                                                                                    true,
		`{"properties":{"access":"Allow","direction":"Inbound","sourceAddressPrefixes":["0.0.0.0/1","128.0.0.0/1"]}}`:                                                                                                              true,
		`{"properties":{"access":"Allow","direction":"Inbound","sourceAddressPrefix":"0.0.0.0/2","sourceAddressPrefixes":["64.0.0.0/2"]}}`:                                                                                         true,
		`{"properties":{"access":"Allow","direction":"Inbound","sourceAddressPrefixes":["0.0.0.0/2","10.0.0.0/8"]}}`:                                                                                                               false,
		`{"properties":{"access":"Allow","direction":"Outbound","sourceAddressPrefix":"*"}}`:                                                                                                                                       false,
		`{"properties":{"securityRules":[{"properties":{"access":"Allow","direction":"Inbound","sourceAddressPrefix":"*"}}]}}`:                                                                                                     true,
		`{"properties":{"securityRules":[{"properties":{"access":"Deny","direction":"Inbound","sourceAddressPrefix":"*"}}]}}`:                                                                                                      false,
		`{"properties":{"securityRules":[{"properties":{"access":"Allow","direction":"Inbound","sourceAddressPrefix":"0.0.0.0/1"}},{"properties":{"access":"Allow","direction":"Inbound","sourceAddressPrefix":"128.0.0.0/1"}}]}}`: true,
		"/*x*/" + rule("*"): true, "\ufeff" + rule("*"): true, strings.ReplaceAll(rule("*"), `"`, "'"): true,
		`{"x":"` + strings.Repeat("A", 900_000) + `",` + rule("*")[1:]:                      true,
		`{"x":` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + "," + rule("*")[1:]: true,
	}
	for _, source := range []string{
		"0.0.0.0/0", "::/0", "Internet", "internet", "Any", "0.0.0.0/1", "128.0.0.0/1", "0.0.0.0/00", "0.0.0.0", " * ", "*,10.0.0.0/8",
		"0.0.0.0-255.255.255.255", "2000::/3", "2000::/4", "::/1", "0.0.0.0/0.0.0.0", "000.0.0.0/0", "::ffff:0:0/96", "10.0.0.0/8,0.0.0.0/0", "0.0.0.0 - 127.255.255.255",
	} {
		cases[rule(source)] = true
	}
	for _, source := range []string{"2001:db8::/32", "2000::/5", "0.0.0.0/2", "::1", "fe80::/10", "fc00::/7", "10.0.0.0-10.255.255.255", "x/0"} {
		cases[rule(source)] = false
	}
	for body, want := range cases {
		operation, resource := "Microsoft.Network/networkSecurityGroups/securityRules/write", "/resourceGroups/rg/providers/Microsoft.Network/networkSecurityGroups/nsg/securityRules/web"
		if strings.Contains(body, "securityRules") {
			operation = "Microsoft.Network/networkSecurityGroups/write"
		}
		got := met(set, sent(t, operation, resource, body))
		if strings.Contains(got, "nsg-rule-opened") != want {
			t.Errorf("met %q, want opened %v, for %.300s", got, want, body)
		}
	}
}

func TestOtherServicesOpened(t *testing.T) {
	t.Parallel()
	_, set := rulestest.Library(t)
	for _, c := range []struct {
		operation, rule, body string
		want                  bool
	}{
		{"Microsoft.Sql/servers/firewallRules/write", "sql-firewall-opened", `{"properties":{"startIpAddress":"1.0.0.0","endIpAddress":"200.0.0.0"}}`, true},
		{"Microsoft.Sql/servers/firewallRules/write", "sql-firewall-opened", `{"properties":{"startIpAddress":"203.0.113.7","endIpAddress":"203.0.113.7","EndIpAddress":"255.255.255.255","StartIpAddress":"0.0.0.0"}}`, true},
		{"Microsoft.Sql/servers/firewallRules/write", "sql-firewall-opened", `{"values":[{"properties":{"startIpAddress":"0.0.0.0","endIpAddress":"126.0.0.0"}},{"properties":{"startIpAddress":"126.0.0.1","endIpAddress":"200.0.0.0"}}]}`, true},
		{"Microsoft.Sql/servers/firewallRules/write", "sql-firewall-opened", `{"properties":{"startIpAddress":"10.0.0.0","endIpAddress":"10.0.0.255"}}`, false},
		{"Microsoft.KeyVault/vaults/write", "keyvault-network-opened", `{"properties":{"networkAcls":{"defaultAction":"Deny","defaultAction":"Allow"}}}`, true},
		{"Microsoft.KeyVault/vaults/write", "keyvault-network-opened", `{"properties":{"networkAcls":{"defaultAction":"Deny","ipRules":[{"value":"0.0.0.0/1"},{"value":"128.0.0.0/2"}]}}}`, true},
		{"Microsoft.KeyVault/vaults/write", "keyvault-network-opened", `{"properties":{"networkAcls":{"defaultAction":"Deny","ipRules":[{"value":"203.0.113.0/24"}]}}}`, false},
		{"Microsoft.Storage/storageAccounts/write", "storage-network-opened", `{"properties":{"networkAcls":{"defaultAction":"Deny"}},"properties":{"networkAcls":{"defaultAction":"Allow"}}}`, true},
		{"Microsoft.Storage/storageAccounts/write", "storage-network-opened", `{"properties":{"publicNetworkAccess":"Enabled","networkAcls":{"defaultAction":"Deny"}}}`, false},
		{"Microsoft.DocumentDB/databaseAccounts/write", "cosmos-network-opened", `{"properties":{"ipRangeFilter":"10.0.0.0/8,0.0.0.0/0"}}`, true},
		{"Microsoft.DocumentDB/databaseAccounts/write", "cosmos-network-opened", `{"properties":{"publicNetworkAccess":"Enabled","ipRules":[{"ipAddressOrRange":"203.0.113.7"}]}}`, false},
	} {
		got := met(set, sent(t, c.operation, "/resourceGroups/rg/providers/x/y/z", c.body))
		if strings.Contains(got, c.rule) != c.want {
			t.Errorf("met %q, want %s %v, for %s", got, c.rule, c.want, c.body)
		}
	}
}

// An exception, and a part of a rule that is negated, applies only when it does however the request is read.
func TestDoubtNeverSilences(t *testing.T) {
	t.Parallel()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte("properties.requestbody.properties.roleDefinitionId|endswith: /"+readerRole), &doc); err != nil {
		t.Fatal(err)
	}
	selection, problems := rules.ReadSelection(doc.Content[0], "exceptions.yaml")
	if problems != nil {
		t.Fatal(problems)
	}
	filtered := compile(t, map[string]string{"r.yml": ruleWith("o:\n  operationName|endswith: /roleAssignments/write\nf:\n  properties.requestbody.properties.roleDefinitionId|endswith: /" + readerRole + "\ncondition: o and not f")})
	for body, silent := range map[string]bool{
		`{"properties":{"roleDefinitionId":"` + roleFolder + readerRole + `"}}`:                                                                true,
		`{"properties":{"roleDefinitionId":"` + roleFolder + readerRole + `","roleDefinitionId":"` + roleFolder + readerRole + `"}}`:           true,
		`{"properties":{"roleDefinitionId":"` + roleFolder + readerRole + `","roleDefinitionId":"` + roleFolder + ownerRole + `"}}`:            false,
		`{"properties":{"roleDefinitionId":"` + roleFolder + ownerRole + `","RoleDefinitionID":"` + roleFolder + readerRole + `"}}`:            false,
		`{"properties":{"roleDefinitionId":"` + roleFolder + readerRole + `"},"properties":{}}`:                                                false,
		`/**/{"properties":{"roleDefinitionId":"` + roleFolder + readerRole + `"}}`:                                                            false,
		`{"properties":{"roleDefinitionId":"` + roleFolder + readerRole + `"},"properties.roleDefinitionId":"` + roleFolder + ownerRole + `"}`: false,
		`{"properties":{"roleDefinitionId":"` + roleFolder + ownerRole + `"}}`:                                                                 false,
	} {
		e := sent(t, "Microsoft.Authorization/roleAssignments/write", "/providers/Microsoft.Authorization/roleAssignments/1", body)
		if got := selection.Matches(&e); got != silent {
			t.Errorf("the exception applies: %v, want %v, for %s", got, silent, body)
		}
		if got := len(filtered.Match(nil, &e)) == 0; got != silent {
			t.Errorf("the filter applies: %v, want %v, for %s", got, silent, body)
		}
	}
}

// A keyword is found in every reading of a request, and silences only where it stands in each of them.
func TestKeywordsInDoubt(t *testing.T) {
	t.Parallel()
	const operation = "s:\n  operationName|endswith: /roleAssignments/write\n"
	filtered := compile(t, map[string]string{"r.yml": ruleWith(operation + "f: [approved-by-change]\ncondition: s and not f")})
	found := compile(t, map[string]string{"r.yml": ruleWith(operation + "f: [approved-by-change]\ncondition: s and f")})
	both := compile(t, map[string]string{"r.yml": ruleWith(operation + "f: {'|all': [approved-by-change, owner-of-all]}\ncondition: s and f")})
	const word, hidden = `"description":"approved-by-change"`, `"description":"\u0061pproved-by-change"`
	for body, want := range map[string]struct{ filtered, found, both bool }{
		`{"properties":{` + word + `}}`:                                            {false, true, false},
		`{"properties":{` + hidden + `}}`:                                          {false, true, false},
		`{"properties":{` + word + `,"description":"x"}}`:                          {true, true, false},
		`{"properties":{` + word + `},"Properties":{}}`:                            {true, true, false},
		`/**/{"properties":{` + word + `}}`:                                        {true, true, false},
		`{'properties':{` + strings.ReplaceAll(hidden, `"`, "'") + `}}`:            {true, true, false},
		`{"properties":{` + word + `,"a":"owner-of-all"},"b":1,"B":2}`:             {true, true, true},
		`{"properties":{"description":"x"}}`:                                       {true, false, false},
		`/**/{"properties":{"description":"x"}}`:                                   {true, false, false},
		`{"properties":{"path":"C:\\approved-by-change\\x","a":"\\owner-of-all"}}`: {false, true, true},
	} {
		e := sent(t, "Microsoft.Authorization/roleAssignments/write", "/providers/Microsoft.Authorization/roleAssignments/1", body)
		got := [3]bool{len(filtered.Match(nil, &e)) > 0, len(found.Match(nil, &e)) > 0, len(both.Match(nil, &e)) > 0}
		if got != [3]bool{want.filtered, want.found, want.both} {
			t.Errorf("matches although filtered, with the word, with both: %v, want %v, for %s", got, want, body)
		}
	}
}

// What stands in text within text is a text of its own, with its escapes resolved, however the outer text writes these.
func TestKeywordsWithinText(t *testing.T) {
	t.Parallel()
	word := compile(t, map[string]string{"r.yml": ruleWith("f: [approved-by-change]\ncondition: f")})
	whole := compile(t, map[string]string{"r.yml": ruleWith("f: {'|re': '^approved-by-change$'}\ncondition: f")})
	for _, properties := range []string{
		`{"requestbody":"{'description':'approved-by-change'}"}`,
		`{"requestbody":"{'description':'\\u0061pproved-by-change'}"}`,
		`{"requestbody":"{'description':'\u005cu0061pproved-by-change'}"}`,
		`{"ResponseBody":"{'description':'\u005Cu0061pproved-by-change'}"}`,
	} {
		e := activity.Event{Properties: activity.Properties(properties)}
		if len(word.Match(nil, &e)) == 0 || len(whole.Match(nil, &e)) == 0 {
			t.Errorf("the word is not found in %s", properties)
		}
	}
}

// A body may hold as many readings as fit into it; judging them must not take longer than reading them.
func TestManyReadingsAreJudgedInTime(t *testing.T) {
	t.Parallel()
	_, set := rulestest.Library(t)
	many := func(member string) string { return `{"properties":{` + strings.Repeat(member+",", 20_000) + `"x":1}}` }
	for _, c := range []struct{ operation, body, want string }{
		{"Microsoft.Authorization/roleAssignments/write", many(`"roleDefinitionId":"` + roleFolder + readerRole + `"`), "request-unreadable"},
		{"Microsoft.Authorization/roleAssignments/write", many(`"roleDefinitionId":"` + roleFolder + ownerRole + `"`), "role-assignment-owner"},
		{"Microsoft.Sql/servers/firewallRules/write", many(`"startIpAddress":"10.0.0.1","endIpAddress":"10.0.0.2"`), "sql-firewall-opened"},
		{"Microsoft.Network/networkSecurityGroups/write", `{"properties":{"securityRules":[` + strings.Repeat(`{"properties":{"access":"Allow","direction":"Inbound","sourceAddressPrefix":"10.0.0.0/8"}},`, 10_000) + `{}]}}`, "nsg-write"},
		{"Microsoft.Network/networkSecurityGroups/securityRules/write", `{"a":"` + strings.Repeat(`\\\"`, 100_000) + `","properties":{"access":"Allow","direction":"Inbound","sourceAddressPrefix":"*"},}`, "nsg-rule-opened"},
	} {
		if got := met(set, sent(t, c.operation, "/resourceGroups/rg/providers/x/y/z", c.body)); !strings.Contains(got, c.want) {
			t.Errorf("met %q, want %s, for %.100s", got, c.want, c.body)
		}
	}
}
