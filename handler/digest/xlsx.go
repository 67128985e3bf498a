package digest

import (
	"fmt"
	"io"
	"iter"
	"slices"
)

// XLSX writes a workbook for those who want to sort and filter. Every text is stored as text: nothing an event brought
// can become a formula.
func XLSX(w io.Writer, r Report) error {
	b := workbook{r: &r}
	book := newBook(w, "Azure Activity Log digest, "+r.Period, r.GeneratedAt)
	book.sheet("Summary", []string{"what", "value"}, slices.Values(b.summary()))
	book.sheet("High-risk operations", caseColumns, b.cases())
	book.sheet("Role assignments", []string{"time", "action", "role", "principal", "principal type", "caller", "scope", "status", "event id"}, slices.Values(b.roles()))
	book.sheet("Deletions", []string{"resource type", "count"}, slices.Values(counts(r.Deletions.ByType)))
	book.sheet("Failures", []string{"operation", "count"}, slices.Values(counts(r.Failures.ByOperation)))
	book.sheet("Most frequent", []string{"kind", "name", "entries", "failed", "high risk"}, slices.Values(b.top()))
	book.sheet("Days", append([]string{"date", "entries", "high risk"}, hourNames()...), slices.Values(b.days()))
	book.sheet("Alerts", []string{"opened", "severity", "rule", "rule author", "headline", "caller", "resource", "operations", "first delivered", "answers", "id"}, slices.Values(b.alerts()))
	book.sheet("Controls", []string{"control", "verdict", "seen", "rung", "excepted", "alerts", "delivered", "p50 s", "p95 s", "acknowledged by"}, slices.Values(b.controls()))
	book.sheet("Daily test", []string{"date", "status", "due", "sent", "destination", "delivered", "held until", "seconds", "late", "reason"}, slices.Values(b.tests()))
	book.sheet("Evidence", []string{"what", "value"}, slices.Values(b.evidence()))
	if err := book.close(); err != nil {
		return fmt.Errorf("write xlsx: %w", err)
	}
	return nil
}

// workbook makes the sheets' rows.
type workbook struct{ r *Report }

func counts(list []Count) [][]any {
	rows := [][]any{}
	for _, c := range list {
		rows = append(rows, []any{c.Name, c.N})
	}
	return rows
}

func hourNames() []string {
	names := make([]string, 24)
	for i := range names {
		names[i] = fmt.Sprintf("%02d", i)
	}
	return names
}

func (b workbook) summary() [][]any {
	r := b.r
	rows := [][]any{
		{"period", r.Period},
		{"generated at (UTC)", stamp(r.GeneratedAt)},
		{"complete", fmt.Sprint(r.Completeness.Complete)},
		{"statement", r.Completeness.Statement},
		{"entries", r.Summary.Total},
		{"successful", r.Summary.Successful},
		{"failed", r.Summary.Failed},
		{"unique callers", r.Summary.UniqueCallers},
		{"operations", r.Lifecycles.Distinct},
		{"operations without an end", r.Lifecycles.Unfinished},
	}
	for _, c := range sorted(r.ByCategory) {
		rows = append(rows, []any{"category " + c.Name, c.N})
	}
	for _, c := range sorted(r.ByOutcome) {
		rows = append(rows, []any{"outcome " + c.Name, c.N})
	}
	for _, f := range r.SecurityEvents {
		rows = append(rows, []any{f.Name + ": entries", f.Count}, []any{f.Name + ": successful", f.Successful}, []any{f.Name + ": callers", int64(len(f.Callers))})
	}
	return rows
}

// sheetLimit is what a sheet holds (Microsoft: "Excel specifications and limits"), less the head.
const sheetLimit = 1<<20 - 1

func (b workbook) cases() iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		for c := range b.r.Cases().First(sheetLimit) {
			row := make([]any, 0, len(caseColumns))
			for column, cell := range c.cells() {
				if caseColumns[column] == "entries" {
					row = append(row, c.Entries)
					continue
				}
				row = append(row, cell)
			}
			if !yield(row) {
				return
			}
		}
	}
}

