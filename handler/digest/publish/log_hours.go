package publish

import (
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

// Run logs hours whose last look is over, and logs those again that records were late for. rolled are rollups that were read
// just now.
func (l *Log) Run(ctx context.Context, r *Rollups, rolled map[time.Time]store.Rollup, b pipeline.Batch) error {
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
	for hour := newest.Add(-loggedFor); !hour.After(newest); hour = hour.Add(time.Hour) {
		have, ok := logged[hour]
		if old := hour.Before(newest.Add(-24 * time.Hour)); ok && old && now.Hour()%RecheckEvery != 0 {
			continue
		}
		one, read := rolled[hour]
		if !read {
			one, read, err = r.Store.Rollup(ctx, hour)
		}
		if err != nil {
			return err
		}
		if !read {
			continue // from before Auditbell was there
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

// hour is the entry to log for an hour, nil for none.
func (l *Log) hour(ctx context.Context, r *Rollups, rolled store.Rollup, have tlog.HourEntry) ([]byte, error) {
	hour := rolled.Hour.UTC()
	if have.Version > 0 && rolled.Events <= have.Records {
		return nil, nil
	}
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
	rolled, err := r.fresh(ctx, rolled, &rollupSum{})
	if err != nil {
		return nil, err
	}
	text, ok := rolled.Sums, rolled.Sums != ""
	if !ok {
		if text, ok, err = r.Store.Sums(ctx, rolled); err != nil {
			return nil, err
		}
	}
	if list, err := tlog.ParseRecords([]byte(text)); ok && err == nil && len(list) == rolled.Events {
		return list, nil
	}
	var sums hashedRecords
	for range sums.watch(r.Store.HourRecords(ctx, rolled.Hour)) { //nolint:revive // it watches
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
			if h.err == nil && err == nil {
				var one tlog.Record
				if one, h.err = h.reader.Read(raw); h.err == nil {
					h.list = append(h.list, one)
				}
			} else if h.err == nil {
				h.err = err
			}
			if !yield(raw, err) {
				return
			}
		}
	}
}

// text is the list as a rollup keeps it, "" when it is not whole, or so long that reading the records again is better.
func (h *hashedRecords) text() string {
	const most = 1 << 16
	if h.err != nil || len(h.list) > most {
		return ""
	}
	return string(tlog.SortRecords(h.list).Text())
}
