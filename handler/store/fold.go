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
// must have the same group; the summary is one of its own whenever that group's window has ended.
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
	now := s.now()
	fresh := head.WindowEnds <= now.UnixMilli() || chunk0.Rule.ID == alert.BacklogRule // each chunk is a summary of its own
	if len(chunk) == 0 {
		have, at, err := s.alert(ctx, group, head.Alert)
		r.RU, r.Alert = r.RU+at.ru, have
		return r, err
	}
	var b batch
	rest := chunk
	if fresh {
		r.Alert = alert.New(chunk[0], now)
		rest = chunk[1:]
	} else if r.Alert, err = s.intoSummary(ctx, group, head.Alert, &r, &b); err != nil {
		return r, err
	}
	revision := r.Alert.Revision
	for _, f := range rest {
		r.Alert.Absorb(f, false, now)
	}
	if !fresh {
		r.Alert.Revision = revision + 1 // one chunk is one change to a reader
	}
	b.summary(r.Alert, head, fresh)
	for _, f := range chunk {
		b.create(seenItem(f.Event.ID, group, alert.Seen{Alert: r.Alert.ID}))
	}
	ru, err := s.transact(ctx, containerAlerts, group, &b)
	r.RU += ru
	return r, err
}

// intoSummary reads the summary that is open and notes its version in the batch.
func (s *Store) intoSummary(ctx context.Context, group, id string, r *alert.Decision, b *batch) (alert.Alert, error) {
	have, at, err := s.alert(ctx, group, id)
	r.RU += at.ru
	b.etag = at.etag
	return have, err
}

// summary writes the summary alert, and the head when it is a new one.
func (b *batch) summary(a alert.Alert, head pointer, fresh bool) {
	if !fresh {
		b.replace(a.ID, itemOf(a), b.etag)
		return
	}
	b.create(itemOf(a))
	b.head(a, head.etag)
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
