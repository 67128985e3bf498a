package digest

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// PDF writes the report as a document for print and for archives: the same words and numbers as HTML. The bytes depend
// on nothing but the report. It is neither tagged nor PDF/A; whoever reads by ear is better served by report.html.
func PDF(w io.Writer, r Report) error {
	d, err := newDocument(&r)
	if err != nil {
		return err
	}
	d.firstPage()
	d.changes()
	d.whatItWas()
	d.roles()
	d.counts("Deletions", r.Deletions.Total, "successful, by type of resource:", r.Deletions.ByType)
	d.counts("Failures", r.Failures.Total, "entries, "+percent(r.Failures.Total, r.Summary.Total)+" of all, by operation:", r.Failures.ByOperation)
	d.controls()
	d.alive()
	d.alerts()
	d.exceptions()
	d.cases()
	d.evidence()
	d.definitions()
	if err := d.pdf.Output(w); err != nil {
		return fmt.Errorf("write pdf: %w", err)
	}
	return nil
}

// firstPage answers what is asked first.
func (d *document) firstPage() {
	r := d.r
	d.pdf.AddPage()
	d.font(bold, 21)
	d.text(left, d.y+4, "Azure Activity Log digest")
	d.y += 13
	d.font(bold, 11)
	title := r.Period
	if r.Name != "" {
		title += "  ·  " + r.Name
	}
	d.text(left, d.y, title)
	d.y += 5.5
	d.font(plain, 8.5)
	d.ink(soft)
	d.text(left, d.y, fmt.Sprintf("Made on %s (%s) from %s. Times are %s unless they say otherwise.", clock(r.GeneratedAt, r.Zone), r.Zone, r.Completeness.Source, r.Zone))
	d.ink(black)
	d.y += 3
	d.rule(left, width, accent, 0.9)
	d.y += 5
	d.statement()
	d.figures(r.Figures())
	column := (width - gap) / 2
	d.columns(
		func() { d.answer("What happened that matters?", r.Matters(), column) },
		func() { d.who(column) })
	d.columns(
		func() {
			d.answer("Was it rung, delivered, answered?", r.Rung(), column)
			d.provenAnswer(column)
		},
		func() { d.answer("What is open?", r.Open(), column) })
	d.heat()
}

// statement is the panel that says whether the report is complete.
func (d *document) statement() {
	c := &d.r.Completeness
	d.font(plain, 9.5)
	lines := d.wrap(c.Statement, width-10)
	height := 4.6*float64(len(lines)) + 10
	tone, head := calm, "Complete, as far as can be told"
	if !c.Complete {
		tone, head = alarm, "Not complete"
	}
	d.panel(left, d.y, width, height)
	d.fill(tone)
	d.pdf.Rect(left, d.y, 1.6, height, "F")
	d.mark(Point{Grave: map[bool]Grave{true: Calm, false: Act}[c.Complete]}, left+4.5, d.y+5.6)
	d.font(bold, 10)
	d.text(left+9, d.y+5.6, head)
	d.font(plain, 9.5)
	for i, line := range lines {
		d.text(left+5, d.y+11+4.6*float64(i), line)
	}
	d.y += height + 4
}

func (d *document) figures(all []Figure) {
	const height = 15.5
	each := (width - float64(len(all)-1)*2) / float64(len(all))
	for i, f := range all {
		x := left + float64(i)*(each+2)
		d.panel(x, d.y, each, height)
		d.ink(soft)
		d.font(plain, 7)
		d.text(x+2, d.y+4, f.Name)
		d.ink(black)
		d.font(bold, 12.5)
		d.text(x+2, d.y+9.6, f.Value)
		d.ink(soft)
		d.font(plain, 7)
		d.text(x+2, d.y+13.6, f.Change)
		d.ink(black)
	}
	d.y += height + 3
}

// answer is a question with its points, in the column that columns has set.
func (d *document) answer(question string, points []Point, wide float64) {
	d.subhead(question, wide)
	d.points(points, wide)
}

