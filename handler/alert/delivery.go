package alert

import (
	"encoding/binary"
	"hash/fnv"
	"maps"
	"slices"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
)

// Delivery is how far one destination has been brought.
type Delivery struct {
	Revision int       `json:"revision"`          // the newest revision its readers have; 0: nothing yet
	Channel  string    `json:"channel,omitempty"` // where the message stands, to edit it
	Ref      string    `json:"ref,omitempty"`
	State    string    `json:"state,omitempty"` // what is known about the message: a notify.State
	At       time.Time `json:"at,omitzero"`     // last success
	Shown    Shown     `json:"told,omitzero"`
	Due      time.Time `json:"due,omitzero"` // not before
	Attempts int       `json:"attempts,omitempty"`
	Since    time.Time `json:"since,omitzero"`   // first failure of the current row of failures
	Reason   string    `json:"reason,omitempty"` // why it is parked, or why the last attempt failed
	// ParkedAt is since when it waits for its destination, which takes no messages now; zero: it does not.
	ParkedAt time.Time `json:"parked_at,omitzero"`
	Refused  int       `json:"refused,omitempty"`  // times that this message was refused, in the current row of failures
	Silences int       `json:"silences,omitempty"` // times that it was sent whole and not answered
	// SilentSince is when it was sent so for the first time.
	SilentSince time.Time `json:"silent_since,omitzero"`
	Silent      Silent    `json:"silent,omitzero"` // the last one that was not answered
	// Unconfirmed is when the destination answered a message as its service does not document, or did not answer the second
	// time: it is not sent again, and may not be there.
	Unconfirmed time.Time `json:"unconfirmed,omitzero"`
	Sent        []Sent    `json:"sent,omitempty"`     // accepted, and the service reports later what became of them
	Lost        int       `json:"lost,omitempty"`     // times in a row that the service could not send what it had accepted
	Reduced     string    `json:"reduced,omitempty"`  // why the message is there with less in it than it has
	Discarded   time.Time `json:"discarded,omitzero"` // a person gave it up
	Held        string    `json:"held,omitempty"`     // the quiet time that moved Due, by name
	// HeldUntil is when that quiet time ended. It stays when Held is over: who asks how long a delivery took must not
	// count the time for which an operator wanted it to wait.
	HeldUntil time.Time `json:"held_until,omitzero"`
	Spared    Spared    `json:"spared,omitzero"`
	Folded    string    `json:"folded,omitempty"` // the summary alert that counts this one in its stead
}

// Shown is what the readers of a destination already know; the next revision's news is the difference to it.
type Shown struct {
	Count      int       `json:"count,omitempty"`
	Operations int       `json:"operations,omitempty"` // how many of Alert.Operations they know by name
	Details    int       `json:"details,omitempty"`    // the revision up to which they know what was learned of these later
	Outcome    string    `json:"outcome,omitempty"`
	Severity   string    `json:"severity,omitempty"`
	Notes      int       `json:"notes,omitempty"`    // replies and follow-ups so far
	At         time.Time `json:"at,omitzero"`        // when a message was sent last
	Recorded   bool      `json:"recorded,omitempty"` // the whole record stands beside the message
	Rest       int       `json:"rest,omitempty"`     // what stands beside it of what it had no room for: a checksum, of a summary its count
	// Unkept: what the message had no room for could not be put beside it, so the message names the command that shows it.
	Unkept bool `json:"unkept,omitempty"`
	// RecordSilent is when the record was sent and not answered: it may be there.
	RecordSilent time.Time `json:"record_silent,omitzero"`
}

// Silent is a message that was sent whole and not answered: if it is there, readers have that revision and know that much.
type Silent struct {
	Revision int   `json:"revision,omitempty"`
	Shown    Shown `json:"shown,omitzero"`
}

// Leave takes back that readers know of the last operations, for which a message had no room.
func (s *Shown) Leave(operations int) {
	s.Operations -= operations
	s.Count -= operations
}

// Parked reports whether the delivery waits for its destination to be well again.
func (d Delivery) Parked() bool { return !d.ParkedAt.IsZero() }

// HasOwn reports whether no summary may count the alert in place of a message: the message may be there, or a summary has counted
// it already.
func (d Delivery) HasOwn() bool { return d.Silences > 0 || d.Folded != "" }

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
		if a.owes(&d) {
			return true
		}
	}
	return false
}

// Parked reports whether a delivery waits for its destination to be well again.
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
		if a.owes(&d) && !d.Parked() && (next.IsZero() || d.Due.Before(next)) {
			next = d.Due
		}
	}
	return next
}

// DueNames lists the destinations to be brought up to date at now, in order of name.
func (a *Alert) DueNames(now time.Time) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(a.Deliveries)) {
		if d := a.Deliveries[name]; a.isDue(&d, now) {
			names = append(names, name)
		}
	}
	return names
}

func (a *Alert) isDue(d *Delivery, now time.Time) bool {
	return a.owes(d) && !d.Parked() && !d.Due.After(now)
}

func (a *Alert) owes(d *Delivery) bool {
	return d.Revision < a.Revision && (d.Folded == "" || a.outlived(d)) && d.Discarded.IsZero()
}

// outlived reports whether a condition has ended since a summary counted it: the summary says how it was then.
func (a *Alert) outlived(d *Delivery) bool {
	return a.Event.Outcome == activity.Resolved && d.Shown.Outcome != "" && d.Shown.Outcome != string(activity.Resolved)
}

