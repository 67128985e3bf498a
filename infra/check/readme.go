package check

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// tables are the parts of infra/README.md that are written by `go run ./infra/check/refresh docs`, by the name in
// their markers.
var tables = []struct {
	name  string
	write func(*repo) (string, []string)
}{
	{"inputs", inputs},
	{"outputs", outputs},
	{"roles", roles},
	{"resources", resources},
}

// Readme returns text, infra/README.md's, with its tables as they should be.
func Readme(fsys fs.FS, text string) (string, error) {
	r, err := open(fsys, Options{})
	if err != nil {
		return "", err
	}
	for _, t := range tables {
		table, problems := t.write(r)
		if len(problems) > 0 {
			return "", fmt.Errorf("write table %s: %s", t.name, strings.Join(problems, "; "))
		}
		before, rest, ok := strings.Cut(text, "<!-- "+t.name+" -->\n")
		_, after, closed := strings.Cut(rest, "<!-- /"+t.name+" -->")
		if !ok || !closed {
			return "", fmt.Errorf("find table %s: infra/README.md has no markers <!-- %s --> and <!-- /%s -->", t.name, t.name, t.name)
		}
		text = before + "<!-- " + t.name + " -->\n" + table + "<!-- /" + t.name + " -->" + after
	}
	return text, nil
}

// checkReadme compares the tables of infra/README.md with the module.
func checkReadme(r *repo) ([]string, error) {
	text, err := fs.ReadFile(r.fsys, "infra/README.md")
	if err != nil {
		return nil, fmt.Errorf("read README: %w", err)
	}
	var problems []string
	for _, t := range tables {
		want, found := t.write(r)
		problems = append(problems, found...)
		_, rest, _ := strings.Cut(string(text), "<!-- "+t.name+" -->\n")
		have, _, _ := strings.Cut(rest, "<!-- /"+t.name+" -->")
		if len(found) == 0 && have != want {
			problems = append(problems, fmt.Sprintf("infra/README.md: the table %s is not what the module has (%s); run `go run ./infra/check/refresh docs`", t.name, difference(have, want)))
		}
	}
	return problems, nil
}

// difference quotes the first line that differs.
func difference(have, want string) string {
	h, w := strings.Split(have, "\n"), strings.Split(want, "\n")
	for i := range w {
		if i >= len(h) || h[i] != w[i] {
			return "line " + fmt.Sprint(i+1) + " should be: " + w[i]
		}
	}
	return "there are lines too many"
}

func inputs(r *repo) (string, []string) {
	var text strings.Builder
	text.WriteString("| Name | Meaning | Default |\n|---|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(r.root.variables)) {
		v := r.root.variables[name]
		meaning, _ := literal(v.Body, "description")
		standard := "(required)"
		if a := v.Body.Attributes["default"]; a != nil {
			standard = "`" + short(r.root.text(a.Expr)) + "`"
		}
		fmt.Fprintf(&text, "| `%s` | %s | %s |\n", name, meaning, standard)
	}
	return text.String(), nil
}

// short cuts a default that would not fit into a table.
func short(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > 40 {
		return "see variables.tf"
	}
	return text
}

func outputs(r *repo) (string, []string) {
	var text strings.Builder
	text.WriteString("| Name | Meaning |\n|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(r.root.outputs)) {
		meaning, _ := literal(r.root.outputs[name].Body, "description")
		fmt.Fprintf(&text, "| `%s` | %s |\n", name, meaning)
	}
	return text.String(), nil
}

// assignments are the resource types that give a right.
var assignments = []string{"azurerm_role_assignment", "azurerm_cosmosdb_sql_role_assignment"}

// roles lists every right that is given. The comment above an assignment says why; one without is a problem.
func roles(r *repo) (string, []string) {
	var text strings.Builder
	var problems []string
	text.WriteString("| To | Role | Scope | Why |\n|---|---|---|---|\n")
	for _, m := range r.parts() {
		for _, name := range slices.Sorted(maps.Keys(m.resources)) {
			b := m.resources[name]
			if !slices.Contains(assignments, b.Labels[0]) {
				continue
			}
			why := m.comment(b)
			if why == "" {
				problems = append(problems, at(b)+" gives a right without saying why; write it in the comment above")
			}
			fmt.Fprintf(&text, "| %s | %s | `%s` | %s |\n", holder(argument(m, b, "principal_id")), role(argument(m, b, "role_definition_id")), scope(argument(m, b, "scope")), why)
		}
	}
	return text.String(), problems
}

func argument(m *module, b *hclsyntax.Block, name string) string {
	if a := b.Body.Attributes[name]; a != nil {
		return strings.Join(strings.Fields(m.text(a.Expr)), " ")
	}
	return ""
}

// holder says in words whose principal id an expression is.
func holder(expression string) string {
	switch {
	case strings.Contains(expression, "topic"):
		return "Event Grid topic"
	case strings.Contains(expression, "app_principal_id"):
		return "app"
	case strings.Contains(expression, "policy_assignment"):
		return "Azure Policy"
	}
	return "operators"
}

// role says in words which role an expression names: the key in local.roles, or the definition made here.
func role(expression string) string {
	var names []string
	for _, word := range strings.FieldsFunc(expression, func(c rune) bool { return strings.ContainsRune(" \"{}/$?:()", c) }) {
		if name, ok := strings.CutPrefix(word, "local.roles."); ok {
			names = append(names, strings.ReplaceAll(name, "_", " "))
		}
		if parts := strings.Split(word, "."); strings.HasSuffix(parts[0], "role_definition") {
			name, _, _ := strings.Cut(parts[1], "[")
			names = append(names, "custom: "+strings.ReplaceAll(name, "_", " "))
		}
	}
	return strings.Join(names, ", or ")
}

func scope(expression string) string {
	return strings.NewReplacer("[0].id", "", ".id", "", `"`, "", "${", "", "}", "", "azurerm_", "", "var.core.", "").Replace(expression)
}

func resources(r *repo) (string, []string) {
	count := map[string]int{}
	for _, m := range r.parts() {
		for _, b := range m.resources {
			count[b.Labels[0]]++
		}
	}
	var text strings.Builder
	text.WriteString("| Type | Blocks |\n|---|---|\n")
	for _, kind := range slices.Sorted(maps.Keys(count)) {
		fmt.Fprintf(&text, "| `%s` | %d |\n", kind, count[kind])
	}
	return text.String(), nil
}

// Used lists the resource and data source types of all modules, as providers.txt names them.
func Used(fsys fs.FS) ([]string, error) {
	r, err := open(fsys, Options{})
	if err != nil {
		return nil, err
	}
	used := map[string]bool{}
	for _, m := range r.modules() {
		for _, kind := range []map[string]*hclsyntax.Block{m.resources, m.data} {
			for _, b := range kind {
				used[b.Type+" "+b.Labels[0]] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(used)), nil
}
