package digest

import (
	"fmt"
	"iter"
	"slices"
	"time"
)

// A report is written for people as one list of blocks. Each section is one file (section_*.go) and one line of sections;
// each format is one file that prints blocks and knows no section.

// Block is a part of the document.
type Block interface{ block() }

// Title is the first block.
type Title struct{ Text, Sub, Small string }

// Statement is a verdict with its reasons. The first of a document is on the record, the second on alerts in time.
type Statement struct {
	Head  string
	Grave Grave
	Text  string
}

// Heading begins a section (level 2) or a part of one (level 3).
type Heading struct {
	Level int
	Text  string
	// Front sections stand on the first page and in the mail; what follows the last of them does not.
	Front bool
}

// Paragraph is text; small print is Soft.
type Paragraph struct {
	Text string
	Soft bool
}

// Table is a table: of documents its first rows, of the workbook all of them.
type Table struct {
	Name    string // its caption, a noun phrase; the sheet's name where it has one
	Sheet   bool   // the workbook has it
	Off     bool   // documents leave it out
	Columns []Column
	Rows    iter.Seq[[]any] // a cell is a string, ID, Named, int, int64, Seconds, time.Time, Point, Lines or Bar
	N       int             // rows
	Show    int             // rows that documents show; 0: all
	All     string          // which files have all of them
}

// Column is a column of a table.
type Column struct {
	Title string
	Kind  Kind
}

// Kind is what a column holds.
type Kind int

// Kinds of columns.
const (
	Words  Kind = iota
	Number      // ends at its right edge
	When        // never broken
	Where       // wide
	Length      // bars
)

// Kinds of cells beside texts, numbers and times.
type (
	// ID is a name that machines gave.
	ID string
	// Named is a name with the id that it stands for; either may be empty.
	Named struct{ Name, ID string }
	// Seconds is a length of time.
	Seconds float64
	// Lines are shown below each other.
	Lines []string
	// Bar is N of Most, as a number and a length.
	Bar struct{ N, Most int64 }
)

// Heat is when entries were logged, by day and hour.
type Heat struct{ Activity Activity }

// Strip is a cell for each day.
type Strip struct {
	Name, Legend string
	Days         []StripDay
}

// StripDay is one day of a Strip: what a colour says is said by the sign and the word as well.
type StripDay struct {
	Date, Number, Sign, Word string
	Grave                    Grave
}

func (Title) block()     {}
func (Statement) block() {}
func (Figures) block()   {}
func (Heading) block()   {}
func (Paragraph) block() {}
func (Points) block()    {}
func (Table) block()     {}
func (Heat) block()      {}
func (Strip) block()     {}

// sections are in the order in which a reader asks.
var sections = []func(*Report) []Block{
	(*Report).titleSection,
	(*Report).mattersSection,
	(*Report).graveSection,
	(*Report).whoSection,
	(*Report).alertedSection,
	(*Report).aliveSection,
	(*Report).openSection,
	(*Report).whenSection,
	(*Report).changeSection,
	(*Report).kindsSection,
	(*Report).casesSection,
	(*Report).rolesSection,
	(*Report).deletionsSection,
	(*Report).failuresSection,
	(*Report).frequentSection,
	(*Report).controlsSection,
	(*Report).testsSection,
	(*Report).alertsSection,
	(*Report).exceptionsSection,
	(*Report).endsSection,
	(*Report).evidenceSection,
	(*Report).signOffSection,
}

// Document is the report as people read it.
func (r *Report) Document() []Block {
	var blocks []Block
	for _, section := range sections {
		blocks = append(blocks, section(r)...)
	}
	return blocks
}

// front is the first page: the blocks before the first section that does not stand there.
func front(blocks []Block) []Block {
	end := slices.IndexFunc(blocks, func(b Block) bool { h, ok := b.(Heading); return ok && !h.Front })
	if end < 0 {
		return blocks
	}
	return blocks[:end]
}

// shown is how many rows a document shows, and how many it leaves to the files with all of them.
func (t Table) shown() (n, rest int) {
	if t.Show == 0 || t.N <= t.Show {
		return t.N, 0
	}
	return t.Show, t.N - t.Show
}

// left says which rows documents leave out.
func (t Table) left(shown int) string {
	return fmt.Sprintf("The first %s of %s; %s has all.", number(int64(shown)), number(int64(t.N)), t.All)
}

// first yields the first n rows.
func (t Table) first(n int) iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		left := n
		for row := range t.Rows {
			if left == 0 || !yield(row) {
				return
			}
			left--
		}
	}
}

// tableOf is a table whose rows are at hand.
func tableOf(name string, columns []Column, rows [][]any) Table {
	return Table{Name: name, Columns: columns, Rows: slices.Values(rows), N: len(rows)}
}

// sheet says that the workbook has the table too.
func (t Table) sheet() Table { t.Sheet = true; return t }

// show bounds what documents show of the table.
func (t Table) show(n int, all string) Table { t.Show, t.All = n, all; return t }

// facts is a table of names and values.
func facts(name string, rows [][2]string) Table {
	all := make([][]any, len(rows))
	for i, row := range rows {
		all[i] = []any{row[0], row[1]}
	}
	return tableOf(name, []Column{{"What", Words}, {"Value", Where}}, all).sheet()
}

// words is a cell as text.
func words(cell any, zone *time.Location) string {
	switch v := cell.(type) {
	case string:
		return visible(v)
	case ID:
		return visible(string(v))
	case Named:
		return visible(v.text())
	case int:
		return number(int64(v))
	case int64:
		return number(v)
	case Seconds:
		return seconds(float64(v))
	case time.Time:
		return clock(v, zone)
	case Point:
		return v.Mark() + " " + visible(v.Text)
	case Lines:
		return visible(joinLines(v))
	}
	return ""
}

func (n Named) text() string {
	switch {
	case n.Name == "" || n.Name == n.ID:
		return n.ID
	case n.ID == "":
		return n.Name
	}
	return n.Name + " (" + n.ID + ")"
}
