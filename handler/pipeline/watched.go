package pipeline

import (
	"context"
	"time"
)

// Hours remembers in which hours a process watched. A process that is dead alerts about nothing, which looks like a quiet
// day: the digest distinguishes the two by what is noted here.
type Hours interface {
	// NoteWatched notes the hour of a moment; noting it twice is noting it once.
	NoteWatched(ctx context.Context, at time.Time) (ru float64, err error)
	// WatchedAt reports whether a process watched in the hour of a moment.
	WatchedAt(ctx context.Context, at time.Time) (bool, error)
}

// noteWatched notes that this process has looked at everything, once in each hour.
func (w *Watch) noteWatched(ctx context.Context, b Batch) error {
	hour := w.judge.Now().Unix() / 3600
	if w.noted.Load() == hour {
		return nil
	}
	if _, err := w.hours.NoteWatched(ctx, w.judge.Now()); err != nil {
		return err
	}
	w.noted.Store(hour)
	b.Logger.Info("watched", "hour", w.judge.Now().UTC().Format("2006-01-02T15Z"))
	return nil
}

// watchedBefore reports whether a process watched in the hour before.
func (w *Watch) watchedBefore(ctx context.Context, now time.Time) (bool, error) {
	return w.hours.WatchedAt(ctx, now.Add(-time.Hour))
}
