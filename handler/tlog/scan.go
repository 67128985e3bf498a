package tlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// RecordsPath is where the list of an hour's records lies below the log's folder. It is written before its entry.
func RecordsPath(hour time.Time, version int) string {
	return fmt.Sprintf("hours/%s/%d.records", hour.UTC().Format("2006010215"), version)
}

// Hours reads the newest entries of the hours from from on. Hours are logged in their order, but for those that are logged
// again, so reading ends with the bundle of entries in which an older hour is logged for the first time.
func Hours(ctx context.Context, files Reader, c Checkpoint, from time.Time) (newest map[time.Time]HourEntry, err error) {
	newest = map[time.Time]HourEntry{}
	for end, older := c.Size, false; end > 0 && !older; {
		at := tileAt(-1, end-1, c.Size)
		list, err := readEntries(ctx, files, at)
		if err != nil {
			return nil, err
		}
		for _, e := range list {
			h, err := ParseHour(e)
			if err != nil {
				continue // a manifest, or a rotation
			}
			if h.Hour.Before(from) {
				older = older || h.Version == 1
				continue
			}
			if h.Version > newest[h.Hour].Version {
				newest[h.Hour] = h
			}
		}
		end = at.n * tileWidth
	}
	return newest, nil
}

// Newest finds the newest checkpoint of a log whose files are here, with the signatures of witnesses where they are kept.
// No signature is checked: that is for the reader of the proofs that are made with it.
func Newest(ctx context.Context, files Reader) (c Checkpoint, note []byte, err error) {
	l := &Log{keeper: reading{files}, open: PeekCheckpoint}
	if err := l.forward(ctx); err != nil {
		return c, nil, err
	}
	if l.head.note == nil {
		return c, nil, errors.New("read log: it has no checkpoint")
	}
	note, err = l.seen(ctx)
	return l.head.Checkpoint, note, err
}

// seen is the newest checkpoint with the signatures of witnesses, where there are some. The file with them is another one, which
// may have been put there by a party that means another checkpoint.
func (l *Log) seen(ctx context.Context) ([]byte, error) {
	path := cosignedPath(l.head.batches)
	note, err := l.keeper.Get(ctx, path)
	if errors.Is(err, fs.ErrNotExist) {
		return l.head.note, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read log: %w", err)
	}
	if c, err := PeekCheckpoint(note); err != nil || c != l.head.Checkpoint {
		return nil, fmt.Errorf("read log %s: it is not the checkpoint that is at %s", path, checkpointPath(l.head.batches))
	}
	return note, nil
}

func cosignedPath(batches uint64) string { return "cosigned/" + number(batches) }

// reading is a Keeper that keeps nothing.
type reading struct{ Reader }

func (reading) Put(context.Context, string, string, []byte) error {
	return errors.New("the log is only read here")
}

// ProveRecord proves, from a log's files, that a record was in our record of an hour, or that none of that id was.
func ProveRecord(ctx context.Context, files Reader, hour HourEntry, id string) ([]byte, error) {
	c, note, err := Newest(ctx, files)
	if err != nil {
		return nil, err
	}
	text, err := files.Get(ctx, RecordsPath(hour.Hour, hour.Version))
	if err != nil {
		return nil, fmt.Errorf("read the records of %s: %w", hour.Hour.Format(hourLayout), err)
	}
	list, err := ParseRecords(text)
	if err != nil {
		return nil, err
	}
	if list.Root() != hour.Root || len(list) != hour.Records {
		return nil, fmt.Errorf("the list of the records of %s was changed: the log has another root", hour.Hour.Format(hourLayout))
	}
	inner, err := list.Prove(hour, id)
	if err != nil {
		return nil, err
	}
	proof, err := Prove(ctx, files, c, hour.Entry(), note)
	if err != nil {
		return nil, err
	}
	proof.Extra, err = inner.Text()
	return proof.Text(), err
}

// Entries reads every entry of a log, and checks against a checkpoint that they are all there, in their order.
func Entries(ctx context.Context, files Reader, c Checkpoint) (all [][]byte, err error) {
	var leaves Leaves
	for i := uint64(0); i < c.Size; i += tileWidth {
		list, err := readEntries(ctx, files, tileAt(-1, i, c.Size))
		if err != nil {
			return nil, err
		}
		for _, e := range list {
			all, leaves = append(all, e), append(leaves, LeafHash(e))
		}
	}
	root, err := Root(leaves, c.Size)
	if err == nil && root != c.Root {
		err = errors.New("read log: its entries are not those of its newest checkpoint")
	}
	return all, err
}
