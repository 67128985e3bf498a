package check

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// setting is one settings.Def of the handler's source.
type setting struct {
	name             string
	required, secret bool
}

// declaredSettings reads the settings.Def literals of the handler. The source is read and not the running program, so
// that the check needs nothing to be built and can be tried on a changed copy.
func declaredSettings(fsys fs.FS) (map[string]setting, error) {
	found := map[string]setting{}
	err := eachSource(fsys, func(p string, text []byte) error { return readDefs(p, text, found) })
	return found, err
}

// eachSource reads the source of the handler, without its tests.
func eachSource(fsys fs.FS, read func(p string, text []byte) error) error {
	return fs.WalkDir(fsys, "handler", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
			return err
		}
		text, err := fs.ReadFile(fsys, p)
		if err != nil {
			return fmt.Errorf("read %s: %w", p, err)
		}
		return read(p, text)
	})
}

// readDefs adds the definitions of one file.
func readDefs(p string, text []byte, found map[string]setting) error {
	if !bytes.Contains(text, []byte("Def{")) {
		return nil // most files; parsing them all is what would take time
	}
	file, err := parser.ParseFile(token.NewFileSet(), p, text, parser.SkipObjectResolution)
	if err != nil {
		return fmt.Errorf("parse %s: %w", p, err)
	}
	secret := secrets(file)
	ast.Inspect(file, func(n ast.Node) bool {
		if n, ok := n.(*ast.CompositeLit); ok {
			for _, def := range defs(n, path.Base(path.Dir(p))) {
				if s, ok := readDef(def); ok {
					found[s.name] = s.or(found[s.name], secret[def])
				}
			}
		}
		return true
	})
	return nil
}

// secrets are the literals that are given to Secret or SecretURL, as they stand or in a variable of the same file.
func secrets(file *ast.File) map[ast.Node]bool {
	given := map[ast.Node]bool{}
	named := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) != 1 {
			return true
		}
		if s, ok := call.Fun.(*ast.SelectorExpr); ok && strings.HasPrefix(s.Sel.Name, "Secret") {
			given[call.Args[0]] = true
			if name, ok := call.Args[0].(*ast.Ident); ok {
				named[name.Name] = true
			}
		}
		return true
	})
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		for i := 0; ok && i < min(len(spec.Names), len(spec.Values)); i++ {
			if named[spec.Names[i].Name] {
				given[spec.Values[i]] = true
			}
		}
		return true
	})
	return given
}

// or adds what another literal of the same name says: only the first that is read declares, and which is first only
// running the program would tell.
func (s setting) or(other setting, secret bool) setting {
	s.required = s.required || other.required
	s.secret = s.secret || other.secret || secret
	return s
}

// defs returns the Def literals that a literal is or lists.
func defs(n *ast.CompositeLit, pkg string) []*ast.CompositeLit {
	if isDef(n.Type, pkg) {
		return []*ast.CompositeLit{n}
	}
	list, ok := n.Type.(*ast.ArrayType)
	if !ok || !isDef(list.Elt, pkg) {
		return nil
	}
	var all []*ast.CompositeLit
	for _, e := range n.Elts {
		if lit, ok := e.(*ast.CompositeLit); ok && lit.Type == nil {
			all = append(all, lit)
		}
	}
	return all
}

func isDef(t ast.Expr, pkg string) bool {
	switch t := t.(type) {
	case *ast.SelectorExpr:
		x, ok := t.X.(*ast.Ident)
		return ok && x.Name == "settings" && t.Sel.Name == "Def"
	case *ast.Ident:
		return pkg == "settings" && t.Name == "Def"
	}
	return false
}

// readDef reads a literal. One whose name is computed is skipped: those are the host's own variables, which no operator
// sets (FUNCTIONS_CUSTOMHANDLER_PORT).
func readDef(n *ast.CompositeLit) (setting, bool) {
	var s setting
	for _, e := range n.Elts {
		pair, ok := e.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		key, _ := pair.Key.(*ast.Ident)
		switch v := pair.Value.(type) {
		case *ast.BasicLit:
			if key.Name == "Name" {
				s.name, _ = strconv.Unquote(v.Value)
			}
		case *ast.Ident:
			s.required = s.required || key.Name == "Required" && v.Name == "true"
			s.secret = s.secret || key.Name == "Secret" && v.Name == "true"
		}
	}
	return s, s.name != ""
}
