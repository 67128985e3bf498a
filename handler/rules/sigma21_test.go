package rules_test

import (
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/payload"
	"github.com/auditbell/auditbell/handler/rules"
)

// Sigma modifiers appendix and filters specification 2.1, and pySigma's reading of them.
func TestSigma21(t *testing.T) {
	t.Parallel()
	e := activity.Event{
		Operation: "x/y/write", Outcome: activity.Succeeded, Caller: "Ada@contoso.example", CallerIP: "203.0.113.25:443",
		Properties: activity.Properties(`{"owner":"ada@CONTOSO.example","other":"bob","path":"/a/ada@contoso.example/b","null":null,"none":[],"empty":"","cmd":"tool.exe /all \u2013x","ipaddr":"[2001:db8::1]:443","when":"2026-03-04T05:06:07Z"}`),
	}
	if err := e.Time.UnmarshalText([]byte("2026-03-04T05:06:07.25Z")); err != nil {
		t.Fatal(err)
	}
	for detection, want := range map[string]bool{
		"properties.null|exists: true": true, "properties.none|exists: true": true, "properties.empty|exists: true": true, "properties.gone|exists: true": false,
		"properties.null|exists: false": false, "properties.gone|exists: false": true, "properties.null: null": true, "caller_name|exists: false": true,

		"caller|fieldref: properties.owner": true, "caller|fieldref: properties.other": false, "caller|fieldref|neq: properties.other": true, "caller|fieldref|cased: properties.owner": false,
		"properties.path|fieldref|contains: caller": true, "properties.path|fieldref|startswith: caller": false, "properties.path|fieldref|endswith: caller": false, "caller|fieldref: properties.gone": false,

		"properties.cmd|windash|contains: ' -all'": true, "properties.cmd|windash|contains: ' /x'": true, "properties.cmd|contains: ' -all'": false,
		"properties.cmd|windash|contains|all: [' -all', ' -x']": true, "properties.cmd|windash|contains: a-ll": false,

		"callerIpAddress: 203.0.113.25": true, "callerIpAddress: 203.0.113.25:443": true, "callerIpAddress|cidr: 203.0.113.25": true, "callerIpAddress|cidr: 203.0.113.24": false,
		"callerIpAddress|startswith: 203.0.113.25": true, "properties.ipaddr|cidr: 2001:db8::1": true, "properties.ipaddr|cidr: '2001:db8::/32'": true, "callerIpAddress|cidr: '::ffff:203.0.113.25'": true,

		"time|hour: 5": true, "time|hour: '5'": true, "time|hour: ['6', 7]": false, "time|hour|gte: 6": false, "time|hour|lt: 6": true, "time|minute: 6": true, "time|day: 4": true, "time|week: 10": true, "time|month: [3, 4]": true, "time|year: 2025": false,
		"properties.when|hour: 5": true, "properties.other|hour: 5": false, "time|hour|neq: 5": false,

		"caller|re: ada": false, "caller|re: Ada": true, "caller|re|i: ADA": true, "caller|re|i|s: 'a.a@'": true, "caller|neq: bob": true, "caller|neq: [ada@contoso.example, bob]": false,
		"caller|expand: '%people%'": true, "caller|expand: '%nobodys%'": false, "caller|expand: '%first%@contoso.*'": true, "caller|expand|contains: ['x', '%first%']": true,
		"result_signature: Succeeded.": true, "resultSignature|startswith: Failed": false,
	} {
		folder := fstest.MapFS{
			"r.yml":               {Data: []byte(ruleWith("s:\n  " + detection + "\ncondition: s"))},
			rules.PlaceholderFile: {Data: []byte("people: [bob, ada@contoso.example]\nnobodys: [eve]\nfirst: ada\n")},
		}
		all, err := rules.Load(folder, ".")
		if err != nil {
			t.Errorf("%s: %v", detection, err)
			continue
		}
		set, err := rules.Compile(all)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(set.Match(nil, &e)) > 0; got != want {
			t.Errorf("%s = %v, want %v", detection, got, want)
		}
	}
}

