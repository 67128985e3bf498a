package digest

import (
	"fmt"
	"html/template"
	"math"
	"strings"
)

// Charts are drawn here and nowhere else, in two ways: as SVG for HTML, and with the same numbers in pdf.go. What a
// colour says is always said by a length, a size or a word too.

// mark is one square of the strip that shows when things happened.
type mark struct {
	day, hour int
	size      float64 // of the side, 0 to 1: its area is in proportion to the entries
	n         int64
}

// marks lays out a report's activity, a row for each day and a column for each hour.
func (a Activity) marks() []mark {
	most := int64(1)
	for _, d := range a.Days {
		for _, n := range d.Hours {
			most = max(most, n)
		}
	}
	var all []mark
	for i, d := range a.Days {
		for hour, n := range d.Hours {
			if n > 0 {
				all = append(all, mark{i, hour, max(math.Sqrt(float64(n)/float64(most)), 0.16), n})
			}
		}
	}
	return all
}

// daysShown bounds the rows of the strip.
const daysShown = 62

// heatSVG draws when entries were logged.
func heatSVG(a Activity) template.HTML {
	if len(a.Days) == 0 || len(a.Days) > daysShown {
		return ""
	}
	const cell, left, top, right = 14.0, 84.0, 20.0, 150.0
	width, height := left+24*cell+right, top+float64(len(a.Days))*cell+6
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="heat" viewBox="0 0 %.0f %.0f" role="img" aria-label="Entries by day and hour. The area of a square is in proportion to the entries of that hour; the numbers of each day stand beside it.">`, width, height)
	for hour := 0; hour < 24; hour += 3 {
		fmt.Fprintf(&b, `<text x="%.0f" y="%.0f" class="axis">%02d</text>`, left+float64(hour)*cell, top-7, hour)
	}
	fmt.Fprintf(&b, `<text x="%.0f" y="%.0f" class="axis end">entries</text><text x="%.0f" y="%.0f" class="axis end">high risk</text>`, left+24*cell+62, top-7, width-8, top-7)
	for i, d := range a.Days {
		y := top + float64(i)*cell
		fmt.Fprintf(&b, `<text x="%.0f" y="%.1f" class="axis end">%s</text><line x1="%.0f" x2="%.0f" y1="%.1f" y2="%.1f" class="grid"/>`,
			left-8, y+cell-4, d.Date, left, left+24*cell, y+cell, y+cell)
		fmt.Fprintf(&b, `<text x="%.0f" y="%.1f" class="axis end">%s</text><text x="%.0f" y="%.1f" class="axis end">%s</text>`,
			left+24*cell+62, y+cell-4, number(d.Total), width-8, y+cell-4, number(d.Risky))
	}
	for _, m := range a.marks() {
		side := m.size * (cell - 2)
		fmt.Fprintf(&b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" class="mark"><title>%s %02d:00: %s</title></rect>`,
			left+float64(m.hour)*cell+(cell-side)/2, top+float64(m.day)*cell+(cell-side)/2, side, side, a.Days[m.day].Date, m.hour, number(m.n))
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String()) //nolint:gosec // made of numbers and dates only
}

// trendSVG draws a number before and now, one bar above the other.
func trendSVG(m Metric) template.HTML {
	most := float64(max(m.Before, m.Now, 1))
	bar := func(n int64) float64 { return 180 * float64(n) / most }
	return template.HTML(fmt.Sprintf( //nolint:gosec // made of numbers only
		`<svg class="trend" viewBox="0 0 190 22" role="img" aria-label="before %d, now %d"><rect x="0" y="2" width="%.1f" height="7" class="before"/><rect x="0" y="12" width="%.1f" height="8" class="mark"/></svg>`,
		m.Before, m.Now, bar(m.Before), bar(m.Now)))
}
