// Command local runs Auditbell's main job on one machine with nothing but Go: it publishes to a stand-in of Azure,
// replays deliveries, and shows on a page what the channels would get.
//
// It is for trying out, for demonstrations and for development. Nothing leaves the machine.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/auditbell/auditbell/local/scenario"
	"github.com/auditbell/auditbell/local/stack"
)

type flags struct {
	Listen  string `default:"127.0.0.1:7071" help:"Where the Functions host listens."`
	Inbox   string `default:"127.0.0.1:7072" help:"Where the page with the messages is."`
	Data    string `help:"Folder that keeps state between runs; a temporary one otherwise." type:"path"`
	Samples bool   `default:"true" negatable:"" help:"Replay the sample deliveries."`
	Once    bool   `help:"Replay, print the table, and end: 0 if every expected message arrived, else 1."`
	Verbose bool   `short:"v" help:"Show the log of the host and the handler."`
}

func main() {
	var f flags
	kong.Parse(&f, kong.Name("local"), kong.Description("Auditbell and all of Azure that it needs, on this machine."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, f)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "local: error:", err)
		os.Exit(1)
	}
}

// canary is when the daily test comes: at the end of the first hour, once a day. Most demonstrations are over by then.
// POST /admin/functions/canary sends it at once.
var canary = []string{"CANARY_AT=00:00", "CANARY_SCHEDULE=30 59 * * * *"}

// errMissing ends --once with exit code 1; the table has said what is missing.
var errMissing = errors.New("an expected message did not arrive")

func run(ctx context.Context, f flags) error {
	say := func(text string) { fmt.Fprintln(os.Stderr, text) }
	log := func(string) {}
	if f.Verbose {
		log = say
	}
	known := scenario.Directory()
	s, err := stack.Start(ctx, stack.Options{Listen: f.Listen, Inbox: f.Inbox, Data: f.Data, Azure: &known, Log: log, Report: say, Settings: canary})
	if err != nil {
		return err
	}
	defer s.Close()
	say(fmt.Sprintf("\n  messages   %s\n  functions  %s\n", s.InboxURL, s.Host.URL()))
	complete := true
	if f.Samples || f.Once {
		if complete, err = replay(ctx, s); err != nil {
			return err
		}
	}
	switch {
	case f.Once && !complete:
		return errMissing
	case f.Once:
		return nil
	}
	say("Open " + s.InboxURL + " in a browser. Ctrl-C ends everything.")
	return until(ctx, s)
}

// until waits for Ctrl-C, or for the host to give up on the handler.
func until(ctx context.Context, s *stack.Stack) error {
	failed := make(chan error, 1)
	go func() { failed <- s.Host.Wait() }()
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return err
	}
}

// replay makes the scenario's deliveries, waits for what they should lead to, and prints the table.
func replay(ctx context.Context, s *stack.Stack) (complete bool, err error) {
	now := time.Now()
	deliveries, err := scenario.Load(now)
	if err != nil {
		return false, err
	}
	s.Azure.Record(scenario.Changes(now)...)
	before := len(s.Inbox.Messages())
	rows, err := scenario.Play(ctx, deliveries, s.Host.URL())
	if err != nil {
		return false, err
	}
	scenario.Await(ctx, s.Inbox, rows, before)
	return scenario.Print(os.Stdout, rows), nil
}
