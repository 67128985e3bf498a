package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/host"
	"github.com/auditbell/auditbell/handler/otlp"
	"github.com/auditbell/auditbell/handler/payload"
	"github.com/auditbell/auditbell/handler/pipeline"
)

// Take reads a payload and makes all of it durable: events through the pipeline, everything else parked with what it
// was. Only a store that does not answer is an error.
func (a *App) Take(ctx context.Context, in host.Invocation, data []byte) (pipeline.Summary, error) {
	b := pipeline.Batch{ID: in.Attempt(), Function: in.Function, Logger: in.Logger}
	_, span := otlp.Start(ctx, "decode")
	readings := payload.Decode(data)
	span.Set("auditbell.items", len(readings))
	span.End(nil)
	for _, r := range readings {
		switch r.Kind {
		case payload.Activity:
			r.Event.Record = activity.RecordOf(r.Raw)
			b.Events = append(b.Events, r.Event)
		case payload.ResourceState:
			b.States = append(b.States, *r.State)
		default:
			b.Parked = append(b.Parked, park(in.Function, r, a.Now()))
			in.Logger.Info("set aside", "kind", r.Kind.String(), "signal", r.Signal, "reason", r.Reason)
		}
	}
	sum, err := a.Pipeline.Handle(ctx, b)
	in.Logger.Info("handled", slog.Any("counts", sum))
	return sum, err
}

// unreadable parks what came to a function and is not even an invocation.
func (a *App) unreadable(ctx context.Context, in host.Invocation, body []byte, reason error) error {
	r := payload.Reading{Kind: payload.Invalid, Signal: "invalid", Reason: reason.Error(), Raw: body}
	_, err := a.Pipeline.Handle(ctx, pipeline.Batch{ID: in.Attempt(), Logger: in.Logger, Parked: []activity.Parked{park(in.Function, r, a.Now())}})
	return err
}

// park makes the item for what is no event. Known signals of Azure's are only counted; of what was unreadable the
// beginning is kept, so that a person can see what it was.
func park(function string, r payload.Reading, now time.Time) activity.Parked {
	sum := sha256.Sum256(r.Raw)
	p := activity.Parked{
		ID: hex.EncodeToString(sum[:16]), Signal: r.Signal, Function: function, Reason: r.Reason, At: now.UTC(), Size: len(r.Raw),
	}
	if r.Kind == payload.Invalid {
		p.Signal, p.Excerpt = "invalid", activity.Excerpt(r.Raw)
	}
	return p
}
