// Package outbox is what all instances must know about a destination: whether it takes messages, who may try it next,
// for how long it asked to be left alone, how many messages it may still get, and which of its answers prove nothing.
//
// Everything here is a value and a pure function of it; time is a parameter. The store keeps one Health for each
// destination and changes it under a condition, the pipeline acts on it. Alerts that wait for a destination are items of
// their own (Waiting), so that what a run of the timer costs does not grow with their number.
package outbox

import (
	"slices"
	"time"
)

// Health is the state of one destination. The zero value is that of one that takes messages.
type Health struct {
	Name string `json:"name"`

	Unwell   time.Time `json:"unwell,omitzero"`  // since when it takes no messages; zero: it is well
	Reason   string    `json:"reason,omitempty"` // what it said, and what to do about it
	Probes   int       `json:"probes,omitempty"` // tries since it is unwell
	Next     time.Time `json:"next,omitzero"`    // no probe before
	Probe    Probe     `json:"probe,omitzero"`   // the last one
	Silent   bool      `json:"silent,omitempty"` // it became unwell because it did not answer
	Timeouts []string  `json:"timeouts,omitempty"`
	Failing  bool      `json:"failing,omitempty"` // it became unwell because it accepted messages and did not send them
	Lost     []string  `json:"lost,omitempty"`    // alerts in a row whose messages it accepted and did not send

	Backlog bool `json:"backlog,omitempty"` // alerts may be waiting for it
	Grave   int  `json:"grave,omitempty"`   // of the backlog, alerts that were sent one by one since it is well again

	Hold      time.Time `json:"hold,omitzero"`   // it asked for no messages before (Retry-After)
	Tokens    float64   `json:"tokens,omitzero"` // messages that it may get at At; see Take
	At        time.Time `json:"at_tokens,omitzero"`
	Throttled int       `json:"throttled,omitempty"` // times in a row that it asked to wait
	Slowed    time.Time `json:"slowed,omitzero"`     // when Hold ended: from then on the burst grows again

	Firsts Firsts `json:"firsts,omitzero"`

	Unconfirmed Unconfirmed `json:"unconfirmed,omitzero"`
	Reduced     int         `json:"reduced,omitempty"`   // messages that it refused in full and took with less in them
	Discarded   []Discarded `json:"discarded,omitempty"` // what people discarded, newest last, at most keepDiscarded
}

// Probe is one try of a destination that is unwell.
type Probe struct {
	Alert string    `json:"alert,omitempty"`
	Owner string    `json:"owner,omitempty"`
	Until time.Time `json:"until,omitzero"` // when another instance may try although nothing was heard of this one
}

// Firsts counts the alerts of a day (UTC) that were sent by themselves because they were the first of their kind.
type Firsts struct {
	Day   string `json:"day,omitempty"`
	Count int    `json:"count,omitempty"`
}

// First takes one of the messages that firsts may have a day; false: they are used up.
func (h *Health) First(most int, now time.Time) bool {
	if day := now.UTC().Format(time.DateOnly); h.Firsts.Day != day {
		h.Firsts = Firsts{Day: day}
	}
	if h.Firsts.Count >= most {
		return false
	}
	h.Firsts.Count++
	return true
}

// Unconfirmed are the messages that a destination answered as its service does not document, or not at all although it
// had them whole, since its last documented answer.
type Unconfirmed struct {
	Since   time.Time `json:"since,omitzero"`
	Count   int       `json:"count,omitempty"`
	Alerts  []string  `json:"alerts,omitempty"`  // headlines and ids, the first keepUnconfirmed
	Reason  string    `json:"reason,omitempty"`  // the last answer
	Reasons []string  `json:"reasons,omitempty"` // the kinds of answers, the first keepReasons, oldest first
	Known   int       `json:"known,omitempty"`   // of how many of these kinds the other destinations were notified
	Named   int       `json:"named,omitempty"`   // of how many messages, the oldest, they were notified
}

// unreported are those that the other destinations were not notified of.
func (u Unconfirmed) unreported() Unconfirmed {
	u.Alerts = u.Alerts[min(u.Named, len(u.Alerts)):]
	u.Count -= u.Named
	return u
}

