package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// act is one record of an act, as REST lists it.
type act struct {
	time, operation, status, resource, correlation, caller, properties string
}

const (
	grantWrite   = "Microsoft.Authorization/roleAssignments/write"
	storageWrite = "Microsoft.Storage/storageAccounts/write"
	ownerBody    = `{\"properties\":{\"roleDefinitionId\":\"/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635\",\"principalId\":\"7a8d9804-6f6b-42c2-8ef1-2cb281ddffc0\",\"scope\":\"/subscriptions/8b77cac6-5977-4f6a-98ed-056aae398023\"}}`
	readerBody   = `{\"properties\":{\"roleDefinitionId\":\"/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7\",\"principalId\":\"7a8d9804-6f6b-42c2-8ef1-2cb281ddffc0\",\"scope\":\"/subscriptions/8b77cac6-5977-4f6a-98ed-056aae398023\"}}`
	publicBody   = `{\"properties\":{\"allowBlobPublicAccess\":true}}`
)

// rest is the record of act n of a story, whose ids and resource group are its own.
func (a act) rest(story, n int) string {
	return fmt.Sprintf(`{"eventDataId":"%08d-%04d-4111-8111-111111111111","correlationId":"%s-%d","eventTimestamp":"2026-10-07T%sZ","category":{"value":"Administrative"},"level":"Informational","caller":%q,`+
		`"operationName":{"value":%q},"status":{"value":%q},"resourceId":"/subscriptions/8b77cac6-5977-4f6a-98ed-056aae398023/resourceGroups/rg-%d/providers/%s","subscriptionId":"8b77cac6-5977-4f6a-98ed-056aae398023","properties":{%s}}`,
		n, story, a.correlation, story, a.time, a.caller, a.operation, a.status, story, a.resource, a.properties)
}

