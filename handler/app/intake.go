package app

import (
	"context"
	"log/slog"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/host"
	"github.com/auditbell/auditbell/handler/otlp"
	"github.com/auditbell/auditbell/handler/payload"
	"github.com/auditbell/auditbell/handler/pipeline"
)

// chunk bounds the items of a delivery that are held at once: an event takes a kilobyte however short its record is.
const chunk = 1000

// Take reads a payload and makes all of it durable: events through the pipeline, everything else parked with what it
// was. Only a store that does not answer is an error. A chunk that fails, or panics, does so after the others were taken;
// what is durable is recognised when the delivery comes again.
func (a *App) Take(ctx context.Context, in host.Invocation, data []byte) (sum pipeline.Summary, err error) {
	var panicked any
	_, span := otlp.Start(ctx, "decode")
	payload.Chunks(data, chunk, func(readings []payload.Reading) {
		span.Set("auditbell.items", len(readings))
		span.End(nil)
		defer func() {
			if p := recover(); p != nil {
				panicked = p
			}
			_, span = otlp.Start(ctx, "decode") // of the next chunk
		}()
		if err != nil && ctx.Err() != nil {
			return // out of time: all of it comes again
		}
		one, failed := a.Pipeline.Handle(ctx, a.batch(in, readings))
		if sum.Add(one); err == nil {
			err = failed // that of one chunk says enough
		}
	})
	if panicked != nil {
		panic(panicked)
	}
	in.Logger.Info("handled", slog.Any("counts", sum))
	return sum, err
}

// batch is what readings are to the pipeline.
func (a *App) batch(in host.Invocation, readings []payload.Reading) pipeline.Batch {
	b := pipeline.Batch{ID: in.Attempt(), Function: in.Function, Logger: in.Logger}
	for _, r := range readings {
		switch r.Kind {
		case payload.Activity:
			r.Event.Record = activity.RecordOf(r.Raw)
			b.Events = append(b.Events, r.Event)
		case payload.ResourceState:
			b.States = append(b.States, *r.State)
		default:
			b.Parked = append(b.Parked, r.Parked(in.Function, a.Now()))
			in.Logger.Info("set aside", "kind", r.Kind.String(), "signal", r.Signal, "reason", r.Reason)
		}
	}
	return b
}

// unreadable parks what came to a function and is not even an invocation.
func (a *App) unreadable(ctx context.Context, in host.Invocation, body []byte, reason error) error {
	r := payload.Reading{Kind: payload.Invalid, Signal: "invalid", Reason: reason.Error(), Raw: body}
	_, err := a.Pipeline.Handle(ctx, pipeline.Batch{ID: in.Attempt(), Logger: in.Logger, Parked: []activity.Parked{r.Parked(in.Function, a.Now())}})
	return err
}
