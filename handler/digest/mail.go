package digest

import (
	"bufio"
	"bytes"
	"fmt"
	"html"
	"strings"
	"time"
)

// Letter is what a mail says beside the report.
type Letter struct {
	Manifest  string   // SHA-256 of the manifest
	Timestamp string   // what came of having it stamped, a sentence; empty: that was not asked for
	Log       string   // what came of having it logged, the same
	Archive   string   // where the bundle is kept; empty: nowhere
	LeftOut   []string // files that are too large to be attached
}

// Subject is the subject of the mail: the verdict on the record comes first.
func (r *Report) Subject() string {
	return r.Completeness.Verdict.Words() + ": Azure Activity Log digest, " + r.Period
}

// MailHTML is the first page of the report in a form that mail programs show: one column, styles inline.
func (r *Report) MailHTML(l Letter) (string, error) {
	var out bytes.Buffer
	m := mail{out: bufio.NewWriter(&out), zone: r.Zone}
	m.put(mailHead)
	m.put("<title>" + escaped(r.Subject()) + "</title>" + mailStyle + `</head><body class="page" style="margin:0;padding:0;background:#f5f7f9">`)
	m.put(`<div style="display:none;max-height:0;overflow:hidden">` + escaped(r.Completeness.Verdict.Words()+". "+r.Completeness.Statement) + "</div>")
	m.put(`<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tr><td align="center" style="padding:16px 8px">` +
		`<table role="presentation" class="card" width="640" cellpadding="0" cellspacing="0" border="0" style="width:100%;max-width:640px;background:#ffffff;border:1px solid #d5dae0;font-family:'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:15px;line-height:22px">`)
	for _, b := range front(r.Document()) {
		m.block(b)
	}
	m.put(`<tr><td class="soft line" style="padding:14px 24px 20px;border-top:1px solid #e6e9ed;color:#57606a;font-size:12px;line-height:18px;word-break:break-word">` +
		escaped(strings.Join(l.Lines(), "\n")) + "</td></tr></table></td></tr></table></body></html>\n")
	if err := m.out.Flush(); err != nil {
		return "", fmt.Errorf("write mail: %w", err)
	}
	return out.String(), nil
}

const (
	mailHead  = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">`
	mailStyle = `<style>@media (prefers-color-scheme:dark){.page{background:#14181d!important}.card{background:#1c2229!important;border-color:#353c45!important}.ink{color:#e6e9ed!important}.soft{color:#a3adb8!important}.line{border-color:#353c45!important}` +
		`.calm{background:#15291c!important;border-color:#8ad6a0!important}.note{background:#17263a!important;border-color:#a3adb8!important}.act{background:#35191b!important;border-color:#ff9a96!important}.warn{color:#ff9a96!important}}</style>`
)

// mail prints blocks as rows of one table.
type mail struct {
	out  *bufio.Writer
	zone *time.Location
}

func (m mail) put(markup string) { _, _ = m.out.WriteString(markup) } // errors stick and show at the end

func escaped(s string) string { return strings.ReplaceAll(html.EscapeString(visible(s)), "\n", "<br>") }

func (m mail) row(style, content string) {
	m.put(`<tr><td class="ink" style="padding:4px 24px;color:#1b1f24;` + style + `">` + content + "</td></tr>\n")
}

func (m mail) block(b Block) {
	switch b := b.(type) {
	case Title:
		m.row("padding-top:20px", `<div style="font-size:22px;line-height:28px;font-weight:600">`+escaped(b.Text)+`</div><div class="soft" style="color:#57606a">`+escaped(b.Sub)+`</div><div class="soft" style="color:#57606a;font-size:13px">`+escaped(b.Small)+"</div>")
	case Statement:
		back, edge := map[Grave]string{Calm: "#eef8f0", Note: "#eef4fb", Act: "#fdf0f0"}[b.Grave], map[Grave]string{Calm: "#1a6334", Note: "#57606a", Act: "#a4161a"}[b.Grave]
		m.row("", `<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tr><td class="`+b.Grave.Class()+` ink" bgcolor="`+back+`" style="padding:10px 14px;background:`+back+`;border-left:5px solid `+edge+`;color:#1b1f24;font-size:14px"><b>`+
			escaped(Point{Grave: b.Grave}.Mark()+" "+b.Head)+"</b><br>"+escaped(b.Text)+"</td></tr></table>")
	case Figures:
		rows := [][]any{}
		for _, f := range b {
			rows = append(rows, []any{f.Name, f.Value, f.Change})
		}
		m.table(tableOf("In numbers", []Column{{"Number", Words}, {"Value", Number}, {"Change", Number}}, rows))
	case Heading:
		m.row("padding-top:12px;font-size:16px;font-weight:600", escaped(b.Text))
	case Paragraph:
		m.row("font-size:14px", escaped(b.Text))
	case Points:
		for _, p := range b {
			class, color := "", ""
			if p.Grave == Act {
				class, color = ` class="warn"`, "color:#a4161a"
			}
			m.row("font-size:14px;word-break:break-word", `<b`+class+` style="`+color+`">`+escaped(p.Mark())+"</b>&nbsp; "+escaped(p.Text))
		}
	case Table:
		m.table(b)
	}
}

