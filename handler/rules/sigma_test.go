package rules_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/rules"
)

// ruleWith makes a rule file around a detection block.
func ruleWith(detection string) string {
	indented := strings.ReplaceAll(strings.Trim(detection, "\n"), "\n", "\n  ")
	return "title: t\nid: 11111111-1111-4111-8111-111111111111\nlogsource:\n  product: azure\n  service: activitylogs\n" +
		"level: medium\ndetection:\n  " + indented + "\n"
}

// loaded loads files, named by their paths.
func loaded(t testing.TB, files map[string]string) []*rules.Rule {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	all, err := rules.Load(fsys, ".")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// compile loads files and compiles them.
func compile(t testing.TB, files map[string]string) *rules.Set {
	t.Helper()
	set, err := rules.Compile(loaded(t, files))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// grant is an event with something in every field that the cases ask for.
func grant() activity.Event {
	return activity.Event{
		ID: "e1", Form: activity.FormREST, Category: activity.Administrative, Level: activity.Informational,
		Operation: "microsoft.authorization/roleassignments/write", OperationDisplay: "Create role assignment",
		Outcome: activity.Succeeded, SubStatus: "Created", Caller: "Ada@Contoso.example", CallerIP: "203.0.113.7",
		CallerObjectID: "0b1e", SubscriptionID: "5a5a", ResourceGroup: "rg-web",
		ResourceID:   "/subscriptions/5a5a/resourcegroups/rg-web/providers/microsoft.web/sites/app",
		ResourceType: "microsoft.web/sites", Description: "",
		Properties: activity.Properties(`{"requestbody":{"Properties":{"RoleDefinitionId":"/x/8e3af657","n":5}},"isHIR":false,` +
			`"durationMs":"250","empty":"","nothing":null,"list":[{"id":"a1"},{"id":"b2"}],"path":"C:\\temp\\x*y","quote":"say \"hi\"",` +
			`"claims":{"upn":"ada@contoso.example","appid":"f00"},"a.b":{"c":"dots"},"name":"Größe ΣΊΓΜΑ"}`),
	}
}

// cases are detections and whether grant meets them.
var cases = []struct {
	name, detection string
	want            bool
}{
	{"equality ignores case", "s:\n  operationName: MICROSOFT.Authorization/RoleAssignments/WRITE\ncondition: s", true},
	{"equality is not containment", "s:\n  operationName: roleAssignments\ncondition: s", false},
	{"list is any of", "s:\n  operationName: [x, Microsoft.Authorization/roleAssignments/write]\ncondition: s", true},
	{"mapping is all of", "s:\n  operationName: Microsoft.Authorization/roleAssignments/write\n  category: Policy\ncondition: s", false},
	{"list of mappings is any of", "s:\n  - category: Policy\n  - category: Administrative\ncondition: s", true},
	{"the display name answers too", "s:\n  operationName: create role assignment\ncondition: s", true},
	{"contains", "s:\n  operationName|contains: ROLEASSIGN\ncondition: s", true},
	{"startswith", "s:\n  operationName|startswith: Microsoft.Authorization/\ncondition: s", true},
	{"startswith is not contains", "s:\n  operationName|startswith: Authorization\ncondition: s", false},
	{"endswith", "s:\n  operationName|endswith: [/delete, /WRITE]\ncondition: s", true},
	{"endswith is not contains", "s:\n  operationName|endswith: roleAssignments\ncondition: s", false},
	{"all", "s:\n  operationName|contains|all: [authorization, write]\ncondition: s", true},
	{"all needs every one", "s:\n  operationName|contains|all: [authorization, delete]\ncondition: s", false},
	{"star inside", "s:\n  operationName: microsoft.*/write\ncondition: s", true},
	{"star at both ends", "s:\n  operationName: '*roleassignments*'\ncondition: s", true},
	{"star alone needs a value", "s:\n  caller_app_id: '*'\ncondition: s", false},
	{"star alone takes any value", "s:\n  caller: '*'\ncondition: s", true},
	{"question mark is one character", "s:\n  sub_status: Creat?d\ncondition: s", true},
	{"question mark is not none", "s:\n  sub_status: Created?\ncondition: s", false},
	{"question mark is one rune", "s:\n  properties.name: gr??e*\ncondition: s", true},
	{"escaped star is a star", `s:` + "\n" + `  properties.path: C:\temp\x\*y` + "\ncondition: s", true},
	{"unescaped star is not", `s:` + "\n" + `  properties.path: C:\te*y` + "\ncondition: s", true},
	{"escaped star does not jump", `s:` + "\n" + `  properties.path: C:\te\*y` + "\ncondition: s", false},
	{"double backslash is one", `s:` + "\n" + `  properties.path|contains: C:\\temp` + "\ncondition: s", true},
	{"letters beyond ASCII fold", "s:\n  properties.name: GRÖSSE*\ncondition: s", false},
	{"sigma folds", "s:\n  properties.name|endswith: σίγμα\ncondition: s", true},
	{"final sigma folds", "s:\n  properties.name|contains: ςίγ\ncondition: s", true},

	{"Success means Succeeded", "s:\n  status: Success\ncondition: s", true},
	{"Succeeded in the export's field", "s:\n  resultType: Succeeded\ncondition: s", true},
	{"Log Analytics' status", "s:\n  ActivityStatusValue|startswith: Succ\ncondition: s", true},
	{"another outcome", "s:\n  status: Failed\ncondition: s", false},
	{"Information means Informational", "s:\n  level: Information\ncondition: s", true},
	{"the older export's category", "s:\n  category: Write\ncondition: s", true},

	{"null is missing", "s:\n  properties.absent: null\ncondition: s", true},
	{"null is null", "s:\n  properties.nothing: null\ncondition: s", true},
	{"null is not empty", "s:\n  properties.empty: null\ncondition: s", false},
	{"empty is empty", "s:\n  properties.empty: ''\ncondition: s", true},
	{"empty is not missing", "s:\n  properties.absent: ''\ncondition: s", false},
	{"own fields are omitted when empty", "s:\n  description: ''\ncondition: s", true},
	{"null among others", "s:\n  caller_app_id: [x, null]\ncondition: s", true},
	{"exists", "s:\n  caller|exists: true\ncondition: s", true},
	{"exists false", "s:\n  caller|exists: false\ncondition: s", false},
	{"missing", "s:\n  properties.absent|exists: false\ncondition: s", true},

	{"number in a string", "s:\n  properties.durationMs: 250\ncondition: s", true},
	{"number as a number", "s:\n  properties.requestbody.properties.n: 5.0\ncondition: s", true},
	{"boolean", "s:\n  properties.isHIR: false\ncondition: s", true},
	{"gt", "s:\n  properties.durationMs|gt: 249\ncondition: s", true},
	{"gt is strict", "s:\n  properties.durationMs|gt: 250\ncondition: s", false},
	{"gte", "s:\n  properties.durationMs|gte: 250\ncondition: s", true},
	{"lt", "s:\n  properties.durationMs|lt: 250.5\ncondition: s", true},
	{"lte", "s:\n  properties.durationMs|lte: 249\ncondition: s", false},
	{"order of what is no number", "s:\n  properties.path|gt: 0\ncondition: s", false},
	{"neq", "s:\n  caller|neq: grace\ncondition: s", true},

	{"re", `s:` + "\n" + `  operationName|re: ^microsoft\.[a-z]+/role` + "\ncondition: s", true},
	{"re minds case", `s:` + "\n" + `  operationName|re: ROLEASSIGNMENTS/WRITE$` + "\ncondition: s", false},
	{"re|i ignores case", `s:` + "\n" + `  operationName|re|i: ROLEASSIGNMENTS/WRITE$` + "\ncondition: s", true},
	{"re cased", `s:` + "\n" + `  operationName|re|cased: ROLEASSIGNMENTS` + "\ncondition: s", false},
	{"re in the display name's case", `s:` + "\n" + `  operationName|re|cased: ^Create ` + "\ncondition: s", true},
	{"cased", "s:\n  caller|cased: Ada@Contoso.example\ncondition: s", true},
	{"cased tells cases apart", "s:\n  caller|cased: ada@contoso.example\ncondition: s", false},
	{"cidr", "s:\n  callerIpAddress|cidr: 203.0.113.0/24\ncondition: s", true},
	{"cidr list", "s:\n  callerIpAddress|cidr: [10.0.0.0/8, '2001:db8::/32']\ncondition: s", false},
	{"base64", "s:\n  properties.b|base64: hello\ncondition: s", false},

	{"nested, in any case", "s:\n  properties.requestBody.properties.roleDefinitionID|endswith: 8E3AF657\ncondition: s", true},
	{"Log Analytics' properties", "s:\n  Properties_d.requestbody.Properties.RoleDefinitionId: /X/8e3af657\ncondition: s", true},
	{"older export's nesting", "s:\n  properties.eventProperties.durationMs: '250'\ncondition: s", true},
	{"any element of a list", "s:\n  properties.list.id: b2\ncondition: s", true},
	{"a name with dots", "s:\n  properties.a.b.c: dots\ncondition: s", true},
	{"an object as text", "s:\n  properties.requestbody|contains: '\"roledefinitionid\":\"/x'\ncondition: s", true},
	{"all properties as text", "s:\n  Properties|contains: 8e3af657\ncondition: s", true},
	{"claims in the export", "s:\n  identity.claims.appid: F00\ncondition: s", true},
	{"claims by URI", "s:\n  claims.http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn: ada@contoso.example\ncondition: s", true},
	{"escapes are resolved", "s:\n  properties.quote: say \"hi\"\ncondition: s", true},
	{"the caller by object id", "s:\n  Caller: 0B1E\ncondition: s", true},
	{"provider of the resource", "s:\n  ResourceProviderValue: MICROSOFT.WEB\ncondition: s", true},
	{"provider of the operation", "s:\n  resourceProviderName.value: Microsoft.Authorization\ncondition: s", true},

	{"keyword in the operation", "k: [Microsoft.Authorization/roleAssignments/write]\ncondition: k", true},
	{"keyword in a property", "k: [8E3AF657]\ncondition: k", true},
	{"single keyword", "k: rg-web\ncondition: k", true},
	{"keyword nowhere", "k: [rg-none]\ncondition: k", false},
	{"keyword behind an escape", "k: ['say \"hi']\ncondition: k", true},
	{"keyword does not span texts", "k: ['false,\"durationMs']\ncondition: k", false},
	{"keyword is no member name", "k: [roledefinitionid]\ncondition: k", false},
	{"keyword with a star", "k: [say*hi]\ncondition: k", true},
	{"keyword with a backslash", `k: ['temp\x']` + "\ncondition: k", true},
	{"short keyword", "k: [x8]\ncondition: k", false},
	{"keyword number", "k: [250]\ncondition: k", true},
	{"keywords all", "k:\n  '|all': [rg-web, 8e3af657]\ncondition: k", true},
	{"keywords all needs every one", "k:\n  '|all': [rg-web, rg-none]\ncondition: k", false},
	{"keywords re", `k:` + "\n" + `  '|re': 'C:\\t.mp'` + "\ncondition: k", true},
	{"keywords cased", "k:\n  '|cased': [ada@Contoso]\ncondition: k", false},
	{"keywords beside mappings", "k:\n  - nowhere\n  - category: Administrative\ncondition: k", true},

	{"and", "a: {category: Administrative}\nb: {status: Success}\ncondition: a and b", true},
	{"or", "a: {category: Policy}\nb: {status: Success}\ncondition: a or b", true},
	{"not", "a: {category: Administrative}\nb: {status: Failed}\ncondition: a and not b", true},
	{"and binds before or", "t: {status: Success}\nf: {status: Failed}\ncondition: t or f and f", true},
	{"parentheses", "t: {status: Success}\nf: {status: Failed}\ncondition: (t or f) and f", false},
	{"not of parentheses", "t: {status: Success}\nf: {status: Failed}\ncondition: not (f or not t)", true},
	{"words in capitals", "t: {status: Success}\nf: {status: Failed}\ncondition: t AND NOT f", true},
	{"1 of pattern", "sel_a: {status: Failed}\nsel_b: {status: Success}\ncondition: 1 of sel_*", true},
	{"all of pattern", "sel_a: {status: Failed}\nsel_b: {status: Success}\ncondition: all of sel_*", false},
	{"any of them", "sel_a: {status: Failed}\nsel_b: {status: Success}\ncondition: any of them", true},
	{"all of them", "a: {category: Administrative}\nb: {status: Success}\ncondition: all of them", true},
	{"them skips underscores", "a: {category: Administrative}\n_b: {status: Failed}\ncondition: all of them", true},
	{"underscores by pattern", "_b: {status: Failed}\n_c: {status: Success}\ncondition: 1 of _*", true},
	{"number of them", "a: {category: Administrative}\nb: {status: Success}\nc: {status: Failed}\ncondition: 2 of them", true},
	{"number not reached", "a: {category: Policy}\nb: {status: Success}\nc: {status: Failed}\ncondition: 2 of them", false},
	{"not 1 of", "s: {category: Administrative}\nfilter_a: {status: Failed}\nfilter_b: {caller: x}\ncondition: s and not 1 of filter_*", true},
	{"pattern in the middle", "x_1_y: {status: Success}\nx_2_z: {status: Failed}\ncondition: all of x*y", true},
	{"list of conditions", "a: {status: Failed}\nb: {status: Success}\ncondition: [a, b]", true},
}

func TestDetections(t *testing.T) {
	t.Parallel()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			set := compile(t, map[string]string{"r.yml": ruleWith(c.detection)})
			e := grant()
			for _, pass := range []string{"first", "remembered"} {
				if got := len(set.Match(nil, &e)) > 0; got != c.want {
					t.Errorf("match = %v (%s), want %v for\n%s", got, pass, c.want, c.detection)
				}
			}
			x, ok := set.Explain(&e, "11111111-1111-4111-8111-111111111111")
			if !ok || x.Matched != c.want {
				t.Errorf("explain: matched = %v, %v; want %v", x.Matched, ok, c.want)
			}
		})
	}
}

