package source

import (
	"bytes"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
)

// lineEntries makes Entries of lines. One worker owns it; what it remembers is how texts were written, so that most
// entries cost no conversion and no allocation.
type lineEntries struct {
	*lineReader
	v                           *Vocabulary
	operations, callers, scopes seen[*Symbol]
	categories                  seen[activity.Category]
	outcomes                    seen[activity.Outcome]
	displays                    seen[string]
	lower, scratch              []byte
}

func newLineEntries(v *Vocabulary) *lineEntries {
	return &lineEntries{lineReader: newLineReader(placeTop), v: v}
}

// entry makes the Entry of the line that read has accepted; false to give up, because something about it is not usual.
func (l *lineEntries) entry(e *Entry) bool {
	at, okTime := l.time()
	operation, okOperation := l.word(slotOperation)
	resource, okResource := l.body(slotResource)
	event, okEvent := l.body(slotEventID)
	correlation, okCorrelation := l.body(slotCorrelation)
	subscription, okScope := l.body(slotSubscription)
	caller, okCaller := l.caller()
	if !okTime || !okOperation || !okResource || !okEvent || !okCorrelation || !okCaller || !okScope ||
		len(resource) == 0 || len(event) == 0 || len(subscription) == 0 {
		return false
	}
	*e = Entry{Time: at, Form: activity.FormREST, Operation: l.operation(operation), Scope: l.symbol(&l.scopes, &l.v.Scopes, subscription)}
	if len(caller) > 0 {
		e.Caller = l.symbol(&l.callers, &l.v.Callers, caller)
	}
	if !l.words(e) {
		return false
	}
	l.lower = appendLower(l.lower[:0], resource)
	e.Key, e.Life, l.scratch = l.v.hash.keys(identity{
		form: activity.FormREST, time: at, operation: e.Operation, outcome: e.Outcome,
		resource: l.lower, correlation: correlation, eventID: event,
	}, l.scratch)
	return !e.Operation.Listed || l.detail(e, event, correlation)
}

// detail adds what lists show. What a role assignment says stands in a body of JSON in a string: payload reads it.
func (l *lineEntries) detail(e *Entry, event, correlation []byte) bool {
	if strings.Contains(e.Operation.Text, "roleassignments/") {
		return false
	}
	e.Detail = &Detail{Resource: string(l.lower), EventID: string(event), Correlation: string(correlation)}
	kind := activity.ParseResource(e.Detail.Resource).Type
	if kind == "" {
		written, ok := l.word(slotType)
		if !ok {
			return false
		}
		kind = string(written)
	}
	e.Type = l.v.Types.maybe(activity.Lower(kind))
	return true
}

// body is the text of a slot, nil when it is missing; false when payload would change it (escapes, blanks around).
func (l *lineEntries) body(s slot) ([]byte, bool) {
	at := l.spans[s]
	if !at.set {
		return nil, true
	}
	text := l.data[at.from:at.to]
	if at.escaped {
		return nil, false
	}
	if n := len(text); n > 0 && (edge(text[0]) || edge(text[n-1])) {
		return text, len(bytes.TrimSpace(text)) == n
	}
	return text, true
}

// edge reports a byte that white space may begin or end with.
func edge(c byte) bool { return c <= ' ' || c >= 0x80 }

// words reads category and outcome by the order of precedence that payload has.
func (l *lineEntries) words(e *Entry) bool {
	for _, s := range [...]slot{slotEventCategory, slotCategory, slotEventSource} {
		text, ok := l.word(s)
		if !ok {
			return false
		}
		if e.Category, ok = l.categories.find(text); !ok {
			e.Category = l.categories.keep(text, activity.CategoryOf(string(text)))
		}
		if e.Category != "" {
			break
		}
	}
	for _, s := range [...]slot{slotStatus, slotResult} {
		text, ok := l.word(s)
		if !ok {
			return false
		}
		if e.Outcome, ok = l.outcomes.find(text); !ok {
			e.Outcome = l.outcomes.keep(text, activity.OutcomeOf(string(text)))
		}
		if e.Outcome != "" {
			break
		}
	}
	return true
}

// word is body for values beside which stands what people read: payload takes that when the value is empty.
func (l *lineEntries) word(s slot) ([]byte, bool) {
	text, ok := l.body(s)
	return text, ok && (len(text) > 0 || !l.spans[s].set)
}

