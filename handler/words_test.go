package main

// The words of the house: DESIGN.md's glossary names one term for each thing, and words of our own that a stranger must
// learn first only grow fewer.

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite testdata/private_words.txt and the tables of DESIGN.md")

// private are words of the first version that no other code base uses, with the field's word for each in DESIGN.md's
// glossary.
var private = regexp.MustCompile(`(?i)\b(t(old|ells?)|r(ung|ang|ings?)|a(new)|w(hoever)|p(arted)|m(end(s|ed)?)|(no|some)body)\b`)

const wordsFile = "testdata/private_words.txt"

// TestPrivateWordsGrowFewer counts private words in code and documents, folder by folder. A folder that is not in the
// list has none. Where the number fell, the list must follow, so that it never rises again.
func TestPrivateWordsGrowFewer(t *testing.T) {
	t.Parallel()
	got := privateWords(t)
	if *update {
		if err := os.WriteFile(wordsFile, format(got), 0o644); err != nil { //nolint:gosec // a file of the repository
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(wordsFile)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{}
	for line := range strings.Lines(string(text)) {
		var n int
		var folder string
		if _, err := fmt.Sscan(line, &n, &folder); err != nil {
			t.Fatalf("%s: %q: %v", wordsFile, line, err)
		}
		want[folder] = n
	}
	for _, folder := range slices.Sorted(maps.Keys(got)) {
		if got[folder] > want[folder] {
			t.Errorf("%s has %d private words (%s), allowed are %d; use the terms of the glossary in DESIGN.md", folder, got[folder], private, want[folder])
		}
	}
	for folder, n := range want {
		if got[folder] < n {
			t.Errorf("%s has %d private words, down from %d: run `go test ./handler -run Words -update`, so that it stays there", folder, got[folder], n)
		}
	}
}

// privateWords counts per folder, in Go, Markdown, Terraform, YAML and templates; not in testdata, rules and change log,
// which quote.
func privateWords(t *testing.T) map[string]int {
	t.Helper()
	counts := map[string]int{}
	err := filepath.WalkDir("..", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(filepath.ToSlash(p), "../")
		if d.IsDir() && slices.Contains([]string{".git", "testdata", "dist", "node_modules", "library", ".terraform"}, d.Name()) {
			return filepath.SkipDir
		}
		if d.IsDir() || !slices.Contains([]string{".go", ".md", ".tf", ".yaml", ".yml", ".tmpl", ".mk", ".sh"}, path.Ext(name)) {
			return nil
		}
		if name == "CHANGELOG.md" || name == "handler/words_test.go" {
			return nil
		}
		text, err := os.ReadFile(p)
		if n := len(private.FindAll(text, -1)); n > 0 {
			counts[path.Dir(name)] += n
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return counts
}

func format(counts map[string]int) []byte {
	var out bytes.Buffer
	for _, folder := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&out, "%4d %s\n", counts[folder], folder)
	}
	return out.Bytes()
}

// TestGlossaryNamesWhatThereIs holds the types and packages that DESIGN.md's glossary names to the code.
func TestGlossaryNamesWhatThereIs(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../DESIGN.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n### Glossary\n")
	if !ok {
		t.Fatal("DESIGN.md has no section Glossary")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	names := declaredNames(t)
	rows, term := 0, regexp.MustCompile(`^\| \*\*[^|]+\*\* \|[^|]+\| (.+) \|$`)
	for line := range strings.Lines(section) {
		row := term.FindStringSubmatch(strings.TrimSpace(line))
		if row == nil {
			continue
		}
		rows++
		for _, name := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[1], -1) {
			if !names[name[1]] {
				t.Errorf("DESIGN.md's glossary names `%s`, which is not in the code; rename it in both places", name[1])
			}
		}
	}
	if rows < 25 {
		t.Errorf("the glossary has %d terms that this test can read, want at least 25; a row is | **term** | sentence | `name` |", rows)
	}
}

// declaredNames are all packages, by their folder below handler/, and what they declare at the top level, as package.Name
// and package.Type.Field.
func declaredNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, f := range house(t) {
		if f.test {
			continue
		}
		names[strings.TrimPrefix(f.pkg, "handler/")] = true
		pkg := f.ast.Name.Name
		for name := range f.ast.Scope.Objects {
			names[pkg+"."+name] = true
		}
		for _, m := range methodsAndFields(f) {
			names[pkg+"."+m] = true
		}
	}
	return names
}

// methodsAndFields are a file's methods as Type.Method and fields as Type.Field.
func methodsAndFields(f goFile) []string {
	var all []string
	ast.Inspect(f.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Recv != nil {
				all = append(all, receiver(n.Recv.List[0].Type)+"."+n.Name.Name)
			}
			return false
		case *ast.TypeSpec:
			if s, ok := n.Type.(*ast.StructType); ok {
				for _, field := range s.Fields.List {
					for _, name := range field.Names {
						all = append(all, n.Name.Name+"."+name.Name)
					}
				}
			}
		}
		return true
	})
	return all
}

func receiver(e ast.Expr) string {
	if star, ok := e.(*ast.StarExpr); ok {
		e = star.X
	}
	if name, ok := e.(*ast.Ident); ok {
		return name.Name
	}
	return ""
}