func TestDetectionsTogether(t *testing.T) {
	t.Parallel()
	files := make(map[string]string)
	for i, c := range cases {
		id := fmt.Sprintf("id: 11111111-1111-4111-8111-%012d", i)
		files[fmt.Sprintf("%03d.yml", i)] = strings.Replace(ruleWith(c.detection), "id: 11111111-1111-4111-8111-111111111111", id, 1)
	}
	set := compile(t, files)
	e := grant()
	got := make(map[string]bool)
	for _, r := range set.Match(nil, &e) {
		got[r.ID] = true
	}
	for i, c := range cases {
		if id := fmt.Sprintf("11111111-1111-4111-8111-%012d", i); got[id] != c.want {
			t.Errorf("%s: match = %v beside the other rules, want %v", c.name, got[id], c.want)
		}
	}
}

func TestBase64FindsTheText(t *testing.T) {
	t.Parallel()
	set := compile(t, map[string]string{"r.yml": ruleWith("s:\n  properties.script|base64offset|contains: http://evil\ncondition: s")})
	for encoded, want := range map[string]bool{
		"aHR0cDovL2V2aWwuZXhhbXBsZQ==": true, "IGh0dHA6Ly9ldmls": true, "ICBodHRwOi8vZXZpbA==": true, "aHR0cDovL2dvb2Q=": false,
	} {
		e := activity.Event{Properties: activity.Properties(`{"script":"` + encoded + `"}`)}
		if got := len(set.Match(nil, &e)) > 0; got != want {
			t.Errorf("base64offset in %s = %v, want %v", encoded, got, want)
		}
	}
	wide := compile(t, map[string]string{"r.yml": ruleWith("s:\n  properties.script|wide|base64: hi\ncondition: s")})
	e := activity.Event{Properties: activity.Properties(`{"script":"aABpAA=="}`)}
	if len(wide.Match(nil, &e)) != 1 {
		t.Error("wide|base64 does not find the text")
	}
}
