// Package payload reads what Azure delivers: bytes in, one Reading per input item out.
//
// It knows the wire forms and their oddities so that nothing behind it has to: the Activity Log REST API and SDK
// dumps, the resource-log schema of Event Hubs and storage in both generations, Event Grid, CloudEvents, the common
// alert schema and the activity-log webhook before it. Every item gets an answer: an Activity Log event, another Azure
// signal, a handshake, or the reason why it cannot be read. It does not decide whether an event matters (rules), and it
// does not fetch anything (source).
//
// # Claims
//
// A record carries the claims of the caller's token: names, mail addresses, group, session and token ids. Only these
// leave the package, under Event.Properties' member "claims" and these short names; the rest is never stored, logged
// or shown:
//
//	upn, email, unique_name, name  who it was, in the order of how well each names a person
//	oid                            joins with sign-in and directory logs when names change
//	appid, appidacr                which application, and whether it proved itself by secret or certificate
//	idtyp, scp, spn, mirid         tell user, service principal, platform service and managed identity apart
//	tid                            a caller of another tenant (Lighthouse, guests) shows here
//	amr                            whether there was a second factor
//	ipaddr                         where the token was issued; differs from caller_ip when a token is replayed elsewhere
//
// # Identity
//
// Event.ID is derived from the record, see identify: the same record in the same form has the same id however often it
// is delivered, two records never share one.
package payload

import (
	"bytes"
	"math"
	"slices"
	"sync"

	"github.com/auditbell/auditbell/handler/activity"
)

// Kind is what an input item turned out to be.
type Kind int

// Kinds. Everything but Invalid was understood.
const (
	Activity      Kind = iota + 1 // an Activity Log event
	Noise                         // another Azure signal on the same channel: a metric alert, a budget, a sign-in record
	Handshake                     // Event Grid asks whether the endpoint agrees to receive
	SystemEvent                   // an Event Grid event that is not Activity Log: policy state, a topic's own events
	ResourceState                 // what Azure Resource Notifications say of a resource
	Invalid                       // not JSON, or a shape that no form knows
)

var kindNames = [...]string{
	Activity: "activity", Noise: "noise", Handshake: "handshake", SystemEvent: "system_event", ResourceState: "resource_state", Invalid: "invalid",
}

// String returns the name that `handler decode` prints and that counters carry.
func (k Kind) String() string {
	if k < Activity || int(k) >= len(kindNames) {
		return "unknown"
	}
	return kindNames[k]
}

// Reading is what one input item turned out to be.
type Reading struct {
	Kind  Kind
	Event activity.Event  // set for Activity
	State *activity.State // set for ResourceState
	// Reason says for all other kinds what it is ("metric alert"), or why it cannot be read, with offset or member.
	Reason string
	Signal string // short stable name for counting: metric_alert, budget, signin, validation, policy_state, …
	// Notice says of an event what it lacks, for people: a time, an operation, an outcome. Lost reports that it was there
	// and could not be read.
	Notice string
	Lost   bool
	// Raw is the item's own bytes. Readings of Decode share it with the input; that of a Decoder is valid until
	// the next reading.
	Raw []byte
}

// Decode reads one payload as it was delivered and says of each item what it was, in input order. It never panics and
// never drops anything: what cannot be read is an Invalid reading, and one at the end stands for all beyond mostUnreadable. A list
// without items yields no reading.
func Decode(data []byte) []Reading { return decode(data, false, crowd{most: math.MaxInt}) }

// DecodeLine is Decode for a line of a file that a person gives, which may carry what no delivery does; see carrier.
func DecodeLine(data []byte) []Reading { return decode(data, true, crowd{most: math.MaxInt}) }

// Chunks hands the readings of Decode to do, at most so many at once; a list without items is one chunk of none. A chunk is valid
// during its call: a megabyte may hold tens of thousands of items, whose readings take many times its size.
func Chunks(data []byte, most int, do func([]Reading)) {
	do(decode(data, false, crowd{most: most, do: do}))
}

// decode returns what c did not hand on.
func decode(data []byte, file bool, c crowd) []Reading {
	if len(data) > largestDelivery || wrapped(data) {
		return decodeStreamed(data, c)
	}
	f, _ := pool.Get().(*frames)
	defer f.release()
	f.item.csv = csvSource{}
	f.start(bytes.TrimPrefix(data, byteOrderMark), nil)
	f.file = file
	f.base = int64(len(data) - len(f.data))
	readings := make([]Reading, 0, 1) // nearly every delivery is one event
	for {
		n := len(readings)
		if n == cap(readings) {
			if !f.next(&f.last) {
				break
			}
			// What follows is about as long as what was just read.
			readings = slices.Grow(readings, 1+min((len(f.data)-f.pos)/(len(f.last.Raw)+1), 255))
			readings = append(readings, f.last)
		} else if readings = readings[:n+1]; !f.next(&readings[n]) {
			readings = readings[:n]
			break
		}
		readings = c.gather(readings)
	}
	if len(readings) == 0 && len(bytes.TrimSpace(f.data)) == 0 {
		return []Reading{invalid("empty payload")}
	}
	return c.end(readings)
}

// Scratch is memory in which payloads are read one after the other. The zero value is ready; it is not safe for concurrent
// use.
type Scratch struct {
	frames frames
	last   Reading
}

// Each hands the readings that DecodeLine has of a line to do, one after the other. Each is valid during the call, what it
// points to included.
func (s *Scratch) Each(data []byte, do func(*Reading)) {
	if len(data) > largestDelivery || wrapped(data) || len(bytes.TrimSpace(data)) == 0 {
		for _, r := range DecodeLine(data) {
			do(&r)
		}
		return
	}
	f := &s.frames
	f.item.csv, f.item.lent = csvSource{}, true
	f.start(bytes.TrimPrefix(data, byteOrderMark), nil)
	f.file = true
	f.base = int64(len(data) - len(f.data))
	for s.last = (Reading{}); f.next(&s.last); s.last = (Reading{}) {
		do(&s.last)
	}
}

// pool keeps the scratch memory of Decode between payloads.
var pool = sync.Pool{New: func() any { return new(frames) }}

// release gives f back to the pool, without what it read.
func (f *frames) release() {
	f.data, f.last, f.inner = nil, Reading{}, nil
	pool.Put(f)
}

// largestDelivery bounds what is read in one piece: offsets within an item are 32 bits wide.
const largestDelivery = 1 << 30

// What a delivery may unpack to. Exports are packed to a tenth or a thirtieth of their size, and nothing of Azure's
// delivers more than a megabyte at once.
const (
	unpackedAtLeast = 8 << 20
	unpackedRatio   = 40
)

// decodeStreamed reads a payload through a Decoder. The readings outlive its window, so each keeps a copy of its bytes.
func decodeStreamed(data []byte, c crowd) []Reading {
	var readings []Reading
	d := NewDecoder(bytes.NewReader(data))
	left := unpackedAtLeast + unpackedRatio*int64(len(data))
	d.left = &left
	for r, err := range d.All() {
		if err != nil {
			r = invalid(err.Error())
		}
		r.Raw = bytes.Clone(r.Raw)
		readings = c.gather(append(readings, r))
	}
	return c.end(readings)
}

// Events returns the events among readings, in order.
func Events(readings []Reading) []activity.Event {
	var events []activity.Event
	for _, r := range readings {
		if r.Kind == Activity {
			events = append(events, r.Event)
		}
	}
	return events
}
