package pipeline

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"

	"github.com/auditbell/auditbell/handler/notify"
)

// functions are ours beside those of text/template that allowed lists.
var functions = template.FuncMap{
	"upper": strings.ToUpper,
	"lower": strings.ToLower,
	// cut shortens to a number of characters: {{.ResourceID | cut 40}}.
	"cut": func(limit int, text string) string { return notify.Cut(text, limit) },
	// last is the end of an id: {{last .ResourceID}}.
	"last": func(id string) string { return id[strings.LastIndexByte(id, '/')+1:] },
}

// allowed are the functions of text/template that can neither repeat nor make much of little. Not among them: printf,
// whose %999999d makes a megabyte; call, html, js, urlquery, slice, print and println, which no text needs.
var allowed = map[string]bool{
	"and": true, "or": true, "not": true, "eq": true, "ne": true, "lt": true, "le": true, "gt": true, "ge": true, "index": true, "len": true,
}

// parseText parses one slot and refuses what the rules of texts.go rule out.
func parseText(name, text string) (*template.Template, error) {
	if len(text) > maxTemplate {
		return nil, fmt.Errorf("is longer than %d bytes", maxTemplate)
	}
	t, err := template.New(name).Option("missingkey=zero").Funcs(functions).Parse(text)
	if err != nil {
		return nil, err
	}
	if len(t.Templates()) > 1 {
		return nil, fmt.Errorf("line 1: define and block are not supported; one slot is one template")
	}
	if t.Tree == nil || t.Root == nil {
		return t, nil
	}
	c := checker{tree: t.Tree}
	c.list(t.Root, root)
	return t, c.err
}

// scope is what the dot is.
type scope int

const (
	root  scope = iota + 1 // Words
	table                  // Facts
	value                  // a text or a number, which has no fields
)

// checker walks a parsed template; err is the first thing that is wrong.
type checker struct {
	tree *parse.Tree
	err  error
}

func (c *checker) wrong(n parse.Node, format string, args ...any) {
	if c.err != nil {
		return
	}
	place, _ := c.tree.ErrorContext(n)
	_, line, _ := strings.Cut(place, ":")
	line, _, _ = strings.Cut(line, ":")
	c.err = fmt.Errorf("line %s: "+format, append([]any{line}, args...)...)
}

func (c *checker) list(l *parse.ListNode, dot scope) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		c.node(n, dot)
	}
}

func (c *checker) node(n parse.Node, dot scope) {
	switch n := n.(type) {
	case *parse.TextNode, *parse.CommentNode:
	case *parse.ActionNode:
		c.pipe(n.Pipe, dot)
	case *parse.IfNode:
		c.pipe(n.Pipe, dot)
		c.list(n.List, dot)
		c.list(n.ElseList, dot)
	case *parse.WithNode:
		c.pipe(n.Pipe, dot)
		c.list(n.List, inside(n.Pipe, dot))
		c.list(n.ElseList, dot)
	default:
		word, _, _ := strings.Cut(strings.Trim(n.String(), "{}- "), " ")
		c.wrong(n, "%s is not supported; a text is made of fields, conditions and functions", word)
	}
}

// inside is the dot in the body of {{with}}.
func inside(p *parse.PipeNode, dot scope) scope {
	if text := p.String(); text == ".Facts" && dot == root || text == "$.Facts" {
		return table
	}
	if text := p.String(); text == "." || text == "$" {
		return map[bool]scope{true: dot, false: root}[text == "."]
	}
	return value
}

func (c *checker) pipe(p *parse.PipeNode, dot scope) {
	for _, command := range p.Cmds {
		for _, arg := range command.Args {
			c.argument(arg, dot)
		}
	}
}

func (c *checker) argument(n parse.Node, dot scope) {
	switch n := n.(type) {
	case *parse.DotNode, *parse.NilNode, *parse.BoolNode, *parse.NumberNode, *parse.StringNode:
	case *parse.PipeNode:
		c.pipe(n, dot)
	case *parse.IdentifierNode:
		if _, ours := functions[n.Ident]; !ours && !allowed[n.Ident] {
			known := slices.Sorted(maps.Keys(functions))
			known = append(known, slices.Sorted(maps.Keys(allowed))...)
			c.wrong(n, "the function %s is not supported; known: %s", n.Ident, strings.Join(known, ", "))
		}
	case *parse.FieldNode:
		c.field(n, n.Ident, dot)
	case *parse.VariableNode:
		switch {
		case n.Ident[0] == "$":
			c.field(n, n.Ident[1:], root)
		case len(n.Ident) > 1:
			c.wrong(n, "%s: a variable has no fields", n)
		}
	default:
		c.wrong(n, "%s is not supported", n)
	}
}

// field checks a chain of names from a dot.
func (c *checker) field(n parse.Node, names []string, dot scope) {
	if len(names) == 0 {
		return
	}
	of := reflect.TypeFor[Words]()
	switch _, known := of.FieldByName(names[0]); {
	case dot == value:
		c.wrong(n, "%s: a text has no fields; inside with, write $.%s", n, names[0])
	case dot == table && len(names) == 1:
	case dot == root && !known:
		c.wrong(n, "there is no field %s; known: %s", names[0], strings.Join(fieldNames(of), ", "))
	case dot == root && (len(names) == 1 || len(names) == 2 && names[0] == "Facts"):
	default:
		c.wrong(n, "%s: a text has no fields", n)
	}
}

func fieldNames(of reflect.Type) []string {
	var names []string
	for f := range of.Fields() {
		names = append(names, f.Name)
	}
	return names
}
