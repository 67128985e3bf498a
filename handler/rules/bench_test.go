package rules_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/bradleyjkemp/sigma-go"
	"github.com/bradleyjkemp/sigma-go/evaluator"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/handler/rules/rulestest"
)

// The benchmark has rules of the shape of SigmaHQ's 35 for the Activity Log (facts: payloads §1): 29 on operationName
// (of which 4 use startswith with endswith and 2 contains), 2 in Log Analytics' names, 1 on properties.message, 3
// keyword lists; upper-case values in most. Theirs may not be copied here, so these are generated.

// shape returns n times the 35 rules, as files; each round watches other resource types.
func shape(n int) map[string]string {
	files := make(map[string]string)
	add := func(detection string) {
		id := fmt.Sprintf("id: 11111111-1111-4111-8111-%012d", len(files))
		files[fmt.Sprintf("%04d.yml", len(files))] = strings.Replace(ruleWith(detection), "id: 11111111-1111-4111-8111-111111111111", id, 1)
	}
	for round := range n {
		kind := func(i int) string { return fmt.Sprintf("MICROSOFT.NETWORK/WATCHED%dKIND%d", round, i) }
		for i := range 23 {
			add("selection:\n  operationName:\n    - " + kind(i) + "/WRITE\n    - " + kind(i) + "/DELETE\n    - " + kind(i) + "/CHILDREN/WRITE\ncondition: selection")
		}
		for i := 23; i < 27; i++ {
			add("selection:\n  operationName|startswith: " + kind(i) + "\n  operationName|endswith: [/WRITE, /DELETE]\ncondition: selection")
		}
		for i := 27; i < 29; i++ {
			add("selection:\n  operationName|contains: [" + kind(i) + "/A, " + kind(i) + "/B]\ncondition: selection")
		}
		for i := range 2 {
			add("selection:\n  CategoryValue: Administrative\n  ResourceProviderValue: Microsoft.Hybrid" + fmt.Sprint(round) + "\n  ResourceId|contains: Federation\n" +
				"  OperationNameValue: Microsoft.Hybrid" + fmt.Sprint(round) + "/services/member" + fmt.Sprint(i) + "/action\ncondition: selection")
		}
		add("selection:\n  properties.message:\n    - Delete thing " + fmt.Sprint(round) + "\n    - Update thing " + fmt.Sprint(round) + "\ncondition: selection")
		add("keywords:\n  - Microsoft.Resources/granted" + fmt.Sprint(round) + "/write\ncondition: keywords")
		add("keywords:\n  - Microsoft.Compute/machines" + fmt.Sprint(round) + "/write\n  - Microsoft.Resources/rollouts" + fmt.Sprint(round) + "/write\ncondition: keywords")
		add("keywords:\n  - Microsoft.DocumentDB/accounts" + fmt.Sprint(round) + "/listKeys/action\n  - Microsoft.Maps/accounts" + fmt.Sprint(round) +
			"/listKeys/action\n  - Microsoft.Media/services" + fmt.Sprint(round) + "/listKeys/action\n  - Microsoft.Compute/copies" + fmt.Sprint(round) + "/write\ncondition: keywords")
	}
	return files
}

