package layout

import (
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// functionName is what the host accepts as a folder name (Utility.cs); "host" is taken.
var functionName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,127}$`)

// checkTree judges everything but the binary and returns the functions' names.
func checkTree(root string) ([]string, error) {
	if err := checkHostJSON(filepath.Join(root, "host.json")); err != nil {
		return nil, err
	}
	paths, err := filepath.Glob(filepath.Join(root, "*", "function.json"))
	if err != nil || len(paths) == 0 {
		// The host itself only logs this, and publishes an app that does nothing.
		return nil, errors.Join(errors.New("list functions: there is none\nhint: functions/<name>/function.json"), err)
	}
	var names []string
	var problems []error
	for _, path := range paths {
		name := filepath.Base(filepath.Dir(path))
		names = append(names, name)
		if err := checkFunction(name, path); err != nil {
			problems = append(problems, fmt.Errorf("check functions/%s: %w", name, err))
		}
	}
	return names, errors.Join(problems...)
}

// checkHostJSON looks for what would be noticed in Azure only, and then as a handler that does not start.
func checkHostJSON(path string) error {
	var h struct {
		Version         string
		ExtensionBundle *struct{ ID, Version string }
		CustomHandler   struct {
			Description struct{ DefaultExecutablePath string }
			HTTP        json.RawMessage
		}
	}
	if err := readJSON(path, &h); err != nil {
		return fmt.Errorf("check host.json: %w", err)
	}
	switch {
	case h.Version != "2.0":
		return fmt.Errorf("check host.json: version is %q, the host wants 2.0", h.Version)
	case h.CustomHandler.Description.DefaultExecutablePath != Executable:
		return fmt.Errorf("check host.json: defaultExecutablePath is %q, the zip entry is %q: the file would lose its executable bit",
			h.CustomHandler.Description.DefaultExecutablePath, Executable)
	case h.ExtensionBundle == nil:
		return errors.New("check host.json: no extensionBundle: Event Grid and Event Hubs would have no triggers")
	case h.CustomHandler.HTTP != nil:
		return errors.New("check host.json: customHandler.http excludes function.json files (HttpWorkerFunctionProvider.cs)")
	}
	return nil
}

// checkFunction applies the host's rules (Utility.cs, HostFunctionMetadataProvider.cs), which there disable a function
// with one line in the log, and keeps our own folders' names free.
func checkFunction(name, path string) error {
	var f struct {
		Bindings []struct{ Type, Name, Direction string }
		Retry    struct {
			Strategy      string
			MaxRetryCount int
		}
	}
	if err := readJSON(path, &f); err != nil {
		return err
	}
	if !functionName.MatchString(name) || strings.EqualFold(name, "host") || name == "bin" || name == "config" {
		return errors.New("the host does not accept this name")
	}
	triggers, seen := 0, map[string]bool{}
	for _, b := range f.Bindings {
		if b.Name == "" || b.Type == "" || seen[b.Name] {
			return fmt.Errorf("binding %q of type %q: needs a type and a name of its own", b.Name, b.Type)
		}
		seen[b.Name] = true
		if strings.HasSuffix(b.Type, "Trigger") {
			triggers++
		}
		// The listener goes on with the next batch whether the function succeeded or not (learn: "Reliable event processing").
		if b.Type == "eventHubTrigger" && (f.Retry.Strategy != "exponentialBackoff" || f.Retry.MaxRetryCount != -1) {
			return errors.New("an Event Hubs trigger needs a retry policy without end, or a batch that fails is lost: strategy exponentialBackoff, maxRetryCount -1")
		}
	}
	if triggers != 1 {
		return fmt.Errorf("has %d triggers, must have exactly one", triggers)
	}
	return nil
}

func readJSON(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}

// checkRoutes holds the folders and the program's routes to each other: a folder without a route is a function that
// answers 404 for ever, a route without a folder is one that never rings. The routes are read from their Go file
// because the binary is usually built for another machine, and asking it would need a command only we use.
func checkRoutes(path string, folders []string) error {
	routes, err := routesIn(path, folders)
	if err != nil {
		return err
	}
	var problems []error
	for _, name := range folders {
		if !slices.Contains(routes, name) {
			problems = append(problems, fmt.Errorf("check routes: functions/%s has no route in %s", name, path))
		}
	}
	for _, name := range routes {
		if !slices.Contains(folders, name) {
			problems = append(problems, fmt.Errorf("check routes: %q in %s has no functions/%s/function.json", name, path, name))
		}
	}
	return errors.Join(problems...)
}

// routesIn returns the names in a Go file's tables: the string keys of a map literal, or the first string of each
// struct in a slice literal. A table that names no function at all is about something else.
func routesIn(path string, folders []string) ([]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("read routes: %w", err)
	}
	isFolder := func(name string) bool { return slices.Contains(folders, name) }
	var names []string
	ast.Inspect(file, func(n ast.Node) bool {
		if table, ok := n.(*ast.CompositeLit); ok {
			if entries := entriesOf(table); slices.ContainsFunc(entries, isFolder) {
				names = append(names, entries...)
			}
		}
		return true
	})
	return names, nil
}

// entriesOf returns a table's string keys, or its rows' first strings.
func entriesOf(table *ast.CompositeLit) []string {
	var names []string
	for _, element := range table.Elts {
		var key ast.Expr
		switch e := element.(type) {
		case *ast.KeyValueExpr:
			key = e.Key
		case *ast.CompositeLit:
			key = firstOf(e)
		}
		if literal, ok := key.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			if name, err := strconv.Unquote(literal.Value); err == nil {
				names = append(names, name)
			}
		}
	}
	return names
}

// firstOf returns a struct literal's first value, whether it is written with its field's name or without.
func firstOf(row *ast.CompositeLit) ast.Expr {
	if len(row.Elts) == 0 {
		return nil
	}
	if field, named := row.Elts[0].(*ast.KeyValueExpr); named {
		return field.Value
	}
	return row.Elts[0]
}

// machines are the targets whose binaries we know how to judge.
var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// checkBinary makes sure that a linux binary is for the right machine and asks for no dynamic loader: the wrong one
// fails in Azure with nothing but "permission denied" or "exec format error".
func checkBinary(path, goos, goarch string) error {
	if goos != "linux" {
		return nil
	}
	f, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("check binary: %w", err)
	}
	defer func() { _ = f.Close() }()
	if want, known := machines[goarch]; known && f.Machine != want {
		return fmt.Errorf("check binary: built for %s, want %s", f.Machine, want)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return errors.New("check binary: it is dynamically linked; it must run without any libc")
		}
	}
	return nil
}
