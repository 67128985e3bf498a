package digest

import (
	"bufio"
	_ "embed"
	"fmt"
	"html"
	"io"
	"strings"
	"time"
)

//go:embed report.css
var reportStyle string

// HTML writes the report as one page that needs nothing else: no script, no font, no picture from anywhere, which its
// content security policy makes the browser enforce. It follows the reader's light or dark setting and prints on white.
func HTML(w io.Writer, r Report) error {
	p := &page{out: bufio.NewWriter(w), zone: r.Zone}
	p.put(`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`)
	p.put(`<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer"><title>`)
	p.say(r.Heading())
	p.put("</title><style>" + reportStyle + "</style></head><body><main>\n")
	blocks := r.Document()
	p.contents(blocks)
	p.blocks(blocks)
	p.put("</main></body></html>\n")
	if err := p.out.Flush(); err != nil {
		return fmt.Errorf("write html: %w", err)
	}
	return nil
}

// Heading is the report's name in one line: with the verdict on the record first.
func (r *Report) Heading() string {
	return "Azure Activity Log digest, " + r.Period + ": " + r.Completeness.Verdict.Words()
}

// page prints blocks as HTML.
type page struct {
	out   *bufio.Writer
	zone  *time.Location
	front bool // in the columns of the first page
	wide  bool // what follows needs both of them
	heads int
	cells bool // in a table's body, where addresses and paths break behind "@" and "/"
}

func (p *page) put(markup string) { _, _ = p.out.WriteString(markup) } // errors stick and show at the end

func (p *page) say(text string) {
	escaped := html.EscapeString(visible(text))
	if p.cells {
		escaped = breaks.Replace(escaped)
	}
	p.put(strings.ReplaceAll(escaped, "\n", "<br>"))
}

var breaks = strings.NewReplacer("@", "@<wbr>", "/", "/<wbr>")

// contents lists the sections, with links within the page.
func (p *page) contents(blocks []Block) {
	p.put(`<nav aria-label="Contents"><details><summary>Contents</summary><ol>`)
	n := 0
	for _, b := range blocks {
		if h, ok := b.(Heading); ok && h.Level == 2 {
			n++
			p.put(fmt.Sprintf(`<li><a href="#s%d">`, n))
			p.say(h.Text)
			p.put("</a></li>")
		}
	}
	p.put("</ol></details></nav>\n")
}

// columnsBeside is how many columns a table may have that stands in one of the two columns of the first page.
const columnsBeside = 4

func (p *page) blocks(blocks []Block) {
	for i, b := range blocks {
		if i+1 < len(blocks) {
			next, is := blocks[i+1].(Table)
			p.wide = is && len(next.Columns) > columnsBeside
		}
		p.block(b)
	}
	p.columns(false)
}

func (p *page) block(b Block) {
	switch b := b.(type) {
	case Title:
		p.element("h1", "", b.Text)
		p.element("p", "sub", b.Sub)
		p.element("p", "soft", b.Small)
	case Statement:
		p.put(`<div class="statement ` + b.Grave.Class() + `"><p><b>`)
		p.say(Point{Grave: b.Grave}.Mark() + " " + b.Head)
		p.put("</b></p>")
		p.element("p", "", b.Text)
		p.put("</div>\n")
	case Figures:
		p.figures(b)
	case Heading:
		p.heading(b)
	case Paragraph:
		p.element("p", map[bool]string{true: "soft", false: ""}[b.Soft], b.Text)
	case Points:
		p.points(b)
	case Table:
		p.table(b)
	case Heat:
		p.put(heatSVG(b.Activity))
	case Strip:
		p.strip(b)
	}
}

func (p *page) element(name, class, text string) {
	if class != "" {
		class = ` class="` + class + `"`
	}
	p.put("<" + name + class + ">")
	p.say(text)
	p.put("</" + name + ">\n")
}

func (p *page) heading(h Heading) {
	p.columns(h.Front)
	p.heads++
	switch {
	case h.Front && p.wide:
		p.put(`<section class="wide">`)
	case h.Front:
		p.put("<section>")
	}
	p.put(fmt.Sprintf(`<h%d id="s%d">`, h.Level, p.heads))
	p.say(h.Text)
	p.put(fmt.Sprintf("</h%d>\n", h.Level))
}

// columns begins and ends the columns of the first page.
func (p *page) columns(front bool) {
	switch {
	case front && !p.front:
		p.put(`<div class="answers">`)
	case front:
		p.put("</section>\n")
	case p.front:
		p.put("</section></div>\n")
	}
	p.front = front
}

func (p *page) figures(all Figures) {
	p.caption(` class="figures"`, "In numbers")
	p.put("<tbody><tr>")
	for _, f := range all {
		p.put("<td><span>")
		p.say(f.Name)
		p.put("</span><b>")
		p.say(f.Value)
		p.put("</b><i>")
		p.say(orSpace(f.Change))
		p.put("</i></td>")
	}
	p.put("</tr></tbody></table>\n")
}

func orSpace(s string) string {
	if s == "" {
		return "\u00a0"
	}
	return s
}

