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

const (
	// graveAtMost of a backlog, of high and critical severity, are sent one by one; the others in summaries.
	graveAtMost = 200
	// graveAtOnce and foldAtOnce bound what one run of the timer does about a backlog.
	graveAtOnce = 40
	foldAtOnce  = 400
	// brief is an interruption after which up to briefAtMost alerts are sent one by one, as if nothing had been.
	brief       = 10 * time.Minute
	briefAtMost = 60
)

// tend looks after every destination: one that is unwell gets a probe when it is due, one that is well again what waited
// for it. What is due now was sent before.
func (c *Courier) tend(ctx context.Context, b Batch) (Summary, error) {
	var sum Summary
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(c.Destinations)) {
		if c.backlog == nil || ctx.Err() != nil {
			break
		}
		h := c.fresh(ctx, name, b)
		var one Summary
		var err error
		switch {
		case h.ProbeDue(c.now()):
			one, err = c.probe(ctx, name, b)
		case !h.IsUnwell() && h.Backlog && h.Held(c.now()) == 0:
			one, err = c.drain(ctx, name, b)
		}
		sum.add(one)
		errs = append(errs, err)
	}
	return sum, errors.Join(errs...)
}

// fresh reads the state of a destination. A process that has just started tries one that is unwell at once: its settings
// may be others.
func (c *Courier) fresh(ctx context.Context, name string, b Batch) outbox.Health {
	e := c.ends.of(name)
	release := e.lock.Enter(ctx)
	first := !e.tended
	e.tended, e.read = true, time.Time{}
	release()
	h := c.health(ctx, name)
	if first && h.IsUnwell() {
		h = c.change(ctx, name, b.Logger, func(h *outbox.Health) bool { return h.Soon(c.now()) })
	}
	if doubts, due := h.DoubtDue(c.now()); due && c.watch.doubted(ctx, b, name, doubts, c.watch.others(name)) {
		h = c.change(ctx, name, b.Logger, func(h *outbox.Health) bool { return h.DoubtReported(doubts) })
	}
	return h
}

// probe tries a destination that is unwell with an alert that waits for it, another one than the last time. One that did not
// answer is first asked without a message.
func (c *Courier) probe(ctx context.Context, name string, b Batch) (Summary, error) {
	w, only, err := c.candidate(ctx, name)
	if err != nil {
		return Summary{}, err
	}
	if w.Alert == "" { // nothing waits: what comes next finds out
		return Summary{}, nil
	}
	if pinger, can := c.Destinations[name].(notify.Pinger); can && c.health(ctx, name).Silent {
		if err := pinger.Ping(ctx); err != nil {
			h := c.change(ctx, name, b.Logger, func(h *outbox.Health) bool { h.Fail(err.Error(), c.now()); return true })
			if c.now().Sub(h.Unwell) >= unwellFor {
				c.watch.unwell(ctx, b, h)
			}
			return Summary{}, nil
		}
	}
	if !c.claim(ctx, name, w.Alert, b, only) {
		return Summary{}, nil
	}
	return c.deliverWaiting(ctx, name, w, b)
}

// candidate is an alert that waits for a destination, another one than that of the last probe; only says that there is no
// other.
func (c *Courier) candidate(ctx context.Context, name string) (w outbox.Waiting, only bool, err error) {
	last := c.health(ctx, name).Probe.Alert
	for _, grave := range []bool{true, false} {
		waiting, err := c.backlog.WaitingFor(ctx, name, grave, 2)
		if err != nil {
			return w, false, err
		}
		for _, one := range waiting {
			if one.Alert != last {
				return one, false, nil
			}
			w, only = one, true
		}
	}
	return w, only, nil
}

// claim takes the probe of a destination for an alert.
func (c *Courier) claim(ctx context.Context, name, id string, b Batch, only bool) (claimed bool) {
	c.change(ctx, name, b.Logger, func(h *outbox.Health) bool {
		claimed = h.Claim(id, b.ID, only, c.now())
		return claimed
	})
	return claimed
}

