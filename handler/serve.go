package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/auditbell/auditbell/handler/host"
	"github.com/auditbell/auditbell/handler/settings"
)

type serveCmd struct{}

// run listens first and wires everything else in the background: the host polls every 25 ms whether anything answers,
// and an event can wait for the wiring, but a process that is not there cannot.
func (*serveCmd) run(ctx context.Context, std stdio) error {
	s := settings.New(std.env)
	port := s.Text(settings.Def{Name: portSetting})
	if port == "" {
		return fmt.Errorf("%s is not set: `handler` without a command is started by the Functions host (hint: `go run ./local` starts everything on this machine, `handler --help` lists commands)", portSetting)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return err
	}
	log := host.NewLogger(std.out, std.err, logLevel(std.env))
	lazy := newLazy(std, log)
	go lazy.warm(ctx)
	if err := newServer(lazy, log).Serve(ctx, listener); err != nil {
		return err
	}
	return errors.New("stopped by a signal")
}

// portSetting is set by the host, never by an operator.
const portSetting = "FUNCTIONS_CUSTOMHANDLER_PORT"

// deadlines of functions that nobody waits for. host.json's functionTimeout is five minutes.
var deadlines = map[string]time.Duration{"deliver": 4 * time.Minute, "rollup": 4 * time.Minute, "reconcile": 4 * time.Minute, "digest": 4 * time.Minute}

func newServer(lazy *lazyApp, log *slog.Logger) *host.Server {
	functions := map[string]host.Func{}
	for _, r := range routes {
		functions[r.name] = func(ctx context.Context, in host.Invocation) (host.Result, error) {
			a, err := lazy.open()
			if err != nil {
				return misconfigured(in, err)
			}
			return r.run(ctx, a, in)
		}
	}
	return host.New(functions, host.Options{Logger: log, Unreadable: lazy.unreadable, Deadlines: deadlines})
}

// misconfigured fails an invocation with everything that is wrong. An action group is told 503, the status after which
// it tries again. So is Slack, and no more than that: anybody may call slack-action.
func misconfigured(in host.Invocation, err error) (host.Result, error) {
	if in.Function == "slack-action" {
		return unavailable(), nil
	}
	if in.Function != "actiongroup-alert" {
		return host.Result{}, fmt.Errorf("configuration: %w", err)
	}
	in.Logger.Error("configuration is wrong; run handler check", "problems", strings.Split(err.Error(), "\n"))
	return host.Response(http.StatusServiceUnavailable, map[string]any{"error": "configuration", "problems": strings.Split(err.Error(), "\n")}), nil
}

// lazyApp opens the app once, when first needed.
type lazyApp struct {
	open func() (*app, error)
	log  *slog.Logger
}

func newLazy(std stdio, log *slog.Logger) *lazyApp {
	return &lazyApp{log: log, open: sync.OnceValues(func() (*app, error) {
		return openApp(newWorld(std, log))
	})}
}

func (l *lazyApp) warm(ctx context.Context) {
	a, err := l.open()
	if err != nil {
		l.log.Error("configuration is wrong; every invocation fails until it is mended", "problems", strings.Split(err.Error(), "\n"))
		return
	}
	a.warm(ctx)
}

func (l *lazyApp) unreadable(ctx context.Context, in host.Invocation, body []byte, reason error) error {
	a, err := l.open()
	if err != nil {
		return err
	}
	return a.unreadable(ctx, in, body, reason)
}

func configFolder(s *settings.Set) fs.FS {
	return os.DirFS(s.Text(settings.Def{
		Name: "CONFIG_DIR", Default: "config",
		Doc: "Folder with auditbell.yaml and rules/, relative to the published root.",
	}))
}

func logLevel(env func(string) (string, bool)) slog.Level {
	s := settings.New(env)
	levels := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	return levels[s.Choice(logLevelDef, "debug", "info", "warn", "error")]
}

var logLevelDef = settings.Def{Name: "LOG_LEVEL", Default: "info", Doc: "What is logged: debug, info, warn or error."}
