package simulation

import (
	"fmt"
	"slices"
	"strings"
)

// Provocation is what plans get more of, so that a fault that is looked for by name is met in few seeds. The oracle does not
// know of it. The zero value asks for nothing.
type Provocation struct {
	moves  []string
	faults []fault
	phases []phase
}

// often is the share of the calls that a provoked fault meets, from the beginning to the end of a plan.
const often = 0.05

// Provoke reads a list of moves, faults and phases as a report names them, separated by commas.
func Provoke(text string) (p Provocation, err error) {
	if text == "" {
		return p, nil
	}
	for one := range strings.SplitSeq(text, ",") {
		one = strings.TrimSpace(one)
		switch f, ph := fault(one), phase(one); {
		case slices.ContainsFunc(moves, func(m move) bool { return m.name == one }):
			p.moves = append(p.moves, one)
		case slices.Contains(someFaults, f) || slices.Contains(everyFault, f):
			p.faults = append(p.faults, f)
		case slices.Contains(phases, ph):
			p.phases = append(p.phases, ph)
		default:
			return p, fmt.Errorf("%q is no move, fault or phase of the simulation", one)
		}
	}
	if len(p.phases) > 0 && len(p.faults) == 0 {
		return p, fmt.Errorf("%q names phases and no fault that is to meet them", text)
	}
	return p, nil
}

// provoke adds the faults to a plan.
func (p *planner) provoke(by Provocation) {
	if len(by.faults) == 0 {
		return
	}
	of := by.phases
	if len(of) == 0 {
		of = phases
	}
	p.plan.Troubles = append(p.plan.Troubles, Trouble{To: p.plan.Length, Of: of, Faults: by.faults, Share: often})
}

// pick is the move that comes next: one by its weight, and in turn one of those that are provoked.
func (p *planner) pick() move {
	if wanted := p.provoked.moves; len(wanted) > 0 && p.chance(2) {
		name := wanted[p.IntN(len(wanted))]
		return moves[slices.IndexFunc(moves, func(m move) bool { return m.name == name })]
	}
	return moves[p.weighted()]
}
