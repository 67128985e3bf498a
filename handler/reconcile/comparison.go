package reconcile

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/source"
)

// comparison is a piece of an hour being compared.
type comparison struct {
	*run
	task
	from, to time.Time
	since    time.Time // when the comparison before this one was finished: what was recovered until then has rung
	dry      bool      // nothing is recovered

	began   time.Time
	have    *arrivals
	edges   [2]bool // whether the ends of the hours before and after are taken in
	all     []*listing
	ids     map[string]bool
	waiting int // listings that keep their event
	sum     Hour
	missing []activity.Event // of a dry comparison
}

// keepWaiting bounds the records that wait for the rest of the list before they are taken to be missing: memory must not
// grow with an outage.
const keepWaiting = 5000

// do compares the piece. Azure is asked for a little more on both ends, because a record there may be paired with what
// happened here; only records inside are judged.
func (c *comparison) do(ctx context.Context) (Hour, error) {
	c.began, c.ids, c.have = c.Store.Now(), map[string]bool{}, newArrivals()
	if err := c.arrived(ctx, c.task.hour, c.task.hour, c.task.hour.Add(time.Hour)); err != nil {
		return Hour{}, err
	}
	log := c.Log
	log.Answered = c.of.answered
	window := source.Window{From: c.from.Add(-margin), To: c.to.Add(margin)}
	for page, err := range log.List(ctx, c.of.scope, source.Filter{Window: window, Records: c.Records}) {
		if err != nil {
			return Hour{}, err
		}
		c.count(func(s *Sum) { s.Pages++ })
		c.take(page)
		if c.waiting > keepWaiting {
			err = c.judge(ctx)
		}
		if err == nil && c.spent(ctx) {
			err = errSpent
		}
		if err != nil {
			return Hour{}, err
		}
	}
	if err := c.judge(ctx); err != nil {
		return Hour{}, err
	}
	c.tally()
	return c.sum, nil
}

// spent never ends what an operator asked for.
func (c *comparison) spent(ctx context.Context) bool { return !c.dry && c.run.spent(ctx) }

// answered notes how many reads Azure still allows (learn: "Understand how Azure Resource Manager throttles requests").
func (w *work) answered(h http.Header) {
	if n, err := strconv.Atoi(h.Get("x-ms-ratelimit-remaining-subscription-reads")); err == nil {
		w.reads, w.state.Reads = n, n
	}
}

// arrived takes in what the store has of an hour, as far as it happened in [from, to): what belongs to the scope, and what
// belongs to tenant or management groups, because a scope's list may show what happened above it too.
func (c *comparison) arrived(ctx context.Context, hour, from, to time.Time) error {
	all, err := c.recorded(ctx, hour)
	if err != nil {
		return err
	}
	for _, scope := range slices.Sorted(maps.Keys(all)) {
		above := scope != c.of.scope
		if above && scope.Kind() == activity.SubscriptionKind {
			continue
		}
		for _, r := range all[scope] {
			if r.above = above; !r.at.Before(from) && r.at.Before(to) {
				c.have.add(r)
			}
		}
	}
	return nil
}

// take pairs the records of a page with what was recorded at the same time. Whatever no feed brought waits for the rest
// of the list.
func (c *comparison) take(page *source.Found) {
	c.sum.Unreadable += len(page.Unreadable)
	fresh := make([]*listing, 0, len(page.Events))
	for i := range page.Events {
		e := &page.Events[i]
		inside := !e.Time.Before(c.from) && e.Time.Before(c.to)
		switch {
		case !c.ids[e.ID]:
			c.ids[e.ID] = true
			fresh = append(fresh, &listing{state: stateOf(e), at: e.Time.Time, id: e.ID, event: e, inside: inside})
			if inside {
				c.expect(e)
			}
		case inside:
			c.sum.Again++
		}
	}
	c.have.match(fresh, same)
	for _, l := range fresh {
		if len(l.by) > 0 || !l.inside {
			l.event = nil
			continue
		}
		alone := *l.event // the page can go
		l.event = &alone
		c.waiting++
	}
	c.all = append(c.all, fresh...)
}

