package settings

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf16"
)

const (
	oneID   = "5f1c0a52-7c1e-4b7d-9a41-2d6a8c3e9b10"
	otherID = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
)

func TestNamesFile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text     string
		names    map[string]string
		problems []string // in order; what each begins with
	}{
		"yaml":             {"# ours\n" + oneID + ": Payments\n" + otherID + ": \"Deployer: prod\"\n", map[string]string{oneID: "Payments", otherID: "Deployer: prod"}, nil},
		"json of a bundle": {`{"` + strings.ToUpper(oneID) + `": "Payments <prod>"}`, map[string]string{oneID: "Payments <prod>"}, nil},
		"byte order mark":  {"\ufeff{\"" + oneID + "\": \"Payments\"}", map[string]string{oneID: "Payments"}, nil},
		"a number":         {oneID + ": 42\n", map[string]string{oneID: "42"}, nil},
		"only comments":    {"# none\n", map[string]string{}, nil},
		"two casings":      {oneID + ": A\n" + strings.ToUpper(oneID) + ": B\n", map[string]string{oneID: "A"}, []string{"names.yaml:2:"}},
		"twice":            {oneID + ": A\n" + oneID + ": B\n", map[string]string{oneID: "A"}, []string{"names.yaml:2:1"}},
		"bad rows":         {"Payments: " + oneID + "\n" + oneID + ":\n" + otherID + ": [a]\n", map[string]string{}, []string{"names.yaml:1:", "names.yaml:2:", "names.yaml:3:", "names.yaml:3:"}},
		"no mapping":       {`["` + oneID + `"]`, map[string]string{}, []string{"names.yaml:1:1"}},
		"no yaml":          {"{", map[string]string{}, []string{"names.yaml:2:"}},
		"two documents":    {"{}\n---\n{}\n", map[string]string{}, []string{"names.yaml:1:1"}},
	} {
		names, problems := ParseNames("names.yaml", []byte(c.text))
		if !maps.Equal(names, c.names) || !slices.EqualFunc(problems, c.problems, func(p Problem, begin string) bool { return strings.HasPrefix(p.Error(), begin) }) {
			t.Errorf("%s: %v, %v", name, names, problems)
		}
	}
}

// TestNamesFileOfPowerShell: what PowerShell's > writes is UTF-16.
func TestNamesFileOfPowerShell(t *testing.T) {
	t.Parallel()
	text := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(`{"` + oneID + `": "Zahlungen Zürich"}`)) {
		text = append(text, byte(unit), byte(unit>>8)) //nolint:gosec // its two bytes
	}
	if names, problems := ParseNames("names.json", text); names[oneID] != "Zahlungen Zürich" || len(problems) > 0 {
		t.Errorf("%v, %v", names, problems)
	}
}

// TestNamesKeepNothingFromRunning: no alert hangs on a name.
func TestNamesKeepNothingFromRunning(t *testing.T) {
	t.Parallel()
	s := New(func(string) (string, bool) { return "", false })
	names := s.ReadNames(fstest.MapFS{"names.yaml": {Data: []byte("what: ever\n" + oneID + ": Payments\n")}})
	if warned := s.Warnings(); s.Err() != nil || names[oneID] != "Payments" || len(warned) != 1 || !strings.HasPrefix(warned[0].Error(), "config/names.yaml:1:") {
		t.Errorf("%v, %v, %v", names, s.Err(), warned)
	}
	if names := s.ReadNames(fstest.MapFS{}); names != nil {
		t.Errorf("without the file: %v", names)
	}
}
