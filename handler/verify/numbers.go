package verify

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
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
	if b.listed("report.json") {
		b.count("report.json", "numbers in report.json", b.report(folder), fmt.Sprintf("%d entries, %d of high risk, and the sums agree", m.Counts.Entries, m.Counts.HighRisk))
	}
	if b.listed("operations.csv") {
		b.count("operations.csv", "lines in operations.csv", lines(folder, m), fmt.Sprintf("%d operations", m.Counts.Operations))
	}
	if b.listed(digest.HoursName) {
		b.count(digest.HoursName, "hours listed", b.hours(folder), "")
	}
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

// recount is what is read of report.json.
type recount struct {
	Period     string           `json:"period"`
	Summary    digest.Summary   `json:"summary"`
	ByCategory map[string]int64 `json:"by_category"`
	ByOutcome  map[string]int64 `json:"by_outcome"`
	HighRisk   []struct{}       `json:"high_risk_operations"`
	Alerts     struct {
		List []struct{} `json:"list"`
	} `json:"alerts"`
	Completeness struct {
		Ledger *compared `json:"ledger"`
	} `json:"completeness"`
}

// compared is what report.json says of the comparison with Azure.
type compared struct {
	Off      string `json:"off"`
	Expected int    `json:"hours_expected"`
	Checked  int    `json:"hours_checked"`
	Unproven []struct {
		Subscription string    `json:"subscription"`
		From         time.Time `json:"from"`
		To           time.Time `json:"to"`
		Hours        int       `json:"hours"`
		Why          string    `json:"why"`
	} `json:"unproven"`
}

func (b *Bundle) report(folder fs.FS) error {
	file, err := openRegular(folder, "report.json")
	if err != nil {
		return err
	}
	defer file.Close()
	var r recount
	in := json.NewDecoder(bufio.NewReaderSize(file, 64<<10))
	if err := in.Decode(&r); err != nil {
		return fmt.Errorf("read report.json: %w", err)
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return errors.New("read report.json: something follows its end")
	}
	b.uncompared(r.Completeness.Ledger)
	return r.agree(b.manifest)
}

// agree compares the report's numbers with each other and with the manifest's.
func (r *recount) agree(m digest.Manifest) error {
	sum := func(counts map[string]int64) (total int64) {
		for _, n := range counts {
			total += n
		}
		return total
	}
	var wrong []error
	differ := func(what string, got, want int64) {
		if got != want {
			wrong = append(wrong, fmt.Errorf("%s: %d, expected %d", what, got, want))
		}
	}
	differ("entries", r.Summary.Total, m.Counts.Entries)
	differ("high-risk entries listed", int64(len(r.HighRisk)), m.Counts.HighRisk)
	differ("alerts listed", int64(len(r.Alerts.List)), m.Counts.Alerts)
	differ("sum of outcomes", sum(r.ByOutcome), r.Summary.Total)
	differ("succeeded", r.ByOutcome["Succeeded"], r.Summary.Successful)
	differ("failed", r.ByOutcome["Failed"], r.Summary.Failed)
	if got := sum(r.ByCategory); got > r.Summary.Total {
		differ("sum of categories", got, r.Summary.Total)
	}
	if r.Period != m.Period {
		wrong = append(wrong, fmt.Errorf("the period is %q, the manifest says %q", printable(r.Period), printable(m.Period)))
	}
	return errors.Join(wrong...)
}

// uncompared notes scopes and hours that were not compared with what Azure lists.
func (b *Bundle) uncompared(l *compared) {
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

// lines counts the rows of operations.csv.
func lines(folder fs.FS, m digest.Manifest) error {
	file, err := openRegular(folder, "operations.csv")
	if err != nil {
		return err
	}
	defer file.Close()
	in := csv.NewReader(bufio.NewReaderSize(file, 256<<10))
	in.ReuseRecord = true
	n := int64(-1) // the head
	for {
		if _, err := in.Read(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return fmt.Errorf("read operations.csv: %w", err)
		}
		n++
	}
	if n != m.Counts.Operations {
		return fmt.Errorf("%d operations, the manifest says %d", n, m.Counts.Operations)
	}
	return nil
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
	for at := m.Window.From.UTC().Truncate(time.Hour); at.Before(m.Window.To); at = at.Add(time.Hour) {
		whole++
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
