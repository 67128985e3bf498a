package main

// The rules of the house, as tests that say what to do. They hold for every Go file of the repository, not only for
// this package; CONTRIBUTING.md tells the same in prose.

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/cli"
)

const module = "github.com/auditbell/auditbell"

// arrows is the import table of DESIGN.md: which of our packages each may import. A new arrow is a design decision:
// add it here and to DESIGN.md in the same commit and say why.
var arrows = map[string][]string{
	"handler/digest/timestamp":               {}, // RFC 3161: a folder, because it brings third-party packages
	"handler/digest/timestamp/timestamptest": {},
	"handler/source/blobs/blobtest":          {}, // a container that several packages' tests read

	"handler":       {"handler/cli", "handler/serve"},
	"handler/serve": {"handler/app", "handler/host", "handler/otlp", "handler/settings"}, // the one process that is published, with the command line and without it
	"handler/app": {
		"handler/activity", "handler/alert", "handler/azure", "handler/canary", "handler/clicks", "handler/digest/publish", "handler/enrich", "handler/entra",
		"handler/exception", "handler/geo", "handler/host", "handler/jsonscan", "handler/lookup", "handler/notify", "handler/notify/email", "handler/notify/slack",
		"handler/notify/teams", "handler/notify/webhook", "handler/otlp", "handler/payload", "handler/pipeline", "handler/poll", "handler/reconcile", "handler/rules", "handler/settings", "handler/store",
	},
	"handler/azure":  {"handler/notify", "handler/settings", "handler/source"},
	"handler/canary": {"handler/activity", "handler/alert", "handler/host", "handler/payload", "handler/pipeline", "handler/settings"},
	"handler/cli":    {"handler/...", "infra"}, // infra: the texts of its queries
	"handler/poll":   {"handler/activity", "handler/alert", "handler/host", "handler/pipeline", "handler/source", "handler/store"},
	"handler/clicks": {"handler/alert", "handler/exception", "handler/host", "handler/notify", "handler/notify/slack", "handler/pipeline", "handler/settings", "handler/turns"},
	"handler/digest/publish": {
		"handler/activity", "handler/alert", "handler/azure", "handler/calendar", "handler/coverage", "handler/digest", "handler/digest/archive", "handler/digest/timestamp", "handler/enrich", "handler/exception",
		"handler/host", "handler/notify", "handler/notify/email", "handler/outbox", "handler/pipeline", "handler/reconcile", "handler/rules", "handler/settings", "handler/source", "handler/store", "handler/tlog",
	},
	"handler/jsonscan":          {},
	"handler/activity":          {"handler/jsonscan"},
	"handler/host":              {"handler/jsonscan", "handler/turns"},
	"handler/calendar":          {},
	"handler/calendar/zonetest": {},
	"handler/settings":          {"handler/calendar"},
	"handler/notify":            {"handler/settings"},
	"handler/turns":             {}, // who works at once; a simulation decides in which order
	"handler/entra":             {"handler/settings"},
	"handler/entra/entratest":   {},
	"handler/notify/slack":      {"handler/notify", "handler/settings"},
	"handler/notify/teams":      {"handler/notify", "handler/settings"},
	"handler/notify/email":      {"handler/notify", "handler/settings"},
	"handler/notify/webhook":    {"handler/notify", "handler/settings"},
	"handler/notify/notifytest": {"handler/notify", "handler/settings"},
	"handler/payload":           {"handler/activity", "handler/jsonscan"},
	"handler/payload/transcode": {"handler/activity", "handler/jsonscan"},
	"handler/rules":             {"handler/activity", "handler/jsonscan"},
	"handler/rules/rulestest":   {"handler/rules"},
	"handler/enrich":            {"handler/activity"},
	"handler/geo":               {},
	"handler/otlp":              {"handler/settings"}, // a side door: it knows no event
	"handler/verify":            {"handler/digest", "handler/digest/timestamp", "handler/jsonscan", "handler/source", "handler/tlog"},
	"handler/tlog":              {"handler/jsonscan"}, // records are hashed in their canonical form
	"handler/alert":             {"handler/activity"},
	"handler/lookup":            {"handler/activity", "handler/alert", "handler/azure", "handler/enrich", "handler/notify", "handler/settings", "handler/turns"},
	"handler/outbox":            {},
	"handler/store":             {"handler/activity", "handler/alert", "handler/outbox", "handler/turns"},
	"handler/exception":         {"handler/activity", "handler/alert", "handler/rules"},
	"handler/pipeline":          {"handler/activity", "handler/alert", "handler/outbox", "handler/exception", "handler/rules", "handler/enrich", "handler/notify", "handler/settings", "handler/calendar", "handler/turns", "handler/otlp"}, // otlp: each stage is a span
	"handler/source":            {"handler/activity", "handler/payload", "handler/jsonscan"},
	"handler/source/blobs":      {"handler/source"},
	"handler/coverage":          {"handler/activity"}, // which feed carries what
	"handler/reconcile":         {"handler/activity", "handler/alert", "handler/azure", "handler/coverage", "handler/host", "handler/notify", "handler/pipeline", "handler/settings", "handler/source", "handler/store", "handler/turns"},
	"handler/digest":            {"handler/activity", "handler/calendar", "handler/coverage", "handler/digest/pdf", "handler/source"},
	"handler/digest/pdf":        {}, // it knows no report
	"handler/digest/archive":    {},
	"handler/digest/digesttest": {},
	"handler/digest/generate":   {"handler/digest/digesttest"},
	"infra":                     {},
	"infra/stage":               {"infra/stage/layout"},
	"infra/stage/layout":        {},
	"infra/cost":                {},
	"infra/deploy":              {"infra/stage/layout"}, // it publishes what layout builds
	"infra/check":               {},
	"infra/check/refresh":       {"infra/check"},
	"local":                     {"local/scenario", "local/stack"},
	"local/azure":               {},
	"local/host":                {"handler/host"},
	"local/cosmos":              {"infra"},
	"local/cosmos/cosmostest":   {"infra", "local/cosmos"},
	"local/inbox":               {},
	"local/scenario":            {"local/azure", "local/inbox"},
	"local/simulation":          {"handler/app", "handler/jsonscan", "handler/notify/email", "handler/settings", "handler/turns", "local/azure", "local/cosmos", "local/simulation/oracle"}, // it runs the program's own wiring; what is written is scanned for what it owes
	"local/simulation/simulate": {"local/simulation"},
	"local/simulation/oracle":   {}, // a judge knows nothing of how the program decides
	"local/stack":               {"infra", "infra/stage/layout", "local/azure", "local/cosmos", "local/host", "local/inbox"},
}

