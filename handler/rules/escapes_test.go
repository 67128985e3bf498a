package rules_test

import (
	"fmt"
	"slices"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/payload"
	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/handler/rules/rulestest"
)

// TestNamesReadAsTheProviderReadsThem writes the member names of a request with escapes and in other cases, as JSON and as JSON in
// a string. Providers resolve both before they compare (System.Text.Json, Newtonsoft.Json); so must the event, which says whether
// it carries a request, and the rules.
func TestNamesReadAsTheProviderReadsThem(t *testing.T) {
	t.Parallel()
	_, set := rulestest.Library(t)
	const role = `/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635`
	for _, c := range []struct {
		body, properties, role string
		is                     bool
	}{
		{`requestbody`, `properties`, `roleDefinitionId`, true},
		{`\u0072equestbody`, `properties`, `roleDefinitionId`, true},
		{`\u0052EQUESTBOD\u0059`, `pr\u006Fperties`, `ROLEdefinition\u0049d`, true},
		{`\u0072\u0065\u0071\u0075\u0065\u0073\u0074\u0062\u006f\u0064\u0079`, `Properties`, `\u0072oleDefinitionId`, true},
		{`requestBody`, `propert\u0069es`, `roledefinitionid`, true},
		{`request\u0000body`, `properties`, `roleDefinitionId`, false},
		{`\\u0072equestbody`, `properties`, `roleDefinitionId`, false},
		{`r\u0435questbody`, `properties`, `roleDefinitionId`, false}, // a Cyrillic letter
		{`requestbody`, `propertie\u0455`, `roleDefinitionId`, false},
	} {
		inner := fmt.Sprintf(`{"%s":{"%s":%q}}`, "%s", c.role, role)
		inner = fmt.Sprintf(inner, c.properties)
		for form, body := range map[string]string{"an object": inner, "a text": fmt.Sprintf("%q", inner)} {
			record := fmt.Sprintf(`{"records":[{"time":"2026-11-22T12:00:00Z","operationName":"MICROSOFT.AUTHORIZATION/ROLEASSIGNMENTS/WRITE","category":"Administrative","resultType":"Success",`+
				`"resourceId":"/subscriptions/5f1c0a52-7c1e-4b7d-9a41-2d6a8c3e9b10/providers/Microsoft.Authorization/roleAssignments/1","correlationId":"c","properties":{"%s":%s}}]}`, c.body, body)
			readings := payload.Decode([]byte(record))
			if len(readings) != 1 || readings[0].Event.Operation == "" {
				t.Fatalf("%s as %s: %+v", c.body, form, readings)
			}
			e := readings[0].Event
			owner := slices.ContainsFunc(set.Match(nil, &e), func(r *rules.Rule) bool { return r.ID == "role-assignment-owner-wide" })
			if owner != c.is {
				t.Errorf("%s, %s, %s as %s: the rule matches %v, want %v", c.body, c.properties, c.role, form, owner, c.is)
			}
			raw := e
			raw.Properties = activity.Properties(fmt.Sprintf(`{"%s":%s}`, c.body, inner)) // as a store or Azure may have it written
			if got := raw.Properties.Text("requestbody", "properties", "roleDefinitionId") == role; got != c.is {
				t.Errorf("%s, %s, %s: the member is read %v, want %v", c.body, c.properties, c.role, got, c.is)
			}
		}
	}
}

// TestALetterThatFoldsNeverSilences has a resource group whose name Go folds to that of another, which Azure keeps apart: a rule
// that asks for the name matches, a filter or an exception of that name does not apply.
func TestALetterThatFoldsNeverSilences(t *testing.T) {
	t.Parallel()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte("resourceGroup: backups"), &doc); err != nil {
		t.Fatal(err)
	}
	exception, problems := rules.ReadSelection(doc.Content[0], "exceptions.yaml")
	if problems != nil {
		t.Fatal(problems)
	}
	filtered := compile(t, map[string]string{"r.yml": ruleWith("o:\n  operationName|endswith: /write\nf:\n  resourceGroup: backups\ncondition: o and not f")})
	asked := compile(t, map[string]string{"r.yml": ruleWith("o:\n  resourceGroup|startswith: backup\ncondition: o")})
	for group, same := range map[string]bool{"backups": true, "BackupS": true, "bac\u212aups": false, "backup\u017f": false} {
		e := sent(t, "Microsoft.KeyVault/vaults/write", "/resourceGroups/"+group+"/providers/Microsoft.KeyVault/vaults/kv", "")
		if got := exception.Matches(&e); got != same {
			t.Errorf("the exception applies to %q: %v, want %v", group, got, same)
		}
		if got := len(filtered.Match(nil, &e)) == 0; got != same {
			t.Errorf("the filter applies to %q: %v, want %v", group, got, same)
		}
		if len(asked.Match(nil, &e)) == 0 {
			t.Errorf("a rule that asks for the name leaves %q out", group)
		}
		if want := activity.Lower(group); e.ResourceGroup != want {
			t.Errorf("%q is read as %q", group, e.ResourceGroup)
		}
	}
}
