package verify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/source"
	"github.com/auditbell/auditbell/handler/tlog"
)

// dir reads a copy of a log's folder.
type dir struct{ fs.FS }

// maxCopied bounds a file of the copy: the largest ones list the records of an hour, in a hundred bytes each.
const maxCopied = 256 << 20

// Get implements tlog.Reader. The copy was made by the operator, so what is not a file of its own is not read.
func (d dir) Get(_ context.Context, name string) ([]byte, error) {
	info, err := fs.Lstat(d.FS, name)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a file but a %s, which is not followed", name, kindOf(info.Mode()))
	case info.Size() > maxCopied:
		return nil, fmt.Errorf("%s has %d bytes, more than the %d that are read of such a file", name, info.Size(), maxCopied)
	}
	return fs.ReadFile(d.FS, name)
}

// FindRecord looks for a record in a copy of the log, in the hours that bundles are about, and makes the question that
// CheckRecord answers.
func FindRecord(ctx context.Context, log fs.FS, bundles []fs.FS, id string) (q Question, err error) {
	files := dir{log}
	hours, err := hoursOf(ctx, files, bundles)
	if err != nil {
		return q, err
	}
	hour, found, err := hourOf(ctx, files, hours, id)
	if err != nil {
		return q, err
	}
	if !found {
		q.Searched = len(hours)
	}
	q.Proof, err = tlog.ProveRecord(ctx, files, hour, id)
	return q, err
}

// hoursOf are the hours of the log that bundles are about, after every entry of the log was checked against its newest
// checkpoint.
func hoursOf(ctx context.Context, files tlog.Reader, bundles []fs.FS) ([]tlog.HourEntry, error) {
	checkpoint, _, err := tlog.Newest(ctx, files)
	if err == nil {
		_, err = tlog.Entries(ctx, files, checkpoint)
	}
	if err != nil {
		return nil, err
	}
	var hours []tlog.HourEntry
	for _, folder := range bundles {
		w := window(folder)
		all, err := tlog.Hours(ctx, files, checkpoint, w.From.UTC().Truncate(time.Hour))
		if err != nil {
			return nil, err
		}
		for at, h := range all {
			if at.Before(w.To) {
				hours = append(hours, h)
			}
		}
	}
	if len(hours) == 0 {
		return nil, errors.New("the log has no hour of the digest's period")
	}
	slices.SortFunc(hours, func(a, b tlog.HourEntry) int { return a.Hour.Compare(b.Hour) })
	return hours, nil
}

// window is the period that a bundle is about.
func window(folder fs.FS) source.Window {
	text, err := readSmall(folder, digest.ManifestName)
	if err != nil {
		return source.Window{}
	}
	m, _, err := digest.ReadManifest(text)
	if err != nil {
		return source.Window{}
	}
	return m.Window
}

// hourOf finds the hour whose records have an id. When none has, it is the last one, and all were searched.
func hourOf(ctx context.Context, files tlog.Reader, hours []tlog.HourEntry, id string) (hour tlog.HourEntry, found bool, err error) {
	for _, hour = range hours {
		path := tlog.RecordsPath(hour.Hour, hour.Version)
		text, err := files.Get(ctx, path)
		if errors.Is(err, fs.ErrNotExist) {
			return hour, false, fmt.Errorf("the copy of the log lacks %s", path)
		}
		if err != nil {
			return hour, false, err
		}
		list, err := tlog.ParseRecords(text)
		if err != nil {
			return hour, false, fmt.Errorf("%s: %w", path, err)
		}
		if list.Root() != hour.Root {
			return hour, false, fmt.Errorf("%s was changed: the log has another root", path)
		}
		if _, found := list.Find(id); found {
			return hour, true, nil
		}
	}
	return hour, false, nil
}
