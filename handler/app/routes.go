package app

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/auditbell/auditbell/handler/host"
	"github.com/auditbell/auditbell/handler/pipeline"
)

// routes are the functions: each name is a folder under functions/, a path that the host calls, and a name in metrics
// and infra. A test and the stage tool hold this table and the folders to each other.
var routes = []struct {
	name string
	run  func(*App) host.Func
}{
	{"eventgrid-activity", func(a *App) host.Func { return a.eventGridActivity }},
	{"eventhub-activity", func(a *App) host.Func { return a.eventHubActivity }},
	{"actiongroup-alert", func(a *App) host.Func { return a.actionGroupAlert }},
	{"deliver", func(a *App) host.Func { return a.Deliver }},
	{"tenant-activity", func(a *App) host.Func { return a.Poll.Run }},
	{"reconcile", func(a *App) host.Func { return a.Reconcile.Run }},
	{"rollup", func(a *App) host.Func { return a.Digests.Rollups.Run }},
	{"digest", func(a *App) host.Func { return a.Digests.Run }},
	{"canary", func(a *App) host.Func { return a.Canary.Send }},
	{"slack-action", func(a *App) host.Func { return a.clicks.Serve }},
}

// Functions are the names of all functions.
func Functions() []string {
	var all []string
	for _, r := range routes {
		all = append(all, r.name)
	}
	return all
}

// eventGridActivity takes a delivery of Event Grid events. An error makes Event Grid deliver all of them again, for up
// to a day; what is durable already is recognised then.
func (a *App) eventGridActivity(ctx context.Context, in host.Invocation) (host.Result, error) {
	events, err := in.Value("events")
	if err != nil {
		return host.Result{}, err
	}
	_, err = a.Take(ctx, in, events)
	return host.Result{}, err
}

// eventHubActivity takes a batch of the diagnostic-setting export. The messages come as text (dataType string), because
// the host fails a whole batch when it parses the messages itself and one is not JSON. An error makes the host try the
// batch again by the retry policy of function.json, for as long as the hub keeps it, and its partition waits. So a batch
// that fails although the store answers is taken apart.
func (a *App) eventHubActivity(ctx context.Context, in host.Invocation) (host.Result, error) {
	if retry, ok := in.Retry(); ok && retry.Count >= apartAfter && a.Store.Check(ctx) == nil {
		return host.Result{}, a.takeApart(ctx, in)
	}
	records, err := in.Value("records")
	if err != nil {
		return host.Result{}, err
	}
	_, err = a.Take(ctx, in, records)
	return host.Result{}, err
}

// actionGroupAlert takes one Azure Monitor alert. Action groups repeat a call only after 408, 429, 503 and 504, so a
// store that is down must be 503 and nothing else (learn: "Action groups", webhook retry).
func (a *App) actionGroupAlert(ctx context.Context, in host.Invocation) (host.Result, error) {
	request, err := in.Request("req")
	if err != nil {
		return host.Result{}, err
	}
	if answer, ok := a.admit(ctx, in, request); !ok {
		return answer, nil
	}
	sum, err := a.Take(ctx, in, request.Body)
	if err != nil {
		in.Logger.Error("alert not stored; the action group will try again", "error", err)
		return host.Unavailable(), nil
	}
	return host.Response(http.StatusOK, sum), nil
}

// patience is how long one run waits for channels that take one message a second. Runs are 30 seconds apart.
const patience = 15 * time.Second

// Deliver brings every destination up to date.
func (a *App) Deliver(ctx context.Context, in host.Invocation) (host.Result, error) {
	sum, err := a.Pipeline.DeliverDue(ctx, pipeline.Batch{ID: in.Attempt(), Logger: in.Logger, Patience: patience})
	if sum != (pipeline.Summary{}) {
		in.Logger.Info("deliveries", slog.Any("counts", sum))
	}
	return host.Result{}, err
}
