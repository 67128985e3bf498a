package check

import (
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// byDefault are resource providers that every subscription has (learn: "Resource providers for Azure services", "registered
// by default"), of those that the modules use.
var byDefault = []string{"Microsoft.Authorization", "Microsoft.Consumption", "Microsoft.Resources"}

var (
	word      = regexp.MustCompile(`\w+`)
	registers = regexp.MustCompile(`(?s)var providers = \[\]string\{(.*?)\n\}`)
	byHand    = regexp.MustCompile(`for provider in [A-Za-z ]+; do`)
)

// checkRegistered compares the resource providers of the module's types with those that `make deploy` registers, and both
// with the command of docs/deploy.md, because azurerm 5 registers none. What a further subscription needs is registered
// by its provider's block in the example.
func checkRegistered(r *repo) ([]string, error) {
	var problems []string
	home := namespaces(r.root, r.watched)
	for _, list := range []struct {
		file  string
		words *regexp.Regexp
	}{{"infra/deploy/check.go", registers}, {"docs/deploy.md", byHand}} {
		text, err := fs.ReadFile(r.fsys, list.file)
		if err != nil {
			return nil, fmt.Errorf("read what is registered: %w", err)
		}
		for _, name := range home {
			if _, last, _ := strings.Cut(name, "."); !slices.Contains(word.FindAllString(string(list.words.Find(text)), -1), last) {
				problems = append(problems, fmt.Sprintf("%s does not register %s, which infra needs", list.file, name))
			}
		}
	}
	for _, m := range r.examples {
		problems = append(problems, r.furtherSubscriptions(m)...)
	}
	return problems, nil
}

// namespaces are the resource providers that the modules' types need registered.
func namespaces(modules ...*module) []string {
	used := map[string]bool{}
	for _, m := range modules {
		for _, b := range m.resources {
			name, _, _ := strings.Cut(armTypes[b.Labels[0]], "/")
			used[name] = name != "" && !slices.Contains(byDefault, name)
		}
	}
	maps.DeleteFunc(used, func(_ string, needed bool) bool { return !needed })
	return slices.Sorted(maps.Keys(used))
}

// furtherSubscriptions looks at the providers of an example that have a subscription of their own.
func (r *repo) furtherSubscriptions(m *module) []string {
	var problems []string
	for _, b := range m.bodies {
		for _, p := range b.Blocks {
			if p.Type != "provider" || p.Body.Attributes["subscription_id"] == nil {
				continue
			}
			for _, name := range namespaces(r.watched) {
				if !slices.Contains(literals(p.Body), name) {
					problems = append(problems, fmt.Sprintf("%s: resource_providers_to_register lacks %s, which modules/subscription needs", at(p), name))
				}
			}
		}
	}
	return problems
}

// chosen are the variables that infra/deploy sets, or keeps choices for, where an example has them.
var chosen = []string{"alert_emails", "operator_object_ids", "event_delivery_enabled", "locks_enabled"}

// checkChoices demands that every example passes on what `make deploy` and `make infra-destroy` decide.
func checkChoices(r *repo) ([]string, error) {
	var problems []string
	for _, m := range r.examples {
		for _, call := range m.calls {
			if r.called(m, call) != r.root {
				continue
			}
			for _, name := range chosen {
				if a := call.Body.Attributes[name]; a == nil || m.text(a.Expr) != "var."+name {
					problems = append(problems, fmt.Sprintf("%s does not pass on var.%s, which make deploy sets", at(call), name))
				}
			}
		}
	}
	return problems, nil
}