func (b workbook) roles() [][]any {
	rows := [][]any{}
	for _, c := range b.r.Roles.Changes[:min(len(b.r.Roles.Changes), sheetLimit)] {
		rows = append(rows, []any{stamp(c.Time), c.Action, c.Role, c.Principal, c.Kind, c.Caller, c.Scope, c.Status, c.EventID})
	}
	return rows
}

func (b workbook) top() [][]any {
	rows := [][]any{}
	for _, c := range b.r.Top.Callers {
		rows = append(rows, []any{"caller", c.Name, c.N, c.Failed, c.Risky})
	}
	for _, c := range b.r.Top.Risky {
		rows = append(rows, []any{"caller, most high risk", c.Name, c.N, c.Failed, c.Risky})
	}
	for _, o := range b.r.Top.Operations {
		rows = append(rows, []any{"operation", o.Name, o.N, o.Failed, o.Risky})
	}
	return rows
}

func (b workbook) days() [][]any {
	rows := [][]any{}
	for _, d := range b.r.Activity.Days {
		row := []any{d.Date, d.Total, d.Risky}
		for _, n := range d.Hours {
			row = append(row, n)
		}
		rows = append(rows, row)
	}
	return rows
}

func (b workbook) alerts() [][]any {
	rows := [][]any{}
	for _, a := range b.r.Alerts.List {
		rows = append(rows, []any{
			stamp(a.Opened), a.Severity, a.Rule.Title, a.Rule.Author, a.Headline, a.Caller, a.Resource, a.Count,
			stamp(a.delivered()), answersInWords(a, b.r.Zone), a.ID,
		})
	}
	return rows
}

func (b workbook) controls() [][]any {
	rows := [][]any{}
	for _, c := range b.r.Controls {
		rows = append(rows, []any{c.ID, c.Verdict, c.Seen, c.Rung, c.Excepted, c.Alerts, c.Delivered, c.ToDelivery.P50, c.ToDelivery.P95, fmt.Sprint(c.Acknowledged)})
	}
	return rows
}

// tests has a row for each destination of each day's test, and one for a day without.
func (b workbook) tests() [][]any {
	rows := [][]any{}
	for _, day := range b.r.Completeness.Canary.List {
		if len(day.Deliveries) == 0 {
			rows = append(rows, []any{day.Date, day.Status, stamp(day.Due), stamp(day.Sent), "", "", "", "", "", ""})
		}
		for _, x := range day.Deliveries {
			rows = append(rows, []any{day.Date, day.Status, stamp(day.Due), stamp(day.Sent), x.Destination, stamp(x.Delivered), stamp(x.HeldUntil), x.Seconds, fmt.Sprint(x.Late), x.Reason})
		}
	}
	return rows
}

func (b workbook) evidence() [][]any {
	c := &b.r.Completeness
	rows := [][]any{
		{"source", c.Source},
		{"inputs", c.Inputs},
		{"bytes", c.Bytes},
		{"redelivered", c.Again},
		{"outside the period", c.Outside},
		{"undated", c.Undated},
		{"unreadable", c.Unreadable},
		{"hours", c.Hours},
		{"hours without entries", c.Silent},
	}
	if c.Canary.Known {
		rows = append(rows, []any{"days with a proven test", c.Canary.Proven}, []any{"days on which a test was wanted", c.Canary.Tested()},
			[]any{"hours watched", c.Watch.Watched}, []any{"hours to be watched", c.Watch.Hours})
	}
	if c.Ledger != nil {
		for _, row := range c.Ledger.Rows(b.r.Zone) {
			rows = append(rows, []any{row[0], row[1]})
		}
	}
	for _, p := range c.Places {
		rows = append(rows, []any{"unreadable", p.String()})
	}
	for _, s := range c.Scopes {
		rows = append(rows, []any{"subscription " + s.Name, s.N})
	}
	return rows
}
