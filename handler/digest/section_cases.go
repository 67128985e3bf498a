package digest

import (
	"fmt"
	"iter"
)

// casesShown bounds the list in documents for people; casesOfAKind bounds what one kind takes of it, so that no kind
// hides another. All of them are in operations.csv and report.xlsx.
const (
	casesShown   = 400
	casesOfAKind = 10
)

// casesSection lists the high-risk operations by severity, then kind, then time.
func (r *Report) casesSection() []Block {
	cases := r.Cases()
	blocks := []Block{Heading{Level: 2, Text: "High-risk operations"}}
	all := Table{Name: "High-risk operations", Sheet: true, Off: true, Columns: caseTableColumns, N: min(cases.Len(), sheetLimit), Rows: r.caseRows(cases.First(sheetLimit))}
	if cases.Len() == 0 {
		return append(blocks, Paragraph{Text: fmt.Sprintf("None: no deletion and no change of permissions among %s entries.", number(r.Summary.Total))}, all)
	}
	blocks = append(blocks, Paragraph{Text: fmt.Sprintf("Deletions, changes of permissions, and what met a rule: %s entries of %s operations, by severity, kind of operation and time.",
		number(int64(r.HighRisk.Len())), number(int64(cases.Len())))})
	picked := r.pickedCases(cases)
	short := tableOf("High-risk operations, the first of each kind", []Column{
		{"Severity", Words}, {"When", When}, {"Operation", Words}, {"Who", Words}, {"Resource", Where}, {"Result", Words},
	}, picked)
	if len(picked) < cases.Len() {
		blocks = append(blocks, Paragraph{Soft: true, Text: fmt.Sprintf("%s of %s are shown, at most %d of each kind; operations.csv and report.xlsx have every one, with the ids of its entries.",
			number(int64(len(picked))), number(int64(cases.Len())), casesOfAKind)})
	}
	return append(blocks, short, all)
}

func (r *Report) pickedCases(cases Cases) (rows [][]any) {
	kind, n := "", 0
	for c := range cases.All() {
		if this := c.severity() + "\n" + c.Operation; this != kind {
			kind, n = this, 0
		}
		if n++; n > casesOfAKind || len(rows) == casesShown {
			continue
		}
		rows = append(rows, []any{severityMark(c.severity()), c.First, ID(shortOperation(c.Operation)), r.who(c.Caller), Named{lastSegment(c.Resource), c.Resource}, orUnknown(c.Outcome)})
	}
	return rows
}

// caseTableColumns are caseColumns with the kinds of their cells.
var caseTableColumns = []Column{
	{"first_seen", When},
	{"last_seen", When},
	{"operation", Words},
	{"caller", Words},
	{"resource", Where},
	{"outcome", Words},
	{"entries", Number},
	{"correlation_id", Words},
	{"event_ids", Words},
	{"alert_id", Words},
	{"rule", Words},
	{"rule_author", Words},
	{"severity", Words},
	{"first_sent", When},
	{"answers", Words},
}

func (r *Report) caseRows(cases iter.Seq[Case]) iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		for c := range cases {
			cells := c.cells()
			row := make([]any, len(cells))
			for i, cell := range cells {
				row[i] = cell
			}
			row[0], row[1], row[6] = c.First, c.Last, c.Entries
			if c.Alert != nil {
				row[13] = c.Alert.taken()
			}
			if !yield(row) {
				return
			}
		}
	}
}

// orUnknown names what an entry does not say.
func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}
