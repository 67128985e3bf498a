package check

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// localOnly are the secrets that Azure does not need, with the reason.
var localOnly = map[string]string{
	"COSMOS_KEY": "infra switches account keys off, and the identity is used",
}

// hostMust are the settings without which the Functions host does not start.
var hostMust = []string{"AzureWebJobsStorage__accountName", "AzureWebJobsStorage__credential"}

// hostMustNot are settings that break the app on Flex Consumption, with the reason.
var hostMustNot = map[string]string{
	"AzureWebJobsStorage":         "beside it the identity's settings are ignored",
	"WEBSITE_RUN_FROM_PACKAGE":    "func refuses to publish to Flex Consumption with it",
	"FUNCTIONS_WORKER_RUNTIME":    "on Flex Consumption the runtime is in functionAppConfig",
	"FUNCTIONS_EXTENSION_VERSION": "on Flex Consumption the platform decides it",
}

// written are the settings that infra writes.
type written struct {
	app, host  []string
	byFunction map[string][]string
	secrets    []string // what var.secret_settings may name
}

func (r *repo) written() written {
	w := written{
		app:        slices.Sorted(maps.Keys(objectKeys(r.root.locals["app_settings"], 0))),
		host:       slices.Sorted(maps.Keys(objectKeys(r.root.locals["host_settings"], 0))),
		byFunction: map[string][]string{},
	}
	for function, e := range objectKeys(r.root.locals["function_settings"], 0) {
		w.byFunction[function] = slices.Sorted(maps.Keys(objectKeys(e, 0)))
	}
	if v := r.root.variables["secret_settings"]; v != nil {
		w.secrets = settingNames(v.Body)
	}
	return w
}

// settingName is what the handler's settings look like.
var settingName = regexp.MustCompile(`^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$`)

// settingNames are the string literals of a node that are names of settings.
func settingNames(n hclsyntax.Node) []string {
	var names []string
	for _, text := range literals(n) {
		if settingName.MatchString(text) && !slices.Contains(names, text) {
			names = append(names, text)
		}
	}
	return names
}

// checkSettings holds what infra writes, what the handler and function.json read, and the example file to each other.
func checkSettings(r *repo) ([]string, error) {
	declared, err := declaredSettings(r.fsys)
	if err != nil {
		return nil, err
	}
	functions, err := readFunctions(r.fsys)
	if err != nil {
		return nil, err
	}
	w := r.written()
	problems := checkHost(w)
	problems = append(problems, w.checkDeclared(declared, functions)...)
	problems = append(problems, w.checkFunctions(declared, functions)...)
	if v := r.root.variables["app_settings"]; v != nil {
		problems = append(problems, checkForbidden(declared, settingNames(v.Body))...)
	}
	example, err := checkExample(r.fsys, declared)
	return append(problems, example...), err
}

func checkHost(w written) []string {
	var problems []string
	for _, name := range hostMust {
		if !slices.Contains(w.host, name) {
			problems = append(problems, fmt.Sprintf("infra/settings.tf does not write %s; without it the Functions host cannot reach its storage and starts nothing", name))
		}
	}
	for _, name := range append(slices.Clone(w.host), w.app...) {
		if why, bad := hostMustNot[name]; bad {
			problems = append(problems, fmt.Sprintf("infra/settings.tf writes %s; remove it: %s", name, why))
		}
	}
	return problems
}

// checkDeclared compares what the handler declares with what infra writes.
func (w written) checkDeclared(declared map[string]setting, functions []function) []string {
	all := slices.Concat(w.app, w.secrets)
	for _, f := range functions {
		all = append(all, w.byFunction[f.name]...)
	}
	var problems []string
	for name, s := range declared {
		switch {
		case s.secret && localOnly[name] == "" && !slices.Contains(w.secrets, name):
			problems = append(problems, fmt.Sprintf("the handler reads the secret %s; add it to the names that secret_settings in infra/variables_app.tf allows", name))
		case s.required && !slices.Contains(all, name):
			problems = append(problems, fmt.Sprintf("the handler requires %s and infra/settings.tf does not write it; every invocation would fail", name))
		}
	}
	for _, name := range w.secrets {
		if !declared[name].secret {
			problems = append(problems, fmt.Sprintf("secret_settings in infra/variables_app.tf allows %s, which the handler does not read as a secret; remove it or read it with Secret", name))
		}
	}
	for _, name := range w.app {
		if _, ok := declared[name]; !ok {
			problems = append(problems, fmt.Sprintf("infra/settings.tf writes %s, which nothing reads; correct the name or remove it", name))
		}
	}
	return problems
}

// checkFunctions compares the settings of each published function with what its function.json and the handler read.
// Settings of functions that are not there are written by nobody, so they are not judged.
func (w written) checkFunctions(declared map[string]setting, functions []function) []string {
	var problems []string
	for _, f := range functions {
		have := w.byFunction[f.name]
		for _, name := range f.reads {
			if !slices.ContainsFunc(slices.Concat(have, w.app, w.host), func(s string) bool { return satisfies(s, name) }) {
				problems = append(problems, fmt.Sprintf("functions/%s reads %s, which infra/settings.tf does not write; add it to function_settings[%q]", f.name, name, f.name))
			}
		}
		for _, name := range have {
			_, read := declared[name]
			if name == "AzureWebJobs."+f.name+".Disabled" { // the host's own switch (learn: "How to disable functions")
				continue
			}
			if !read && !slices.ContainsFunc(f.reads, func(r string) bool { return satisfies(name, r) }) {
				problems = append(problems, fmt.Sprintf("infra/settings.tf writes %s for functions/%s, which neither its function.json nor the handler reads; correct the name or remove it", name, f.name))
			}
		}
	}
	return problems
}

// satisfies reports whether the setting s is what a binding reads as name: itself, or a part of an identity-based
// connection, NAME__part (learn: "Connections" of the Functions developer guide).
func satisfies(s, name string) bool {
	return s == name || strings.HasPrefix(s, name+"__")
}

// checkForbidden holds the list of secrets that var.app_settings refuses to the handler's secrets.
func checkForbidden(declared map[string]setting, refused []string) []string {
	var problems []string
	for name, s := range declared {
		if s.secret && !slices.Contains(refused, name) {
			problems = append(problems, fmt.Sprintf("app_settings in infra/variables_app.tf accepts the secret %s, which would be in the state; add it to the names that its validation refuses", name))
		}
	}
	return problems
}

// checkExample holds local.settings.json.example to the declared settings; app_settings is checked against it at plan.
func checkExample(fsys fs.FS, declared map[string]setting) ([]string, error) {
	text, err := fs.ReadFile(fsys, "local.settings.json.example")
	if err != nil {
		return nil, fmt.Errorf("read example: %w", err)
	}
	var doc struct{ Values map[string]string }
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("decode example: %w", err)
	}
	var problems []string
	for name := range declared {
		if _, ok := doc.Values[name]; !ok {
			problems = append(problems, fmt.Sprintf("local.settings.json.example lacks %s; run `go run ./handler settings --format example > local.settings.json.example`", name))
		}
	}
	for name := range doc.Values {
		_, ok := declared[name]
		if !ok && name != "FUNCTIONS_WORKER_RUNTIME" && name != "AzureWebJobsStorage" { // what func start needs
			problems = append(problems, fmt.Sprintf("local.settings.json.example holds %s, which the handler does not read; run `go run ./handler settings --format example > local.settings.json.example`", name))
		}
	}
	return problems, nil
}
