package source

import "testing"

// TestPlacesObeyNoFileName: the name of a file writes nothing to the terminal but itself.
func TestPlacesObeyNoFileName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"month 漢字 😀.json":   "month 漢字 😀.json: item 1: no",
		"a\u202egnp\n.json": `a\u202egnp\n.json: item 1: no`,
		"\x1b]0;x\a\"":      `\x1b]0;x\a\": item 1: no`,
	} {
		if got := (Place{Name: name, Item: 1, Reason: "no"}).String(); got != want {
			t.Errorf("%q is printed %q, want %q", name, got, want)
		}
	}
}
