package oracle

import "strings"

// A message of which it is not known whether it is there is never sent again. What readers are shown in its place is that it
// may be missing, by what it was about.

// excused reports whether what a channel was not shown of an act stood in messages that may be missing, and readers know.
func (j *judge) excused(a *Act, channel string) bool {
	for _, m := range j.Doubts {
		if m.Channel != channel || !mentions(m, a.Resource) && !mentions(m, a.Group) && !mentions(m, a.Actor) {
			continue
		}
		if j.admitted(m, a.Group) || j.admitted(m, summaryOf.FindString(m.Text)) || j.admittedBeside(m, a) {
			return true
		}
	}
	return false
}

// admittedBeside reports whether readers were shown that a message about an act may be missing, or one about another act that
// an alert can have in common with it: alerts are named by their first one.
func (j *judge) admittedBeside(doubt Message, a *Act) bool {
	for i := range j.Acts {
		if b := &j.Acts[i]; b.Actor == a.Actor && b.Group == a.Group && j.admitted(doubt, b.Resource) {
			return true
		}
	}
	return false
}

func mentions(m Message, what string) bool {
	return what != "" && strings.Contains(m.Text, strings.ToLower(what))
}

// admitted reports whether readers were shown later that messages about something may be missing.
func (j *judge) admitted(doubt Message, about string) bool {
	for _, m := range j.Messages {
		if m.At.After(doubt.At) && strings.Contains(m.Text, unconfirmed) && mentions(m, about) {
			return true
		}
	}
	return false
}

// unconfirmed is in the message that names others that may be missing.
const unconfirmed = "unconfirmed"

// lostSummaries is how many alerts stood in summaries that may be missing, and readers know.
func (j *judge) lostSummaries(channel string) (alerts int) {
	for _, m := range j.Doubts {
		if s, is := summaryIn(m.Text); is && m.Channel == channel && j.admitted(m, summaryOf.FindString(m.Text)) {
			alerts += s.alerts
		}
	}
	return alerts
}
