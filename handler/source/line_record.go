package source

import (
	"bytes"

	"github.com/auditbell/auditbell/handler/activity"
)

// recordRuler rules out lines of a storage export: records of the resource-log schema, which payload reads. It reads a
// line as strictly as lineReader does and understands just enough of it to say that nobody looks for it. Whatever is not
// the usual record is left to payload.
type recordRuler struct {
	*lineEntries
	filter *Filter
}

func newRecordRuler(f *Filter) *recordRuler {
	l := newLineEntries(NewVocabulary(nil))
	l.lineReader = newLineReader(placeRecord)
	return &recordRuler{l, f}
}

// rulesOut reports whether payload would read the line that begins at data[at], and not as what is looked for.
func (r *recordRuler) rulesOut(data []byte, at int) bool {
	r.data = data
	if _, ok := r.read(at); !ok {
		return false
	}
	// Named and dated, and with no member of another form, it is a record (payload's isRecord).
	when, dated := r.time()
	operation, named := r.word(slotOperation)
	var e Entry
	if !dated || !named || len(operation) == 0 || activity.OddlySpelled(operation) || !r.words(&e) {
		return false
	}
	// What the record does not say here it may say elsewhere.
	return !r.filter.Window.Holds(when) ||
		!r.mayBe(r.filter.Operations, operation) || !r.mayBe(r.filter.Resources, r.resource()) ||
		e.Outcome != activity.Outcome("") && !among(r.filter.Outcomes, e.Outcome) ||
		e.Category != activity.Category("") && !among(r.filter.Categories, e.Category)
}

// mayBe reports whether text may be one that holds any of the parts; nothing at all may stand elsewhere in the record.
func (r *recordRuler) mayBe(parts []string, text []byte) bool {
	if len(parts) == 0 || len(text) == 0 {
		return true
	}
	r.lower = appendLower(r.lower[:0], text)
	for _, part := range parts {
		if bytes.Contains(r.lower, []byte(part)) {
			return true
		}
	}
	return false
}

// resource is the resource id as it is written; nothing where payload would change it.
func (r *recordRuler) resource() []byte {
	if text, ok := r.body(slotResource); ok {
		return text
	}
	return nil
}
