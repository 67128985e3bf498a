package main

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestDesignListsThePackages holds DESIGN.md's table of packages to the package comments and to the arrows above.
func TestDesignListsThePackages(t *testing.T) {
	t.Parallel()
	const begin, end = "<!-- packages: written by go test ./handler -run DesignLists -update -->\n", "<!-- end of packages -->\n"
	text, err := os.ReadFile("../DESIGN.md")
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), begin)
	got, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("DESIGN.md lacks the lines %q and %q", begin, end)
	}
	want := packageTable(t)
	if *update {
		if err := os.WriteFile("../DESIGN.md", []byte(head+begin+want+end+tail), 0o644); err != nil { //nolint:gosec // a file of the repository
			t.Fatal(err)
		}
		return
	}
	if got != want {
		t.Error("DESIGN.md's table of packages differs from package comments and arrows; run `go test ./handler -run DesignLists -update`")
	}
}

// TestWhatIsPublishedOnlyServes looks at what the program is made of that runs in Azure.
func TestWhatIsPublishedOnlyServes(t *testing.T) {
	t.Parallel()
	linked, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-tags", "function", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Fields(string(linked))
	if !slices.Contains(packages, module+"/handler/serve") {
		t.Fatalf("it does not serve; it is made of %v", packages)
	}
	for _, p := range []string{module + "/handler/cli", module + "/handler/verify", module + "/infra", "github.com/alecthomas/kong", "github.com/schollz/progressbar/v3"} {
		if slices.Contains(packages, p) {
			t.Errorf("%s is built in, which is for the command line alone", p)
		}
	}
}

// packageTable lists each package with the first sentence of its comment and what it may import of ours.
func packageTable(t *testing.T) string {
	t.Helper()
	sentences := map[string]string{}
	for _, f := range house(t) {
		if !f.test && f.ast.Doc != nil {
			sentences[f.pkg] = firstSentence(f.ast.Doc.Text())
		}
	}
	var out strings.Builder
	out.WriteString("| package | what it is for | imports of ours |\n|---|---|---|\n")
	for _, pkg := range slices.Sorted(maps.Keys(sentences)) {
		fmt.Fprintf(&out, "| `%s` | %s | %s |\n", pkg, sentences[pkg], strings.Join(shortened(arrows[pkg]), ", "))
	}
	return out.String()
}

// firstSentence is the first sentence of a package comment without "Package NAME" in front.
func firstSentence(comment string) string {
	sentence := strings.Join(strings.Fields(comment), " ")
	if i := strings.Index(sentence, ". "); i >= 0 {
		sentence = sentence[:i]
	}
	words := strings.SplitN(strings.TrimSuffix(sentence, "."), " ", 3)
	if len(words) == 3 && (words[0] == "Package" || words[0] == "Command") {
		return strings.ReplaceAll(words[2], "|", "\\|")
	}
	return sentence
}

func shortened(imports []string) []string {
	var all []string
	for _, i := range imports {
		all = append(all, strings.TrimPrefix(i, "handler/"))
	}
	slices.Sort(all)
	return all
}
