package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// meta are the arguments and blocks that Terraform itself reads in every resource.
var meta = []string{"count", "for_each", "provider", "depends_on", "lifecycle", "timeouts"}

// checkArguments holds every resource and data source to its provider's schema.
func checkArguments(r *repo) ([]string, error) {
	return r.eachModule(func(m *module) []string {
		var problems []string
		for _, kind := range []map[string]*hclsyntax.Block{m.resources, m.data} {
			for _, b := range kind {
				problems = append(problems, r.checkResource(b)...)
			}
		}
		return problems
	}), nil
}

func (r *repo) checkResource(b *hclsyntax.Block) []string {
	want, ok := r.schema[b.Type+" "+b.Labels[0]]
	if !ok {
		return []string{fmt.Sprintf("%s: providers.txt does not know this type; correct it, or run `go run ./infra/check/refresh schema` where the provider is", at(b))}
	}
	return checkBody(at(b), b.Body, *want, meta)
}

// checkBody compares what a body holds with what it may hold. where names it for a sentence.
func checkBody(where string, have *hclsyntax.Body, want body, also []string) []string {
	var problems []string
	for name := range have.Attributes {
		problems = append(problems, checkArgument(where, name, want, also)...)
	}
	for name, u := range want.attributes {
		if have.Attributes[name] == nil && u == required {
			problems = append(problems, fmt.Sprintf("%s lacks the argument %s, which the provider requires", where, name))
		}
	}
	return append(problems, checkBlocks(where, have, want, also)...)
}

func checkArgument(where, name string, want body, also []string) []string {
	u, known := want.attributes[name]
	switch {
	case known && u == readOnly:
		return []string{fmt.Sprintf("%s sets %s, which only the provider may set", where, name)}
	case known || slices.Contains(also, name):
		return nil
	case want.blocks[name] != nil:
		return []string{fmt.Sprintf("%s sets %s as an argument; it is a block: %s { … }", where, name, name)}
	}
	return []string{fmt.Sprintf("%s has no argument %s; it has %s", where, name, nearest(name, slices.Collect(maps.Keys(want.attributes))))}
}

// checkBlocks counts nested blocks and descends into them. A dynamic block may stand any number of times.
func checkBlocks(where string, have *hclsyntax.Body, want body, also []string) []string {
	var problems []string
	count, dynamic := map[string]int{}, map[string]bool{}
	for _, b := range have.Blocks {
		name, content := b.Type, b.Body
		if name == "dynamic" {
			name, content = b.Labels[0], contentOf(b)
			dynamic[name] = true
		}
		count[name]++
		spec := want.blocks[name]
		switch {
		case spec != nil:
			problems = append(problems, checkBody(where+" "+name, content, spec.body, nil)...)
		case !slices.Contains(also, name):
			problems = append(problems, fmt.Sprintf("%s has no block %s; it has %s", where, name, nearest(name, slices.Collect(maps.Keys(want.blocks)))))
		}
	}
	for name, spec := range want.blocks {
		switch n := count[name]; {
		case n < spec.least && !dynamic[name]:
			problems = append(problems, fmt.Sprintf("%s lacks the block %s, which the provider requires", where, name))
		case spec.most > 0 && n > spec.most && !dynamic[name]:
			problems = append(problems, fmt.Sprintf("%s has %d blocks %s, the provider takes %d", where, n, name, spec.most))
		}
	}
	return problems
}

// contentOf returns the content block of a dynamic block; an empty body when it has none.
func contentOf(dynamic *hclsyntax.Block) *hclsyntax.Body {
	for _, b := range dynamic.Body.Blocks {
		if b.Type == "content" {
			return b.Body
		}
	}
	return &hclsyntax.Body{}
}

// nearest lists the names that share most with a misspelt one, at most three.
func nearest(name string, known []string) string {
	if len(known) == 0 {
		return "none"
	}
	slices.SortFunc(known, func(a, b string) int {
		if d := shared(name, b) - shared(name, a); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	return strings.Join(known[:min(3, len(known))], ", ")
}

// shared is the length of the longest common beginning plus that of the longest common end.
func shared(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	e := 0
	for e < min(len(a), len(b))-n && a[len(a)-1-e] == b[len(b)-1-e] {
		e++
	}
	return n + e
}
