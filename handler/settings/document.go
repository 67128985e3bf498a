package settings

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// document reads one YAML file into a struct by its yaml tags. It gathers everything that is wrong in words for
// operators, each with line and column, where the YAML package's own errors name Go types and lines; and it remembers
// where values stand, so that checks of what they mean can say it too. A new key is a field with a tag.
type document struct {
	file     string           // as problems name it
	places   map[string]place // by path: "routes[0].to[1]"
	problems []misplaced
	warnings []Problem // of what works and may not be meant
}

// misplaced is a problem with its place.
type misplaced struct {
	Problem
	place
}

type place struct{ line, column int }

func (p place) compare(q place) int { return cmp.Or(p.line-q.line, p.column-q.column) }

// newDocument reads text into the struct that into points to. False: it is not YAML, or not one document.
func newDocument(file string, text []byte, into any) (*document, bool) {
	d := &document{file: file, places: map[string]place{"": {1, 1}}}
	root, err := parse(text)
	if err != nil {
		at, reason := place{1, 1}, err.Error()
		if load := new(yaml.LoadError); errors.As(err, &load) {
			at, reason = place{max(load.Mark.Line, 1), max(load.Mark.Column, 1)}, load.Message
		}
		d.report(at, "cannot be read: "+reason, "compare with config/auditbell.yaml in the repository")
		return d, false
	}
	if root != nil {
		d.value(root, reflect.ValueOf(into).Elem(), "")
	}
	return d, true
}

// parse returns the root of the text's one document, nil when there is nothing but comments.
func parse(text []byte) (*yaml.Node, error) {
	loader, err := yaml.NewLoader(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	var n, second yaml.Node
	if err := loader.Load(&n); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, err
	}
	if err := loader.Load(&second); !errors.Is(err, io.EOF) {
		return nil, errors.New("expected one document, found a second one after ---")
	}
	if len(n.Content) == 0 || n.Content[0].Tag == "!!null" {
		return nil, nil
	}
	return n.Content[0], nil
}

// problem reports what is wrong at a path, or at the nearest thing around it that the file has.
func (d *document) problem(path, reason, hint string) {
	at, ok := d.places[path]
	for !ok {
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
		at, ok = d.places[path]
	}
	d.report(at, reason, hint)
}

func (d *document) report(at place, reason, hint string) {
	d.problems = append(d.problems, misplaced{Problem{Name: d.written(at), Reason: reason, Hint: hint}, at})
}

// reportTo tells s the problems, in the order of the file.
func (d *document) reportTo(s *Set) {
	for _, p := range d.inOrder() {
		s.Report(p)
	}
	for _, p := range d.warnings {
		s.Warn(p)
	}
}

// inOrder are the problems in the order of the file.
func (d *document) inOrder() []Problem {
	slices.SortStableFunc(d.problems, func(a, b misplaced) int { return a.compare(b.place) })
	all := make([]Problem, len(d.problems))
	for i, p := range d.problems {
		all[i] = p.Problem
	}
	return all
}

// at is where a path stands, as problems name it.
func (d *document) at(path string) string { return d.written(d.places[path]) }

func (d *document) written(at place) string {
	return fmt.Sprintf("%s:%d:%d", d.file, at.line, at.column)
}

// value reads n into v. What is null or missing leaves v as it is.
func (d *document) value(n *yaml.Node, v reflect.Value, path string) {
	for n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	d.places[path] = place{n.Line, n.Column}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return
	}
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		d.scalar(n, v, path, "a time such as 2026-12-01T22:00:00+01:00")
	case v.Kind() == reflect.Struct:
		d.object(n, v, path)
	case v.Kind() == reflect.Map:
		d.table(n, v, path)
	case v.Kind() == reflect.Slice:
		d.list(n, v, path)
	case v.Kind() == reflect.Bool:
		d.scalar(n, v, path, "true or false")
	case v.Kind() == reflect.Int:
		d.scalar(n, v, path, "a whole number")
	default:
		d.scalar(n, v, path, "text")
	}
}

// scalar reads one value; want says what is expected.
func (d *document) scalar(n *yaml.Node, v reflect.Value, path, want string) {
	if n.Kind != yaml.ScalarNode || !setText(v, n.Value) {
		d.problem(path, "expected "+want+", found "+found(n), "")
	}
}

// setText sets v to what the text says, as far as it can say it.
func setText(v reflect.Value, text string) bool {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
		return true
	case reflect.Bool:
		b, err := strconv.ParseBool(strings.ToLower(text))
		v.SetBool(b)
		return err == nil
	case reflect.Int:
		i, err := strconv.Atoi(text)
		v.SetInt(int64(i))
		return err == nil
	}
	t, err := time.Parse(time.RFC3339, strings.Replace(text, " ", "T", 1))
	if err == nil && v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(t))
		return true
	}
	return false
}

// object reads a mapping into a struct.
func (d *document) object(n *yaml.Node, v reflect.Value, path string) {
	fields := map[string]reflect.Value{}
	var names []string
	for i := range v.NumField() {
		if name := v.Type().Field(i).Tag.Get("yaml"); name != "" && name != "-" {
			fields[name], names = v.Field(i), append(names, name)
		}
	}
	slices.Sort(names)
	for name, value := range d.members(n, path) {
		field, ok := fields[name]
		if !ok {
			d.problem(join(path, name), fmt.Sprintf("%q is unknown", name), "known here: "+strings.Join(names, ", "))
			continue
		}
		d.value(value, field, join(path, name))
	}
}

// table reads a mapping whose names the operator chose.
func (d *document) table(n *yaml.Node, v reflect.Value, path string) {
	v.Set(reflect.MakeMap(v.Type()))
	for name, value := range d.members(n, path) {
		one := reflect.New(v.Type().Elem()).Elem()
		d.value(value, one, join(path, name))
		v.SetMapIndex(reflect.ValueOf(name), one)
	}
}

// list reads a sequence. Of texts, a single one is a list of one.
func (d *document) list(n *yaml.Node, v reflect.Value, path string) {
	entries := n.Content
	if n.Kind == yaml.ScalarNode && v.Type().Elem().Kind() == reflect.String {
		entries = []*yaml.Node{n}
	} else if n.Kind != yaml.SequenceNode {
		d.problem(path, "expected a list, found "+found(n), "")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(entries), len(entries)))
	for i, entry := range entries {
		d.value(entry, v.Index(i), index(path, i))
	}
}

// members yields a mapping's pairs. Problems with a name itself are told at the name.
func (d *document) members(n *yaml.Node, path string) func(func(string, *yaml.Node) bool) {
	return func(yield func(string, *yaml.Node) bool) {
		if n.Kind != yaml.MappingNode {
			d.problem(path, "expected a mapping, found "+found(n), "")
			return
		}
		seen := map[string]bool{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			name := n.Content[i]
			at := place{name.Line, name.Column}
			switch {
			case name.Kind != yaml.ScalarNode || name.Tag == "!!merge":
				d.report(at, "expected a name, found "+found(name), "merge keys (<<) are not supported; write the fields out")
				continue
			case seen[name.Value]:
				d.report(at, fmt.Sprintf("%q stands twice; only one would count", name.Value), "")
				continue
			}
			seen[name.Value] = true
			d.places[join(path, name.Value)] = at
			if !yield(name.Value, n.Content[i+1]) {
				return
			}
		}
	}
}

func found(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	return strconv.Quote(cmp.Or(n.Value, n.Tag))
}

func join(path, name string) string { return strings.TrimPrefix(path+"."+name, ".") }

func index(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }
