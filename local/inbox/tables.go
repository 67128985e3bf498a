package inbox

import (
	"fmt"
	"slices"
	"unicode/utf8"
)

// Rich text, tables and charts in Slack's blocks. Shapes are those of @slack/types 3.2.0 and, for data_visualization,
// of slack-go v0.35.0 (block_data_visualization.go), whose six segments are fewer than others report: six is safe.

const (
	maxTableRows    = 100
	maxTableColumns = 20
	maxDataTable    = 20_000 // characters in all cells
	maxSeries       = 6
)

// richText checks a block of text with its formatting spelt out; no markup characters mean anything in it.
func (n node) richText() {
	n.only("block_id", "elements")
	if n.kind() != "rich_text" {
		n.fail("type", "must be one of: rich_text")
	}
	n.need("elements")
	n.each("elements", 0, 1000, node.richElement)
}

// richElement checks one paragraph, list, quote or preformatted passage.
func (n node) richElement() {
	n.need("type", "elements")
	switch kind := n.kind(); kind {
	case "rich_text_section":
		n.only("elements")
		n.each("elements", 0, 1000, node.richInline)
	case "rich_text_list":
		n.only("elements", "style", "indent", "offset", "border")
		n.need("style")
		n.choice("style", "bullet", "ordered")
		n.integer("indent", 0, 8)
		n.integer("border", 0, 1)
		n.each("elements", 0, 1000, func(item node) {
			if item.kind() != "rich_text_section" {
				item.fail("type", "must be one of: rich_text_section")
				return
			}
			item.richElement()
		})
	case "rich_text_quote", "rich_text_preformatted":
		n.only("elements", "border")
		n.integer("border", 0, 1)
		n.each("elements", 0, 1000, node.richInline)
	default:
		n.fail("type", "unsupported type: %s", kind)
	}
}

// richInline checks a run of text or a mention; the property that carries the content differs by type.
func (n node) richInline() {
	content := map[string]string{
		"text": "text", "link": "url", "emoji": "name", "user": "user_id", "channel": "channel_id",
		"usergroup": "usergroup_id", "team": "team_id", "broadcast": "range", "color": "value", "date": "format",
	}
	name, known := content[n.kind()]
	if !known {
		n.fail("type", "unsupported type: %s", n.kind())
		return
	}
	n.need(name)
	n.str(name, 1, 40_000)
	if n.kind() == "date" {
		n.need("timestamp")
		n.number("timestamp")
	}
	n.child("style", func(s node) {
		s.only("bold", "italic", "strike", "code", "underline")
		s.flag("bold", "italic", "strike", "code", "underline")
	})
}

// table checks the plain table.
func (n node) table() {
	n.only("block_id", "rows", "column_settings")
	n.need("rows")
	if n.tables++; n.tables > maxTables {
		// The reason Slack's table block page gives for a second table.
		n.fail("", "only_one_table_allowed")
	}
	n.rows(1, maxTableRows, "raw_text", "rich_text")
	n.each("column_settings", 0, maxTableColumns, func(c node) {
		c.only("align", "is_wrapped")
		c.choice("align", "left", "center", "right")
		c.flag("is_wrapped")
	})
}

// dataTable checks the table that people can sort and page through. Its first row is the header.
func (n node) dataTable() {
	n.only("block_id", "rows", "caption", "page_size", "row_header_column_index")
	n.need("rows", "caption")
	n.str("caption", 1, maxText)
	n.integer("page_size", 1, 100)
	n.integer("row_header_column_index", 0, maxTableColumns-1)
	if length := n.rows(2, 201, "raw_text", "raw_number", "rich_text"); length > maxDataTable {
		n.fail("rows", "all cells together must be less than %d characters", maxDataTable+1)
	}
}

// rows checks the cells of a table and returns how many characters its raw cells hold. raw_number is refused in a plain
// table: some workspaces answer invalid_blocks (slack-go v0.35.0 block_table.go), so nobody can rely on it.
func (n node) rows(least, most int, kinds ...string) (length int) {
	width := -1
	for i, row := range n.list("rows", least, most) {
		at := fmt.Sprintf("%s/%d", n.path("rows"), i)
		cells, ok := row.([]any)
		switch {
		case !ok:
			n.add(at, "must provide an array")
			continue
		case len(cells) < 1 || len(cells) > maxTableColumns:
			n.add(at, "must have 1 to %d cells", maxTableColumns)
		case width >= 0 && len(cells) != width:
			n.add(at, "must have %d cells as the rows above", width)
		}
		width = len(cells)
		for j, cell := range cells {
			n.object(fmt.Sprintf("%s/%d", at, j), cell, func(c node) { length += c.cell(kinds) })
		}
	}
	return length
}

// cell checks one cell and returns how many characters it adds to the table's total.
func (n node) cell(kinds []string) int {
	if !slices.Contains(kinds, n.kind()) {
		n.fail("type", "unsupported type: %s", n.kind())
		return 0
	}
	switch n.kind() {
	case "rich_text":
		n.richText()
		return 0
	case "raw_number":
		n.only("value", "text")
		n.need("value")
		n.number("value")
	default:
		n.only("text")
		n.need("text")
	}
	return utf8.RuneCountInString(n.str("text", 1, maxText))
}

// chart checks a chart by its kind: a pie has segments, all others series over categories.
func (n node) chart() {
	n.only("block_id", "title", "chart")
	n.need("title", "chart")
	n.str("title", 1, 50)
	n.child("chart", func(c node) {
		if c.kind() == "pie" {
			c.pie()
			return
		}
		c.choice("type", "pie", "bar", "area", "line")
		c.series()
	})
}

// pie checks segments; one of nothing cannot be drawn.
func (n node) pie() {
	n.only("segments")
	n.need("segments")
	n.each("segments", 1, maxSeries, func(s node) {
		s.only("label", "value")
		s.need("label", "value")
		s.str("label", 1, 20)
		if s.number("value") <= 0 {
			s.fail("value", "must be more than 0")
		}
	})
}

// series checks the lines or bars of a chart. Their names tell them apart and must differ.
func (n node) series() {
	n.only("series", "axis_config")
	n.need("series", "axis_config")
	var categories []string
	n.child("axis_config", func(a node) {
		a.only("categories", "x_label", "y_label")
		a.need("categories")
		a.str("x_label", 1, 50)
		a.str("y_label", 1, 50)
		for _, v := range a.list("categories", 1, 20) {
			category, _ := v.(string)
			categories = append(categories, category)
		}
	})
	names := make(map[string]bool)
	n.each("series", 1, maxSeries, func(s node) {
		s.only("name", "data")
		s.need("name", "data")
		if name := s.str("name", 1, 20); names[name] {
			s.fail("name", "%q is already used in this chart", name)
		} else {
			names[name] = true
		}
		s.points(categories)
	})
}

// points wants exactly one point for every category, as slack-go's Validate does.
func (n node) points(categories []string) {
	var seen []string
	n.each("data", 1, 20, func(p node) {
		p.only("label", "value")
		p.need("label", "value")
		p.number("value")
		label := p.str("label", 1, 20)
		if !slices.Contains(categories, label) || slices.Contains(seen, label) {
			p.fail("label", "must name each category once")
		}
		seen = append(seen, label)
	})
	if len(seen) != len(categories) {
		n.fail("data", "must have one point for each of the %d categories", len(categories))
	}
}
