package verify

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/tlog"
)

// recount counts again what the manifest states, in the files that it lists: a file that is not listed proves nothing,
// whatever its numbers.
func (b *Bundle) recount(folder fs.FS) {
	m := b.manifest
	if m.Window.To.After(m.GeneratedAt) && !m.GeneratedAt.IsZero() && !m.Window.To.IsZero() && b.listed("report.json") {
		b.open = append(b.open, "That the period is whole: the digest was made before its period was over.")
	}
	b.recountReport(folder)
	if b.listed(digest.HoursName) {
		b.count(digest.HoursName, "hours listed", b.hours(folder), "")
	}
}

// recountReport reads report.json and operations.csv, both at once, and holds the one against the other.
func (b *Bundle) recountReport(folder fs.FS) {
	m := b.manifest
	seed, n := maphash.MakeSeed(), max(m.Counts.HighRisk, m.Counts.Operations)
	var t *table
	var tableErr error
	var wait sync.WaitGroup
	if b.listed("operations.csv") {
		wait.Go(func() { t, tableErr = readTable(folder, newCells(seed, n), nil) })
	}
	var r *report
	if b.listed("report.json") {
		var err error
		if r, err = readReport(folder, newCells(seed, n), m.Window); err == nil {
			b.uncompared(r.Completeness.Ledger)
			err = r.agree(m)
		}
		b.count("report.json", "numbers in report.json", err, fmt.Sprintf("%d entries, %d of high risk, and the sums agree", m.Counts.Entries, m.Counts.HighRisk))
	}
	wait.Wait()
	if !b.listed("operations.csv") {
		return
	}
	detail := fmt.Sprintf("%d operations", m.Counts.Operations)
	if tableErr == nil && t.rows != m.Counts.Operations {
		tableErr = fmt.Errorf("%d operations, the manifest says %d", t.rows, m.Counts.Operations)
	}
	if tableErr == nil && r != nil && t.known {
		tableErr, detail = t.compare(folder, r), detail+", each of entries that report.json lists"
		b.tableHeld, b.unheld = tableErr == nil, t.other
	}
	b.count("operations.csv", "lines in operations.csv", tableErr, detail)
}

func (b *Bundle) listed(name string) bool {
	return slices.ContainsFunc(b.manifest.Files, func(f digest.File) bool { return f.Name == name })
}

func (b *Bundle) count(file, name string, err error, detail string) {
	if errors.Is(err, fs.ErrNotExist) {
		return // the file has its own finding
	}
	if err == nil {
		b.recounted = append(b.recounted, file)
	}
	if err != nil || detail != "" {
		b.add(name, err, detail)
	}
}

// uncompared notes scopes and hours that were not compared with what Azure lists.
func (b *Bundle) uncompared(l *digest.Ledger) {
	switch {
	case l == nil:
		b.open = append(b.open, "That nothing is missing: the entries of "+b.Period+" were not compared with what Azure lists.")
		return
	case l.Off != "":
		b.open = append(b.open, fmt.Sprintf("That nothing is missing: the entries of %s were not compared with what Azure lists (%s).", b.Period, printable(l.Off)))
		return
	}
	const most = 5
	for i, u := range l.Unproven {
		if i == most {
			b.open = append(b.open, fmt.Sprintf("The same of %d more spans of hours; report.json lists them.", len(l.Unproven)-most))
			break
		}
		b.open = append(b.open, fmt.Sprintf("That nothing is missing in %s from %s to %s (%d hours): %s.",
			printable(u.Subscription), u.From.UTC().Format(time.RFC3339), u.To.UTC().Format(time.RFC3339), u.Hours, printable(u.Why)))
	}
}

// hours reads what the log has of the period's hours, and compares it with what the digest counted.
func (b *Bundle) hours(folder fs.FS) error {
	text, err := readSmall(folder, digest.HoursName)
	if err != nil {
		return err
	}
	logged, records, err := readHours(text)
	if err != nil {
		return err
	}
	m, whole := b.manifest, 0
	from := m.Window.From.UTC().Truncate(time.Hour)
	for at := from; at.Before(m.Window.To); at = at.Add(time.Hour) {
		whole++
	}
	for at := range logged {
		if at.Before(from) || !at.Before(m.Window.To) {
			return fmt.Errorf("%s is there, which is not of the period", at.Format(time.RFC3339))
		}
	}
	if len(logged) < whole {
		b.open = append(b.open, fmt.Sprintf("What the record was in %d of the %d hours of %s: the digest lists no entry of the log for them.", whole-len(logged), whole, b.Period))
	} else if m.Counts.Entries > records {
		return fmt.Errorf("the digest counts %d entries, and the log has %d records of its hours: some were invented", m.Counts.Entries, records)
	}
	b.add("hours listed", nil, fmt.Sprintf("%d of %d hours, %d records; the digest counts %d entries", len(logged), whole, records, m.Counts.Entries))
	return nil
}

// readHours reads a list of entries, one after the other, and returns the newest version of each hour.
func readHours(text []byte) (newest map[time.Time]tlog.HourEntry, records int64, err error) {
	newest = map[time.Time]tlog.HourEntry{}
	const lines = 6 // of an entry
	for len(text) > 0 {
		end := 0
		for range lines {
			if n := bytes.IndexByte(text[end:], '\n'); n >= 0 {
				end += n + 1
			}
		}
		h, err := tlog.ParseHour(text[:max(end, 1)])
		if err != nil {
			return nil, 0, fmt.Errorf("read %s: %w", digest.HoursName, err)
		}
		if old, ok := newest[h.Hour]; ok && old.Version >= h.Version {
			return nil, 0, fmt.Errorf("read %s: %s is there twice", digest.HoursName, h.Hour.Format(time.RFC3339))
		}
		newest[h.Hour], text = h, text[end:]
	}
	for _, h := range newest {
		records += int64(h.Records)
	}
	return newest, records, nil
}
