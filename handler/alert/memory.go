package alert

import (
	"time"

	"github.com/auditbell/auditbell/handler/activity"
)

// Memory is a state that is kept nowhere: replay and explain decide on it as the functions do on the store. The zero
// value is ready; it is not safe for concurrent use.
type Memory struct {
	chains map[string]Chain
	seen   map[[2]string]Seen   // by group and record
	ops    map[[2]string]string // by group and operation
	heads  map[string]Head      // by group
	alerts map[[2]string]*Alert // by group and id
}

// Forget makes the state the zero value again.
func (m *Memory) Forget() {
	clear(m.chains)
	clear(m.seen)
	clear(m.ops)
	clear(m.heads)
	clear(m.alerts)
}

// Take decides about a finding and keeps what follows.
func (m *Memory) Take(f Finding, now time.Time) Decision {
	r, effects := Decide(m.State(f, now), f, now)
	for _, e := range effects {
		m.Apply(e, f)
	}
	return r
}

// State reads what a decision about the finding rests on.
func (m *Memory) State(f Finding, now time.Time) State {
	s := State{Chain: m.chains[ChainKey(f.Event)]}
	at := s.Chain.Place(f.Event, f.Group())
	group := at.Run.Group
	s.Seen, s.Op, s.Head = m.seen[[2]string{group, f.Event.ID}], m.ops[[2]string{group, at.Run.Key}], m.heads[group]
	s.Alert = m.alerts[[2]string{group, s.Into(now)}]
	return s
}

// Apply makes an effect of a decision about a finding.
func (m *Memory) Apply(e Effect, f Finding) {
	if m.chains == nil {
		m.chains, m.seen, m.ops = map[string]Chain{}, map[[2]string]Seen{}, map[[2]string]string{}
		m.heads, m.alerts = map[string]Head{}, map[[2]string]*Alert{}
	}
	if e.Chain != nil {
		m.chains[e.Partition] = *e.Chain
		return
	}
	m.alerts[[2]string{e.Partition, e.Alert.ID}] = e.Alert
	m.seen[[2]string{e.Partition, f.Event.ID}] = e.Seen
	if e.Joined != "" {
		m.ops[[2]string{e.Partition, e.Joined}] = e.Alert.ID
	}
	if e.Opens {
		m.heads[e.Partition] = Head{e.Alert.ID, e.Alert.WindowEnds}
	}
}

// Known returns the alert that the record's operation is in; nil: none.
func (m *Memory) Known(e activity.Event) *Alert {
	at := m.chains[ChainKey(e)].Place(e, "")
	if at.First {
		return nil
	}
	return m.alerts[[2]string{at.Run.Group, m.ops[[2]string{at.Run.Group, at.Run.Key}]}]
}

// Alert returns an alert as it stands; nil: there is none.
func (m *Memory) Alert(ref Ref) *Alert { return m.alerts[[2]string{ref.Group, ref.ID}] }
