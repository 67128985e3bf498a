package alert

import (
	"encoding/binary"
	"hash/fnv"
	"maps"
	"slices"
	"time"
)

// Delivery is how far one destination has been brought.
type Delivery struct {
	Revision int       `json:"revision"`          // the newest revision its readers have; 0: nothing yet
	Channel  string    `json:"channel,omitempty"` // where the message stands, to edit it
	Ref      string    `json:"ref,omitempty"`
	State    string    `json:"state,omitempty"` // what is known about the message: a notify.State
	At       time.Time `json:"at,omitzero"`     // last success
	Told     Told      `json:"told,omitzero"`
	Due      time.Time `json:"due,omitzero"` // not before
	Attempts int       `json:"attempts,omitempty"`
	Since    time.Time `json:"since,omitzero"`   // first failure of the current row of failures
	Reason   string    `json:"reason,omitempty"` // why it is parked, or why the last attempt failed
	ParkedAt time.Time `json:"parked_at,omitzero"`
	Held     string    `json:"held,omitempty"` // the quiet time that moved Due, by name
	// HeldUntil is when that quiet time ended. It stays when Held is over: whoever asks how long a delivery took must not
	// count the time for which somebody wanted it to wait.
	HeldUntil time.Time `json:"held_until,omitzero"`
	Folded    string    `json:"folded,omitempty"` // the summary alert that counts this one in its stead
}

// Told is what the readers of a destination already know; the next revision's news is the difference to it.
type Told struct {
	Count      int    `json:"count,omitempty"`
	Operations int    `json:"operations,omitempty"` // how many of Alert.Operations they know by name
	Outcome    string `json:"outcome,omitempty"`
	Severity   string `json:"severity,omitempty"`
	Notes      int    `json:"notes,omitempty"`    // replies and follow-ups so far
	Recorded   bool   `json:"recorded,omitempty"` // the whole record stands beside the message
}

// Parked reports whether the delivery was given up until a person mends its cause.
func (d Delivery) Parked() bool { return !d.ParkedAt.IsZero() }

// Lease keeps two instances from delivering the same alert at once. It ends by itself: an instance that was killed
// leaves nothing stuck.
type Lease struct {
	Owner string    `json:"owner,omitempty"`
	Until time.Time `json:"until,omitzero"`
}

// Free reports whether owner may take the lease at now.
func (l Lease) Free(owner string, now time.Time) bool {
	return l.Owner == "" || l.Owner == owner || !l.Until.After(now)
}

// Behind reports whether a destination still has to be brought to the newest revision.
func (a *Alert) Behind() bool {
	for _, d := range a.Deliveries {
		if a.owes(d) {
			return true
		}
	}
	return false
}

// Parked reports whether a delivery was given up.
func (a *Alert) Parked() bool {
	for _, d := range a.Deliveries {
		if d.Parked() {
			return true
		}
	}
	return false
}

// NextDue is the earliest time at which an owed delivery may be tried; zero when nothing is owed.
func (a *Alert) NextDue() time.Time {
	var next time.Time
	for _, d := range a.Deliveries {
		if a.owes(d) && (next.IsZero() || d.Due.Before(next)) {
			next = d.Due
		}
	}
	return next
}

// DueNames lists the destinations to be brought up to date at now, in order of name.
func (a *Alert) DueNames(now time.Time) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(a.Deliveries)) {
		if d := a.Deliveries[name]; a.owes(d) && !d.Due.After(now) {
			names = append(names, name)
		}
	}
	return names
}

func (a *Alert) owes(d Delivery) bool {
	return d.Revision < a.Revision && !d.Parked() && d.Folded == ""
}

// OwesFirst reports whether the destination is owed its first message.
func (a *Alert) OwesFirst(name string) bool {
	d, ok := a.Deliveries[name]
	return ok && d.Revision == 0 && a.owes(d)
}

// Fold gives a delivery to the summary alert that counts this one in its stead.
func (a *Alert) Fold(name, summary string) {
	d := a.Deliveries[name]
	d.Folded, d.Held = summary, ""
	a.Deliveries[name] = d
}

// Wait moves a delivery without counting it as an attempt: the channel's budget is used up.
func (a *Alert) Wait(name string, until time.Time) {
	d := a.Deliveries[name]
	d.Due = until.UTC()
	a.Deliveries[name] = d
}

// Delivered notes that revision reached the destination and where its message stands.
func (a *Alert) Delivered(name string, revision int, to Delivery, now time.Time) {
	d := a.Deliveries[name]
	if revision > d.Revision {
		d.Revision, d.Told = revision, to.Told
	}
	d.Channel, d.Ref, d.State, d.At = to.Channel, to.Ref, to.State, now.UTC()
	d.Attempts, d.Since, d.Reason, d.Held = 0, time.Time{}, "", ""
	d.Due = a.notBefore(d, now)
	a.Deliveries[name] = d
}

// GiveUpAfter is how long a delivery is retried before it is parked.
const GiveUpAfter = 72 * time.Hour

// Failed schedules another attempt: after the delay the channel asked for, else with exponential backoff (2 s, 4 s,
// … 1 h) and up to a quarter of jitter. After GiveUpAfter the delivery is parked.
func (a *Alert) Failed(name, reason string, delay time.Duration, now time.Time) {
	d := a.Deliveries[name]
	d.Attempts++
	d.Reason = reason
	if d.Since.IsZero() {
		d.Since = now.UTC()
	}
	if now.Sub(d.Since) >= GiveUpAfter {
		d.ParkedAt = now.UTC()
	}
	if delay <= 0 {
		delay = min(time.Second<<min(d.Attempts, 12), time.Hour)
		delay += a.Jitter(name, now, delay/4+1)
	}
	d.Due = now.UTC().Add(delay)
	a.Deliveries[name] = d
}

// Jitter is the part of a pause, below limit, that keeps alerts from coming back to a channel all at once. It follows from
// the alert, the channel and the time, so that the same state always has the same successor.
func (a *Alert) Jitter(name string, now time.Time, limit time.Duration) time.Duration {
	h := fnv.New64a()
	_, _ = h.Write([]byte(a.ID + "\x00" + name)) // hash.Hash never fails
	_, _ = h.Write(binary.LittleEndian.AppendUint64(nil, uint64(now.UnixNano())))
	return time.Duration(h.Sum64() % uint64(limit))
}

// Park gives a delivery up at once: trying again cannot help.
func (a *Alert) Park(name, reason string, now time.Time) {
	d := a.Deliveries[name]
	d.Attempts++
	d.Reason, d.ParkedAt = reason, now.UTC()
	a.Deliveries[name] = d
}
