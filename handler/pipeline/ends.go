package pipeline

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/outbox"
	"github.com/auditbell/auditbell/handler/turns"
)

// States keeps how destinations are, for all instances.
type States interface {
	Health(ctx context.Context, name string) (outbox.Health, float64, error)
	// ChangeHealth applies a change to the newest state; it may run more than once and says whether there is anything to write.
	ChangeHealth(ctx context.Context, name string, change func(*outbox.Health) bool) (outbox.Health, float64, error)
}

// Backlog finds the alerts that wait for a destination.
type Backlog interface {
	PutWaiting(ctx context.Context, name string, w outbox.Waiting) (ru float64, err error)
	WaitingFor(ctx context.Context, name string, grave bool, limit int) ([]outbox.Waiting, error)
	EndWaiting(ctx context.Context, name string, w outbox.Waiting) (ru float64, err error)
}

// end is what this process knows of one destination.
type end struct {
	slots turns.Slots
	lock  turns.Slots // of one place: it is held while the store is asked, for which a mutex is not made

	health outbox.Health
	read   time.Time // when health was read
	tended bool      // this process has looked after it since its start
	left   int       // messages of a block of the channel's budget that are left
	until  time.Time // when the block ends
	free   int       // messages that this process sent without asking for a block, since freed
	freed  time.Time
}

const (
	// healthAge is how old the state of a destination may be: for so long an instance may go on sending to one that another
	// has found to be unwell.
	healthAge = 5 * time.Second
	// inFlight bounds the messages to one destination that are on their way at once. It is also how many may be lost in doubt,
	// or refused, before the first answer is known.
	inFlight = 2
	// block is how many messages an instance takes from a channel's budget with one write, and blockFor how long it may keep
	// them. The first unasked messages within freeFor need no write at all.
	block    = 10
	blockFor = 10 * time.Second
	unasked  = 3
	freeFor  = time.Minute
)

// ends are made when first asked for.
type ends struct {
	mu sync.Mutex
	by map[string]*end
}

func (e *ends) of(name string) *end {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.by == nil {
		e.by = map[string]*end{}
	}
	if e.by[name] == nil {
		e.by[name] = &end{slots: turns.NewSlots(inFlight), lock: turns.NewSlots(1)}
	}
	return e.by[name]
}

// health is the state of a destination, at most healthAge old. When the store does not say, what was known last counts.
func (c *Courier) health(ctx context.Context, name string) outbox.Health {
	e := c.ends.of(name)
	defer e.lock.Enter(ctx)()
	if c.states == nil || !e.read.IsZero() && c.now().Sub(e.read) < healthAge {
		return e.health
	}
	if h, _, err := c.states.Health(ctx, name); err == nil {
		e.health, e.read = h, c.now()
	}
	return e.health
}

// change changes the state of a destination for all instances; when the store fails, for this one.
func (c *Courier) change(ctx context.Context, name string, log *slog.Logger, change func(*outbox.Health) bool) outbox.Health {
	e := c.ends.of(name)
	defer e.lock.Enter(ctx)()
	return c.changeLocked(ctx, e, name, log, change)
}

func (c *Courier) changeLocked(ctx context.Context, e *end, name string, log *slog.Logger, change func(*outbox.Health) bool) outbox.Health {
	if c.states != nil {
		h, _, err := c.states.ChangeHealth(ctx, name, change)
		if err == nil {
			e.health, e.read = h, c.now()
			return h
		}
		if log != nil {
			log.Warn("note the state of a destination: only this instance knows it", "destination", name, "error", err)
		}
	}
	change(&e.health)
	return e.health
}

// held returns how long the channel asks to wait. A process that sends it more than a few messages a minute asks the store
// before each: another one may have been turned away a moment ago.
func (c *Courier) held(ctx context.Context, name string) time.Duration {
	e := c.ends.of(name)
	release := e.lock.Enter(ctx)
	if e.free >= unasked || c.now().Before(e.until) {
		e.read = time.Time{}
	}
	release()
	h := c.health(ctx, name)
	return h.Held(c.now())
}

