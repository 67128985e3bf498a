// Package serve is the process that the Functions host starts: a port that answers at once, the log, telemetry, and the app
// behind them, which is opened in the background. It is not for what a function does; app wires that.
package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/host"
	"github.com/auditbell/auditbell/handler/otlp"
	"github.com/auditbell/auditbell/handler/settings"
)

// Process is what the Functions host gives to the program that it starts.
type Process struct {
	Env      func(string) (string, bool)
	Out, Err io.Writer
	Version  string
}

// Run listens first and wires everything else in the background: the host polls every 25 ms whether anything answers,
// and an event can wait for the wiring, but a process that is not there cannot. It ends with an error, that of a signal too.
func (p Process) Run(ctx context.Context) error {
	s := settings.New(p.Env)
	port := s.Text(settings.Def{Name: portSetting})
	if port == "" {
		return fmt.Errorf("%s is not set: `handler` without a command is started by the Functions host (hint: `go run ./local` starts everything on this machine, `handler --help` lists commands)", portSetting)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return err
	}
	log := host.NewLogger(p.Out, p.Err, LogLevel(s))
	telemetry := otlp.Read(s).Open(otlp.World{Version: p.Version, Log: log, Now: time.Now})
	log = telemetry.Logger(log)
	lazy := app.NewLazy(func() app.World { return app.NewWorld(p.Env, p.Version, log) }, log)
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

// LogLevel reads what is logged.
func LogLevel(s *settings.Set) slog.Level {
	levels := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	return levels[s.Choice(logLevelDef, "debug", "info", "warn", "error")]
}

var logLevelDef = settings.Def{Name: "LOG_LEVEL", Default: "info", Doc: "What is logged: debug, info, warn or error."}
