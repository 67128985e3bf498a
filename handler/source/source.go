// Package source is where past events come from: exported files and blobs, the store, the Activity Log REST API and Log
// Analytics. It brings all of them to one shape, an Entry in a Batch, so that whoever counts (digest) cannot tell them
// apart, and to activity.Event for whoever wants to look at events themselves.
//
// What it knows of a wire form it asks payload. The exceptions are line_entry.go and line_record_entry.go, which read the usual item
// and the usual record faster and leave everything that is not usual to payload; tests and fuzz targets hold them together.
//
// Not for counting (digest), and not for keeping (store).
package source

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"
)

// Source yields the entries of a window in batches. The order is the source's own and the same each time. An error ends
// the iteration; what came before it stands. A Batch is valid until the next one.
type Source interface {
	Entries(ctx context.Context, v *Vocabulary) iter.Seq2[*Batch, error]
}

// Window is a span of time, [From, To); a zero end is open.
type Window struct {
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
}

// Holds reports whether t lies in the window. The zero time, an entry that does not tell its time, lies in open windows
// only.
func (w Window) Holds(t time.Time) bool {
	return (w.From.IsZero() || !t.Before(w.From)) && (w.To.IsZero() || t.Before(w.To) && !t.IsZero())
}

// Batch is a piece of a source's input and what was found in it.
type Batch struct {
	Name       string         // the file, page or hour it is from
	Bytes      int64          // of input that it took, for progress
	Entries    []Entry        // in the input's order
	Unreadable []Place        // what no form could read
	Other      map[string]int // what was read and is not an Activity Log entry, by signal
	Again      int64          // entries that were left out because they had been seen, where the source itself sees that
}

// Place is where something unreadable stands and why it is.
type Place struct {
	Name   string `json:"name"`
	Line   int64  `json:"line,omitempty"` // counted from 1; 0 when Item is meant
	Item   int64  `json:"item,omitempty"` // counted from 1, in inputs that are not lines
	Reason string `json:"reason"`
}

// String is the place as compilers print one.
func (p Place) String() string {
	name := printable(p.Name)
	switch {
	case p.Line > 0:
		return fmt.Sprintf("%s:%d: %s", name, p.Line, p.Reason)
	case p.Item > 0:
		return fmt.Sprintf("%s: item %d: %s", name, p.Item, p.Reason)
	}
	return name + ": " + p.Reason
}

// printable is a name with escapes for what a terminal would obey: line ends, controls, marks that turn the direction of text.
func printable(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return !strconv.IsPrint(r) }) {
		quoted := strconv.Quote(name)
		return quoted[1 : len(quoted)-1]
	}
	return name
}
