package layout

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// published is what a staged testdata/repo holds, and nothing else.
var published = []string{
	"bin/handler", "config/auditbell.yaml", "config/rules/x.yml", "host.json", "notify/function.json", "tick/function.json",
}

// options stages testdata/repo into a fresh folder; the file `dist` beside `auditbell.zip`.
func options(t *testing.T) Options {
	t.Helper()
	dir := t.TempDir()
	return Options{
		Source: "testdata/repo", Out: filepath.Join(dir, "dist"), Zip: filepath.Join(dir, "auditbell.zip"),
		GOOS: "linux", GOARCH: "amd64", Version: "v1.2.3",
	}
}

func build(t *testing.T, o Options) {
	t.Helper()
	if err := Build(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}

func TestBuildLaysOutExactlyWhatIsPublished(t *testing.T) {
	t.Parallel()
	o := options(t)
	var said bytes.Buffer
	o.Report = &said
	build(t, o)
	if diff := cmp.Diff(published, filesIn(t, o.Out)); diff != "" {
		t.Errorf("dist (-want +got)\n%s", diff)
	}
	if !strings.Contains(said.String(), "v1.2.3") || strings.Count(said.String(), "\n") != 3 {
		t.Errorf("reported %q", &said)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(o.Out), ".stage-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind %v, %v", left, err)
	}
}

// The zip is judged as the platform would: by its entries' names and modes, then unpacked and started.
func TestZipIsWhatTheHostNeeds(t *testing.T) {
	t.Parallel()
	o := options(t)
	build(t, o)
	archive, err := zip.OpenReader(o.Zip)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	var names []string
	for _, entry := range archive.File {
		names = append(names, entry.Name)
		want := uint32(0o100666)
		if entry.Name == Executable {
			want = 0o100777 // a regular file, executable: Premium and Dedicated plans do not repair a missing bit
		}
		if got := entry.ExternalAttrs >> 16; got != want || entry.CreatorVersion>>8 != 3 {
			t.Errorf("%s: mode %o by system %d, want %o by Unix (3)", entry.Name, got, entry.CreatorVersion>>8, want)
		}
	}
	if diff := cmp.Diff(published, names); diff != "" {
		t.Errorf("entries (-want +got)\n%s", diff)
	}
	unpacked := t.TempDir()
	unzip(t, &archive.Reader, unpacked)
	for _, name := range published {
		if diff := cmp.Diff(read(t, filepath.Join(o.Out, name)), read(t, filepath.Join(unpacked, name))); diff != "" {
			t.Errorf("%s differs between dist and zip", name)
		}
	}
	if runtime.GOOS == "linux" && runtime.GOARCH == "amd64" {
		said, err := exec.Command(filepath.Join(unpacked, "bin", "handler")).Output()
		if err != nil || string(said) != "v1.2.3 2\n" {
			t.Errorf("started from the zip: %q, %v", said, err)
		}
	}
}

func TestBuildIsReproducible(t *testing.T) {
	t.Parallel()
	a, b := options(t), options(t)
	build(t, a)
	build(t, b)
	if !bytes.Equal(read(t, a.Zip), read(t, b.Zip)) {
		t.Error("two builds of the same source gave different zips")
	}
}

func TestBuildReplacesTheOldFolder(t *testing.T) {
	t.Parallel()
	o := options(t)
	write(t, filepath.Join(o.Out, "stale", "function.json"), "{}")
	write(t, filepath.Join(o.Out, "host.json"), "old")
	write(t, filepath.Join(o.Out, "licenses", "example.com", "module", "LICENSE"), "of a module that is gone")
	write(t, filepath.Join(o.Out, localSettings), "mine")
	build(t, o)
	want := append([]string{}, published...)
	want = append(want[:4], append([]string{localSettings}, want[4:]...)...)
	if diff := cmp.Diff(want, filesIn(t, o.Out)); diff != "" {
		t.Errorf("stale folder must go, the developer's settings must stay (-want +got)\n%s", diff)
	}
}

func TestBuildRefusesAFolderThatIsNotItsOwn(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"main.go", "bin", "src/a.txt", "notify/function.json/x", "host.json/x", "bin/tool"} {
		o := options(t)
		precious := filepath.Join(o.Out, name)
		write(t, precious, "precious")
		err := Build(t.Context(), o)
		if err == nil || !strings.Contains(err.Error(), "hint:") || string(read(t, precious)) != "precious" {
			t.Errorf("%s: got %v, want a refusal with a hint and the file untouched", name, err)
		}
	}
}

