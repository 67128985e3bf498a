package alert

import (
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
)

// News is what the readers of a destination do not know yet.
type News struct {
	Outcome    bool         // the first operation has another outcome
	Graver     bool         // the severity rose
	Operations []*Operation // operations that are new to them, as far as the alert keeps them
	More       int          // how many are new to them, kept or not
	Detailed   []*Operation // of a grave alert: known to them, but without what sets these apart; the oldest news first
	detailed   int
	urgent     bool
}

// News compares what a destination's readers have with what there is.
func (a *Alert) News(d Delivery) News {
	n := a.counted(&d)
	if !strings.HasPrefix(a.Rule.ID, WatchRule) && !a.IsSummary() {
		n.Operations = slices.Clone(a.Operations[min(d.Shown.Operations, len(a.Operations)):])
	}
	if n.detailed > 0 {
		for _, op := range a.Operations[:min(d.Shown.Operations, len(a.Operations))] {
			if op.Detailed > d.Shown.Details {
				n.Detailed = append(n.Detailed, op)
			}
		}
		slices.SortFunc(n.Detailed, func(x, y *Operation) int { return x.Detailed - y.Detailed })
	}
	return n
}

// named is how many operations news names.
func (n News) named() int { return len(n.Operations) + len(n.Detailed) }

// counted is News without the operations by name.
func (a *Alert) counted(d *Delivery) News {
	have := &d.Shown
	n := News{
		Outcome: a.Event.Outcome != "" && string(a.Event.Outcome) != have.Outcome,
		Graver:  have.Severity != "" && rank(a.Rule.Severity) > rank(have.Severity),
		More:    max(0, a.Count-have.Count),
	}
	if strings.HasPrefix(a.Rule.ID, WatchRule) {
		n.More = 0 // the same about ourselves, once a day
	}
	if a.Grave() && !a.IsSummary() {
		for i := range a.Operations[:min(have.Operations, len(a.Operations))] {
			if a.Operations[i].Detailed > have.Details {
				n.detailed++
			}
		}
	}
	o := a.Event.Outcome
	n.urgent = n.Graver || n.Outcome && (o == activity.Failed || o == activity.Canceled || o == activity.Resolved) || n.More > 0 && a.Grave() || n.detailed > 0
	return n
}

// Again reports whether a channel without edits gets another message: what a reader must do has changed, or something
// joined that they have not heard of.
func (n News) Again() bool { return n.urgent || n.More > 0 }

// Grave reports whether the alert is of high or critical severity: each of its operations reaches its readers.
func (a *Alert) Grave() bool { return IsGrave(a.Rule.Severity) }

// IsGrave reports whether a severity is high or critical.
func IsGrave(severity string) bool { return rank(severity) >= rank("high") }

// full reports whether a further operation must open another alert, because this one could not keep what its readers must
// learn of it. A condition has a message to itself: one that is over must not stand for one that lasts.
func (a *Alert) full(e *activity.Event) bool {
	if a.IsSummary() {
		return false
	}
	return a.Grave() && len(a.Operations) >= keepOperations || isCondition(&a.Event) || isCondition(e)
}

const (
	editEvery = 15 * time.Second // of one message; Slack's chat.update allows about 50 a minute for a whole workspace
	tellEvery = 5 * time.Minute  // how often what is not urgent is sent where a message cannot be edited
)

// notBefore is when a further delivery may go out: debounced after the last one, and not during a snooze. A destination
// that has no message yet waits for nothing, and neither does what joins a grave alert.
func (a *Alert) notBefore(d *Delivery, now time.Time) time.Time {
	due := now.UTC()
	if d.At.IsZero() {
		return due
	}
	next := d.At.Add(editEvery)
	switch n := a.counted(d); {
	case a.Grave() && n.More > 0 && !a.IsSummary(), n.Graver, n.detailed > 0:
		next = due
	case d.Channel == "" && !n.urgent && n.More > 0:
		last := d.Shown.At
		if last.IsZero() {
			last = d.At
		}
		next = last.Add(tellEvery)
	}
	if next.After(due) {
		due = next
	}
	return a.unlessSnoozed(d, due)
}

// Worthwhile reports whether an invocation should deliver what is due at once. What has a message of a moment ago is
// left to the timer, so that several changes make one message.
func (a *Alert) Worthwhile(now time.Time) bool {
	for _, d := range a.Deliveries {
		if a.isDue(&d, now) && (d.At.IsZero() || !now.Before(d.At.Add(editEvery))) {
			return true
		}
	}
	return false
}