// expect counts what Azure lists, and of whom it was to be expected.
func (c *comparison) expect(e *activity.Event) {
	c.sum.list(e.ID)
	c.sum.category(e.Category, 1)
	for _, feed := range c.Feeds {
		if c.brings(feed, e) {
			c.sum.feed(feed, func(f *FeedHour) { f.Expected++ })
		}
	}
}

// brings reports whether a feed should have brought e. The operator may have Event Grid filter operations; an export has
// no such filter (learn: "Diagnostic settings in Azure Monitor": categories only).
func (c *comparison) brings(f Feed, e *activity.Event) bool {
	return f.carries(e) && (f != EventGrid || !slices.Contains(c.Ignore, e.Operation))
}

// carried reports whether a feed that is set up should have brought e.
func (c *comparison) carried(e *activity.Event) bool {
	return slices.ContainsFunc(c.Feeds, func(f Feed) bool { return c.brings(f, e) })
}

// unwanted reports whether e is filtered out and no other feed brings it: it is not fetched either.
func (c *comparison) unwanted(e *activity.Event) bool {
	return slices.Contains(c.Ignore, e.Operation) && !slices.Contains(c.Feeds, EventHub)
}

// judge pairs what is left with what was recorded at nearly the same time, and recovers what no feed brought.
func (c *comparison) judge(ctx context.Context) error {
	c.have.match(c.all, margin)
	if err := c.lookBeyond(ctx); err != nil {
		return err
	}
	var missing []activity.Event
	for _, l := range c.all {
		if l.event == nil {
			continue
		}
		switch e := l.event; {
		case len(l.by) > 0:
		case c.unwanted(e):
			c.sum.Ignored++
		default:
			c.lack(e, &missing)
		}
		l.event = nil
	}
	c.waiting = 0
	slices.SortStableFunc(missing, func(a, b activity.Event) int { return a.Time.Compare(b.Time.Time) })
	if c.dry {
		c.missing = append(c.missing, missing...)
		return nil
	}
	return c.recover(ctx, missing)
}

// lack counts a record that no feed brought, and lists it unless it was recovered before.
func (c *comparison) lack(e *activity.Event, missing *[]activity.Event) {
	if c.carried(e) {
		c.sum.Missed++
	} else {
		c.sum.Uncarried++
	}
	if known, ok := c.have.fed[e.ID]; ok && known.Before(c.since) {
		c.sum.Recovered++
		c.sum.Recovery.note(known.Sub(e.Time.Time))
		return
	}
	e.FoundBy = activity.Reconciliation
	*missing = append(*missing, *e)
}

// lookBeyond takes in the ends of the hours before and after when a record near them is missing: feeds may date it a
// little differently, and the store keeps an event in the hour of its own time.
func (c *comparison) lookBeyond(ctx context.Context) error {
	begin, end := c.task.hour, c.task.hour.Add(time.Hour)
	for i, edge := range []struct{ hour, from, to time.Time }{
		{begin.Add(-time.Hour), begin.Add(-margin), begin}, {end, end, end.Add(margin)},
	} {
		near := func(l *listing) bool {
			return l.event != nil && len(l.by) == 0 && l.at.Sub(edge.from).Abs() <= 2*margin && c.carried(l.event)
		}
		if c.edges[i] || !slices.ContainsFunc(c.all, near) {
			continue
		}
		c.edges[i] = true
		if err := c.arrived(ctx, edge.hour, edge.from, edge.to); err != nil {
			return err
		}
		c.have.match(c.all, same)
		c.have.match(c.all, margin)
	}
	return nil
}