// display is the operation for people, or else as it was written; false when payload would change it.
func (l *lineEntries) display() (string, bool) {
	text, ok := l.body(slotDisplay)
	if ok && len(text) == 0 {
		text, ok = l.body(slotOperation)
	}
	if have, known := l.displays.find(text); known {
		return have, ok
	}
	return l.displays.keep(text, string(text)), ok
}

// caller picks the best name as payload's bestName does.
func (l *lineEntries) caller() (best []byte, ok bool) {
	if upn, ok := l.body(slotUPN); !ok || len(upn) > 0 {
		return upn, ok
	}
	for _, s := range [...]slot{slotCaller, slotEmail, slotUnique, slotName} {
		if best, ok = l.body(s); !ok || bytes.IndexByte(best, '@') >= 0 {
			return best, ok
		}
	}
	for _, s := range [...]slot{slotCaller, slotApp, slotObject, slotService, slotEmail, slotUnique} {
		if best, ok = l.body(s); !ok || len(best) > 0 {
			return best, ok
		}
	}
	return nil, true
}

// symbol finds the Symbol of a text as it was written.
func (l *lineEntries) symbol(known *seen[*Symbol], of *Symbols, text []byte) *Symbol {
	if have, ok := known.find(text); ok {
		return have
	}
	l.scratch = appendLower(l.scratch[:0], text)
	return known.keep(text, of.Of(string(l.scratch)))
}

// operation finds the Symbol of an operation's name.
func (l *lineEntries) operation(text []byte) *Symbol {
	if !activity.OddlySpelled(text) {
		return l.symbol(&l.operations, &l.v.Operations, text)
	}
	return l.v.Operations.Of(activity.OperationName(string(appendLower(nil, text))))
}

// seen remembers what texts were read as; newer ones displace older ones.
type seen[T any] struct {
	slots [1 << 10]struct {
		text  []byte
		value T
		used  bool
	}
}

func (s *seen[T]) find(text []byte) (value T, ok bool) {
	at := &s.slots[place8(text)%uint32(len(s.slots))]
	if !at.used || string(at.text) != string(text) {
		return value, false
	}
	return at.value, true
}

func (s *seen[T]) keep(text []byte, value T) T {
	at := &s.slots[place8(text)%uint32(len(s.slots))]
	at.text, at.value, at.used = append(at.text[:0], text...), value, true
	return value
}

// place8 is mix for texts of any length.
func place8(text []byte) uint32 {
	if len(text) >= 8 {
		return mix(text)
	}
	h := uint32(len(text)) //nolint:gosec // a hash
	for _, c := range text {
		h = h*31 + uint32(c)
	}
	return h
}

// time reads the usual spelling, 2025-04-24T14:11:46.421669Z.
func (l *lineEntries) time() (time.Time, bool) {
	text, ok := l.body(slotTime)
	if !ok || len(text) < len("2006-01-02T15:04:05Z") || text[10] != 'T' || text[13] != ':' || text[16] != ':' || text[len(text)-1] != 'Z' {
		return time.Time{}, false
	}
	day, ok := l.days.midnight(text[:10])
	hour, minute, second := two(text[11:]), two(text[14:]), two(text[17:])
	if !ok || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 {
		return time.Time{}, false
	}
	nano, ok := fraction(text[19 : len(text)-1])
	return time.Unix(day+int64(hour*3600+minute*60+second), int64(nano)).UTC(), ok
}

// two reads two digits; negative when there are none.
func two(text []byte) int {
	a, b := text[0]-'0', text[1]-'0'
	if a > 9 || b > 9 {
		return -1
	}
	return int(a)*10 + int(b)
}

// fraction reads ".1234567" or nothing as nanoseconds.
func fraction(text []byte) (nano int, ok bool) {
	if len(text) == 0 {
		return 0, true
	}
	if text[0] != '.' || len(text) < 2 || len(text) > 10 {
		return 0, false
	}
	for _, c := range text[1:] {
		if c < '0' || c > '9' {
			return 0, false
		}
		nano = nano*10 + int(c-'0')
	}
	for range 10 - len(text) {
		nano *= 10
	}
	return nano, true
}

// dayCache remembers the last date read: records come by time.
type dayCache struct {
	text [10]byte
	unix int64
}

// midnight reads 2006-01-02 as the Unix time at which the day begins.
func (d *dayCache) midnight(text []byte) (int64, bool) {
	if string(text) == string(d.text[:]) {
		return d.unix, true
	}
	day, err := time.Parse(time.DateOnly, string(text))
	if err != nil {
		return 0, false
	}
	copy(d.text[:], text)
	d.unix = day.Unix()
	return d.unix, true
}
