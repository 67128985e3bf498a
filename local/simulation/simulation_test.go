package simulation

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"testing"
)

// The program in folder simulate sets these; a person sets seed and shorten.
var (
	seedFlag   = flag.Uint64("seed", 0, "print the trace of this seed")
	shortFlag  = flag.String("shorten", "", "with -seed: a promise; print the trace of the shortest plan that breaks it")
	fromFlag   = flag.Uint64("from", 1, "the first seed")
	seedsFlag  = flag.Int("seeds", 0, "how many seeds to run; 0: as many as a test run has time for")
	moreFlag   = flag.String("provoke", "", "moves, faults and phases that plans get more of, separated by commas")
	untilFlag  = flag.String("until", "", "a promise; no more seeds are run once it is broken")
	reportFlag = flag.String("report", "", "file for the report as JSON; what it says is left to its reader")
)

// The share of every test run, of one with the race detector, and of a short one.
const (
	usualSeeds  = 75
	racingSeeds = 10
	shortSeeds  = 1
)

// costsEvery is of how many seeds one is run a second time without faults: more where a person asked for seeds.
func costsEvery() int {
	if *reportFlag != "" {
		return 5
	}
	return 10
}

// hubRetry is the retry policy of eventhub-activity as it is published.
func hubRetry(t *testing.T) HubRetry {
	raw, err := os.ReadFile("../../functions/eventhub-activity/function.json")
	if err != nil {
		t.Fatal(err)
	}
	var f struct{ Retry HubRetry }
	if err := json.Unmarshal(raw, &f); err != nil {
		t.Fatal(err)
	}
	return f.Retry
}

func provocation(t *testing.T) Provocation {
	p, err := Provoke(*moreFlag)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestSeed runs one seed, and prints its trace for a person who names it.
func TestSeed(t *testing.T) {
	p := NewPlan(cmp.Or(*seedFlag, usualSeeds+1), hubRetry(t), provocation(t))
	var out Outcome
	if *shortFlag != "" {
		out = Shorten(t, p, *shortFlag)
	} else {
		out = Run(t, p)
	}
	if *seedFlag != 0 {
		fmt.Println(out.Trace)
	}
	for _, v := range out.Violations {
		t.Error(v)
	}
	if out.Err != nil {
		t.Error(out.Err)
	}
}

// TestSameSeedSameTrace runs seeds twice: a trace that cannot be repeated is worth nothing. The race detector changes the
// order in which the Go runtime lets goroutines go on, and must not change the trace.
func TestSameSeedSameTrace(t *testing.T) {
	retry := hubRetry(t)
	repeated := []uint64{1001, 1004} // 1004 has a flood: many wait for one budget
	if testing.Short() {
		repeated = repeated[:1]
	}
	for _, seed := range repeated {
		a, b := Run(t, NewPlan(seed, retry, Provocation{})), Run(t, NewPlan(seed, retry, Provocation{}))
		if d := a.Trace.difference(b.Trace); d != "" {
			t.Errorf("seed %d: %s", seed, d)
		}
	}
}

// TestSeeds is the simulation: no promise is broken.
func TestSeeds(t *testing.T) {
	n := *seedsFlag
	switch {
	case n > 0:
	case testing.Short():
		n = shortSeeds
	case racing:
		n = racingSeeds
	default:
		n = usualSeeds
	}
	r := several(t, n)
	if *reportFlag != "" {
		save(t, r)
		return
	}
	if testing.Verbose() {
		fmt.Print(r.String())
	}
	for _, failed := range r.Failed {
		t.Error(failed)
	}
	for _, promise := range r.Promises() {
		f := r.First[promise]
		if r.StoppedAt(f) {
			t.Errorf("%s: %s\n%s\nthe trace up to there ends:\n%s", f.Rule, f.Detail, Again(f.Seed, *moreFlag), r.Stopped.Trace)
			continue
		}
		short := Shorten(t, NewPlan(f.Seed, hubRetry(t), provocation(t)), promise)
		t.Errorf("%s: %s\n%s\nshortened to:\n%s", f.Rule, f.Detail, Again(f.Seed, *moreFlag), short.Trace)
	}
}

// several runs n seeds. A line for each is what the program in folder simulate counts.
func several(t *testing.T, n int) (r Report) {
	retry, more := hubRetry(t), provocation(t)
	for i := range n {
		out := Run(t, NewPlan(*fromFlag+uint64(i), retry, more))
		if i%costsEvery() == 0 && len(out.Plan.Troubles) > 0 {
			out.Violations = append(out.Violations, Costs(t, out)...)
		}
		r.Add(out)
		if *reportFlag != "" {
			fmt.Println("seed", *fromFlag+uint64(i))
		}
		if r.Broken[*untilFlag] > 0 || r.Stopped != nil {
			break
		}
	}
	return r
}

func save(t *testing.T, r Report) {
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(*reportFlag, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}