func (d *document) points(points []Point, wide float64) {
	d.font(plain, 9)
	for _, p := range points {
		lines := d.wrap(p.Text, wide-6)
		d.mark(p, d.x+1.5, d.y+3.2)
		d.font(plain, 9)
		for _, line := range lines {
			d.text(d.x+6, d.y+3.2, line)
			d.y += 4.3
		}
		d.y += 0.9
	}
}

func (d *document) who(wide float64) {
	d.subhead("Who did it?", wide)
	list := d.r.Top.Risky
	if len(list) == 0 {
		list = d.r.Top.Callers
	}
	if len(list) == 0 {
		d.font(plain, 9)
		d.text(d.x, d.y+3.2, "Nobody: no entry names a caller.")
		d.y += 5
		return
	}
	rows := [][]string{}
	for _, c := range list[:min(len(list), 6)] {
		rows = append(rows, []string{c.Name, number(c.N), number(c.Failed), number(c.Risky)})
	}
	d.table(table{x: d.x, size: 8.5, columns: []column{
		{"Caller", wide - 42, false}, {"Entries", 14, true}, {"Failed", 13, true}, {"High risk", 15, true},
	}, rows: rows})
}

func (d *document) changes() {
	if d.r.Change == nil {
		return
	}
	d.head("Against " + d.r.Change.Period)
	rows := [][]string{}
	for _, m := range d.r.Change.Metrics {
		rows = append(rows, []string{m.Name, number(m.Before), number(m.Now), m.delta(), ""})
	}
	d.table(table{
		x: left, size: 9, columns: []column{
			{"Number", 56, false}, {"Before", 24, true}, {"Now", 24, true}, {"Change", 28, false}, {"before above, now below", 46, false},
		},
		rows: rows, draw: func(row int, x, y float64) { d.trend(d.r.Change.Metrics[row], x, y) },
	})
}

func (d *document) whatItWas() {
	d.head("What it was")
	d.bars(sorted(d.r.ByCategory))
	rows := [][]string{}
	for _, f := range d.r.SecurityEvents {
		rows = append(rows, []string{f.Name, number(f.Count), number(f.Successful), some(f.Callers)})
	}
	d.space(4)
	d.table(table{x: left, size: 8.5, columns: []column{
		{"Operations whose name contains", 66, false}, {"Entries", 16, true}, {"Succeeded", 18, true}, {"Callers", 78, false},
	}, rows: rows})
	if len(d.r.Top.Operations) == 0 {
		return
	}
	d.space(4)
	rows = [][]string{}
	for _, o := range d.r.Top.Operations {
		rows = append(rows, []string{o.Name, number(o.N), number(o.Failed)})
	}
	d.table(table{x: left, size: 8.5, columns: []column{{"Most frequent operations", 138, false}, {"Entries", 20, true}, {"Failed", 20, true}}, rows: rows})
}

// some names the first few of a list.
func some(list []string) string {
	const show = 6
	switch {
	case len(list) == 0:
		return "nobody"
	case len(list) <= show:
		return fmt.Sprintf("%d: %s", len(list), strings.Join(list, ", "))
	}
	return fmt.Sprintf("%d: %s and %d more", len(list), strings.Join(list[:show], ", "), len(list)-show)
}

// rowsShown bounds the tables of the document; the bundle's other files have everything.
const rowsShown = 100

