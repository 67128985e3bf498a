package cli

// Stories about what is looked up after the first message: Azure's answers come from the stand-in local/azure.

import (
	"fmt"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	standin "github.com/auditbell/auditbell/local/azure"
	"github.com/auditbell/auditbell/local/inbox"
)

const storySubscription = "/subscriptions/5f1c0a52-7c1e-4b7d-9a41-2d6a8c3e9b10"

// storyDirectory is what Azure knows in the stories. That a rule was added is on record three minutes after noon.
var storyDirectory = standin.Directory{
	Roles: map[string]standin.Role{"11111111-aaaa-4bbb-8ccc-000000000001": {Name: "Break-glass operator", Actions: []string{"*"}, NotActions: []string{"Microsoft.Authorization/*/write"}}},
	Objects: map[string]standin.Object{
		"e0b3c1d2-4f5a-46b7-88c9-d0e1f2a3b4c5": {Kind: "user", DisplayName: "Ann <!channel> Example", UPN: "ann_gmail.com#EXT#@contoso.example"},
		"0a0b0c0d-4f5a-46b7-88c9-d0e1f2a3b4c5": {Kind: "servicePrincipal", DisplayName: "deploy-pipeline"},
	},
	Resources: []standin.Resource{
		{ID: storySubscription, Name: "Contoso Production"},
		{ID: storySubscription + "/resourceGroups/rg-net", Name: "rg-net", Tags: map[string]string{"owner": "net@contoso.example", "env": "prod"}},
	},
	Bodies: map[string]string{
		storySubscription + "/providers/microsoft.authorization/roleassignments/aaaaaaaa-0000-4000-8000-000000000001": `{"properties":{` +
			`"roleDefinitionId":"/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635",` +
			`"principalId":"e0b3c1d2-4f5a-46b7-88c9-d0e1f2a3b4c5","principalType":"User"}}`,
	},
	Changes: []standin.Change{{
		Correlation: "c0000000-0000-0000-0000-000000000002", Kind: "Update", From: storyBegins.Add(3 * time.Minute),
		Target: storySubscription + "/resourceGroups/rg-net/providers/Microsoft.Network/networkSecurityGroups/nsg",
		Changes: map[string]any{
			"properties.securityRules[1].name":                            map[string]any{"newValue": "allow-ssh"},
			"properties.securityRules[1].properties.direction":            map[string]any{"newValue": "Inbound"},
			"properties.securityRules[1].properties.access":               map[string]any{"newValue": "Allow"},
			"properties.securityRules[1].properties.sourceAddressPrefix":  map[string]any{"newValue": "0.0.0.0/0"},
			"properties.securityRules[1].properties.destinationPortRange": map[string]any{"newValue": "22"},
		},
	}},
}

// azureStandIn NAMES… switches lookups on and opens the stand-in that answers them.
func (s *story) azureStandIn(ts *testscript.TestScript, args []string) (string, error) {
	s.azure = standin.New(storyDirectory, s.now)
	server := httptest.NewServer(s.azure)
	ts.Defer(server.Close)
	s.env["LOOKUPS"], s.env["ARM_ENDPOINT"], s.env["GRAPH_ENDPOINT"] = strings.Join(args, ","), server.URL, server.URL+"/v1.0"
	return "", nil
}

// failAzure PREFIX STATUS COUNT makes the next requests below a path fail.
func (s *story) failAzure(_ *testscript.TestScript, args []string) (string, error) {
	status, err := strconv.Atoi(args[1])
	if err != nil {
		return "", err
	}
	count, err := strconv.Atoi(args[2])
	s.azure.Fail(standin.Fault{Prefix: args[0], Status: status, Count: count})
	return "", err
}

// asked prints how often Azure was asked for what: the paths, without ids.
func (s *story) asked(*testscript.TestScript, []string) (string, error) {
	counts, order := map[string]int{}, []string{}
	for _, r := range s.azure.Requests() {
		what := "Resource Graph: refused"
		switch query, ok := strings.CutPrefix(r, "POST /providers/Microsoft.ResourceGraph/resources "); {
		case ok:
			what = "Resource Graph: " + firstWord(query)
		case strings.Contains(r, "/roleDefinitions/"):
			what = "role definition"
		case strings.Contains(r, "/directoryObjects/"):
			what = "directory object"
		}
		if counts[what]++; counts[what] == 1 {
			order = append(order, what)
		}
	}
	var out strings.Builder
	for _, what := range sortedCopy(order) {
		fmt.Fprintf(&out, "%d × %s\n", counts[what], what)
	}
	return out.String(), nil
}

func firstWord(text string) string {
	word, _, _ := strings.Cut(text, " ")
	return word
}

// reads prints the last message in Slack down to its facts: what follows does not change with what is learned.
func (s *story) reads(*testscript.TestScript, []string) (string, error) {
	text := ""
	for _, m := range s.inbox.Messages() {
		if m.Destination == inbox.Slack && m.Kind != inbox.Thread {
			text, _, _ = strings.Cut(m.Text, "\nWhat to do")
		}
	}
	return text + "\n", nil
}
