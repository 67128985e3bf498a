package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/host"
	"github.com/auditbell/auditbell/handler/otlp"
	"github.com/auditbell/auditbell/handler/settings"
)

type serveCmd struct{}

// run listens first and wires everything else in the background: the host polls every 25 ms whether anything answers,
// and an event can wait for the wiring, but a process that is not there cannot.
func (*serveCmd) run(ctx context.Context, std Surroundings) error {
	s := settings.New(std.Env)
	port := s.Text(settings.Def{Name: portSetting})
	if port == "" {
		return fmt.Errorf("%s is not set: `handler` without a command is started by the Functions host (hint: `go run ./local` starts everything on this machine, `handler --help` lists commands)", portSetting)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return err
	}
	log := host.NewLogger(std.Out, std.Err, logLevel(std.Env))
	telemetry := otlp.Read(s).Open(otlp.World{Version: std.Version, Log: log, Now: time.Now})
	log = telemetry.Logger(log)
	lazy := app.NewLazy(func() app.World { return newWorld(std, log) }, log)
	lazy.Telemetry = telemetry
	go lazy.Warm(ctx)
	sending, stop := context.WithCancel(context.WithoutCancel(ctx))
	sent := telemetry.Send(sending)
	err = app.NewServer(lazy, log).Serve(ctx, listener)
	stop()
	<-sent
	if err != nil {
		return err
	}
	return errors.New("stopped by a signal")
}

// portSetting is set by the host, never by an operator.
const portSetting = "FUNCTIONS_CUSTOMHANDLER_PORT"

func logLevel(env func(string) (string, bool)) slog.Level {
	s := settings.New(env)
	levels := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	return levels[s.Choice(logLevelDef, "debug", "info", "warn", "error")]
}

var logLevelDef = settings.Def{Name: "LOG_LEVEL", Default: "info", Doc: "What is logged: debug, info, warn or error."}
