package simulation

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	seedFlag   = flag.Uint64("seed", 0, "run this seed alone and print its trace")
	fromFlag   = flag.Uint64("from", 1, "the first seed")
	seedsFlag  = flag.Int("seeds", 0, "how many seeds to run; 0: as many as a test run has time for")
	workers    = flag.Int("workers", 0, "processes that share the seeds; 0: this one")
	shortFlag  = flag.String("shorten", "", "known fault or promise: with -seed, print the shortest plan's trace that shows it")
	reportFlag = flag.String("report", "", "file for the report as JSON")
)

// usualSeeds is the share of every test run.
const usualSeeds = 10

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

// again is the command that repeats a seed.
func again(seed uint64) string {
	return fmt.Sprintf("go test ./local/simulation -run 'TestSeed$' -v -args -seed %d", seed)
}

// TestSeed runs one seed for a person, who reads its trace.
func TestSeed(t *testing.T) {
	if *seedFlag == 0 {
		t.Skip("for a person: " + again(1))
	}
	p := NewPlan(*seedFlag, hubRetry(t))
	if *shortFlag != "" {
		fmt.Println(Shorten(t, p, *shortFlag).Trace)
		return
	}
	out := Run(t, p, true)
	fmt.Println(out.Trace)
	for _, v := range out.Violations {
		if known := explain(v); known != "" {
			t.Logf("%s [known: %s]", v, known)
		} else {
			t.Errorf("%s", v)
		}
	}
	if out.Err != nil {
		t.Error(out.Err)
	}
}

// TestSameSeedSameTrace runs seeds twice: a trace that cannot be repeated is worth nothing.
func TestSameSeedSameTrace(t *testing.T) {
	retry := hubRetry(t)
	for _, seed := range []uint64{1000, 1001, 1002, 1004} { // 1004 has a flood: many wait for one budget
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

// TestSeeds is the simulation: no promise is broken but for the known faults.
func TestSeeds(t *testing.T) {
	n := *seedsFlag
	if n == 0 {
		if n = usualSeeds; testing.Short() || raceDetector {
			n = 2
		}
	}
	var r Report
	if *workers > 0 {
		r = shared(t, n)
	} else {
		r = alone(t, n)
	}
	if *reportFlag != "" {
		save(t, r)
	}
	if *reportFlag == "" && (testing.Verbose() || *workers > 0) {
		fmt.Print(r.String())
	}
	for _, stop := range r.Stopped {
		t.Error(stop)
	}
	if raceDetector && len(r.Broken) > 0 {
		t.Skipf("not judged: the race detector makes goroutines run in an order of its own, so no seed repeats: %v", r.Broken)
	}
	if *reportFlag != "" {
		return // the parent process judges it
	}
	for name := range r.Broken {
		f := r.First[name]
		short := Shorten(t, NewPlan(f.Seed, hubRetry(t)), name)
		t.Errorf("%s: %s\n%s\nshortened to:\n%s", f.Rule, f.Detail, again(f.Seed), short.Trace)
	}
}

// alone runs n seeds in this process. A line for each is what a parent process counts.
func alone(t *testing.T, n int) (r Report) {
	retry := hubRetry(t)
	for i := range n {
		r.Add(Run(t, NewPlan(*fromFlag+uint64(i), retry), false))
		if *reportFlag != "" {
			fmt.Println("seed", *fromFlag+uint64(i))
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

// shared divides n seeds among processes, each with one processor: the order in which a bubble's goroutines run must not
// depend on how many there are.
func shared(t *testing.T, n int) (all Report) {
	reports := make([]Report, *workers)
	done := progress{total: n, begun: time.Now()}
	var wg sync.WaitGroup
	for i := range *workers {
		from, to := n*i / *workers, n*(i+1) / *workers
		wg.Go(func() {
			reports[i] = child(t, os.Args[0], seeds{*fromFlag + uint64(from), to - from}, done.line)
		})
	}
	wg.Wait()
	for _, r := range reports {
		all.Merge(r)
	}
	return all
}

// seeds is a row of them.
type seeds struct {
	from uint64
	n    int
}

// child runs seeds in a process of its own and reads its report.
func child(t *testing.T, program string, s seeds, line func(string)) (r Report) {
	file := filepath.Join(t.TempDir(), "report.json")
	c := exec.CommandContext(t.Context(), program, "-test.run", "TestSeeds$", "-test.timeout", "0", //nolint:gosec // ourselves
		"-from", fmt.Sprint(s.from), "-seeds", fmt.Sprint(s.n), "-report", file)
	c.Env = append(os.Environ(), "GOMAXPROCS=1", "GOGC=400")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Error(err)
		return r
	}
	var problems strings.Builder
	c.Stderr = &problems
	if err := c.Start(); err != nil {
		t.Error(err)
		return r
	}
	var last strings.Builder
	lines := bufio.NewScanner(io.TeeReader(out, &last))
	for lines.Scan() {
		line(lines.Text())
	}
	if err := c.Wait(); err != nil {
		t.Errorf("seeds from %d on: %v\n%.4000s%.4000s", s.from, err, problems.String(), last.String())
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Error(err)
		return r
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Error(err)
	}
	return r
}

// progress counts seeds and says every ten seconds how long the rest will take.
type progress struct {
	mu       sync.Mutex
	done     int
	total    int
	begun    time.Time
	reported time.Time
}

func (p *progress) line(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !strings.HasPrefix(text, "seed ") {
		return
	}
	p.done++
	if time.Since(p.reported) < 10*time.Second {
		return
	}
	p.reported = time.Now()
	took := time.Since(p.begun)
	left := took / time.Duration(p.done) * time.Duration(p.total-p.done)
	fmt.Fprintf(os.Stderr, "%d of %d seeds, %.1f a second, %s left\n", p.done, p.total, float64(p.done)/took.Seconds(), left.Round(time.Second))
}