// drain delivers what waited for a destination: the grave ones by themselves, up to a number, the others in summaries that
// name each.
func (c *Courier) drain(ctx context.Context, name string, b Batch) (Summary, error) {
	sum, left, err := c.drainGrave(ctx, name, b)
	if err != nil || left {
		return sum, err
	}
	var waiting []outbox.Waiting
	for _, grave := range []bool{true, false} {
		some, err := c.backlog.WaitingFor(ctx, name, grave, foldAtOnce)
		if err != nil {
			return sum, err
		}
		waiting = append(waiting, some...)
	}
	if len(waiting) == 0 {
		c.change(ctx, name, b.Logger, func(h *outbox.Health) bool { h.Backlog, h.Grave = false, 0; return true })
		return sum, nil
	}
	alone, together := apart(waiting, c.now())
	more, together, err := c.alone(ctx, name, together)
	if err != nil {
		return sum, err
	}
	one, err := c.deliverEach(ctx, name, append(more, alone...), b)
	if sum.add(one); err != nil {
		return sum, err
	}
	one, err = c.foldWaiting(ctx, name, together, b)
	sum.add(one)
	return sum, err
}

// apart splits what waits into alerts that are sent by themselves and those that are counted in summaries. A few are
// not worth one, and an interruption of minutes leaves no more than the channel takes at once.
func apart(waiting []outbox.Waiting, now time.Time) (alone, together []outbox.Waiting) {
	for _, w := range waiting {
		if w.Alone || len(waiting) <= briefAtMost && now.Sub(w.Since) < brief {
			alone = append(alone, w)
		} else {
			together = append(together, w)
		}
	}
	if len(together) < smallest {
		return append(alone, together...), nil
	}
	return alone, together
}

// alone finds the alerts whose place no summary takes.
func (c *Courier) alone(ctx context.Context, name string, waiting []outbox.Waiting) (alone, others []outbox.Waiting, err error) {
	for _, w := range waiting {
		var own bool
		_, err = c.folding.Change(ctx, refOf(w), func(a *alert.Alert) bool {
			own = ownMessage(a, name, w)
			return false
		})
		if err != nil {
			return nil, nil, err
		}
		if own {
			alone = append(alone, w)
		} else {
			others = append(others, w)
		}
	}
	return alone, others, nil
}

// ownMessage reports whether an alert that waited is owed a message of its own: it has become grave meanwhile, or readers have its
// beginning, which says something that is no longer so, or may have it.
func ownMessage(a *alert.Alert, name string, w outbox.Waiting) bool {
	return a.Owes(name) && (a.Grave() && !w.Grave() || !a.OwesFirst(name) || a.Deliveries[name].HasOwn())
}

// drainGrave delivers alerts of high and critical severity; left says that there are more of them for the next run.
func (c *Courier) drainGrave(ctx context.Context, name string, b Batch) (sum Summary, left bool, err error) {
	done := c.health(ctx, name).Grave
	most := min(graveAtOnce, graveAtMost-done)
	if most <= 0 {
		return sum, false, nil
	}
	waiting, err := c.backlog.WaitingFor(ctx, name, true, most)
	if err != nil || len(waiting) == 0 {
		return sum, false, err
	}
	sum, err = c.deliverEach(ctx, name, waiting, b)
	c.change(ctx, name, b.Logger, func(h *outbox.Health) bool { h.Grave += sum.Sent + sum.Edited; return true })
	return sum, len(waiting) == most && done+most < graveAtMost || sum.Sent+sum.Edited < len(waiting), err
}

func (c *Courier) deliverEach(ctx context.Context, name string, waiting []outbox.Waiting, b Batch) (sum Summary, err error) {
	var errs []error
	for _, w := range waiting {
		if h := c.health(ctx, name); ctx.Err() != nil || h.IsUnwell() || c.room(ctx, name) == 0 && time.Now().After(b.until) {
			break
		}
		one, err := c.deliverWaiting(ctx, name, w, b)
		sum.add(one)
		errs = append(errs, err)
	}
	return sum, errors.Join(errs...)
}

// deliverWaiting delivers one alert to a destination that it waits for. An alert that owes it nothing any more has left a
// note behind.
func (c *Courier) deliverWaiting(ctx context.Context, name string, w outbox.Waiting, b Batch) (Summary, error) {
	a, ok, err := c.queue.Lease(ctx, refOf(w), c.lease(b.ID))
	switch {
	case err != nil:
		return Summary{}, err
	case !ok && a.Lease.Free(b.ID, c.now()) || ok && !a.Owes(name):
		if ok {
			c.release(ctx, a.Ref(), b)
		}
		_, err := c.backlog.EndWaiting(ctx, name, w)
		return Summary{}, err
	case !ok:
		return Summary{}, nil // another instance delivers it somewhere else
	}
	var marked alert.Alert
	b.probe, b.noted, b.marked = name, w.Severity, &marked
	sum := c.deliver(ctx, a, b)
	if marked.ID != "" && !marked.Owes(name) {
		_, err = c.backlog.EndWaiting(ctx, name, w)
	}
	return sum, err
}

