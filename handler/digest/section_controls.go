package digest

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

func (r *Report) controlsSection() []Block {
	if len(r.Controls) == 0 {
		return nil
	}
	text := "Operated: something met the control's rules, and each alert was confirmed or accepted by a destination. Quiet: nothing met them, and a feed that carries their events brought entries in the period. " +
		"Not watched: nothing met them, and no such feed did. Fell short: an alert waits that no destination has taken."
	if !r.Alerts.Sent {
		text = "Made from entries alone: operated means that something met the control's rules; what was sent at the time is in the store. Quiet: nothing met them, and the entries are of a feed that carries their events. Not watched: no such feed is among the inputs."
	}
	all := r.controlsTable()
	all.Off = true
	return []Block{Heading{Level: 2, Text: "Did the controls operate?"}, Paragraph{Text: text + r.rulesChanged(), Soft: true}, r.controlsInBrief(), all}
}

// controlsTable is for the workbook: a column for each number.
func (r *Report) controlsTable() Table {
	rows := [][]any{}
	for _, c := range r.Controls {
		took := any("–")
		if c.ToDelivery.N > 0 {
			took = Seconds(c.ToDelivery.P95)
		}
		rows = append(rows, []any{
			Named{c.Title, c.ID}, c.mark(), c.Seen, c.Alerted, c.Excepted, c.Confirmed, c.Accepted, c.Alerts, took, orDash(strings.Join(c.Acknowledged, ", ")), strings.Join(c.Rules, ", "),
		})
	}
	return tableOf("Controls", []Column{
		{"Control", Words}, {"Verdict", Words}, {"Seen", Number}, {"Alerted", Number}, {"Excepted", Number}, {"Confirmed", Number}, {"Accepted", Number}, {"Alerts", Number}, {"Delivery, 95 of 100", Number}, {"Acknowledged by", Words}, {"Rules", Words},
	}, rows).sheet()
}

// controlsInBrief is for documents: a page has no room for a column for each number.
func (r *Report) controlsInBrief() Table {
	columns, rows := []Column{{"Control", Words}, {"Verdict", Words}, {"Seen", Number}, {"Excepted", Number}, {"Alerts", Number}}, [][]any{}
	if r.Alerts.Sent {
		columns = append(columns, Column{"What became of them", Words})
	}
	for i := range r.Controls {
		c := &r.Controls[i]
		row := []any{Named{c.Title, c.ID}, c.mark(), c.Seen, c.Excepted, c.Alerts}
		if r.Alerts.Sent {
			row = append(row, c.fate())
		}
		rows = append(rows, append(row, strings.Join(c.Rules, ", ")))
	}
	return tableOf("Controls", append(columns, Column{"Rules", Words}), rows)
}

// fate says what became of a control's alerts.
func (c *Control) fate() string {
	if c.Alerts == 0 {
		return "–"
	}
	text := fmt.Sprintf("%d confirmed, %d accepted", c.Confirmed, c.Accepted)
	if c.ToDelivery.N > 0 {
		text += "; 95 of 100 within " + seconds(c.ToDelivery.P95)
	}
	if len(c.Acknowledged) > 0 {
		text += "; acknowledged by " + strings.Join(c.Acknowledged, ", ")
	}
	return text
}

// rulesChanged says that the period was judged by more than one set of rules, "" where it was by one, or that is not known.
func (r *Report) rulesChanged() string {
	const most = 5
	var spans []string
	sets := map[string]bool{}
	for _, s := range r.RuleSets {
		sets[s.RuleSet] = true
		spans = append(spans, fmt.Sprintf("%.8s from %s to %s", s.RuleSet, s.From.In(r.Zone).Format("2 January 15:04"), s.To.In(r.Zone).Format("2 January 15:04")))
	}
	if len(sets) < 2 {
		return ""
	}
	if len(spans) > most {
		spans = append(spans[:most], fmt.Sprintf("and %d more", len(spans)-most))
	}
	return fmt.Sprintf(" The rules changed within the period, of which %d sets were in force (SHA-256 %s): what happened was judged by those of its hour, and verdicts are about those in force when this was made.",
		len(sets), strings.Join(spans, "; "))
}

// mark is the verdict with its sign.
func (c *Control) mark() Point {
	switch c.Verdict {
	case Operated:
		return Point{Calm, "operated"}
	case FellShort:
		return Point{Act, "fell short"}
	case NotWatched:
		return Point{Act, "not watched: " + c.Why}
	}
	return Point{Note, "quiet"}
}