// load is the events of the benchmark: 300 operations, of which some are watched by the first round of rules, with
// the properties and claims that a REST record has after decoding.
func load(n int) []activity.Event {
	random := rand.New(rand.NewPCG(1, 2))
	events := make([]activity.Event, n)
	for i := range events {
		operation := fmt.Sprintf("Microsoft.Storage/kind%d/write", random.IntN(300))
		switch random.IntN(20) {
		case 0:
			operation = fmt.Sprintf("Microsoft.Network/watched0kind%d/write", random.IntN(29))
		case 1:
			operation = "Microsoft.Compute/machines0/write"
		}
		id := fmt.Sprintf("/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg-%d/providers/Microsoft.Storage/kinds/name-%d", i%50, i)
		events[i] = activity.Event{
			ID: fmt.Sprintf("e%d", i), Form: activity.FormREST, Category: activity.Administrative, Level: activity.Informational,
			Operation: strings.ToLower(operation), OperationDisplay: operation, Outcome: activity.Succeeded, SubStatus: "OK",
			Caller: fmt.Sprintf("person%d@contoso.example", i%200), CallerType: activity.User, CallerName: "Person of Contoso",
			CallerObjectID: "9aa5a4f2-0a5e-4a3b-8c3c-3c1f6a0b1111", CallerIP: "203.0.113.7",
			TenantID: "00000000-0000-4000-8000-00000000000a", SubscriptionID: "00000000-0000-4000-8000-000000000001",
			ResourceID: strings.ToLower(id), ResourceType: "microsoft.storage/kinds", ResourceGroup: fmt.Sprintf("rg-%d", i%50), ResourceName: fmt.Sprintf("name-%d", i),
			CorrelationID: fmt.Sprintf("c0ffee00-0000-4000-8000-%012d", i), OperationID: fmt.Sprintf("0decade0-0000-4000-8000-%012d", i), EventID: fmt.Sprintf("e0000000-0000-4000-8000-%012d", i),
			Properties: activity.Properties(fmt.Sprintf(`{"eventCategory":"Administrative","entity":"%s","message":"%s","hierarchy":"00000000-0000-4000-8000-00000000000a/00000000-0000-4000-8000-000000000001",`+
				`"serviceRequestId":"5e41ce00-0000-4000-8000-%012d","statusCode":"OK","requestbody":{"location":"westeurope","tags":{"env":"production","owner":"team-%d"},"properties":{"minimumTlsVersion":"TLS1_2","allowBlobPublicAccess":false,"networkAcls":{"defaultAction":"Deny"}}},`+
				`"authorization":{"action":"%s","scope":"%s"},"claims":{"upn":"person%d@contoso.example","name":"Person of Contoso","oid":"9aa5a4f2-0a5e-4a3b-8c3c-3c1f6a0b1111","appid":"c44b4083-3bb0-49c1-b47d-974e53cbdf3c","amr":"pwd,mfa","ipaddr":"203.0.113.7"},`+
				`"httpRequest":{"clientRequestId":"%012d","clientIpAddress":"203.0.113.7","method":"PUT"}}`, id, operation, i, i%9, operation, id, i%200, i)),
		}
	}
	return events
}

func BenchmarkMatch(b *testing.B) {
	events := load(20_000)
	b.Run("auditbell/35", func(b *testing.B) { benchmarkOurs(b, compile(b, shape(1)), events) })
	b.Run("auditbell/350", func(b *testing.B) { benchmarkOurs(b, compile(b, shape(10)), events) })
	b.Run("sigma-go/35", func(b *testing.B) { benchmarkSigmaGo(b, shape(1), events) })
	b.Run("auditbell/library", func(b *testing.B) {
		_, set := rulestest.Library(b)
		benchmarkOurs(b, set, events)
	})
}

func benchmarkOurs(b *testing.B, set *rules.Set, events []activity.Event) {
	matched := make([]*rules.Rule, 0, 64)
	hits, i := 0, 0
	for i := range events { // a plan is made once for each operation
		matched = set.Match(matched[:0], &events[i])
	}
	b.ReportAllocs()
	b.ResetTimer()
	start := cpuTime()
	for b.Loop() {
		matched = set.Match(matched[:0], &events[i%len(events)])
		hits += len(matched)
		i++
	}
	b.ReportMetric(float64(cpuTime()-start)/float64(i), "cpu-ns/op")
	b.ReportMetric(float64(hits)/float64(i), "hits/op")
}

