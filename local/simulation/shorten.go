package simulation

import (
	"slices"
	"testing"

	"github.com/auditbell/auditbell/local/simulation/oracle"
)

// shortenRuns bounds how often a plan is tried with something taken out.
const shortenRuns = 60

// Shorten takes out of a plan what the breaking of a promise does not need: times of trouble, then acts, in ever smaller
// parts. It returns the outcome of the shortest plan that still breaks it, with its trace.
func Shorten(t *testing.T, p *Plan, promise string) Outcome {
	left := shortenRuns
	breaks := func(try *Plan) bool {
		left--
		out := Run(t, try)
		return slices.ContainsFunc(out.Violations, func(v oracle.Violation) bool { return v.Rule == promise })
	}
	idle := *p
	idle.Ticks, idle.Tests = nil, nil
	if breaks(&idle) {
		p = &idle
	}
	for i := len(p.Troubles) - 1; i >= 0 && left > 0; i-- {
		if try := p.without(i, nil); breaks(try) {
			p = try
		}
	}
	for size := len(p.delivered()) / 2; size > 0 && left > 0; size /= 2 {
		for _, some := range slices.Collect(slices.Chunk(p.delivered(), size)) {
			if left == 0 {
				break
			}
			if try := p.without(-1, some); breaks(try) {
				p = try
			}
		}
	}
	return Run(t, p)
}

// delivered lists the acts of which a record is delivered.
func (p *Plan) delivered() []int {
	seen := map[int]bool{}
	var acts []int
	for _, d := range p.Deliveries {
		for _, r := range d.Records {
			if !seen[r.Act] {
				seen[r.Act] = true
				acts = append(acts, r.Act)
			}
		}
	}
	return acts
}

// without is the plan without one time of trouble (-1: with all) and without some acts. Acts stay listed, so that their
// numbers stay the same; what is not delivered is not judged.
func (p *Plan) without(trouble int, acts []int) *Plan {
	short := *p
	short.Troubles = slices.Clone(p.Troubles)
	if trouble >= 0 {
		short.Troubles = slices.Delete(short.Troubles, trouble, trouble+1)
	}
	short.Clicks = slices.DeleteFunc(slices.Clone(p.Clicks), func(c Click) bool { return slices.Contains(acts, c.Act) })
	short.Deliveries = nil
	for _, d := range p.Deliveries {
		d.Records = slices.DeleteFunc(slices.Clone(d.Records), func(r Record) bool { return slices.Contains(acts, r.Act) })
		if len(d.Records) > 0 {
			short.Deliveries = append(short.Deliveries, d)
		}
	}
	return &short
}
