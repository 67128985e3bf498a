package digest

import (
	"encoding/csv"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// caseColumns are the columns of operations.csv and of the sheet of the same name.
var caseColumns = []string{
	"first_seen", "last_seen", "operation", "caller", "resource", "outcome", "entries", "correlation_id", "event_ids",
	"alert_id", "rule", "rule_author", "severity", "first_sent", "answers",
}

// CSV writes every operation that is of high risk or was alerted about, one to a line, with the ids of its entries as evidence. Times
// are UTC. A cell that a spreadsheet would take for a formula begins with an apostrophe, which spreadsheets hide.
func CSV(w io.Writer, r Report) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil { // without it Excel takes the text for the machine's own code page
		return fmt.Errorf("write csv: %w", err)
	}
	out := csv.NewWriter(w)
	_ = out.Write(caseColumns) // errors stick and show at the end
	for c := range r.Cases().All() {
		cells := c.cells()
		for i := range cells {
			cells[i] = Cell(cells[i])
		}
		_ = out.Write(cells)
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write csv: %w", err)
	}
	return nil
}

func (c *Case) cells() []string {
	cells := []string{
		stamp(c.First), stamp(c.Last), c.Operation, c.Caller, c.Resource, c.Outcome, strconv.Itoa(c.Entries), c.Correlation,
		strings.Join(c.EventIDs, " "), "", "", "", "", "", "",
	}
	if a := c.Alert; a != nil {
		copy(cells[9:], []string{a.ID, a.Rule.ID, a.Rule.Author, a.Severity, stamp(a.taken())})
		if len(a.Answers) > 0 {
			cells[14] = strings.ReplaceAll(answersInWords(*a, time.UTC), "\n", "; ")
		}
	}
	return cells
}

// taken is when the first destination took the alert; zero when none has.
func (a *Alert) taken() time.Time {
	var first time.Time
	for _, d := range a.Deliveries {
		if !d.At.IsZero() && (first.IsZero() || d.At.Before(first)) {
			first = d.At
		}
	}
	return first
}

// stamp is a time for programs, "" for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// Cell is a text as the cells of operations.csv have it.
func Cell(text string) string { return inert(visible(text)) }

// inert keeps a spreadsheet from executing a cell: who names a resource =HYPERLINK(…) or @SUM(…) must not run in an
// auditor's office (OWASP, "CSV Injection"). Tab and carriage return count because spreadsheets skip them. Where lists are
// separated by semicolons, a spreadsheet cuts a line at those, and at the line ends within a cell, so what follows them counts too.
func inert(cell string) string {
	if cell != "" && strings.IndexByte("=+-@\t\r\n", cell[0]) >= 0 || strings.HasPrefix(cell, "＝") || strings.HasPrefix(cell, "＋") ||
		strings.HasPrefix(cell, "－") || strings.HasPrefix(cell, "＠") {
		cell = "'" + cell
	}
	if strings.IndexByte(cell, ';') < 0 && strings.IndexByte(cell, '\n') < 0 {
		return cell
	}
	return formulaWithin.ReplaceAllString(cell, "$1'$2")
}

var formulaWithin = regexp.MustCompile(`([;\n])([=+\-@\t\r＝＋－＠])`)
