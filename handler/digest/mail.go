package digest

import (
	_ "embed"
	"fmt"
	"html/template"
	"strings"
	"time"
)

// Letter is what a mail says beside the report.
type Letter struct {
	Manifest  string   // SHA-256 of the manifest
	Timestamp string   // what came of having it stamped, a sentence; empty: that was not asked for
	Archive   string   // where the bundle is kept; empty: nowhere
	LeftOut   []string // files that are too large to be attached
}

//go:embed mail.html.tmpl
var mailTemplate string

// Subject is the subject of the mail.
func (r *Report) Subject() string {
	mark := ""
	if !r.Completeness.Complete {
		mark = " – not complete"
	}
	return "Azure Activity Log digest, " + r.Period + mark
}

// MailHTML is the first page of the report in a form that mail programs show: one column, styles inline.
func (r *Report) MailHTML(l Letter) (string, error) {
	t, err := template.New("mail").Funcs(template.FuncMap{
		"number": anyNumber, "when": func(at time.Time) string { return clock(at, r.Zone) }, "join": func(list []string) string { return strings.Join(list, ", ") },
	}).Parse(mailTemplate)
	if err != nil {
		return "", fmt.Errorf("parse mail template: %w", err)
	}
	var b strings.Builder
	page := struct {
		*Report
		Letter
		Who []Tried
	}{r, l, firstOf(r.Top.Risky, r.Top.Callers)}
	page.Who = page.Who[:min(len(page.Who), 6)]
	if err := t.Execute(&b, page); err != nil {
		return "", fmt.Errorf("write mail: %w", err)
	}
	return b.String(), nil
}

// MailText is the same for programs that show text only.
func (r *Report) MailText(l Letter) string {
	var b strings.Builder
	section := func(title string, points []Point) {
		fmt.Fprintf(&b, "%s\r\n", title)
		for _, p := range points {
			fmt.Fprintf(&b, "  %s %s\r\n", p.Mark(), p.Text)
		}
		b.WriteString("\r\n")
	}
	fmt.Fprintf(&b, "Azure Activity Log digest, %s\r\n\r\n%s\r\n\r\n", r.Period, r.Completeness.Statement)
	for _, f := range r.Figures() {
		change := ""
		if f.Change != "" {
			change = " (" + f.Change + ")"
		}
		fmt.Fprintf(&b, "%s: %s%s\r\n", f.Name, f.Value, change)
	}
	b.WriteString("\r\n")
	section("What happened that matters?", r.Matters())
	section("Was it rung, delivered, answered?", r.Rung())
	section("What is open?", r.Open())
	if alive := r.Alive(); len(alive) > 0 {
		section(aliveQuestion, alive)
	}
	for _, line := range l.Lines() {
		b.WriteString(line + "\r\n")
	}
	return b.String()
}

// Lines are the small print of a mail.
func (l Letter) Lines() []string {
	var lines []string
	if len(l.LeftOut) > 0 {
		lines = append(lines, "Too large to be attached: "+strings.Join(l.LeftOut, ", ")+".")
	}
	if l.Archive != "" {
		lines = append(lines, "Archive: "+l.Archive)
	}
	lines = append(lines, "SHA-256 of manifest.json: "+l.Manifest)
	if l.Timestamp != "" {
		lines = append(lines, l.Timestamp)
	}
	return append(lines, "Keep this mail: with it, `handler verify --sha256` proves that nobody replaced the archived files.")
}