// benchmarkSigmaGo evaluates each rule in turn, with the field mapping that the rules need. It answers the three
// keyword rules with an error, so it does less than we do.
func benchmarkSigmaGo(b *testing.B, files map[string]string, events []activity.Event) {
	config := sigma.Config{FieldMappings: map[string]sigma.FieldMapping{
		"properties.message": {TargetNames: []string{"$.properties.message"}}, "OperationNameValue": {TargetNames: []string{"operationName"}},
		"CategoryValue": {TargetNames: []string{"category"}}, "ResourceId": {TargetNames: []string{"resourceId"}},
		"ResourceProviderValue": {TargetNames: []string{"resourceProviderName"}},
	}}
	var all []*evaluator.RuleEvaluator
	for _, text := range files {
		rule, err := sigma.ParseRule([]byte(text))
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, evaluator.ForRule(rule, evaluator.WithConfig(config)))
	}
	decoded := make([]map[string]any, len(events))
	for i := range events {
		var properties any
		if err := json.Unmarshal(events[i].Properties, &properties); err != nil {
			b.Fatal(err)
		}
		decoded[i] = map[string]any{
			"operationName": events[i].OperationDisplay, "category": string(events[i].Category), "resourceId": events[i].ResourceID,
			"resourceProviderName": "Microsoft.Storage", "properties": properties,
		}
	}
	hits, failed, i := 0, 0, 0
	b.ReportAllocs()
	start := cpuTime()
	for b.Loop() {
		for _, rule := range all {
			result, err := rule.Matches(context.Background(), decoded[i%len(decoded)])
			if err != nil {
				failed++
			} else if result.Match {
				hits++
			}
		}
		i++
	}
	b.ReportMetric(float64(cpuTime()-start)/float64(i), "cpu-ns/op")
	b.ReportMetric(float64(hits)/float64(i), "hits/op")
	b.ReportMetric(float64(failed)/float64(i), "errors/op")
}

func TestMatchDoesNotAllocate(t *testing.T) {
	if racing {
		t.Skip("the race detector makes sync.Pool forget")
	}
	set := compile(t, shape(10))
	_, whole := rulestest.Library(t)
	events := load(1000)
	matched := make([]*rules.Rule, 0, 64)
	for _, s := range []*rules.Set{set, whole} {
		meets, silent := 0, 0
		for i := range events[:100] {
			e := &events[i]
			if matched = s.Match(matched[:0], e); len(matched) > 0 {
				meets++
			} else {
				silent++
			}
			if n := testing.AllocsPerRun(100, func() { matched = s.Match(matched[:0], e) }); n > 0 {
				t.Errorf("%s: %v allocations", e.Operation, n)
			}
		}
		if silent == 0 || meets == 0 && s == set {
			t.Errorf("%d events met a rule and %d none: too little was measured", meets, silent)
		}
	}
}

// BenchmarkLibrary is what the first invocation after a start pays: reading and compiling the embedded rules.
func BenchmarkLibrary(b *testing.B) {
	for b.Loop() {
		all, err := rules.ReadLibrary()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := rules.Compile(all); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRecords is what the delivered record costs: nothing where no rule names a field that only it has.
func BenchmarkRecords(b *testing.B) {
	events := load(2_000)
	record := activity.RecordOf([]byte(`{"time":"2026-03-04T05:06:07Z","identity":{"claims":{"upn":"ada@contoso.example","wids":"62e90394","groups":"g1,g2"}},"location":"global","resultSignature":"Succeeded.OK"}`))
	carrying := make([]activity.Event, len(events))
	for i := range events {
		carrying[i] = events[i]
		carrying[i].Record = record
	}
	_, set := rulestest.Library(b)
	claim := compile(b, map[string]string{"r.yml": ruleWith("s:\n  claims.wids|contains: none\ncondition: s")})
	b.Run("library/without", func(b *testing.B) { benchmarkOurs(b, set, events) })
	b.Run("library/with", func(b *testing.B) { benchmarkOurs(b, set, carrying) })
	b.Run("one-claim/with", func(b *testing.B) { benchmarkOurs(b, claim, carrying) })
}
