package alert

import (
	"errors"
	"slices"
	"time"
)

// Act is what a person did about an alert. Acts are kept with it: messages show the ones that stand, digests all.
type Act struct {
	ID     string    `json:"id"` // of the click, [a-z0-9-]: a request that is sent again is recognised by it
	Kind   ActKind   `json:"kind"`
	By     Person    `json:"by"`
	At     time.Time `json:"at"`
	Until  time.Time `json:"until,omitzero"`   // snoozed: edits wait until then; expected: the exception ends then
	Reason string    `json:"reason,omitempty"` // expected only
}

// ActKind is what was done.
type ActKind string

// The kinds of acts.
const (
	Acknowledged ActKind = "acknowledged" // a person works on it
	Snoozed      ActKind = "snoozed"      // nothing more about it until then
	Expected     ActKind = "expected"     // an exception was made of it
)

// Person is a reader as the channel knows them. Name is for people; only ID is theirs for good.
type Person struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
}

// String is how messages and listings name the person.
func (p Person) String() string {
	if p.Name == "" {
		return p.ID
	}
	return "@" + p.Name
}

// ErrUnknown is returned for an act on an alert that the store does not have (any more).
var ErrUnknown = errors.New("there is no such alert")

// Snooze keeps an alert quiet: what changes is counted, and shown in one edit when the snooze ends.
type Snooze struct {
	Until time.Time `json:"until"`
	// From is the revision that shows the snooze itself. A destination that does not have it yet is not held back, else
	// no reader would learn of the snooze before it is over.
	From int `json:"from"`
}

// keepActs bounds the acts of one alert. People click a handful of times; the oldest go first.
const keepActs = 50

// Take notes an act and owes every reader an edit that shows it, at once: a person is looking. It reports whether
// anything changed; the same person doing the same again changes nothing.
func (a *Alert) Take(act Act, now time.Time) (changed bool) {
	again := func(have Act) bool {
		return have.Kind == act.Kind && have.By.ID == act.By.ID && have.Until.Equal(act.Until)
	}
	if slices.ContainsFunc(a.Acts, again) {
		return false
	}
	a.Acts = append(a.Acts, act)
	a.Acts = a.Acts[max(0, len(a.Acts)-keepActs):]
	a.Revision++
	if act.Kind == Snoozed {
		a.Snooze = Snooze{Until: act.Until.UTC()}
		if a.WindowEnds.Before(act.Until) {
			a.WindowEnds = act.Until.UTC() // else the same noise would open another alert while this alert is silent
		}
	}
	if a.Snooze.Until.After(now) {
		a.Snooze.From = a.Revision
	}
	for name, d := range a.Deliveries {
		if !d.Parked() && d.Attempts == 0 && !d.At.IsZero() {
			d.Due = now.UTC()
			a.Deliveries[name] = d
		}
	}
	return true
}

// LastAct returns the latest act of a kind.
func (a *Alert) LastAct(kind ActKind) (Act, bool) {
	for _, act := range slices.Backward(a.Acts) {
		if act.Kind == kind {
			return act, true
		}
	}
	return Act{}, false
}

// ClickID folds what distinguishes one click from every other into an id that the store can keep.
func ClickID(parts ...string) string { return "act-" + hash(parts...) }
