package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/source"
	"github.com/auditbell/auditbell/handler/store"
)

// errSpent ends a comparison because the run's time or pages are used up.
var errSpent = errors.New("the run's budget is used up")

// keep writes w's state.
func (w *work) keep(ctx context.Context, kept *store.Store, owner string, lease alert.Lease) error {
	body, err := json.Marshal(&w.state)
	if err != nil {
		return fmt.Errorf("write reconciliation: %w", err)
	}
	next := w.kept
	next.Body, next.Lease = body, lease
	if next, err = kept.SettleReconcile(ctx, next, owner); err != nil {
		return err
	}
	w.kept = next
	return nil
}

// compare compares an hour, in pieces where it was too much for one run before, and writes the ledger.
func (x *run) compare(ctx context.Context, t task) error {
	if forgot, err := x.Store.Forgot(ctx, t.hour); err != nil || forgot {
		return err // the ledger has no such hour, which is the truth: nobody can say any more
	}
	before, err := x.before(ctx, t)
	if err != nil {
		return err
	}
	if t.look < past && !before.Looked.Before(t.hour.Add(time.Hour+looks[t.look])) {
		return nil // somebody looked as late as this look is meant to be
	}
	if same, err := x.unchanged(ctx, t, before); err != nil || same {
		return err
	}
	s := &t.of.state
	p := Partial{
		Hour: t.hour, Look: t.look, From: t.hour, Span: time.Hour,
		Sum: Hour{Subscription: string(t.of.scope), Hour: t.hour, Looked: x.Store.Now().UTC(), Looks: before.Looks + 1},
	}
	if s.Part != nil && s.Part.Hour.Equal(t.hour) && s.Part.Look == t.look {
		p = *s.Part
	}
	touched := map[int64]bool{}
	for end := t.hour.Add(time.Hour); p.From.Before(end); {
		to := p.From.Add(p.Span)
		if to.After(end) {
			to = end
		}
		whole := x.left() >= 0.5
		piece := &comparison{run: x, task: t, from: p.From, to: to, since: before.Done}
		part, err := piece.do(ctx)
		if errors.Is(err, errSpent) && whole { // half a run was not enough
			if p.Span == leastSpan {
				err = fmt.Errorf("%s of it are more than one run can compare", leastSpan)
			}
			p.Span = max(p.Span/2, leastSpan)
		}
		if err != nil {
			s.Part = &p
			return err
		}
		p.Sum.add(part)
		p.From = to
		maps.Copy(touched, piece.lives(s))
	}
	return x.write(ctx, t, p.Sum, touched)
}

// unchanged reports whether a later look at an hour that lacked nothing finds the list as it was, which is the rule. Then
// the store need not be read again: it is what a comparison costs.
func (x *run) unchanged(ctx context.Context, t task, before Hour) (bool, error) {
	if t.look == 0 || t.look == past || before.Missed > 0 || !before.Proven() {
		return false, nil
	}
	now, seen := Hour{}, map[string]bool{}
	log := x.Log
	log.Answered = t.of.answered
	window := source.Window{From: t.hour, To: t.hour.Add(time.Hour)}
	for page, err := range log.List(ctx, t.of.scope, source.Filter{Window: window}) {
		if err != nil {
			return false, err
		}
		x.count(func(s *Sum) { s.Pages++ })
		if x.spent(ctx) {
			return false, errSpent
		}
		for i := range page.Events {
			if id := page.Events[i].ID; !seen[id] {
				seen[id] = true
				now.list(id)
			}
		}
	}
	if now.Listed != before.Listed || now.Print != before.Print {
		return false, nil
	}
	before.Looked, before.Looks = x.Store.Now().UTC(), before.Looks+1
	return true, x.write(ctx, t, before, map[int64]bool{})
}

// left is the share of the run's budget that is not used up.
func (x *run) left() float64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	return min(1-float64(x.Store.Now().Sub(x.started))/float64(x.Budget), 1-float64(x.sum.Pages)/float64(x.Pages))
}

// before is what the ledger has of the task's hour; the zero Hour when it was never compared.
func (x *run) before(ctx context.Context, t task) (Hour, error) {
	if t.look == 0 {
		return Hour{}, nil
	}
	kept, ok, err := x.Store.LedgerHour(ctx, t.of.scope.Key(), t.hour)
	if err != nil || !ok {
		return Hour{}, err
	}
	return ReadHour(kept)
}

// write keeps the hour, and corrects the number of open operations in the hours where one has ended since.
func (x *run) write(ctx context.Context, t task, h Hour, touched map[int64]bool) error {
	s := &t.of.state
	h.Open, h.Done = s.openOf(t.hour), x.Store.Now().UTC()
	delete(touched, t.hour.Unix())
	for _, began := range slices.Sorted(maps.Keys(touched)) {
		hour := time.Unix(began, 0).UTC()
		kept, ok, err := x.Store.LedgerHour(ctx, t.of.scope.Key(), hour)
		if err != nil || !ok {
			return err
		}
		earlier, err := ReadHour(kept)
		if err != nil {
			return err
		}
		earlier.Open = s.openOf(hour)
		if err := x.put(ctx, earlier); err != nil {
			return err
		}
	}
	x.count(func(sum *Sum) {
		sum.Hours++
		sum.Listed += h.Listed
		sum.Missed += h.Missed
		if !h.Proven() {
			sum.Unproven++
		}
	})
	return x.put(ctx, h)
}

func (x *run) put(ctx context.Context, h Hour) error {
	kept, err := h.kept()
	if err != nil {
		return err
	}
	return x.Store.SaveLedger(ctx, kept)
}
