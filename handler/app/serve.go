package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/auditbell/auditbell/handler/host"
)

// deadlines of functions that nobody waits for. host.json's functionTimeout is five minutes.
var deadlines = map[string]time.Duration{"deliver": 4 * time.Minute, "rollup": 4 * time.Minute, "reconcile": 4 * time.Minute, "tenant-activity": 4 * time.Minute, "digest": 4 * time.Minute}

// NewServer serves all functions. It opens the app when the first one is called, or when Warm is.
func NewServer(lazy *Lazy, log *slog.Logger) *host.Server {
	functions := map[string]host.Func{}
	for _, r := range routes {
		functions[r.name] = func(ctx context.Context, in host.Invocation) (host.Result, error) {
			a, err := lazy.open()
			if err != nil {
				return misconfigured(in, err)
			}
			return r.run(a)(ctx, in)
		}
	}
	return host.New(functions, host.Options{Logger: log, Unreadable: lazy.unreadable, Deadlines: deadlines})
}

// misconfigured fails an invocation with everything that is wrong. An action group is told 503, the status after which
// it tries again. So is Slack, and no more than that: anybody may call slack-action.
func misconfigured(in host.Invocation, err error) (host.Result, error) {
	if in.Function == "slack-action" {
		return host.Unavailable(), nil
	}
	if in.Function != "actiongroup-alert" {
		return host.Result{}, fmt.Errorf("configuration: %w", err)
	}
	in.Logger.Error("configuration is wrong; run handler check", "problems", strings.Split(err.Error(), "\n"))
	return host.Response(http.StatusServiceUnavailable, map[string]any{"error": "configuration", "problems": strings.Split(err.Error(), "\n")}), nil
}

// Lazy opens the app once, when first needed.
type Lazy struct {
	open func() (*App, error)
	log  *slog.Logger
}

// NewLazy is an app that is opened in the world that enter gives.
func NewLazy(enter func() World, log *slog.Logger) *Lazy {
	return &Lazy{log: log, open: sync.OnceValues(func() (*App, error) { return Open(enter()) })}
}

// Warm opens the app before the first event, and says what is wrong with its settings.
func (l *Lazy) Warm(ctx context.Context) {
	a, err := l.open()
	if err != nil {
		l.log.Error("configuration is wrong; every invocation fails until it is mended", "problems", strings.Split(err.Error(), "\n"))
		return
	}
	a.warm(ctx)
}

func (l *Lazy) unreadable(ctx context.Context, in host.Invocation, body []byte, reason error) error {
	a, err := l.open()
	if err != nil {
		return err
	}
	return a.unreadable(ctx, in, body, reason)
}
