package simulation

import (
	"cmp"
	"container/heap"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"github.com/auditbell/auditbell/handler/turns"
)

// phase is the kind of call at which an instance waits. A table counts which fault met which phase.
type phase string

const (
	storeRead   phase = "store read"
	storeWrite  phase = "store write"
	storeQuery  phase = "store query"
	post        phase = "post"         // a first message, and every message to a channel without edits
	edit        phase = "edit"         // of a message, or a reply to it
	mailCommand phase = "mail command" // connecting, naming a recipient, asking what became of a mail
	lookUp      phase = "lookup"       // Azure Resource Manager, Resource Graph, Microsoft Graph
	answer      phase = "answer"       // to the host
	turn        phase = "turn"         // leaves no instance: a goroutine goes on
)

var phases = []phase{storeRead, storeWrite, storeQuery, post, edit, mailCommand, lookUp, answer}

// verdict is what becomes of a call.
type verdict struct {
	fault  fault         // none: the call is done and answered
	status int           // of a refusal
	wait   time.Duration // of a late answer; what a refusal asks to wait
}

// step is one call at which an instance waits.
type step struct {
	instance *instance
	phase    phase
	channel  string     // of a message
	smtp     bool       // a command or a mail, to a mail server
	mime     bool       // a mail, to Microsoft Graph
	alert    string     // that a message is about
	text     string     // of a message, as a reader sees it
	form     url.Values // of a request to Slack
	what     string     // for the trace
	key      string     // what distinguishes it from every other call that waits: its content and its goroutine's past
	decided  chan verdict
}

// scheduler holds the seed's source of decisions, the calls that wait and the agenda of what happens when.
type scheduler struct {
	random *rand.Rand
	trace  *trace
	decide func(*step) verdict
	killed func(*instance)
	drain  func() bool // hands over what invocations have come back with

	mu      sync.Mutex
	waiting []*step
	arrived chan struct{}
	ended   chan struct{} // closed at the end: what is left of killed instances unwinds

	agenda   agenda
	number   int
	running  int // invocations in progress; the root goroutine's
	steps    int
	progress *atomic.Int64 // everything that went on, turns too
}

func newScheduler(seed uint64, t *trace, progress *atomic.Int64) *scheduler {
	return &scheduler{
		random: rand.New(rand.NewPCG(seed, 0x5ced)), trace: t, progress: progress,
		arrived: make(chan struct{}, 1), ended: make(chan struct{}),
	}
}

// errKilled is what a killed instance's calls return once the simulation is over. Before that they do not return.
var errKilled = errors.New("the instance was killed")

// call is where an instance waits. It returns what becomes of the call, or the context's end.
func (s *scheduler) call(ctx context.Context, st *step, content string) (verdict, error) {
	i := st.instance
	if i.dead.Load() {
		return verdict{}, s.bury()
	}
	st.decided = make(chan verdict, 1)
	past := s.calls(ctx, st.what, content)
	st.key = i.name + " " + string(st.phase) + " " + st.what + " " + string(binary.BigEndian.AppendUint64(nil, past))
	s.await(st)
	select {
	case s.arrived <- struct{}{}:
	default:
	}
	select {
	case v := <-st.decided:
		if i.dead.Load() {
			return verdict{}, s.bury()
		}
		return v, nil
	case <-s.ended:
		return verdict{}, errKilled
	case <-ctx.Done():
		s.withdraw(st)
		s.turn(ctx, i) // it may not be the only one
		return verdict{}, ctx.Err()
	}
}

// routine is a goroutine of an instance: what distinguishes its calls from those of its siblings. They are its turns
// (turns.Turns): when it begins, and when it has waited for another, it goes on when it is picked.
type routine struct {
	*scheduler
	of   *instance
	past uint64 // digest of the calls it made
}

func (r *routine) Fork() turns.Turns {
	r.past = digest(r.past, "starts another")
	return &routine{r.scheduler, r.of, digest(r.past, "begins")}
}

func (r *routine) Take() { r.turn(turns.With(context.Background(), r), r.of) }

// turn waits until the goroutine is picked.
func (s *scheduler) turn(ctx context.Context, i *instance) {
	_, _ = s.call(context.WithoutCancel(ctx), &step{instance: i, phase: turn}, "") // nothing becomes of it
}

