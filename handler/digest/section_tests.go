package digest

// stripLegend explains the signs of the daily test.
const stripLegend = "✓ confirmed by every destination, ○ accepted, ! missing or waiting, ~ late, – switched off, · before the first sign of life"

// testsSection shows the daily test day by day, and where it arrived.
func (r *Report) testsSection() []Block {
	c := &r.Completeness.Canary
	if !c.Known {
		return nil
	}
	blocks := []Block{Heading{Level: 2, Text: "The daily test and the self-watch"}, Paragraph{Soft: true, Text: "Once a day Auditbell sends itself a marked test event, which is read, recorded, matched, routed and sent like any other and counted in no number of this report. " +
		"The self-watch looks at queues, feeds and the test, and notes each hour in which it ran."}}
	if n := len(c.List); n > 0 && n <= daysShown {
		strip := Strip{Name: "The daily test, day by day", Legend: stripLegend}
		for _, day := range c.List {
			strip.Days = append(strip.Days, StripDay{Date: day.Date, Number: day.Number(), Sign: day.Sign(), Word: day.Status, Grave: day.Mark().Grave})
		}
		blocks = append(blocks, strip)
	}
	if len(c.Destinations) > 0 {
		rows := [][]any{}
		for _, e := range c.Destinations {
			rows = append(rows, []any{e.Name, e.Sent, e.Confirmed, e.Accepted, Seconds(e.ToDelivery.P50), Seconds(e.ToDelivery.P95), Seconds(e.ToDelivery.Max)})
		}
		blocks = append(blocks, tableOf("Daily tests by destination", []Column{{"Destination", Words}, {"Sent", Number}, {"Confirmed", Number}, {"Accepted", Number}, {"Half within", Number}, {"95 of 100 within", Number}, {"Longest", Number}}, rows).sheet())
	}
	rows := [][]any{}
	for _, day := range c.Unconfirmed() {
		rows = append(rows, []any{day.Date, day.Mark(), day.Words(r.Zone)})
	}
	if len(rows) > 0 {
		blocks = append(blocks, tableOf("Days on which the test was not confirmed", []Column{{"Day", When}, {"State", Words}, {"What is known", Where}}, rows))
	}
	return append(blocks, r.Watching(), r.testsTable())
}

// testsTable has a row for each destination of each day's test, and one for a day without. It is for the workbook.
func (r *Report) testsTable() Table {
	rows := [][]any{}
	for _, day := range r.Completeness.Canary.List {
		if len(day.Deliveries) == 0 {
			rows = append(rows, []any{day.Date, day.Status, day.Due, day.Sent, "", "", "", "", "", ""})
		}
		for _, x := range day.Deliveries {
			late := ""
			if x.Late {
				late = "late"
			}
			rows = append(rows, []any{day.Date, day.Status, day.Due, day.Sent, x.Destination, string(x.State), x.At, x.HeldUntil, Seconds(x.Seconds), late + x.Reason})
		}
	}
	t := tableOf("Daily test", []Column{{"date", Words}, {"status", Words}, {"due", When}, {"sent", When}, {"destination", Words}, {"state", Words}, {"at", When}, {"held until", When}, {"seconds", Number}, {"note", Words}}, rows).sheet()
	t.Off = true
	return t
}
