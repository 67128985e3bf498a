package simulation

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/auditbell/auditbell/local/azure"
	"github.com/auditbell/auditbell/local/simulation/oracle"
)

// Plan is everything that happens outside of the program, drawn from a seed before anything runs. Taking something out of
// a plan leaves the rest as it was, which is how a failing one is shortened.
type Plan struct {
	Seed        uint64
	Length      time.Duration
	Instances   int
	Ahead       []time.Duration // of the instances' clocks
	Acts        []oracle.Act
	Deliveries  []Delivery
	Clicks      []Click
	Troubles    []Trouble
	Ticks       []time.Duration // of the timer deliver, although nothing may be owed
	Settings    map[string]string
	Config      map[string]string
	Directory   azure.Directory
	Channels    []string // by the names that routes know; three, so that no plan costs more than another
	HubRetry    HubRetry
	Tests       []time.Duration // when the daily test is due
	Comparisons []time.Duration // when Azure's list is compared
	Log         []azure.Entry   // Azure's list
	Unfed       []int           // acts that nothing but the list has
	Moves       []string        // what the adversary does, for the report
}

// planner draws a plan.
type planner struct {
	*rand.Rand
	plan   *Plan
	number int
	epoch  time.Time

	exceptions, maintenance []string        // entries of the operator's files
	listed                  map[string]bool // records in Azure's list; nil: it is not compared

	provoked Provocation
}

// NewPlan draws the plan of a seed. The bubble's clock starts at a fixed moment, so times are known beforehand.
func NewPlan(seed uint64, retry HubRetry, more Provocation) *Plan {
	p := &planner{Rand: rand.New(rand.NewPCG(seed, 0x91a7)), epoch: bubbleStart, provoked: more}
	p.plan = &Plan{
		Seed: seed, Length: time.Duration(3+p.IntN(5)) * 24 * time.Hour, Instances: 2 + p.IntN(2), HubRetry: retry,
		Config: map[string]string{}, Directory: directory(),
	}
	if p.chance(5) {
		p.plan.Length = time.Duration(8+p.IntN(23)) * 24 * time.Hour
	}
	for range 3 {
		p.plan.Ahead = append(p.plan.Ahead, time.Duration(p.IntN(601)-300)*time.Second)
	}
	p.channels()
	p.timers()
	p.signIn()
	p.troubles()
	p.provoke(more)
	p.fill(60)
	p.unfed("what no feed brings")
	p.operate()
	for at := 6 * time.Hour; at < p.plan.Length; at += 24 * time.Hour {
		p.plan.Ticks = append(p.plan.Ticks, at)
	}
	slices.SortStableFunc(p.plan.Deliveries, func(a, b Delivery) int { return int(a.At - b.At) })
	return p.plan
}

// bubbleStart is when time begins in a testing/synctest bubble (its documentation).
var bubbleStart = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// routes sends everything everywhere.
const routes = "routes:\n  - to: [\"*\"]\n"

// fill makes moves until there are about as many acts as wanted.
func (p *planner) fill(acts int) {
	for len(p.plan.Acts) < acts {
		m := p.pick()
		p.plan.Moves = append(p.plan.Moves, m.name)
		m.make(p, m.name)
	}
}

// weighted picks a move by its weight.
func (p *planner) weighted() int {
	sum := 0
	for _, m := range moves {
		sum += m.weight
	}
	at := p.IntN(sum)
	for i, m := range moves {
		if at -= m.weight; at < 0 {
			return i
		}
	}
	return 0
}

func (p *planner) chance(oneIn int) bool { return p.IntN(oneIn) == 0 }

// moment is any time of the plan, with room behind it; often one at which something misbehaves.
func (p *planner) moment() time.Duration {
	if len(p.plan.Troubles) > 0 && p.chance(3) {
		t := p.plan.Troubles[p.IntN(len(p.plan.Troubles))]
		return t.From + time.Duration(p.Int64N(int64(t.To-t.From))).Truncate(time.Second)
	}
	return p.any()
}

func (p *planner) any() time.Duration {
	return time.Hour + time.Duration(p.Int64N(int64(p.plan.Length-6*time.Hour))).Truncate(time.Second)
}

// next numbers things, so that no name is a part of another.
func (p *planner) next() int {
	p.number++
	return p.number
}

func (p *planner) actor() string { return fmt.Sprintf("user%04d@contoso.example", p.next()) }

func (p *planner) group() string { return fmt.Sprintf("rg-%04d", p.next()) }

