package digest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/coverage"
	"github.com/auditbell/auditbell/handler/source"
)

// scopesShown bounds the subscriptions that documents list.
const scopesShown = 40

func (r *Report) evidenceSection() []Block {
	c := &r.Completeness
	rows := [][2]string{
		{"Source", fmt.Sprintf("%s, %s, %s", c.Source, counting(int64(c.Inputs), "input", "inputs"), counting(c.Bytes, "byte", "bytes"))},
		{"Entries", fmt.Sprintf("%s counted, %s delivered again, %s outside the period, %s without a time, %s unreadable",
			number(r.Summary.Total), number(c.Again), number(c.Outside), number(c.Undated), number(c.Unreadable))},
		{"Hours", fmt.Sprintf("%s in the period, %s without an entry", number(int64(c.Hours)), number(int64(c.Silent)))},
		{"Operations", fmt.Sprintf("%s; no end was seen of %s", number(r.Lifecycles.Distinct), number(r.Lifecycles.Unfinished))},
	}
	if text := r.namesInWords(); text != "" {
		rows = append(rows, [2]string{"Names", text})
	}
	for _, p := range c.Places {
		rows = append(rows, [2]string{"Unreadable", p.String()})
	}
	for _, signal := range slices.Sorted(maps.Keys(c.Other)) {
		rows = append(rows, [2]string{"Not Activity Log", number(c.Other[signal]) + " × " + signal})
	}
	for _, signal := range slices.Sorted(maps.Keys(c.Parked)) {
		rows = append(rows, [2]string{"Stored with the reason", number(c.Parked[signal]) + " × " + signal})
	}
	for _, g := range c.Gaps {
		rows = append(rows, [2]string{"No entry", fmt.Sprintf("%s to %s: %d h", clock(g.From, r.Zone), clock(g.To, r.Zone), g.Hours)})
	}
	if c.Ledger != nil {
		rows = append(rows, c.Ledger.Rows(r.Zone)...)
	}
	if n := c.Canary; n.Known {
		rows = append(rows, [2]string{"Daily test", fmt.Sprintf("confirmed on %d of %d days; %d accepted, %d late, %d waiting, %d missing, %d switched off", n.Confirmed, n.Tested(), n.Accepted, n.Late, n.Lost, n.Missing, n.Off)},
			[2]string{"Self-watch", fmt.Sprintf("ran in %s of %s hours", number(int64(c.Watch.Watched)), number(int64(c.Watch.Hours)))})
	}
	return append([]Block{Heading{Level: 2, Text: "What this rests on"}, facts("Evidence", rows)}, append(r.watchedTable(), r.scopesTable())...)
}

// watchedTable says of each kind of scope and category whether a feed that carries it brought entries in the period, and whether
// Azure's own list was compared. Without a comparison it is not known which scopes there are.
func (r *Report) watchedTable() []Block {
	l := r.Completeness.Ledger
	if l == nil || len(l.Compared) == 0 {
		return nil
	}
	living, rows, seen := r.living(), [][]any{}, map[activity.ScopeKind]bool{}
	for _, category := range activity.Categories {
		row := []any{string(category)}
		for _, kind := range activity.ScopeKinds {
			var words []string
			if slices.ContainsFunc(living, func(f coverage.Feed) bool { return f != coverage.Listed && f.Reaches(kind, category) }) {
				words = append(words, "watched")
			}
			if l.Compared[kind] > 0 {
				words = append(words, "compared")
			}
			row = append(row, cmp.Or(strings.Join(words, ", "), "not watched"))
			seen[kind] = seen[kind] || len(words) > 0
		}
		rows = append(rows, row)
	}
	blocks := []Block{tableOf("Scopes and categories", []Column{{"Category", Words}, {"Tenant", Words}, {"Management groups", Words}, {"Subscriptions", Words}}, rows).sheet()}
	for _, kind := range activity.ScopeKinds {
		if !seen[kind] {
			blocks = append(blocks, Paragraph{Soft: true, Text: fmt.Sprintf("Not watched: no %s. SCOPES names what is to be watched; the right to read it: %s", kind, source.Grant(kind, "NAME"))})
		}
	}
	return blocks
}

func (r *Report) scopesTable() Block {
	rows := [][]any{}
	for _, s := range r.Completeness.Scopes {
		rows = append(rows, []any{r.named(orNone(s.Name)), s.N})
	}
	return tableOf("Subscriptions", []Column{{"Subscription", Words}, {"Entries", Number}}, rows).sheet().show(scopesShown, "report.xlsx")
}

// signOffSection says what the numbers mean, and leaves room for those who answer for them.
func (r *Report) signOffSection() []Block {
	return []Block{
		Heading{Level: 2, Text: "Definitions"},
		Paragraph{Soft: true, Text: "Numbers are log entries, each counted once however often it was delivered, unless they say operations: Started, Accepted and Succeeded of one operation are one operation. " +
			"High risk means that the operation's name contains “delete” or “roleassignment”. Names are compared without regard to case; callers are shown in lower case. Confirmed: the destination's answer proves that the message is where its readers look. " +
			"Accepted: a service took it and does not report what became of it. Neither says that a person read it."},
		Paragraph{Soft: true, Text: "Whether these files are the ones that were made: handler verify on the folder that holds manifest.json; it says what that proves and what not."},
		Heading{Level: 2, Text: "Sign-off"},
		tableOf("Sign-off", []Column{{"Role", Words}, {"Name", Where}, {"Date", Where}, {"Signature", Where}}, [][]any{
			{"Prepared by", r.Masthead.PreparedBy, "", ""}, {"Reviewed by", r.Masthead.ReviewedBy, "", ""},
		}),
	}
}
