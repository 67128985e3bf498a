package reconcile

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/store"
)

// One record reaches us in several forms, and nothing in them says "the same one": the event's id is derived with the
// form, the REST API's eventDataId is not in exported records, Event Grid has ids of its own. What all forms have is the
// operation that the record belongs to (correlation id, operation, resource), the state that it reports, and when. So two
// readings are the same record when they report the same state of the same operation at the same time.
//
// An operation may report a state twice, as the portal's creates do, and the times of the forms may differ a little. That
// is why readings are paired one to one, the nearest first.

// margin is how far apart two feeds may date the same record.
const margin = 2 * time.Minute

// same is how near two times are that nobody would tell apart: exports cut fractions of a second.
const same = time.Second

// state is a state of an operation.
type state struct {
	life    string
	outcome activity.Outcome
}

// alone begins the life of a record that belongs to no operation.
const alone = "alone\n"

// stateOf is the state that e reports. Without a correlation id or an operation there is no lifecycle to go by; what it
// is about and when have to do.
func stateOf(e *activity.Event) state {
	if e.CorrelationID == "" || e.Operation == "" {
		return state{alone + strings.Join([]string{e.Operation, activity.PlainID(e.ResourceID)}, "\n"), e.Outcome}
	}
	return state{alert.LifecycleKey(*e), e.Outcome}
}

// record is what it takes to recognise an event that was recorded.
type record struct {
	state state
	feed  Feed
	at    time.Time // when it happened
	known time.Time // when it was recorded
	fed   string    // its id, where reconciliation recorded it
	above bool      // it belongs to another scope, tenant or management group: it need not be listed here
}

// recordOf reduces an event of the store; false for what is no reading of a record of Azure's.
func recordOf(one *store.Arrival) (record, bool) {
	e := &one.Event
	r := record{feed: feedOf(e.Form), at: e.Time.Time, known: one.At}
	if e.FoundBy == activity.Reconciliation {
		r.fed = e.ID
		return r, true
	}
	r.state = stateOf(e)
	return r, r.feed != ""
}

// arrival is a record that a feed brought.
type arrival struct {
	record
	used bool // paired with a record that Azure lists
}

// arrivals is what was recorded of a subscription.
type arrivals struct {
	states map[state][]*arrival
	fed    map[string]time.Time // by id: what reconciliation recorded, and when
}

func newArrivals() *arrivals {
	return &arrivals{states: map[state][]*arrival{}, fed: map[string]time.Time{}}
}

func (a *arrivals) add(r record) {
	if r.fed != "" {
		a.fed[r.fed] = r.known
		return
	}
	a.states[r.state] = append(a.states[r.state], &arrival{record: r})
}

// listing is a record that Azure lists, and which feeds brought it.
type listing struct {
	state  state
	at     time.Time
	id     string
	inside bool            // in the window that is compared, not in its margin
	event  *activity.Event // nil when nothing more will be asked of it: a feed brought it, or it was judged
	by     map[Feed]*arrival
}

// pair is a listing and an arrival that may be the same record.
type pair struct {
	listing *listing
	arrival *arrival
	apart   time.Duration
}

// match pairs listings with arrivals that are not paired yet and at most so far apart, the nearest first.
func (a *arrivals) match(all []*listing, apart time.Duration) {
	var pairs []pair
	for _, l := range all {
		for _, one := range a.states[l.state] {
			if d := one.at.Sub(l.at).Abs(); d <= apart && !one.used && l.by[one.feed] == nil {
				pairs = append(pairs, pair{l, one, d})
			}
		}
	}
	slices.SortStableFunc(pairs, func(x, y pair) int { return cmp.Compare(x.apart, y.apart) })
	for _, p := range pairs {
		if p.arrival.used || p.listing.by[p.arrival.feed] != nil {
			continue
		}
		if p.listing.by == nil {
			p.listing.by = map[Feed]*arrival{}
		}
		p.listing.by[p.arrival.feed], p.arrival.used = p.arrival, true
	}
}

// unlisted counts what feeds brought in a window and Azure does not list.
func (a *arrivals) unlisted(from, to time.Time) int {
	n := 0
	for _, all := range a.states {
		for _, one := range all {
			if !one.used && !one.above && one.feed != Other && !one.at.Before(from) && one.at.Before(to) {
				n++
			}
		}
	}
	return n
}
