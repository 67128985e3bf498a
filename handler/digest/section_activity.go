package digest

import (
	"fmt"
	"strings"
)

// daysShown bounds the rows of the strip that shows when entries were logged.
const daysShown = 62

func (r *Report) whenSection() []Block {
	blocks := []Block{Heading{Level: 2, Text: "When it happened"}, r.daysTable()}
	if n := len(r.Activity.Days); n == 0 || n > daysShown {
		return append(blocks, Paragraph{Text: "The period is too long, or has no beginning and end, to be drawn by the hour."})
	}
	return append(blocks, Paragraph{Soft: true, Text: "A row for each day, a column for each hour. The area of a square is in proportion to the entries of that hour."}, Heat{r.Activity})
}

// daysTable is for the workbook: documents draw it.
func (r *Report) daysTable() Table {
	columns := []Column{{"date", Words}, {"entries", Number}, {"high risk", Number}}
	for hour := range 24 {
		columns = append(columns, Column{fmt.Sprintf("%02d", hour), Number})
	}
	rows := [][]any{}
	for _, d := range r.Activity.Days {
		row := []any{d.Date, d.Total, d.Risky}
		for _, n := range d.Hours {
			row = append(row, n)
		}
		rows = append(rows, row)
	}
	t := tableOf("Days", columns, rows).sheet()
	t.Off = true
	return t
}

func (r *Report) changeSection() []Block {
	if r.Change == nil {
		return nil
	}
	rows := [][]any{}
	for _, m := range r.Change.Metrics {
		rows = append(rows, []any{m.Name, m.Before, m.Now, m.delta(), Bar{m.Now, max(m.Before, m.Now, 1)}})
	}
	return []Block{Heading{Level: 2, Text: "Against " + r.Change.Period}, tableOf("Against the period before",
		[]Column{{"Number", Words}, {"Before", Number}, {"Now", Number}, {"Change", Words}, {"Now, against the larger of both", Length}}, rows).sheet()}
}

func (r *Report) kindsSection() []Block {
	blocks := []Block{Heading{Level: 2, Text: "What it was"}, bars("Entries by category", "Category", sorted(r.ByCategory))}
	rows := [][]any{}
	for _, f := range r.SecurityEvents {
		rows = append(rows, []any{ID(f.Name), f.Count, f.Successful, r.some(f.Callers)})
	}
	return append(blocks, tableOf("Security-relevant operations", []Column{{"Operations whose name contains", Words}, {"Entries", Number}, {"Succeeded", Number}, {"Callers", Where}}, rows).sheet())
}

// barsShown bounds lists of counts in documents.
const barsShown = 15

// bars is a table of counts with a bar for each.
func bars(name, what string, list []Count) Table {
	most := int64(1)
	for _, c := range list {
		most = max(most, c.N)
	}
	rows := [][]any{}
	for _, c := range list {
		rows = append(rows, []any{orNone(c.Name), c.N, Bar{c.N, most}})
	}
	return tableOf(name, []Column{{what, Words}, {"Count", Number}, {"Share", Length}}, rows).sheet().show(barsShown, "report.xlsx")
}

func orNone(s string) string {
	if s == "" {
		return "none named"
	}
	return s
}

// some names the first few callers of a list.
func (r *Report) some(list []string) string {
	const show = 6
	if len(list) == 0 {
		return "none"
	}
	var first []string
	for _, caller := range list[:min(len(list), show)] {
		first = append(first, words(r.who(caller), r.Zone))
	}
	text := fmt.Sprintf("%d: %s", len(list), strings.Join(first, ", "))
	if more := len(list) - show; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func (r *Report) none() Block {
	return Paragraph{Text: fmt.Sprintf("None among %s entries.", number(r.Summary.Total))}
}

func (r *Report) deletionsSection() []Block {
	head, table := Heading{Level: 2, Text: "Deletions"}, bars("Successful deletions by type of resource", "Type", r.Deletions.ByType)
	if r.Deletions.Total == 0 {
		return []Block{head, r.none()}
	}
	return []Block{head, Paragraph{Text: counting(r.Deletions.Total, "resource was", "resources were") + " deleted, each counted once however many entries say so."}, table}
}

func (r *Report) failuresSection() []Block {
	head := Heading{Level: 2, Text: "Failures"}
	if r.Failures.Total == 0 {
		return []Block{head, r.none()}
	}
	text := counting(r.Failures.Total, "entry", "entries") + " failed, " + percent(r.Failures.Total, r.Summary.Total) + " of all"
	if n := r.Policy.Failed; n > 0 {
		text += "; " + counting(n, "of them is a request", "of them are requests") + " that policy denied"
	}
	return []Block{head, Paragraph{Text: text + "."}, bars("Failed entries by operation", "Operation", r.Failures.ByOperation)}
}

func (r *Report) frequentSection() []Block {
	blocks := []Block{Heading{Level: 2, Text: "Most frequent"}}
	if len(r.Top.Callers) > 0 {
		blocks = append(blocks, r.callers("Most frequent callers", r.Top.Callers).sheet())
	}
	if len(r.Top.Operations) == 0 {
		return append(blocks, r.none())
	}
	rows := [][]any{}
	for _, o := range r.Top.Operations {
		rows = append(rows, []any{ID(o.Name), o.N, o.Failed})
	}
	return append(blocks, tableOf("Most frequent operations", []Column{{"Operation", Words}, {"Entries", Number}, {"Failed", Number}}, rows).sheet())
}

// rowsShown bounds the tables of documents; the bundle's other files have everything.
const rowsShown = 100

func (r *Report) rolesSection() []Block {
	head := Heading{Level: 2, Text: "Role assignments"}
	if len(r.Roles.Changes) == 0 {
		return []Block{head, r.none()}
	}
	rows := [][]any{}
	for _, c := range r.Roles.Changes {
		scope := firstText(c.Scope, c.Resource)
		rows = append(rows, []any{c.Time, r.role(c.Role), c.Action, r.named(c.Principal), orUnknown(c.Kind), r.who(c.Caller), Named{lastSegment(scope), scope}, c.Status, ID(c.EventID)})
	}
	return []Block{
		head,
		Paragraph{Text: fmt.Sprintf("%s created and %s deleted successfully.", number(r.Roles.Created), number(r.Roles.Deleted))},
		tableOf("Role assignment changes", []Column{
			{"When", When}, {"Role", Words}, {"Action", Words}, {"Principal", Words}, {"Kind", Words}, {"By", Words}, {"On", Where}, {"Result", Words}, {"Event id", Words},
		}, rows).sheet().show(rowsShown, "report.json and report.xlsx"),
	}
}

func firstText(a, b string) string {
	if a == "" {
		return b
	}
	return a
}
