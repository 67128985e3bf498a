package rules_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/rules"
)

func TestRefusedWithPlaceAndReason(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, detection, want string }{
		{"unknown modifier", "s:\n  operationName|sounds: x\ncondition: s", `r.yml:9:5: operationName|sounds: modifier "sounds" is not supported: it is no Sigma modifier`},
		{"many flags", "s:\n  properties.x|windash|contains: -a -b -c -d -e\ncondition: s", "at most 4 flags"},
		{"placeholder", "s:\n  caller|expand: '%admins%'\ncondition: s", "the placeholder %admins% has no values"},
		{"field reference", "s:\n  caller|fieldref: x\ncondition: s", `no form of the Activity Log has a field "x"`},
		{"field reference to two", "s:\n  caller|fieldref: [time, level]\ncondition: s", "the name of one field"},
		{"unknown field", "s:\n  operationNme: x\ncondition: s", `r.yml:9:5: no form of the Activity Log has a field "operationNme"; the nearest is "operationName"`},
		{"misspelt claims", "s:\n  claim.wids: x\ncondition: s", `the nearest is "claims.wids"`},
		{"unknown fact of PIM", "s:\n  pim.rol: x\ncondition: s", `the nearest is "pim.role"`},
		{"unknown field of the authorization", "s:\n  authorization.scpe: x\ncondition: s", `the nearest is "authorization.scope"`},
		{"look-ahead", "s:\n  caller|re: 'a(?=b)'\ncondition: s", `r.yml:9:5: caller|re: "a(?=b)" is no regular expression of Go's syntax`},
		{"flag without re", "s:\n  caller|i: x\ncondition: s", "need the modifier re"},
		{"network", "s:\n  caller_ip|cidr: 10.0.0\ncondition: s", "is no network such as 10.0.0.0/8"},
		{"number", "s:\n  properties.x|gt: many\ncondition: s", `"many" is no number`},
		{"no hour", "s:\n  time|hour: 24\ncondition: s", `no time has the hour "24": it is a number from 0 to 23`},
		{"no minute", "s:\n  time|minute: [5, noon]\ncondition: s", `no time has the minute "noon"`},
		{"hour of nothing", "s:\n  time|hour: null\ncondition: s", "no time has the hour"},
		{"beyond every hour", "s:\n  time|hour|gt: 23\ncondition: s", "no hour lies there: it is a number from 0 to 23"},
		{"before every day", "s:\n  time|day|lt: 1\ncondition: s", "no day lies there: it is a number from 1 to 31"},
		{"network of an operation", "s:\n  operationName|cidr: 10.0.0.0/8\ncondition: s", "operationName|cidr: the field holds no address"},
		{"number of a caller", "s:\n  caller|gt: 5\ncondition: s", "caller|gt: the field holds no number"},
		{"hour of a caller", "s:\n  caller|hour: 13\ncondition: s", "the field is no time, and has no hour"},
		{"part of an hour", "s:\n  time|hour|contains: 1\ncondition: s", "contains does not go with it"},
		{"two numbers", "s:\n  properties.x|gt: [1, 2]\ncondition: s", "a comparison takes one number"},
		{"exists", "s:\n  caller|exists: maybe\ncondition: s", "exists takes true or false"},
		{"keyword with a field's modifier", "s:\n  '|cidr': [10.0.0.0/8]\ncondition: s", "needs a field"},
		{"keyword null", "s: [null]\ncondition: s", "null goes with a field"},
		{"null with contains", "s:\n  caller|contains: null\ncondition: s", "null goes with a field"},
		{"nested list", "s:\n  caller: [[x]]\ncondition: s", "expected a value or a list of values, found a list"},
		{"nested mapping", "s:\n  caller: {x: y}\ncondition: s", "found a mapping"},
		{"empty list", "s:\n  caller: []\ncondition: s", "an empty list can never match"},
		{"empty selection", "s: {}\ncondition: s", "would match everything"},
		{"field twice", "s:\n  caller: a\n  caller: b\ncondition: s", `r.yml:10:5: "caller" stands twice`},
		{"merge key", "a: &a {caller: x}\ns:\n  <<: *a\ncondition: s", "merge keys (<<)"},
		{"aggregation", "s: {caller: x}\ncondition: s | count() by caller > 5", "Sigma 1"},
		{"timeframe", "s: {caller: x}\ntimeframe: 5m\ncondition: s", "Sigma 1"},
		{"no condition", "s: {caller: x}", "no condition"},
		{"unknown name", "s: {caller: x}\ncondition: s and t", `names "t"`},
		{"open parenthesis", "s: {caller: x}\ncondition: (s", "not closed"},
		{"closing parenthesis", "s: {caller: x}\ncondition: s)", `unexpected ")"`},
		{"two names", "s: {caller: x}\ncondition: s s", `unexpected "s"`},
		{"early end", "s: {caller: x}\ncondition: s and", "ends too early"},
		{"of nothing", "s: {caller: x}\ncondition: 1 of", `needs a name or "them"`},
		{"empty pattern", "s: {caller: x}\ncondition: 1 of t_*", "selects nothing"},
		{"too many", "s: {caller: x}\ncondition: 2 of them", "all, any or a number up to 1"},
		{"no text", "s: {caller: x}\ncondition: {s: 1}", "the condition is a mapping"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := rules.Load(fstest.MapFS{"r.yml": {Data: []byte(ruleWith(c.detection))}}, ".")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("load = %v, want an error with %q, for\n%s", err, c.want, c.detection)
			}
			var problem *rules.Problem
			if !errors.As(err, &problem) || problem.File != "r.yml" || problem.Line < 7 {
				t.Errorf("problem = %+v, want a place within the detection", problem)
			}
		})
	}
}

