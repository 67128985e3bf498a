package cosmos

import (
	"hash/maphash"
	"slices"
	"strings"
)

// indexPolicy says which values of an item are indexed (learn.microsoft.com/azure/cosmos-db/index-policy). It decides
// two things here: what a write costs, and whether an ORDER BY can be served.
type indexPolicy struct {
	none       bool // indexingMode "none"
	paths      []indexPath
	composites [][]compositePath
}

// indexPath is one included or excluded path, e.g. /a/b/? or /a/*; elements of an array are the step "[]".
type indexPath struct {
	steps    []string
	wildcard bool // ends in /*
	included bool
}

// compositePath is one property of a composite index or of an ORDER BY, as /a/b.
type compositePath struct {
	path string
	desc bool
}

// defaultIndexing is what the service fills in when a container is created without a policy.
const defaultIndexing = `{"indexingMode":"consistent","automatic":true,"includedPaths":[{"path":"/*"}],` +
	`"excludedPaths":[{"path":"/\"_etag\"/?"}]}`

// parseIndexPolicy reads what matters here; spatial, vector and full-text indexes serve functions that are refused
// anyway. The root path has to be included or excluded, or the service takes no policy.
func parseIndexPolicy(v value) (indexPolicy, error) {
	p := indexPolicy{none: strings.EqualFold(v.member("indexingMode").str, "none")}
	rooted := p.none
	for _, list := range []string{"includedPaths", "excludedPaths"} {
		for _, item := range v.member(list).items {
			path, err := parseIndexPath(item.member("path").str)
			if err != nil {
				return indexPolicy{}, err
			}
			path.included = list == "includedPaths"
			rooted = rooted || path.wildcard && len(path.steps) == 0
			p.paths = append(p.paths, path)
		}
	}
	if !rooted {
		return indexPolicy{}, badRequest(`The special mandatory indexing path "/*" is not provided in any of the path type sets.`)
	}
	for _, item := range v.member("compositeIndexes").items {
		var composite []compositePath
		for _, part := range item.items {
			composite = append(composite, compositePath{part.member("path").str, part.member("order").str == "descending"})
		}
		p.composites = append(p.composites, composite)
	}
	return p, nil
}

// parseIndexPath reads a path that ends in /? (the scalar there) or /* (everything below). Names may be quoted.
func parseIndexPath(text string) (indexPath, error) {
	parts := strings.Split(strings.TrimPrefix(text, "/"), "/")
	last := parts[len(parts)-1]
	if !strings.HasPrefix(text, "/") || last != "*" && last != "?" {
		return indexPath{}, badRequest("The indexing path '" + text + "' could not be accepted, it must end in '/?' or '/*'.")
	}
	p := indexPath{wildcard: last == "*", steps: parts[:len(parts)-1]}
	for i, step := range p.steps {
		p.steps[i] = strings.Trim(step, `"`)
	}
	return p, nil
}

// matches reports whether the path covers the scalar at path.
func (p indexPath) matches(path []string) bool {
	if p.wildcard {
		return len(path) >= len(p.steps) && slices.Equal(path[:len(p.steps)], p.steps)
	}
	return slices.Equal(path, p.steps)
}

// indexed reports whether the scalar at path is indexed: the most precise path decides; deeper is more precise, and
// /? is more precise than /*. The id and _ts are always indexed in consistent mode.
func (p indexPolicy) indexed(path []string) bool {
	if p.none {
		return false
	}
	if len(path) == 1 && (path[0] == "id" || path[0] == "_ts") {
		return true
	}
	best, included := -1, false
	for _, candidate := range p.paths {
		precision := 2 * len(candidate.steps)
		if !candidate.wildcard {
			precision++
		}
		if precision > best && candidate.matches(path) {
			best, included = precision, candidate.included
		}
	}
	return included
}

// sorts reports whether ORDER BY over these properties is served: one needs an index, several need a composite
// index with the same paths and either the same directions or all of them reversed.
func (p indexPolicy) sorts(order []compositePath) bool {
	if len(order) == 1 {
		return p.indexed(strings.Split(strings.TrimPrefix(order[0].path, "/"), "/"))
	}
	return slices.ContainsFunc(p.composites, func(composite []compositePath) bool {
		if len(composite) != len(order) {
			return false
		}
		same, reversed := true, true
		for i, c := range composite {
			if c.path != order[i].path {
				return false
			}
			same = same && c.desc == order[i].desc
			reversed = reversed && c.desc != order[i].desc
		}
		return same || reversed
	})
}

// termSeed makes term hashes comparable within one process, which is all they are used for.
var termSeed = maphash.MakeSeed()

// terms lists the index entries of an item as sorted hashes: one per indexed scalar, one for id and _ts each, and one
// for every explicitly included path that the item does not have ("All explicitly included paths have values added to
// the index for each item in the container, even if the path is undefined for a given item").
func (p indexPolicy) terms(doc value) []uint64 {
	if p.none {
		return nil
	}
	w := termWalk{policy: p, terms: []uint64{0}} // 0 stands for _ts
	w.walk(doc)
	for _, path := range p.paths {
		if path.included && !path.wildcard && !slices.Contains(path.steps, "[]") && doc.lookup(path.steps).kind == undefined {
			w.add(path.steps, value{})
		}
	}
	slices.Sort(w.terms)
	return w.terms
}

// termWalk visits an item and collects its index entries.
type termWalk struct {
	policy indexPolicy
	path   []string // from the item to where the walk is
	terms  []uint64
	text   []byte // buffer
}

// walk visits every scalar of an item; all elements of an array share one path.
func (w *termWalk) walk(v value) {
	if v.kind != object && v.kind != array {
		if w.policy.indexed(w.path) {
			w.add(w.path, v)
		}
		return
	}
	for i, item := range v.items {
		step := "[]"
		if v.kind == object {
			step = v.names[i]
		}
		w.path = append(w.path, step)
		w.walk(item)
		w.path = w.path[:len(w.path)-1]
	}
}

// add hashes path and value, so that two versions can be compared without keeping their texts.
func (w *termWalk) add(path []string, v value) {
	w.text = w.text[:0]
	for _, step := range path {
		w.text = append(append(w.text, step...), 0)
	}
	w.text = appendJSON(w.text, v)
	w.terms = append(w.terms, maphash.Bytes(termSeed, w.text))
}

// changedTerms counts how many index entries differ between two versions of an item. That of _ts, which every write
// changes, is not counted: the published examples do not count it either.
func changedTerms(before, after []uint64) int {
	removed, added := 0, 0
	for len(before) > 0 && len(after) > 0 {
		switch {
		case before[0] == after[0]:
			before, after = before[1:], after[1:]
		case before[0] < after[0]:
			before, removed = before[1:], removed+1
		default:
			after, added = after[1:], added+1
		}
	}
	return max(removed+len(before), added+len(after))
}
