package publish

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/auditbell/auditbell/handler/digest/archive"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/store"
	"github.com/auditbell/auditbell/handler/tlog"
)

const (
	// loggedAfter is how long after its end an hour is logged: reconciliation's last look is over then.
	loggedAfter = 27 * time.Hour
	// loggedFor is how long it is looked whether records of a logged hour came late.
	loggedFor = 7 * 24 * time.Hour
)

// Run logs hours whose last look is over, and logs those again that records were late for. counted are rollups of hours whose
// events were counted just now.
func (l *Log) Run(ctx context.Context, r *Rollups, counted map[time.Time]store.Rollup, b pipeline.Batch) error {
	log := b.Logger
	t, err := l.get(ctx, log)
	if err != nil {
		return err
	}
	c, _, err := t.Head(ctx)
	if err != nil {
		return err
	}
	now := r.Now().UTC()
	newest := now.Add(-loggedAfter).Truncate(time.Hour).Add(-time.Hour)
	logged, err := tlog.Hours(ctx, l.files, c, newest.Add(-loggedFor))
	if err != nil {
		return err
	}
	var entries [][]byte
	rolled := rolledUp{Rollups: r, counted: counted}
	for hour := newest.Add(-loggedFor); !hour.After(newest); hour = hour.Add(time.Hour) {
		have, ok := logged[hour]
		if _, fresh := counted[hour]; ok && !fresh && now.Hour()%RecheckEvery != 0 {
			continue // every hour of these days is counted that often
		}
		one, more, err := rolled.since(ctx, hour, have)
		if err != nil {
			return err
		}
		if !more {
			continue
		}
		if entry, err := l.hour(ctx, r, one, have); err != nil {
			return err
		} else if entry != nil {
			entries = append(entries, entry)
		}
	}
	if err := t.Append(ctx, entries...); err != nil {
		return err
	}
	_, signed := l.cosign(ctx, t, b)
	log.Info("hours logged", "hours", len(entries), "witnesses", signed)
	return nil
}

// rolledUp reads the rollups of hours that may be to be logged: those that are kept without their bodies, a day at once, for most
// are looked at for their number of events alone.
type rolledUp struct {
	*Rollups

	counted map[time.Time]store.Rollup // just now
	day     time.Time
	kept    map[time.Time]store.Rollup // of that day; nil: none was read
}

// since is the rollup of an hour, and whether it has more than was logged. An hour from before Auditbell was there has none.
func (r *rolledUp) since(ctx context.Context, hour time.Time, logged tlog.HourEntry) (one store.Rollup, more bool, err error) {
	one, fresh := r.counted[hour]
	if !fresh {
		if one, more, err = r.keptOf(ctx, hour); err != nil || !more {
			return one, false, err
		}
	}
	if logged.Version > 0 && one.Events <= logged.Records {
		return one, false, nil
	}
	if !fresh {
		one, err = r.fresh(ctx, one, &rollupSum{})
	}
	return one, err == nil, err
}

func (r *rolledUp) keptOf(ctx context.Context, hour time.Time) (one store.Rollup, ok bool, err error) {
	if day := hour.Truncate(24 * time.Hour); r.kept == nil || !day.Equal(r.day) {
		if r.kept, err = r.Store.RollupHeads(ctx, day); err != nil {
			return one, false, err
		}
		r.day = day
	}
	one, ok = r.kept[hour]
	return one, ok, nil
}

// hour is the entry to log for an hour, nil for none.
func (l *Log) hour(ctx context.Context, r *Rollups, rolled store.Rollup, have tlog.HourEntry) ([]byte, error) {
	hour := rolled.Hour.UTC()
	list, err := hourRecords(ctx, r, rolled)
	if err != nil || have.Version > 0 && list.Root() == have.Root {
		return nil, err
	}
	version, why := have.Version+1, tlog.WhyClosed
	if version > 1 {
		why = tlog.WhyLate
	}
	path := tlog.RecordsPath(hour, version)
	if err := l.files.Put(ctx, path, "text/plain", list.Text()); errors.Is(err, archive.ErrOther) {
		// An earlier run wrote the list and was killed before it logged it. What came since is the next version's.
		text, err := l.files.Get(ctx, path)
		if err != nil {
			return nil, err
		}
		if list, err = tlog.ParseRecords(text); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	return list.Entry(hour, version, why).Entry(), nil
}

// hourRecords are the records of an hour as they are stored now: as they were hashed when the hour was rolled up, where nothing
// came since, and read again otherwise.
func hourRecords(ctx context.Context, r *Rollups, rolled store.Rollup) (tlog.Records, error) {
	text, ok := rolled.Sums, rolled.Sums != ""
	if !ok {
		var err error
		if text, ok, err = r.Store.Sums(ctx, rolled); err != nil {
			return nil, err
		}
	}
	if list, err := tlog.ParseRecords([]byte(text)); ok && err == nil && len(list) == rolled.Events {
		return list, nil
	}
	var sums hashedRecords
	for raw, err := range r.Store.HourRecords(ctx, rolled.Hour) {
		sums.add(raw, err)
	}
	if sums.err != nil {
		return nil, fmt.Errorf("read records of %s: %w", rolled.Hour.Format("2006-01-02T15Z"), sums.err)
	}
	return tlog.SortRecords(sums.list), nil
}

// hashedRecords are records, hashed while another reads them.
type hashedRecords struct {
	reader tlog.RecordReader
	list   []tlog.Record
	err    error // the first: the list is not whole
}

// watch yields records and hashes them.
func (h *hashedRecords) watch(records iter.Seq2[[]byte, error]) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for raw, err := range records {
			h.add(raw, err)
			if !yield(raw, err) {
				return
			}
		}
	}
}

func (h *hashedRecords) add(raw []byte, err error) {
	if h.err == nil && err == nil {
		var one tlog.Record
		if one, err = h.reader.Read(raw); err == nil {
			h.list = append(h.list, one)
		}
	}
	h.err = cmp.Or(h.err, err)
}

// text is the list as a rollup keeps it, "" when it is not whole, or so long that reading the records again is better.
func (h *hashedRecords) text() string {
	const most = 1 << 16
	if h.err != nil || len(h.list) > most {
		return ""
	}
	return string(tlog.SortRecords(h.list).Text())
}
