package simulation

import (
	"math/rand/v2"
	"slices"
	"time"
)

// fault is what can become of a call beside being done and answered.
type fault string

const (
	refused      fault = "refused"        // not done; the service says so, and takes it when it is asked again
	forbidden    fault = "forbidden"      // not done, and it will not be before a person does something
	broken       fault = "broken"         // not done: the connection broke before
	lost         fault = "answer lost"    // done: the connection broke after
	late         fault = "late"           // done, and answered late, maybe after the caller gave up
	stale        fault = "stale read"     // answered from a replica that has not seen the last write
	odd          fault = "answered oddly" // not done, and answered 2xx all the same: with a page of what stands in between
	garbled      fault = "done, answered oddly"
	killedBefore fault = "killed before it" // the instance
	killedAfter  fault = "killed after it"
)

var everyFault = []fault{refused, forbidden, broken, lost, late, killedBefore, killedAfter}

// someFaults are those that few phases can meet.
var someFaults = []fault{stale, odd, garbled}

// possible reports whether a fault can meet a phase. Only what is read can be old, and only what is sent or looked up can be
// forbidden: the store that forbids does nothing at all.
func possible(f fault, p phase) bool {
	switch f {
	case stale:
		return p == storeRead || p == storeQuery
	case forbidden:
		return len(forbids[p]) > 0
	case odd:
		return p == post || p == edit || p == lookUp
	case garbled:
		return p == post || p == edit
	}
	return true
}

// Trouble is a time in which calls of some phases go wrong.
type Trouble struct {
	From, To time.Duration // since the beginning
	Of       []phase
	Channel  string // empty: every channel
	Faults   []fault
	Share    float64 // of the calls
}

func (t *Trouble) covers(at time.Duration, s *step) bool {
	if at < t.From || at >= t.To {
		return false
	}
	if t.Channel != "" && slices.Contains(sending, s.phase) && s.channel != t.Channel {
		return false
	}
	for _, p := range t.Of {
		if p == s.phase {
			return true
		}
	}
	return false
}

// draw picks a fault for a step of its time.
func (t *Trouble) draw(r *rand.Rand, s *step) verdict {
	if r.Float64() >= t.Share {
		return verdict{}
	}
	f := t.Faults[r.IntN(len(t.Faults))]
	if !possible(f, s.phase) || s.smtp && (f == odd || f == garbled) {
		return verdict{}
	}
	if s.what == account && (f == broken || f == lost) {
		f = refused // azcore pauses by chance after a broken connection, and the trace would differ from run to run
	}
	v := verdict{fault: f}
	switch f {
	case refused:
		v.status = oneOf(r, refusals, smtpPassing, s)
		if !s.smtp && (v.status == 429 || v.status == 503 && r.IntN(2) == 0) {
			v.wait = time.Duration(1+r.IntN(30)) * time.Second
		}
		if s.phase == storeRead || s.phase == storeWrite || s.phase == storeQuery {
			v.wait = time.Duration(10+r.IntN(900)) * time.Millisecond
		}
	case forbidden:
		v.status = oneOf(r, forbids, smtpLasting, s)
	case late:
		v.wait = time.Duration(50+r.IntN(12_000)) * time.Millisecond
	}
	return v
}

// refusals are the statuses with which the services refuse. 412 is what a condition that no longer holds gets.
var refusals = map[phase][]int{
	storeRead:   {429, 449, 410, 503, 408},
	storeWrite:  {429, 449, 410, 503, 412, 408},
	storeQuery:  {429, 410, 503, 408},
	post:        passing,
	edit:        passing,
	mailCommand: {429, 500, 503},
	lookUp:      {429, 500, 503},
	answer:      {504},
}

// passing are statuses of a service that may take the same a little later (RFC 9110 §15, RFC 6585).
var passing = []int{408, 425, 429, 500, 502, 503, 504}

// forbids are the statuses with which services refuse every request, whatever it asks.
var forbids = map[phase][]int{
	post:        lasting,
	edit:        lasting,
	mailCommand: {400, 401, 403, 404},
	lookUp:      {401, 403, 404},
}

// lasting is every other 4xx that is registered, and redirects: a service says some of them, and what stands between it and us
// may say any.
var lasting = []int{
	301, 302, 303, 307, 308,
	400, 401, 402, 403, 404, 405, 406, 407, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 423, 424, 426, 428, 431, 451,
}

// What a mail server says in their place (RFC 5321 §4.2.2).
var (
	smtpPassing = []int{421, 450, 451, 452}
	smtpLasting = []int{501, 503, 530, 535, 550, 551, 553, 554}
)

// oneOf picks the status of an answer that says no.
func oneOf(r *rand.Rand, of map[phase][]int, smtp []int, s *step) int {
	list := of[s.phase]
	if s.smtp {
		list = smtp
	}
	return list[r.IntN(len(list))]
}

// sending are the phases in which a channel is spoken to.
var sending = []phase{post, edit, mailCommand}
