package main

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/auditbell/auditbell/handler/host"
	"github.com/auditbell/auditbell/handler/pipeline"
)

// routes are the functions: each name is a folder under functions/, a path that the host calls, and a name in metrics
// and infra. A test and the stage tool hold this table and the folders to each other.
var routes = []struct {
	name string
	run  func(context.Context, *app, host.Invocation) (host.Result, error)
}{
	{"eventgrid-activity", eventGridActivity},
	{"eventhub-activity", eventHubActivity},
	{"actiongroup-alert", actionGroupAlert},
	{"deliver", deliver},
	{"reconcile", reconcileHours},
	{"rollup", rollup},
	{"digest", sendDigests},
	{"canary", sendCanary},
	{"slack-action", slackAction},
}

// eventGridActivity takes a delivery of Event Grid events. An error makes Event Grid deliver all of them again, for up
// to a day; what is durable already is recognised then.
func eventGridActivity(ctx context.Context, a *app, in host.Invocation) (host.Result, error) {
	events, err := in.Value("events")
	if err != nil {
		return host.Result{}, err
	}
	_, err = a.take(ctx, in, events)
	return host.Result{}, err
}

// eventHubActivity takes a batch of the diagnostic-setting export. The messages come as text (dataType string), because
// the host fails a whole batch when it parses the messages itself and one is not JSON. An error makes the host deliver
// the batch again, for as long as the hub keeps it.
func eventHubActivity(ctx context.Context, a *app, in host.Invocation) (host.Result, error) {
	records, err := in.Value("records")
	if err != nil {
		return host.Result{}, err
	}
	_, err = a.take(ctx, in, records)
	return host.Result{}, err
}

// actionGroupAlert takes one Azure Monitor alert. Action groups repeat a call only after 408, 429, 503 and 504, so a
// store that is down must be 503 and nothing else (learn: "Action groups", webhook retry).
func actionGroupAlert(ctx context.Context, a *app, in host.Invocation) (host.Result, error) {
	request, err := in.Request("req")
	if err != nil {
		return host.Result{}, err
	}
	if answer, ok := a.admit(ctx, in, request); !ok {
		return answer, nil
	}
	sum, err := a.take(ctx, in, request.Body)
	if err != nil {
		in.Logger.Error("alert not stored; the action group will try again", "error", err)
		return unavailable(), nil
	}
	return host.Response(http.StatusOK, sum), nil
}

func unavailable() host.Result {
	return host.Response(http.StatusServiceUnavailable, map[string]string{"error": "not stored, please send it again"})
}

// deliver brings every destination up to date.
func deliver(ctx context.Context, a *app, in host.Invocation) (host.Result, error) {
	sum, err := a.pipeline.DeliverDue(ctx, pipeline.Batch{ID: attemptID(in), Logger: in.Logger})
	if sum != (pipeline.Summary{}) {
		in.Logger.Info("deliveries", slog.Any("counts", sum))
	}
	return host.Result{}, err
}

// sendDigests makes and sends the digests that are due.
func sendDigests(ctx context.Context, a *app, in host.Invocation) (host.Result, error) {
	return a.digests.run(ctx, a, in)
}