// foldWaiting counts alerts that waited in summaries, each of which names its alerts.
func (c *Courier) foldWaiting(ctx context.Context, name string, waiting []outbox.Waiting, b Batch) (sum Summary, err error) {
	for chunk := range slices.Chunk(waiting, mostNamed) {
		mine, alerts, err := c.leaseWaiting(ctx, name, chunk, b)
		if err != nil {
			return sum, err
		}
		one, err := c.foldLeased(ctx, name, mine, alerts, b)
		if sum.add(one); err != nil {
			return sum, err
		}
	}
	b.Logger.Info("counted alerts that had waited for a destination in summaries", "destination", name, "folded", sum.Folded)
	return sum, nil
}

// leaseWaiting takes the leases of alerts that are to be counted: what another instance delivers in this moment would be
// there twice. One that is owed a message of its own by now is left for the next run.
func (c *Courier) leaseWaiting(ctx context.Context, name string, waiting []outbox.Waiting, b Batch) (mine []outbox.Waiting, alerts []alert.Alert, err error) {
	for _, w := range waiting {
		a, ok, err := c.queue.Lease(ctx, refOf(w), c.lease(b.ID))
		if err != nil {
			return nil, nil, err
		}
		owes := a.Owes(name)
		if ok && owes && !ownMessage(&a, name, w) {
			mine, alerts = append(mine, w), append(alerts, a)
			continue
		}
		if ok {
			c.release(ctx, a.Ref(), b)
		}
		if ok && !owes || !ok && a.Lease.Free(b.ID, c.now()) {
			if _, err := c.backlog.EndWaiting(ctx, name, w); err != nil {
				return nil, nil, err
			}
		}
	}
	return mine, alerts, nil
}

// foldLeased counts alerts in a summary that names each, and ends the notes of them.
func (c *Courier) foldLeased(ctx context.Context, name string, waiting []outbox.Waiting, alerts []alert.Alert, b Batch) (Summary, error) {
	folded, sum, err := c.count(ctx, bundle{
		destination: name, actor: name, family: "backlog", alerts: alerts,
		rule:  alert.Rule{ID: alert.BacklogRule, Title: "Waited for " + name, GroupBy: []string{"caller", "operation"}},
		takes: func(a *alert.Alert, i int) bool { return !ownMessage(a, name, waiting[i]) },
	}, b)
	for i, w := range waiting {
		if !folded[i] { // the next run delivers it
			continue
		}
		if _, ended := c.backlog.EndWaiting(ctx, name, w); ended != nil {
			return sum, errors.Join(err, ended)
		}
	}
	return sum, err
}

func refOf(w outbox.Waiting) alert.Ref { return alert.Ref{Group: w.Group, ID: w.Alert} }

// waitingTitle is how an alert is named among those that waited.
func (c *Courier) waitingTitle(a alert.Alert) string {
	return notify.Cut(notify.Clean(c.composer.Message(a).Headline, false), maxTitle) + " (" + a.ID + ")"
}

// mayBeThere reports whether the message was sent whole and not answered.
func (t *attempt) mayBeThere() bool {
	return t.silences > 0 || t.err != nil && notify.KindOf(t.err) == notify.Unanswered
}

// wait notes that an alert waits for a destination. It is noted before the alert is marked, so that a crash in between
// leaves it due. A probe that failed has been noted before.
func (c *Courier) wait(ctx context.Context, a alert.Alert, t *attempt, b Batch) error {
	if c.backlog == nil || b.probe == t.name && b.noted == a.Rule.Severity {
		return nil
	}
	c.change(ctx, t.name, nil, func(h *outbox.Health) bool {
		write := !h.Backlog
		h.Backlog = true
		return write
	})
	_, err := c.backlog.PutWaiting(ctx, t.name, outbox.Waiting{
		Alert: a.ID, Group: a.Group, Title: c.waitingTitle(a), Severity: a.Rule.Severity, Opened: a.Opened, Since: c.now().UTC(),
		Alone: a.Deliveries[t.name].Revision > 0 || t.mayBeThere() || a.IsSummary() || a.Rule.ID == alert.CanaryRule,
	})
	return err
}
