package digest

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// Markdown writes the report for places that show Markdown: pull requests, wikis, tickets, and the plain part of a mail.
// It is the first page and the lists that a reader asks for next; everything else is in the other formats.
func Markdown(w io.Writer, r Report) error {
	out := bufio.NewWriter(w)
	m := markdown{out}
	m.line("# Azure Activity Log digest, %s", plainText(r.Period))
	complete := "Complete, as far as can be told."
	if !r.Completeness.Complete {
		complete = "Not complete."
	}
	m.line("**%s** %s", complete, plainText(r.Completeness.Statement))
	m.figures(&r)
	m.points("What happened that matters?", r.Matters())
	m.tried("Who did it?", firstOf(r.Top.Risky, r.Top.Callers))
	m.points("Was it rung, delivered, answered?", r.Rung())
	m.points("What is open?", r.Open())
	if alive := r.Alive(); len(alive) > 0 {
		m.points(aliveQuestion, alive)
	}
	m.families(r.SecurityEvents)
	m.counts("Deletions by type", "Type", r.Deletions.ByType)
	m.counts("Failures by operation", "Operation", r.Failures.ByOperation)
	m.roles(&r)
	m.line("Made on %s UTC. Numbers are log entries, each counted once; times are %s.", r.GeneratedAt.Format("2006-01-02 15:04"), r.Zone)
	return out.Flush()
}

func firstOf(a, b []Tried) []Tried {
	if len(a) > 0 {
		return a
	}
	return b
}

type markdown struct{ out *bufio.Writer }

// line writes a paragraph.
func (m markdown) line(format string, args ...any) { fmt.Fprintf(m.out, format+"\n\n", args...) }

func (m markdown) figures(r *Report) {
	for _, f := range r.Figures() {
		change := ""
		if f.Change != "" {
			change = " (" + f.Change + ")"
		}
		fmt.Fprintf(m.out, "- %s: **%s**%s\n", f.Name, f.Value, change)
	}
	fmt.Fprintln(m.out)
}

func (m markdown) points(title string, points []Point) {
	m.line("## %s", title)
	for _, p := range points {
		fmt.Fprintf(m.out, "- %s%s\n", map[Grave]string{Calm: "✓ ", Act: "**!** "}[p.Grave], plainText(p.Text))
	}
	fmt.Fprintln(m.out)
}

func (m markdown) tried(title string, list []Tried) {
	m.line("## %s", title)
	if len(list) == 0 {
		m.line("Nobody: no entry names a caller.")
		return
	}
	m.head("Caller", "Entries", "Failed", "High risk")
	for _, c := range list[:min(len(list), 10)] {
		m.row(c.Name, number(c.N), number(c.Failed), number(c.Risky))
	}
	fmt.Fprintln(m.out)
}

func (m markdown) families(all []Family) {
	m.line("## Security-relevant operations")
	m.head("Name contains", "Entries", "Succeeded", "Callers")
	for _, f := range all {
		m.row(f.Name, number(f.Count), number(f.Successful), some(f.Callers))
	}
	fmt.Fprintln(m.out)
}

func (m markdown) counts(title, what string, list []Count) {
	m.line("## %s", title)
	if len(list) == 0 {
		m.line("None.")
		return
	}
	m.head(what, "Count")
	for _, c := range list[:min(len(list), 15)] {
		m.row(c.Name, number(c.N))
	}
	fmt.Fprintln(m.out)
}

func (m markdown) roles(r *Report) {
	m.line("## Role assignments")
	if len(r.Roles.Changes) == 0 {
		m.line("None.")
		return
	}
	const show = 50
	m.head("When", "Role", "Action", "Principal", "By", "On", "Result")
	for _, c := range r.Roles.Changes[:min(len(r.Roles.Changes), show)] {
		m.row(clock(c.Time, r.Zone), orUnknown(c.Role), c.Action, orUnknown(c.Principal), orUnknown(c.Caller), c.Scope, c.Status)
	}
	fmt.Fprintln(m.out)
	if n := len(r.Roles.Changes); n > show {
		m.line("The first %d of %s.", show, number(int64(n)))
	}
}

func (m markdown) head(names ...string) {
	m.row(names...)
	fmt.Fprintln(m.out, "|"+strings.Repeat("---|", len(names)))
}

func (m markdown) row(cells ...string) {
	for i := range cells {
		cells[i] = plainText(cells[i])
	}
	fmt.Fprintln(m.out, "| "+strings.Join(cells, " | ")+" |")
}

// plainText keeps event text from being markup: every sign that Markdown or HTML could take for its own is escaped, what
// would become a link by itself is parted, and a line stays a line.
func plainText(s string) string {
	var b strings.Builder
	for _, r := range strings.ReplaceAll(strings.ReplaceAll(s, "://", ":\u2060//"), "www.", "www\u2060.") {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			r = ' '
		case r == '<':
			b.WriteString("&lt;")
			continue
		case r == '&':
			b.WriteString("&amp;")
			continue
		case strings.ContainsRune("\\`*_[]|~", r):
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
