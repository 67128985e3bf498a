// Package notify says what is sent to a channel, and how sending can fail.
//
// A Message is neutral: headline, summary, facts in order of importance, links. Each destination renders it for its
// own channel, escapes every text and stays within the channel's limits; structure is ours, text is from events and
// therefore untrusted. Retry, deduplication and order are not decided here: the pipeline wraps around destinations,
// which know nothing of it.
package notify

import (
	"context"
	"errors"
	"time"
)

// Destination is one end that people read. Deliver brings what the reader sees to the state of m.
//
// Obligations, checked by notifytest.Run for every destination:
//   - prev is zero: post m, and return a Ref by which it can be found again (zero where a channel offers none).
//   - prev is not zero: bring the earlier message to m's state: edit it in place where the channel can, follow up
//     where it cannot and m.News is not empty, and do nothing where there is no news to tell. Return the Ref to keep.
//   - a nil error means that the channel answered as its service documents for a message that it takes; Ref.State says
//     how much that answer proves. Nothing is retried inside.
//   - errors have the Kind that fits, carry RetryAfter when the channel named a delay, and never contain an address, a
//     token or text of the event.
//   - no 2xx answer is an error of another kind than Unconfirmed, unless the service documents it as a refusal.
//   - event text is escaped after all composing; it cannot mention, link, format or break out of its slot.
//   - m is never too long: what does not fit is cut with "…" and the fallback text is always there.
type Destination interface {
	Deliver(ctx context.Context, m Message, prev Ref) (Ref, error)
}

// Several is a Destination that stands for several, each with readers of its own: the recipients of a mail. Alerts go to
// each by itself, so that none keeps the others from getting theirs.
type Several interface {
	Each() map[string]Destination // by address
}

// Finder is a Destination that can look for a message whose answer was lost.
type Finder interface {
	// Find looks for what was sent of m since then, and returns the revision that is there, and where the alert's message is: 0
	// without an error where none is. An error is ErrUnsearchable where the channel cannot be searched; any other one says that it is not known now.
	Find(ctx context.Context, m Message, s Sought) (ref Ref, revision int, err error)
}

// ErrUnsearchable is in the chain of an error that says that a channel cannot be searched.
var ErrUnsearchable = errors.New("the channel cannot be searched")

// Sought says which message of an alert is looked for. A message of its own is found in any revision, news and record only in
// m's: they are replies, and there is one for each revision.
type Sought struct {
	Since  time.Time
	Thread Ref  // the message whose reply it is, or which it replaces; zero: it is the first message of the alert
	Record bool // of the replies, the whole record
}

// Pinger is a Destination that can be asked whether it answers at all, without a message.
type Pinger interface {
	Ping(ctx context.Context) error // nil: it answered, whatever it said
}

// Editor is a Destination that can change a message that it has posted. Of the others each further message is one more.
type Editor interface {
	Edits() bool
}

// Recorder is a Destination with a place beside the message for what is too long for the message: Slack's thread.
type Recorder interface {
	// Beside says what belongs there: the facts that the message has no room for and its Details, in lines, and whether the
	// operator wants the whole record there.
	Beside(m Message) (rest string, record bool)
	// Record puts it there; either text may be empty. The record holds no secrets, but is from events like any other text.
	Record(ctx context.Context, m Message, at Ref, rest, record string) error
}

// NewsFits is how many characters of news every channel shows: what is news is often a list of which none may be missing.
const NewsFits = 2600

// Message is what is to be told, independent of any channel.
type Message struct {
	ID       string // the alert's id, the same in every channel
	Revision int    // of the alert, where the channel can keep it beside the message
	Again    int    // times that its service accepted it and then could not send it
	Plain    bool   // to be shown as lines of text only, without structure; see Lines
	Severity Severity
	Headline string   // plain-language act and object: "Owner role granted on prod-payments"; severity is added by the channel
	Standing Standing // what people did that holds now; in the headline, and in every form, of channels that edit
	Summary  string   // one sentence: who did what to what, result, why it matters
	Result   Result   // the state of what happened
	Time     time.Time
	Facts    []Fact   // most important first; channels may cut from the end
	Links    []Link   // at most four
	Dropped  int      // facts that the form leaves out
	Whole    string   // where all facts are; empty: where the command line shows an alert
	Beside   bool     // facts that the channel has no room for are beside the message (Recorder); it says so
	Details  string   // what stands beside the message, in lines, where the channel has such a place: a summary's actors one by one
	Context  []string // rule and its author, count, ids: small print
	Steps    []string // runbook: what to do, one step each
	// News is what changed since the revision before, in words ("Succeeded after 12 s", "seen 37 times"): the text of
	// a thread reply or follow-up card. Empty: nothing that a reader must be told again.
	News string // at most NewsFits characters are shown everywhere
	// Actions are what readers can do, for channels that can call back. Empty where nobody would answer.
	Actions []Action
}

