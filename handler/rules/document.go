package rules

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"

	"go.yaml.in/yaml/v4"
)

// Problem is one reason why a rule was refused, and where.
type Problem struct {
	File   string // as Load was told, joined with the folder's root
	Line   int
	Column int    // of what stands there; 0 where only the line is known
	Reason string // what is wrong and what to write instead
}

func (p *Problem) Error() string { return p.Place() + ": " + p.Reason }

// Place is "file:line", or "file:line:column", so that editors and terminals can jump there.
func (p *Problem) Place() string {
	if p.Column == 0 {
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// position is how places are written everywhere, so that editors and terminals can jump to them.
func position(root, file string, line int) string {
	return fmt.Sprintf("%s:%d", path.Join(root, file), line)
}

// problems collects what is wrong with one file, so that its author sees everything at once.
type problems struct {
	file         string
	list         []error
	nodes        int         // read so far; see costly
	columns      map[int]int // by line: where the first name or value on it stands
	placeholders map[string][]string
}

func (p *problems) add(line int, format string, args ...any) {
	p.list = append(p.list, &Problem{p.file, line, p.columns[line], fmt.Sprintf(format, args...)})
}

// saw remembers where a node stands, for problems with it.
func (p *problems) saw(n *yaml.Node) {
	if p.columns == nil {
		p.columns = make(map[int]int)
	}
	if _, ok := p.columns[n.Line]; !ok {
		p.columns[n.Line] = n.Column
	}
}

// documents splits a file into its YAML documents. Aliases stay nodes; see deref.
func documents(data []byte) ([]*yaml.Node, error) {
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	var docs []*yaml.Node
	for {
		var n yaml.Node
		err := loader.Load(&n)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return docs, err
		}
		if n.Kind == yaml.DocumentNode && len(n.Content) == 1 && n.Content[0].Tag != "!!null" {
			docs = append(docs, n.Content[0])
		}
	}
}

// yamlPlace turns a YAML error into its line and its text.
func yamlPlace(err error) (line, column int, reason string) {
	var load *yaml.LoadError
	if errors.As(err, &load) {
		return max(load.Mark.Line, 1), load.Mark.Column, load.Message
	}
	return 1, 0, err.Error()
}

// pair is one member of a mapping.
type pair struct {
	key   string
	line  int
	value *yaml.Node
	node  *yaml.Node // of the key
}

// members lists a mapping's pairs in order. A key that stands twice is a problem: YAML readers keep the last one, and
// half of what the author meant is gone.
func (p *problems) members(n *yaml.Node) []pair {
	if n = deref(n); n.Kind != yaml.MappingNode {
		p.add(n.Line, "expected a mapping, found %s", kindName(n))
		return nil
	}
	if p.costly(n) {
		return nil
	}
	seen := make(map[string]bool, len(n.Content)/2)
	var pairs []pair
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := deref(n.Content[i])
		p.saw(key)
		switch {
		case key.Kind != yaml.ScalarNode:
			p.add(key.Line, "expected a name, found %s", kindName(key))
		case key.Tag == "!!merge" || key.Value == "<<":
			p.add(key.Line, "merge keys (<<) are not supported: write the fields out")
		case seen[key.Value]:
			p.add(key.Line, "%q stands twice; only one would count", key.Value)
		default:
			pairs = append(pairs, pair{key.Value, key.Line, deref(n.Content[i+1]), key})
		}
		seen[key.Value] = true
	}
	return pairs
}

// text reads a scalar as written, numbers and dates included.
func (p *problems) text(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode {
		p.add(n.Line, "expected text, found %s", kindName(n))
		return ""
	}
	if n.Tag == "!!null" {
		return ""
	}
	return n.Value
}

// texts reads a list of scalars; a single scalar is a list of one, null an empty one.
func (p *problems) texts(n *yaml.Node) []string {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		return []string{p.text(n)}
	}
	var list []string
	for _, c := range n.Content {
		list = append(list, p.text(deref(c)))
	}
	return list
}

// costly counts a node and reports whether the file has more of them than a person writes: aliases of aliases make a
// few lines into millions of nodes.
func (p *problems) costly(n *yaml.Node) bool {
	const most = 50_000
	if p.nodes++; p.nodes == most {
		p.add(n.Line, "the file has more than %d values, aliases written out", most)
	}
	return p.nodes >= most
}

// deref follows aliases. An anchor may contain itself: whoever walks deeper than a rule's own few levels bounds the
// depth.
func deref(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	return n
}

// kindName says what stands where something else was expected.
func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		if n.Tag == "!!null" {
			return "nothing"
		}
		return fmt.Sprintf("%q", n.Value)
	}
	return "something else"
}