func TestEveryProblemAtOnce(t *testing.T) {
	t.Parallel()
	fsys := fstest.MapFS{
		"a.yml":    {Data: []byte(ruleWith("s:\n  caller|sounds: x\n  caller|re: '('\ncondition: s and t"))},
		"b.yaml":   {Data: []byte("title: [\n")},
		"c.yml":    {Data: []byte("id: x\nlevel: awful\n---\ntitle: y\naction: global\n")},
		"good.yml": {Data: []byte(ruleWith("s: {caller: x}\ncondition: s"))},
		"d.txt":    {Data: []byte("not a rule")},
	}
	all, err := rules.Load(fsys, ".")
	if err == nil {
		t.Fatal("load = nil, want problems")
	}
	for _, want := range []string{
		"a.yml:9:", "a.yml:10:", "a.yml:11:", "b.yaml:", "not YAML", `c.yml:2:1: level "awful"`, "c.yml:1:1: the rule has neither",
		"c.yml:1:1: the rule has no title", "c.yml:5:1: rule collections",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("problems lack %q:\n%v", want, err)
		}
	}
	if len(all) != 1 || all[0].File != "good.yml" {
		t.Errorf("rules without problems = %v, want good.yml", all)
	}
}

func TestOtherLogSourcesAreCountedNotRefused(t *testing.T) {
	t.Parallel()
	other := "title: w\nid: 22222222-2222-4222-8222-222222222222\nname: other\nlogsource: {product: windows}\ndetection:\n  s: {CommandLine|windash|contains: -x}\n  condition: s | count() > 3\n"
	over := "title: c\nid: 33333333-3333-4333-8333-333333333333\ncorrelation: {type: event_count, rules: other, timespan: 5m, condition: {gte: 2}}\n"
	old := strings.Replace(ruleWith("s: {caller: x}\ncondition: s"), "activitylogs", "azure.activitylogs", 1)
	folder, err := rules.Read(fstest.MapFS{"sub/w.yml": {Data: []byte(other)}, "sub/z.yml": {Data: []byte(over)}, "old.yml": {Data: []byte(old)}}, ".")
	if err != nil {
		t.Fatal(err)
	}
	left := []rules.Left{
		{Place: "sub/w.yml:1", ID: "22222222-2222-4222-8222-222222222222", Title: "w", Why: rules.OtherSource, Reason: "it is about another log: product windows"},
		{Place: "sub/z.yml:1", ID: "33333333-3333-4333-8333-333333333333", Title: "c", Why: rules.OtherSource, Reason: `it counts rule "other", which is left out: it is about another log: product windows`},
	}
	if diff := cmp.Diff(left, folder.Left); diff != "" {
		t.Errorf("left out (-want +got):\n%s", diff)
	}
	if len(folder.Rules) != 1 {
		t.Errorf("rules = %d, want the one with the older service name", len(folder.Rules))
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	text := `title: A rule
id: AAAAAAAA-1111-4111-8111-111111111111
name: a_rule
status: experimental
description: Says what.
license: DRL-1.1
author: Ada, Grace
date: 2021-08-16
modified: 2022/08/23
references: [https://example.org]
tags: [attack.persistence, attack.t1098.003, attack.T1685, cve.2024-1]
logsource: {product: azure, service: activitylogs, definition: any}
detection:
  s: {caller: x}
  condition: s
falsepositives: [None]
level: high
custom_field: kept for its author
auditbell:
  id: our-rule
  reason: Because.
  runbook: [Look., Act.]
  window: 2h
  group_by: [Caller, Properties_d.requestbody.kind, ResourceGroup]
  outcomes: [Success, failed]
  controls: [CIS Azure 6.0.0 6.1.2.1]
  enabled: true
`
	all, err := rules.Load(fstest.MapFS{"r.yml": {Data: []byte(text)}}, ".")
	if err != nil {
		t.Fatal(err)
	}
	r := all[0]
	got := fmt.Sprintf("%s|%s|%s|%s|%s|%s|%s|%s|%v|%v|%s|%v|%v|%v|%v|%v", r.ID, r.UUID, r.Name, r.Status, r.Level, r.Author, r.License, r.Date, r.Techniques(), r.FalsePositives,
		r.Where(), r.Auditbell.Window, r.Auditbell.GroupBy, r.Auditbell.Outcomes, r.Alerts(), r.Condition)
	want := "our-rule|AAAAAAAA-1111-4111-8111-111111111111|a_rule|experimental|high|Ada, Grace|DRL-1.1|2021-08-16|[T1098.003 T1685]|[None]|" +
		"r.yml:1|2h0m0s|[caller properties.requestbody.kind resource_group]|[succeeded failed]|true|s"
	if got != want {
		t.Errorf("rule =\n%s, want\n%s", got, want)
	}
}

func TestIDIsFitForKeys(t *testing.T) {
	t.Parallel()
	body := "title: t\nlogsource: {product: azure, service: activitylogs}\ndetection:\n  s: {caller: x}\n  condition: s\n"
	for head, want := range map[string]string{
		"id: AD87D14E-7599-4633-BA81-AEB60CFE8CD6\n": "ad87d14e-7599-4633-ba81-aeb60cfe8cd6",
		"name: My_Rule\n":   "my-rule",
		"":                  "some-file",
		"id: '../../x y'\n": "x-y",
	} {
		all, err := rules.Load(fstest.MapFS{"dir/Some File.yml": {Data: []byte(head + body)}}, ".")
		if err != nil || all[0].ID != want {
			t.Errorf("id of %q = %v, %v; want %s", head, all, err, want)
		}
	}
}

func TestExtensionIsStrict(t *testing.T) {
	t.Parallel()
	for block, want := range map[string]string{
		"  runbok: [x]":                    `auditbell.runbok is unknown`,
		"  id: Our Rule":                   "use lower-case letters",
		"  window: soon":                   "write a number and one of",
		"  window: 0m":                     "more than nothing",
		"  window: 99y":                    "at most a year",
		"  outcomes: [fine]":               `outcome "fine" is none of`,
		"  group_by: [properties]":         "name a field",
		"  enabled: perhaps":               "takes true or false",
		"  examples: {matches: []}":        "known are match and no_match",
		"  examples: {match: [{name: x}]}": "the example has no event",

		"  examples: {match: [{event: {outcome: fine}}]}":            "outcome cannot be set",
		"  examples: {match: [{event: {status: Failed}, times: 0}]}": "times takes a number",
		"  examples: {match: {event: {}}}":                           "expected a list of examples",
		"  examples: {match: [{event: {time: noon}}]}":               "write a time like",
	} {
		text := ruleWith("s: {caller: x}\ncondition: s") + "auditbell:\n" + block + "\n"
		_, err := rules.Load(fstest.MapFS{"r.yml": {Data: []byte(text)}}, ".")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("load with %q = %v, want an error with %q", block, err, want)
		}
	}
}

func TestTwoRulesWithOneIDAreRefused(t *testing.T) {
	t.Parallel()
	text := ruleWith("s: {caller: x}\ncondition: s")
	_, err := rules.Load(fstest.MapFS{"a.yml": {Data: []byte(text)}, "b.yml": {Data: []byte(text)}}, ".")
	if err == nil || !strings.Contains(err.Error(), "is taken by a.yml:1") {
		t.Errorf("load = %v, want the other file named", err)
	}
	one, err := rules.Load(fstest.MapFS{"a.yml": {Data: []byte(text)}}, ".")
	if err != nil {
		t.Fatal(err)
	}
	two, err := rules.Load(fstest.MapFS{"b.yml": {Data: []byte(text)}}, ".")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rules.Compile(append(one, two...)); err == nil {
		t.Error("compile = nil, want the double id refused")
	}
	replaced := rules.Replace(one, two)
	if len(replaced) != 1 || replaced[0].File != "b.yml" {
		t.Errorf("replace = %v, want the operator's rule in the place of ours", replaced)
	}
}

func TestRulesThatAreOffAreLeftAside(t *testing.T) {
	t.Parallel()
	text := ruleWith("s: {category: Administrative}\ncondition: s")
	e := grant()
	for enabled, want := range map[string]int{"true": 1, "false": 0} {
		set := compile(t, map[string]string{"r.yml": text + "auditbell: {enabled: " + enabled + "}\n"})
		if got := len(set.Match(nil, &e)); got != want {
			t.Errorf("enabled: %s gives %d matches, want %d", enabled, got, want)
		}
	}
	set := compile(t, map[string]string{"r.yml": strings.Replace(text, "level:", "status: experimental\nlevel:", 1)})
	matched := set.Match(nil, &e)
	if len(matched) != 1 || matched[0].Alerts() {
		t.Errorf("an experimental rule: %v matches that alert=%v, want it evaluated and silent", len(matched), matched[0].Alerts())
	}
}

func TestAliasesCannotExplode(t *testing.T) {
	t.Parallel()
	text := ruleWith("s: {caller: x}\ncondition: s") + "auditbell:\n  examples:\n    match:\n      - event:\n          properties:\n            a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c <= 'i'; c++ {
		text += fmt.Sprintf("            %c: &%c [*%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c]\n", c, c, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1)
	}
	_, err := rules.Load(fstest.MapFS{"r.yml": {Data: []byte(text)}}, ".")
	if err == nil || !strings.Contains(err.Error(), "aliases written out") {
		t.Errorf("load = %v, want the file refused for its size", err)
	}
}
