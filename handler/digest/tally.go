package digest

import (
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/source"
)

// Tally counts entries as they come. Its memory grows with what a report lists and with the number of distinct entries
// (11 bytes each, and as much for each operation), never with their size.
type Tally struct {
	Window     source.Window
	Vocabulary *source.Vocabulary

	ids, lives keySet
	ended      [outcomeCount]int64 // operations by outcome, from sources that count them
	words      [categoryCount][outcomeCount]int64
	operations []operationCount
	callers    []callerCount
	scopes     []int64 // entries by scope
	quarters   map[int64]*quarter
	at         int64    // the quarter that now is
	now        *quarter // the last one counted: entries come by time
	listed     list
	roles      []roleRow

	again, outside, undated int64
	forms                   [len(formNames)]int64
	unreadable              int64
	places                  []source.Place // of the first ones
	other                   map[string]int64
	pieces                  []string // names of inputs, in order
	bytes                   int64
}

// operationCount is what is counted of one operation's entries.
type operationCount struct {
	entries, succeeded, failed int64
	class                      class
	known                      bool
}

// callerCount is what is counted of one caller's entries.
type callerCount struct {
	entries, failed, listed int64
	families                uint8 // a bit for each of families
}

// quarter is what is counted of a quarter of an hour, the smallest step by which time zones differ.
type quarter struct{ entries, listed int64 }

// quarterSeconds is the length of a quarter.
const quarterSeconds = 15 * 60

// formNames are the forms that entries come in, the most usual first.
var formNames = [...]activity.Form{
	activity.FormREST, activity.FormRecords, activity.FormEventGrid, activity.FormCloudEvents, activity.FormCommonAlert, activity.FormWebhookLegacy,
	activity.FormLogAnalytics, activity.FormPowerShell, activity.FormPortalCSV, // added later: rollups keep the index
}

// NewTally returns an empty Tally of a window.
func NewTally(w source.Window) *Tally {
	return &Tally{Window: w, Vocabulary: source.NewVocabulary(Listed), quarters: map[int64]*quarter{}, other: map[string]int64{}}
}

// NewStoredTally returns an empty Tally for Stored, whose operations are distinguished by keys that are kept.
func NewStoredTally(w source.Window) *Tally {
	t := NewTally(w)
	t.Vocabulary = source.NewStoredVocabulary(Listed)
	return t
}

// class is what an operation's name makes of it.
type class struct {
	families uint8
	listed   bool
	deletion bool
}

// families are the security-relevant operations that the report counts, by what their name contains.
var families = [...]string{
	"Microsoft.Authorization/roleAssignments",
	"Microsoft.Authorization/policyAssignments",
	"Microsoft.KeyVault",
	"Microsoft.Network/networkSecurityGroups",
}

// Listed reports whether entries of an operation, in lower case, are of high risk and listed one by one: deletions and
// changes of permissions.
func Listed(operation string) bool {
	return strings.Contains(operation, "delete") || strings.Contains(operation, "roleassignment")
}

func classOf(operation string) class {
	c := class{listed: Listed(operation), deletion: strings.Contains(operation, "delete")}
	for i, family := range families {
		if strings.Contains(operation, strings.ToLower(family)) {
			c.families |= 1 << i
		}
	}
	return c
}

// Add counts a batch.
func (t *Tally) Add(b *source.Batch) {
	t.ids.warm(b.Entries, func(e *source.Entry) *source.Key { return &e.Key })
	t.lives.warm(b.Entries, func(e *source.Entry) *source.Key { return &e.Life })
	for i := range b.Entries {
		t.add(&b.Entries[i])
	}
	for signal, n := range b.Other {
		t.other[signal] += int64(n)
	}
	for _, p := range b.Unreadable {
		t.unreadable++
		if len(t.places) < placesShown {
			t.places = append(t.places, p)
		}
	}
	if n := len(t.pieces); n == 0 || t.pieces[n-1] != b.Name {
		t.pieces = append(t.pieces, b.Name)
	}
	t.bytes += b.Bytes
	t.again += b.Again
}

// Close says that no batch follows: what distinguishes entries and operations is let go.
func (t *Tally) Close() {
	t.lives.values(func(stage byte) { t.ended[stage-1]++ })
	t.ids, t.lives = keySet{}, keySet{}
}

// placesShown bounds how many unreadable places a report names.
const placesShown = 20

// Unreadable is how many items no form could read.
func (t *Tally) Unreadable() int64 { return t.unreadable }

func (t *Tally) add(e *source.Entry) {
	if e.Of(source.When|source.List) && !t.Window.Holds(e.Time) {
		t.leaveOut(e)
		return
	}
	if nanos(e.Time) == noTime && !e.Time.IsZero() { // in a window without an end: any time may be written
		undated := *e
		undated.Time = time.Time{}
		t.add(&undated)
		return
	}
	if !e.Key.Zero() {
		seen := t.ids.at(e.Key)
		if *seen != 0 {
			t.again++
			return
		}
		*seen = 1
	}
	if e.Of(source.Lives) {
		t.life(e)
	}
	if e.Of(source.What) {
		t.what(e)
	}
	if e.Of(source.When) {
		t.when(e)
	}
	if e.Detail != nil && e.Of(source.List) {
		t.list(e)
	}
}

// leaveOut counts what is not of the period. An entry without a time is not: it is not known of which it is.
func (t *Tally) leaveOut(e *source.Entry) {
	if e.Time.IsZero() {
		t.undated += e.N()
		return
	}
	t.outside += e.N()
}

func (t *Tally) life(e *source.Entry) {
	if e.Life.Zero() {
		t.ended[outcomeIndex(e.Outcome)] += e.N()
		return
	}
	have := t.lives.at(e.Life)
	*have = max(*have, stage(e.Outcome))
}

func (t *Tally) what(e *source.Entry) {
	n := e.N()
	outcome := outcomeIndex(e.Outcome)
	t.words[categoryIndex(e.Category)][outcome] += n
	if i := slices.Index(formNames[:], e.Form); i >= 0 {
		t.forms[i] += n
	}
	op := t.operation(e.Operation)
	op.entries += n
	switch e.Outcome {
	case activity.Succeeded:
		op.succeeded += n
	case activity.Failed:
		op.failed += n
	}
	if e.Scope != nil {
		*grown(&t.scopes, e.Scope.Index) += n
	}
	if e.Caller == nil {
		return
	}
	caller := grown(&t.callers, e.Caller.Index)
	caller.entries += n
	caller.families |= op.class.families
	if e.Outcome == activity.Failed {
		caller.failed += n
	}
	if op.class.listed {
		caller.listed += n
	}
}

func (t *Tally) operation(s *source.Symbol) *operationCount {
	op := grown(&t.operations, s.Index)
	if !op.known {
		op.class, op.known = classOf(s.Text), true
	}
	return op
}

func (t *Tally) when(e *source.Entry) {
	if e.Time.IsZero() {
		t.undated += e.N()
		return
	}
	at := e.Time.Unix() / quarterSeconds
	if t.now == nil || at != t.at {
		if t.quarters[at] == nil {
			t.quarters[at] = &quarter{}
		}
		t.at, t.now = at, t.quarters[at]
	}
	t.now.entries += e.N()
	if e.Count > 0 {
		t.now.listed += e.Listed
	} else if e.Operation.Listed {
		t.now.listed++
	}
}

// grown returns the element of a slice that grows as indexes appear.
func grown[T any](s *[]T, index int) *T {
	if index >= len(*s) {
		*s = append(*s, make([]T, index+1-len(*s))...)
	}
	return &(*s)[index]
}
