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

// The kinds of acts that take one of those back.
const (
	Unacknowledged ActKind = "unacknowledged"
	Unsnoozed      ActKind = "unsnoozed"
	Withdrawn      ActKind = "withdrawn" // the exceptions were ended
)

// TakesBack returns what an act of this kind takes back; empty for one that does something itself.
func (k ActKind) TakesBack() ActKind {
	switch k {
	case Unacknowledged:
		return Acknowledged
	case Unsnoozed:
		return Snoozed
	case Withdrawn:
		return Expected
	}
	return ""
}

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
	// Window is when the alert's window would have ended without the snooze.
	Window time.Time `json:"window,omitzero"`
}

// keepActs bounds the acts of one alert. People click a handful of times; the oldest go first.
const keepActs = 50

// Take notes an act and owes every reader an edit that shows it, at once: a person is looking. It reports whether
// anything changed: the same person doing the same again changes nothing, nor does taking back what does not stand.
// Acts are in the order of the store's clock, in which people decided, and not in that of their writes: of two within a
// second the later decision holds.
func (a *Alert) Take(act Act, now time.Time) (changed bool) {
	at := len(a.Acts)
	for at > 0 && a.Acts[at-1].At.After(act.At) {
		at--
	}
	before := a.Acts[:at]
	if noted(before, act) {
		return false
	}
	if back := act.Kind.TakesBack(); back != "" {
		if _, stands := standing(before, back, now); !stands {
			return false
		}
	}
	a.Acts = slices.Insert(slices.Clone(a.Acts), at, act)
	a.Acts = a.Acts[max(0, len(a.Acts)-keepActs):]
	a.Revision++
	if act.Kind == Snoozed || act.Kind == Unsnoozed {
		a.keepSnooze(now)
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

// noted reports whether the same person did the same, and it was not taken back.
func noted(acts []Act, act Act) bool {
	for _, have := range slices.Backward(acts) {
		if have.Kind.TakesBack() == act.Kind {
			return false
		}
		if have.Kind == act.Kind && have.By.ID == act.By.ID && have.Until.Equal(act.Until) && act.Kind.TakesBack() == "" {
			return true
		}
	}
	return false
}

// keepSnooze brings the snooze to what the acts say.
func (a *Alert) keepSnooze(now time.Time) {
	if have, stands := a.Standing(Snoozed, now); stands {
		a.snooze(have.Until.UTC())
		return
	}
	a.unsnooze()
}

// snooze extends the window, else the same noise would open another alert while this alert is silent.
func (a *Alert) snooze(until time.Time) {
	window := a.Snooze.Window
	if window.IsZero() {
		window = a.WindowEnds
	}
	a.Snooze = Snooze{Until: until, Window: window}
	if a.WindowEnds.Before(until) {
		a.WindowEnds = until
	}
}

// unsnooze gives the alert its own window back.
func (a *Alert) unsnooze() {
	if own := a.Snooze.Window; !own.IsZero() && own.Before(a.WindowEnds) {
		a.WindowEnds = own
	}
	a.Snooze = Snooze{}
}

// Standing returns the act of a kind that has effect at now: the latest, unless it is over or was taken back.
func (a *Alert) Standing(kind ActKind, now time.Time) (Act, bool) { return standing(a.Acts, kind, now) }

func standing(acts []Act, kind ActKind, now time.Time) (Act, bool) {
	for _, act := range slices.Backward(acts) {
		if act.Kind.TakesBack() == kind {
			return Act{}, false
		}
		if act.Kind == kind {
			return act, act.Until.IsZero() || act.Until.After(now)
		}
	}
	return Act{}, false
}

// ClickID folds what distinguishes one click from every other into an id that the store can keep.
func ClickID(parts ...string) string { return "act-" + hash(parts...) }
