//go:build !function

package main

import (
	"context"
	"os"

	"github.com/auditbell/auditbell/handler/cli"
)

func run(ctx context.Context, args []string) int {
	return cli.Run(ctx, args, cli.Surroundings{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.LookupEnv, Version: version, Commit: commit})
}