// Discarded is a delivery that a person gave up.
type Discarded struct {
	Alert string    `json:"alert"`
	Title string    `json:"title"`
	At    time.Time `json:"at"`
	By    string    `json:"by"`
}

// Waiting is an alert that waits for a destination.
type Waiting struct {
	Alert    string    `json:"alert"`
	Group    string    `json:"group_key"`
	Title    string    `json:"title"` // headline, cut
	Severity string    `json:"severity"`
	Opened   time.Time `json:"opened"`
	// Alone says that it is never counted in a summary: its message is there already and owes a change, or it is a summary
	// or a test itself.
	Alone bool `json:"alone,omitempty"`

	Version string    `json:"-"` // of the note, as it was listed
	Since   time.Time `json:"since"`
}

// Grave reports whether the alert is sent by itself when the destination is well again.
func (w Waiting) Grave() bool { return w.Severity == "high" || w.Severity == "critical" }

const (
	keepDiscarded   = 200
	keepUnconfirmed = 60
	keepReasons     = 10

	firstPause  = 2 * time.Second
	longest     = 15 * time.Minute
	firstSilent = time.Minute     // before the first probe of a destination that did not answer
	silentPause = time.Hour       // between two messages that it may have taken; that it answers at all is asked more often
	probeLease  = 2 * time.Minute // longer than one delivery may take

	// timeoutsInARow of different alerts make a destination unwell.
	timeoutsInARow = 3
	// lostInARow of different alerts that were accepted and not sent do so, too.
	lostInARow = 3
)

// IsUnwell reports whether messages have to wait.
func (h *Health) IsUnwell() bool { return !h.Unwell.IsZero() }

// Fail notes a failure that is the destination's. began says that it was well before; the caller logs it then, once.
func (h *Health) Fail(reason string, now time.Time) (began bool) {
	began = !h.IsUnwell()
	if began {
		h.Unwell, h.Probes, h.Grave = now.UTC(), 0, 0
	} else {
		h.Probes++
	}
	pause := min(firstPause<<min(h.Probes, 20), longest)
	h.Reason, h.Backlog, h.Next, h.Probe.Until = reason, true, now.UTC().Add(pause), time.Time{}
	return began
}

// TimedOut notes that an alert's message was written whole and not answered. The third alert in a row makes the
// destination unwell.
func (h *Health) TimedOut(alert, reason string, now time.Time) (began bool) {
	if h.IsUnwell() {
		h.Fail(reason, now)
		h.Silent, h.Next = true, now.UTC().Add(silentPause)
		return false
	}
	if !slices.Contains(h.Timeouts, alert) {
		h.Timeouts = append(h.Timeouts, alert)
	}
	if len(h.Timeouts) < timeoutsInARow {
		return false
	}
	h.Timeouts, h.Silent = nil, true
	began = h.Fail(reason, now)
	h.Next = now.UTC().Add(firstSilent)
	return began
}

// Unsent notes that the destination accepted an alert's message and could not send it. The third alert in a row makes it
// unwell; refused, the first.
func (h *Health) Unsent(alert, reason string, refused bool, now time.Time) (began bool) {
	if !slices.Contains(h.Lost, alert) {
		h.Lost = append(h.Lost, alert)
	}
	if !h.IsUnwell() && !refused && len(h.Lost) < lostInARow {
		return false
	}
	h.Lost, h.Failing = nil, true
	return h.Fail(reason, now)
}

// Accepted notes that a destination that accepts messages and does not send them accepted one more: only one that is
// confirmed makes it well.
func (h *Health) Accepted(now time.Time) {
	h.Probes++
	h.Next, h.Probe.Until = now.UTC().Add(max(min(firstPause<<min(h.Probes, 20), longest), firstSilent)), time.Time{}
}

// Sure reports whether a confirmed message changes nothing.
func (h *Health) Sure() bool { return !h.Failing && len(h.Lost) == 0 }

// Confirmed notes a message that is where its readers look.
func (h *Health) Confirmed() (changed bool) {
	if h.Sure() {
		return false
	}
	if h.Lost = nil; h.Failing {
		h.Answer()
	}
	return true
}

