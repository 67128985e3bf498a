// Package digesttest makes Activity Log records that look like a month of a real estate, as many as are wanted and the
// same ones for the same seed: for tests that hold several sources to one corpus, for benchmarks, and for pictures.
//
// The shapes (claims, lifecycles, redeliveries, callers in two letter cases, names for people beside ARM operations)
// follow Microsoft's schema page; how often each occurs is our choice, because no public figures exist. Nothing here is
// for the product itself.
package digesttest

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Options say what to make.
type Options struct {
	Seed     uint64
	From, To time.Time // records lie in this window, but for the few that a lifecycle carries beyond its end
	// Operations is about how many operations there are in the window; each has one to three records.
	Operations int
	// Quiet leaves out everything that a digest lists: a month in which nothing of note happened.
	Quiet bool
	// Deployments is which share of the operations that a person begins are template deployments: many operations in one
	// resource group under one correlation id, of which some write again what another one of them wrote.
	Deployments float64
}

// Record is one Activity Log record before it is written in a form.
type Record struct {
	Time, Submitted         time.Time
	Category, Level         string
	Operation, Display      string // ARM name, and what the portal shows
	Status, SubStatus       string
	Caller                  string // as written: letter case varies
	Person                  *Person
	Address                 string
	Subscription, Group     string
	Resource, Type          string
	EventID, OperationID    string
	Correlation, Transition string // Transition is eventName: BeginRequest, EndRequest
	Properties              []Pair
	Again                   bool // the same record delivered again
}

// Pair is one member of the properties, in order; values are texts.
type Pair struct{ Name, Value string }

// Generator makes records in the order of their time.
type Generator struct {
	o       Options
	rng     *rand.Rand
	people  []Person
	subs    []string
	queue   queue
	made    int
	next    time.Time
	serials int
}

// New returns a Generator. The zero window is October 2026.
func New(o Options) *Generator {
	if o.From.IsZero() {
		o.From, o.To = time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	}
	g := &Generator{o: o, rng: rand.New(rand.NewPCG(o.Seed, 0x617564697462656c)), next: o.From}
	for range 12 {
		g.subs = append(g.subs, g.guid())
	}
	g.people = g.makePeople(120)
	return g
}

// Next returns the next record; false when the window has been filled.
func (g *Generator) Next() (Record, bool) {
	for g.made < g.o.Operations && (len(g.queue) == 0 || !g.queue[0].at.Before(g.next)) {
		g.begin(g.next)
		g.made++
		g.next = g.step()
	}
	if len(g.queue) == 0 {
		return Record{}, false
	}
	item, _ := heap.Pop(&g.queue).(queued)
	return item.record, true
}

// step is when the next operation begins: evenly spread with noise, denser in the hours of work.
func (g *Generator) step() time.Time {
	mean := float64(g.o.To.Sub(g.o.From)) / float64(max(g.o.Operations, 1))
	weight := 1.6
	if hour := g.next.Hour(); hour >= 7 && hour < 18 && g.next.Weekday() != time.Saturday && g.next.Weekday() != time.Sunday {
		weight = 0.45
	}
	at := g.next.Add(time.Duration(mean * weight * 2 * g.rng.Float64())).Truncate(100)
	if !at.Before(g.o.To) {
		return g.o.To.Add(-100)
	}
	return at
}

// All collects every record.
func All(o Options) []Record {
	g := New(o)
	var all []Record
	for {
		r, ok := g.Next()
		if !ok {
			return all
		}
		all = append(all, r)
	}
}

// begin puts the records of one operation into the queue, with those of the operations it causes.
func (g *Generator) begin(at time.Time) {
	k := g.pickKind()
	if !k.lifecycle {
		g.push(g.single(k, at))
		return
	}
	op := g.operation(k, at)
	g.lifecycle(op)
	if g.o.Deployments > 0 && g.rng.Float64() < g.o.Deployments {
		g.deploy(op)
		return
	}
	if g.rng.Float64() < 0.12 { // platform services act on behalf of it, under its correlation id
		child := g.operation(g.pickLifecycle(), at.Add(time.Duration(2+g.rng.IntN(25))*time.Second))
		child.Correlation = op.Correlation
		g.lifecycle(child)
	}
}

