package digest

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
)

// document is a PDF being written: A4, millimetres, one running position.
type document struct {
	r        *Report
	pdf      *fpdf.Fpdf
	x, y     float64 // x is the left edge of the column at hand
	replaced bool    // a character was not in the font
}

const (
	left, right, top, bottom = 16.0, 16.0, 18.0, 18.0
	pageWidth, pageHeight    = 210.0, 297.0
	width                    = pageWidth - left - right
	gap                      = 8.0 // between columns
)

// Styles and tones. Tones repeat what a word, a sign or a length says.
const plain, bold = "", "B"

type tone [3]int

var (
	black   = tone{27, 31, 36}
	soft    = tone{87, 96, 106}
	accent  = tone{11, 92, 173}
	faint   = tone{213, 218, 224}
	wash    = tone{245, 247, 249}
	earlier = tone{154, 165, 177}
	alarm   = tone{164, 22, 26}
	calm    = tone{26, 99, 52}
)

func newDocument(r *Report) (*document, error) {
	p := fpdf.New("P", "mm", "A4", "")
	d := &document{r: r, pdf: p, x: left, y: top}
	p.SetCatalogSort(true) // the same report is the same bytes
	p.SetCreationDate(r.GeneratedAt)
	p.SetModificationDate(r.GeneratedAt)
	p.SetTitle("Azure Activity Log digest, "+r.Period, true)
	p.SetSubject(r.Completeness.Statement, true)
	p.SetCreator("Auditbell", true)
	p.SetLang("en")
	p.SetMargins(left, top, right)
	p.SetAutoPageBreak(false, bottom)
	p.AliasNbPages("{pages}")
	p.AddUTF8FontFromBytes("go", plain, goregular.TTF)
	p.AddUTF8FontFromBytes("go", bold, gobold.TTF)
	p.SetHeaderFuncMode(d.pageHead, false)
	p.SetFooterFunc(d.pageFoot)
	if err := p.Error(); err != nil {
		return nil, fmt.Errorf("start pdf: %w", err)
	}
	return d, nil
}

func (d *document) pageHead() {
	d.y = top
	if d.pdf.PageNo() == 1 {
		return
	}
	d.font(plain, 8)
	d.ink(soft)
	d.text(left, 11, "Azure Activity Log digest · "+d.r.Period)
	d.ink(black)
}

func (d *document) pageFoot() {
	d.font(plain, 8)
	d.ink(soft)
	d.text(left, pageHeight-9, d.r.GeneratedAt.Format("2006-01-02 15:04 UTC"))
	d.pdf.SetXY(pageWidth-right-40, pageHeight-12)
	d.pdf.CellFormat(40, 4, fmt.Sprintf("%d / {pages}", d.pdf.PageNo()), "", 0, "R", false, 0, "")
	d.ink(black)
}

func (d *document) font(style string, size float64) { d.pdf.SetFont("go", style, size) }
func (d *document) ink(t tone)                      { d.pdf.SetTextColor(t[0], t[1], t[2]) }
func (d *document) fill(t tone)                     { d.pdf.SetFillColor(t[0], t[1], t[2]) }

// text writes one line with its base line at y.
func (d *document) text(x, y float64, s string) { d.pdf.Text(x, y, d.printable(s)) }

func (d *document) panel(x, y, w, h float64) {
	d.fill(wash)
	d.pdf.SetDrawColor(faint[0], faint[1], faint[2])
	d.pdf.SetLineWidth(0.2)
	d.pdf.Rect(x, y, w, h, "FD")
}

func (d *document) rule(x, w float64, t tone, weight float64) {
	d.pdf.SetDrawColor(t[0], t[1], t[2])
	d.pdf.SetLineWidth(weight)
	d.pdf.Line(x, d.y, x+w, d.y)
}

// need goes to a new page when less than h is left on this one.
func (d *document) need(h float64) bool {
	if d.y+h <= pageHeight-bottom {
		return false
	}
	d.pdf.AddPage()
	return true
}

func (d *document) space(h float64) { d.y += h }

