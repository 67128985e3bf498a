// Package layout builds the handler and writes the folder that the Functions host runs, and its zip.
//
//	host.json             as in the repository
//	bin/handler           static, stripped; exactly host.json's defaultExecutablePath
//	<name>/function.json  from functions/<name>/, because the host looks in immediate subfolders only
//	                      (HostFunctionMetadataProvider.cs) and no setting moves that
//	config/               what the operator chose, if there is any
//
// Everything is checked before anything of the old folder is touched. It is for staging only: nothing the handler
// needs at run time lives here.
package layout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Executable is the handler's path below the root: host.json must say the same, letter by letter. ("./bin/handler" or
// a backslash would start, but Core Tools sets the executable bit for the zip entry of exactly this name.)
const Executable = "bin/handler"

// Options say what to build and where to put it.
type Options struct {
	Source   string // the repository's root; empty: the working directory
	Out      string // folder to write, relative to Source unless absolute; replaced as a whole
	Zip      string // archive to write, relative to Source unless absolute; empty: none
	GOOS     string
	GOARCH   string
	Version  string    // empty: git describe, else "devel"
	Licenses string    // folder of licence texts to add as licenses/, relative to Source unless absolute; empty: none
	Package  string    // the program; empty: ./handler
	Routes   string    // the Go file that names the program's functions; empty: <Package>/app/routes.go
	Report   io.Writer // gets one line per result; nil: nothing is said
}

// ExecutableName is the file's name for an operating system. The host appends no .exe, so on Windows whoever starts it
// overrides host.json with AzureFunctionsJobHost__customHandler__description__defaultExecutablePath.
func ExecutableName(goos string) string {
	if goos == "windows" {
		return Executable + ".exe"
	}
	return Executable
}

// Build stages the repository. Out is complete and checked, or as it was before.
func Build(ctx context.Context, o Options) error {
	o, err := o.complete()
	if err != nil {
		return err
	}
	if err := replaceable(o.Out); err != nil { // before minutes of building
		return err
	}
	parent := filepath.Dir(o.Out)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("make folder of %s: %w", o.Out, err)
	}
	// Beside Out, so that the final rename stays on one file system.
	temporary, err := os.MkdirTemp(parent, ".stage-*")
	if err != nil {
		return fmt.Errorf("make staging folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(temporary) }() // the old folder too, once it has been moved here
	fresh := filepath.Join(temporary, "new")
	if err := o.fill(ctx, fresh); err != nil {
		return err
	}
	if o.Zip != "" {
		if err := writeZip(fresh, o.Zip); err != nil {
			return err
		}
		o.say("wrote %s", o.Zip)
	}
	if err := swap(fresh, o.Out, filepath.Join(temporary, "old")); err != nil {
		return err
	}
	o.say("wrote %s (%s/%s, version %s)", o.Out, o.GOOS, o.GOARCH, o.Version)
	return nil
}

// complete fills in defaults and makes every path absolute.
func (o Options) complete() (Options, error) {
	source, err := filepath.Abs(o.Source)
	if err != nil {
		return o, fmt.Errorf("resolve source %s: %w", o.Source, err)
	}
	o.Source = source
	if o.GOOS == "windows" && o.Zip != "" {
		return o, errors.New("zip for windows: host.json names bin/handler, the file is bin/handler.exe\nhint: stage linux for Azure, or leave the zip out")
	}
	if o.Package == "" {
		o.Package = "./handler"
	}
	if o.Routes == "" {
		o.Routes = filepath.Join(o.Package, "app", "routes.go")
	}
	if o.Report == nil {
		o.Report = io.Discard
	}
	for _, path := range []*string{&o.Out, &o.Zip, &o.Routes, &o.Licenses} {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(source, *path)
		}
	}
	return o, nil
}

func (o Options) say(format string, args ...any) { fmt.Fprintf(o.Report, format+"\n", args...) }

// fill writes and checks the new tree. What can be judged without compiling is judged first.
func (o *Options) fill(ctx context.Context, root string) error {
	if err := o.copyFiles(root); err != nil {
		return err
	}
	names, err := checkTree(root)
	if err != nil {
		return err
	}
	if err := checkRoutes(o.Routes, names); err != nil {
		return err
	}
	if err := o.compile(ctx, root); err != nil {
		return err
	}
	return checkBinary(filepath.Join(root, filepath.FromSlash(ExecutableName(o.GOOS))), o.GOOS, o.GOARCH)
}

