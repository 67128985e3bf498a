package notify

import (
	"cmp"
	"fmt"
	"strings"
)

// Form is how much of a message is sent. A message that a destination refuses is sent in the next form.
type Form int

// Forms from the whole message to a sentence that holds nothing of the event. When a destination refuses Fixed too, the
// destination is at fault and not the message.
const (
	Full  Form = iota
	Brief      // without what was looked up, steps and actions
	Bare       // plain text: headline, who, where, link
	Fixed      // a sentence of ours and the alert's id
)

// Forms lists all of them in the order in which they are tried.
var Forms = []Form{Full, Brief, Bare, Fixed}

func (f Form) String() string {
	return [...]string{"full", "brief", "bare", "fixed"}[f]
}

const (
	briefFacts = 4
	briefValue = 200
)

// In is the message in a form.
func (m Message) In(f Form) Message {
	switch f {
	case Brief:
		all := m.given()
		m.Actions, m.Steps, m.Facts = nil, nil, cutFacts(m.Facts)
		m.Dropped = all - m.given()
		m.Headline, m.Summary = Cut(m.Headline, briefValue), Cut(m.Summary, briefValue)
	case Bare:
		all := m.given()
		m = Message{
			ID: m.ID, Revision: m.Revision, Severity: m.Severity, Result: m.Result, Time: m.Time, News: Cut(m.News, briefValue), Headline: Cut(m.Headline, briefValue), Standing: m.Standing,
			Facts: named(m.Facts, "Who", "Where", "Rules", AllOfThem), Links: m.Links[:min(1, len(m.Links))], Plain: true, Whole: m.Whole,
		}
		m.Dropped = all - m.given()
	case Fixed:
		news := m.News
		m = Message{
			ID: m.ID, Revision: m.Revision, Severity: m.Severity, Standing: m.Standing.anonymous(), Plain: true, Headline: "An alert could not be shown here",
			Summary: "This channel refused its text. Look it up: " + showCommand(m.ID),
		}
		if news != "" {
			m.News = "It has changed."
		}
	}
	return m
}

// AllOfThem is the fact of a summary that says how to read the alerts that it counts.
const AllOfThem = "All of them"

// given is how many facts have something to show.
func (m Message) given() (n int) {
	for _, f := range m.Facts {
		if f.Value != "" || !f.Time.IsZero() {
			n++
		}
	}
	return n
}

// Rest says that facts are not shown, and where they are; "" for none. hidden is how many a channel had no room for.
func (m Message) Rest(hidden int) string {
	hidden += m.Dropped
	switch {
	case hidden == 0:
		return ""
	case m.ID == "" && m.Whole == "":
		return fmt.Sprintf("… and %d more", hidden)
	}
	return fmt.Sprintf("… and %d more: %s", hidden, cmp.Or(m.Whole, showCommand(m.ID)))
}

// showCommand shows the whole message, on a terminal.
func showCommand(id string) string { return "handler alerts show " + Cut(Clean(id, false), 80) }

func cutFacts(facts []Fact) []Fact {
	cut := make([]Fact, 0, briefFacts)
	for _, f := range facts[:min(briefFacts, len(facts))] {
		f.Value = Cut(f.Value, briefValue)
		cut = append(cut, f)
	}
	return cut
}

func named(facts []Fact, names ...string) []Fact {
	var found []Fact
	for _, name := range names {
		for _, f := range facts {
			if f.Name == name {
				f.Value = Cut(f.Value, briefValue)
				found = append(found, f)
			}
		}
	}
	return found
}

// Lines is a Plain message as lines of text without markup. Channels escape it.
func (m Message) Lines() string {
	lines := []string{Untag(Clean(m.Fallback(), false))}
	if m.HasNews() {
		lines = append(lines, Untag(Clean(m.News, false)))
	}
	for _, f := range m.Facts {
		lines = append(lines, Untag(Clean(f.Name+": "+f.Value, false)))
	}
	if rest := m.Rest(0); rest != "" {
		lines = append(lines, Untag(rest))
	}
	for _, l := range m.ShownLinks(40, 1000) {
		lines = append(lines, l.URL)
	}
	return strings.Join(append(lines, m.SmallPrint()...), "\n")
}
