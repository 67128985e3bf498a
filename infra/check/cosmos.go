package check

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// layout are the arguments of a container that must come from containers.json, and the key there.
var layout = map[string]string{
	"name":                "name",
	"partition_key_paths": "partition_key_path",
	"default_ttl":         "default_ttl_seconds",
}

// dataActions says which right each call of azcosmos needs (learn: "Data plane role-based access control", actions).
var dataActions = map[string]string{
	"CreateItem(":                "items/create",
	"DeleteItem(":                "items/delete",
	"PatchItem(":                 "items/replace",
	"ReadItem(":                  "items/read",
	"ReplaceItem(":               "items/replace",
	"UpsertItem(":                "items/upsert",
	"NewQueryItemsPager(":        "containers/executeQuery",
	"NewTransactionalBatch(":     "items/create",
	"NewCrossPartitionQuery":     "containers/executeQuery",
	"ReadManyItems(":             "items/read",
	"GetChangeFeed(":             "containers/readChangeFeed",
	"GetFeedRanges(":             "readMetadata",
	"ExecuteTransactionalBatch(": "items/create",
}

// checkCosmos holds cosmos.tf and containers.json to the store.
func checkCosmos(r *repo) ([]string, error) {
	text, err := fs.ReadFile(r.fsys, "infra/containers.json")
	if err != nil {
		return nil, fmt.Errorf("read containers: %w", err)
	}
	var doc struct {
		Database   string
		Containers []struct{ Name string }
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("decode containers.json: %w", err)
	}
	problems := checkLayout(r.root)
	var names []string
	for _, c := range doc.Containers {
		names = append(names, c.Name)
	}
	constants, source, err := readStore(r.fsys)
	if err != nil {
		return nil, err
	}
	if constants["Database"] != doc.Database {
		problems = append(problems, fmt.Sprintf("infra/containers.json names the database %q, the store %q", doc.Database, constants["Database"]))
	}
	for name, value := range constants {
		if strings.HasPrefix(name, "container") && !slices.Contains(names, value) {
			problems = append(problems, fmt.Sprintf("the store uses the container %s, which infra/containers.json does not have", value))
		}
	}
	return append(problems, checkRights(r.root, source)...), nil
}

// checkLayout makes sure that nothing of a container is written into Terraform.
func checkLayout(m *module) []string {
	b := m.resources["azurerm_cosmosdb_sql_container.main"]
	if b == nil {
		return []string{"infra/cosmos.tf makes no containers: resource azurerm_cosmosdb_sql_container.main is gone"}
	}
	var problems []string
	for argument, key := range layout {
		a := b.Body.Attributes[argument]
		if a == nil || !strings.Contains(m.text(a.Expr), "each.value."+key) {
			problems = append(problems, fmt.Sprintf("%s must take %s from containers.json (each.value.%s), which the store reads as well", at(b), argument, key))
		}
	}
	return problems
}

// readStore returns the store's string constants by name, and its source.
func readStore(fsys fs.FS) (map[string]string, string, error) {
	constants := map[string]string{}
	var source strings.Builder
	paths, err := fs.Glob(fsys, "handler/store/*.go")
	for _, p := range paths {
		if strings.HasSuffix(p, "_test.go") {
			continue
		}
		text, err := fs.ReadFile(fsys, p)
		if err != nil {
			return nil, "", fmt.Errorf("read store: %w", err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), p, text, parser.SkipObjectResolution)
		if err != nil {
			return nil, "", fmt.Errorf("parse store: %w", err)
		}
		source.Write(text)
		ast.Inspect(file, func(n ast.Node) bool {
			readConstant(n, constants)
			return true
		})
	}
	return constants, source.String(), err
}

func readConstant(n ast.Node, constants map[string]string) {
	spec, ok := n.(*ast.ValueSpec)
	if !ok {
		return
	}
	for i, v := range spec.Values {
		if lit, ok := v.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			constants[spec.Names[i].Name], _ = strconv.Unquote(lit.Value)
		}
	}
}

// checkRights holds the store's role to the calls that the store makes.
func checkRights(m *module, source string) []string {
	b := m.resources["azurerm_cosmosdb_sql_role_definition.store"]
	if b == nil {
		return []string{"infra/identity.tf gives the store no role: resource azurerm_cosmosdb_sql_role_definition.store is gone"}
	}
	var granted []string
	for _, r := range m.resources {
		if r.Labels[0] != b.Labels[0] {
			continue
		}
		visit(r.Body, func(n hclsyntax.Node) {
			if t, ok := n.(*hclsyntax.TemplateExpr); ok && t.IsStringLiteral() {
				granted = append(granted, literals(t)...)
			}
		})
	}
	var problems []string
	for _, call := range slices.Sorted(maps.Keys(dataActions)) {
		action := dataActions[call]
		has := slices.ContainsFunc(granted, func(g string) bool { return strings.HasSuffix(g, "/"+action) })
		if strings.Contains(source, "."+call) && !has {
			problems = append(problems, fmt.Sprintf("the store calls azcosmos' %s and its role lacks %s; add it to auditbell-store in infra/identity.tf", strings.Trim(call, "("), action))
		}
	}
	return problems
}
