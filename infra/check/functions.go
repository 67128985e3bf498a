package check

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// function is a folder of functions/.
type function struct {
	name     string
	bindings []binding
	reads    []string // the settings that function.json expands or connects by
}

type binding struct{ Type, Route, Connection string }

// trigger is the type of the function's trigger.
func (f function) trigger() string {
	for _, b := range f.bindings {
		if strings.HasSuffix(b.Type, "Trigger") {
			return b.Type
		}
	}
	return ""
}

// expanded is how function.json names a setting: %NAME% (HOST Utility.cs).
var expanded = regexp.MustCompile(`%([A-Za-z0-9_]+)%`)

// readFunctions reads the folders of functions/.
func readFunctions(fsys fs.FS) ([]function, error) {
	paths, err := fs.Glob(fsys, "functions/*/function.json")
	if err != nil {
		return nil, fmt.Errorf("list functions: %w", err)
	}
	var all []function
	for _, p := range paths {
		text, err := fs.ReadFile(fsys, p)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", p, err)
		}
		var doc struct{ Bindings []binding }
		if err := json.Unmarshal(text, &doc); err != nil {
			return nil, fmt.Errorf("decode %s: %w", p, err)
		}
		f := function{name: path.Base(path.Dir(p)), bindings: doc.Bindings}
		for _, m := range expanded.FindAllStringSubmatch(string(text), -1) {
			f.reads = append(f.reads, m[1])
		}
		for _, b := range doc.Bindings {
			if b.Connection != "" {
				f.reads = append(f.reads, b.Connection)
			}
		}
		all = append(all, f)
	}
	return all, nil
}

// Where infra names a function: as an Event Grid destination, and in the address of a webhook.
var (
	destination = regexp.MustCompile(`\}/functions/([A-Za-z0-9_-]+)`)
	webhook     = regexp.MustCompile(`/api/([A-Za-z0-9_/-]+)`)
)

// checkFunctions holds what infra calls to the folders of functions/, and to their triggers.
func checkFunctions(r *repo) ([]string, error) {
	all, err := readFunctions(r.fsys)
	if err != nil {
		return nil, err
	}
	var problems []string
	var targets []string
	for _, text := range templates(r.root, r.watched, r.above) {
		for _, m := range destination.FindAllStringSubmatch(text, -1) {
			targets = append(targets, m[1])
			problems = append(problems, checkDestination(all, m[1])...)
		}
		for _, m := range webhook.FindAllStringSubmatch(text, -1) {
			problems = append(problems, checkWebhook(all, m[1])...)
		}
	}
	for _, f := range all {
		if f.trigger() == "eventGridTrigger" && !slices.Contains(targets, f.name) {
			problems = append(problems, fmt.Sprintf("functions/%s has an Event Grid trigger, but no event subscription of infra names it; add one to modules/subscription/main.tf", f.name))
		}
	}
	return problems, nil
}

func checkDestination(all []function, name string) []string {
	i := slices.IndexFunc(all, func(f function) bool { return f.name == name })
	switch {
	case i < 0:
		return []string{fmt.Sprintf("infra delivers events to the function %s, but there is no folder functions/%s", name, name)}
	case all[i].trigger() != "eventGridTrigger":
		return []string{fmt.Sprintf("infra delivers events to %s, whose trigger is %s; Event Grid calls functions with an eventGridTrigger only", name, all[i].trigger())}
	}
	return nil
}

func checkWebhook(all []function, route string) []string {
	for _, f := range all {
		for _, b := range f.bindings {
			if b.Type == "httpTrigger" && (b.Route == route || b.Route == "" && f.name == route) {
				return nil
			}
		}
	}
	return []string{fmt.Sprintf("infra calls /api/%s, but no function of functions/ has that route", route)}
}

// templates returns every string and template of the modules, as written.
func templates(modules ...*module) []string {
	var found []string
	for _, m := range modules {
		for _, b := range m.bodies {
			visit(b, func(n hclsyntax.Node) {
				if t, ok := n.(*hclsyntax.TemplateExpr); ok {
					found = append(found, m.text(t))
				}
			})
		}
	}
	return found
}
