package cosmos

import (
	"fmt"
	"testing"
)

func parse(t *testing.T, s string) value {
	t.Helper()
	v, err := decodeJSON(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// The page's own examples: a 1 KB item with 10 indexed terms costs 7 to create and to delete, a replace that changes
// two terms 10.8, a patch with two operations on top 11.6. The page rounds 4.95 to 5.
func TestChargesOfThePublishedExamples(t *testing.T) {
	t.Parallel()
	const kb = 1024
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"create", createCharge(kb, 10), 6.95},
		{"delete", deleteCharge(kb, 10), 6.95},
		{"replace", replaceCharge(kb, kb, 2), 10.7},
		{"patch", patchCharge(replaceCharge(kb, kb, 2), 2), 11.5},
		{"point read of 1 KB", readCharge(kb), 1},
		{"point read of less", readCharge(100), 1},
		{"point read of 100 KB, about 10", readCharge(100 * kb), 7.67875},
		{"write of 3 KB, between two sizes of the table", createCharge(3*kb, 0), 6.48},
		{"write of 2 MB", createCharge(2048*kb, 0), 1250},
		{"empty query", queryCharge(0), 2.8},
		{"query over ten items", queryCharge(10), 10},
	} {
		if fmt.Sprintf("%.3f", c.got) != fmt.Sprintf("%.3f", c.want) {
			t.Errorf("%s: got %.3f, want %.3f", c.name, c.got, c.want)
		}
	}
}

func TestIndexTerms(t *testing.T) {
	t.Parallel()
	const item = `{"id":"i","pk":"p","n":1,"list":[1,2,3],"o":{"a":1,"b":{"c":2}}}`
	for _, c := range []struct {
		why, policy string
		want        int
	}{
		{"everything: id, _ts and seven scalars", defaultIndexing, 9},
		{"nothing but what is always indexed", `{"includedPaths":[],"excludedPaths":[{"path":"/*"}]}`, 2},
		{"two paths and what is always indexed", `{"includedPaths":[{"path":"/pk/?"},{"path":"/n/?"}],"excludedPaths":[{"path":"/*"}]}`, 4},
		{"an included path counts although the item lacks it", `{"includedPaths":[{"path":"/absent/?"}],"excludedPaths":[{"path":"/*"}]}`, 3},
		{"elements of an array", `{"includedPaths":[{"path":"/list/[]/?"}],"excludedPaths":[{"path":"/*"}]}`, 5},
		{"everything below a property", `{"includedPaths":[{"path":"/o/*"}],"excludedPaths":[{"path":"/*"}]}`, 4},
		{"the more precise path decides", `{"includedPaths":[{"path":"/*"}],"excludedPaths":[{"path":"/o/*"},{"path":"/list/*"}]}`, 4},
		{"and deeper is more precise", `{"includedPaths":[{"path":"/*"},{"path":"/o/b/*"}],"excludedPaths":[{"path":"/o/*"}]}`, 8},
		{"/? is more precise than /*", `{"includedPaths":[{"path":"/*"}],"excludedPaths":[{"path":"/n/?"}]}`, 8},
		{"mode none", `{"indexingMode":"none"}`, 0},
	} {
		p, err := parseIndexPolicy(parse(t, c.policy))
		if err != nil {
			t.Errorf("%s: %v", c.why, err)
		} else if got := len(p.terms(parse(t, item))); got != c.want {
			t.Errorf("%s: got %d terms, want %d", c.why, got, c.want)
		}
	}
}

func TestChangedTerms(t *testing.T) {
	t.Parallel()
	p, err := parseIndexPolicy(parse(t, defaultIndexing))
	if err != nil {
		t.Fatal(err)
	}
	before := p.terms(parse(t, `{"id":"i","a":1,"b":2,"c":3}`))
	for after, want := range map[string]int{
		`{"id":"i","a":1,"b":2,"c":3}`:            0,
		`{"id":"i","c":3,"b":2,"a":1}`:            0, // the order of properties is nothing
		`{"id":"i","a":1,"b":2,"c":4}`:            1,
		`{"id":"i","a":1}`:                        2,
		`{"id":"i","a":1,"b":2,"c":3,"d":4}`:      1,
		`{"id":"i","a":"1","b":2,"c":3,"d":[4]}`:  2, // another type is another term
		`{"id":"other","x":1,"y":2,"z":3,"zz":4}`: 5,
	} {
		if got := changedTerms(before, p.terms(parse(t, after))); got != want {
			t.Errorf("%s: got %d, want %d", after, got, want)
		}
	}
}
