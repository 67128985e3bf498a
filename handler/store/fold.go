package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/auditbell/auditbell/handler/alert"
)

// foldChunk alerts are counted into a summary in one batch; a TransactionalBatch takes 100 operations.
const foldChunk = 80

// Fold counts findings, whose events stand for whole alerts, into one summary alert, each exactly once. All of them
// must have the same group. The summary is one of its own when that group's last one takes in no more (alert.Open).
func (s *Store) Fold(ctx context.Context, findings []alert.Finding) (summary alert.Alert, ru float64, err error) {
	for len(findings) > 0 {
		chunk := findings[:min(foldChunk, len(findings))]
		findings = findings[len(chunk):]
		r, err := s.decide(ctx, "fold alerts", func(round int) (alert.Decision, error) { return s.foldOnce(ctx, chunk, round) })
		summary, ru = r.Alert, ru+r.RU
		if err != nil {
			return summary, ru, err
		}
	}
	return summary, ru, nil
}

// foldOnce leaves out what an earlier attempt had counted and commits the others. In the first round it hopes that
// there is nothing to leave out.
func (s *Store) foldOnce(ctx context.Context, chunk []alert.Finding, round int) (alert.Decision, error) {
	chunk0 := chunk[0]
	group := chunk0.Group()
	var r alert.Decision
	head, err := s.pointer(ctx, group, headID, &r)
	if err != nil {
		return r, err
	}
	if round > 0 {
		if chunk, err = s.uncounted(ctx, group, chunk, &r); err != nil {
			return r, err
		}
	}
	last, err := s.lastSummary(ctx, group, head, &r)
	if err != nil {
		return r, err
	}
	if len(chunk) == 0 {
		r.Alert = *last.Alert
		return r, nil
	}
	var b batch
	if r.Alert, err = s.sum(ctx, chunk, last, &r, &b); err != nil {
		return r, err
	}
	if r.Alert.ID != head.Alert {
		b.head(r.Alert, head.etag)
	}
	for _, f := range chunk {
		b.create(seenItem(f.Event.ID, group, alert.Seen{Alert: r.Alert.ID}))
	}
	ru, err := s.transact(ctx, containerAlerts, group, &b)
	r.RU += ru
	return r, err
}

// written is an alert as the store has it; nil: there is none.
type written struct {
	*alert.Alert
	version
}

// lastSummary reads the last summary of a group. One that was removed is none, unless findings must go into it.
func (s *Store) lastSummary(ctx context.Context, group string, head pointer, r *alert.Decision) (last written, err error) {
	if head.Alert == "" {
		return last, nil
	}
	have, at, err := s.alert(ctx, group, head.Alert)
	if r.RU += at.ru; errors.Is(err, errNotFound) && head.WindowEnds <= s.now().UnixMilli() {
		return last, nil
	}
	return written{&have, at}, err
}

// sum counts findings in the last summary, or in a new one that follows it.
func (s *Store) sum(ctx context.Context, chunk []alert.Finding, last written, r *alert.Decision, b *batch) (alert.Alert, error) {
	now := s.now()
	if last.Alert == nil || chunk[0].Rule.ID == alert.BacklogRule || !last.Open(now) { // each chunk of a backlog is a summary of its own
		a := alert.Summary(chunk, last.Alert, now)
		b.create(itemOf(a))
		return a, nil
	}
	var before *alert.Alert
	if t := last.Tally; t != nil && t.Before != "" {
		have, at, err := s.alert(ctx, last.Group, t.Before)
		if r.RU += at.ru; err != nil && !errors.Is(err, errNotFound) {
			return have, err
		}
		before = &have
	}
	last.Sum(chunk, before, now)
	b.replace(last.ID, itemOf(*last.Alert), last.etag)
	return *last.Alert, nil
}

// uncounted returns the findings that no earlier attempt had counted.
func (s *Store) uncounted(ctx context.Context, group string, chunk []alert.Finding, r *alert.Decision) ([]alert.Finding, error) {
	var left []alert.Finding
	for _, f := range chunk {
		seen, err := s.pointer(ctx, group, "seen-"+f.Event.ID, r)
		if err != nil {
			return nil, err
		}
		if seen.Alert == "" {
			left = append(left, f)
		}
	}
	return left, nil
}

// Change applies a change to an alert as it is now; apply says whether there is anything to write and may run more
// than once.
func (s *Store) Change(ctx context.Context, ref alert.Ref, apply func(*alert.Alert) bool) (ru float64, err error) {
	ru, err = s.update(ctx, ref, apply)
	if err != nil && !errors.Is(err, errNotFound) {
		return ru, fmt.Errorf("change alert: %w", err)
	}
	return ru, nil
}
