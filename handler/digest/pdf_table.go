package digest

// column is a column of a table: its title, its width in millimetres, and whether it holds numbers.
type column struct {
	title   string
	width   float64
	numbers bool
}

// table is a table to be written at x. draw, when set, draws into the last column of each row.
type table struct {
	x       float64
	size    float64
	columns []column
	rows    [][]string
	draw    func(row int, x, y float64)
}

// margin is what numbers leave to the column beside them.
const margin = 3.5

// table writes t. Rows are never torn; the head is repeated on each page.
func (d *document) table(t table) {
	line := t.size * 0.43
	d.tableHead(t)
	for i, row := range t.rows {
		cells, most := make([][]string, len(row)), 1
		d.font(plain, t.size)
		for c, text := range row {
			cells[c] = d.wrap(text, t.columns[c].width-2)
			most = max(most, len(cells[c]))
		}
		height := float64(most)*line + 1.9
		if d.need(height) {
			d.tableHead(t)
		}
		d.tableRow(t, cells)
		if t.draw != nil {
			t.draw(i, t.x+t.wide()-t.columns[len(t.columns)-1].width, d.y)
		}
		d.y += height
		d.rule(t.x, t.wide(), faint, 0.15)
	}
	d.y += 1
}

func (t *table) wide() float64 {
	sum := 0.0
	for _, c := range t.columns {
		sum += c.width
	}
	return sum
}

func (d *document) tableHead(t table) {
	if t.columns[0].title == "" {
		return
	}
	d.need(14)
	x := t.x
	d.font(bold, t.size)
	d.ink(soft)
	for _, c := range t.columns {
		if c.numbers {
			d.end(x+c.width-margin, d.y+3.4, c.title)
		} else {
			d.text(x, d.y+3.4, c.title)
		}
		x += c.width
	}
	d.ink(black)
	d.y += 5
	d.rule(t.x, t.wide(), earlier, 0.25)
	d.y += 0.4
}

func (d *document) tableRow(t table, cells [][]string) {
	line := t.size * 0.43
	x := t.x
	d.font(plain, t.size)
	for c, lines := range cells {
		for i, text := range lines {
			y := d.y + line*float64(i+1) - 0.1
			if t.columns[c].numbers {
				d.end(x+t.columns[c].width-margin, y, text)
			} else {
				d.text(x, y, text)
			}
		}
		x += t.columns[c].width
	}
}
