// Command stage lays out what is published: `go run ./infra/stage` builds the handler and writes dist/ and a zip.
//
// It exists because the Functions host finds function.json in immediate subfolders of the deployed root only, and the
// executable bit is set for one exact zip entry only: two things that are silently wrong until production. It does not
// talk to Azure; publishing is `func azure functionapp publish APP --script-root dist --custom`.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime"

	"github.com/alecthomas/kong"

	"github.com/auditbell/auditbell/infra/stage/layout"
)

// flags are the command's arguments; the defaults are what Azure runs.
type flags struct {
	GOOS         string `name:"goos" default:"linux" help:"Operating system to build for."`
	GOARCH       string `name:"goarch" default:"amd64" help:"Architecture to build for."`
	HostPlatform bool   `help:"Build for this machine instead of --goos/--goarch."`
	Source       string `default:"." type:"path" help:"Root of the repository."`
	Out          string `default:"dist" help:"Folder to write, relative to --source. Replaced as a whole."`
	Zip          string `default:"auditbell.zip" help:"Archive to write, relative to --source; empty for none. Windows builds get none."`
	Licenses     string `help:"Folder of licence texts to add as licenses/, relative to --source."`
	Version      string `help:"Version to build in. Default: git describe, else devel."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "stage:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	var f flags
	parser, err := kong.New(&f, kong.Name("stage"), kong.Description("Lay out dist/ and a zip, ready to publish."))
	if err != nil {
		return fmt.Errorf("describe flags: %w", err)
	}
	if _, err := parser.Parse(args); err != nil {
		return fmt.Errorf("read flags: %w", err)
	}
	return layout.Build(ctx, f.options())
}

func (f flags) options() layout.Options {
	if f.HostPlatform {
		f.GOOS, f.GOARCH = runtime.GOOS, runtime.GOARCH
	}
	if f.GOOS == "windows" {
		f.Zip = "" // Azure runs it on Linux, and host.json names an executable without .exe
	}
	return layout.Options{
		Source: f.Source, Out: f.Out, Zip: f.Zip, Version: f.Version, Licenses: f.Licenses,
		GOOS: f.GOOS, GOARCH: f.GOARCH, Report: os.Stdout,
	}
}
