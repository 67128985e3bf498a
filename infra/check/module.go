package check

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// module is one folder of .tf files, by what they declare.
type module struct {
	dir   string
	files map[string]source

	variables, outputs, calls, resources, data map[string]*hclsyntax.Block
	locals                                     map[string]hclsyntax.Expression
	bodies                                     []*hclsyntax.Body // of the files
}

// source is one file, parsed and as text, because HCL keeps no comments.
type source struct {
	text []byte
	body *hclsyntax.Body
}

// load reads the .tf files of dir.
func load(fsys fs.FS, dir string) (*module, error) {
	m := &module{
		dir: dir, files: map[string]source{}, locals: map[string]hclsyntax.Expression{},
		variables: map[string]*hclsyntax.Block{}, outputs: map[string]*hclsyntax.Block{}, calls: map[string]*hclsyntax.Block{},
		resources: map[string]*hclsyntax.Block{}, data: map[string]*hclsyntax.Block{},
	}
	paths, err := fs.Glob(fsys, dir+"/*.tf")
	if err != nil || len(paths) == 0 {
		return nil, fmt.Errorf("list %s: no .tf files (%w)", dir, err)
	}
	for _, p := range paths {
		text, err := fs.ReadFile(fsys, p)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", p, err)
		}
		file, diags := hclsyntax.ParseConfig(text, p, hcl.InitialPos)
		if diags.HasErrors() {
			return nil, fmt.Errorf("parse %s: %w", p, diags)
		}
		b := file.Body.(*hclsyntax.Body)
		m.files[p] = source{text, b}
		m.bodies = append(m.bodies, b)
		for _, block := range b.Blocks {
			m.add(block)
		}
	}
	return m, nil
}

// add files a top-level block under its name. Blocks that declare nothing which can be referred to are left out.
func (m *module) add(b *hclsyntax.Block) {
	name := strings.Join(b.Labels, ".")
	switch b.Type {
	case "variable":
		m.variables[name] = b
	case "output":
		m.outputs[name] = b
	case "module":
		m.calls[name] = b
	case "resource":
		m.resources[name] = b
	case "data":
		m.data[name] = b
	case "locals":
		for name, a := range b.Body.Attributes {
			m.locals[name] = a.Expr
		}
	}
}

// comment returns the comment lines that stand directly above a block, joined.
func (m *module) comment(b *hclsyntax.Block) string {
	at := b.DefRange()
	lines := strings.Split(string(m.files[at.Filename].text), "\n")
	var above []string
	for i := at.Start.Line - 2; i >= 0; i-- {
		text, ok := strings.CutPrefix(strings.TrimSpace(lines[i]), "# ")
		if !ok {
			break
		}
		above = append(above, text)
	}
	slices.Reverse(above)
	return strings.Join(above, " ")
}

// text returns an expression as it is written.
func (m *module) text(e hclsyntax.Expression) string {
	return m.source(e.Range())
}

func (m *module) source(r hcl.Range) string {
	return string(r.SliceBytes(m.files[r.Filename].text))
}

// strings returns the string literals of a body or expression, in order.
func literals(n hclsyntax.Node) []string {
	var found []string
	visit(n, func(n hclsyntax.Node) {
		if t, ok := n.(*hclsyntax.TemplateExpr); ok && t.IsStringLiteral() {
			if v, diags := t.Value(nil); !diags.HasErrors() {
				found = append(found, v.AsString())
			}
		}
	})
	return found
}

// visit calls f for n and everything in it.
func visit(n hclsyntax.Node, f func(hclsyntax.Node)) {
	_ = hclsyntax.VisitAll(n, func(n hclsyntax.Node) hcl.Diagnostics {
		f(n)
		return nil
	})
}

// literal returns an attribute's value when it is a constant, as text: "true", "TLS1_2", "365".
func literal(b *hclsyntax.Body, name string) (string, bool) {
	a, ok := b.Attributes[name]
	if !ok {
		return "", false
	}
	v, diags := a.Expr.Value(nil)
	if diags.HasErrors() || v.IsNull() || !v.IsKnown() || !v.Type().IsPrimitiveType() {
		return "", false
	}
	switch v.Type().FriendlyName() {
	case "string":
		return v.AsString(), true
	case "bool":
		return fmt.Sprint(v.True()), true
	}
	return v.AsBigFloat().String(), true
}

// objectKeys returns the constant keys of every object in an expression that stands at the given depth of objects: 0
// for the outermost.
func objectKeys(e hclsyntax.Expression, depth int) map[string]hclsyntax.Expression {
	found := map[string]hclsyntax.Expression{}
	switch e := e.(type) {
	case *hclsyntax.ObjectConsExpr:
		for _, item := range e.Items {
			key, diags := item.KeyExpr.Value(nil)
			if depth > 0 {
				maps.Copy(found, objectKeys(item.ValueExpr, depth-1))
			} else if !diags.HasErrors() {
				found[key.AsString()] = item.ValueExpr
			}
		}
	case *hclsyntax.FunctionCallExpr:
		for _, arg := range e.Args {
			maps.Copy(found, objectKeys(arg, depth))
		}
	case *hclsyntax.ConditionalExpr:
		maps.Copy(found, objectKeys(e.TrueResult, depth))
		maps.Copy(found, objectKeys(e.FalseResult, depth))
	case *hclsyntax.ParenthesesExpr:
		return objectKeys(e.Expression, depth)
	}
	return found
}

// at says where a block is, for a sentence.
func at(b *hclsyntax.Block) string {
	r := b.DefRange()
	return fmt.Sprintf("%s:%d %s", r.Filename, r.Start.Line, strings.Join(append([]string{b.Type}, b.Labels...), " "))
}

// called returns the module that a call's source names, nil when it is not one of ours.
func (r *repo) called(from *module, call *hclsyntax.Block) *module {
	target, ok := literal(call.Body, "source")
	if !ok {
		return nil
	}
	dir := path.Join(from.dir, target)
	i := slices.IndexFunc(r.modules(), func(m *module) bool { return m.dir == dir })
	if i < 0 {
		return nil
	}
	return r.modules()[i]
}
