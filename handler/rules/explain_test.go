package rules_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/rules/rulestest"
)

func TestExplainSaysWhatHeldAndWhatNot(t *testing.T) {
	t.Parallel()
	set := compile(t, map[string]string{"r.yml": ruleWith(
		"operation:\n  operationName|endswith: /write\n  category: [Policy, Security]\nwords: [8e3af657, nowhere]\nunused: {caller: x}\ncondition: operation and words") +
		"auditbell:\n  outcomes: [failed]\n"})
	e := grant()
	x, ok := set.Explain(&e, "11111111-1111-4111-8111-111111111111")
	if !ok {
		t.Fatal("the rule is not known")
	}
	got, err := json.MarshalIndent(x, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	want := `{
 "rule": "11111111-1111-4111-8111-111111111111",
 "matched": false,
 "condition": "operation and words",
 "parts": [
  {
   "name": "auditbell.outcomes",
   "held": false,
   "items": [
    {
     "field": "outcome",
     "want": [
      "failed"
     ],
     "got": [
      "Succeeded",
      "Success"
     ],
     "held": false
    }
   ]
  },
  {
   "name": "operation",
   "held": false,
   "items": [
    {
     "field": "operationName|endswith",
     "line": 9,
     "want": [
      "/write"
     ],
     "got": [
      "Create role assignment",
      "microsoft.authorization/roleassignments/write"
     ],
     "held": true
    },
    {
     "field": "category",
     "line": 10,
     "want": [
      "Policy",
      "Security"
     ],
     "got": [
      "Administrative",
      "write"
     ],
     "held": false
    }
   ]
  },
  {
   "name": "words",
   "held": true,
   "items": [
    {
     "field": "keywords",
     "line": 11,
     "want": [
      "8e3af657",
      "nowhere"
     ],
     "got": [
      "8e3af657"
     ],
     "held": true
    }
   ]
  },
  {
   "name": "unused",
   "held": false,
   "items": [
    {
     "field": "caller",
     "line": 12,
     "want": [
      "x"
     ],
     "got": [
      "Ada@Contoso.example",
      "0b1e"
     ],
     "held": false
    }
   ]
  }
 ]
}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("explanation (-want +got):\n%s", diff)
	}
	if _, ok := set.Explain(&e, "nobody"); ok {
		t.Error("an unknown rule was explained")
	}
}

func TestExplainCorrelation(t *testing.T) {
	t.Parallel()
	set := compile(t, map[string]string{"a.yml": failedOperation, "b.yml": listedKeys, "c.yml": correlation(
		"type: temporal\nrules: [failed_operation, listed_keys]\ntimespan: 1m")})
	e := happened(1, func(e *activity.Event) { e.Outcome = activity.Failed })
	x, ok := set.Explain(&e, "33333333-3333-4333-8333-333333333333")
	if !ok || !x.Matched || len(x.Parts) != 2 || !x.Parts[0].Held || x.Parts[1].Held {
		t.Errorf("explanation = %+v, want the first of two rules met", x)
	}
}

func TestNearNamesWhatKeptARuleSilent(t *testing.T) {
	t.Parallel()
	_, set := rulestest.Library(t)
	e := grant()
	e.Outcome = activity.Failed
	got := make(map[string]bool)
	for _, x := range set.Near(&e) {
		got[x.ID] = true
		if x.Matched {
			t.Errorf("%s matched and is called near", x.ID)
		}
	}
	for id, want := range map[string]bool{
		"role-assignment-alert": true, "role-assignment-owner": true, // the outcome
		"role-assignment-delete": false, "resource-delete": false, "policy-deny": false, "service-health-incident": false,
	} {
		if got[id] != want {
			t.Errorf("near %s = %v, want %v", id, got[id], want)
		}
	}
}