func (r *Report) alertsSection() []Block {
	n := r.Alerts.List.Len()
	if n == 0 {
		return nil
	}
	all := Table{Name: "Alerts", N: n, Rows: r.alertRows, Off: true, Columns: []Column{
		{"Opened", When}, {"Severity", Words}, {"What", Words}, {"Rule", Words}, {"Who", Words}, {"On", Where}, {"Operations", Number}, {"Sent", Words}, {"Answered", Words}, {"Judged by", Words}, {"Id", Words},
	}}
	brief := Table{Name: "Alerts", N: n, Rows: r.alertsInBrief, Columns: []Column{
		{"Opened", When}, {"Severity", Words}, {"What", Words}, {"Rule", Words}, {"Who", Words}, {"On", Where}, {"Operations", Number},
	}}
	if r.Alerts.Sent {
		brief.Columns = append(brief.Columns, Column{"Sent, and answered", Words})
	}
	return []Block{Heading{Level: 2, Text: "Alerts"}, brief.show(rowsShown, "report.json and report.xlsx"), all.sheet()}
}

// alertRows are made as they are asked for.
func (r *Report) alertRows(yield func([]any) bool) {
	for _, a := range r.Alerts.List.All() {
		row := []any{a.Opened, severityMark(a.Severity), a.Headline, a.Rule.Title + a.Rule.by(" · "), r.who(a.Caller), Named{lastSegment(a.Resource), a.Resource}, a.Count, deliveriesInWords(&a, r.Zone), answersInWords(a, r.Zone), cmp.Or(basesInWords[a.JudgedBy], "its records"), ID(a.ID)}
		if !yield(row) {
			return
		}
	}
}

var basesInWords = map[Basis]string{ByLookup: "what Azure answered", AtWorst: "the gravest that it could be"}

// alertsInBrief are the rows for documents: ids stand below what they are of, and what is the same is said once.
func (r *Report) alertsInBrief(yield func([]any) bool) {
	for _, a := range r.Alerts.List.All() {
		rule := a.Rule.Title + a.Rule.by(" · ")
		if a.Headline == a.Rule.Title {
			rule = firstText(a.Rule.by(""), "the same")
		}
		row := []any{a.Opened, severityMark(a.Severity), Named{a.Headline, a.ID}, rule, r.who(a.Caller), Named{lastSegment(a.Resource), a.Resource}, a.Count}
		if r.Alerts.Sent {
			sent := deliveriesInWords(&a, r.Zone)
			if len(a.Answers) > 0 {
				sent = append(sent, answersInWords(a, r.Zone))
			}
			row = append(row, sent)
		}
		if !yield(row) {
			return
		}
	}
}

// by names the author of a rule that has one.
func (r *Rule) by(before string) string {
	if r.Author == "" {
		return ""
	}
	return before + "rule by " + r.Author
}

// deliveriesInWords says how far an alert came at each destination.
func deliveriesInWords(a *Alert, zone *time.Location) Lines {
	var parts Lines
	for _, x := range a.Deliveries {
		text := x.Destination + ": " + string(x.State)
		switch {
		case x.State == Waiting && x.Reason != "":
			text += " (" + x.Reason + ")"
		case !x.At.IsZero():
			text += " " + x.At.In(zone).Format("15:04:05")
		}
		parts = append(parts, text)
	}
	if len(parts) == 0 {
		return Lines{"–"}
	}
	return parts
}

// answersInWords says what people did about it.
func answersInWords(a Alert, zone *time.Location) string {
	var parts []string
	for _, x := range a.Answers {
		parts = append(parts, fmt.Sprintf("%s by %s, %s", x.Action, x.By, x.At.In(zone).Format("2006-01-02 15:04")))
	}
	return orDash(strings.Join(parts, "\n"))
}

func (r *Report) exceptionsSection() []Block {
	if len(r.Exceptions) == 0 {
		return nil
	}
	rows := [][]any{}
	for _, x := range r.Exceptions {
		reason, ends := x.Reason, x.Expires.In(r.Zone).Format("2 January 2006")
		if x.Ticket != "" {
			reason += " (" + x.Ticket + ")"
		}
		if x.Expired {
			ends += ", expired"
		}
		rows = append(rows, []any{x.Owner, reason, ends, x.Count})
	}
	return []Block{Heading{Level: 2, Text: "Exceptions"}, tableOf("Exceptions", []Column{{"Owner", Words}, {"Reason", Where}, {"Ends", When}, {"Suppressed", Number}}, rows).sheet()}
}