// deploy queues the other operations of a template deployment. One in a hundred is another one's again: a nested template
// that writes the same resource, or a function of the template that lists the same keys. Of real chains 1 in 500 were seen
// to hold two operations (facts: peers §0.3).
func (g *Generator) deploy(first Record) {
	done := []Record{first}
	for range 3 + g.rng.IntN(28) {
		at := done[len(done)-1].Time.Add(time.Duration(1+g.rng.IntN(20)) * time.Second)
		op := g.operation(g.pickLifecycle(), at)
		if g.rng.IntN(100) == 0 {
			op = done[g.rng.IntN(len(done))]
			op.Time = at
		}
		op.Person, op.Caller, op.Address, op.Correlation = first.Person, first.Caller, first.Address, first.Correlation
		g.lifecycle(op)
		g.made++
		done = append(done, op)
	}
}

// lifecycle queues Started, at times Accepted, and usually an end.
func (g *Generator) lifecycle(r Record) {
	start := r
	start.Status, start.SubStatus, start.Transition, start.Level = "Started", "", "BeginRequest", "Informational"
	start.Properties = slices.DeleteFunc(slices.Clone(r.Properties), func(p Pair) bool { return p.Name == "statusMessage" || p.Name == "responseBody" })
	g.push(start)
	draw, gap := g.rng.Float64(), time.Duration(5+g.rng.IntN(1500))*time.Millisecond
	if draw < 0.3 {
		gap = time.Duration(1+g.rng.IntN(900)) * time.Second
		accepted := r
		accepted.Status, accepted.SubStatus, accepted.Transition, accepted.Level = "Accepted", "Accepted", "EndRequest", "Informational"
		accepted.Time = r.Time.Add(gap / 10)
		accepted.Properties = append([]Pair{{"statusCode", "Accepted"}}, start.Properties...)
		g.push(accepted)
	}
	if draw < 0.01 {
		return // "Accepted" and never heard of again happens
	}
	end := r
	end.Time, end.Transition = r.Time.Add(gap), "EndRequest"
	end.Properties = append([]Pair{{"statusCode", end.SubStatus}}, end.Properties...)
	end.OperationID = g.guid()
	g.push(end)
}

// push finishes a record and queues it; two in a hundred are delivered again later.
func (g *Generator) push(r Record) {
	r.EventID = g.guid()
	r.Time = r.Time.Truncate(100)
	r.Submitted = r.Time.Add(time.Duration(13+g.rng.IntN(90)) * time.Second)
	heap.Push(&g.queue, queued{r.Time, g.serial(), r})
	if g.rng.Float64() < 0.02 {
		r.Again = true
		heap.Push(&g.queue, queued{r.Time.Add(time.Duration(10+g.rng.IntN(3600)) * time.Second), g.serial(), r})
	}
}

func (g *Generator) serial() int { g.serials++; return g.serials }

func (g *Generator) guid() string {
	a, b := g.rng.Uint64(), g.rng.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", uint32(a>>32), uint16(a>>16), uint16(a)&0xfff, uint16(b>>48)&0x3fff|0x8000, b&(1<<48-1))
}

func (g *Generator) subscription() string {
	if g.rng.Float64() < 0.4 { // one subscription is busier than the others
		return g.subs[0]
	}
	return g.subs[g.rng.IntN(len(g.subs))]
}

// written is a text as one of Azure's clients spells it: a tenth of the people appear in two letter cases.
func (g *Generator) written(p *Person) string {
	if p.TwoCases && g.rng.IntN(2) == 0 {
		return strings.ToUpper(p.Name[:1]) + p.Name[1:]
	}
	return p.Name
}

type queued struct {
	at     time.Time
	serial int
	record Record
}

// queue orders records by time, and equal times as they were made, so that a seed gives one order.
type queue []queued

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	if q[i].at.Equal(q[j].at) {
		return q[i].serial < q[j].serial
	}
	return q[i].at.Before(q[j].at)
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { item, _ := x.(queued); *q = append(*q, item) }
func (q *queue) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}
