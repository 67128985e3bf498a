package check

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// switches are the arguments that open a resource to the internet. Each is to be decided where it exists, because the
// providers' defaults are open.
var switches = []string{"public_network_access_enabled", "internet_ingestion_enabled", "internet_query_enabled", "internet_ingestion_access_type", "internet_query_access_type", "network_rulesets"}

// admitsAll finds a firewall that lets everybody in, whether a network is set or not.
var admitsAll = regexp.MustCompile(`(?i)default_?action\s*=\s*"Allow"`)

// stayOpen are the resources that stay reachable from the internet although a network is set, with the reason. Nothing but
// these may be a constant true.
var stayOpen = map[string]string{
	"azurerm_storage_account.public_network_access_enabled":          "the firewall denies; diagnostic settings and dead letters come in as trusted services, which needs the switch",
	"azurerm_eventhub_namespace.public_network_access_enabled":       "the firewall denies; diagnostic settings and Event Grid come in as trusted services, which needs the switch",
	"azurerm_application_insights.internet_ingestion_enabled":        "closing it needs a private link scope of the operator's; only the app's identity may write",
	"azurerm_application_insights.internet_query_enabled":            "people read from where they are, as themselves",
	"azurerm_log_analytics_workspace.internet_ingestion_access_type": "Azure Monitor writes here, and no key works",
	"azurerm_log_analytics_workspace.internet_query_access_type":     "people read from where they are, as themselves",
}

// checkPublic looks at each public switch of each resource.
func checkPublic(r *repo) ([]string, error) {
	return r.eachModule(func(m *module) []string {
		var problems []string
		for _, b := range m.resources {
			if admitsAll.MatchString(m.source(b.Body.SrcRange)) {
				problems = append(problems, at(b)+" has a firewall that admits everybody, also with a network; let it follow local.private")
			}
			known := r.schema["resource "+b.Labels[0]]
			if known == nil {
				continue // checkArguments says so
			}
			for _, name := range switches {
				if _, has := known.attributes[name]; !has {
					continue
				}
				a := b.Body.Attributes[name]
				key := b.Labels[0] + "." + name
				switch {
				case a == nil:
					problems = append(problems, fmt.Sprintf("%s does not decide %s, which is open by default", at(b), name))
				case slices.Contains([]string{"true", `"Enabled"`}, strings.TrimSpace(m.text(a.Expr))) && stayOpen[key] == "":
					problems = append(problems, fmt.Sprintf("%s is open by %s also with a network; let it follow local.private, or add the reason to infra/check/public.go", at(b), name))
				}
			}
		}
		slices.Sort(problems)
		return problems
	}), nil
}