// A filter is added to the conditions of the rules that it names; it never matches by itself.
func TestFilters(t *testing.T) {
	t.Parallel()
	rule := func(id string) string {
		return "title: " + id + "\nid: " + id + "\nname: name_" + id + "\nlogsource: {product: azure, service: activitylogs}\ndetection: {s: {category: Administrative}, condition: s}\n"
	}
	filter := func(rules, condition string) string {
		return "title: f\nid: f\nlogsource: {product: azure, service: activitylogs}\nfilter:\n  rules: " + rules + "\n  selection: {caller|startswith: ada}\n  them_too: {caller: rob}\n  condition: " + condition + "\n"
	}
	e := grant() // Ada's
	for _, c := range []struct{ rules, condition, want string }{
		{"[one]", "not selection", "two"},
		{"name_one", "not 1 of them", "two"},
		{"any", "not selection", ""},
		{"[]", "not selection", ""},
		{"[two, one]", "selection", "one two"},
		{"[one]", "selection and them_too", "two"},
	} {
		set := compile(t, map[string]string{"one.yml": rule("one"), "two.yml": rule("two"), "f.yml": filter(c.rules, c.condition)})
		if got := met(set, e); got != c.want {
			t.Errorf("rules %s, condition %s: %q, want %q", c.rules, c.condition, got, c.want)
		}
		if x, _ := set.Explain(&e, "one"); x.Matched != strings.Contains(c.want, "one") {
			t.Errorf("rules %s, condition %s: explained as %v", c.rules, c.condition, x.Matched)
		}
	}
	a := rules.Assemble(nil, rules.Folder{Rules: loaded(t, map[string]string{"one.yml": rule("one"), "f.yml": filter("[none, one]", "not selection")})})
	if len(a.Left) != 1 || !strings.Contains(a.Left[0].Reason, `"none", which is not loaded`) || met(a.Set, e) != "" {
		t.Errorf("a filter for a rule that there is not: %+v, met %q; want it named, and its other rule filtered", a.Left, met(a.Set, e))
	}
	_, err := rules.Load(fstest.MapFS{"f.yml": {Data: []byte("title: f\nlogsource: {product: azure, service: activitylogs}\nfilter: {s: {caller: x}, condition: s}\n")}}, ".")
	if err == nil || !strings.Contains(err.Error(), "does not say for which rules") {
		t.Errorf("a filter for no rules: %v", err)
	}
}

