package rules_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/payload/transcode"
	"github.com/auditbell/auditbell/handler/rules/rulestest"
)

// spellings are ways to write the name of an operation that Azure is not known to refuse.
var spellings = map[string]func(string) string{
	"dot":        func(s string) string { return s + "." },
	"slash":      func(s string) string { return s + "/" },
	"slashes":    func(s string) string { return "/" + strings.ReplaceAll(s, "/", "//") },
	"backslash":  func(s string) string { return strings.ReplaceAll(s, "/", `\`) },
	"percent":    func(s string) string { return strings.ReplaceAll(s, "/", "%2F") },
	"twice":      func(s string) string { return strings.ReplaceAll(s, "/", "%252f") },
	"query":      func(s string) string { return s + "?api-version=1" },
	"space":      func(s string) string { return " " + s + "\t" },
	"not seen":   func(s string) string { return strings.Replace(s, "/", "\u200b/", 1) },
	"full width": func(s string) string { return strings.NewReplacer("/", "／", "r", "ｒ", "S", "Ｓ").Replace(s) },
}

// TestLibraryMatchesHoweverOperationsAreSpelled holds that no rule is passed by with another spelling of an operation's name.
func TestLibraryMatchesHoweverOperationsAreSpelled(t *testing.T) {
	t.Parallel()
	all, set := rulestest.Library(t)
	tried := 0
	for _, r := range all {
		for _, x := range r.Auditbell.Examples.Match {
			for name, spell := range spellings {
				got := set.Verdict(r, x, func(e activity.Event) activity.Event {
					data, ok := transcode.As(e, activity.FormREST)
					spelled, err := json.Marshal(spell(e.OperationDisplay))
					if !ok || err != nil || !strings.Contains(e.Operation, "/") {
						return e
					}
					written := []byte(`"` + e.OperationDisplay + `"`)
					if !bytes.Contains(data, written) {
						t.Fatalf("%s does not name %s", data, written)
					}
					tried++
					return decode(bytes.ReplaceAll(data, written, spelled))[0]
				})
				if !got {
					t.Errorf("%s:%d: %s, spelled with %s, does not match", r.File, x.Line, x.Name, name)
				}
			}
		}
	}
	if tried < 1000 {
		t.Errorf("only %d operations were spelled", tried)
	}
}

func TestRolesAreReadHoweverSpelled(t *testing.T) {
	t.Parallel()
	_, set := rulestest.Library(t)
	for _, id := range []string{
		ownerRole + ".", "８e3af657-a8ff-443c-a75c-2fe8c4bcb635", "8e3af657\u200b-a8ff-443c-a75c-2fe8c4bcb635", roleFolder + ownerRole + "./",
		strings.ReplaceAll(roleFolder+ownerRole, "/", "／"), strings.ToUpper(ownerRole) + "%2e", "8e3af657%2Da8ff-443c-a75c-2fe8c4bcb635",
	} {
		e := sent(t, "Microsoft.Authorization/roleAssignments/write", "/providers/Microsoft.Authorization/roleAssignments/a", `{"properties":{"roleDefinitionId":"`+id+`"}}`)
		if got := met(set, e); !strings.Contains(got, "role-assignment-owner") {
			t.Errorf("%q: met %s", id, got)
		}
	}
}
