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
	l, err := openCopy(ctx, log, nil)
	if err != nil {
		return q, err
	}
	hours := l.hoursOf(bundles)
	if len(hours) == 0 {
		return q, errors.New("the log has no hour of the digest's period")
	}
	hour, found := hours[0], false
	for i := 0; i < len(hours) && !found; i++ {
		hour = hours[i]
		list, err := l.records(ctx, hour)
		if err != nil {
			return q, err
		}
		_, found = list.Find(id)
	}
	if q.Whole = true; !found {
		q.Searched = len(hours)
	}
	q.Proof, err = tlog.ProveRecord(ctx, l.files, l.newest(hour), id)
	return q, err
}

// hoursOf are the hours of the log that bundles are about, in the order of time.
func (l *logCopy) hoursOf(bundles []fs.FS) (hours []time.Time) {
	for _, folder := range bundles {
		w := window(folder)
		for at := range l.hours {
			if !at.Before(w.From.UTC().Truncate(time.Hour)) && at.Before(w.To) {
				hours = append(hours, at)
			}
		}
	}
	slices.SortFunc(hours, time.Time.Compare)
	return slices.Compact(hours)
}

// ProvenRecord is the question that a proof of a record answers. With a copy of the log the list of the record's hour is read whole,
// because a proof alone cannot show that it has no second record of that id, nor that it is sorted.
func ProvenRecord(ctx context.Context, log fs.FS, proof []byte) (Question, error) {
	q := Question{Proof: proof}
	_, inner, err := parseRecordProof(proof)
	if err != nil || log == nil {
		return q, nil //nolint:nilerr // CheckRecord says what is wrong with it
	}
	hour, err := tlog.ParseHour([]byte(inner.Entry))
	if err != nil {
		return q, nil //nolint:nilerr // as above
	}
	l, err := openCopy(ctx, log, nil)
	if err == nil && !l.logged[inner.Entry] {
		err = fmt.Errorf("the copy of the log has no version %d of %s like that of the proof", hour.Version, hour.Hour.Format(time.RFC3339))
	}
	if err == nil {
		_, err = l.records(ctx, hour.Hour)
	}
	q.Whole = err == nil
	return q, err
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
