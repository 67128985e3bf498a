package simulation

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auditbell/auditbell/local/simulation/oracle"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "run this seed alone and print its trace")
	fromFlag  = flag.Uint64("from", 1, "the first seed")
	seedsFlag = flag.Int("seeds", 0, "how many seeds to run; 0: as many as a test run has time for")
)

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

func repeat(seed uint64) string {
	return fmt.Sprintf("go test ./local/simulation -run TestSeed$ -v -seed %d", seed)
}

// TestSeed runs one seed for a person, who reads its trace.
func TestSeed(t *testing.T) {
	if *seedFlag == 0 {
		t.Skip("for a person: " + repeat(1))
	}
	out := Run(t, NewPlan(*seedFlag, hubRetry(t)), true)
	fmt.Println(out.Trace)
	for _, v := range out.Violations {
		t.Errorf("%s [%s]", v, explain(v))
	}
	if out.Err != nil {
		t.Error(out.Err)
	}
}

// TestSameSeedSameTrace runs seeds twice: a trace that cannot be repeated is worth nothing.
func TestSameSeedSameTrace(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	retry := hubRetry(t)
	for seed := uint64(1000); seed < 1003; seed++ {
		a, b := Run(t, NewPlan(seed, retry), true), Run(t, NewPlan(seed, retry), true)
		if a.Hash != b.Hash {
			t.Errorf("seed %d: %s", seed, firstDifference(a.Trace, b.Trace))
		}
	}
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return fmt.Sprintf("line %d\n%s\n%s", i+1, x[i], y[i])
		}
	}
	return fmt.Sprintf("%d lines and %d", len(x), len(y))
}

func TestSeeds(t *testing.T) {
	if *seedsFlag == 0 {
		t.Skip("-seeds N runs N of them")
	}
	retry, n := hubRetry(t), *seedsFlag
	found := map[string]int{}
	met := map[fault]map[phase]int{}
	begun, reported := time.Now(), time.Now()
	var acts, repeats, unknown int
	for i := range n {
		seed := *fromFlag + uint64(i)
		out := Run(t, NewPlan(seed, retry), false)
		acts, repeats = acts+len(out.Plan.Acts), repeats+out.Repeats
		if out.Err != nil {
			t.Errorf("seed %d: %v\n%s", seed, out.Err, repeat(seed))
		}
		names := map[string]bool{}
		for _, v := range out.Violations {
			name := explain(v)
			if name == "" {
				unknown++
				t.Errorf("seed %d: %s {%s}", seed, v, v.Part)
			}
			names[name] = true
		}
		for name := range names {
			found[name]++
		}
		for f, by := range out.Met {
			if met[f] == nil {
				met[f] = map[phase]int{}
			}
			for p, c := range by {
				met[f][p] += c
			}
		}
		if time.Since(reported) > 10*time.Second {
			reported = time.Now()
			fmt.Printf("%d of %d seeds, %s\n", i+1, n, time.Since(begun).Round(time.Second))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		fmt.Printf("%5d  %s\n", found[name], name)
	}
	fmt.Println(acts, "acts", repeats, "repeats", unknown, "unknown", met)
}

var _ = oracle.Judge
