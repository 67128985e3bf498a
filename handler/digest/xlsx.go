package digest

import (
	"fmt"
	"io"
	"iter"
	"strings"
	"time"
)

// sheetLimit is what a sheet holds (Microsoft: "Excel specifications and limits"), less the head.
const sheetLimit = 1<<20 - 1

// XLSX writes a workbook for those who want to sort and filter: a sheet of what the first page says, and one for each
// table. Every text is stored as text: nothing an event brought can become a formula. Times are dates in the report's
// zone, as in the documents beside it; heads of their columns say so.
func XLSX(w io.Writer, r Report) error {
	book := newBook(w, r.Heading(), r.GeneratedAt)
	blocks := r.Document()
	book.sheet("Summary", []Column{{"what", Words}, {"value", Where}}, summary(&r, blocks))
	for _, b := range blocks {
		if t, ok := b.(Table); ok && t.Sheet {
			book.sheet(t.Name, inZone(t.Columns, r.Zone), cellsOf(t, r.Zone))
		}
	}
	if err := book.close(); err != nil {
		return fmt.Errorf("write xlsx: %w", err)
	}
	return nil
}

// inZone says in the heads of times which zone they are in, and leaves out bars, which Excel can draw itself.
func inZone(columns []Column, zone *time.Location) []Column {
	var all []Column
	for _, c := range columns {
		if c.Kind == When && c.Title != "Day" && c.Title != "Ends" {
			c.Title += " (" + zone.String() + ")"
		}
		if c.Kind != Length {
			all = append(all, c)
		}
	}
	return all
}

// cellsOf are a table's rows as texts, numbers and wall-clock times.
func cellsOf(t Table, zone *time.Location) iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		for row := range t.first(sheetLimit) {
			var cells []any
			for i, cell := range row {
				switch v := cell.(type) {
				case int, int64:
					cells = append(cells, v)
				case Seconds:
					cells = append(cells, float64(v))
				case time.Time:
					cells = append(cells, wall(v, zone))
				default:
					if t.Columns[i].Kind != Length {
						cells = append(cells, words(cell, zone))
					}
				}
			}
			if !yield(cells) {
				return
			}
		}
	}
}

// wallTime is what clocks of the report's zone showed.
type wallTime time.Time

func wall(at time.Time, zone *time.Location) any {
	if at.IsZero() {
		return ""
	}
	return wallTime(at.In(zone))
}

// summary is the first page in two columns.
func summary(r *Report, blocks []Block) iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		rows := [][]any{{"generated at (" + r.Zone.String() + ")", wall(r.GeneratedAt, r.Zone)}}
		title := ""
		for _, b := range front(blocks) {
			switch b := b.(type) {
			case Title:
				rows = append(rows, []any{"period", visible(b.Sub)})
			case Statement:
				rows = append(rows, []any{b.Head, visible(b.Text)})
			case Figures:
				for _, f := range b {
					rows = append(rows, []any{f.Name, f.N})
				}
			case Heading:
				title = b.Text
			case Points:
				for _, p := range b {
					rows = append(rows, []any{title, p.Mark() + " " + visible(p.Text)})
				}
			}
		}
		for _, f := range r.SecurityEvents {
			rows = append(rows, []any{f.Name + ": entries", f.Count}, []any{f.Name + ": successful", f.Successful}, []any{f.Name + ": callers", int64(len(f.Callers))})
		}
		for _, row := range rows {
			if !yield(row) {
				return
			}
		}
	}
}

// sheetName is a name that Excel takes: at most 31 characters and none of []:*?/\ (Microsoft: "Rename a worksheet").
func sheetName(name string) string {
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`[]:*?/\`, r) {
			return ' '
		}
		return r
	}, name)
	for len(name) > 31 {
		at := strings.LastIndexByte(name[:31], ' ')
		if at < 0 {
			at = 31
		}
		name = name[:at]
	}
	return name
}
