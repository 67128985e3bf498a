package pipeline

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/outbox"
)

// confirm asks services what became of the messages of an alert that they accepted, those that are due.
func (c *Courier) confirm(ctx context.Context, a alert.Alert, b Batch) (sum Summary) {
	now := c.now()
	for _, name := range slices.Sorted(maps.Keys(a.Deliveries)) {
		for _, s := range a.Deliveries[name].Sent {
			if !s.Ask.After(now) {
				sum.add(c.confirmOne(ctx, a, name, s, b))
			}
		}
	}
	return sum
}

// errNotAsked says why a service is not asked any more.
var errNotAsked = errors.New("the destination is not in the settings any more, or does not report what became of its messages")

func (c *Courier) confirmOne(ctx context.Context, a alert.Alert, name string, s alert.Sent, b Batch) (sum Summary) {
	state, err := notify.Accepted, errNotAsked
	if confirmer, can := c.Destinations[name].(notify.Confirmer); can && confirmer.Reports() {
		state, err = confirmer.Confirm(ctx, notify.Ref{ID: s.Ref, State: notify.Accepted})
	}
	if ctx.Err() != nil {
		return sum
	}
	reason := "the service has not reported what became of the message"
	if err != nil {
		reason = err.Error()
	}
	lost, unknown, now := errors.Is(err, notify.ErrUnsent), false, c.now()
	ru, markErr := c.folding.Change(ctx, a.Ref(), func(have *alert.Alert) bool {
		unknown = false
		switch {
		case lost:
			return have.NotSent(name, s.Ref, reason, now)
		case err == nil && state == notify.Confirmed:
			return have.Confirmed(name, s.Ref, string(state))
		}
		unknown = have.AskLater(name, s.Ref, reason, now)
		return true
	})
	if sum.RU = ru; markErr != nil {
		b.Logger.Warn("note what became of a message: it is asked again", "alert", a.ID, "destination", name, "error", markErr)
		return sum
	}
	switch {
	case lost:
		sum.Retried++
		c.unsent(ctx, b, a, name, err)
	case unknown:
		c.doubt(ctx, b, a, name, reason)
	case err == nil && state == notify.Confirmed:
		c.confirmed(ctx, b, name)
	}
	return sum
}

// unsent notes that a destination accepted a message and could not send it. The third alert in a row, or a recipient that the
// service documents as refused, makes the destination unwell.
func (c *Courier) unsent(ctx context.Context, b Batch, a alert.Alert, name string, err error) {
	var began bool
	refused := notify.KindOf(err) == notify.DestinationRefused
	b.Logger.Warn("a message was accepted and not sent; it is sent again", "alert", a.ID, "destination", name, "error", err)
	h := c.change(ctx, name, b.Logger, func(h *outbox.Health) bool {
		began = h.Unsent(a.ID, err.Error(), refused, c.now())
		return true
	})
	if began {
		b.Logger.Warn("destination takes no messages; alerts wait for it", "destination", name, "error", err)
	}
	if h.IsUnwell() {
		c.watch.unwell(ctx, b, h)
	}
}

// confirmed notes that a message of a destination is where its readers look.
func (c *Courier) confirmed(ctx context.Context, b Batch, name string) {
	if h := c.health(ctx, name); h.Sure() {
		return
	}
	var ended time.Time
	c.change(ctx, name, b.Logger, func(h *outbox.Health) bool {
		ended = h.Unwell
		changed := h.Confirmed()
		if h.IsUnwell() {
			ended = time.Time{}
		}
		return changed
	})
	if !ended.IsZero() {
		b.Logger.Warn("destination takes messages again", "destination", name, "unwell_since", ended)
	}
}