// copyFiles copies by a list of what belongs, so that sources and local.settings.json cannot slip in.
func (o *Options) copyFiles(root string) error {
	if err := copyFile(filepath.Join(o.Source, "host.json"), filepath.Join(root, "host.json")); err != nil {
		return err
	}
	// Only function.json: a lone other file in a function's folder would become its "script file".
	functions, err := filepath.Glob(filepath.Join(o.Source, "functions", "*", "function.json"))
	if err != nil {
		return fmt.Errorf("list functions: %w", err)
	}
	for _, path := range functions {
		name := filepath.Base(filepath.Dir(path))
		if err := copyFile(path, filepath.Join(root, name, "function.json")); err != nil {
			return err
		}
	}
	if o.Licenses != "" {
		if err := copyFolder(o.Licenses, filepath.Join(root, "licenses")); err != nil {
			return err
		}
	}
	return copyFolder(filepath.Join(o.Source, "config"), filepath.Join(root, "config"))
}

// copyFolder copies the operator's folder, or the licence texts; it need not exist. Hidden files are editors' and the system's.
func copyFolder(from, to string) error {
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path != from && strings.HasPrefix(d.Name(), ".") {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			return nil
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		return copyFile(path, filepath.Join(to, rel))
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("copy %s: %w", from, err)
	}
	return nil
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return fmt.Errorf("copy to stage: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return fmt.Errorf("copy to stage: %w", err)
	}
	return os.WriteFile(to, data, 0o644) // as a checkout has them: func and the handler read them as any user
}

// compile builds the program without cgo: the image it will run in has whatever libc it likes.
func (o *Options) compile(ctx context.Context, root string) error {
	if o.Version == "" {
		o.Version = describe(ctx, o.Source)
	}
	// -trimpath and no VCS stamp make equal sources give equal bytes, on whatever machine.
	o.say("building %s for %s/%s", o.Package, o.GOOS, o.GOARCH)
	out := filepath.Join(root, filepath.FromSlash(ExecutableName(o.GOOS)))
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-tags", "function",
		"-ldflags", "-s -w -X main.version="+o.Version+" -X main.commit="+head(ctx, o.Source), "-o", out, o.Package)
	cmd.Dir = o.Source
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+o.GOOS, "GOARCH="+o.GOARCH)
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s for %s/%s: %w\n%s", o.Package, o.GOOS, o.GOARCH, err, said)
	}
	return nil
}

// describe names the commit; a copy without git is "devel".
func describe(ctx context.Context, source string) string {
	cmd := exec.CommandContext(ctx, "git", "describe", "--tags", "--always", "--dirty")
	cmd.Dir = source
	said, err := cmd.Output()
	if name := strings.TrimSpace(string(said)); err == nil && name != "" {
		return name
	}
	return "devel"
}

// swap puts fresh where out is. The one moment without a folder lies between two renames.
func swap(fresh, out, old string) error {
	if err := keepLocalSettings(out, fresh); err != nil {
		return err
	}
	// On Windows this fails while a handler runs from the folder, before anything is lost.
	err := os.Rename(out, old)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("move old %s away: %w\nhint: a handler may still run from it", out, err)
	}
	if err := os.Rename(fresh, out); err != nil {
		return errors.Join(fmt.Errorf("put new %s in place: %w", out, err), os.Rename(old, out))
	}
	return nil
}

// localSettings is where `func start --script-root dist` wants the developer's settings; Core Tools never publish it.
const localSettings = "local.settings.json"

// keepLocalSettings carries the developer's file over into the new folder.
func keepLocalSettings(out, fresh string) error {
	err := copyFile(filepath.Join(out, localSettings), filepath.Join(fresh, localSettings))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// replaceable refuses a folder that holds anything stage would not have written: a wrong --out must not cost files.
func replaceable(out string) error {
	entries, err := os.ReadDir(out)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look into %s: %w", out, err)
	}
	for _, e := range entries {
		if !staged(out, e) {
			return fmt.Errorf("replace %s: it holds %s, which stage did not write\nhint: choose another --out, or move it away", out, e.Name())
		}
	}
	return nil
}

// staged reports whether stage would have written the entry.
func staged(out string, e fs.DirEntry) bool {
	switch e.Name() {
	case "host.json", localSettings:
		return e.Type().IsRegular()
	case "config", "licenses":
		return e.IsDir()
	case "bin":
		return holdsOnly(filepath.Join(out, "bin"), "handler", "handler.exe")
	}
	return holdsOnly(filepath.Join(out, e.Name()), "function.json")
}

// holdsOnly reports whether dir is a folder with one file, called by one of the names.
func holdsOnly(dir string, names ...string) bool {
	inside, err := os.ReadDir(dir)
	return err == nil && len(inside) == 1 && inside[0].Type().IsRegular() && slices.Contains(names, inside[0].Name())
}

// head is the commit of the checkout; empty where there is none, as in a release's sources.
func head(ctx context.Context, source string) string {
	cmd := exec.CommandContext(ctx, "git", "rev-parse", "HEAD")
	cmd.Dir = source
	said, err := cmd.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(said))
}
