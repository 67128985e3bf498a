package simulation

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

var (
	faultsFlag = flag.Bool("faults", false, "build the program with each fault of testdata/faults and look for it (minutes a fault)")
	faultFlag  = flag.String("fault", "", "of testdata/faults, this one alone")
)

// patch is a fault that the program does not have: texts to replace in its files, and the promise that it breaks. It is
// applied with go test -overlay, so there is no switch in the program.
type patch struct {
	name, why, breaks string
	edits             []replacement
}

type replacement struct{ file, old, now string }

// patches reads testdata/faults. In a file stand what the fault is, "breaks: " and the promise, and sections
// "-- FILE: old --" and "-- FILE: new --", whose last line break does not count.
func patches(t *testing.T) []patch {
	files, err := filepath.Glob("testdata/faults/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no faults in testdata/faults: %v", err)
	}
	var all []patch
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		p := patch{name: strings.TrimSuffix(filepath.Base(file), ".txt")}
		why, breaks, ok := strings.Cut(strings.TrimSpace(string(a.Comment)), "\nbreaks: ")
		if p.why, p.breaks = why, breaks; !ok || len(a.Files) == 0 || len(a.Files)%2 != 0 {
			t.Fatalf("%s: wanted a sentence, a line \"breaks: \", and pairs of old and new texts", file)
		}
		for i := 0; i < len(a.Files); i += 2 {
			p.edits = append(p.edits, replacement{
				strings.TrimSuffix(a.Files[i].Name, ": old"), strings.TrimSuffix(string(a.Files[i].Data), "\n"), strings.TrimSuffix(string(a.Files[i+1].Data), "\n"),
			})
		}
		all = append(all, p)
	}
	return all
}

// apply returns the patched texts by file. A text that is not there exactly once is an error.
func (p patch) apply(root string) (map[string]string, error) {
	texts := map[string]string{}
	for _, e := range p.edits {
		file := filepath.Join(root, e.file)
		if _, ok := texts[file]; !ok {
			raw, err := os.ReadFile(file)
			if err != nil {
				return nil, fmt.Errorf("fault %s: %w", p.name, err)
			}
			texts[file] = string(raw)
		}
		if n := strings.Count(texts[file], e.old); n != 1 {
			return nil, fmt.Errorf("fault %s does not apply to %s any more: its old text is there %d times (hint: write it again for the code of today, in testdata/faults/%s.txt)\n%s", p.name, e.file, n, p.name, e.old)
		}
		texts[file] = strings.Replace(texts[file], e.old, e.now, 1)
	}
	return texts, nil
}

// TestFaultsApply keeps the patches in step with the program.
func TestFaultsApply(t *testing.T) {
	for _, p := range patches(t) {
		if _, err := p.apply("../.."); err != nil {
			t.Error(err)
		}
	}
}

// TestFaultsAreFound builds the program with each fault and expects the promise to be broken that it names.
func TestFaultsAreFound(t *testing.T) {
	if !*faultsFlag {
		t.Skip("make faults runs it: a build and many seeds for each fault")
	}
	n := *seedsFlag
	if n == 0 {
		n = 40
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range patches(t) {
		if *faultFlag != "" && p.name != *faultFlag {
			continue
		}
		program := p.build(t, root)
		if program == "" {
			continue
		}
		r := child(t, program, seeds{*fromFlag, n}, func(string) {})
		first := r.First[p.breaks]
		fmt.Printf("%d of %d seeds (first %d)\t%s\t%s: %s\n", r.Broken[p.breaks], r.Seeds, first.Seed, p.name, p.breaks, p.why)
		if r.Broken[p.breaks] == 0 {
			t.Errorf("fault %s (%s) is not found in %d seeds; broken were %v", p.name, p.why, n, r.Broken)
		}
	}
}

// build makes the test program with the fault in it.
func (p patch) build(t *testing.T, root string) string {
	texts, err := p.apply(root)
	if err != nil {
		t.Error(err)
		return ""
	}
	folder := t.TempDir()
	replace := map[string]string{}
	for file, text := range texts {
		patched := filepath.Join(folder, fmt.Sprintf("%d.go", len(replace)))
		if err := os.WriteFile(patched, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[file] = patched
	}
	raw, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	overlay, program := filepath.Join(folder, "overlay.json"), filepath.Join(folder, "simulation.test")
	if err := os.WriteFile(overlay, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), "go", "test", "-c", "-overlay", overlay, "-o", program, ".") //nolint:gosec // fixed arguments
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("fault %s does not build: %v\n%s", p.name, err, out)
		return ""
	}
	return program
}
