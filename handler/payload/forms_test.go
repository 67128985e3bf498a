package payload

import (
	"os"
	"testing"
)

// Whoever adds a form adds samples of it, so that the goldens, the fuzzer and the other tests know it.
func TestEveryFormHasSamples(t *testing.T) {
	t.Parallel()
	for _, f := range forms {
		entries, err := os.ReadDir("testdata/" + f.name)
		if err != nil || len(entries) < 4 {
			t.Errorf("the form %s has %d files in testdata/%s; add <case>.json, and <case>.golden that begins with `# ` and the fact it stands for", f.name, len(entries), f.name)
		}
	}
}

// The two lists of a record's names must not drift apart: a folded name leads to a slot of its own.
func TestFoldedNamesHaveSlots(t *testing.T) {
	t.Parallel()
	var m members
	seen := map[*span]string{}
	for folded, name := range recordNames {
		slot := m.recordSlot([]byte(name))
		if name != "claims" && slot == nil {
			t.Errorf("%s folds to %s, which has no slot", folded, name)
		}
		if other, ok := seen[slot]; ok && slot != nil {
			t.Errorf("%s and %s share a slot", name, other)
		}
		seen[slot] = name
	}
}
