package cli

import (
	"context"

	"github.com/auditbell/auditbell/handler/serve"
)

type serveCmd struct{}

func (*serveCmd) run(ctx context.Context, std Surroundings) error {
	return serve.Process{Env: std.Env, Out: std.Out, Err: std.Err, Version: std.Version}.Run(ctx)
}