// A broken source must be told as what it is, and must leave the last good dist and zip alone.
func TestBuildChecksFirst(t *testing.T) {
	t.Parallel()
	const trigger = `{"type":"timerTrigger","name":"t","direction":"in"}`
	hostJSON := string(read(t, "testdata/repo/host.json"))
	cases := []struct{ name, file, content, want string }{
		{"two triggers", "functions/tick/function.json", `{"bindings":[` + trigger + `,{"type":"httpTrigger","name":"r"}]}`, "2 triggers"},
		{"no trigger", "functions/tick/function.json", `{"bindings":[{"type":"http","name":"r"}]}`, "0 triggers"},
		{"binding twice", "functions/tick/function.json", `{"bindings":[` + trigger + `,{"type":"http","name":"t"}]}`, `binding "t"`},
		{"not JSON", "functions/tick/function.json", `{`, "functions/tick"},
		{"bad name", "functions/9lives/function.json", `{"bindings":[` + trigger + `]}`, "does not accept this name"},
		{"reserved name", "functions/Host/function.json", `{"bindings":[` + trigger + `]}`, "does not accept this name"},
		{"our own folder's name", "functions/bin/function.json", `{"bindings":[` + trigger + `]}`, "does not accept this name"},
		{"function in config", "config/function.json", `{"bindings":[` + trigger + `]}`, "does not accept this name"},
		{"folder without route", "functions/lost/function.json", `{"bindings":[` + trigger + `]}`, "functions/lost has no route"},
		{"route without folder", "handler/app/routes.go", `package app; var routes = map[string]func(){"notify": nil, "tick": nil, "gone": nil}`, `"gone"`},
		{"no routes", "handler/app/routes.go", `package app; var routes []int`, "functions/notify has no route"},
		{"routes do not parse", "handler/app/routes.go", `package`, "read routes"},
		{"does not compile", "handler/main.go", `package main; func main() { undefined() }`, "undefined"},
		{"other executable", "host.json", strings.Replace(hostJSON, `"bin/handler"`, `"./bin/handler"`, 1), "executable bit"},
		{"no bundle", "host.json", strings.Replace(hostJSON, "extensionBundle", "bundle", 1), "no extensionBundle"},
		{"http routes", "host.json", strings.Replace(hostJSON, `"description"`, `"http":{},"description"`, 1), "customHandler.http"},
		{"old version", "host.json", strings.Replace(hostJSON, `"2.0"`, `"1.0"`, 1), "2.0"},
		{"host.json is no JSON", "host.json", "", "host.json"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := options(t)
			o.Source = copyOfRepo(t)
			write(t, filepath.Join(o.Source, c.file), c.content)
			write(t, filepath.Join(o.Out, "host.json"), "the last good one")
			err := Build(t.Context(), o)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
			if got := read(t, filepath.Join(o.Out, "host.json")); string(got) != "the last good one" {
				t.Errorf("dist was touched: host.json is %q", got)
			}
			if _, err := os.Stat(o.Zip); err == nil {
				t.Error("a zip was written")
			}
		})
	}
}

func TestRoutesMayBeASlice(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "routes.go")
	write(t, path, `package main
		var routes = []route{{"notify", notify}, {name: "tick", fn: tick}}
		var other = map[string]string{"error": "x"}`)
	if err := checkRoutes(path, []string{"notify", "tick"}); err != nil {
		t.Error(err)
	}
}

func TestNoFunctionsIsAnError(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Source = copyOfRepo(t)
	if err := os.RemoveAll(filepath.Join(o.Source, "functions")); err != nil {
		t.Fatal(err)
	}
	if err := Build(t.Context(), o); err == nil || !strings.Contains(err.Error(), "there is none") {
		t.Errorf("got %v", err)
	}
}

func TestBuildForOtherPlatforms(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.GOOS, o.Zip = "windows", ""
	build(t, o)
	if _, err := os.Stat(filepath.Join(o.Out, "bin", "handler.exe")); err != nil {
		t.Error(err)
	}
	o.Zip = filepath.Join(t.TempDir(), "a.zip")
	if err := Build(t.Context(), o); err == nil || !strings.Contains(err.Error(), "hint:") {
		t.Errorf("zip for windows: got %v", err)
	}
}

func TestCheckBinaryKnowsTheWrongMachine(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.GOARCH, o.Zip = "arm64", ""
	build(t, o)
	binary := filepath.Join(o.Out, "bin", "handler")
	if err := checkBinary(binary, "linux", "amd64"); err == nil {
		t.Error("an arm64 binary passed for amd64")
	}
	if err := checkBinary("layout_test.go", "linux", "amd64"); err == nil {
		t.Error("a text file passed for a binary")
	}
}

// copyOfRepo is testdata/repo as a module of its own.
func copyOfRepo(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/repo")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "go.mod"), "module example.com/repo\n\ngo 1.26\n")
	return dir
}

func filesIn(t *testing.T, root string) []string {
	t.Helper()
	var names []string
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func unzip(t *testing.T, archive *zip.Reader, root string) {
	t.Helper()
	if err := os.CopyFS(root, archive); err != nil { // CopyFS keeps the mode bits
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The repository as it is now must stage, with every function in it, and must stay within what DESIGN.md allows a
// binary: 24 MB unpacked.
func TestThisRepositoryStages(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Source = filepath.Join("..", "..", "..")
	build(t, o)
	sources, err := filepath.Glob(filepath.Join(o.Source, "functions", "*", "function.json"))
	if err != nil || len(sources) == 0 {
		t.Fatalf("no functions: %v", err)
	}
	staged := filesIn(t, o.Out)
	for _, path := range sources {
		if name := filepath.Base(filepath.Dir(path)) + "/function.json"; !slices.Contains(staged, name) {
			t.Errorf("%s is missing in %v", name, staged)
		}
	}
	info, err := os.Stat(filepath.Join(o.Out, "bin", "handler"))
	if err != nil || info.Size() > 24<<20 {
		t.Errorf("handler: %v, %v; the limit is 24 MB", info, err)
	}
}
