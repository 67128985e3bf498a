// Package oracle judges what readers were shown. It knows what happened in Azure and what each channel was sent, and nothing
// of how the program decides: it imports no package of ours.
package oracle

import (
	"fmt"
	"strings"
	"time"
)

// Severity is how grave an act is; the order is that of gravity.
type Severity int

// Severities of acts.
const (
	Low Severity = iota + 1
	Medium
	High
	Critical
)

// shownAs are the words that readers are shown; no act has the first.
var shownAs = [...]string{"informational", Low: "low", Medium: "medium", High: "high", Critical: "critical"}

func (s Severity) String() string { return shownAs[s] }

// Act is one thing that was done in Azure.
type Act struct {
	ID       int
	Kind     string
	Actor    string
	Group    string // resource group; every family of acts has its own
	Resource string
	Severity Severity
	Facts    []Fact // what a reader must be shown beside resource and actor
	At       time.Time
	Failed   bool
	Ended    bool      // a condition that has ended (a resource that is available again)
	Lost     bool      // no feed delivered it
	Excepted bool      // the operator asked not to be notified
	Until    time.Time // when the operator's exception ends; zero: it is not certain that it covers the act
	After    string    // the resource in whose message the operator withdrew what excepts this act: by then it is none
	Late     bool      // the operator asked to be notified later
	Part     string    // how it came about: the adversary's move, for the report
}

// Fact is one thing that a reader must be shown: any of the spellings will do.
type Fact struct {
	Name string
	Any  []string
}

// Message is one request that a channel took.
type Message struct {
	At      time.Time
	Channel string
	Kind    string // "post", "edit" or "reply"
	Ref     string // of the message that was posted, edited or replied to
	Alert   string // that it is about (AlertIn), "" when it names none
	Text    string // everything a reader can see, in lower case, blanks folded
	Gap     bool   // the sender cannot know that it was taken, so that sending it again is allowed
}

// Arrival is when a record of an act became the program's responsibility: a function answered that it is stored.
type Arrival struct {
	Act int
	At  time.Time
}

// World is everything that is judged.
type World struct {
	Acts     []Act
	Messages []Message
	Arrivals []Arrival
	Channels []string
	Edits    map[string]bool // channels whose messages can be edited
	Faults   []Span          // when something misbehaved
	Tests    []Test          // daily tests that were sent
	Doubts   []Message       // that a channel answered as if it had taken them, and did not
	Barred   []Message       // edits that a channel refuses for ever: what they say is posted in a message of its own
	Waits    []Wait          // that channels asked for
	Refusals []Refusal       // invocations that were answered with an error
	Owed     []string        // what the store still owed, long after the last fault
	Leased   []string
	Orphans  []string // deliveries that no feed brings again and that were never stored
	Begun    time.Time
	End      time.Time
}

// Span is a time in which something misbehaved.
type Span struct{ From, To time.Time }

// Wait is a time for which a channel asked not to be sent an alert again.
type Wait struct {
	Channel, Alert string
	At, Until      time.Time
}

// Test is a daily test.
type Test struct {
	Day string // 2026-11-30
	At  time.Time
}

// AlertIn is the id of the alert that a message is about, "" when it names none.
func AlertIn(text string) string {
	for {
		at := strings.Index(text, alertPrefix)
		if at < 0 {
			return ""
		}
		if text = text[at:]; alertID.MatchString(text) {
			return text[:alertLength]
		}
		text = text[len(alertPrefix):]
	}
}

// Headline is a message from where it begins for its reader, at its severity; ok is false when it shows none.
func Headline(text string) (from string, shown Severity, ok bool) {
	for rest := text; ; {
		before, after, found := strings.Cut(rest, " · ")
		if !found {
			return text, 0, false
		}
		for severity, name := range shownAs {
			if strings.HasSuffix(before, name) {
				return rest[len(before)-len(name):], Severity(severity), true
			}
		}
		rest = after
	}
}

// Refusal is an invocation that failed.
type Refusal struct {
	At       time.Time
	Function string
	Detail   string
	Final    bool // the feed has given the delivery up
	Acts     []int
}

// Cost is what a run asked of the store.
type Cost struct {
	Requests int64
	RU       float64
}

// most is how many times as much a run with faults may cost as one without.
const most = 3

// Spending compares what a run cost with what it costs without faults.
func Spending(with, without Cost) (found []Violation) {
	if with.Requests > most*without.Requests {
		found = append(found, Violation{Rule: Spent, Act: -1, Detail: fmt.Sprintf("%d requests, without faults %d", with.Requests, without.Requests)})
	}
	if with.RU > most*without.RU {
		found = append(found, Violation{Rule: Spent, Act: -1, Detail: fmt.Sprintf("%.0f RU, without faults %.0f", with.RU, without.RU)})
	}
	return found
}

// Violation is a promise that was broken.
type Violation struct {
	Rule   string // the invariant
	Part   string // Act.Part of the act, by which the cause is found
	Act    int
	Detail string
}

func (v Violation) String() string { return v.Rule + ": " + v.Detail }
