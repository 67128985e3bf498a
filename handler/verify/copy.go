package verify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/tlog"
)

// logCopy is a copy of the log of which every entry was checked against its newest checkpoint.
type logCopy struct {
	checkpoint tlog.Checkpoint
	steps      []tlog.Step
	leaves     tlog.Leaves
	logged     map[string]bool                // every entry
	hours      map[time.Time][]tlog.HourEntry // the versions of each hour, in their order
	files      tlog.Reader
}

// openCopy reads a copy of the log. Its newest checkpoint must be signed with a key that the reader gave, where one was.
func openCopy(ctx context.Context, folder fs.FS, keys []tlog.Key) (*logCopy, error) {
	files := dir{folder}
	c, note, err := tlog.Newest(ctx, files)
	if err != nil {
		return nil, err
	}
	entries, err := tlog.Entries(ctx, files, c)
	if err != nil {
		return nil, err
	}
	steps := tlog.FollowEntries(keys, entries)
	if len(keys) > 0 {
		if _, _, _, err := tlog.OpenCheckpoint(note, withSteps(keys, steps), nil); err != nil {
			return nil, explain(note, keys, err)
		}
	}
	l := &logCopy{checkpoint: c, steps: steps, logged: map[string]bool{}, hours: map[time.Time][]tlog.HourEntry{}, files: files}
	for _, e := range entries {
		l.leaves, l.logged[string(e)] = append(l.leaves, tlog.LeafHash(e)), true
		if err := l.hour(e); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// hour takes in an entry of an hour. Each version of an hour is logged once, after the one before it: of two, either could be
// shown as what our record was.
func (l *logCopy) hour(entry []byte) error {
	h, err := tlog.ParseHour(entry)
	if err != nil {
		return nil //nolint:nilerr // it is of something else
	}
	have := l.newest(h.Hour)
	switch {
	case h == have: // a retry logged it once more
	case h.Version == have.Version+1:
		l.hours[h.Hour] = append(l.hours[h.Hour], h)
	case h.Version > have.Version:
		return fmt.Errorf("the log has version %d of %s after version %d", h.Version, h.Hour.Format(time.RFC3339), have.Version)
	default:
		return fmt.Errorf("the log has two entries of version %d of %s: it was rewritten by a further one", h.Version, h.Hour.Format(time.RFC3339))
	}
	return nil
}

// newest is the newest version of an hour, zero for none.
func (l *logCopy) newest(hour time.Time) (h tlog.HourEntry) {
	if all := l.hours[hour]; len(all) > 0 {
		h = all[len(all)-1]
	}
	return h
}

// records reads the records of an hour, newest version. Those of each version must be what was logged, sorted, and each of them once;
// a later version has those of the one before and further ones, or the hour was rewritten and not amended.
func (l *logCopy) records(ctx context.Context, hour time.Time) (list tlog.Records, err error) {
	for _, h := range l.hours[hour] {
		path, before := tlog.RecordsPath(h.Hour, h.Version), list
		text, err := l.files.Get(ctx, path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("the copy of the log lacks %s: %w", path, fs.ErrNotExist)
		}
		if err == nil {
			list, err = tlog.ParseRecords(text)
		}
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s: %w", path, err)
		case list.Root() != h.Root || len(list) != h.Records:
			return nil, fmt.Errorf("%s was changed: the log has another root", path)
		}
		for _, r := range before {
			switch at, found := list.Find(r.ID); {
			case !found:
				return nil, fmt.Errorf("%s was rewritten: version %d lacks record %s of the one before", hour.Format(time.RFC3339), h.Version, printable(r.ID))
			case list[at] != r:
				return nil, fmt.Errorf("%s was rewritten: record %s is another one in version %d", hour.Format(time.RFC3339), printable(r.ID), h.Version)
			}
		}
	}
	return list, nil
}

// open opens the copy of the log that the reader gave, nil where there is none, and follows its keys.
func (r *Result) open(ctx context.Context, t *Trust) (*logCopy, error) {
	if t.Log == nil {
		return nil, nil
	}
	l, err := openCopy(ctx, t.Log, t.LogKeys)
	if err != nil {
		return nil, err
	}
	r.steps = l.steps
	t.LogKeys = withSteps(t.LogKeys, l.steps)
	return l, nil
}

// compare holds bundles against a copy of the log: its beginning is the log of each bundle, and the hours that a bundle
// lists are in it.
func (r *Result) compare(ctx context.Context, folders []fs.FS, l *logCopy, err error) {
	if err != nil {
		r.Chain = append(r.Chain, check("copy of the log", err, ""))
		return
	}
	r.Chain = append(r.Chain, check("copy of the log", nil, fmt.Sprintf("%d entries, all of them those of its newest checkpoint", l.checkpoint.Size)))
	for i := range r.Bundles {
		b := &r.Bundles[i]
		if b.Logged != nil {
			b.add("log since then", l.begins(b.Logged), fmt.Sprintf("only grew, from %d to %d entries", b.Logged.Size, l.checkpoint.Size))
			b.Logged.copied = true
		}
		if b.listed(digest.HoursName) {
			b.compareHours(ctx, folders[i], l)
		}
	}
}

// begins checks that the copy begins with the log that a bundle is in.
func (l *logCopy) begins(then *Logged) error {
	if then.Size > l.checkpoint.Size {
		return fmt.Errorf("the copy is older, or was truncated: it has %d entries, and had %d then", l.checkpoint.Size, then.Size)
	}
	root, err := tlog.Root(l.leaves, then.Size)
	if err == nil && root != then.Root {
		err = errors.New("the log was rewritten: its entries of then are not the first of those of now")
	}
	return err
}

// compareHours checks that the hours which a bundle lists are in the log, and says which were amended since.
func (b *Bundle) compareHours(ctx context.Context, folder fs.FS, l *logCopy) {
	text, err := readSmall(folder, digest.HoursName)
	var hours map[time.Time]tlog.HourEntry
	if err == nil {
		hours, _, err = readHours(text)
	}
	amended, unread := 0, 0
	for at, h := range hours {
		switch now := l.newest(at); {
		case !l.logged[string(h.Entry())]:
			err = errors.Join(err, fmt.Errorf("%s is not in the log as the digest has it: it was rewritten", at.Format(time.RFC3339)))
		case now.Version > h.Version:
			amended++
			if _, wrong := l.records(ctx, at); errors.Is(wrong, fs.ErrNotExist) {
				unread++
			} else {
				err = errors.Join(err, wrong)
			}
		}
	}
	detail := fmt.Sprintf("all %d that the digest lists are there; %d were amended since", len(hours), amended)
	if unread == 0 {
		detail += ", by records that came late"
	}
	b.add("hours in the log", err, detail)
	if unread > 0 {
		b.open = append(b.open, fmt.Sprintf("That %d amended hours of %s have what they had and more: the copy of the log lacks lists of their records.", unread, b.Period))
	}
	b.hoursLogged = err == nil
}
