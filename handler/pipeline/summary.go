package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/notify"
)

// summaryMessage tells of many alerts at once.
func summaryMessage(a alert.Alert) notify.Message {
	m := notify.Message{
		ID: a.ID, Severity: notify.Severity(a.Rule.Severity), Time: a.First.Time,
		Context: []string{"every alert is recorded, none was dropped", a.ID},
	}
	switch {
	case a.Rule.ID == alert.BacklogRule:
		return backlogMessage(m, a)
	case a.Rule.ID == alert.HeldRule && a.Late != "":
		m.Headline = fmt.Sprintf("%d alerts of the past", a.Count)
		m.Summary = fmt.Sprintf("%d alerts were %s, too long after the fact to be told one by one.", a.Count, a.Late)
	case a.Rule.ID == alert.HeldRule:
		m.Headline = fmt.Sprintf("%d alerts held back during %s", a.Count, a.Event.Operation)
		m.Summary = fmt.Sprintf("%s is over; %d alerts waited for its end.", a.Event.Operation, a.Count)
	default:
		m.Headline = fmt.Sprintf("Alert storm: %d alerts on %s", a.Count, a.Event.Operation)
		m.Summary = fmt.Sprintf("%d alerts were not shown one by one, because the channel could not take them; all are recorded.", a.Count)
		m.Facts = append(m.Facts, notify.Fact{Name: "Who", Value: a.Event.Caller})
	}
	if a.Grave() {
		m.Facts = append(m.Facts, notify.Fact{Name: "Gravest", Value: gravest(a)})
	}
	if a.Late != "" {
		m.Headline = "Told late: " + m.Headline
		m.Facts = append(m.Facts, notify.Fact{Name: "Told late", Value: late(a)})
	}
	m.Facts = append(m.Facts,
		notify.Fact{Name: "First", Value: a.First.UTC().Format(clockFormat), Time: a.First.Time},
		notify.Fact{Name: "Last", Value: a.Last.UTC().Format(clockFormat), Time: a.Last.Time},
		notify.Fact{Name: "Resources", Value: resources(a)})
	return m
}

// namesInLine is how many names of a backlog one fact holds, and longestTitle how much of each: what every channel shows of
// a fact is 300 characters, and of facts six.
const (
	namesInLine  = 3
	longestTitle = 95
)

// backlogMessage names every alert that waited for a destination.
func backlogMessage(m notify.Message, a alert.Alert) notify.Message {
	m.Headline = fmt.Sprintf("%d alerts waited for %s", a.Count, a.Event.Caller)
	m.Summary = fmt.Sprintf("%s took no messages for a while. These alerts were raised from %s to %s and are named here; all are recorded.",
		a.Event.Caller, a.First.UTC().Format(clockFormat), a.Last.UTC().Format(clockFormat))
	names := make([]string, len(a.Operations))
	for i, op := range a.Operations {
		names[i] = op.Name
	}
	m.Facts = append(m.Facts, numbered(names)...)
	return m
}

// numbered lists alerts by their titles, several in a line.
func numbered(titles []string) (facts []notify.Fact) {
	first := 1
	for part := range slices.Chunk(titles, namesInLine) {
		names := make([]string, len(part))
		for i, title := range part {
			name, _, _ := strings.Cut(title, " (alert-")
			names[i] = notify.Cut(name, longestTitle)
		}
		facts = append(facts, notify.Fact{Name: fmt.Sprintf("%d to %d", first, first+len(part)-1), Value: strings.Join(names, "; ")})
		first += len(part)
	}
	return facts
}

const clockFormat = "2006-01-02 15:04:05 UTC"
