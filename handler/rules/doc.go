// Package rules says which events matter: it reads Sigma rules, compiles them, and matches events against them.
//
// A rule is one Sigma YAML document (specification 2, standard fields untouched) for the log source product azure,
// service activitylogs; what we add stands under the one top-level key auditbell. Rules of others, such as SigmaHQ's
// rules/cloud/azure/activity_logs, load unchanged. Load reads a folder, Library the embedded one; Compile makes a Set,
// and Set.Match is the only thing on the path of an event.
//
// The package is not for what happens after a match: routes, exceptions, messages and state live elsewhere. It keeps
// no clock and no store; correlations get both from their caller (see Window).
//
// # What is supported
//
// All forms of conditions; the modifiers contains, startswith, endswith, all, cased, neq, exists, re (with i, m, s),
// cidr, lt, lte, gt, gte, base64, base64offset, wide and utf16*; wildcards and escapes; null, numbers, lists of
// mappings; keywords over every text of the event; nested fields by dots, through lists; correlations of the types
// event_count, value_count, temporal and temporal_ordered. Everything else is refused when the rule is loaded, with
// file, line and reason: a rule that is half evaluated is worse than none.
//
// Comparison ignores case unless cased, also for re. Azure's vocabularies are one: a rule that says Succeeded matches
// the event that was exported as Success. A field may be named as in the event's JSON, the REST API, the export, Event
// Grid or Log Analytics (see fieldNames).
//
// # The auditbell key
//
//	auditbell:
//	  id: keyvault-delete            # [a-z0-9-]; names the rule in keys and URLs, else its Sigma id does
//	  reason: One sentence on why the level is what it is.
//	  outcomes: [succeeded]          # which outcomes ring, in any of Azure's words; default all; unknown always
//	  window: 15m                    # repeats within it are the same noise
//	  group_by: [caller, resource_group]
//	  controls: [CIS Azure 6.0.0 6.1.2.1, NIST 800-53r5 SI-4]
//	  runbook: [First step., Second step.]
//	  enabled: true                  # true: ring though experimental; false: leave the rule out
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
