package rules

import (
	_ "embed"
	"encoding/binary"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// The embedded library is read ahead: two thirds of what a start spends on rules would go into YAML. library.bin holds the
// nodes of library/*.yml, the files in order: a table of texts, then for each file its name, its documents and their nodes
// in depth-first order. TestLibraryIsReadAhead holds it to the files, byte for byte.

//go:generate go test . -run TestLibraryIsReadAhead -update

//go:embed library.bin
var libraryAhead string

// yamlFile is a file's documents.
type yamlFile struct {
	name string
	docs []*yaml.Node
}

// ahead writes files as library.bin; aliases and comments are not kept.
type ahead struct {
	texts  []string
	number map[string]uint64
	nodes  []byte
}

func (a *ahead) text(s string) {
	n, ok := a.number[s]
	if !ok {
		n = uint64(len(a.texts))
		a.number[s], a.texts = n, append(a.texts, s)
	}
	a.nodes = binary.AppendUvarint(a.nodes, n)
}

func (a *ahead) node(n *yaml.Node) error {
	if n.Kind == yaml.AliasNode {
		return fmt.Errorf("line %d: an alias is not read ahead: write it out", n.Line)
	}
	for _, figure := range []int{int(n.Kind), n.Line, n.Column, len(n.Content)} {
		a.nodes = binary.AppendUvarint(a.nodes, uint64(figure))
	}
	a.text(n.Tag)
	a.text(n.Value)
	for _, c := range n.Content {
		if err := a.node(c); err != nil {
			return err
		}
	}
	return nil
}

// writeAhead is the inverse of readAhead.
func writeAhead(files []yamlFile) ([]byte, error) {
	a := ahead{number: make(map[string]uint64)}
	for _, f := range files {
		a.text(f.name)
		a.nodes = binary.AppendUvarint(a.nodes, uint64(len(f.docs)))
		for _, doc := range f.docs {
			if err := a.node(doc); err != nil {
				return nil, fmt.Errorf("%s: %w", f.name, err)
			}
		}
	}
	out := binary.AppendUvarint(nil, uint64(len(a.texts)))
	for _, s := range a.texts {
		out = append(binary.AppendUvarint(out, uint64(len(s))), s...)
	}
	out = binary.AppendUvarint(out, uint64(len(files)))
	return append(out, a.nodes...), nil
}

// aheadReader reads what this program wrote and embeds: what is no such text panics.
type aheadReader struct {
	rest  string
	texts []string
	nodes []yaml.Node // made in one piece
}

func (r *aheadReader) figure() int {
	var n uint64
	for shift := 0; ; shift += 7 {
		b := r.rest[0]
		r.rest = r.rest[1:]
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return int(n)
		}
	}
}

func (r *aheadReader) text() string { return r.texts[r.figure()] }

func (r *aheadReader) node() *yaml.Node {
	if len(r.nodes) == 0 {
		r.nodes = make([]yaml.Node, 512)
	}
	n := &r.nodes[0]
	r.nodes = r.nodes[1:]
	n.Kind, n.Line, n.Column = yaml.Kind(r.figure()), r.figure(), r.figure()
	kids := r.figure()
	n.Tag, n.Value = r.text(), r.text()
	if kids > 0 {
		n.Content = make([]*yaml.Node, kids)
	}
	for i := range n.Content {
		n.Content[i] = r.node()
	}
	return n
}

// readAhead gives the files back one by one, so that no more than one of them is in memory.
func readAhead(text string, yield func(yamlFile)) {
	r := aheadReader{rest: text}
	r.texts = make([]string, r.figure())
	for i := range r.texts {
		size := r.figure()
		r.texts[i], r.rest = r.rest[:size], r.rest[size:]
	}
	for range r.figure() {
		f := yamlFile{name: strings.Clone(r.text())}
		f.docs = make([]*yaml.Node, r.figure())
		for i := range f.docs {
			f.docs[i] = r.node()
		}
		yield(f)
	}
}
