package digest

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/digest/pdf"
)

// PDF writes the report as a document for print and for archives: tagged (headings, paragraphs, lists, tables with the heads
// of their columns and rows, figures with their words) and in the form PDF/A-3b. The bytes depend on nothing but the report.
func PDF(w io.Writer, r Report) error {
	d, err := pdf.New(pdf.Info{
		Title: r.Heading(), Subject: r.Completeness.Verdict.Words() + ". " + r.Completeness.Statement, Author: r.Masthead.Organisation, Creator: "Auditbell", Created: r.GeneratedAt,
	})
	if err != nil {
		return fmt.Errorf("lay out pdf: %w", err)
	}
	p := &paper{d: d, zone: r.Zone}
	for _, b := range r.Document() {
		p.block(b)
	}
	if p.missing {
		d.Paragraph(pdf.Text{Text: `What this document's font has no sign for, or one that could be taken for another, is written as \u and its number in Unicode; report.html shows it.`, Size: small, Color: soft})
	}
	if err := d.Write(w); err != nil {
		return fmt.Errorf("write pdf: %w", err)
	}
	return nil
}

// Sizes of fonts, in points, and colours of the paper.
const (
	cellSize, idSize, small = 7.6, 6.8, 7.8

	soft   pdf.Color = 0x57606a
	grave  pdf.Color = 0xa4161a
	calm   pdf.Color = 0x1a6334
	blue   pdf.Color = 0x0b5cad
	border pdf.Color = 0xd5dae0
)

// paper prints blocks on paper.
type paper struct {
	d       *pdf.Document
	zone    *time.Location
	missing bool // a character is written as its number
}

func (p *paper) block(b Block) {
	switch b := b.(type) {
	case Title:
		p.d.Heading(1, p.shown(b.Text))
		p.d.Paragraph(pdf.Text{Text: p.shown(b.Sub), Size: 11, Face: pdf.Bold})
		p.d.Paragraph(p.soft(b.Small))
	case Statement:
		p.d.Box(edge(b.Grave), pdf.Text{Text: p.sign(b.Grave) + " " + p.shown(b.Head), Face: pdf.Bold}, pdf.Text{Text: p.shown(b.Text)})
	case Figures:
		p.figures(b)
	case Heading:
		p.d.Heading(b.Level, p.shown(b.Text))
	case Paragraph:
		text := pdf.Text{Text: p.shown(b.Text)}
		if b.Soft {
			text = p.soft(b.Text)
		}
		p.d.Paragraph(text)
	case Points:
		p.points(b)
	case Table:
		p.table(b)
	case Heat:
		p.heat(b.Activity)
	case Strip:
		p.strip(b)
	}
}

func (p *paper) soft(text string) pdf.Text {
	return pdf.Text{Text: p.shown(text), Size: small, Color: soft}
}

// edge is the colour that repeats a sign.
func edge(g Grave) pdf.Color { return map[Grave]pdf.Color{Calm: calm, Note: soft, Act: grave}[g] }

// sign is the sign of a point. The font of the paper has no tick; the sign of the root looks like one.
func (p *paper) sign(g Grave) string { return rooted(Point{Grave: g}.Mark()) }

func rooted(s string) string { return strings.ReplaceAll(s, "✓", "√") }

func (p *paper) figures(all Figures) {
	row := make([]pdf.Cell, len(all))
	for i, f := range all {
		row[i].Texts = []pdf.Text{{Text: p.shown(f.Name), Size: 7, Color: soft}, {Text: p.shown(f.Value), Size: 12, Face: pdf.Bold}, {Text: p.shown(f.Change), Size: 7, Color: soft}}
	}
	p.d.Table(pdf.Table{Caption: "In numbers", Columns: make([]pdf.Column, len(all)), Rows: slices.Values([][]pdf.Cell{row}), Boxed: true})
}

func (p *paper) points(all Points) {
	items := make([]pdf.Item, len(all))
	for i, one := range all {
		items[i] = pdf.Item{Label: pdf.Text{Text: p.sign(one.Grave), Face: pdf.Bold, Color: edge(one.Grave)}, Body: pdf.Text{Text: p.shown(one.Text)}}
	}
	p.d.List(items)
}

