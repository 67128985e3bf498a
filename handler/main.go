// Command handler is Auditbell: it serves the Functions host, and is the operator's command line.
//
// Without a command it serves, because that is how the host starts it. Everything it does for a person reads files or
// standard input and needs no Azure, unless it says so. Built with the tag function, as it is published, it only serves:
// what is for a person is a tenth of the program.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // Functions images may lack the zone files that TIME_ZONE names
)

// version and commit are set by the linker (infra/stage, .goreleaser.yaml).
var version, commit = "dev", ""

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}
