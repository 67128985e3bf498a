package pipeline

import (
	"context"
	"time"
)

// Watches remembers in which hours somebody watched. A watcher that is dead rings for nothing, which looks like calm: the
// digest tells the two apart by what is noted here.
type Watches interface {
	// NoteWatched notes the hour of a moment; noting it twice is noting it once.
	NoteWatched(ctx context.Context, at time.Time) (ru float64, err error)
	// WatchedAt reports whether somebody watched in the hour of a moment.
	WatchedAt(ctx context.Context, at time.Time) (bool, error)
}

// noteWatched notes that this process has looked at everything, once in each hour.
func (p *Pipeline) noteWatched(ctx context.Context, b Batch) error {
	if p.Watches == nil {
		return nil
	}
	hour := p.Now().Unix() / 3600
	if p.noted.Load() == hour {
		return nil
	}
	if _, err := p.Watches.NoteWatched(ctx, p.Now()); err != nil {
		return err
	}
	p.noted.Store(hour)
	b.Logger.Info("watched", "hour", p.Now().UTC().Format("2006-01-02T15Z"))
	return nil
}

// watchedBefore reports whether somebody watched in the hour before.
func (p *Pipeline) watchedBefore(ctx context.Context, now time.Time) (bool, error) {
	if p.Watches == nil {
		return true, nil
	}
	return p.Watches.WatchedAt(ctx, now.Add(-time.Hour))
}
