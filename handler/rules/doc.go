// Package rules says which events matter: it reads Sigma rules, compiles them, and matches events against them.
//
// A rule is one Sigma YAML document (specification 2, standard fields untouched) for the log source product azure,
// service activitylogs; what we add stands under the one top-level key auditbell. Rules of others, such as SigmaHQ's
// rules/cloud/azure/activity_logs, load unchanged. Read reads a folder, Library the embedded one (library/*.yml,
// read ahead: see ahead.go); Assemble makes a Set of both and says what is left out, and Set.Match is the only thing on
// the path of an event.
//
// The package is not for what happens after a match: routes, exceptions, messages and state live elsewhere. It keeps
// no clock and no store; correlations get both from their caller (see Window).
//
// # What is supported
//
// Sigma 2.1: rules, correlations (of every type, of correlations, with extended conditions) and filters; every modifier
// of the appendix; wildcards and escapes; null, numbers, lists of mappings; keywords over every text of the event; nested
// fields by dots, through lists. What is not (Sigma 1's aggregations and collections, look-around in expressions) is
// left out when the rule is loaded, with file, line, column and reason: a rule that is half evaluated is worse than none.
//
// Comparison ignores case unless cased; re minds it unless the flag i is given. Azure's vocabularies are one: a rule that
// says Succeeded matches the event that was exported as Success. A field may be named as in any wire form (see
// fieldTable and docs/fields.md); a name that no form has is refused.
//
// # The auditbell key
//
//	auditbell:
//	  id: keyvault-delete            # [a-z0-9-]; names the rule in keys and URLs, else its Sigma id does
//	  reason: One sentence on why the level is what it is.
//	  outcomes: [succeeded]          # which outcomes alert, in any of Azure's words; default all; unknown always
//	  window: 15m                    # repeats within it are the same noise
//	  group_by: [caller, resource_group]
//	  controls: [CIS Azure 6.0.0 6.1.2.1, NIST 800-53r5 SI-4]
//	  runbook: [First step., Second step.]
//	  enabled: true                  # true: alert though experimental; false: leave the rule out
//	  examples:                      # the rule's own tests
//	    match:
//	      - name: why it is there
//	        event: {operationName: Microsoft.KeyVault/vaults/delete, status: Succeeded}
//	    no_match:
//	      - name: for correlations, a story
//	        steps:
//	          - event: {operationName: …, status: Failed}
//	            times: 9
//	            every: 10s
package rules