func (p *page) points(all Points) {
	p.put(`<ul class="points">`)
	for _, one := range all {
		p.put(`<li class="` + one.Class() + `"><b>`)
		p.say(one.Mark())
		p.put("</b> ")
		p.say(one.Text)
		p.put("</li>")
	}
	p.put("</ul>\n")
}

// rowsOpen is how many rows of a table stand open before the rest is folded away.
const rowsOpen = 60

// table prints the rows that documents show. On a screen the first ones are open, and the others folded away.
func (p *page) table(t Table) {
	if t.Off || t.N == 0 {
		return
	}
	shown, rest := t.shown()
	open := shown
	if shown > rowsOpen+rowsOpen/4 {
		open = rowsOpen
	}
	p.tableHead(t, t.Name)
	n := 0
	for row := range t.first(shown) {
		if n == open {
			p.put("</tbody></table></div>\n<details><summary>")
			p.say(fmt.Sprintf("%s: %s more", t.Name, number(int64(shown-open))))
			p.put("</summary>")
			p.tableHead(t, t.Name+", continued")
		}
		n++
		p.row(t, row)
	}
	p.put("</tbody></table></div>\n")
	if shown > open {
		p.put("</details>\n")
	}
	if rest > 0 {
		p.element("p", "soft", t.left(shown))
	}
}

func (p *page) tableHead(t Table, caption string) {
	p.put(`<div class="scroll">`)
	p.caption("", caption)
	p.put("<thead><tr>")
	for _, c := range t.Columns {
		p.put(`<th scope="col"` + c.Kind.class() + ">")
		p.say(c.Title)
		p.put("</th>")
	}
	p.put("</tr></thead><tbody>\n")
}

// caption begins a table.
func (p *page) caption(class, text string) {
	p.put("<table" + class + ">")
	p.element("caption", "", text)
}

func (k Kind) class() string {
	return map[Kind]string{Number: ` class="n"`, When: ` class="t"`, Where: ` class="where"`, Length: ` class="bar"`}[k]
}

// row prints a row. Its first cell names it.
func (p *page) row(t Table, row []any) {
	p.cells = true
	defer func() { p.cells = false }()
	p.put("<tr>")
	for i, cell := range row {
		if i == 0 {
			p.put(`<th scope="row"` + t.Columns[i].Kind.class() + ">")
		} else {
			p.put("<td" + t.Columns[i].Kind.class() + ">")
		}
		p.cell(cell)
		if i == 0 {
			p.put("</th>")
		} else {
			p.put("</td>")
		}
	}
	p.put("</tr>\n")
}

func (p *page) cell(cell any) {
	switch v := cell.(type) {
	case ID:
		p.element("code", "", string(v))
	case Named:
		if v.Name == "" || v.Name == v.ID {
			p.element("code", "", v.ID)
			return
		}
		p.say(v.Name)
		if v.ID != "" {
			p.put("<br>")
			p.element("code", "id", v.ID)
		}
	case Point:
		p.put(`<span class="` + v.Class() + `">`)
		p.say(v.Mark() + "\u00a0" + v.Text)
		p.put("</span>")
	case Bar:
		share := max(100*float64(v.N)/float64(max(v.Most, 1)), 0.7)
		if v.N == 0 {
			share = 0
		}
		p.put(fmt.Sprintf(`<div class="length" style="width:%.1f%%"></div>`, share))
	default:
		p.say(words(cell, p.zone))
	}
}

// strip prints a cell for each day, in rows of at most sixteen.
func (p *page) strip(s Strip) {
	p.caption(` class="strip"`, s.Name)
	p.put("<tbody>")
	const wide = 16
	for at := 0; at < len(s.Days); at += wide {
		p.put("<tr>")
		for _, day := range s.Days[at:min(at+wide, len(s.Days))] {
			p.put(`<td class="` + day.Grave.Class() + `" title="`)
			p.say(day.Date + ": " + day.Word)
			p.put(`">`)
			p.say(day.Number + " " + day.Sign)
			p.put("</td>")
		}
		p.put("</tr>")
	}
	p.put("</tbody></table>\n")
	p.element("p", "soft", s.Legend)
}

// clock writes a time in the report's zone.
func clock(at time.Time, zone *time.Location) string {
	if at.IsZero() {
		return "unknown"
	}
	return at.In(zone).Format("2006-01-02 15:04:05")
}

// sorted lists a map's counts, most first.
func sorted(m map[string]int64) []Count {
	list := []Count{}
	for name, n := range m {
		list = append(list, Count{name, n})
	}
	sortCounts(list)
	return list
}

// lastSegment is the name of a resource.
func lastSegment(id string) string {
	id = strings.TrimRight(id, "/")
	return id[strings.LastIndexByte(id, '/')+1:]
}

// shortOperation drops the provider: "networksecuritygroups/securityrules/delete".
func shortOperation(op string) string {
	if provider, rest, ok := strings.Cut(op, "/"); ok && strings.Contains(provider, ".") {
		return rest
	}
	return op
}
