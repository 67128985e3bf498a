package rules_test

import (
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/handler/rules/rulestest"
)

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
	all, set := rulestest.Library(t)
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
	all, set := rulestest.Library(t)
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

// catalogues is catalogues.yaml: the ids that the library may carry, as of a date.
type catalogues struct {
	Date   string `yaml:"date"`
	Attack struct {
		Tactics    []string          `yaml:"tactics"`
		Techniques []string          `yaml:"techniques"`
		Others     map[string]string `yaml:"others"`
	} `yaml:"attack"`
	Azure struct {
		Retired map[string]string `yaml:"retired"`
	} `yaml:"azure"`
	Controls map[string][]string `yaml:"controls"`
}

// Mappings do not rot: every id of the library stands in a dated list, and nothing that its catalogue has retired.
func TestMappingsStandInTheirCatalogues(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("catalogues.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var known catalogues
	if err := yaml.Unmarshal(text, &known); err != nil {
		t.Fatal(err)
	}
	if _, err := time.Parse(time.DateOnly, known.Date); err != nil {
		t.Errorf("catalogues.yaml has no date: %v", err)
	}
	all, _ := rulestest.Library(t)
	for _, r := range all {
		for _, tag := range r.Tags {
			id := strings.TrimPrefix(tag, "attack.")
			if now, retired := rules.RetiredTag(tag); retired {
				t.Errorf("%s: %s is retired; it is %s now", r.Where(), tag, now)
			}
			if _, other := known.Attack.Others[id]; !other && !slices.Contains(known.Attack.Tactics, id) && !slices.Contains(known.Attack.Techniques, id) {
				t.Errorf("%s: %s stands in no list of catalogues.yaml", r.Where(), tag)
			}
		}
		for _, control := range r.Auditbell.Controls {
			at := strings.LastIndexByte(control, ' ')
			if !slices.Contains(known.Controls[control[:at]], control[at+1:]) {
				t.Errorf("%s: %s stands in no list of catalogues.yaml", r.Where(), control)
			}
		}
	}
	for _, id := range slices.Concat(known.Attack.Techniques, known.Attack.Tactics) {
		if now, retired := rules.RetiredTag("attack." + id); retired {
			t.Errorf("catalogues.yaml lists %s, which is retired; it is %s now", id, now)
		}
	}
	for operation, day := range known.Azure.Retired {
		about := slices.DeleteFunc(slices.Clone(all), func(r *rules.Rule) bool {
			return !slices.ContainsFunc(r.Auditbell.Examples.Match, func(x rules.Example) bool {
				return strings.HasPrefix(x.Steps[0].Event.Operation, strings.ToLower(operation)+"/")
			})
		})
		if len(about) == 0 {
			t.Errorf("no rule is about %s", operation)
		}
		for _, r := range about {
			if !strings.Contains(r.Description, day) {
				t.Errorf("%s does not say that Azure retired %s on %s", r.Where(), operation, day)
			}
		}
	}
}

func TestRetiredTags(t *testing.T) {
	t.Parallel()
	for tag, want := range map[string]string{
		"attack.t1562.008": "attack.t1685.002", "ATTACK.T1562.012": "attack.t1685", "attack.defense_evasion": "attack.stealth or attack.defense-impairment",
		"attack.t1685": "", "attack.stealth": "", "attack.t15620": "", "cve.2026.1": "", "": "",
	} {
		if got, _ := rules.RetiredTag(tag); got != want {
			t.Errorf("%s is %q now, want %q", tag, got, want)
		}
	}
}

// Attack techniques must be there where an attack is meant; health notices and counters have none.
func TestLibraryNamesTechniques(t *testing.T) {
	t.Parallel()
	all, _ := rulestest.Library(t)
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

// README says in numbers what the library holds.
func TestReadmeCountsTheLibrary(t *testing.T) {
	t.Parallel()
	all, _ := rulestest.Library(t)
	n := 0
	for _, r := range all {
		examples(r, func(rules.Example, bool) { n++ })
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("The %d rules of the library carry %d examples of their own", len(all), n)
	if !strings.Contains(strings.Join(strings.Fields(string(readme)), " "), want) {
		t.Errorf("README.md does not say %q", want)
	}
}