// pace takes one message of the channel's budget for an alert, unless what is left is for more urgent ones; wait says when
// there will be one. Edits that bring no news have a budget of this process's own: Slack counts them apart (chat.update,
// Tier 3).
func (c *Courier) pace(ctx context.Context, name string, a alert.Alert, news bool) (wait time.Duration) {
	h := c.health(ctx, name)
	if held := h.Held(c.now()); held > 0 {
		return held
	}
	if !news {
		return c.Budgets.takeAbove(edits(name), c.now(), c.urgency(name, a.Rule, a.Event.Caller))
	}
	floor := c.floor(ctx, name, a.Rule, a.Event.Caller)
	if room := c.room(ctx, name); floor > 0 && room <= floor {
		return until(room, floor)
	}
	defer func() {
		if wait == 0 {
			c.firsts.note([3]string{name, a.Rule.ID, a.Event.Caller}, c.now())
		}
	}()
	e := c.ends.of(name)
	defer e.lock.Enter(ctx)()
	now := c.now()
	if e.left > 0 && now.Before(e.until) {
		e.left--
		return 0
	}
	if now.Sub(e.freed) >= freeFor {
		e.freed, e.free = now, 0
	}
	if e.free < unasked && e.health.Burst(now) == outbox.Burst {
		e.free++
		return 0
	}
	if c.states == nil {
		return c.Budgets.take(name, now)
	}
	c.changeLocked(ctx, e, name, nil, func(h *outbox.Health) bool {
		if room := h.Room(now); floor > 0 && room <= floor { // another instance has used what was here a moment ago
			e.left, wait = 0, until(room, floor)
			return false
		}
		e.left, wait = h.Take(max(1, min(block, h.Room(now)-floor)), now)
		return e.left > 0
	})
	if e.until = now.Add(blockFor); e.left > 0 {
		e.left--
		return 0
	}
	return max(wait, time.Millisecond)
}

// until is when a budget that has room for so many messages has one above the floor.
func until(room, floor int) time.Duration {
	return time.Duration(floor+1-room) * time.Second / perSecond
}

// uneditable are the destinations of these whose messages cannot be edited.
func (c *Courier) uneditable(names []string) (those []string) {
	for _, name := range names {
		if e, can := c.Destinations[name].(notify.Editor); !can || !e.Edits() {
			those = append(those, name)
		}
	}
	return those
}

// room is about how many messages a destination may get now.
func (c *Courier) room(ctx context.Context, name string) int {
	if c.states == nil {
		return c.Budgets.room(name, c.now())
	}
	e := c.ends.of(name)
	defer e.lock.Enter(ctx)()
	return e.left + e.health.Room(c.now())
}

// errElsewhere says why an alert waits for a destination that is in no settings any more.
var errElsewhere = errors.New("the destination is not in the settings any more (hint: set it again, or discard what it is owed with handler deliver --discard)")

// outcome is what a delivery means for its destination, beside what attempt says of the alert.
func (c *Courier) outcome(ctx context.Context, b Batch, a alert.Alert, t *attempt) {
	if t.err == nil {
		c.answered(ctx, b, t)
		return
	}
	now := c.now()
	kind, reason := notify.KindOf(t.err), t.err.Error()
	if ctx.Err() != nil && kind != notify.Unanswered {
		return // our own time was over; the destination has no part in it
	}
	var began bool
	var h outbox.Health
	switch {
	case asksToWait(t.err):
		h = c.hold(ctx, t.name, t.err, b.Logger)
		t.wait = max(h.Held(c.now()), time.Second)
		return
	case kind == notify.Unconfirmed:
		c.doubt(ctx, b, a, t.name, reason)
		return
	case kind == notify.Unanswered:
		h = c.change(ctx, t.name, b.Logger, func(h *outbox.Health) bool { began = h.TimedOut(a.ID, reason, now); return true })
		if t.silences > 0 && !t.absent {
			c.doubt(ctx, b, a, t.name, reason)
		}
		t.parks = h.IsUnwell()
	default:
		h = c.change(ctx, t.name, b.Logger, func(h *outbox.Health) bool { began = h.Fail(reason, now); return true })
		t.parks, t.refused = true, kind != notify.NotSent
	}
	if began {
		b.Logger.Warn("destination takes no messages; alerts wait for it", "destination", t.name, "error", reason)
	}
	// Most trouble is over within minutes; what names a token or a channel is not.
	if h.IsUnwell() && (kind == notify.DestinationRefused || now.Sub(h.Unwell) >= unwellFor) {
		c.watch.unwell(ctx, b, h)
	}
}