// goFile is one parsed source file.
type goFile struct {
	path string // relative to the root, with slashes
	pkg  string // its folder
	test bool
	src  []byte
	ast  *ast.File
	fset *token.FileSet
}

func (f goFile) line(p token.Pos) int { return f.fset.Position(p).Line }

// house parses every Go file of the repository but testdata.
func house(t *testing.T) []goFile {
	t.Helper()
	var files []goFile
	err := filepath.WalkDir("..", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || d.Name() == "dist" || d.Name() == "node_modules" || d.Name() == ".git") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(p, ".go") {
			return nil
		}
		f := goFile{path: strings.TrimPrefix(filepath.ToSlash(p), "../"), test: strings.HasSuffix(p, "_test.go"), fset: token.NewFileSet()}
		f.pkg = path.Dir(f.path)
		if f.src, err = os.ReadFile(p); err != nil {
			return err
		}
		f.ast, err = parser.ParseFile(f.fset, p, f.src, parser.ParseComments)
		files = append(files, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestImportsFollowTheTable(t *testing.T) {
	t.Parallel()
	unknown := map[string]bool{}
	for _, f := range house(t) {
		allowed, known := arrows[f.pkg]
		if !known {
			if !unknown[f.pkg] {
				t.Errorf("the package %s is not in the import table; add it to arrows in handler/house_test.go and to DESIGN.md, with the packages of ours that it may import", f.pkg)
			}
			unknown[f.pkg] = true
			continue
		}
		if f.test {
			continue // tests may use the stand-ins
		}
		for _, spec := range f.ast.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			ours, ok := strings.CutPrefix(imported, module+"/")
			if ok && !slices.ContainsFunc(allowed, func(a string) bool { return covers(a, ours) }) {
				t.Errorf("%s imports %s, an arrow the table does not know; move the code, or decide on the arrow: change arrows in handler/house_test.go and DESIGN.md in the same commit and say why", f.path, ours)
			}
		}
	}
}

// covers reports whether the allowance a ("x" or "x/...") covers pkg.
func covers(a, pkg string) bool {
	if prefix, ok := strings.CutSuffix(a, "/..."); ok {
		return strings.HasPrefix(pkg, prefix+"/")
	}
	return a == pkg
}

func TestOnlyTheStoreKnowsCosmos(t *testing.T) {
	t.Parallel()
	for _, f := range house(t) {
		for _, spec := range f.ast.Imports {
			if strings.Contains(spec.Path.Value, "azcosmos") && !f.test && f.pkg != "handler/store" && f.pkg != "local/cosmos/cosmostest" {
				t.Errorf("%s imports azcosmos; only handler/store may, so that its traps are handled in one place", f.path)
			}
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	t.Parallel()
	said := map[string]bool{}
	for _, f := range house(t) {
		if !f.test {
			said[f.pkg] = said[f.pkg] || f.ast.Doc != nil && len(f.ast.Doc.Text()) > 80
		}
	}
	for pkg, ok := range said {
		if !ok {
			t.Errorf("package %s has no package comment worth the name; say what it is for and what it is not for", pkg)
		}
	}
}

func TestNoInitAndNoGrabBags(t *testing.T) {
	t.Parallel()
	for _, f := range house(t) {
		if slices.Contains([]string{"util", "utils", "common", "helpers", "types", "models", "misc"}, f.ast.Name.Name) {
			t.Errorf("%s: a package named %s says nothing about what is in it; name it for its subject", f.path, f.ast.Name.Name)
		}
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s:%d: init runs before main can listen and cannot be given anything; make it a function that is called", f.path, f.line(fn.Pos()))
			}
		}
	}
}

// Budgets of size. Whoever needs a bigger one says so in the first line of the commit message.
const (
	maxFileLines     = 500
	maxFunctionLines = 80
	maxParameters    = 4
)

func TestSizesStayReadable(t *testing.T) {
	t.Parallel()
	var lengths []int
	for _, f := range house(t) {
		if lines := strings.Count(string(f.src), "\n"); lines > maxFileLines {
			t.Errorf("%s has %d lines, the budget is %d; split it by subject", f.path, lines, maxFileLines)
		}
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Body == nil || f.test { // a test's table may be as long as its cases
				continue
			}
			lines := f.line(fn.Body.Rbrace) - f.line(fn.Pos()) + 1
			if lines > maxFunctionLines {
				t.Errorf("%s:%d: %s has %d lines, the budget is %d; give its steps names", f.path, f.line(fn.Pos()), fn.Name.Name, lines, maxFunctionLines)
			}
			lengths = append(lengths, lines)
			if n := fn.Type.Params.NumFields(); n > maxParameters+contextParameter(fn) {
				t.Errorf("%s:%d: %s takes %d parameters, the budget is %d beside a context; make the others a struct", f.path, f.line(fn.Pos()), fn.Name.Name, n, maxParameters)
			}
		}
	}
	slices.Sort(lengths)
	if median := lengths[len(lengths)/2]; median > 12 {
		t.Errorf("the median function has %d lines, the budget is 12", median)
	}
	if ninety := lengths[len(lengths)*9/10]; ninety > 40 {
		t.Errorf("a tenth of all functions have more than %d lines, the budget is 40", ninety)
	}
}