// head begins a section; it never stands alone at the foot of a page.
func (d *document) head(title string) {
	d.y += 6
	d.need(28)
	d.pdf.Bookmark(d.printable(title), 0, d.y)
	d.font(bold, 13)
	d.text(left, d.y+4.5, title)
	d.y += 6.5
	d.rule(left, width, faint, 0.3)
	d.y += 3
}

func (d *document) subhead(title string, wide float64) {
	d.font(bold, 10.5)
	d.text(d.x, d.y+4, title)
	d.y += 5.6
	d.rule(d.x, wide, faint, 0.3)
	d.y += 2
}

func (d *document) paragraph(text string) {
	d.font(plain, 9)
	for _, line := range d.wrap(text, width) {
		d.need(5)
		d.text(left, d.y+3.4, line)
		d.y += 4.5
	}
	d.y += 1.5
}

// columns writes two columns beside each other and goes on below the longer one.
func (d *document) columns(first, second func()) {
	begin := d.y
	first()
	end := d.y
	d.x, d.y = left+(width+gap)/2, begin
	second()
	d.x, d.y = left, max(d.y, end)+2
}

// mark draws the sign of a point: a tick, a dot or an exclamation mark.
func (d *document) mark(p Point, x, y float64) {
	switch p.Grave {
	case Calm:
		d.pdf.SetDrawColor(calm[0], calm[1], calm[2])
		d.pdf.SetLineWidth(0.5)
		d.pdf.Line(x-0.6, y-1.3, x+0.3, y-0.3)
		d.pdf.Line(x+0.3, y-0.3, x+2, y-2.6)
	case Act:
		d.font(bold, 10.5)
		d.ink(alarm)
		d.text(x, y, "!")
		d.ink(black)
	default:
		d.fill(soft)
		d.pdf.Circle(x+0.6, y-1.2, 0.6, "F")
	}
}

// bars draws a list of counts, at most fifteen.
func (d *document) bars(list []Count) {
	const show, label, value = 15, 84.0, 18.0
	most := largest(list)
	for _, c := range list[:min(len(list), show)] {
		d.need(5.5)
		d.font(plain, 8.5)
		d.text(left, d.y+3.5, d.cut(orDash(c.Name), label-2))
		d.pdf.SetXY(left+label, d.y)
		d.pdf.CellFormat(value, 5, number(c.N), "", 0, "RM", false, 0, "")
		d.fill(accent)
		d.pdf.Rect(left+label+value+3, d.y+1, max(float64(c.N)/float64(most)*(width-label-value-3), 0.5), 3, "F")
		d.y += 5.2
	}
	if len(list) > show {
		d.font(plain, 8.5)
		d.ink(soft)
		d.text(left, d.y+3.5, fmt.Sprintf("and %d more", len(list)-show))
		d.ink(black)
		d.y += 5
	}
	if len(list) == 0 {
		d.paragraph("No entries.")
	}
}

func (d *document) trend(m Metric, x, y float64) {
	most := float64(max(m.Before, m.Now, 1))
	d.fill(earlier)
	d.pdf.Rect(x, y+0.9, 44*float64(m.Before)/most+0.01, 1.5, "F")
	d.fill(accent)
	d.pdf.Rect(x, y+2.7, 44*float64(m.Now)/most+0.01, 1.7, "F")
}

