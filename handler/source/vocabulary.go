package source

import (
	"strings"
	"sync"

	"github.com/auditbell/auditbell/handler/activity"
)

// Symbol is a text that many entries share: an operation, a caller. Equal texts are one Symbol, so that whoever counts
// can count by Index.
type Symbol struct {
	Text   string // lower case
	Index  int    // from 0 in the order of first sight, which may differ from run to run
	Listed bool   // operations only: their entries carry a Detail
}

// Vocabulary holds the Symbols of one digest. It is safe for concurrent use.
type Vocabulary struct {
	Operations, Callers, Scopes, Types Symbols
	hash                               hasher
}

// NewVocabulary returns an empty Vocabulary; listed tells which operations, in lower case, are to carry details.
func NewVocabulary(listed func(operation string) bool) *Vocabulary {
	return &Vocabulary{Operations: Symbols{listed: listed}, hash: newHasher()}
}

// NewStoredVocabulary returns a Vocabulary whose Keys are the same in every run, for entries that are kept.
func NewStoredVocabulary(listed func(operation string) bool) *Vocabulary {
	return &Vocabulary{Operations: Symbols{listed: listed}, hash: hasher{stored: true}}
}

// Symbols is one kind of Symbol.
type Symbols struct {
	listed func(string) bool

	mu   sync.Mutex
	text map[string]*Symbol
	all  []*Symbol
}

// Of returns the Symbol of text, which must be in lower case.
func (s *Symbols) Of(text string) *Symbol {
	s.mu.Lock()
	defer s.mu.Unlock()
	if have, ok := s.text[text]; ok {
		return have
	}
	if s.text == nil {
		s.text = make(map[string]*Symbol)
	}
	text = strings.Clone(text) // it may be part of a larger text that need not be kept
	made := &Symbol{Text: text, Index: len(s.all), Listed: s.listed != nil && s.listed(text)}
	s.text[text] = made
	s.all = append(s.all, made)
	return made
}

// At returns the Symbol with an index that an Entry has shown.
func (s *Symbols) At(index int) *Symbol {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all[index]
}

// Len is the number of Symbols so far.
func (s *Symbols) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

// maybe is Of for texts that may be missing.
func (s *Symbols) maybe(text string) *Symbol {
	if text == "" {
		return nil
	}
	return s.Of(text)
}

// Entry reads an event that some form of payload brought. The Entry shares no memory with a batch.
func (v *Vocabulary) Entry(e *activity.Event) Entry {
	entry := Entry{
		Time: e.Time.Time, Form: e.Form, Category: e.Category, Outcome: e.Outcome,
		Operation: v.Operations.Of(e.Operation), Caller: v.Callers.maybe(activity.Lower(e.Caller)),
		Scope: v.Scopes.maybe(scope(e)),
	}
	i := identity{
		form: e.Form.Channel(), id: []byte(e.ID), time: e.Time.Time, operation: entry.Operation, outcome: e.Outcome,
		resource: []byte(e.ResourceID), correlation: []byte(e.CorrelationID), eventID: []byte(e.EventID), subscription: e.SubscriptionID,
	}
	if e.Form.Channel() == activity.FormREST && e.EventID != "" {
		i.id = nil // identified by its parts, which the fast reader has too
	}
	entry.Key, entry.Life, _ = v.hash.keys(i, nil)
	if entry.Operation.Listed {
		entry.Type = v.Types.maybe(e.ResourceType)
		entry.Detail = &Detail{Resource: e.ResourceID, EventID: e.EventID, Correlation: e.CorrelationID, Role: roleChange(e)}
	}
	return entry
}

// scope is where an event happened: the subscription, else the tenant.
func scope(e *activity.Event) string {
	if e.SubscriptionID != "" {
		return e.SubscriptionID
	}
	return activity.Lower(e.TenantID)
}
