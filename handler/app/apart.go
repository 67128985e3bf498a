package app

import (
	"context"
	"fmt"

	"github.com/auditbell/auditbell/handler/host"
	"github.com/auditbell/auditbell/handler/jsonscan"
	"github.com/auditbell/auditbell/handler/payload"
)

// apartAfter is how often a batch of Event Hubs may fail as a whole before its records are taken one by one.
const apartAfter = 5

// takeApart takes a batch record by record. What fails alone, or makes the handler panic, is set aside with the reason; the
// self-watch raises an alert about it. Only what cannot be set aside fails the batch again.
func (a *App) takeApart(ctx context.Context, in host.Invocation) error {
	batch, err := in.Value("records")
	if err != nil {
		return err
	}
	in.Logger.Warn("a batch has failed again and again; its records are taken one by one")
	err = jsonscan.Array(batch, func(message []byte) error { return a.takeMessage(ctx, in, message) })
	if err != nil && jsonscan.Kind(batch) != '[' {
		return a.takeMessage(ctx, in, batch)
	}
	return err
}

// takeMessage takes the records of one message, each alone.
func (a *App) takeMessage(ctx context.Context, in host.Invocation, message []byte) error {
	var readings []payload.Reading
	if err := guarded(func() error { readings = payload.Decode(message); return nil }); err != nil {
		return a.setAside(ctx, in, message, err)
	}
	for _, r := range readings {
		err := guarded(func() error {
			_, err := a.Pipeline.Handle(ctx, a.batch(in, []payload.Reading{r}))
			return err
		})
		if err == nil {
			continue
		}
		if ctx.Err() != nil {
			return err // no fault of the record's
		}
		if err := a.setAside(ctx, in, r.Raw, err); err != nil {
			return err
		}
	}
	return nil
}

// setAside keeps a record that cannot be handled, as unreadable input is kept.
func (a *App) setAside(ctx context.Context, in host.Invocation, raw []byte, reason error) error {
	in.Logger.Error("a record is set aside", "reason", reason, "bytes", len(raw))
	return a.unreadable(ctx, in, raw, fmt.Errorf("failed %d times with its batch, and alone: %w", apartAfter, reason))
}

// guarded turns a panic into an error.
func guarded(work func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %.300v", p)
		}
	}()
	return work()
}
