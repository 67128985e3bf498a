package simulation

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/auditbell/auditbell/local/simulation/oracle"
)

// Report is what many seeds came to.
type Report struct {
	Seeds   int                     `json:"seeds"`
	Acts    int                     `json:"acts"`
	Steps   int                     `json:"steps"`
	Repeats int                     `json:"repeats"` // messages sent again because of the gap that cannot be closed
	Known   map[string]int          `json:"known"`   // known fault → seeds in which it was found
	Broken  map[string]int          `json:"broken"`  // promise → seeds in which it was broken, and no known fault explains it
	First   map[string]Finding      `json:"first"`   // known fault or promise → where it was found first
	Met     map[fault]map[phase]int `json:"met"`     // how often each fault met each phase
	Stopped []string                `json:"stopped"` // seeds that did not come to their end
}

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
		r.Stopped = append(r.Stopped, fmt.Sprintf("seed %d: %v", out.Plan.Seed, out.Err))
	}
	known, broken := map[string]bool{}, map[string]bool{}
	for _, v := range out.Violations {
		name := explain(v)
		if name == "" {
			broken[v.Rule] = true
		} else {
			known[name] = true
		}
		r.first(out.Plan.Seed, v)
	}
	count(r.Known, known)
	count(r.Broken, broken)
	for f, by := range out.Met {
		r.meet(f, by)
	}
}

// Merge takes in what another process found.
func (r *Report) Merge(o Report) {
	r.prepare()
	r.Seeds, r.Acts, r.Steps, r.Repeats = r.Seeds+o.Seeds, r.Acts+o.Acts, r.Steps+o.Steps, r.Repeats+o.Repeats
	for name, n := range o.Known {
		r.Known[name] += n
	}
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
	r.Stopped = append(r.Stopped, o.Stopped...)
}

func (r *Report) prepare() {
	if r.Known == nil {
		r.Known, r.Broken, r.First, r.Met = map[string]int{}, map[string]int{}, map[string]Finding{}, map[fault]map[phase]int{}
	}
}

// nameOf is the known fault behind a violation, else the promise that it breaks.
func nameOf(v oracle.Violation) string { return cmp.Or(explain(v), v.Rule) }

func (r *Report) first(seed uint64, v oracle.Violation) {
	name := nameOf(v)
	if _, ok := r.First[name]; !ok {
		r.First[name] = Finding{seed, v.Rule, v.Detail}
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

func count(into map[string]int, names map[string]bool) {
	for name := range names {
		into[name]++
	}
}

// String is the report as a person reads it: what was found, and which fault met which phase.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d seeds, %d acts, %d calls, %d messages sent again because of the gap\n\n", r.Seeds, r.Acts, r.Steps, r.Repeats)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "seeds\tfirst\tknown fault")
	for _, name := range r.names(r.Known) {
		fmt.Fprintf(w, "%d\t%d\t%s\n", r.Known[name], r.First[name].Seed, name)
	}
	for _, name := range r.names(r.Broken) {
		fmt.Fprintf(w, "%d\t%d\tNOT KNOWN: %s\n", r.Broken[name], r.First[name].Seed, name)
	}
	fmt.Fprint(w, "\ncalls")
	for _, p := range phases {
		fmt.Fprintf(w, "\t%s", p)
	}
	for _, f := range slices.Concat([]fault{""}, everyFault, []fault{stale}) {
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

// names are in the order of how often they were found.
func (r *Report) names(of map[string]int) []string {
	return slices.SortedFunc(maps.Keys(of), func(a, b string) int {
		if of[a] != of[b] {
			return of[b] - of[a]
		}
		return strings.Compare(a, b)
	})
}
