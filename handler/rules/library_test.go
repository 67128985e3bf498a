package rules_test

import (
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/auditbell/auditbell/handler/rules"
)

func library(t testing.TB) ([]*rules.Rule, *rules.Set) {
	t.Helper()
	all, err := rules.Library()
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.Compile(all)
	if err != nil {
		t.Fatal(err)
	}
	return all, set
}

// examples calls fn with every example of the rule and what it must give.
func examples(r *rules.Rule, fn func(x rules.Example, want bool)) {
	for _, x := range r.Auditbell.Examples.Match {
		fn(x, true)
	}
	for _, x := range r.Auditbell.Examples.NoMatch {
		fn(x, false)
	}
}

func TestLibraryExamplesHold(t *testing.T) {
	t.Parallel()
	all, set := library(t)
	for _, r := range all {
		examples(r, func(x rules.Example, want bool) {
			if got := set.Verdict(r, x, nil); got != want {
				t.Errorf("%s:%d: %s: match = %v, want %v", r.File, x.Line, x.Name, got, want)
			}
		})
	}
}

// controls are the frameworks that rules may name, with the edition where there are editions.
var controls = regexp.MustCompile(`^(CIS Azure \d\.\d\.0 [\d.]+|NIST 800-53r5 [A-Z]{2}-\d+(\(\d+\))?|ISO 27001:2022 A\.\d\.\d+|SOC 2 (CC|A|C|P)[\d.]+|PCI DSS 4\.0\.1 [\d.]+)$`)

func TestLibraryRulesAreComplete(t *testing.T) {
	t.Parallel()
	all, set := library(t)
	if len(all) < 60 {
		t.Errorf("%d rules, want at least 60", len(all))
	}
	for _, id := range []string{"role-assignment-alert", "policy-assignment-alert", "keyvault-secret-delete", "nsg-rule-write", "diagnostic-setting-delete"} {
		if set.Rule(id) == nil {
			t.Errorf("the source document's alert %s is not in the library", id)
		}
	}
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := make(map[string]string)
	for _, r := range all {
		x := r.Auditbell
		for what, ok := range map[string]bool{
			"an id equal to its file name": path.Base(r.File) == r.ID+".yml", "a random UUID as Sigma id": uuid.MatchString(r.UUID),
			"a UUID of its own": seen[r.UUID] == "", "a level": r.Level.Rank() >= 0, "a status": r.Status != "", "an author": r.Author != "",
			"a licence": r.License == "MIT", "a description in sentences": strings.HasSuffix(r.Description, "."), "a reference": len(r.References) > 0,
			"one sentence as reason": strings.HasSuffix(x.Reason, ".") && !strings.Contains(x.Reason, ". "), "a runbook": len(x.Runbook) > 0,
			"a window": x.Window > 0, "a group_by": len(x.GroupBy) > 0, "controls": len(x.Controls) > 0,
			"outcomes that ring":      len(x.Outcomes) > 0 || r.Correlation != nil,
			"two examples that match": len(x.Examples.Match) >= 2, "two examples that do not": len(x.Examples.NoMatch) >= 2,
		} {
			if !ok {
				t.Errorf("%s lacks %s", r.Where(), what)
			}
		}
		seen[r.UUID] = r.ID
		for _, c := range x.Controls {
			if !controls.MatchString(c) {
				t.Errorf("%s: control %q names no known framework and edition", r.Where(), c)
			}
		}
		examples(r, func(x rules.Example, _ bool) {
			if x.Name == "" {
				t.Errorf("%s:%d: the example does not say why it is there", r.File, x.Line)
			}
		})
	}
}

// Attack techniques must be there where an attack is meant; health notices and counters have none.
func TestLibraryNamesTechniques(t *testing.T) {
	t.Parallel()
	all, _ := library(t)
	with := 0
	for _, r := range all {
		if len(r.Techniques()) > 0 {
			with++
		}
		for _, tag := range r.Tags {
			if !strings.HasPrefix(tag, "attack.") {
				t.Errorf("%s: tag %q is no ATT&CK tag", r.Where(), tag)
			}
		}
	}
	if with*10 < len(all)*8 {
		t.Errorf("%d of %d rules name a technique, want four fifths", with, len(all))
	}
}