// table prints the rows that documents show. The first cell of a row names it.
func (p *paper) table(t Table) {
	if t.Off || t.N == 0 {
		return
	}
	shown, rest := t.shown()
	columns := make([]pdf.Column, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = pdf.Column{Title: p.shown(c.Title), Right: c.Kind == Number, Whole: c.Kind == When}
	}
	p.d.Table(pdf.Table{Caption: p.shown(t.Name), Columns: columns, Named: true, Rows: func(yield func([]pdf.Cell) bool) {
		for row := range t.first(shown) {
			cells := make([]pdf.Cell, len(row))
			for i, cell := range row {
				cells[i] = p.cell(cell)
			}
			if !yield(cells) {
				return
			}
		}
	}})
	if rest > 0 {
		p.d.Paragraph(p.soft(t.left(shown)))
	}
}

func (p *paper) cell(cell any) pdf.Cell {
	id := func(s string, c pdf.Color) pdf.Text {
		return pdf.Text{Text: p.shown(s), Size: idSize, Face: pdf.Mono, Color: c}
	}
	switch v := cell.(type) {
	case ID:
		return pdf.Cell{Texts: []pdf.Text{id(string(v), 0)}}
	case Named:
		switch {
		case v.Name == "" || v.Name == v.ID:
			return pdf.Cell{Texts: []pdf.Text{id(v.ID, 0)}}
		case v.ID != "":
			return pdf.Cell{Texts: []pdf.Text{{Text: p.shown(v.Name), Size: cellSize}, id(v.ID, soft)}}
		}
	case Point:
		return pdf.Cell{Texts: []pdf.Text{{Text: p.sign(v.Grave) + "\u00a0" + p.shown(v.Text), Size: cellSize, Color: edge(v.Grave)}}}
	case Bar:
		return pdf.Cell{Picture: bar(v)}
	}
	return pdf.Cell{Texts: []pdf.Text{{Text: p.shown(words(cell, p.zone)), Size: cellSize}}}
}

// bar is a length beside its number, for the eye alone.
func bar(b Bar) *pdf.Picture {
	const width, height = 110, 5
	picture := &pdf.Picture{Width: width, Height: height}
	if b.N > 0 {
		picture.Marks = []pdf.Mark{{Width: max(width*float64(b.N)/float64(max(b.Most, 1)), 0.8), Height: height, Color: blue}}
	}
	return picture
}

// heat draws the hours of each day in a row, with its numbers beside it.
func (p *paper) heat(a Activity) {
	columns := []pdf.Column{{Title: "Day", Whole: true}, {Title: "Hours, from 00 to 23"}, {Title: "Entries", Right: true}, {Title: "High risk", Right: true}}
	days := a.pictures()
	p.d.Table(pdf.Table{Caption: "Entries by day and hour", Columns: columns, Named: true, Width: 0.75, Rows: func(yield func([]pdf.Cell) bool) {
		for i, d := range a.Days {
			text := func(s string) pdf.Cell { return pdf.Cell{Texts: []pdf.Text{{Text: s, Size: cellSize}}} }
			if !yield([]pdf.Cell{text(d.Date), {Picture: days[i]}, text(number(d.Total)), text(number(d.Risky))}) {
				return
			}
		}
	}})
}

// pictures draw the hours of each day.
func (a Activity) pictures() []*pdf.Picture {
	const cell = 10.0
	days := make([]*pdf.Picture, len(a.Days))
	for i, d := range a.Days {
		days[i] = &pdf.Picture{Alt: d.inWords(), Width: 24 * cell, Height: cell, Marks: []pdf.Mark{{Y: cell - 0.3, Width: 24 * cell, Height: 0.3, Color: border}}}
	}
	for _, m := range a.marks() {
		side := m.size * (cell - 1)
		days[m.day].Marks = append(days[m.day].Marks, pdf.Mark{X: float64(m.hour)*cell + (cell-side)/2, Y: (cell - side) / 2, Width: side, Height: side, Color: blue})
	}
	return days
}

// strip prints a cell for each day, in rows of sixteen.
func (p *paper) strip(s Strip) {
	const wide = 16
	p.d.Table(pdf.Table{Caption: p.shown(s.Name), Columns: make([]pdf.Column, wide), Boxed: true, Rows: func(yield func([]pdf.Cell) bool) {
		for days := range slices.Chunk(s.Days, wide) {
			row := make([]pdf.Cell, wide)
			for i, day := range days {
				row[i] = pdf.Cell{Alt: day.Date + ": " + day.Word, Texts: []pdf.Text{{Text: day.Number + " " + rooted(day.Sign), Size: cellSize, Color: edge(day.Grave)}}}
			}
			if !yield(row) {
				return
			}
		}
	}})
	p.d.Paragraph(p.soft(rooted(s.Legend)))
}
