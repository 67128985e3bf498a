package inbox

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"
)

// The four kinds of end that the inbox stands in for, as they are named in the API and in faults.
const (
	Slack   = "slack"
	Teams   = "teams"
	Email   = "email"
	Webhook = "webhook"
)

// What a message is to the channel it came to. Only Slack knows the last three; an ephemeral one is for who clicked alone.
const (
	Post      = "post"
	Update    = "update"
	Thread    = "thread"
	Ephemeral = "ephemeral"
)

// Message is one delivery that was accepted. Its JSON is a contract: tests outside of Go read it.
type Message struct {
	ID          string `json:"id"`
	Destination string `json:"destination"`
	// Channel is the Slack channel as the first post to it named it, the rest of the URL's path for webhooks and flows,
	// and the recipients of a mail.
	Channel string `json:"channel"`
	Kind    string `json:"kind"`
	// Ref is the Slack ts of the message concerned: its own for a post, the edited one for an update, the parent's for
	// a reply in a thread, the one that was clicked in for an ephemeral one. Elsewhere it is ID.
	Ref  string    `json:"ref"`
	At   time.Time `json:"at"`
	Text string    `json:"text"` // what a person reads, without markup
	// Body is the parsed JSON as it was sent, without the token, or the raw mail as a JSON string.
	Body json.RawMessage `json:"body"`
}

// entry is a message as the journal and the page need it.
type entry struct {
	Message
	TS        string `json:"ts,omitempty"`         // Slack's own ts of what this entry concerns
	ChannelID string `json:"channel_id,omitempty"` // Slack's id of the channel, made up from its name
	// Shown is what a Slack message looks like after an update, which may keep parts of the one before.
	Shown json.RawMessage `json:"shown,omitempty"`
}

// tally counts what came to one destination.
type tally struct {
	Accepted int `json:"accepted"` // kept
	Rejected int `json:"rejected"` // refused as the real end would
	Failed   int `json:"failed"`   // made to fail by a fault
}

// refusal remembers why something was refused, so that the page can tell.
type refusal struct {
	Destination string    `json:"destination"`
	Channel     string    `json:"channel"`
	At          time.Time `json:"at"`
	Reason      string    `json:"reason"`
	Details     []string  `json:"details,omitempty"`
}

const keptRefusals = 20

// store is the list of messages, kept in memory and, if there is one, in a journal. Whoever waits for a change takes the
// changed channel before looking and waits for it to close.
type store struct {
	now      func() time.Time
	opened   time.Time
	mu       sync.Mutex
	journal  *journal // nil: memory only
	entries  []entry
	seq      int // ids are never used again, not even after the list was emptied
	emptied  int // how often, so that a reader notices
	tallies  map[string]tally
	refusals []refusal
	changed  chan struct{}
}

// newStore starts with an empty list, in memory.
func newStore(now func() time.Time) *store {
	return &store{now: now, opened: time.Now(), changed: make(chan struct{}), tallies: make(map[string]tally)}
}

// announce wakes everybody who waits. The caller holds the lock.
func (s *store) announce() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// add numbers an entry and keeps it; it is on disk when add returns.
func (s *store) add(e entry) (entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	e.ID = fmt.Sprintf("m%06d", s.seq)
	if e.Ref == "" {
		e.Ref = e.ID
	}
	if e.At.IsZero() {
		e.At = s.now().UTC()
	}
	if s.journal != nil {
		if err := s.journal.write(line{Entry: &e}); err != nil {
			return entry{}, fmt.Errorf("keep message: %w", err)
		}
	}
	s.entries = append(s.entries, e)
	s.count(e.Destination, tally{Accepted: 1})
	return e, nil
}

// empty forgets the list. Slack's own memory of its messages is elsewhere and stays: whoever edits an alert from before
// must still find it.
func (s *store) empty() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.journal != nil {
		if err := s.journal.write(line{Emptied: true}); err != nil {
			return fmt.Errorf("empty inbox: %w", err)
		}
	}
	s.entries, s.refusals, s.tallies = nil, nil, make(map[string]tally)
	s.emptied++
	s.announce()
	return nil
}

// count adds to a destination's tally and wakes the readers. The caller holds the lock.
func (s *store) count(destination string, more tally) {
	t := s.tallies[destination]
	t.Accepted += more.Accepted
	t.Rejected += more.Rejected
	t.Failed += more.Failed
	s.tallies[destination] = t
	s.announce()
}

// failed counts a request that a fault befell.
func (s *store) failed(destination string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count(destination, tally{Failed: 1})
}

// refused counts a refusal and remembers the latest few; they are for people and do not survive a restart.
func (s *store) refused(r refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusals = append(s.refusals, r)
	s.refusals = s.refusals[max(0, len(s.refusals)-keptRefusals):]
	s.count(r.Destination, tally{Rejected: 1})
}

// poke wakes the readers for a change that is not in the store, such as a new fault.
func (s *store) poke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.announce()
}

// messages returns the list as the API shows it, and a channel that closes with the next change.
func (s *store) messages() ([]Message, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Message, len(s.entries))
	for i, e := range s.entries {
		list[i] = e.Message
	}
	return list, s.changed
}

// find looks a message up by its id.
func (s *store) find(id string) (entry, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.entries, func(e entry) bool { return e.ID == id })
	if i < 0 {
		return entry{}, false
	}
	return s.entries[i], true
}

// Messages returns what has arrived, oldest first.
func (s *Server) Messages() []Message {
	list, _ := s.store.messages()
	return list
}

// Await returns the messages as soon as enough says so, and looks again only when something has changed. It gives up with
// the context or when the server closes, returning what there was.
func (s *Server) Await(ctx context.Context, enough func([]Message) bool) ([]Message, error) {
	for {
		list, changed := s.store.messages()
		if enough(list) {
			return list, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return list, fmt.Errorf("await messages, have %d: %w", len(list), ctx.Err())
		case <-s.done:
			return list, fmt.Errorf("await messages, have %d: %w", len(list), errClosed)
		}
	}
}