// mailColumns is how many columns a phone has room for.
const mailColumns = 4

// table prints a table. What has no room beside the first columns stands below them, in words.
func (m mail) table(t Table) {
	if t.Off || t.N == 0 {
		return
	}
	beside := t.Columns[:min(mailColumns, len(t.Columns))]
	const cell = `padding:3px 8px 3px 0;border-top:1px solid #e6e9ed;font-size:13px;line-height:18px;word-break:break-word;`
	m.put(`<tr><td class="ink" style="padding:4px 24px;color:#1b1f24"><table width="100%" cellpadding="0" cellspacing="0" border="0"><caption style="text-align:left;color:#57606a;font-size:13px">` + escaped(t.Name) + "</caption><tr>")
	for _, c := range beside {
		m.put(`<th class="soft" scope="col" align="` + c.Kind.align() + `" style="padding-right:8px;color:#57606a;font-size:13px;font-weight:600">` + escaped(c.Title) + "</th>")
	}
	m.put("</tr>")
	shown, _ := t.shown()
	for row := range t.first(shown) {
		m.put("<tr>")
		for i, c := range row[:len(beside)] {
			m.put(`<td class="line" align="` + beside[i].Kind.align() + `" valign="top" style="` + cell + `">` + escaped(words(c, m.zone)) + "</td>")
		}
		m.put("</tr>")
		if below := textRow(Table{Columns: t.Columns[len(beside)-1:]}, append([]any{""}, row[len(beside):]...), m.zone); below != "" {
			m.put(fmt.Sprintf(`<tr><td class="soft" colspan="%d" style="padding:0 8px 3px 0;color:#57606a;font-size:13px;line-height:18px;word-break:break-word">%s</td></tr>`, len(beside), escaped(below)))
		}
	}
	m.put("</table></td></tr>\n")
}

func (k Kind) align() string {
	if k == Number {
		return "right"
	}
	return "left"
}

// MailText is the same for programs that show text only.
func (r *Report) MailText(l Letter) string {
	var b strings.Builder
	line := func(format string, args ...any) { b.WriteString(visible(fmt.Sprintf(format, args...)) + "\r\n") }
	for _, block := range front(r.Document()) {
		switch x := block.(type) {
		case Title:
			line("%s", x.Text+", "+x.Sub)
			line("%s", x.Small)
		case Statement:
			line("")
			line("%s", x.Head+". "+x.Text)
		case Figures:
			line("")
			for _, f := range x {
				change := ""
				if f.Change != "" {
					change = " (" + f.Change + ")"
				}
				line("%s", f.Name+": "+f.Value+change)
			}
		case Heading:
			line("")
			line("%s", x.Text)
		case Paragraph:
			line("  %s", x.Text)
		case Points:
			for _, p := range x {
				line("  %s", p.Mark()+" "+p.Text)
			}
		case Table:
			for row := range x.first(x.N) {
				line("  %s", textRow(x, row, r.Zone))
			}
		}
	}
	line("")
	for _, text := range l.Lines() {
		line("%s", text)
	}
	return b.String()
}

// textRow is a row in words: each cell behind the first with its column's title.
func textRow(t Table, row []any, zone *time.Location) string {
	parts := []string{}
	for i, cell := range row {
		text := words(cell, zone)
		switch {
		case text == "":
		case i == 0:
			parts = append(parts, text)
		default:
			parts = append(parts, strings.ToLower(t.Columns[i].Title)+" "+text)
		}
	}
	return strings.Join(parts, ", ")
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
	for _, text := range []string{l.Timestamp, l.Log} {
		if text != "" {
			lines = append(lines, text)
		}
	}
	return append(lines, "Keep this mail: with it, `handler verify --sha256` proves that no one replaced the archived files.")
}