// tally counts what feeds brought.
func (c *comparison) tally() {
	for _, l := range c.all {
		if !l.inside || len(l.by) == 0 {
			continue
		}
		c.sum.Seen++
		c.sum.Again += len(l.by) - 1
		for feed, one := range l.by {
			c.sum.feed(feed, func(f *FeedHour) {
				f.Seen++
				f.Delay.note(one.known.Sub(l.at))
			})
		}
	}
	c.sum.Unlisted = c.have.unlisted(c.from, c.to)
}

// lives brings the operations that have no end up to date, and returns the hours whose number of them has changed.
func (c *comparison) lives(s *State) map[int64]bool {
	begun, ended := map[string]bool{}, map[string]bool{}
	for _, l := range c.all {
		switch o := l.state.outcome; {
		case strings.HasPrefix(l.state.life, alone):
		case o.Final():
			ended[l.state.life] = true
		case l.inside && (o == activity.Started || o == activity.Accepted || o == activity.InProgress):
			begun[l.state.life] = true
		}
	}
	for life := range ended {
		delete(begun, life)
	}
	if c.task.look == 0 || c.task.look == past { // a later look at the hour does not know what has ended meanwhile
		s.begun(begun, c.task.hour)
	}
	return s.ended(ended, c.began)
}

// handful is how many records are handed over at once.
const handful = 200

// recover hands missing records to the pipeline, those that are old apart from the others, in the order of their time.
func (c *comparison) recover(ctx context.Context, missing []activity.Event) error {
	recent := slices.IndexFunc(missing, func(e activity.Event) bool { return c.began.Sub(e.Time.Time) < c.Old })
	if recent < 0 {
		recent = len(missing)
	}
	for _, part := range []struct {
		events []activity.Event
		old    bool
	}{{missing[:recent], true}, {missing[recent:], false}} {
		for chunk := range slices.Chunk(part.events, handful) {
			if c.spent(ctx) {
				return errSpent
			}
			if err := c.hand(ctx, chunk, part.old); err != nil {
				return err
			}
		}
	}
	return nil
}

// hand hands some records over. When that fails and the store is well, one of them may be the reason: it must not keep the
// others, and all hours after it, from being compared for ever.
func (c *comparison) hand(ctx context.Context, events []activity.Event, old bool) error {
	taken := func(all []activity.Event) {
		c.sum.Recovered += len(all)
		c.count(func(s *Sum) { s.Recovered += len(all) })
		for i := range all {
			c.sum.Recovery.note(c.Store.Now().Sub(all[i].Time.Time))
		}
	}
	err := c.Take(ctx, events, old)
	if err == nil {
		taken(events)
		return nil
	}
	if ctx.Err() != nil || c.Store.Check(ctx) != nil {
		return fmt.Errorf("recover records: %w", err)
	}
	var stuck []activity.Event
	for i := range events {
		if one := c.Take(ctx, events[i:i+1], old); one != nil {
			stuck, err = append(stuck, events[i]), one
			continue
		}
		taken(events[i : i+1])
	}
	if len(stuck) == 0 {
		return nil
	}
	return c.setAside(ctx, stuck, err)
}

// giveUpAfter is how many runs in a row try to record a record before it is set aside.
const giveUpAfter = 3

// setAside keeps records that cannot be recorded for a person to look at, after some tries, and tells people.
func (c *comparison) setAside(ctx context.Context, stuck []activity.Event, reason error) error {
	reason = fmt.Errorf("record %d missing records, event id %s first: %w", len(stuck), stuck[0].EventID, reason)
	if c.of.state.Fails.Tries+1 < giveUpAfter {
		return reason
	}
	for i := range stuck {
		if err := c.Park(ctx, stuck[i], reason); err != nil {
			return fmt.Errorf("set aside: %w", err)
		}
	}
	c.sum.Unstored += len(stuck)
	return c.Alert(ctx, Gap{Scope: c.of.scope, From: c.from, To: c.to, Reason: reason.Error() + "; they are set aside, and handler check lists them"})
}
