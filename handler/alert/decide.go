package alert

import "time"

// State is what a decision about a finding rests on: what there is of its chain, its record, its operation and its
// group. The zero value is a store that has seen nothing.
type State struct {
	Chain Chain  // of ChainKey
	Seen  Seen   // of the record, in the group of its run
	Op    string // the alert that its run belongs to, by id; empty: none yet
	Head  Head   // which alert takes in new operations of the group
	// Alert is the one that Op names, else Head while it is open; nil: there is none, or it is gone.
	Alert *Alert
}

// Seen says that a record was counted.
type Seen struct {
	Alert string // by id; empty: it was not
	By    string // who counted it
}

// Head says which alert takes in new operations.
type Head struct {
	Alert string
	Ends  time.Time
}

// Into names the alert that a finding goes into, by id; empty: a new one.
func (s *State) Into(now time.Time) string {
	if s.Op != "" || !s.Head.Ends.After(now) {
		return s.Op
	}
	return s.Head.Alert
}

// Effect is one atomic write. Effects are written in order; after any of them Decide, called again with what is there
// by then, completes the others.
type Effect struct {
	Partition string // the chain's key, or the group

	Chain *Chain // the chain with the record; what follows is then empty

	Alert  *Alert // created when Opens, else replaced
	Opens  bool   // the alert is new and becomes the group's head
	Seen   Seen   // the record is counted
	Joined string // the key of the operation that is noted to be in the alert; empty: it was noted before
}

// Decide says what becomes of a finding: which operation its record is of, whether that is known, which alert takes it
// in, and whom that makes due. It is pure: the store, replay and explain call it, each with a state of their own.
//
// DESIGN, "What is decided", has it as a table.
func Decide(s State, f Finding, now time.Time) (Decision, []Effect) {
	if s.Seen.Alert != "" {
		return s.counted(&f), nil // its chain was written before it was counted
	}
	return s.decide(&f, now)
}

// decide is Decide for a record that was not counted yet.
func (s *State) decide(f *Finding, now time.Time) (Decision, []Effect) {
	made := new(struct { // at once
		decision Decision
		at       Placement
		effects  [2]Effect
	})
	chain, effects := chainKey(&f.Event), made.effects[:0]
	s.Chain.place(&f.Event, chain, f.group, &made.at)
	if made.at.Wrote {
		effects = append(effects, Effect{Partition: chain, Chain: &made.at.Chain})
	}
	effects = append(effects, s.take(&made.decision, f, &made.at, now))
	return made.decision, effects
}

// counted answers for a record that was counted before: by another invocation, or by our own whose reply was lost.
func (s *State) counted(f *Finding) Decision {
	if s.Seen.By != f.Lease.Owner || f.Lease.Owner == "" || s.Alert == nil {
		return Decision{Duplicate: true}
	}
	a := *s.Alert
	return Decision{Alert: a, Changed: true, Opened: a.Records == 1, Leased: a.Lease.Owner == f.Lease.Owner}
}

// take opens an alert for the finding, or has one take it in.
func (s *State) take(r *Decision, f *Finding, at *Placement, now time.Time) Effect {
	f.Operation = at.Run.Key
	change := Effect{Partition: at.Run.Group, Seen: Seen{By: f.Lease.Owner}}
	if s.Alert == nil || s.Op == "" && s.Alert.full(&f.Event) {
		f.before = s.Head.Ends
		r.Alert.open(f, at.Run.Group, now)
		r.Opened, r.Changed, r.Leased = true, true, !f.Lease.Until.IsZero()
		change.Opens, change.Joined = true, at.Run.Key
	} else {
		f.doubted()
		s.Alert.clone(&r.Alert)
		known := s.Op != ""
		r.Changed = r.Alert.absorb(f, known, now)
		r.Leased = r.Changed && !f.Lease.Until.IsZero() && r.Alert.Lease.Free(f.Lease.Owner, now) && r.Alert.Worthwhile(now)
		if !known {
			change.Joined = at.Run.Key
		}
	}
	if r.Leased {
		r.Alert.Lease = f.Lease
	}
	change.Alert, change.Seen.Alert = &r.Alert, r.Alert.ID
	return change
}