// What events do not hold is read in the record, in every form, and never stored.
func TestRecordFields(t *testing.T) {
	t.Parallel()
	const claims = `{"upn":"ada@contoso.example","wids":"62e90394","groups":["g1","g2"],"http://schemas.microsoft.com/claims/authnclassreference":"1"}`
	forms := map[string]string{
		"rest":          `{"eventTimestamp":"2026-03-04T05:06:07Z","operationName":{"value":"a/b/write"},"status":{"value":"Succeeded"},"category":{"value":"Administrative"},"channels":"Operation","claims":` + claims + `,"resourceId":"/subscriptions/s"}`,
		"records":       `{"records":[{"time":"2026-03-04T05:06:07Z","operationName":"A/B/WRITE","category":"Administrative","resultType":"Success","resultSignature":"Succeeded.OK","location":"global","durationMs":"12","operationVersion":"1","identity":{"claims":` + claims + `},"resourceId":"/SUBSCRIPTIONS/S"}]}`,
		"eventgrid":     `[{"id":"1","topic":"/subscriptions/s","subject":"/subscriptions/s","eventType":"Microsoft.Resources.ResourceWriteSuccess","eventTime":"2026-03-04T05:06:07Z","data":{"operationName":"a/b/write","status":"Succeeded","claims":` + claims + `,"resourceUri":"/subscriptions/s"},"dataVersion":"2","metadataVersion":"1"}]`,
		"cloudevents":   `{"specversion":"1.0","id":"1","source":"/subscriptions/s","subject":"/subscriptions/s","type":"Microsoft.Resources.ResourceWriteSuccess","time":"2026-03-04T05:06:07Z","data":{"operationName":"a/b/write","status":"Succeeded","claims":` + claims + `,"resourceUri":"/subscriptions/s"}}`,
		"log_analytics": `{"TimeGenerated":"2026-03-04T05:06:07Z","OperationNameValue":"A/B/WRITE","CategoryValue":"Administrative","ActivityStatusValue":"Success","Claims":` + strconv.Quote(claims) + `,"_ResourceId":"/subscriptions/s"}`,
		"columns":       `{"TimeGenerated":"2026-03-04T05:06:07Z","OperationNameValue":"A/B/WRITE","CategoryValue":"Administrative","ActivityStatusValue":"Success","Claims_d":` + claims + `,"_ResourceId":"/subscriptions/s"}`,
		"tables":        `{"tables":[{"name":"PrimaryResult","columns":[{"name":"TimeGenerated"},{"name":"OperationNameValue"},{"name":"ActivityStatusValue"},{"name":"Claims_d"}],"rows":[["2026-03-04T05:06:07Z","A/B/WRITE","Success",` + claims + `]]}]}`,
		"powershell":    `[{"EventTimestamp":"/Date(1772600767000)/","OperationName":"a/b/write","Status":"Succeeded","Category":"Administrative","EventChannels":"Operation","Claims":{"Content":` + claims + `},"ResourceId":"/subscriptions/s"}]`,
	}
	const all = "rest records eventgrid cloudevents log_analytics columns tables powershell"
	for field, in := range map[string]string{
		"identity.claims.wids: 62e90394": all, "claims.groups: g2": all, "claims.upn: ada@contoso.example": all, "properties.claims.groups: g2": all, "properties.claims.upn: ada@contoso.example": all, "Claims.Content.wids: 62e90394": all, "Claims_d.groups: g1": all,
		"claims.http://schemas.microsoft.com/claims/authnclassreference: 1": all, "claims.none|exists: true": "",
		"resultSignature: Succeeded.OK": "records", "location: Global": "records", "durationMs|gte: 12": "records", "operationVersion: 1": "records", "channels: operation": "rest powershell",
		"eventType|endswith: WriteSuccess": "eventgrid cloudevents", "topic: /subscriptions/s": "eventgrid cloudevents", "data.eventType|exists: true": "eventgrid cloudevents", "dataVersion: 2": "eventgrid",
	} {
		set := compile(t, map[string]string{"r.yml": ruleWith("s:\n  " + field + "\ncondition: s")})
		for form, text := range forms {
			for _, r := range readings(text) {
				e := r.Event
				if r.Kind != payload.Activity || r.Lost {
					t.Fatalf("%s is %+v", form, r)
				}
				e.Record = activity.RecordOf(r.Raw)
				if got, want := len(set.Match(nil, &e)) > 0, strings.Contains(" "+in+" ", " "+form+" "); got != want {
					t.Errorf("%s in %s = %v, want %v", field, form, got, want)
				}
			}
		}
	}
}

func FuzzRelaxed(f *testing.F) {
	for _, seed := range []string{`{"a":1}`, `/*x*/{a:'b',}`, "\ufeff[1,2,]", `{"a":"b`, `{{}}`, `{"a":{"b":[1,{"c":'d'}]},"A":null}`, `{"a" "b"}`, `[/]`, `{"\u0061":"\ud83d"}`, `{a:b:c}`, `}`, `{]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if out, ok := rules.Relax(text); ok && !rules.ValidJSON(out) {
			t.Errorf("%q is read as %q, which is no JSON", text, out)
		}
	})
}
