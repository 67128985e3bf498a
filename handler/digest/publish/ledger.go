package publish

import (
	"context"
	"fmt"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/reconcile"
	"github.com/auditbell/auditbell/handler/source"
)

// ledgerOff is what digests say where nothing is compared.
const ledgerOff = "reconciliation is off, SCOPES is not set"

// Ledger sums up what the comparisons of a period's hours came to.
func (r *Record) Ledger(ctx context.Context, w source.Window) (*digest.Ledger, error) {
	if len(r.Reconciler.Scopes) == 0 {
		return &digest.Ledger{Off: ledgerOff}, nil
	}
	sum := ledgerSum{Ledger: &digest.Ledger{}, feeds: map[reconcile.Feed]reconcile.FeedHour{}, now: r.Now()}
	from, to := w.From.UTC().Truncate(time.Hour), w.To.UTC()
	for _, scope := range r.Reconciler.Scopes {
		kept, err := r.Store.Ledger(ctx, scope.Key(), from, to)
		if err != nil {
			return nil, err
		}
		hours := map[time.Time]*reconcile.Hour{}
		for _, one := range kept {
			h, err := reconcile.ReadHour(one)
			if err != nil {
				return nil, err
			}
			hours[one.Hour.UTC()] = &h
		}
		for hour := from; hour.Before(to); hour = hour.Add(time.Hour) {
			sum.add(string(scope), hour, hours[hour])
		}
	}
	sum.delays()
	return sum.Ledger, nil
}

// ledgerSum is a ledger being added up.
type ledgerSum struct {
	*digest.Ledger
	feeds    map[reconcile.Feed]reconcile.FeedHour
	recovery reconcile.Delays
	now      time.Time
}

// add counts an hour of a subscription; nil when it was not compared.
func (s *ledgerSum) add(id string, hour time.Time, h *reconcile.Hour) {
	s.Expected++
	pending := s.now.Before(reconcile.LastLook(hour))
	switch {
	case h != nil && h.Settled():
		s.Settled++
	case pending:
		s.Pending++
	}
	if h == nil {
		if !pending {
			s.unproven(id, hour, "it was not compared")
		}
		return
	}
	s.Checked++
	if s.Compared == nil {
		s.Compared = map[activity.ScopeKind]int{}
	}
	s.Compared[activity.Scope(id).Kind()]++
	if !h.Settled() && !pending {
		s.unproven(id, hour, "the last comparison was not made")
	}
	missed := h.Missed - h.Unstored
	switch {
	case !h.Proven():
		s.Unmatched++
		s.unproven(id, hour, fmt.Sprintf("%d listed entries are not recorded", h.Listed-h.Seen-h.Recovered-h.Ignored+h.Unreadable))
	case missed > 0:
		s.Repaired++
	default:
		s.Matched++
	}
	s.Entries += max(missed, 0)
	s.Listed += int64(h.Listed)
	s.Seen += int64(h.Seen)
	s.Uncarried += int64(h.Uncarried)
	s.Ignored += int64(h.Ignored)
	s.Open += h.Open
	s.recovery.Add(h.Recovery)
	for name, f := range h.Feeds {
		all := s.feeds[name]
		all.Expected, all.Seen = all.Expected+f.Expected, all.Seen+f.Seen
		all.Delay.Add(f.Delay)
		s.feeds[name] = all
	}
}

// unproven adds an hour to the span before it when they belong together.
func (s *ledgerSum) unproven(id string, hour time.Time, why string) {
	if last := len(s.Unproven) - 1; last >= 0 {
		if u := &s.Unproven[last]; u.Subscription == id && u.Why == why && u.To.Equal(hour) {
			u.To, u.Hours = hour.Add(time.Hour), u.Hours+1
			return
		}
	}
	s.Unproven = append(s.Unproven, digest.Unproven{Subscription: id, From: hour, To: hour.Add(time.Hour), Hours: 1, Why: why})
}

// delays says how late feeds and recovered entries were.
func (s *ledgerSum) delays() {
	for name, f := range s.feeds {
		if s.Feeds == nil {
			s.Feeds = map[string]digest.Delay{}
		}
		d := delayOf(f.Delay)
		d.Expected = int64(f.Expected)
		s.Feeds[string(name)] = d
	}
	s.Recovery = delayOf(s.recovery)
}

func delayOf(d reconcile.Delays) digest.Delay {
	return digest.Delay{N: int64(d.N()), P50: d.Within(0.5).Seconds(), P95: d.Within(0.95).Seconds(), Max: d.Max}
}
