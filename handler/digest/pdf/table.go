package pdf

import (
	"iter"
	"math"
	"slices"
)

// Table is a table. Its columns are as wide as what they hold asks for.
type Table struct {
	Caption string
	Columns []Column
	Rows    iter.Seq[[]Cell] // gone through twice
	Boxed   bool             // cells on plates: figures, days
	Width   float64          // of the page's, 0 to 1; 0: 1
	Named   bool             // the first cell of a row names it
}

// Column is a column of a table.
type Column struct {
	Title string
	Right bool // ends at its right edge
	Whole bool // never broken
}

// Cell is what a cell holds: paragraphs, or a picture.
type Cell struct {
	Texts   []Text
	Picture *Picture
	Alt     string // what is said in place of the texts, where they are short for something
	Plate   Color  // behind a boxed cell; 0: the usual one
}

// Picture is made of filled rectangles.
type Picture struct {
	Alt           string // what it shows, in words
	Width, Height float64
	Marks         []Mark
}

// Mark is a rectangle of a picture, from its upper left corner.
type Mark struct {
	X, Y, Width, Height float64
	Color               Color
}

const (
	tableSize = 7.6 // of the font
	gap       = 6   // between columns
	padBox    = 4
)

// laid is a table that is being written.
type laid struct {
	*Document
	Table
	widths []float64
}

// Table writes a table. Its titles are repeated on each page, for the eye alone.
func (d *Document) Table(t Table) {
	l := &laid{Document: d, Table: t}
	l.widths = l.share()
	d.begin(l.beginning())
	table := d.root.add("Table")
	d.space(4)
	if t.Caption != "" {
		d.paragraph(table.add("Caption"), margin, pageWidth-2*margin, Text{Text: t.Caption, Size: tableSize, Color: faint})
	}
	d.space(2)
	if l.titled() {
		l.titles(table.add("THead").add("TR"))
	}
	body := table.add("TBody")
	for row := range t.Rows {
		l.row(body.add("TR"), row)
	}
	d.y += 5
}

// beginning is the height of a table's caption, titles and first row, as far as half a page.
func (l *laid) beginning() float64 {
	high := 4 + 2 + 2*tableSize*leading
	for i, c := range l.Columns {
		high = max(high, 6+tableSize*leading+heightOf(l.wrap(Text{Text: c.Title, Size: tableSize, Face: Bold}, l.widths[i])))
	}
	for row := range l.Rows {
		_, first := l.lay(row)
		return min(high+8+first, (bottom-margin)/2)
	}
	return high
}

func (l *laid) titled() bool {
	return slices.ContainsFunc(l.Columns, func(c Column) bool { return c.Title != "" })
}

// titles writes the line of titles; without an element for the eye alone.
func (l *laid) titles(row *element) {
	high := 0.0
	all := make([][]Text, len(l.Columns))
	for i, c := range l.Columns {
		all[i] = l.wrap(Text{Text: c.Title, Size: tableSize, Face: Bold, Color: faint}, l.widths[i])
		high = max(high, heightOf(all[i]))
	}
	for i, x := range l.lefts() {
		if row == nil {
			l.page().artifact(func() { l.show(l.page(), place{x, l.y, l.widths[i], l.Columns[i].Right}, all[i]) })
			continue
		}
		th := row.add("TH")
		th.scope = "Column"
		l.lines(th, place{x, l.y, l.widths[i], l.Columns[i].Right}, all[i])
	}
	l.y += high + 1.5
	l.rect(Mark{margin, l.y, l.wide(), 0.8, 0x9aa5b1})
	l.y += 2
}

// lefts are where the columns begin.
func (l *laid) lefts() iter.Seq2[int, float64] {
	return func(yield func(int, float64) bool) {
		x := margin
		for i := range l.Columns {
			if !yield(i, x) {
				return
			}
			x += l.widths[i] + gap
		}
	}
}

func (l *laid) wide() float64 {
	sum := gap * float64(len(l.Columns)-1)
	for _, width := range l.widths {
		sum += width
	}
	return sum
}

func heightOf(lines []Text) float64 {
	sum := 0.0
	for _, line := range lines {
		sum += line.lineHeight()
	}
	return sum
}

// row writes a row, on the next page where it does not fit on this one, and over several where it fits on none.
func (l *laid) row(row *element, cells []Cell) {
	left, high := l.lay(cells) // lines yet to be written
	if l.y+high > bottom && high < bottom-margin-60 {
		l.next()
	}
	elements := make([]*element, len(cells))
	for i := range cells {
		elements[i] = l.cell(row, i)
	}
	for first := true; first || slices.ContainsFunc(left, func(lines []Text) bool { return len(lines) > 0 }); first = false {
		if !first {
			l.next()
		}
		l.piece(elements, cells, left, first)
	}
}

// lay breaks the cells of a row into lines, and says how high they are.
func (l *laid) lay(cells []Cell) (lines [][]Text, high float64) {
	lines = make([][]Text, len(cells))
	for i, cell := range cells {
		for _, t := range cell.Texts {
			lines[i] = append(lines[i], l.wrap(t, l.widths[i]-2*l.pad())...)
		}
		high = max(high, heightOf(lines[i])+2*l.pad())
		if cell.Picture != nil {
			high = max(high, cell.Picture.Height)
		}
	}
	return lines, high
}

func (l *laid) pad() float64 {
	if l.Boxed {
		return padBox
	}
	return 0
}

// next goes on with the table on the next page.
func (l *laid) next() {
	l.turn()
	if l.titled() {
		l.titles(nil)
	}
}

