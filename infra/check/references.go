package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// checkReferences resolves what every expression refers to, and tells what nothing refers to.
func checkReferences(r *repo) ([]string, error) {
	return r.eachModule(func(m *module) []string {
		f := &resolver{repo: r, module: m, used: map[string]bool{}}
		for _, b := range m.bodies {
			f.file(b)
		}
		return append(f.problems, f.unused()...)
	}), nil
}

// resolver walks one module.
type resolver struct {
	*repo
	*module
	used     map[string]bool // var.x, local.x
	problems []string
}

// file resolves a file's blocks. A variable that only its own validation reads is read by nothing.
func (f *resolver) file(b *hclsyntax.Body) {
	for _, top := range b.Blocks {
		before := maps.Clone(f.used)
		f.body(top.Body, nil)
		if top.Type == "variable" && !before["var."+top.Labels[0]] {
			delete(f.used, "var."+top.Labels[0])
		}
	}
}

// body resolves everything in b; iterators are the names that dynamic blocks around it introduce.
func (f *resolver) body(b *hclsyntax.Body, iterators []string) {
	for name, a := range b.Attributes {
		if name == "type" && b.Attributes["description"] != nil {
			continue // of a variable: its words are types
		}
		if name == "from" && b.Attributes["to"] != nil {
			continue // of a move: what is declared no more
		}
		for _, t := range hclsyntax.Variables(a.Expr) {
			f.resolve(t, iterators)
		}
	}
	for _, child := range b.Blocks {
		inner := iterators
		if child.Type == "dynamic" {
			inner = append(slices.Clone(iterators), child.Labels[0])
		}
		f.body(child.Body, inner)
	}
}

func (f *resolver) resolve(t hcl.Traversal, iterators []string) {
	path := attributes(t)
	root := path[0]
	switch {
	case root == "each" || root == "count" || root == "path" || root == "self" || slices.Contains(iterators, root):
	case root == "azurerm" || strings.HasPrefix(root, "ignore_"): // providers = { azurerm = azurerm.second }
	case len(path) < 2:
		f.complain(t, "refers to nothing that is declared")
	case root == "var":
		f.declared(t, "var."+path[1], f.variables[path[1]] != nil)
	case root == "local":
		f.declared(t, "local."+path[1], f.locals[path[1]] != nil)
	case root == "module":
		f.output(t, path)
	case root == "data" && len(path) > 2:
		f.attribute(t, f.data[path[1]+"."+path[2]], path[3:])
	default:
		f.attribute(t, f.resources[root+"."+path[1]], path[2:])
	}
}

// attributes are the names of a traversal, without indices.
func attributes(t hcl.Traversal) []string {
	var names []string
	for _, step := range t {
		switch step := step.(type) {
		case hcl.TraverseRoot:
			names = append(names, step.Name)
		case hcl.TraverseAttr:
			names = append(names, step.Name)
		}
	}
	return names
}

func (f *resolver) declared(t hcl.Traversal, name string, ok bool) {
	f.used[name] = true
	if !ok {
		f.complain(t, "is not declared in "+f.dir)
	}
}

func (f *resolver) output(t hcl.Traversal, path []string) {
	call := f.calls[path[1]]
	if call == nil {
		f.complain(t, "is not called in "+f.dir)
		return
	}
	if target := f.called(f.module, call); target != nil && len(path) > 2 && target.outputs[path[2]] == nil {
		f.complain(t, "names no output of "+target.dir)
	}
}

// attribute checks that a resource is declared and that the names after it are in its schema.
func (f *resolver) attribute(t hcl.Traversal, b *hclsyntax.Block, path []string) {
	if b == nil {
		f.complain(t, "is not declared in "+f.dir)
		return
	}
	at := f.schema[b.Type+" "+b.Labels[0]]
	for _, name := range path {
		if at == nil {
			return // an unknown type has been told of by checkArguments
		}
		if _, ok := at.attributes[name]; ok {
			return // what is within an attribute has no schema here
		}
		next := at.blocks[name]
		if next == nil {
			f.complain(t, fmt.Sprintf("asks %s for %s; it has %s", b.Labels[0], name, nearest(name, slices.Collect(maps.Keys(at.attributes)))))
			return
		}
		at = &next.body
	}
}

func (f *resolver) complain(t hcl.Traversal, what string) {
	r := t.SourceRange()
	text := string(r.SliceBytes(f.files[r.Filename].text))
	f.problems = append(f.problems, fmt.Sprintf("%s:%d: %s %s", r.Filename, r.Start.Line, text, what))
}

// unused tells of variables and locals that nothing reads.
func (f *resolver) unused() []string {
	var problems []string
	for name, b := range f.variables {
		if !f.used["var."+name] {
			problems = append(problems, at(b)+" is read by nothing; remove it or use it")
		}
	}
	for name := range f.locals {
		if !f.used["local."+name] {
			problems = append(problems, fmt.Sprintf("%s: local.%s is read by nothing; remove it or use it", f.dir, name))
		}
	}
	return problems
}

// checkModuleCalls compares the arguments of calls with the variables of what is called.
func checkModuleCalls(r *repo) ([]string, error) {
	return r.eachModule(func(m *module) []string {
		var problems []string
		for _, call := range m.calls {
			target := r.called(m, call)
			if target == nil {
				problems = append(problems, at(call)+" calls a module that is not in infra")
				continue
			}
			problems = append(problems, checkCall(call, target)...)
		}
		return problems
	}), nil
}

func checkCall(call *hclsyntax.Block, target *module) []string {
	var problems []string
	also := append([]string{"source", "providers", "version"}, meta...)
	for name := range call.Body.Attributes {
		if target.variables[name] == nil && !slices.Contains(also, name) {
			problems = append(problems, fmt.Sprintf("%s gives %s, which %s has no variable for; it has %s",
				at(call), name, target.dir, nearest(name, slices.Collect(maps.Keys(target.variables)))))
		}
	}
	for name, v := range target.variables {
		if call.Body.Attributes[name] == nil && v.Body.Attributes["default"] == nil {
			problems = append(problems, fmt.Sprintf("%s lacks %s, which %s needs", at(call), name, target.dir))
		}
	}
	return problems
}