func (p *planner) guid(what string) string { return guid(p.plan.Seed, p.next(), what) }

// troubles draws the times in which services misbehave: about half of a plan's days are calm.
func (p *planner) troubles() {
	for range p.IntN(5) {
		from := p.any()
		t := Trouble{From: from, To: from + time.Duration(1+p.IntN(120))*time.Minute, Share: []float64{0.02, 0.05, 0.1, 0.3}[p.IntN(4)]}
		switch p.IntN(8) {
		case 0:
			t.Of, t.Faults = []phase{storeRead, storeWrite, storeQuery}, []fault{refused, broken, lost, late, stale}
		case 1:
			t.Of, t.Faults = sending, []fault{refused, broken, lost, late}
		case 2:
			t.Of, t.Faults, t.Channel, t.Share = sending, []fault{refused, broken}, p.plan.Channels[p.IntN(3)], 1
		case 3:
			t.Of, t.Faults, t.Share = phases, []fault{killedBefore, killedAfter}, min(t.Share, 0.05)
		case 4:
			t.Of, t.Faults = []phase{lookUp, mailCommand, answer}, everyFault
			t.Share = max(t.Share, 0.1)
		case 5:
			t.Of, t.Faults, t.Share = phases, append(slices.Clone(everyFault), stale), min(t.Share, 0.05)
		case 6:
			t.Of, t.Faults, t.Share, t.From, t.To = rare[p.plan.Seed%2:][:1], slices.Concat(everyFault, []fault{odd, garbled}), 0.35, 0, p.plan.Length
		case 7:
			p.outage(&t)
		}
		p.plan.Troubles = append(p.plan.Troubles, t)
	}
}

// rare are calls of which a seed has few, so that faults must meet them often.
var rare = []phase{lookUp, edit}

// channels draws the three channels of a plan. Slack is among them, because readers click there.
func (p *planner) channels() {
	r := rand.New(rand.NewPCG(p.plan.Seed, 0xc4a2))
	lead, audit := mailbox("lead@contoso.example"), mailbox("audit@contoso.example")
	p.plan.Channels = [][]string{
		{"slack", "teams", "webhook"}, {"slack", "teams", lead}, {"slack", lead, "webhook"}, {"slack", lead, audit}, {"slack", "teams", "webhook"},
	}[r.IntN(5)]
	p.plan.Settings = map[string]string{"MAIL_PROVIDER": []string{"smtp", "acs", "graph"}[r.IntN(3)]}
}

// signIn has a proxy answer in place of a channel, in some plans: 2xx with a page to sign in on, whether or not the message went
// through.
func (p *planner) signIn() {
	r := rand.New(rand.NewPCG(p.plan.Seed, 0x2dd))
	if r.IntN(4) > 0 {
		return
	}
	from := time.Hour + time.Duration(r.Int64N(int64(p.plan.Length-6*time.Hour))).Truncate(time.Second)
	p.plan.Troubles = append(p.plan.Troubles, Trouble{
		From: from, To: from + time.Duration(5+r.IntN(300))*time.Minute, Of: []phase{post, edit}, Faults: [][]fault{{odd}, {garbled}, {odd, garbled}}[r.IntN(3)],
		Channel: p.plan.Channels[r.IntN(3)], Share: []float64{0.3, 1}[r.IntN(2)],
	})
}

// outage has one channel take no messages at all for days or weeks: it is not there, or it refuses the token or the channel.
func (p *planner) outage(t *Trouble) {
	t.Of, t.Faults, t.Channel, t.Share = sending, []fault{[]fault{refused, broken, forbidden}[p.IntN(3)]}, p.plan.Channels[p.IntN(3)], 1
	t.To = t.From + time.Duration(6+p.IntN(15*24))*time.Hour
}

// out reports whether a channel takes no messages for days.
func (p *Plan) out(at time.Duration) bool {
	return slices.ContainsFunc(p.Troubles, func(t Trouble) bool { return t.Share == 1 && t.From <= at && at < t.To-time.Hour })
}

// directory is what Azure knows of the ids that the acts name.
func directory() azure.Directory {
	return azure.Directory{Roles: map[string]azure.Role{
		ownerRole:  {Name: "Owner", Actions: []string{"*"}},
		readerRole: {Name: "Reader", Actions: []string{"*/read"}},
	}, Objects: map[string]azure.Object{}}
}

const (
	ownerRole  = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
	readerRole = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
)