// DoubtOver returns what a documented answer makes known: all messages that are unconfirmed, for the destination itself;
// and those that the others were not notified of, if they were notified of the doubt.
func (h *Health) DoubtOver() (all, fresh Unconfirmed) {
	if all = h.Unconfirmed; all.Named > 0 {
		fresh = all.unreported()
	}
	return all, fresh
}

// EndDoubt forgets unconfirmed messages that were reported, unless there are more by now.
func (h *Health) EndDoubt(reported Unconfirmed) bool {
	u := h.Unconfirmed
	if !u.Since.Equal(reported.Since) || u.Count != reported.Count {
		return false
	}
	h.Unconfirmed = Unconfirmed{}
	return true
}

// Answer notes a documented answer that took a message. ended says since when the destination was unwell, zero when it was
// not.
func (h *Health) Answer() (ended time.Time) {
	ended, h.Throttled = h.Unwell, 0
	h.Unwell, h.Reason, h.Probes, h.Next, h.Probe, h.Silent, h.Timeouts = time.Time{}, "", 0, time.Time{}, Probe{}, false, nil
	h.Failing = false
	return ended
}

// Clean reports whether a documented answer changes nothing.
func (h *Health) Clean() bool {
	return !h.IsUnwell() && h.Throttled == 0 && len(h.Timeouts) == 0 && h.Unconfirmed.Since.IsZero()
}

// ProbeDue reports whether an instance may try the destination now.
func (h *Health) ProbeDue(now time.Time) bool {
	return h.IsUnwell() && !h.Next.After(now) && !h.Probe.Until.After(now) && !h.Hold.After(now)
}

// Claim takes the probe for an alert. It is refused for the alert of the last probe, unless there is no other.
func (h *Health) Claim(alert, owner string, only bool, now time.Time) bool {
	if !h.ProbeDue(now) || h.Probe.Alert == alert && !only {
		return false
	}
	h.Probe = Probe{Alert: alert, Owner: owner, Until: now.UTC().Add(probeLease)}
	return true
}

// Soon makes the next probe due at once, because the settings may have changed.
func (h *Health) Soon(now time.Time) bool {
	if !h.IsUnwell() || !h.Next.After(now) {
		return false
	}
	h.Next = now.UTC()
	return true
}

// Doubt notes a message of which it is not known whether it was taken.
func (h *Health) Doubt(what, reason string, now time.Time) {
	u := &h.Unconfirmed
	if u.Since.IsZero() {
		u.Since = now.UTC()
	}
	u.Count++
	u.Reason = reason
	if len(u.Reasons) < keepReasons && !slices.Contains(u.Reasons, reason) {
		u.Reasons = append(u.Reasons, reason)
	}
	if len(u.Alerts) < keepUnconfirmed {
		u.Alerts = append(u.Alerts, what)
	}
}

// doubtFor is how long a destination may go without a documented answer before that is reported.
const doubtFor = time.Hour

// DoubtDue returns the messages that the other destinations are to be notified of as unconfirmed, when the destination has given no
// documented answer for an hour: once, and again only when it answers in another way. What follows the same answers is known to
// follow; it is named when they end.
func (h *Health) DoubtDue(now time.Time) (fresh Unconfirmed, due bool) {
	u := &h.Unconfirmed
	if len(u.Reasons) == u.Known || now.Sub(u.Since) < doubtFor {
		return Unconfirmed{}, false
	}
	return u.unreported(), true
}

// DoubtReported notes that the other destinations were notified of what DoubtDue returned.
func (h *Health) DoubtReported(fresh Unconfirmed) bool {
	u := &h.Unconfirmed
	if !u.Since.Equal(fresh.Since) || u.Named != fresh.Named {
		return false
	}
	u.Known, u.Named = len(fresh.Reasons), fresh.Named+fresh.Count
	return true
}

// Discard notes what a person discarded.
func (h *Health) Discard(d Discarded) {
	h.Discarded = append(h.Discarded, d)
	if n := len(h.Discarded); n > keepDiscarded {
		h.Discarded = slices.Clone(h.Discarded[n-keepDiscarded:])
	}
}
