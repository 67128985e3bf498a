package digest

import (
	"fmt"
	"slices"
)

// The first page: what is asked first.

func (r *Report) titleSection() []Block {
	c := &r.Completeness
	sub := r.Period
	if r.Name != "" {
		sub += " · " + r.Name
	}
	if r.Masthead.Organisation != "" {
		sub = r.Masthead.Organisation + " · " + sub
	}
	small := fmt.Sprintf("Made on %s (%s) from %s. Times are %s unless they say otherwise.", clock(r.GeneratedAt, r.Zone), r.Zone, c.Source, r.Zone)
	if r.Masthead.Classification != "" {
		small = r.Masthead.Classification + ". " + small
	}
	return []Block{
		Title{"Azure Activity Log digest", sub, small},
		Statement{c.Verdict.Words(), c.Verdict.Grave(), c.Statement},
		Statement{c.InTime.Words(), c.InTime.Verdict.Grave(), c.InTime.Statement},
		r.Figures(),
	}
}

func question(text string, answer ...Block) []Block {
	return append([]Block{Heading{Level: 2, Text: text, Front: true}}, answer...)
}

func (r *Report) mattersSection() []Block {
	return question("What happened that matters?", r.Matters())
}

func (r *Report) alertedSection() []Block {
	return question("Was it alerted about, confirmed, acknowledged?", r.Alerted())
}

func (r *Report) openSection() []Block { return question("What is open?", r.Open()) }

func (r *Report) aliveSection() []Block {
	if points := r.Alive(); len(points) > 0 {
		return question("Was the monitoring itself tested?", points)
	}
	return nil
}

func (r *Report) whoSection() []Block {
	list := firstOf(r.Top.Risky, r.Top.Callers)
	if len(list) == 0 {
		return question("Who did it?", Paragraph{Text: "No entry names a caller."})
	}
	list = list[:min(len(list), 6)]
	return question("Who did it?", r.callers("Callers with the most high-risk entries", list))
}

func (r *Report) callers(name string, list []Tried) Table {
	rows := [][]any{}
	for _, c := range list {
		rows = append(rows, []any{r.who(c.Name), c.N, c.Failed, c.Risky})
	}
	return tableOf(name, []Column{{"Caller", Words}, {"Entries", Number}, {"Failed", Number}, {"High risk", Number}}, rows)
}

func firstOf(a, b []Tried) []Tried {
	if len(a) > 0 {
		return a
	}
	return b
}

// gravesShown bounds the kinds on the first page. There are more operations in Azure than a page has lines; what is beyond
// is counted in the last line.
const gravesShown = 40

// graveSection names every kind of high-risk operation that occurred, gravest first, with its number and first case.
func (r *Report) graveSection() []Block {
	kinds := r.caseKinds()
	if len(kinds) == 0 {
		return nil
	}
	rows := [][]any{}
	for _, k := range kinds[:min(len(kinds), gravesShown)] {
		rows = append(rows, []any{k.mark(), ID(shortOperation(k.operation)), k.n, k.succeeded, k.first.First, r.who(k.first.Caller), lastSegment(k.first.Resource)})
	}
	if more := kinds[min(len(kinds), gravesShown):]; len(more) > 0 {
		n, succeeded := 0, 0
		for _, k := range more {
			n, succeeded = n+k.n, succeeded+k.succeeded
		}
		rows = append(rows, []any{"", fmt.Sprintf("%d more kinds", len(more)), n, succeeded, "", "", ""})
	}
	table := tableOf("High-risk operations by severity and kind", []Column{
		{"Severity", Words}, {"Operation", Words}, {"Operations", Number}, {"Succeeded", Number}, {"First", When}, {"By", Words}, {"On", Words},
	}, rows)
	return question("Which grave acts were there?", table)
}

// caseKind is what is counted of one kind of case.
type caseKind struct {
	severity, operation string
	n, succeeded        int
	first               Case
}

func (k *caseKind) mark() any { return severityMark(k.severity) }

// severityMark is a severity with its sign; a case that met no rule has none.
func severityMark(severity string) any {
	switch rank := severityRank(severity); {
	case rank >= severityRank("high"):
		return Point{Act, severity}
	case rank >= 0:
		return Point{Note, severity}
	}
	return "no rule"
}

// caseKinds counts the cases by severity and operation: gravest first, then by name.
func (r *Report) caseKinds() []*caseKind {
	var kinds []*caseKind
	for c := range r.Cases().All() {
		if last := len(kinds) - 1; last < 0 || kinds[last].severity != c.severity() || kinds[last].operation != c.Operation {
			kinds = append(kinds, &caseKind{severity: c.severity(), operation: c.Operation, first: c})
		}
		k := kinds[len(kinds)-1]
		k.n++
		if c.Outcome == "Succeeded" {
			k.succeeded++
		}
	}
	return slices.Clip(kinds)
}