// heat draws when entries were logged, as chart.go does for HTML.
func (d *document) heat() {
	a := d.r.Activity
	if len(a.Days) == 0 || len(a.Days) > daysShown {
		return
	}
	const cell, label = 4.6, 22.0
	d.y += 6
	d.need(float64(len(a.Days))*cell + 24)
	d.pdf.Bookmark("When it happened", 0, d.y)
	d.font(bold, 13)
	d.text(left, d.y+4.5, "When it happened")
	d.font(plain, 8.5)
	d.ink(soft)
	d.text(left, d.y+9.5, "A row for each day, a column for each hour. The area of a square is in proportion to the entries of that hour.")
	d.y += 15
	for hour := 0; hour < 24; hour += 3 {
		d.text(left+label+float64(hour)*cell, d.y, fmt.Sprintf("%02d", hour))
	}
	d.end(left+label+24*cell+18, d.y, "entries")
	d.end(left+label+24*cell+40, d.y, "high risk")
	d.y += 1.5
	for i, day := range a.Days {
		y := d.y + float64(i)*cell
		d.text(left, y+cell-1.3, day.Date)
		d.end(left+label+24*cell+18, y+cell-1.3, number(day.Total))
		d.end(left+label+24*cell+40, y+cell-1.3, number(day.Risky))
	}
	d.fill(accent)
	for _, m := range a.marks() {
		side := m.size * (cell - 0.6)
		d.pdf.Rect(left+label+float64(m.hour)*cell+(cell-side)/2, d.y+float64(m.day)*cell+(cell-side)/2, side, side, "F")
	}
	d.ink(black)
	d.y += float64(len(a.Days)) * cell
}

// end writes a text that ends at x.
func (d *document) end(x, y float64, s string) {
	s = d.printable(s)
	d.pdf.Text(x-d.pdf.GetStringWidth(s), y, s)
}

// cut shortens a text to a width.
func (d *document) cut(s string, wide float64) string {
	s = d.printable(s)
	if d.pdf.GetStringWidth(s) <= wide {
		return s
	}
	for len(s) > 0 && d.pdf.GetStringWidth(s+"…") > wide {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s + "…"
}

// wrap breaks a text into lines: at blanks, and in identifiers behind the signs that part them; at any place when there
// is no better one.
func (d *document) wrap(text string, wide float64) []string {
	var lines []string
	for _, paragraph := range strings.Split(d.printable(text), "\n") {
		line := ""
		for _, piece := range pieces(paragraph) {
			if d.pdf.GetStringWidth(line+strings.TrimRight(piece, " ")) <= wide {
				line += piece
				continue
			}
			if line != "" {
				lines = append(lines, strings.TrimRight(line, " "))
			}
			for d.pdf.GetStringWidth(strings.TrimRight(piece, " ")) > wide {
				n := d.fitting(piece, wide)
				lines, piece = append(lines, piece[:n]), piece[n:]
			}
			line = piece
		}
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return lines
}

// fitting is how many bytes of s fit, at least one character.
func (d *document) fitting(s string, wide float64) int {
	_, n := utf8.DecodeRuneInString(s)
	for n < len(s) {
		_, size := utf8.DecodeRuneInString(s[n:])
		if d.pdf.GetStringWidth(s[:n+size]) > wide {
			break
		}
		n += size
	}
	return n
}

// pieces splits a text where a line may end.
func pieces(text string) []string {
	var all []string
	start := 0
	for i := range len(text) {
		if strings.IndexByte(" /-.@_,", text[i]) >= 0 && (i+1 == len(text) || text[i+1] != ' ') {
			all = append(all, text[start:i+1])
			start = i + 1
		}
	}
	if start < len(text) {
		all = append(all, text[start:])
	}
	return all
}

// printable replaces what the document's font does not have: fpdf v0.12.0 keeps a table of 65,536 widths and fails
// beyond it, and shows nothing for what is missing within.
func (d *document) printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= ' ' && r < 0x7f, r == '\n', r >= 0xa0 && r <= 0x17f, covered(r):
			return r
		case r < ' ' || r == 0x7f:
			return ' '
		}
		d.replaced = true
		return '□'
	}, s)
}

// covered tells the further characters of the Go fonts, which have those of WGL4: Greek, Cyrillic and usual signs.
func covered(r rune) bool {
	for _, c := range [...][2]rune{{0x384, 0x3ce}, {0x401, 0x45f}, {0x490, 0x491}, {0x2013, 0x2015}, {0x2017, 0x201e}, {0x2020, 0x2022}, {0x20ac, 0x20ac}} {
		if c[0] <= r && r <= c[1] {
			return true
		}
	}
	return r == '…' || r == '−' || r == '□' || r == '‰' || r == '™'
}
