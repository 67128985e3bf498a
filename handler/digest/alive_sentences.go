package digest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Tested is the number of days on which a test was wanted.
func (d *CanaryDays) Tested() int { return d.Days - d.Off - d.Before }

// Attended reports whether there is any sign that Auditbell was there.
func (c *Completeness) Attended() bool {
	return c.Watch.Watched > 0 || c.Canary.Confirmed+c.Canary.Accepted+c.Canary.Late+c.Canary.Lost+c.Canary.Off > 0
}

// on lists the days with a status.
func (d *CanaryDays) on(status string) []CanaryDay {
	var days []CanaryDay
	for _, day := range d.List {
		if day.Status == status {
			days = append(days, day)
		}
	}
	return days
}

// Unconfirmed lists the days on which the test was not confirmed everywhere in time, whatever the reason.
func (d *CanaryDays) Unconfirmed() []CanaryDay {
	var days []CanaryDay
	for _, day := range d.List {
		if day.Status != TestConfirmed {
			days = append(days, day)
		}
	}
	return days
}

// Mark is the sign of the day, and the style that repeats it.
func (d CanaryDay) Mark() Point {
	switch d.Status {
	case TestConfirmed:
		return Point{Calm, d.Status}
	case TestLost, TestMissing:
		return Point{Act, d.Status}
	}
	return Point{Note, d.Status}
}

// Number is the day of the month.
func (d CanaryDay) Number() string { return strings.TrimPrefix(d.Date[len(d.Date)-2:], "0") }

// Words says what became of the day's test.
func (d CanaryDay) Words(zone *time.Location) string {
	switch d.Status {
	case TestMissing:
		return "No test was sent, and it was not switched off."
	case TestOff:
		return "The test was switched off."
	case TestBefore:
		return "Nothing is on record: Auditbell was not installed yet, or did not test itself."
	}
	parts := []string{"Sent " + clock(d.Sent, zone)}
	for _, x := range d.Deliveries {
		parts = append(parts, x.Destination+": "+x.words(zone))
	}
	if len(d.Deliveries) == 0 {
		parts = append(parts, "its route led nowhere")
	}
	return strings.Join(parts, "; ") + "."
}

func (x TestDelivery) words(zone *time.Location) string {
	if x.State == Waiting {
		if x.Reason != "" {
			return "waiting (" + x.Reason + ")"
		}
		return "waiting"
	}
	text := string(x.State) + " after " + seconds(x.Seconds)
	if !x.HeldUntil.IsZero() {
		text += ", held until " + x.HeldUntil.In(zone).Format("15:04")
	}
	return text
}

// Alive says how far the daily test went, and in which hours the function ran. Nothing, where that is not known.
func (r *Report) Alive() Points {
	d, w := &r.Completeness.Canary, &r.Completeness.Watch
	if !d.Known {
		return nil
	}
	var points Points
	add := func(g Grave, format string, args ...any) {
		points = append(points, Point{g, fmt.Sprintf(format, args...)})
	}
	if d.Confirmed > 0 {
		g := Note
		if d.Confirmed == d.Tested() {
			g = Calm
		}
		add(g, "The daily test event was confirmed by %s on %d of %d days; it took %s in half of all cases and %s in 95 of 100.",
			namesInWords(d.Destinations), d.Confirmed, d.Tested(), seconds(d.ToDelivery.P50), seconds(d.ToDelivery.P95))
	}
	if n := d.Accepted; n > 0 {
		add(Note, "On %d of %d days the daily test was accepted; %s cannot confirm that it arrived.", n, d.Tested(), d.unconfirmed())
	}
	if n := d.Missing; n > 0 {
		add(Act, "No test was sent on %d of %d days (%s): whether an event would have arrived then is not known.", n, d.Tested(), daysInWords(d.on(TestMissing)))
	}
	if n := d.Lost; n > 0 {
		add(Act, "The test was not taken everywhere on %s (%s).", daysInWords(d.on(TestLost)), lostAt(d.on(TestLost)))
	}
	if n := d.Late; n > 0 {
		add(Note, "The test was late on %s.", daysInWords(d.on(TestLate)))
	}
	if n := d.Off; n > 0 {
		add(Note, "The test was switched off on %d %s: %s.", n, plural(int64(n), "day", "days"), daysInWords(d.on(TestOff)))
	}
	if n := d.Before; n > 0 {
		add(Note, "Nothing is on record for %s: Auditbell was not installed yet, or did not test itself.", daysInWords(d.on(TestBefore)))
	}
	return append(points, w.point(r.Zone))
}

