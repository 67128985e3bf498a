// Command simulate runs many seeds of the simulation in several processes, or builds the program with each fault of
// testdata/faults and sees whether the simulation finds it. It is make simulate and make faults.
//
// It exits with 1 when a promise is broken or a fault is not found, and with 2 when it cannot work.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/auditbell/auditbell/local/simulation"
)

// options are what the command line asks for.
type options struct {
	seeds, workers int
	from           uint64
	faults, all    bool
	fault          string
}

func main() {
	var o options
	flag.IntVar(&o.seeds, "seeds", 0, "how many `seeds` to run; with -faults: at most for each (default 1000, and 2000)")
	flag.Uint64Var(&o.from, "from", 1, "the first `seed`")
	flag.IntVar(&o.workers, "workers", 2, "`processes` that share the work")
	flag.BoolVar(&o.faults, "faults", false, "look for each fault of testdata/faults")
	flag.StringVar(&o.fault, "fault", "", "of testdata/faults, the one with this `name` alone")
	flag.BoolVar(&o.all, "all", false, "with -faults: go on after a fault was found, and count the seeds that find it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	found, err := run(ctx, o, os.Stdout, os.Stderr)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "simulate:", err)
		os.Exit(2)
	case found:
		os.Exit(1)
	}
}

// run reports whether there is something to look into.
func run(ctx context.Context, o options, out, progress io.Writer) (found bool, err error) {
	b, err := newBench(ctx)
	if err != nil {
		return false, err
	}
	defer b.close()
	if o.faults || o.fault != "" {
		return faults(ctx, b, o, out)
	}
	return seeds(ctx, b, o, out, progress)
}

// bench is where programs are built and run.
type bench struct{ root, folder string }

func newBench(ctx context.Context) (*bench, error) {
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return nil, fmt.Errorf("find the module (hint: run it within the repository): %w", err)
	}
	folder, err := os.MkdirTemp("", "simulate")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the programs: %w", err)
	}
	return &bench{strings.TrimSpace(string(root)), folder}, nil
}

func (b *bench) close() { _ = os.RemoveAll(b.folder) } // a folder for temporary files

// simulation is the folder of the package that is run.
func (b *bench) simulation() string { return filepath.Join(b.root, "local", "simulation") }

// build makes the test program of the simulation. overlay is a file for go build, or empty.
func (b *bench) build(ctx context.Context, name, overlay string) (program string, err error) {
	program = filepath.Join(b.folder, name+".test")
	args := []string{"test", "-c", "-ldflags=-s -w", "-o", program}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	c := exec.CommandContext(ctx, "go", append(args, "./local/simulation")...) //nolint:gosec // fixed arguments
	c.Dir = b.root
	if text, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the simulation: %w\n%s", err, text)
	}
	return program, nil
}

// seeds runs them all and prints what was found.
func seeds(ctx context.Context, b *bench, o options, out, progress io.Writer) (found bool, err error) {
	if o.seeds == 0 {
		o.seeds = 1000
	}
	program, err := b.build(ctx, "simulation", "")
	if err != nil {
		return false, err
	}
	r, err := b.share(ctx, program, o, progress)
	if err != nil {
		return false, err
	}
	fmt.Fprint(out, r.String())
	for _, failed := range r.Failed {
		fmt.Fprintln(out, "\nnot run:", failed)
	}
	for _, promise := range r.Promises() {
		if err := b.show(ctx, exhibit{program: program, out: out}, r, promise); err != nil {
			return true, err
		}
	}
	unmet := r.Unmet()
	if len(unmet) > 0 {
		fmt.Fprintf(out, "\nnever met in %d seeds (hint: more seeds, or more trouble in plan.go): %s\n", r.Seeds, strings.Join(unmet, " · "))
	}
	return len(r.Broken)+len(r.Failed) > 0 || len(unmet) > 0 && r.Seeds >= enoughForAll, nil
}

// show prints the first seed that breaks a promise: its command, and the shortest trace that shows it. A seed that stops is
// not shortened: every try would stop as well.
func (b *bench) show(ctx context.Context, e exhibit, r simulation.Report, promise string) error {
	f := r.First[promise]
	fmt.Fprintf(e.out, "\n%s: %s\n%s\n", f.Rule, f.Detail, simulation.Again(f.Seed, e.provoked))
	if r.StoppedAt(f) {
		fmt.Fprintf(e.out, "the trace up to there ends:\n%s\n", r.Stopped.Trace)
		return nil
	}
	fmt.Fprintln(e.out, "shortened to:")
	return b.shorten(ctx, e, f)
}

// exhibit is where a seed is shown: the program that runs it, and what its plans get more of.
type exhibit struct {
	program, provoked string
	out               io.Writer
}

// enoughForAll is how many seeds must have had each fault in each phase.
const enoughForAll = 200
