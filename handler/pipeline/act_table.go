package pipeline

import (
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/notify"
)

// act is a row of the table of acts: what a person can do about an alert, the state that it brings, and how that is taken
// back. A channel with buttons renders what this table makes of an alert (notify.Action, notify.Standing) and decides nothing.
type act struct {
	kind, back   alert.ActKind // what does it, and what takes it back
	does, undoes verb
	state        string // the state in words, in headline, small print and listings
	mark         string // the state in colour
	undone, over string // how the small print says that it was taken back, alone and behind the act
	ends         bool   // the state is over at a time that the act names
	again        bool   // it is offered while it stands: it can be made longer
	spans        []span // until when, for a menu
	asks         func(c *Composer, a alert.Alert) string
	needs        func(Acting) bool // whether the act is possible; nil: always
}

// verb is what a reader clicks: the name by which a click comes back, and the text of the button.
type verb struct{ name, label string }

// span is a line of a menu.
type span struct {
	name, label string
	until       func(now time.Time, zone *time.Location) time.Time
}

// acts is every act, in the order in which messages offer them.
var acts = []act{
	{
		kind: alert.Acknowledged, back: alert.Unacknowledged,
		does: verb{"acknowledge", "Acknowledge"}, undoes: verb{"unacknowledge", "Unacknowledge"},
		state: "Acknowledged", mark: "🟢", undone: "Acknowledgement taken back", over: "taken back",
	},
	{
		kind: alert.Snoozed, back: alert.Unsnoozed,
		does: verb{"snooze", "Snooze"}, undoes: verb{"unsnooze", "End snooze"},
		state: "Snoozed", mark: "🔵", undone: "Snooze ended", over: "ended", ends: true, again: true,
		spans: []span{{"1h", "for 1 hour", after(time.Hour)}, {"8h", "for 8 hours", after(8 * time.Hour)}, {"monday", "until Monday", monday}},
	},
	{
		kind: alert.Expected, back: alert.Withdrawn,
		does: verb{"expect", "Mark as expected"}, undoes: verb{"withdraw", "Withdraw expected"},
		state: "Marked as expected", mark: "⚪", undone: "Withdrawn as expected", over: "withdrawn", ends: true,
		asks: (*Composer).consequence, needs: func(a Acting) bool { return a.Expect },
	},
}

// after is the end of a span that begins now.
func after(length time.Duration) func(time.Time, *time.Location) time.Time {
	return func(now time.Time, _ *time.Location) time.Time { return now.Add(length) }
}

// clicked is the row of a verb, and whether that takes the act back; nil: there is none.
func clicked(name string) (row *act, undoes bool) {
	for i := range acts {
		if a := &acts[i]; name == a.does.name || name == a.undoes.name {
			return a, name == a.undoes.name
		}
	}
	return nil, false
}

// rowOf is the row of an act that does something, or takes something back.
func rowOf(kind alert.ActKind) *act {
	i := slices.IndexFunc(acts, func(a act) bool { return kind == a.kind || kind == a.back })
	if i < 0 {
		return &act{kind: kind, state: string(kind), undone: string(kind)} // by a later version
	}
	return &acts[i]
}

// begin notes until when an act holds, and returns the rest of the click's value. An end that no message offers stays zero.
func (row *act) begin(one *alert.Act, value string, c *Composer) (rest string) {
	switch {
	case row.kind == alert.Expected:
		one.Reason, one.Until = "marked as expected in Slack", one.At.Add(c.Acting.ExpectedFor)
	case len(row.spans) > 0:
		var name string
		name, value, _ = strings.Cut(value, ".")
		if i := slices.IndexFunc(row.spans, func(s span) bool { return s.name == name }); i >= 0 {
			one.Until = row.spans[i].until(one.At, c.zone())
		}
	}
	return value
}

