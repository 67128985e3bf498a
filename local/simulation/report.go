package simulation

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// Report is what many seeds came to.
type Report struct {
	Seeds   int                     `json:"seeds"`
	Acts    int                     `json:"acts"`
	Steps   int                     `json:"steps"`
	Repeats int                     `json:"repeats"` // messages sent again because of the gap that cannot be closed
	Broken  map[string]int          `json:"broken"`  // promise → seeds in which it was broken
	First   map[string]Finding      `json:"first"`   // promise → where it was broken first
	Met     map[fault]map[phase]int `json:"met"`     // how often each fault met each phase
	Failed  []string                `json:"failed"`  // seeds that the simulation could not run
	Stopped *Stop                   `json:"stopped"` // the seed after which no more were run
}

// Stop is a seed of which a step did not return.
type Stop struct {
	Seed  uint64 `json:"seed"`
	Trace string `json:"trace"` // its last lines
}

// stopLines is how much of a trace is shown of a seed that stopped; its command prints all of it.
const stopLines = 40

// Finding is a violation and the seed that shows it.
type Finding struct {
	Seed   uint64 `json:"seed"`
	Rule   string `json:"rule"`
	Detail string `json:"detail"`
}

// Add takes in one seed.
func (r *Report) Add(out Outcome) {
	r.prepare()
	r.Seeds++
	r.Acts, r.Steps, r.Repeats = r.Acts+len(out.Plan.Acts), r.Steps+out.Steps, r.Repeats+out.Repeats
	if out.Err != nil {
		r.Failed = append(r.Failed, fmt.Sprintf("seed %d: %v", out.Plan.Seed, out.Err))
	}
	broken := map[string]bool{}
	for _, v := range out.Violations {
		if v.Rule == Returns {
			r.Stopped = &Stop{out.Plan.Seed, out.Trace.last(stopLines)}
		}
		if broken[v.Rule] = true; r.Broken[v.Rule] == 0 {
			r.First[v.Rule] = cmp.Or(r.First[v.Rule], Finding{out.Plan.Seed, v.Rule, v.Detail})
		}
	}
	for rule := range broken {
		r.Broken[rule]++
	}
	for f, by := range out.Met {
		r.meet(f, by)
	}
}

// Merge takes in what another process found.
func (r *Report) Merge(o Report) {
	r.prepare()
	r.Seeds, r.Acts, r.Steps, r.Repeats = r.Seeds+o.Seeds, r.Acts+o.Acts, r.Steps+o.Steps, r.Repeats+o.Repeats
	for name, n := range o.Broken {
		r.Broken[name] += n
	}
	for name, f := range o.First {
		if have, ok := r.First[name]; !ok || f.Seed < have.Seed {
			r.First[name] = f
		}
	}
	for f, by := range o.Met {
		r.meet(f, by)
	}
	r.Failed = append(r.Failed, o.Failed...)
	if o.Stopped != nil && (r.Stopped == nil || o.Stopped.Seed < r.Stopped.Seed) {
		r.Stopped = o.Stopped
	}
}

// StoppedAt reports whether something was found in a seed that stopped. It is not shortened: every try would stop as well.
func (r *Report) StoppedAt(f Finding) bool { return r.Stopped != nil && r.Stopped.Seed == f.Seed }

func (r *Report) prepare() {
	if r.Broken == nil {
		r.Broken, r.First, r.Met = map[string]int{}, map[string]Finding{}, map[fault]map[phase]int{}
	}
}

func (r *Report) meet(f fault, by map[phase]int) {
	if r.Met[f] == nil {
		r.Met[f] = map[phase]int{}
	}
	for p, n := range by {
		r.Met[f][p] += n
	}
}

// String is the report as a person reads it: what was found, and which fault met which phase.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d seeds, %d acts, %d calls, %d messages sent again because of the gap\n\n", r.Seeds, r.Acts, r.Steps, r.Repeats)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	if len(r.Broken) > 0 {
		fmt.Fprintln(w, "seeds\tfirst\tbroken promise")
	}
	for _, name := range r.Promises() {
		fmt.Fprintf(w, "%d\t%d\t%s\n", r.Broken[name], r.First[name].Seed, name)
	}
	fmt.Fprint(w, "\ncalls")
	for _, p := range phases {
		fmt.Fprintf(w, "\t%s", p)
	}
	for _, f := range slices.Concat([]fault{""}, everyFault, someFaults) {
		name := string(f)
		if f == "" {
			name = "done and answered"
		}
		fmt.Fprintf(w, "\n%s", name)
		for _, p := range phases {
			if possible(f, p) {
				fmt.Fprintf(w, "\t%d", r.Met[f][p])
			} else {
				fmt.Fprint(w, "\t–")
			}
		}
	}
	fmt.Fprintln(w)
	_ = w.Flush() // a strings.Builder takes everything
	return b.String()
}

// Promises are those that were broken, in the order of how often.
func (r *Report) Promises() []string {
	return slices.SortedFunc(maps.Keys(r.Broken), func(a, b string) int {
		return cmp.Or(r.Broken[b]-r.Broken[a], strings.Compare(a, b))
	})
}

// Unmet lists the faults that met no call of a phase, though they can: nothing is known of the program there.
func (r *Report) Unmet() (cells []string) {
	for _, f := range slices.Concat(everyFault, someFaults) {
		for _, p := range phases {
			if possible(f, p) && r.Met[f][p] == 0 {
				cells = append(cells, fmt.Sprintf("%s, %s", p, f))
			}
		}
	}
	return cells
}

// Again is the command that repeats a seed.
func Again(seed uint64, provoked string) string {
	command := fmt.Sprintf("go test ./local/simulation -run 'TestSeed$' -v -args -seed %d", seed)
	if provoked != "" {
		command += fmt.Sprintf(" -provoke %q", provoked)
	}
	return command
}
