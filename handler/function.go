//go:build function

package main

import (
	"context"
	"fmt"
	"os"

	"github.com/auditbell/auditbell/handler/serve"
)

// run serves until it is stopped.
func run(ctx context.Context, args []string) int {
	if len(args) > 0 {
		fmt.Fprintf(os.Stderr, "handler: error: this is what is published to Azure, %s %s, and it has no commands (hint: `go run ./handler`, or auditbell of a release)\n", version, commit)
		return 2
	}
	err := serve.Process{Env: os.LookupEnv, Out: os.Stdout, Err: os.Stderr, Version: version}.Run(ctx)
	fmt.Fprintf(os.Stderr, "handler: error: %v\n", err)
	return 1
}
