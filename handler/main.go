// Command handler is Auditbell: it serves the Functions host, and is the operator's command line.
//
// Without a command it serves, because that is how the host starts it. Everything it does for a person reads files or
// standard input and needs no Azure, unless it says so.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // Functions images may lack the zone files that TIME_ZONE names
)

// version is set by the linker (infra/stage).
var version = "dev"

// Exit codes of the command line. The Functions host restarts a handler that exits with anything but 0, so serving
// never ends with 0 by itself.
const (
	exitDone   = 0
	exitNo     = 1 // the answer is no: a check failed, something was unreadable
	exitMisuse = 2 // the call was wrong
)

// stdio is what a command may read, write and know of its surroundings.
type stdio struct {
	in       io.Reader
	out, err io.Writer
	env      func(string) (string, bool)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], stdio{os.Stdin, os.Stdout, os.Stderr, os.LookupEnv})
	stop()
	os.Exit(code)
}

// errNo ends a command with exitNo when everything there is to say has been printed.
var errNo = errors.New("the answer is no")

// run parses args and executes the command; it returns the exit code.
func run(ctx context.Context, args []string, std stdio) int {
	command, code, ok := parse(args, std)
	if !ok {
		return code
	}
	err := command(ctx, std)
	switch {
	case err == nil:
		return exitDone
	case !errors.Is(err, errNo):
		fmt.Fprintf(std.err, "handler: error: %v\n", err)
	}
	if wrong := new(misuseError); errors.As(err, &wrong) {
		return exitMisuse
	}
	return exitNo
}