// unwellFor is how long a destination may be unwell before the others report it.
const unwellFor = 5 * time.Minute

// asksToWait reports whether a channel wants to be left alone for a while.
func asksToWait(err error) bool {
	_, named := notify.Delay(err)
	return err != nil && (notify.KindOf(err) == notify.Throttled || named && notify.KindOf(err) == notify.Trouble)
}

// hold notes that a channel asks to wait. Every message to it waits, whichever it refused.
func (c *Courier) hold(ctx context.Context, name string, err error, log *slog.Logger) outbox.Health {
	delay, _ := notify.Delay(err)
	h := c.change(ctx, name, log, func(h *outbox.Health) bool {
		throttled := h.Throttled
		if notify.KindOf(err) == notify.Throttled {
			h.Answer() // it is there, and busy
		}
		h.Throttled = throttled
		h.Wait(delay, c.now())
		return true
	})
	c.dropBlock(ctx, name)
	return h
}

// dropBlock gives up what is left of a block: the channel has said that it was too much.
func (c *Courier) dropBlock(ctx context.Context, name string) {
	e := c.ends.of(name)
	defer e.lock.Enter(ctx)()
	e.left = 0
}

// answered notes that a destination took a message and answered as documented.
func (c *Courier) answered(ctx context.Context, b Batch, t *attempt) {
	e := c.ends.of(t.name)
	defer e.lock.Enter(ctx)()
	if e.health.Clean() && t.form == notify.Full {
		return
	}
	var ended time.Time
	h := c.changeLocked(ctx, e, t.name, b.Logger, func(h *outbox.Health) bool {
		ended = time.Time{} // it may run more than once
		if h.Clean() && t.form == notify.Full {
			return false
		}
		if h.Failing && t.ref.State != notify.Confirmed {
			h.Accepted(c.now())
			return true
		}
		ended = h.Answer()
		if t.form != notify.Full {
			h.Reduced++
		}
		return true
	})
	if !ended.IsZero() {
		b.Logger.Warn("destination takes messages again", "destination", t.name, "unwell_since", ended)
	}
	all, fresh := h.DoubtOver()
	if all.Count > 0 && c.watch.doubted(ctx, b, t.name, all, []string{t.name}) && c.watch.doubted(ctx, b, t.name, fresh, c.watch.others(t.name)) {
		c.changeLocked(ctx, e, t.name, b.Logger, func(h *outbox.Health) bool { return h.EndDoubt(all) })
	}
}

// doubt notes that a message may be missing. With one that names others that may be missing in its own channel, these are.
func (c *Courier) doubt(ctx context.Context, b Batch, a alert.Alert, name, reason string) {
	titles := []string{titleOf(c, a)}
	if named := strings.Split(a.Event.Description, "\n")[1:]; a.Rule.ID == alert.WatchRule+unconfirmed && a.Event.ResourceName == name && len(named) > 0 {
		titles = named
	}
	c.change(ctx, name, b.Logger, func(h *outbox.Health) bool {
		for _, title := range titles {
			h.Doubt(title, reason, c.now())
		}
		return true
	})
}

// titleOf is how an alert is named where only a line is left for it.
func titleOf(c *Courier, a alert.Alert) string {
	m := c.composer.Message(a)
	return notify.Cut(strings.TrimSpace(notify.Clean(m.Severity.Word()+" "+m.Headline, false)), maxTitle) + " (" + a.ID + ")"
}

const maxTitle = 110