func (d *document) roles() {
	r := d.r.Roles
	d.head("Role assignments")
	if len(r.Changes) == 0 {
		d.none()
		return
	}
	d.paragraph(fmt.Sprintf("%s created and %s deleted successfully.", number(r.Created), number(r.Deleted)))
	rows := [][]string{}
	for _, c := range r.Changes[:min(len(r.Changes), rowsShown)] {
		role, kind := c.Role, c.Kind
		if role == "" {
			role = "Unknown role"
		}
		if kind == "" {
			kind = "principal"
		}
		scope := c.Scope
		if scope == "" {
			scope = c.Resource
		}
		rows = append(rows, []string{clock(c.Time, d.r.Zone), role + " " + c.Action, kind + " " + orUnknown(c.Principal), orUnknown(c.Caller), scope, c.Status})
	}
	d.table(table{x: left, size: 7.8, columns: []column{
		{"When", 31, false}, {"What", 25, false}, {"To or from", 34, false}, {"By", 33, false}, {"On", 37, false}, {"Result", 18, false},
	}, rows: rows})
	d.rest(len(r.Changes), "report.json and report.xlsx have all.")
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

// rest says that a table was cut.
func (d *document) rest(n int, where string) {
	if n > rowsShown {
		d.paragraph(fmt.Sprintf("The first %d of %s; %s", rowsShown, number(int64(n)), where))
	}
}

func (d *document) none() {
	d.paragraph(fmt.Sprintf("None among %s entries.", number(d.r.Summary.Total)))
}

func (d *document) counts(title string, total int64, what string, list []Count) {
	d.head(title)
	if total == 0 {
		d.none()
		return
	}
	d.paragraph(number(total) + " " + what)
	d.bars(list)
}

func (d *document) controls() {
	if len(d.r.Controls) == 0 {
		return
	}
	d.head("Did the controls operate?")
	d.paragraph("Operated: something met the control's rules, and all of it was delivered. Quiet: nothing met them. Fell short: something that rang was not delivered.")
	rows := [][]string{}
	for _, c := range d.r.Controls {
		took := "–"
		if c.ToDelivery.N > 0 {
			took = seconds(c.ToDelivery.P50) + " / " + seconds(c.ToDelivery.P95)
		}
		rows = append(rows, []string{
			c.ID + "\n" + strings.Join(c.Rules, ", "), c.Verdict, number(c.Seen), number(c.Rung), number(c.Excepted),
			fmt.Sprintf("%d of %d", c.Delivered, c.Alerts), took, orDash(strings.Join(c.Acknowledged, ", ")),
		})
	}
	d.table(table{x: left, size: 7.8, columns: []column{
		{"Control and its rules", 50, false},
		{"Verdict", 19, false},
		{"Seen", 12, true},
		{"Rung", 12, true},
		{"Excepted", 15, true},
		{"Delivered", 17, false},
		{"p50 / p95", 23, false},
		{"Acknowledged by", 30, false},
	}, rows: rows})
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

func (d *document) alerts() {
	list := d.r.Alerts.List
	if len(list) == 0 {
		return
	}
	d.head("Alerts")
	rows := [][]string{}
	for _, a := range list[:min(len(list), rowsShown)] {
		what := a.Headline + "\n" + a.Rule.Title
		if a.Rule.Author != "" {
			what += " · rule by " + a.Rule.Author
		}
		rows = append(rows, []string{clock(a.Opened, d.r.Zone), a.Severity, what, orUnknown(a.Caller), deliveriesInWords(a, d.r.Zone), answersInWords(a, d.r.Zone)})
	}
	d.table(table{x: left, size: 7.8, columns: []column{
		{"Rang", 31, false}, {"Severity", 16, false}, {"What", 45, false}, {"Who", 30, false}, {"Delivered", 27, false}, {"Answered", 29, false},
	}, rows: rows})
	d.rest(len(list), "report.json and report.xlsx have all.")
}

// deliveriesInWords tells where an alert went.
func deliveriesInWords(a Alert, zone *time.Location) string {
	var parts []string
	for _, x := range a.Deliveries {
		switch {
		case x.Parked != "":
			parts = append(parts, x.Destination+": given up ("+x.Parked+")")
		case !x.Delivered:
			parts = append(parts, x.Destination+": not yet")
		case x.First.IsZero():
			parts = append(parts, x.Destination+": delivered")
		default:
			parts = append(parts, x.Destination+": "+x.First.In(zone).Format("15:04:05"))
		}
	}
	return orDash(strings.Join(parts, "\n"))
}

// answersInWords tells what people did about it.
func answersInWords(a Alert, zone *time.Location) string {
	var parts []string
	for _, x := range a.Answers {
		parts = append(parts, fmt.Sprintf("%s by %s, %s", x.Action, x.By, x.At.In(zone).Format("2006-01-02 15:04")))
	}
	return orDash(strings.Join(parts, "\n"))
}

func (d *document) exceptions() {
	if len(d.r.Exceptions) == 0 {
		return
	}
	d.head("Exceptions")
	rows := [][]string{}
	for _, x := range d.r.Exceptions {
		reason, ends := x.Reason, x.Expires.In(d.r.Zone).Format("2 January 2006")
		if x.Ticket != "" {
			reason += " (" + x.Ticket + ")"
		}
		if x.Expired {
			ends += " – expired"
		}
		rows = append(rows, []string{x.Owner, reason, ends, number(x.Count)})
	}
	d.table(table{x: left, size: 8.5, columns: []column{{"Owner", 50, false}, {"Reason", 66, false}, {"Ends", 40, false}, {"Kept quiet", 22, true}}, rows: rows})
}

func (d *document) cases() {
	all := d.r.Cases()
	d.head("High-risk operations")
	if all.Len() == 0 {
		d.paragraph(fmt.Sprintf("None: no deletion and no change of permissions among %s entries.", number(d.r.Summary.Total)))
		return
	}
	d.paragraph(fmt.Sprintf("Deletions, changes of permissions, and whatever rang: %s entries of %s operations.", number(int64(d.r.HighRisk.Len())), number(int64(all.Len()))))
	rows := [][]string{}
	for c := range all.First(rowsShown) {
		rows = append(rows, []string{clock(c.First, d.r.Zone), shortOperation(c.Operation), orUnknown(c.Caller), c.Resource, orUnknown(c.Outcome)})
	}
	d.table(table{x: left, size: 7.5, columns: []column{
		{"When", 30, false}, {"Operation", 36, false}, {"Who", 36, false}, {"Resource", 58, false}, {"Result", 18, false},
	}, rows: rows})
	d.rest(all.Len(), "operations.csv has every one, with the ids of its entries.")
}

func (d *document) evidence() {
	c := &d.r.Completeness
	d.head("What this rests on")
	rows := [][]string{
		{"Source", fmt.Sprintf("%s, %d inputs, %s bytes", c.Source, c.Inputs, number(c.Bytes))},
		{"Entries", fmt.Sprintf("%s counted, %s delivered again, %s outside the period, %s without a time, %s unreadable",
			number(d.r.Summary.Total), number(c.Again), number(c.Outside), number(c.Undated), number(c.Unreadable))},
		{"Hours", fmt.Sprintf("%d in the period, %d without an entry", c.Hours, c.Silent)},
		{"Operations", fmt.Sprintf("%s; no end was seen of %s", number(d.r.Lifecycles.Distinct), number(d.r.Lifecycles.Unfinished))},
	}
	for _, p := range c.Places {
		rows = append(rows, []string{"Unreadable", p.String()})
	}
	for _, g := range c.Gaps {
		rows = append(rows, []string{"Silence", fmt.Sprintf("%s to %s: %d h", clock(g.From, d.r.Zone), clock(g.To, d.r.Zone), g.Hours)})
	}
	if l := c.Ledger; l != nil {
		for _, row := range l.Rows(d.r.Zone) {
			rows = append(rows, row[:])
		}
	}
	if n := c.Canary; n.Known {
		rows = append(rows, []string{"Daily test", fmt.Sprintf("proven on %d of %d days; %d late, %d not delivered, %d missing, %d switched off", n.Proven, n.Tested(), n.Late, n.Lost, n.Missing, n.Off)},
			[]string{"Self-watch", fmt.Sprintf("ran in %d of %d hours", c.Watch.Watched, c.Watch.Hours)})
	}
	for _, s := range c.Scopes[:min(len(c.Scopes), 40)] {
		name := s.Name
		if name == "" {
			name = "none named"
		}
		rows = append(rows, []string{"Subscription", name + ": " + number(s.N)})
	}
	d.table(table{x: left, size: 8.5, columns: []column{{"", 38, false}, {"", 140, false}}, rows: rows})
}

func (d *document) definitions() {
	d.space(4)
	d.ink(soft)
	d.paragraph("Numbers are log entries, each counted once however often it was delivered; operations are lifecycles: Started, Accepted and Succeeded of one operation are one. " +
		"High risk means that the operation's name contains “delete” or “roleassignment”. Names are compared without regard to case; callers are shown in lower case. " +
		"Whether these files are the ones that were made: handler verify on the folder that holds manifest.json; it says what that proves and what not.")
	if d.replaced {
		d.paragraph("□ stands for a character that this document's font does not have; report.html shows it.")
	}
	d.ink(black)
}