// Fact is one named detail. Time, when set, is shown in the reader's zone where the channel can.
type Fact struct {
	Name  string
	Value string
	Time  time.Time
	Code  bool // an identifier: shown in monospace, never wrapped into prose
	Long  bool // a list, which may take the room of several facts
}

// Link is an address on the configured portal host.
type Link struct {
	Title string // at most 14 characters survive on a phone
	URL   string
}

// Severity is Sigma's level.
type Severity string

// Severities from quiet to loud.
const (
	Informational Severity = "informational"
	Low           Severity = "low"
	Medium        Severity = "medium"
	High          Severity = "high"
	Critical      Severity = "critical"
)

// Rank orders severities; unknown ones rank with medium so that a typo never silences anything.
func (s Severity) Rank() int {
	switch s {
	case Informational:
		return 1
	case Low:
		return 2
	case High:
		return 4
	case Critical:
		return 5
	}
	return 3
}

// Result is the state of the operation or condition a message is about.
type Result string

// Results, as a reader needs them told apart.
const (
	Ongoing   Result = "ongoing"
	Succeeded Result = "succeeded"
	Failed    Result = "failed"
	Resolved  Result = "resolved"
)

// State is how much is known about a message. Checks, reports and documentation use these three words and no others.
type State string

// States of a message. None of them says that a person read it.
const (
	// Waiting: no answer has taken the message yet.
	Waiting State = "waiting"
	// Accepted: a service took the message and does not report what became of it: a Teams workflow (202 means that the
	// flow started), a Slack incoming webhook, a mail server, Microsoft Graph.
	Accepted State = "accepted"
	// Confirmed: the answer proves that the message is where its readers look: Slack's Web API returned the message's
	// ts, a mail operation of Azure Communication Services ended as Succeeded, the operator's own webhook answered 2xx.
	Confirmed State = "confirmed"
)

// Ref finds a message again that a channel took: Slack's channel and ts, the operation of a mail. It is stored with the
// alert.
type Ref struct {
	Channel string `json:"channel,omitempty"`
	ID      string `json:"id,omitempty"`
	State   State  `json:"state,omitempty"` // Accepted or Confirmed; empty in what earlier versions stored
}

// ErrUnsent is in the chain of an error that says that the service could not send what it had accepted.
var ErrUnsent = errors.New("the service accepted the message and could not send it")

// Confirmer is a Destination whose service reports later what became of a message that it accepted.
type Confirmer interface {
	// Reports is false where the service that the operator chose does not.
	Reports() bool
	// Confirm asks about a message whose Ref.State is Accepted. It returns Confirmed, Accepted while the service is still
	// at it, ErrUnsent when the service could not send the message, or another error when it does not say.
	Confirm(ctx context.Context, ref Ref) (State, error)
}

// Zero reports whether no channel took the message yet.
func (r Ref) Zero() bool { return r == Ref{} }

// maxTitle bounds the headline within a line of text, in code points.
const maxTitle = 400

// Fallback is the message in one line, for notifications, screen readers and clients that show no blocks.
func (m Message) Fallback() string {
	text := m.Title(maxTitle)
	if m.Summary != "" {
		text += " — " + m.Summary
	}
	return text
}

// Word is the severity as readers see it; colour never stands alone.
func (s Severity) Word() string {
	switch s {
	case Informational:
		return "INFO"
	case Low:
		return "LOW"
	case High:
		return "HIGH"
	case Critical:
		return "CRITICAL"
	}
	return "MEDIUM"
}