// cell is the element of a row's cell.
func (l *laid) cell(row *element, column int) *element {
	if column > 0 || !l.Named {
		return row.add("TD")
	}
	th := row.add("TH")
	th.scope = "Row"
	return th
}

// piece writes as much of a row as this page holds, and takes it from what is left.
func (l *laid) piece(elements []*element, cells []Cell, left [][]Text, first bool) {
	tallest, now := 0.0, make([][]Text, len(cells))
	for i := range cells {
		n := fitting(left[i], bottom-l.y-2*l.pad())
		now[i], left[i] = left[i][:n], left[i][n:]
		tallest = max(tallest, heightOf(now[i])+2*l.pad())
		if picture := cells[i].Picture; picture != nil && first {
			tallest = max(tallest, picture.Height)
		}
	}
	for i, x := range l.lefts() {
		if l.Boxed {
			l.rect(Mark{x, l.y, l.widths[i], tallest, cells[i].Plate.or(plate)})
		}
		if len(now[i]) > 0 {
			e := elements[i]
			if cells[i].Alt != "" {
				e = e.add("Span")
				e.alt = cells[i].Alt
			}
			l.lines(e, place{x + l.pad(), l.y + l.pad(), l.widths[i] - 2*l.pad(), l.Columns[i].Right}, now[i])
		}
		if picture := cells[i].Picture; picture != nil && first {
			l.picture(elements[i], x, l.y+(min(tallest, tableSize*leading)-picture.Height)/2, picture)
		}
	}
	l.y += tallest + 1.5
	if l.Boxed {
		l.y += gap - 3.5
		return
	}
	l.rect(Mark{margin, l.y, l.wide(), 0.4, rule})
	l.y += 1.8
}

// fitting is how many lines a height holds; one at least, because a page without any would be followed by another.
func fitting(lines []Text, height float64) int {
	for n := range lines {
		if heightOf(lines[:n+1]) > height {
			return max(n, 1)
		}
	}
	return len(lines)
}

// share gives each column its part of the width, so that rows are low: with widths in proportion to the square root of how long
// their cells are, all of them in one line, the sum of the cells' heights is least. Of that no column gets less than it asks for at
// least, nor more than its longest line. What is left goes where lines are long.
func (l *laid) share() []float64 {
	total := pageWidth - 2*margin
	if l.Width > 0 {
		total *= l.Width
	}
	total -= gap * float64(len(l.Columns)-1)
	w := l.asked(total)
	widths := make([]float64, len(w))
	for i, one := range w {
		widths[i] = one.least
	}
	if missing := sumOf(widths) - total; missing > 0 { // titles stay whole, if there is room for that
		over := wishes(len(w), func(i int) float64 { return w[i].least - w[i].title })
		for i := range widths {
			widths[i] -= (w[i].least - w[i].title) * min(missing/max(over, 1), 1)
		}
		if missing -= over; missing > 0 {
			narrow(widths, total)
		}
		return widths
	}
	for low, high := 0.0, total; high-low > 1e-6*total; { // of the unit of weights
		unit := (low + high) / 2
		for i, one := range w {
			widths[i] = max(one.least, min(unit*one.weight, one.most))
		}
		if sumOf(widths) > total {
			high = unit
		} else {
			low = unit
		}
	}
	return l.spread(widths, total, w)
}

// narrow makes all columns narrower alike.
func narrow(widths []float64, total float64) {
	part := total / sumOf(widths)
	for i := range widths {
		widths[i] *= part
	}
}

// spread gives what is left of the width to columns of words, in proportion to their longest line.
func (l *laid) spread(widths []float64, total float64, w []asks) []float64 {
	words := func(i int) float64 {
		if l.Columns[i].Right || l.Columns[i].Whole {
			return 0
		}
		return w[i].most
	}
	spare := total - sumOf(widths)
	if wish := wishes(len(w), words); spare > 0 && wish > 0 {
		for i := range widths {
			widths[i] += spare * words(i) / wish
		}
	}
	return widths
}

func wishes(n int, wish func(int) float64) (sum float64) {
	for i := range n {
		sum += wish(i)
	}
	return sum
}

func sumOf(all []float64) (sum float64) {
	for _, one := range all {
		sum += one
	}
	return sum
}

// asks are what a column asks for: the width of the longest word of its title, of its longest word, of its longest line, and
// what its lines weigh.
type asks struct{ title, least, most, weight float64 }

// asked are what the columns ask for: at least their longest word; of a name, its longest part and an eleventh of the table, and
// nothing more than a seventh.
func (l *laid) asked(total float64) []asks {
	all := make([]asks, len(l.Columns))
	ask := func(i int, t Text) float64 {
		word, part, line := l.widest(t)
		line += 2 * l.pad()
		all[i].least, all[i].most = max(all[i].least, min(word, max(min(part, total/7), total/11))+2*l.pad()), max(all[i].most, line)
		if l.Columns[i].Whole {
			all[i].least = all[i].most
		}
		return line
	}
	for i, c := range l.Columns {
		title := Text{Text: c.Title, Size: tableSize, Face: Bold}
		line := ask(i, title)
		word, _, _ := l.widest(title)
		all[i].title, all[i].weight = word+2*l.pad(), line
		all[i].least = max(all[i].least, all[i].title)
	}
	for row := range l.Rows {
		for i, cell := range row {
			wide := 0.0
			for _, t := range cell.Texts {
				wide += ask(i, t)
			}
			if cell.Picture != nil {
				all[i].least, all[i].most = max(all[i].least, cell.Picture.Width), max(all[i].most, cell.Picture.Width)
			}
			all[i].weight += wide
		}
	}
	for i := range all {
		all[i].weight = math.Sqrt(all[i].weight)
	}
	return all
}
