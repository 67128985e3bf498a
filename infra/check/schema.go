package check

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// providers is what the providers' schemas say of the types that infra uses: names, and whether a value is required.
// `go run ./infra/check/refresh schema` writes it.
//
//go:embed providers.txt
var providers string

// schema maps "resource azurerm_key_vault" and "data azurerm_client_config" to what their bodies may hold.
type schema map[string]*body

// body is what a resource or a block may hold.
type body struct {
	attributes map[string]use
	blocks     map[string]*block
}

// block is a nested block and how often it may stand; most is 0 for any number.
type block struct {
	body
	least, most int
}

// use says who gives an attribute its value.
type use string

// The marks that stand before a line of attributes in providers.txt.
const (
	required use = "!"
	optional use = "?"
	readOnly use = "="
)

func newBody() body {
	return body{attributes: map[string]use{}, blocks: map[string]*block{}}
}

// readSchema reads providers.txt: `resource TYPE` or `data TYPE`, then lines of attributes that start with !, ? or =,
// and `{ NAME LEAST MOST` … `}` for each nested block. What stands after # is for people.
func readSchema(text string) (schema, error) {
	s := schema{}
	var open []*body
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		var err error
		if open, err = s.readLine(words, open); err != nil {
			return nil, fmt.Errorf("read providers.txt line %d: %w", i+1, err)
		}
	}
	return s, nil
}

// readLine takes one line in; open are the bodies that it stands in, innermost last.
func (s schema) readLine(words []string, open []*body) ([]*body, error) {
	switch words[0] {
	case "resource", "data":
		b := newBody()
		s[strings.Join(words, " ")] = &b
		return []*body{&b}, nil
	case "}":
		return open[:len(open)-1], nil
	case "{":
		b := &block{body: newBody()}
		if _, err := fmt.Sscan(strings.Join(words[2:], " "), &b.least, &b.most); err != nil {
			return nil, fmt.Errorf("read how often %s may stand: %w", words[1], err)
		}
		open[len(open)-1].blocks[words[1]] = b
		return append(open, &b.body), nil
	}
	for _, name := range words[1:] {
		open[len(open)-1].attributes[name] = use(words[0])
	}
	return open, nil
}

// providerSchemas is the part of `tofu providers schema -json` that is read.
type providerSchemas struct {
	Providers map[string]struct {
		Resources map[string]struct{ Block jsonBlock } `json:"resource_schemas"`
		Data      map[string]struct{ Block jsonBlock } `json:"data_source_schemas"`
	} `json:"provider_schemas"`
}

type jsonBlock struct {
	Attributes map[string]struct{ Required, Optional bool }
	BlockTypes map[string]struct {
		Block    jsonBlock
		MinItems int `json:"min_items"`
		MaxItems int `json:"max_items"`
	} `json:"block_types"`
}

// WriteSchema reads `tofu providers schema -json` and writes providers.txt for the types that are used.
func WriteSchema(w io.Writer, r io.Reader, used []string) error {
	var all providerSchemas
	if err := json.NewDecoder(r).Decode(&all); err != nil {
		return fmt.Errorf("decode provider schemas: %w", err)
	}
	found := map[string]jsonBlock{}
	for _, p := range all.Providers {
		for name, t := range p.Resources {
			found["resource "+name] = t.Block
		}
		for name, t := range p.Data {
			found["data "+name] = t.Block
		}
	}
	var text strings.Builder
	text.WriteString("# Written by `go run ./infra/check/refresh schema`: ! required, ? optional, = read-only, { block least most.\n")
	for _, name := range used {
		b, ok := found[name]
		if !ok {
			return fmt.Errorf("find %s: no provider has it (hint: run tofu init with all providers of infra)", name)
		}
		text.WriteString(name + "\n")
		b.write(&text, "  ")
	}
	_, err := io.WriteString(w, text.String())
	return err
}

func (b jsonBlock) write(text *strings.Builder, indent string) {
	by := map[use][]string{}
	for name, a := range b.Attributes {
		mark := readOnly
		switch {
		case a.Required:
			mark = required
		case a.Optional:
			mark = optional
		}
		by[mark] = append(by[mark], name)
	}
	for _, mark := range []use{required, optional, readOnly} {
		if names := by[mark]; len(names) > 0 {
			slices.Sort(names)
			fmt.Fprintf(text, "%s%s %s\n", indent, mark, strings.Join(names, " "))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b.BlockTypes)) {
		if name == "timeouts" { // every resource may have them; see meta
			continue
		}
		t := b.BlockTypes[name]
		fmt.Fprintf(text, "%s{ %s %d %d\n", indent, name, t.MinItems, t.MaxItems)
		t.Block.write(text, indent+"  ")
		fmt.Fprintf(text, "%s}\n", indent)
	}
}