// Owes reports whether the destination does not have the newest revision and still is to get it.
func (a *Alert) Owes(name string) bool {
	d := a.Deliveries[name]
	return a.owes(&d)
}

// OwesFirst reports whether the destination is owed its first message.
func (a *Alert) OwesFirst(name string) bool {
	d, ok := a.Deliveries[name]
	return ok && d.Revision == 0 && a.owes(&d)
}

// Fold gives a delivery to the summary alert that counts this one in its stead, and shows how it is now.
func (a *Alert) Fold(name, summary string) {
	d := a.Deliveries[name]
	d.Folded, d.Held, d.ParkedAt, d.Shown.Outcome = summary, "", time.Time{}, string(a.Event.Outcome)
	a.Deliveries[name] = d
}

// HoldBack gives a delivery to the summary that it was spared from.
func (a *Alert) HoldBack(name string) {
	d := a.Deliveries[name]
	d.Held, d.HeldUntil, d.Due = d.Spared.Name, d.Spared.Until.UTC(), d.Spared.Until.UTC()
	a.Deliveries[name] = d
}

// Wait moves a delivery without counting it as an attempt: the channel's budget is used up.
func (a *Alert) Wait(name string, until time.Time) {
	d := a.Deliveries[name]
	d.Due = until.UTC()
	a.Deliveries[name] = d
}

// Sent notes that the destination confirmed or accepted revision, and where its message stands.
func (a *Alert) Sent(name string, revision int, to Delivery, now time.Time) {
	d := a.Deliveries[name]
	if revision > d.Revision {
		d.Revision, d.Shown = revision, to.Shown
	}
	d.Channel, d.Ref, d.State, d.Reduced, d.At = to.Channel, to.Ref, to.State, to.Reduced, now.UTC()
	d.Attempts, d.Since, d.Reason, d.Held, d.ParkedAt, d.Refused, d.Silences, d.SilentSince, d.Silent, d.Unconfirmed = 0, time.Time{}, "", "", time.Time{}, 0, 0, time.Time{}, Silent{}, time.Time{}
	if revision == a.Revision && revision > 1 && a.Grave() && a.News(d).named() > 0 {
		d.Revision-- // one message had no room for all of them: another one is owed
	}
	d.Due = a.notBefore(&d, now)
	a.Deliveries[name] = d
}

// Doubted notes that revision may have reached the destination: it is not sent again.
func (a *Alert) Doubted(name string, revision int, to Delivery, now time.Time) {
	have := a.Deliveries[name]
	a.Sent(name, revision, to, now)
	d := a.Deliveries[name]
	d.Channel, d.Ref, d.State, d.At, d.Unconfirmed, d.Reason = have.Channel, have.Ref, have.State, have.At, now.UTC(), to.Reason
	a.Deliveries[name] = d
}

// repeatSilent is after what time a message that was not answered is sent once more.
const repeatSilent = time.Minute

// Unanswered notes that revision was sent whole and not answered. It is sent once more, after a minute; the second time
// counts as Doubted. doubted says that this was the second time.
func (a *Alert) Unanswered(name string, revision int, to Delivery, now time.Time) (doubted bool) {
	d := a.Deliveries[name]
	if d.Silences++; d.Silences > 1 {
		a.Doubted(name, revision, to, now)
		return true
	}
	if d.SilentSince.IsZero() {
		d.SilentSince = now.UTC()
	}
	d.Attempts++
	d.Silent = Silent{revision, to.Shown}
	d.Reason, d.Due = to.Reason, now.UTC().Add(repeatSilent)
	a.Deliveries[name] = d
	return false
}

// Forget takes back that a message was sent and not answered: it was looked for and is not there.
func (a *Alert) Forget(name string) {
	d := a.Deliveries[name]
	d.Silences = 0
	a.Deliveries[name] = d
}

// Failed schedules another attempt: after the delay the channel asked for, else with exponential backoff (2 s, 4 s,
// … 1 h) and up to a quarter of jitter.
func (a *Alert) Failed(name, reason string, delay time.Duration, now time.Time) {
	d := a.Deliveries[name]
	d.Attempts++
	d.Reason = reason
	if d.Since.IsZero() {
		d.Since = now.UTC()
	}
	if delay <= 0 {
		delay = min(time.Second<<min(d.Attempts, 12), time.Hour)
		delay += a.Jitter(name, now, delay/4+1)
	}
	d.Due = now.UTC().Add(delay)
	a.Deliveries[name] = d
}

// Park makes a delivery wait until its destination is well again. refused says that this message was refused, not only
// that its destination is known to take none.
func (a *Alert) Park(name, reason string, refused bool, now time.Time) {
	d := a.Deliveries[name]
	if refused {
		d.Attempts++
		d.Refused++
	}
	d.Reason = reason
	if d.ParkedAt.IsZero() {
		d.ParkedAt = now.UTC()
	}
	if d.Since.IsZero() {
		d.Since = now.UTC()
	}
	a.Deliveries[name] = d
}

// Discard gives a delivery up, by a person's decision.
func (a *Alert) Discard(name string, now time.Time) {
	d := a.Deliveries[name]
	d.Discarded, d.ParkedAt = now.UTC(), time.Time{}
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
