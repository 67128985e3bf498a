package alert

import (
	"slices"
	"time"
)

// Sent is a message that a service accepted, and of which the service reports later what became of it.
type Sent struct {
	Ref   string    `json:"ref"`
	Was   int       `json:"was,omitempty"`  // the revision that readers had before it
	Shown Shown     `json:"shown,omitzero"` // what they knew before it
	At    time.Time `json:"at"`
	Ask   time.Time `json:"ask"` // not before
	Asked int       `json:"asked,omitempty"`
}

const (
	firstAsk = 30 * time.Second
	lastAsk  = time.Hour
	// askFor is how long a service is asked what became of a message.
	askFor = 24 * time.Hour
)

// Await notes a message whose service is to be asked what became of it.
func (a *Alert) Await(name string, s Sent, now time.Time) {
	d := a.Deliveries[name]
	if slices.ContainsFunc(d.Sent, func(have Sent) bool { return have.Ref == s.Ref }) {
		return
	}
	s.At, s.Ask = now.UTC(), now.UTC().Add(firstAsk)
	d.Sent = append(slices.Clone(d.Sent), s)
	a.Deliveries[name] = d
}

// NextAsk is when a service is to be asked what became of a message; zero: none is.
func (a *Alert) NextAsk() (next time.Time) {
	for _, d := range a.Deliveries {
		for _, s := range d.Sent {
			if next.IsZero() || s.Ask.Before(next) {
				next = s.Ask
			}
		}
	}
	return next
}

// Confirmed notes that a message is where its readers look. It returns false where nothing was known to be on its way.
func (a *Alert) Confirmed(name, ref, state string) bool {
	d, _, ok := a.arrived(name, ref)
	if !ok {
		return false
	}
	if d.Lost = 0; d.Ref == ref {
		d.State = state
	}
	a.Deliveries[name] = d
	return true
}

// AskLater notes that the service is still at it, or does not answer. over says that it was asked for a day: the message is
// unconfirmed then.
func (a *Alert) AskLater(name, ref, reason string, now time.Time) (over bool) {
	d, s, ok := a.arrived(name, ref)
	if !ok {
		return false
	}
	if over = now.Sub(s.At) >= askFor; over {
		d.Unconfirmed, d.Reason = now.UTC(), reason
	} else {
		s.Ask = now.UTC().Add(min(firstAsk<<min(s.Asked, 10), lastAsk))
		s.Asked++
		d.Sent = append(d.Sent, s)
	}
	a.Deliveries[name] = d
	return over
}

// NotSent notes that the service could not send a message that it had accepted: what it brought is owed again, the first
// time after a minute.
func (a *Alert) NotSent(name, ref, reason string, now time.Time) bool {
	d, s, ok := a.arrived(name, ref)
	if !ok {
		return false
	}
	if s.Was < d.Revision {
		d.Revision, d.Shown = s.Was, s.Shown
	}
	if d.Revision == 0 {
		d.Channel, d.Ref, d.State, d.At = "", "", "", time.Time{}
	}
	d.Lost++
	d.Attempts++
	d.Reason, d.Due = reason, now.UTC().Add(min(time.Minute<<min(d.Lost-1, 10), time.Hour))
	if d.Since.IsZero() {
		d.Since = now.UTC()
	}
	a.Deliveries[name] = d
	return true
}

// arrived takes a message from those on their way.
func (a *Alert) arrived(name, ref string) (d Delivery, s Sent, ok bool) {
	d = a.Deliveries[name]
	i := slices.IndexFunc(d.Sent, func(s Sent) bool { return s.Ref == ref })
	if i < 0 {
		return d, s, false
	}
	s = d.Sent[i]
	d.Sent = slices.Delete(slices.Clone(d.Sent), i, i+1)
	return d, s, true
}
