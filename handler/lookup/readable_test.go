package lookup_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/lookup"
	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/handler/rules/rulestest"
)

// unread are the types of resources that Azure cannot be asked for, though a rule of the library asks for their request, and
// why. An act on one of them is alerted as the gravest rule that it could meet (lookup.IsUnreadable). Azure refuses a custom
// role that names the operation of a service that is gone (InvalidActionOrNotAction), and with it the whole reader role.
var unread = map[string]string{
	"microsoft.dbforpostgresql/servers/firewallrules": "Single Server was retired on 28 March 2025, and its operations are no longer registered",
	"microsoft.dbformysql/servers/firewallrules":      "Single Server was retired on 16 September 2024",
	"microsoft.dbformariadb/servers/firewallrules":    "the service was retired on 19 September 2025",
}

// endings are the types that rules mean which name only how an operation begins and ends.
var endings = []string{
	"microsoft.sql/servers/auditingsettings", "microsoft.sql/servers/databases/auditingsettings",
	"microsoft.sql/servers/extendedauditingsettings", "microsoft.sql/servers/databases/extendedauditingsettings",
	"microsoft.sql/servers/securityalertpolicies", "microsoft.sql/servers/databases/securityalertpolicies",
	"microsoft.sql/managedinstances/securityalertpolicies", "microsoft.sql/managedinstances/databases/securityalertpolicies",
	"microsoft.sql/servers/databases/transparentdataencryption", "microsoft.sql/managedinstances/databases/transparentdataencryption",
	"microsoft.sql/servers/advancedthreatprotectionsettings", "microsoft.sql/servers/databases/advancedthreatprotectionsettings",
	"microsoft.sql/managedinstances/advancedthreatprotectionsettings", "microsoft.sql/managedinstances/databases/advancedthreatprotectionsettings",
}

// act is an act of which only the operation and the resource are known, as Event Grid brings it.
func act(operation string) activity.Event {
	kind := operation[:strings.LastIndexByte(strings.TrimSuffix(operation, "/action"), '/')]
	id := "/subscriptions/5f1c0a52-7c1e-4b7d-9a41-2d6a8c3e9b10/providers"
	for i, part := range strings.Split(kind, "/") {
		if id += "/" + part; i > 0 {
			id += "/one"
		}
	}
	return activity.Event{Operation: operation, Outcome: activity.Succeeded, Category: activity.Administrative, ResourceID: id}
}

// readsBody reports whether a rule reads a member of the request or the answer.
func readsBody(r *rules.Rule) bool {
	return slices.ContainsFunc(r.Reads(), func(name string) bool {
		return strings.HasPrefix(strings.ToLower(name), "properties.requestbody") || strings.HasPrefix(strings.ToLower(name), "properties.responsebody")
	})
}

// TestWhatTheLibraryAsksForCanBeRead has each operation of each rule of the library that reads a body come without one, and
// fails where Azure is not asked for it.
func TestWhatTheLibraryAsksForCanBeRead(t *testing.T) {
	t.Parallel()
	all, set := rulestest.Library(t)
	asked := map[string]bool{}
	for _, r := range all {
		if !readsBody(r) && !byPIM(r) {
			continue
		}
		found := 0
		for _, operation := range operationsOf(t, r) {
			e := act(operation)
			if !slices.Contains(set.Possible(nil, &e), r) || slices.Contains(set.Match(nil, &e), r) {
				continue // not an operation of the rule's, or one that it needs no body for
			}
			found++
			kind := operation[:strings.LastIndexByte(operation, '/')]
			asked[kind] = true
			if reason := unread[kind]; !lookup.IsReadable(&e) && (reason == "" || !lookup.IsUnreadable(&e)) {
				t.Errorf("rule %s asks what %s was about: its type is neither read (lookup/readable.go) nor is a reason given why not", r.ID, operation)
			}
		}
		if found == 0 {
			t.Errorf("rule %s reads a body, and none of its operations does without one", r.ID)
		}
	}
	for kind := range maps.Keys(unread) {
		if e := act(kind + "/write"); !asked[kind] || lookup.IsReadable(&e) {
			t.Errorf("%s is no exception: no rule asks for it, or it is read", kind)
		}
	}
	if len(asked) < 40 {
		t.Errorf("%d types are asked for, fewer than the library has", len(asked))
	}
}

// byPIM reports whether a rule asks for a step of Privileged Identity Management, which is read in a request's body.
func byPIM(r *rules.Rule) bool { return slices.Contains(r.Reads(), "properties.pim.act") }

var written = regexp.MustCompile(`(?i)microsoft\.[a-z]+(?:/[a-z0-9]+)+/(?:write|delete|action)`)

// operationsOf are the operations that the rule's file names, and those that its endings stand for.
func operationsOf(t *testing.T, r *rules.Rule) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "rules", "library", r.ID+".yml"))
	if err != nil {
		t.Fatal(err)
	}
	detection, _, _ := strings.Cut(strings.ToLower(string(text)), "\n  examples:")
	list := written.FindAllString(detection, -1)
	if byPIM(r) {
		list = append(list, "microsoft.authorization/roleassignmentschedulerequests/write", "microsoft.authorization/roleeligibilityschedulerequests/write")
	}
	for _, line := range strings.Split(detection, "\n") {
		ending, ok := strings.CutPrefix(strings.TrimSpace(line), "- /")
		if !ok || !strings.HasSuffix(ending, "/write") {
			continue
		}
		before := len(list)
		for _, kind := range endings {
			if strings.HasSuffix(kind+"/write", "/"+ending) {
				list = append(list, kind+"/write")
			}
		}
		if len(list) == before {
			t.Errorf("rule %s: no type is known that ends in %q; add those that there are to endings", r.ID, ending)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// TestWhatCannotBeReadIsSaidSo has acts whose request is not there and cannot be had.
func TestWhatCannotBeReadIsSaidSo(t *testing.T) {
	t.Parallel()
	grant := act("microsoft.authorization/roleassignments/write")
	other, odd, known, gone := grant, grant, grant, grant
	other.ResourceID = act("microsoft.compute/virtualmachines/write").ResourceID
	odd.ResourceID = strings.Replace(grant.ResourceID, "/providers", "/resourcegroups/prüfung/providers", 1)
	known.Properties = activity.Properties(`{"requestbody":{"properties":{}}}`)
	gone.Operation = "microsoft.authorization/roleassignments/delete"
	for name, c := range map[string]struct {
		e    activity.Event
		want bool
	}{
		"it is read by its id":                    {grant, false},
		"the id is of another type":               {other, true},
		"the id does not parse":                   {odd, true},
		"there is no id":                          {activity.Event{Operation: grant.Operation}, true},
		"the record says what was asked for":      {known, false},
		"a deletion asks for nothing":             {gone, false},
		"an action leaves nothing that is read":   {act("microsoft.compute/virtualmachines/runcommand/action"), true},
		"a type that no rule of the library asks": {act("microsoft.compute/disks/write"), true},
	} {
		if got := lookup.IsUnreadable(&c.e); got != c.want {
			t.Errorf("%s: cannot be read %v, want %v", name, got, c.want)
		}
	}
}