// calls notes a call of the goroutine that a context belongs to, and returns the digest of its calls. Of the account itself
// azcosmos asks in a goroutine of its own, which has no past.
func (s *scheduler) calls(ctx context.Context, what, content string) uint64 {
	r, ok := turns.Of(ctx).(*routine)
	if !ok || what == account {
		r = &routine{}
	}
	r.past = digest(digest(r.past, what), withoutAttempts(content)...)
	return r.past
}

// bury keeps a goroutine of a killed instance from doing anything more.
func (s *scheduler) bury() error {
	<-s.ended
	return errKilled
}

func (s *scheduler) withdraw(st *step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = slices.DeleteFunc(s.waiting, func(have *step) bool { return have == st })
}

// await has a call wait. Calls are sorted by what they are, because the order in which goroutines arrive differs from run to
// run.
func (s *scheduler) await(st *step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, _ := slices.BinarySearchFunc(s.waiting, st.key, func(have *step, key string) int { return cmp.Compare(have.key, key) })
	s.waiting = slices.Insert(s.waiting, at, st)
}

// next takes the call that goes on, nil when none waits.
func (s *scheduler) next() *step {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == 0 {
		return nil
	}
	i := s.random.IntN(len(s.waiting))
	st := s.waiting[i]
	s.waiting = slices.Delete(s.waiting, i, i+1)
	return st
}

// run carries the agenda out until it is empty and nothing runs. It returns an error when a call does not return.
func (s *scheduler) run() error {
	for {
		synctest.Wait()
		s.progress.Add(1)
		if s.drain() || s.fire() {
			continue
		}
		if st := s.next(); st != nil {
			if st.phase == turn {
				st.decided <- verdict{}
				continue
			}
			s.steps++
			if s.steps > maxSteps {
				return fmt.Errorf("%d steps: the program goes round in circles", s.steps)
			}
			s.carryOut(st, s.decide(st))
			continue
		}
		if s.agenda.Len() == 0 && s.running == 0 {
			return nil
		}
		if !s.pause() {
			return fmt.Errorf("%d invocations have not returned within a day", s.running)
		}
	}
}

// carryOut lets a call go on, and an instance die before or after it.
func (s *scheduler) carryOut(st *step, v verdict) {
	s.trace.step(st, v)
	if v.fault == late { // timers of one instant go off in an order that a bubble draws at random
		v.wait += time.Duration(s.steps) * time.Microsecond
	}
	if v.fault != killedBefore {
		st.decided <- v
	}
	if v.fault == killedAfter {
		synctest.Wait()
	}
	if v.fault == killedBefore || v.fault == killedAfter {
		s.killed(st.instance)
	}
}

// forget drops the calls at which a killed instance waits.
func (s *scheduler) forget(i *instance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = slices.DeleteFunc(s.waiting, func(st *step) bool { return st.instance == i })
}

const maxSteps = 100_000

// pause lets time pass until something on the agenda is due or a call arrives.
func (s *scheduler) pause() (went bool) {
	limit := 24 * time.Hour
	if s.agenda.Len() > 0 {
		limit = max(time.Until(s.agenda[0].at), 0)
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-s.arrived:
		return true
	case <-timer.C:
		return s.agenda.Len() > 0
	}
}

// at puts something on the agenda. Whatever it starts must go on in a goroutine of its own.
func (s *scheduler) at(when time.Time, do func()) {
	s.number++
	heap.Push(&s.agenda, entry{when, s.number, do})
}

// after is at, from now.
func (s *scheduler) after(d time.Duration, do func()) { s.at(time.Now().Add(d), do) }

// fire does what is due.
func (s *scheduler) fire() (fired bool) {
	for s.agenda.Len() > 0 && !s.agenda[0].at.After(time.Now()) {
		heap.Pop(&s.agenda).(entry).do()
		fired = true
	}
	return fired
}

type entry struct {
	at     time.Time
	number int
	do     func()
}

type agenda []entry

func (a agenda) Len() int      { return len(a) }
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(entry)) }

func (a agenda) Less(i, j int) bool {
	return a[i].at.Before(a[j].at) || a[i].at.Equal(a[j].at) && a[i].number < a[j].number
}

func (a *agenda) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}