// Watching says in which hours the function ran.
func (r *Report) Watching() Points { return Points{r.Completeness.Watch.point(r.Zone)} }

// point is the self-watch in a sentence.
func (w *SelfWatch) point(zone *time.Location) Point {
	switch {
	case w.Hours == 0:
		return Point{Note, "The self-watch had no whole hour to run in."}
	case w.Watched == 0:
		return Point{Act, fmt.Sprintf("The self-watch ran in none of %s hours: that nothing was alerted about proves nothing.", number(int64(w.Hours)))}
	case w.Watched == w.Hours:
		return Point{Calm, fmt.Sprintf("The self-watch ran in each of %s hours.", number(int64(w.Hours)))}
	}
	var gaps []string
	for _, g := range w.Gaps {
		gaps = append(gaps, g.From.In(zone).Format("2 January 15:04")+" to "+g.endOn(zone))
	}
	return Point{Act, fmt.Sprintf("The self-watch did not run in %s of %s hours; the longest gaps: %s.", number(int64(w.Hours-w.Watched)), number(int64(w.Hours)), strings.Join(gaps, ", "))}
}

// endOn writes the end of a gap, with its date when that is another one.
func (g Gap) endOn(zone *time.Location) string {
	from, to := g.From.In(zone), g.To.In(zone)
	if from.Format(time.DateOnly) == to.Format(time.DateOnly) {
		return to.Format("15:04")
	}
	return to.Format("2 January 15:04")
}

func namesInWords(all []TestEnd) string {
	var names []string
	for _, e := range all {
		names = append(names, e.Name)
	}
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return strings.Join(names, "")
}

// lostAt names the destinations that tests of these days did not reach.
func lostAt(days []CanaryDay) string {
	var names []string
	for _, day := range days {
		if len(day.Deliveries) == 0 {
			names = append(names, "no destination")
		}
		for _, x := range day.Deliveries {
			if x.State == Waiting {
				names = append(names, x.Destination)
			}
		}
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}

// daysInWords writes days as spans, the first few of them.
func daysInWords(days []CanaryDay) string {
	const show = 6
	var spans []string
	for at := 0; at < len(days); {
		end := at
		for end+1 < len(days) && nextDay(days[end].Date) == days[end+1].Date {
			end++
		}
		spans = append(spans, span(days[at].Date, days[end].Date))
		at = end + 1
	}
	if len(spans) > show {
		return strings.Join(spans[:show], ", ") + fmt.Sprintf(" and %d more", len(spans)-show)
	}
	return strings.Join(spans, ", ")
}

func span(first, last string) string {
	from, to := dateOf(first), dateOf(last)
	switch {
	case first == last:
		return from.Format("2 January")
	case from.Month() == to.Month() && from.Year() == to.Year():
		return from.Format("2") + "–" + to.Format("2 January")
	}
	return from.Format("2 January") + " – " + to.Format("2 January")
}

func nextDay(date string) string { return dateOf(date).AddDate(0, 0, 1).Format(time.DateOnly) }

// dateOf reads a date that this package wrote.
func dateOf(date string) time.Time {
	at, _ := time.Parse(time.DateOnly, date)
	return at
}

// Sign is the day's sign: what its colour says is said by the sign as well.
func (d CanaryDay) Sign() string {
	switch d.Status {
	case TestAccepted:
		return "○"
	case TestLate:
		return "~"
	case TestOff:
		return "–"
	case TestBefore:
		return "·"
	}
	return d.Mark().Mark()
}
