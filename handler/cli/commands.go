// Package cli is the operator's command line: one file a command. Each reads flags and files, asks the packages that know,
// and prints; nothing about an event is decided here.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"

	"github.com/auditbell/auditbell/handler/app"
)

// Exit codes of the command line. The Functions host restarts a handler that exits with anything but 0, so serving
// never ends with 0 by itself.
const (
	exitDone   = 0
	exitNo     = 1 // the answer is no: a check failed, something was unreadable
	exitMisuse = 2 // the call was wrong
)

// Surroundings are what a command may read, write and know of the process it runs in.
type Surroundings struct {
	In       io.Reader
	Out, Err io.Writer
	Env      func(string) (string, bool)
	Version  string // of the program, as --version and digests say it
	Commit   string // it was built from; empty: what the go command recorded
}

// newWorld is the world in which a command opens the app: without a log.
func newWorld(std Surroundings) app.World {
	return app.NewWorld(std.Env, std.Version, nil)
}

// errNo ends a command with exitNo when everything there is to say has been printed.
var errNo = errors.New("the answer is no")

// Run parses args and executes the command; it returns the exit code.
func Run(ctx context.Context, args []string, std Surroundings) int {
	command, code, ok := (&serveCmd{}).run, exitDone, true // what the host starts: it listens before a command line is built
	if len(args) > 0 {
		command, code, ok = parse(args, std)
	}
	if !ok {
		return code
	}
	err := command(ctx, std)
	switch {
	case err == nil:
		return exitDone
	case !errors.Is(err, errNo):
		fmt.Fprintf(std.Err, "handler: error: %v\n", err)
	}
	if wrong := new(misuseError); errors.As(err, &wrong) {
		return exitMisuse
	}
	return exitNo
}

// commands is the command line; kong prints its help from the tags.
type commands struct {
	Serve      serveCmd      `cmd:"" default:"1" help:"Serve the Functions host (what the host starts)."`
	Decode     decodeCmd     `cmd:"" help:"Read payloads of any form and print each event as one line of JSON."`
	Preview    previewCmd    `cmd:"" help:"Show what every channel would get for a payload."`
	Check      checkCmd      `cmd:"" help:"Check settings, store and deliveries, and say what to do about problems."`
	Deliver    deliverCmd    `cmd:"" help:"List what destinations are owed, try them now, or discard deliveries."`
	Explain    explainCmd    `cmd:"" help:"Say of each event which rules matched and why, which nearly did, and where it would go."`
	Rules      rulesCmd      `cmd:"" help:"What there is to know about rules and exceptions."`
	Exceptions exceptionsCmd `cmd:"" help:"What is excepted from alerts, by whom and until when; end one."`
	Alerts     alertsCmd     `cmd:"" help:"Show the whole message of an alert; take back what people did about it."`
	Query      queryCmd      `cmd:"" help:"List past events: who did what, when, with what outcome."`
	Digest     digestCmd     `cmd:"" help:"Report on a period for auditors, from exported logs: numbers, acts, evidence."`
	Verify     verifyCmd     `cmd:"" help:"Check a digest's files against their manifests, offline, and say what that proves."`
	Audit      auditCmd      `cmd:"" help:"Answer an auditor's usual questions, with totals."`
	KQL        kqlCmd        `cmd:"" name:"kql" help:"Print the query that asks Log Analytics what an audit asks."`
	Replay     replayCmd     `cmd:"" help:"Say which alerts exported events would have caused: when, how often, where, by which rules."`
	Reconcile  reconcileCmd  `cmd:"" help:"Compare closed hours with what Azure lists, and recover what is missing with --apply."`
	Log        logCmd        `cmd:"" help:"The transparency log: its key."`
	Witness    witnessCmd    `cmd:"" help:"Be a witness of transparency logs: sign that each only grew. For a second party to run."`
	Settings   settingsCmd   `cmd:"" help:"List every setting: name, default, meaning."`
	Version    versionCmd    `cmd:"" help:"Print version, commit, and the Go that built it."`

	VersionFlag kong.VersionFlag `name:"version" help:"Print the version."`
}

// runner is a command ready to run.
type runner interface {
	run(ctx context.Context, std Surroundings) error
}

// parse turns args into a command. When ok is false there is none to run, and code is the exit code: 0 after help and
// version, exitMisuse after a wrong call.
func parse(args []string, std Surroundings) (command func(context.Context, Surroundings) error, code int, ok bool) {
	var c commands
	exited := false
	parser, err := kong.New(&c,
		kong.Name("handler"),
		kong.Description("Auditbell alerts when something in an Azure subscription's Activity Log matters, once."),
		kong.Vars{"version": std.Version, "sources": sourceNames(), "audits": auditNames()},
		kong.Writers(std.Out, std.Err),
		kong.Exit(func(int) { exited = true }),
		kong.UsageOnError(),
	)
	if err != nil {
		fmt.Fprintf(std.Err, "handler: error: %v\n", err)
		return nil, exitMisuse, false
	}
	parsed, err := parser.Parse(args)
	if exited {
		return nil, exitDone, false
	}
	if err != nil {
		fmt.Fprintf(std.Err, "handler: error: %v\nhint: run `handler --help`\n", err)
		return nil, exitMisuse, false
	}
	// kong fills the fields of commands themselves, so the chosen one is the command: a new command is a field with a run
	// method, in commands or in a group such as rulesCmd.
	chosen, ok := parsed.Selected().Target.Addr().Interface().(runner)
	if !ok {
		fmt.Fprintf(std.Err, "handler: error: %s cannot be run\n", parsed.Command())
		return nil, exitMisuse, false
	}
	return chosen.run, exitDone, true
}

// terminal reports whether w is a screen that a person looks at.
func terminal(w any) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// asJSON settles a --format flag: auto is a table on a terminal and JSON in a pipe.
func asJSON(format string, std Surroundings) bool {
	return format == "json" || format == "auto" && !terminal(std.Out)
}