// TestTheBodyOfAnotherRecordDecides has acts whose end does not say what they were about: the record of their start does, and
// a digest of files judges them by it as replay does, whatever order the lines have.
func TestTheBodyOfAnotherRecordDecides(t *testing.T) {
	t.Parallel()
	body := func(text string) string { return `"requestbody":"` + text + `"` }
	odd := func(text string) string { return `"request\u0042ody":"` + text + `"` } // another casing, behind an escape
	grant := func(time, status, correlation, caller, properties string) act {
		return act{time, grantWrite, status, "Microsoft.Authorization/roleAssignments/a", correlation, caller, properties}
	}
	store := func(time, status, properties string) act {
		return act{time, storageWrite, status, "Microsoft.Storage/storageAccounts/st", "c-5", "ada@contoso.example", properties}
	}
	var lines, want []string
	for story, c := range []struct {
		name string
		acts []act
		want []string
	}{
		{"owner, named by the start", []act{grant("09:00:00", "Started", "c-1", "ada@contoso.example", body(ownerBody)), grant("09:00:01", "Succeeded", "c-1", "ada@contoso.example", "")}, []string{"role-assignment-owner"}},
		{"reader, named by the start", []act{grant("09:00:00", "Started", "c-1", "ada@contoso.example", body(readerBody)), grant("09:00:01", "Succeeded", "c-1", "ada@contoso.example", "")}, []string{"role-assignment-alert"}},
		{"a name in another casing", []act{grant("09:00:00", "Started", "c-1", "ada@contoso.example", odd(ownerBody)), grant("09:00:01", "Succeeded", "c-1", "ada@contoso.example", "")}, []string{"role-assignment-owner"}},
		{"another caller under the same id", []act{grant("09:00:00", "Started", "c-1", "eve@contoso.example", body(ownerBody)), grant("09:00:01", "Succeeded", "c-1", "ada@contoso.example", "")}, []string{"role-assignment-alert"}},
		{"an id used again", []act{
			grant("09:00:00", "Started", "c-1", "ada@contoso.example", body(readerBody)), grant("09:00:01", "Succeeded", "c-1", "ada@contoso.example", body(readerBody)),
			grant("09:30:00", "Started", "c-1", "ada@contoso.example", body(ownerBody)), grant("09:30:01", "Succeeded", "c-1", "ada@contoso.example", ""),
		}, []string{"role-assignment-alert", "role-assignment-owner"}},
		{"what meets no rule by its end alone", []act{store("09:00:00", "Started", body(publicBody)), store("09:00:01", "Succeeded", "")}, []string{"storage-public-access"}},
		{"an id that Azure cannot be asked for", []act{
			{"09:00:01", grantWrite, "Succeeded", "Microsoft.Authorization/roleAssignments/ä", "c-1", "ada@contoso.example", ""},
		}, []string{"role-assignment-access-admin at_worst"}},
		{"the same, and its start says what it was", []act{
			{"09:00:00", grantWrite, "Started", "Microsoft.Authorization/roleAssignments/ä", "c-1", "ada@contoso.example", body(readerBody)},
			{"09:00:01", grantWrite, "Succeeded", "Microsoft.Authorization/roleAssignments/ä", "c-1", "ada@contoso.example", ""},
		}, []string{"role-assignment-alert"}},
		{"a type that Azure retired, which no rule meets without its request", []act{
			{"09:00:01", "Microsoft.DBforMariaDB/servers/firewallRules/write", "Succeeded", "Microsoft.DBforMariaDB/servers/s/firewallRules/f", "c-6", "ada@contoso.example", ""},
		}, []string{"sql-firewall-opened at_worst"}},
		{"a type that no rule names", []act{
			{"09:00:01", "Microsoft.Compute/disks/write", "Succeeded", "Microsoft.Compute/disks/d", "c-7", "ada@contoso.example", ""},
		}, nil},
		{"an act that failed", []act{store("09:00:00", "Started", body(publicBody)), store("09:00:01", "Failed", "")}, nil},
	} {
		for i, a := range c.acts {
			lines = append(lines, a.rest(story, i))
		}
		for _, rule := range c.want {
			rule, basis, _ := strings.Cut(rule, " ")
			want = append(want, strings.TrimSpace(fmt.Sprintf("%s of rg-%d %s", rule, story, basis)))
		}
	}
	slices.Sort(want)
	for _, order := range []string{"as it happened", "newest first"} {
		path := filepath.Join(t.TempDir(), "acts.jsonl")
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		digest, replay := rulesAlerted(t, path)
		if diff := cmp.Diff(want, digest); diff != "" {
			t.Errorf("%s: the digest's rules (-want +got) %s", order, diff)
		}
		for i := range digest {
			digest[i], _, _ = strings.Cut(digest[i], " of ")
		}
		slices.Sort(digest)
		if diff := cmp.Diff(replay, digest); diff != "" {
			t.Errorf("%s: (-replay +digest) %s", order, diff)
		}
		slices.Reverse(lines)
	}
}

// rulesAlerted are the rules of the alerts that digest and replay have of a file, those of the digest with the resource group.
func rulesAlerted(t *testing.T, path string) (digest, replay []string) {
	t.Helper()
	var report struct {
		Alerts struct {
			List []struct {
				Rule struct {
					ID string `json:"id"`
				} `json:"rule"`
				Resource string `json:"resource"`
				JudgedBy string `json:"judged_by"`
			} `json:"list"`
			AtWorst int `json:"judged_at_worst"`
		} `json:"alerts"`
	}
	var again struct {
		List []struct {
			Rule string `json:"rule"`
		} `json:"list"`
	}
	printed(t, &report, "digest", path)
	printed(t, &again, "replay", "--list", "--format", "json", path)
	for _, a := range report.Alerts.List {
		digest = append(digest, strings.TrimSpace(a.Rule.ID+" of "+strings.Split(a.Resource, "/")[4]+" "+a.JudgedBy))
		if a.JudgedBy != "" {
			report.Alerts.AtWorst--
		}
	}
	if report.Alerts.AtWorst != 0 {
		t.Errorf("%s: the count of alerts at worst is not that of the list", path)
	}
	for _, a := range again.List {
		replay = append(replay, a.Rule)
	}
	slices.Sort(digest)
	slices.Sort(replay)
	return digest, replay
}
