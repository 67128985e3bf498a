package rules_test

import (
	"fmt"
	"testing/fstest"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/rules"
)

func ExampleSet_Match() {
	folder := fstest.MapFS{"rules/vault.yml": {Data: []byte(`
title: Key Vault deleted
id: 5f8d6c1e-7a51-4f7e-9d55-0f7a2f3f0d11
author: Ada
logsource: {product: azure, service: activitylogs}
detection:
  selection:
    OperationNameValue: MICROSOFT.KEYVAULT/VAULTS/DELETE
    ActivityStatusValue: Success
  condition: selection
level: high
`)}}
	own, err := rules.Load(folder, "rules")
	if err != nil {
		fmt.Println(err)
		return
	}
	set, err := rules.Compile(own)
	if err != nil {
		fmt.Println(err)
		return
	}
	e := activity.Event{Operation: "microsoft.keyvault/vaults/delete", Outcome: activity.Succeeded}
	for _, r := range set.Match(nil, &e) {
		fmt.Printf("%s (%s, by %s)\n", r.Title, r.Level, r.Author)
	}
	// Output: Key Vault deleted (high, by Ada)
}

func ExampleLoad() {
	folder := fstest.MapFS{"r.yml": {Data: []byte("title: Too much\nlogsource: {product: azure, service: activitylogs}\n" +
		"detection:\n  s: {caller|sounds: x}\n  condition: s and t\n")}}
	_, err := rules.Load(folder, ".")
	fmt.Println(err)
	// Output:
	// load rules:
	// r.yml:4:7: caller|sounds: modifier "sounds" is not supported: it is no Sigma modifier
	// r.yml:5:3: the condition names "t", which the detection does not define
}
