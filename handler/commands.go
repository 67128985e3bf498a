package main

import (
	"context"
	"fmt"
	"os"

	"github.com/alecthomas/kong"
)

// cli is the command line; kong prints its help from the tags.
type cli struct {
	Serve     serveCmd     `cmd:"" default:"1" help:"Serve the Functions host (what the host starts)."`
	Decode    decodeCmd    `cmd:"" help:"Read payloads of any form and print each event as one line of JSON."`
	Preview   previewCmd   `cmd:"" help:"Show what every channel would get for a payload."`
	Check     checkCmd     `cmd:"" help:"Check settings, store and deliveries, and say what to do about problems."`
	Explain   explainCmd   `cmd:"" help:"Say of each event which rules matched and why, which nearly did, and where it would go."`
	Rules     rulesCmd     `cmd:"" help:"What there is to know about rules and exceptions."`
	Query     queryCmd     `cmd:"" help:"List past events: who did what, when, with what outcome."`
	Digest    digestCmd    `cmd:"" help:"Report on a period for auditors, from exported logs: numbers, acts, evidence."`
	Verify    verifyCmd    `cmd:"" help:"Check a digest's files against their manifests, offline, and say what that proves."`
	Audit     auditCmd     `cmd:"" help:"Answer an auditor's usual questions, with totals."`
	KQL       kqlCmd       `cmd:"" name:"kql" help:"Print the query that asks Log Analytics what an audit asks."`
	Replay    replayCmd    `cmd:"" help:"Say what exported events would have rung: when, how often, where, by which rules."`
	Reconcile reconcileCmd `cmd:"" help:"Compare closed hours with what Azure lists, and recover what is missing with --apply."`
	Settings  settingsCmd  `cmd:"" help:"List every setting: name, default, meaning."`

	Version kong.VersionFlag `help:"Print the version."`
}

// runner is a command ready to run.
type runner interface {
	run(ctx context.Context, std stdio) error
}

// parse turns args into a command. When ok is false there is none to run, and code is the exit code: 0 after help and
// version, exitMisuse after a wrong call.
func parse(args []string, std stdio) (command func(context.Context, stdio) error, code int, ok bool) {
	var c cli
	exited := false
	parser, err := kong.New(&c,
		kong.Name("handler"),
		kong.Description("Auditbell rings when something in an Azure subscription's Activity Log matters, once."),
		kong.Vars{"version": version, "sources": sourceNames(), "audits": auditNames()},
		kong.Writers(std.out, std.err),
		kong.Exit(func(int) { exited = true }),
		kong.UsageOnError(),
	)
	if err != nil {
		fmt.Fprintf(std.err, "handler: error: %v\n", err)
		return nil, exitMisuse, false
	}
	parsed, err := parser.Parse(args)
	if exited {
		return nil, exitDone, false
	}
	if err != nil {
		fmt.Fprintf(std.err, "handler: error: %v\nhint: run `handler --help`\n", err)
		return nil, exitMisuse, false
	}
	// kong fills the fields of cli themselves, so the chosen one is the command: a new command is a field with a run
	// method, in cli or in a group such as rulesCmd.
	chosen, ok := parsed.Selected().Target.Addr().Interface().(runner)
	if !ok {
		fmt.Fprintf(std.err, "handler: error: %s cannot be run\n", parsed.Command())
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
func asJSON(format string, std stdio) bool {
	return format == "json" || format == "auto" && !terminal(std.out)
}
