package cli

import (
	"cmp"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/source"
)

// operations gathers entries by the operation that they are of, as reports do: by source.Entry's Life, the last state seen
// by digest.Stage. So every command that counts gives the same number.
type operations struct {
	vocabulary *source.Vocabulary
	counted    map[source.Key]struct{} // entries
	by         map[source.Key]*operation
	entries    int
	again      int // entries that were there before
}

// operation is one operation as far as it was read.
type operation struct {
	outcome activity.Outcome // the last state seen
	id      string           // of the entry that reports it
	time    activity.Time
	group   string
	cells   []string
}

func newOperations() *operations {
	return &operations{vocabulary: source.NewVocabulary(nil), counted: map[source.Key]struct{}{}, by: map[source.Key]*operation{}}
}

// first takes an entry in; false when it was there before.
func (o *operations) first(e *activity.Event) (life source.Key, first bool) {
	entry := o.vocabulary.Entry(e)
	if _, known := o.counted[entry.Key]; known {
		o.again++
		return entry.Life, false
	}
	o.counted[entry.Key] = struct{}{}
	o.entries++
	return entry.Life, true
}

// add takes an entry of an operation in, with what a group and a row of it say. What the last state does not say, an
// earlier one may: a request names the role, its end does not.
func (o *operations) add(life source.Key, e *activity.Event, group string, cells []string) {
	one := o.by[life]
	if one == nil {
		one = &operation{cells: make([]string, len(cells))}
		o.by[life] = one
	}
	later := one.id == "" || digest.Stage(e.Outcome) >= digest.Stage(one.outcome)
	if later {
		one.outcome, one.id, one.time = e.Outcome, strings.Clone(e.ID), e.Time
	}
	if group != "" && (later || one.group == "") {
		one.group = strings.Clone(group)
	}
	for i, cell := range cells {
		if cell != "" && (later || one.cells[i] == "") {
			one.cells[i] = strings.Clone(cell)
		}
	}
}

// newest orders operations by the time of their last state, newest first.
func newest(a, b *operation) int {
	return cmp.Or(-a.time.Compare(b.time.Time), strings.Compare(a.id, b.id))
}
