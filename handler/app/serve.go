package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/auditbell/auditbell/handler/clicks"
	"github.com/auditbell/auditbell/handler/host"
	"github.com/auditbell/auditbell/handler/otlp"
)

// deadlines of functions that no caller waits for. host.json's functionTimeout is five minutes.
var deadlines = map[string]time.Duration{"deliver": 4 * time.Minute, "rollup": 4 * time.Minute, "reconcile": 4 * time.Minute, "tenant-activity": 4 * time.Minute, "digest": 4 * time.Minute}

// limits bound what callers can make the process hold. A click is at most clicks.Largest, quoted once by the host and
// repeated under Metadata. Action groups and Event Grid send at most 1 MB, which grows by quoting. A batch of Event Hubs is
// maxEventBatchSize (host.json) messages of at most 1 MB, quoted twice.
var limits = map[string]host.Limit{
	"slack-action":       {Body: 4 * clicks.Largest, AtOnce: 16, HTTP: true},
	"actiongroup-alert":  {Body: 4 << 20, AtOnce: 4, HTTP: true},
	"eventgrid-activity": {Body: 16 << 20, AtOnce: 8},
	"eventhub-activity":  {Body: MaxHubBody, AtOnce: 2},
}

const (
	// MaxHubBatch is host.json's maxEventBatchSize: two batches of so many of the largest messages stay below 128 MiB.
	MaxHubBatch = 2
	// MaxHubBody holds a batch of the largest messages that consist of quotation marks, which quoting twice makes four bytes
	// of one, and its Metadata.
	MaxHubBody = (4*MaxHubBatch + 4) << 20
)

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
	begin := func(ctx context.Context, header http.Header, in host.Invocation) (context.Context, func(error)) {
		return lazy.Telemetry.Invocation(ctx, header, in.Function, in.ID)
	}
	return host.New(functions, host.Options{Logger: log, Unreadable: lazy.unreadable, Deadlines: deadlines, Limits: limits, Begin: begin})
}

// misconfigured fails an invocation with everything that is wrong. An action group gets 503, the status after which
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
	Telemetry *otlp.Telemetry // nil: none

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
		l.log.Error("configuration is wrong; every invocation fails until it is corrected", "problems", strings.Split(err.Error(), "\n"))
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
