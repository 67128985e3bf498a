package cli

// Stories about what happens above the subscription.

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	standin "github.com/auditbell/auditbell/local/azure"
)

// logAzure SCOPE FILE [AFTER] puts the entries of a REST list into the Activity Log of tenant, managementGroups/NAME or a
// subscription; they become visible AFTER from now.
func (s *story) logAzure(ts *testscript.TestScript, args []string) (string, error) {
	scope := ""
	switch name, group := strings.CutPrefix(args[0], "managementGroups/"); {
	case group:
		scope = "/providers/Microsoft.Management/managementGroups/" + name
	case args[0] != "tenant":
		scope = "/subscriptions/" + args[0]
	}
	var list struct{ Value []json.RawMessage }
	if err := json.Unmarshal([]byte(ts.ReadFile(args[1])), &list); err != nil {
		return "", err
	}
	from := s.now()
	if len(args) > 2 {
		after, err := time.ParseDuration(args[2])
		if err != nil {
			return "", err
		}
		from = from.Add(after)
	}
	for _, item := range list.Value {
		var at struct{ EventTimestamp time.Time }
		if err := json.Unmarshal(item, &at); err != nil {
			return "", err
		}
		s.azure.Log(standin.Entry{Scope: scope, Time: at.EventTimestamp, From: from, Item: item})
	}
	return fmt.Sprintf("%d entries\n", len(list.Value)), nil
}
