package digest

import "fmt"

// aliveQuestion stands over the dead-man's check in every format.
const aliveQuestion = "Did anybody watch?"

// provenAnswer is the dead-man's check on the first page.
func (d *document) provenAnswer(wide float64) {
	if points := d.r.Alive(); len(points) > 0 {
		d.space(2)
		d.answer(aliveQuestion, points, wide)
	}
}

// alive shows the daily test day by day, and where it arrived.
func (d *document) alive() {
	c := &d.r.Completeness.Canary
	if !c.Known {
		return
	}
	d.head("The daily test and the self-watch")
	d.paragraph("Once a day Auditbell sends itself a marked test event, which is read, recorded, matched, routed and delivered like any other and counted in no number of this report. " +
		"The self-watch looks at queues, feeds and the test, and notes each hour in which it ran.")
	d.strip(c.List)
	rows := [][]string{}
	for _, e := range c.Destinations {
		rows = append(rows, []string{e.Name, fmt.Sprintf("%d of %d", e.Delivered, e.Sent), seconds(e.ToDelivery.P50), seconds(e.ToDelivery.P95), seconds(e.ToDelivery.Max)})
	}
	if len(rows) > 0 {
		d.table(table{x: left, size: 8.5, columns: []column{
			{"Destination", 60, false}, {"Tests delivered", 34, true}, {"p50", 28, true}, {"p95", 28, true}, {"Longest", 28, true},
		}, rows: rows})
		d.space(3)
	}
	rows = [][]string{}
	for _, day := range c.Unproven() {
		rows = append(rows, []string{day.Date, day.Status, day.Words(d.r.Zone)})
	}
	if len(rows) > 0 {
		d.table(table{x: left, size: 8.5, columns: []column{{"Day not proven", 28, false}, {"Why", 26, false}, {"What is known", 124, false}}, rows: rows})
	}
	d.x = left
	d.space(1.5)
	d.need(10)
	d.points([]Point{d.r.Completeness.Watch.point(d.r.Zone)}, width)
}

// strip draws a cell for each day, with a sign in it: what a colour says is said by the sign as well.
func (d *document) strip(days []CanaryDay) {
	if len(days) == 0 || len(days) > daysShown {
		return
	}
	const cell, high, perRow = 5.6, 9.0, 31
	for i, day := range days {
		if i%perRow == 0 {
			if i > 0 {
				d.y += high + 1
			}
			d.need(high + 8)
		}
		d.day(day, left+float64(i%perRow)*(cell+0.1), cell-0.5, high)
	}
	d.y += high + 4
	d.font(plain, 8)
	d.ink(soft)
	d.text(left, d.y, stripLegend)
	d.ink(black)
	d.y += 4
}

// day draws one day at x.
func (d *document) day(day CanaryDay, x, wide, high float64) {
	d.panel(x, d.y, wide, high)
	d.font(plain, 7)
	d.ink(soft)
	d.text(x+0.8, d.y+3, day.Number())
	d.ink(black)
	switch point := day.Mark(); point.Grave {
	case Calm, Act:
		if point.Grave == Act {
			d.fill(alarm)
			d.pdf.Rect(x, d.y+high-0.8, wide, 0.8, "F")
		}
		d.mark(point, x+1.6, d.y+7.2)
	default:
		d.font(bold, 9)
		d.text(x+1.6, d.y+7.2, day.sign())
	}
}

// stripLegend explains the signs.
const stripLegend = "Tick: proven.  !: missing or not delivered.  ~: late.  –: switched off.  ·: before the first sign of life."

// sign tells the states in between from one another.
func (d CanaryDay) sign() string {
	switch d.Status {
	case TestLate:
		return "~"
	case TestOff:
		return "–"
	}
	return "·"
}

// Sign is the day's sign in HTML.
func (d CanaryDay) Sign() string {
	if p := d.Mark(); p.Grave != Note {
		return p.Mark()
	}
	return d.sign()
}
