package digest

import (
	"cmp"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/auditbell/auditbell/handler/source"
)

// list holds listed entries in about 150 bytes each.
type list struct {
	textStore
	rows []row
}

type row struct {
	time                         int64 // Unix nanoseconds; noTime when the entry does not say it
	operation, caller            int32 // symbol indexes; caller -1 when there is none
	resource, event, correlation uint32
	outcome                      uint8
	life                         source.Key
}

const noTime = math.MinInt64

func (t *Tally) list(e *source.Entry) {
	l := &t.listed
	r := row{
		time: nanos(e.Time), operation: int32(e.Operation.Index), caller: -1, outcome: uint8(outcomeIndex(e.Outcome)), //nolint:gosec // far fewer
		resource: l.keep(e.Detail.Resource), event: l.keep(e.Detail.EventID), correlation: l.keep(e.Detail.Correlation), life: e.Life,
	}
	if e.Caller != nil {
		r.caller = int32(e.Caller.Index) //nolint:gosec // far fewer
	}
	l.rows = append(l.rows, r)
	if c := e.Detail.Role; c != nil {
		t.roles = append(t.roles, roleRow{
			row: r, definition: l.keep(c.Definition), principal: l.keep(c.Principal), kind: l.keep(c.Kind), scope: l.keep(c.Scope),
		})
	}
}

// nanos is a time as rows keep it.
func nanos(at time.Time) int64 {
	if since := at.UnixNano(); !at.IsZero() && time.Unix(0, since).Equal(at) {
		return since
	}
	return noTime
}

// roleRow is a listed entry that changes a role assignment.
type roleRow struct {
	row
	definition, principal, kind, scope uint32
}

// Operation is one listed entry.
type Operation struct {
	Time        time.Time // zero when the entry does not say it
	Operation   string
	Caller      string // empty when there is none
	Resource    string
	Status      string
	EventID     string
	Correlation string
	life        source.Key
}

// Operations are listed entries by time. They are made as they are asked for, because there may be many.
type Operations struct {
	list       *list
	vocabulary *source.Vocabulary
}

// Len is their number.
func (o Operations) Len() int {
	if o.list == nil {
		return 0
	}
	return len(o.list.rows)
}

// All iterates over them in order of time; what happened at one time is ordered by what it was, so that the same
// entries have the same order whatever source they came from.
func (o Operations) All() iter.Seq[Operation] {
	return func(yield func(Operation) bool) {
		if o.list == nil {
			return
		}
		for _, r := range o.list.rows {
			if !yield(o.operation(r)) {
				return
			}
		}
	}
}

func (o Operations) operation(r row) Operation {
	op := Operation{
		Operation: o.vocabulary.Operations.At(int(r.operation)).Text, Resource: o.list.text(r.resource),
		EventID: o.list.text(r.event), Correlation: o.list.text(r.correlation), Status: Word(outcomes[r.outcome]), life: r.life,
	}
	op.Time = r.when()
	if r.caller >= 0 {
		op.Caller = o.vocabulary.Callers.At(int(r.caller)).Text
	}
	return op
}

// when is the row's time, the zero time when the entry does not say it.
func (r *row) when() time.Time { return moment(r.time) }

// moment is nanos backwards.
func moment(at int64) time.Time {
	if at == noTime {
		return time.Time{}
	}
	return time.Unix(0, at).UTC()
}

func (o Operations) sort() {
	slices.SortFunc(o.list.rows, func(a, b row) int {
		if c := cmp.Compare(a.time, b.time); c != 0 {
			return c
		}
		x, y := o.operation(a), o.operation(b)
		return cmp.Or(cmp.Compare(x.Operation, y.Operation), cmp.Compare(x.Resource, y.Resource), cmp.Compare(x.Caller, y.Caller),
			cmp.Compare(x.Status, y.Status), cmp.Compare(x.EventID, y.EventID), cmp.Compare(x.Correlation, y.Correlation))
	})
}
