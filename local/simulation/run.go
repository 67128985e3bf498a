package simulation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/auditbell/auditbell/local/azure"
	"github.com/auditbell/auditbell/local/cosmos"
	"github.com/auditbell/auditbell/local/simulation/oracle"
)

// simulation is one plan being carried out.
type simulation struct {
	plan      *Plan
	scheduler *scheduler
	trace     *trace
	cosmos    *cosmos.Server
	azure     *azure.Server
	config    fstest.MapFS
	settings  map[string]string
	instances []*instance // alive, in order of their start
	started   int

	progress    atomic.Int64 // steps, for who attends the run from outside
	begun       time.Time
	invocations int
	requests    atomic.Int64
	ticking     time.Time // when the next run of the timer deliver is on the agenda; zero: none is
	next        time.Time // when something owed could be worked on, by the last look
	idle        int       // how many looks ago that changed
	doubted     time.Time
	lastFault   time.Time
	ticks       []time.Duration // when the timer deliver ran

	mu       sync.Mutex
	results  []settledCall
	messages []oracle.Message  // of kind "": taken, and then not sent
	blocks   map[string]string // of the Slack messages that are there, by their time stamps
	ru       float64

	communication communication

	replica replica
	owed    owed
	world   oracle.World
}

// Costs judges what the faults of a plan cost, by a second run without any. The timer deliver runs at the same times in
// both: in Azure it runs every 30 seconds whatever happens, and a simulation that leaves out the runs which would find
// nothing leaves out more of them where nothing waits.
func Costs(t *testing.T, out Outcome) []oracle.Violation {
	calm := *out.Plan
	calm.Troubles, calm.Ticks = nil, out.Ticks
	without := Run(t, &calm)
	return oracle.Spending(oracle.Cost{Requests: out.Requests, RU: out.RU}, oracle.Cost{Requests: without.Requests, RU: without.RU})
}

// Outcome is what a run came to.
type Outcome struct {
	Plan       *Plan
	Violations []oracle.Violation
	Repeats    int // messages sent twice because of the gap that cannot be closed
	Trace      *trace
	Requests   int64
	RU         float64
	Ticks      []time.Duration // when the timer deliver ran
	Steps      int
	Met        map[fault]map[phase]int
	Err        error // the simulation itself could not work
}

// run is the root goroutine of the bubble. A run that stops leaves goroutines behind that wait for ever, so the bubble must
// not end: over is not of the bubble, and a goroutine that waits at it stays.
func (s *simulation) run(over chan<- Outcome) Outcome {
	p := s.plan
	s.begun, s.settings, s.config, s.blocks = time.Now(), settingsOf(p), configOf(p), map[string]string{}
	s.trace, s.azure = newTrace(), azure.New(p.Directory, time.Now)
	s.communication = communication{map[string]*mailing{}}
	s.scheduler = newScheduler(p.Seed, s.trace, &s.progress)
	s.scheduler.decide, s.scheduler.killed, s.scheduler.drain = s.decide, s.kill, s.drain
	out := Outcome{Plan: p, Trace: s.trace}
	if out.Err = s.prepare(); out.Err == nil {
		if err := s.scheduler.run(); err != nil {
			over <- s.stop(err, oracle.Repeated(s.judged())...)
			over <- Outcome{} // is never taken
		}
	}
	s.conclude(&out)
	close(s.scheduler.ended)
	time.Sleep(time.Hour) // what is left of killed instances unwinds
	out.Err = errors.Join(out.Err, s.cosmos.Close())
	return out
}

// prepare opens the services and the instances and puts the plan on the agenda.
func (s *simulation) prepare() (err error) {
	if s.cosmos, err = cosmos.OpenDeployed(context.Background(), cosmos.Options{Key: accountKey}); err != nil {
		return err
	}
	for range s.plan.Instances {
		s.start()
	}
	for i := range s.plan.Deliveries {
		d := &s.plan.Deliveries[i]
		s.scheduler.at(s.begun.Add(d.At), func() { s.deliver(d, 0) })
		for _, again := range d.Again {
			s.scheduler.at(s.begun.Add(d.At+again), func() { s.deliver(d, given) })
		}
	}
	for _, c := range s.plan.Clicks {
		s.scheduler.at(s.begun.Add(c.At), func() { s.click(c) })
	}
	s.runTimers()
	for _, at := range s.plan.Ticks {
		s.scheduler.at(s.begun.Add(at), s.tick)
	}
	return nil
}

// start adds an instance.
func (s *simulation) start() {
	ahead := s.plan.Ahead[s.started%len(s.plan.Ahead)]
	s.started++
	i := s.open(fmt.Sprintf("instance-%d", s.started), ahead)
	s.instances = append(s.instances, i)
	s.trace.line("%s  starts, its clock %s ahead", i.name, ahead)
}

// restart replaces a killed instance after a while.
func (s *simulation) restart(dead *instance) {
	s.instances = slices.DeleteFunc(s.instances, func(i *instance) bool { return i == dead })
	s.scheduler.after(time.Duration(1+s.scheduler.random.IntN(40))*time.Second, s.start)
}

// someone picks an instance; nil when none is alive.
func (s *simulation) someone() *instance {
	if len(s.instances) == 0 {
		return nil
	}
	return s.instances[s.scheduler.random.IntN(len(s.instances))]
}

// decide says what becomes of a call.
func (s *simulation) decide(st *step) verdict {
	since := time.Since(s.begun)
	for i := range s.plan.Troubles {
		t := &s.plan.Troubles[i]
		if !t.covers(since, st) {
			continue
		}
		if v := t.draw(s.scheduler.random, st); v.fault != "" {
			s.disturbed()
			if v.fault == odd || v.fault == garbled {
				s.doubt()
			}
			return v
		}
	}
	return verdict{}
}

