package notify

import (
	"strings"
	"unicode/utf8"
)

// Standing is what people did about a message's alert that holds now. The zero value is nothing.
type Standing struct {
	Mark string // a coloured sign of ours, which repeats what Done says
	Done string // "Acknowledged"
	By   string // who, as they chose to be called: untrusted
	When string // ", 22 Nov 09:14 UTC", or " until 23 Nov 09:00 UTC"
}

// longestBy bounds who did it: the name is its bearer's choice, and the headline is short.
const longestBy = 30

// String is "🟢 Acknowledged by @ana, 22 Nov 09:14 UTC".
func (s Standing) String() string {
	if s.Done == "" {
		return ""
	}
	text := strings.TrimPrefix(s.Mark+" ", " ") + s.Done
	if by := Cut(strings.TrimSpace(Clean(s.By, false)), longestBy); by != "" {
		text += " by " + by
	}
	return text + s.When
}

// anonymous is the standing without anything that a person chose.
func (s Standing) anonymous() Standing {
	s.By = ""
	return s
}

// Title is the message's first line in at most limit code points: severity, headline, and what people did that holds now. It is
// never empty, and of a long one the headline is cut, not what holds.
func (m Message) Title(limit int) string {
	text := m.Severity.Word()
	if what := strings.TrimSpace(Clean(m.Headline, false)); what != "" {
		text += " · " + what
	}
	if m.Standing == (Standing{}) {
		return Cut(text, limit)
	}
	end := " · " + m.Standing.String()
	return Cut(text, max(len(m.Severity.Word()), limit-utf8.RuneCountInString(end))) + end
}
