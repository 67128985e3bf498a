package check

import (
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// spoilt are the modules with one text of one file replaced.
func spoilt(t *testing.T, file, old, replacement string) *repo {
	t.Helper()
	files := fstest.MapFS{}
	for _, dir := range []string{"tenant", "subscription"} {
		paths, err := fs.Glob(os.DirFS("../.."), "infra/modules/"+dir+"/*.tf")
		if err != nil || len(paths) == 0 {
			t.Fatal(dir, err)
		}
		for _, p := range paths {
			text, err := os.ReadFile("../../" + p)
			if err != nil {
				t.Fatal(err)
			}
			files[p] = &fstest.MapFile{Data: text}
		}
	}
	if file != "" {
		text := string(files[file].Data)
		if !strings.Contains(text, old) {
			t.Fatalf("%s has no %q", file, old)
		}
		files[file] = &fstest.MapFile{Data: []byte(strings.Replace(text, old, replacement, 1))}
	}
	r := &repo{}
	var err error
	if r.above, err = load(files, "infra/modules/tenant"); err != nil {
		t.Fatal(err)
	}
	if r.watched, err = load(files, "infra/modules/subscription"); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestEveryResourceAboveSubscriptionsIsHeld changes each line of the table in the module, one after the other: the change is found. No
// resource of the module is without a line.
func TestEveryResourceAboveSubscriptionsIsHeld(t *testing.T) {
	t.Parallel()
	whole := spoilt(t, "", "", "")
	if problems, err := checkAbove(whole); err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	for name := range whole.above.resources {
		if !slices.ContainsFunc(above, func(h held) bool { return h.resource == name }) {
			t.Errorf("%s has no line in the table", name)
		}
	}
	for _, h := range above {
		b := whole.above.resources[h.resource]
		file := b.Range().Filename
		text := string(whole.above.files[file].text)
		block := text[b.Range().Start.Byte:]
		block = block[:strings.Index(block, "\n}\n")]
		name := h.argument[strings.LastIndex(h.argument, ".")+1:]
		at := strings.Index(block, "  "+name+" ")
		problems, err := checkAbove(spoilt(t, file, block, block[:at]+"  "+name+"_was"+block[at+2+len(name):]))
		if err != nil || len(problems) != 1 || !strings.HasPrefix(problems[0], h.resource+" has "+h.argument) {
			t.Errorf("%s without %s: %v, %v", h.resource, h.argument, problems, err)
		}
		wider := strings.Replace(block, h.want, `"other"`, 1)
		if wider == block { // a list stands on several lines
			wider = strings.Replace(block, "actions = [", "actions = [\"*\",", 1)
		}
		if problems, err = checkAbove(spoilt(t, file, block, wider)); err != nil || len(problems) == 0 {
			t.Errorf("%s with another %s: %v, %v", h.resource, h.argument, problems, err)
		}
		if problems, err = checkAbove(spoilt(t, file, block, strings.Replace(block, `"`+b.Labels[1]+`"`, `"renamed"`, 1))); err == nil && len(problems) == 0 {
			t.Errorf("without %s: nothing is wrong", h.resource)
		}
	}
}

func TestPoliciesMakeWhatSubscriptionsLack(t *testing.T) {
	t.Parallel()
	for _, m := range []struct{ name, file, old, replacement, want string }{
		{"an outcome that the events leave out", "policy_events.tf", `["Success", "Failure", "Cancel"]`, `["Success", "Failure"]`, "the policy's events are"},
		{"a policy that only looks", "policy.tf", `"deployIfNotExists"`, `"auditIfNotExists"`, `the policy activity_log lacks "deployIfNotExists"`},
		{"a policy about something else", "policy_events.tf", `equals = "Microsoft.Resources/subscriptions"`, `equals = "Microsoft.Resources/resourceGroups"`, `the policy events lacks "Microsoft.Resources/subscriptions"`},
		{"a category that the groups' export leaves out", "main.tf", `["Administrative", "Policy"]`, `["Administrative"]`, "with the categories [Administrative]"},
		{"an alert for a misspelt operation", "main.tf", "elevateAccess/action", "elevateAcces/action", "must be about Microsoft.Authorization/elevateAccess/action"},
	} {
		problems, err := checkAbove(spoilt(t, "infra/modules/tenant/"+m.file, m.old, m.replacement))
		if err != nil || !strings.Contains(strings.Join(problems, "\n"), m.want) {
			t.Errorf("%s: %q, %v, want %q", m.name, problems, err, m.want)
		}
	}
}