// disturbed notes that something misbehaves now.
func (s *simulation) disturbed() {
	s.lastFault = time.Now()
	s.world.Faults = append(s.world.Faults, oracle.Span{From: s.lastFault, To: s.lastFault})
}

// drain hands the results of invocations to their callers, in the order of their ids.
func (s *simulation) drain() bool {
	s.mu.Lock()
	results := s.results
	s.results = nil
	s.mu.Unlock()
	slices.SortFunc(results, func(a, b settledCall) int { return cmp.Compare(a.in.id, b.in.id) })
	for _, one := range results {
		if one.in.instance.calls[one.in.id] == nil {
			continue // it was killed meanwhile
		}
		delete(one.in.instance.calls, one.in.id)
		s.scheduler.running--
		one.in.done(one.r)
		s.schedule()
	}
	return len(results) > 0
}

// patience is how long after the last fault nothing may be owed any more.
const patience = 14 * 24 * time.Hour

// every is how often the timer deliver runs.
const every = 30 * time.Second

// schedule puts the next run of the timer on the agenda, if the store owes anything. Runs that would find nothing are left
// out: before something is due, and more and more of them while a run changes nothing.
func (s *simulation) schedule() {
	if time.Since(s.latest()) > patience {
		return
	}
	if next, owes := s.owed.next(); owes {
		if !next.Equal(s.next) {
			s.next, s.idle = next, 0
		} else {
			s.idle++ // the last run did not help: the same is owed as before
		}
		s.tickAt(next, min(every<<min(s.idle/2, 10), time.Hour)-every)
	}
	if since, waits := s.owed.waiting(); waits {
		pause := min(time.Since(since)/8, quarter)
		if s.plan.out(time.Since(s.begun)) {
			pause = min(max(time.Since(since), 2*time.Hour), 12*time.Hour) // days of tries that come to nothing are left out
		}
		s.tickAt(time.Now(), pause)
	}
}

// quarter of an hour is the longest pause between two tries of a destination that is unwell.
const quarter = 15 * time.Minute

// tickAt puts a run of the timer on the agenda, at the first of its times after a pause, unless there is an earlier one.
func (s *simulation) tickAt(at time.Time, pause time.Duration) {
	if now := time.Now(); at.Before(now) {
		at = now
	}
	at = at.Add(pause).Truncate(every).Add(every)
	if !s.ticking.IsZero() && !at.Before(s.ticking) {
		return
	}
	s.ticking = at
	s.scheduler.at(at, func() {
		if s.ticking.Equal(at) {
			s.ticking = time.Time{}
			s.tick()
		}
	})
}

// latest is when the last thing happened or misbehaved.
func (s *simulation) latest() time.Time {
	last := s.begun.Add(s.plan.Length)
	if s.lastFault.After(last) {
		return s.lastFault
	}
	return last
}

// tick runs the timer deliver, now and then on two instances at once: the lock that keeps it single can be lost.
func (s *simulation) tick() {
	now := time.Since(s.begun)
	if n := len(s.ticks); n > 0 && s.ticks[n-1] == now {
		return // the plan and what is owed asked for the same run
	}
	i := s.someone()
	if i == nil {
		s.scheduler.after(30*time.Second, s.tick)
		return
	}
	s.ticks = append(s.ticks, now)
	s.deliverOn(i)
	if other := s.someone(); other != i && s.scheduler.random.IntN(4) == 0 {
		s.deliverOn(other)
	}
}

func (s *simulation) deliverOn(i *instance) {
	s.invoke(i, "deliver", timerOf("deliver"), func(r result) { s.answered("deliver", nil, r, false) })
}

func timerOf(function string) []byte {
	return []byte(`{"Data":{"timer":{"Schedule":{"AdjustForDST":true},"ScheduleStatus":null,"IsPastDue":false}},"Metadata":{"sys":{"MethodName":"` + function + `"}}}`)
}

// conclude has the oracle judge the run.
func (s *simulation) conclude(out *Outcome) {
	out.Violations, out.Repeats = oracle.Judge(s.judged())
	out.Requests, out.RU, out.Ticks, out.Steps, out.Met = s.requests.Load(), s.ru, s.ticks, s.scheduler.steps, s.trace.met
}

// judged is what the oracle judges.
func (s *simulation) judged() oracle.World {
	w := s.world
	w.Begun, w.End, w.Acts, w.Channels, w.Edits = s.begun, time.Now(), s.plan.Acts, s.plan.Channels, map[string]bool{"slack": true}
	w.Messages = slices.DeleteFunc(slices.Clone(s.messages), func(m oracle.Message) bool { return m.Kind == "" })
	w.Owed, w.Leased = s.owed.left()
	return w
}

// env is the environment of every process.
func (s *simulation) env(name string) (string, bool) {
	v, ok := s.settings[name]
	return v, ok
}

// replica remembers the answers of reads, so that an old one can be given.
type replica struct {
	mu   sync.Mutex
	last map[string]aged
}

type aged struct {
	reply
	at time.Time
}

// lag is how far a replica may be behind.
const lag = 5 * time.Second

func (r *replica) keep(path string, got reply) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil {
		r.last = map[string]aged{}
	}
	if len(r.last) > 2000 {
		clear(r.last)
	}
	r.last[path] = aged{got, time.Now()}
}

func (r *replica) old(path string) (reply, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	have, ok := r.last[path]
	return have.reply, ok && time.Since(have.at) < lag
}

func slackForm(body []byte) url.Values {
	form, _ := url.ParseQuery(string(body)) // what cannot be read has no fields
	return form
}

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func sorted[V any](m map[string]V) []V {
	var out []V
	for _, name := range keys(m) {
		out = append(out, m[name])
	}
	return out
}
