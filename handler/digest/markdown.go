package digest

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"
)

// Markdown writes the report for places that show Markdown: pull requests, wikis, tickets. Tables hold the rows that other
// documents show.
func Markdown(w io.Writer, r Report) error {
	m := markdown{bufio.NewWriter(w), r.Zone}
	for _, b := range r.Document() {
		m.block(b)
	}
	return m.out.Flush()
}

type markdown struct {
	out  *bufio.Writer
	zone *time.Location
}

// line writes a paragraph.
func (m markdown) line(format string, args ...any) { fmt.Fprintf(m.out, format+"\n\n", args...) }

func (m markdown) block(b Block) {
	switch b := b.(type) {
	case Title:
		m.line("# %s, %s", plainText(b.Text), plainText(b.Sub))
		m.line("%s", plainText(b.Small))
	case Statement:
		m.line("**%s.** %s", plainText(b.Head), plainText(b.Text))
	case Figures:
		for _, f := range b {
			change := ""
			if f.Change != "" {
				change = " (" + f.Change + ")"
			}
			fmt.Fprintf(m.out, "- %s: **%s**%s\n", f.Name, f.Value, change)
		}
		fmt.Fprintln(m.out)
	case Heading:
		m.line("%s %s", strings.Repeat("#", b.Level), plainText(b.Text))
	case Paragraph:
		m.line("%s", plainText(b.Text))
	case Points:
		for _, p := range b {
			fmt.Fprintf(m.out, "- %s%s\n", map[Grave]string{Calm: "✓ ", Act: "**!** "}[p.Grave], plainText(p.Text))
		}
		fmt.Fprintln(m.out)
	case Table:
		m.table(b)
	case Strip:
		var days []string
		for _, day := range b.Days {
			days = append(days, day.Number+" "+day.Sign)
		}
		m.line("%s: %s", plainText(b.Name), plainText(strings.Join(days, ", ")))
		m.line("%s", plainText(b.Legend))
	}
}

func (m markdown) table(t Table) {
	if t.Off || t.N == 0 {
		return
	}
	head, rule := []string{}, []string{}
	for _, c := range t.Columns {
		if c.Kind == Length {
			continue
		}
		head, rule = append(head, plainText(c.Title)), append(rule, map[bool]string{true: "--:", false: "---"}[c.Kind == Number])
	}
	m.line("%s:", plainText(t.Name))
	fmt.Fprintf(m.out, "| %s |\n|%s|\n", strings.Join(head, " | "), strings.Join(rule, "|"))
	shown, rest := t.shown()
	for row := range t.first(shown) {
		var cells []string
		for i, cell := range row {
			if t.Columns[i].Kind != Length {
				cells = append(cells, plainText(words(cell, m.zone)))
			}
		}
		fmt.Fprintln(m.out, "| "+strings.Join(cells, " | ")+" |")
	}
	fmt.Fprintln(m.out)
	if rest > 0 {
		m.line("The first %s of %s; %s has all.", number(int64(shown)), number(int64(t.N)), t.All)
	}
}

// plainText keeps event text from being markup: every sign that Markdown or HTML could take for its own is escaped, what
// would become a link by itself is divided, and a line stays a line.
func plainText(s string) string {
	var b strings.Builder
	for _, r := range strings.ReplaceAll(strings.ReplaceAll(visible(s), "://", ":\u2060//"), "www.", "www\u2060.") {
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