// actions are what readers can still do about the alert.
func (c *Composer) actions(a alert.Alert) []notify.Action {
	if !c.Acting.Interactive {
		return nil
	}
	at := a.Group + "." + a.ID
	var list []notify.Action
	for i := range acts {
		row := &acts[i]
		if row.needs != nil && !row.needs(c.Acting) {
			continue
		}
		_, stands := a.Standing(row.kind, c.Now())
		if !stands || row.again {
			list = append(list, row.offer(c, a, at))
		}
		if stands {
			list = append(list, notify.Action{Name: row.undoes.name, Label: row.undoes.label, Value: at})
		}
	}
	return list
}

// offer is the act as a button or a menu.
func (row *act) offer(c *Composer, a alert.Alert, at string) notify.Action {
	one := notify.Action{Name: row.does.name, Label: row.does.label, Value: at}
	if row.asks != nil {
		one.Confirm = row.asks(c, a)
	}
	for _, s := range row.spans {
		one.Value, one.Choices = "", append(one.Choices, notify.Choice{Label: s.label, Value: s.name + "." + at})
	}
	return one
}

// standing is what holds now, for the headline: the act that was taken last and has effect.
func (c *Composer) standing(a alert.Alert) notify.Standing {
	for _, one := range slices.Backward(a.Acts) {
		have, stands := a.Standing(one.Kind, c.Now())
		if !stands || have.ID != one.ID || one.Kind.TakesBack() != "" {
			continue
		}
		row := rowOf(one.Kind)
		when := ", " + c.clock(one.At)
		if row.ends {
			when = " until " + c.clock(one.Until)
		}
		return notify.Standing{Mark: row.mark, Done: row.state, By: one.By.String(), When: when}
	}
	return notify.Standing{}
}

// Held is an act that has effect, and the act that takes it back.
type Held struct {
	Name     string // of the act, as buttons and commands have it: "acknowledge"
	Sentence string // who, when, until when
	Back     alert.ActKind
}

// Holding lists the acts that have effect now.
func (c *Composer) Holding(a alert.Alert) []Held {
	var held []Held
	for i := range acts {
		row := &acts[i]
		if one, stands := a.Standing(row.kind, c.Now()); stands {
			held = append(held, Held{row.does.name, sentence(one), row.back})
		}
	}
	return held
}

// clock is short: a headline holds it, in the zone of those who read.
func (c *Composer) clock(t time.Time) string { return t.In(c.zone()).Format("2 Jan 15:04 MST") }

// history lists what people did about the alert, a line for each row of the table: the last act and, where that answers
// another one, what it answers. So of two people who decided differently both are named.
func history(a alert.Alert) []string {
	var lines []string
	for i := range acts {
		if line := acts[i].history(a); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// history is the row's line; empty: no person did that.
func (row *act) history(a alert.Alert) string {
	var last, before *alert.Act
	for i := range a.Acts {
		if one := &a.Acts[i]; rowOf(one.Kind) == row {
			last, before = one, last
		}
	}
	switch {
	case last == nil:
		return ""
	case before == nil || before.Kind == last.Kind && before.By.ID == last.By.ID:
		return sentence(*last)
	case before.Kind == row.kind && last.Kind == row.back:
		return sentence(*before) + ", " + row.over + " by " + last.By.String() + " at " + minute(last.At)
	}
	return sentence(*before) + "; then " + lowered(sentence(*last))
}

// sentence says who did what, and when or until when.
func sentence(one alert.Act) string {
	row := rowOf(one.Kind)
	text := row.state
	if one.Kind == row.back {
		text = row.undone
	}
	text += " by " + one.By.String() + " at " + minute(one.At)
	if row.ends && one.Kind == row.kind {
		text += " until " + minute(one.Until)
	}
	return text
}

func lowered(text string) string { return strings.ToLower(text[:1]) + text[1:] }

// minute is exact enough for what people did, and does not look like an emoji to clients that take :44: for one.
func minute(t time.Time) string { return t.UTC().Format(minuteFormat) }