// contextParameter is 1 when fn's first parameter is a context, which is not counted.
func contextParameter(fn *ast.FuncDecl) int {
	if len(fn.Type.Params.List) == 0 {
		return 0
	}
	if sel, ok := fn.Type.Params.List[0].Type.(*ast.SelectorExpr); ok && sel.Sel.Name == "Context" {
		return 1
	}
	return 0
}

func TestRoutesAreTheFunctionFolders(t *testing.T) {
	t.Parallel()
	var folders []string
	entries, err := os.ReadDir("../functions")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		folders = append(folders, e.Name())
	}
	names := slices.Sorted(slices.Values(app.Functions()))
	if !slices.Equal(folders, names) {
		t.Errorf("functions/ holds %v, handler/app/routes.go serves %v; add the folder with its function.json, or the line", folders, names)
	}
	design, err := os.ReadFile("../DESIGN.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !strings.Contains(string(design), "\n| `"+name+"` | ") {
			t.Errorf("the table of functions in DESIGN.md lacks %s; add a line with its trigger and what it does", name)
		}
	}
}

func TestSettingsAreDocumented(t *testing.T) {
	t.Parallel()
	var want strings.Builder
	defs := cli.Declared()
	if err := cli.WriteExample(&want, defs); err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("../local.settings.json.example")
	if err != nil || string(example) != want.String() {
		t.Errorf("local.settings.json.example is not what the code reads (%v); run `go run ./handler settings --format example > local.settings.json.example`", err)
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range defs {
		if d.Doc == "" || !strings.HasSuffix(d.Doc, ".") {
			t.Errorf("setting %s has no sentence that says what it is for; give its Def a Doc that ends in a full stop", d.Name)
		}
		if !strings.Contains(string(readme), fmt.Sprintf("| `%s` | ", d.Name)) {
			t.Errorf("README.md's table of settings lacks %s; add the line from `go run ./handler settings`", d.Name)
		}
	}
}

func TestEveryDestinationRunsTheSuite(t *testing.T) {
	t.Parallel()
	suite := map[string]bool{}
	listed := map[string]bool{"notifytest": true}
	for _, name := range app.Kinds() {
		listed[name] = true
	}
	for _, f := range house(t) {
		name, ok := strings.CutPrefix(f.pkg, "handler/notify/")
		if !ok {
			continue
		}
		if !listed[name] {
			t.Errorf("%s is a destination that no setting can choose; add a line to handler/app/destinations.go", f.pkg)
			listed[name] = true
		}
		suite[name] = suite[name] || f.test && strings.Contains(string(f.src), "notifytest.Run(")
	}
	for _, name := range app.Kinds() {
		if !suite[name] {
			t.Errorf("handler/notify/%s has no test that calls notifytest.Run; the suite is the destination's contract", name)
		}
	}
}

// Budgets of the two rooms that everything is wired in: package main is one page, and what app does must stay readable in
// one sitting.
const (
	maxMainLines   = 60
	maxWiringLines = 900
)

func TestWiringStaysSmall(t *testing.T) {
	t.Parallel()
	lines := map[string]int{}
	for _, f := range house(t) {
		if !f.test {
			lines[f.pkg] += strings.Count(string(f.src), "\n")
		}
	}
	if n := lines["handler"]; n > maxMainLines {
		t.Errorf("package main has %d lines, the budget is %d; commands belong in handler/cli, wiring in handler/app", n, maxMainLines)
	}
	if n := lines["handler/app"]; n > maxWiringLines {
		t.Errorf("handler/app has %d lines, the budget is %d; what a function does belongs beside what it serves", n, maxWiringLines)
	}
}

// TestEveryAlertAboutOurselvesHasItsRunbook holds docs/operations.md to the alerts that handler/pipeline raises about
// Auditbell itself, by their rule.
func TestEveryAlertAboutOurselvesHasItsRunbook(t *testing.T) {
	t.Parallel()
	runbook, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, f := range house(t) {
		if f.test || f.pkg != "handler/pipeline" {
			continue
		}
		for _, kind := range regexp.MustCompile(`\bkind: +"([a-z-]+)", +title:`).FindAllStringSubmatch(string(f.src), -1) {
			found++
			if !strings.Contains(string(runbook), "`auditbell-"+kind[1]+"` |") {
				t.Errorf("docs/operations.md has no line for the alert auditbell-%s (%s); say when it comes and what to do", kind[1], f.path)
			}
		}
	}
	if found < 8 {
		t.Errorf("found %d alerts about ourselves in handler/pipeline, which has more: this test no longer finds them", found)
	}
}

// TestPipelineAsksLittle holds what the parts of the pipeline ask of each other and of a store to interfaces of two to four
// methods, and their structs to a number of exported fields that a reader can hold in mind.
func TestPipelineAsksLittle(t *testing.T) {
	t.Parallel()
	const mostFields = 20
	asked := 0
	for _, f := range house(t) {
		if f.test || f.pkg != "handler/pipeline" {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			switch typ := spec.Type.(type) {
			case *ast.InterfaceType:
				asked++
				for _, m := range typ.Methods.List {
					if len(m.Names) == 0 {
						t.Errorf("%s:%d: interface %s embeds another; list what its consumer calls", f.path, f.line(m.Pos()), spec.Name)
					}
				}
				if n := typ.Methods.NumFields(); n < 2 || n > 4 {
					t.Errorf("%s:%d: interface %s has %d methods, want two to four; cut it by consumer (one method is a func type)", f.path, f.line(spec.Pos()), spec.Name, n)
				}
			case *ast.StructType:
				exported := 0
				for _, field := range typ.Fields.List {
					for _, name := range field.Names {
						if name.IsExported() {
							exported++
						}
					}
				}
				if exported > mostFields && spec.Name.Name != "Words" { // the names that an operator's templates know
					t.Errorf("%s:%d: struct %s has %d exported fields, at most %d are readable; give what belongs together a type of its own", f.path, f.line(spec.Pos()), spec.Name, exported, mostFields)
				}
			}
			return true
		})
	}
	if asked < 8 {
		t.Errorf("found %d interfaces in handler/pipeline, want at least eight: this test no longer reads them", asked)
	}
}
