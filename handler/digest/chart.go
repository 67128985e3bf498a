package digest

import (
	"fmt"
	"math"
	"strings"
)

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

// heatSVG draws when entries were logged. It is made of numbers and dates only.
func heatSVG(a Activity) string {
	const cell, left, top, right = 14.0, 84.0, 20.0, 150.0
	width, height := left+24*cell+right, top+float64(len(a.Days))*cell+6
	var b strings.Builder
	text := func(x, y float64, anchor, s string) {
		class := "axis"
		if anchor == "end" {
			class = "axis end"
		}
		fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" class="%s" font-size="9" fill="#57606a" text-anchor="%s">%s</text>`, x, y, class, anchor, s)
	}
	fmt.Fprintf(&b, `<svg class="heat" xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f" role="img" aria-label="%s">`, width, height, width, height, a.alternative())
	fmt.Fprintf(&b, "<title>%s</title>", a.alternative())
	for hour := 0; hour < 24; hour += 3 {
		text(left+float64(hour)*cell, top-7, "start", fmt.Sprintf("%02d", hour))
	}
	text(left+24*cell+62, top-7, "end", "entries")
	text(width-8, top-7, "end", "high risk")
	for i, d := range a.Days {
		y := top + float64(i)*cell
		text(left-8, y+cell-4, "end", d.Date)
		fmt.Fprintf(&b, `<line x1="%.0f" x2="%.0f" y1="%.1f" y2="%.1f" class="grid" stroke="#d5dae0" stroke-width="0.5"/>`, left, left+24*cell, y+cell, y+cell)
		text(left+24*cell+62, y+cell-4, "end", number(d.Total))
		text(width-8, y+cell-4, "end", number(d.Risky))
	}
	for _, m := range a.marks() {
		side := m.size * (cell - 2)
		fmt.Fprintf(&b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" class="mark" fill="#0b5cad"><title>%s %02d:00: %s</title></rect>`,
			left+float64(m.hour)*cell+(cell-side)/2, top+float64(m.day)*cell+(cell-side)/2, side, side, a.Days[m.day].Date, m.hour, number(m.n))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// inWords says when a day's entries were logged.
func (d Day) inWords() string {
	first, last := -1, -1
	for hour, n := range d.Hours {
		if n > 0 && first < 0 {
			first = hour
		}
		if n > 0 {
			last = hour
		}
	}
	if first < 0 {
		return "no entry"
	}
	return fmt.Sprintf("%s entries, from %02d:00 to %02d:59", number(d.Total), first, last)
}

// alternative is the drawing in words.
func (a Activity) alternative() string {
	busiest := Day{}
	for _, d := range a.Days {
		if d.Total > busiest.Total {
			busiest = d
		}
	}
	text := fmt.Sprintf("Entries by day and hour, from %s to %s; the numbers of each day stand beside it.", a.Days[0].Date, a.Days[len(a.Days)-1].Date)
	if busiest.Total > 0 {
		text += fmt.Sprintf(" The busiest day is %s with %s entries.", busiest.Date, number(busiest.Total))
	}
	return text
}
