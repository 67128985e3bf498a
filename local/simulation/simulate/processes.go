package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/auditbell/auditbell/local/simulation"
)

// row is a number of seeds one after the other, until a promise is broken if one is named.
type row struct {
	from    uint64
	n       int
	until   string
	provoke string
}

// share divides the seeds among processes.
func (b *bench) share(ctx context.Context, program string, o options, progress io.Writer) (all simulation.Report, err error) {
	workers := min(max(o.workers, 1), o.seeds)
	reports, errs := make([]simulation.Report, workers), make([]error, workers)
	done := counter{out: progress, total: o.seeds, begun: time.Now()}
	var wg sync.WaitGroup
	for i := range workers {
		from, to := o.seeds*i/workers, o.seeds*(i+1)/workers
		wg.Go(func() {
			reports[i], errs[i] = b.seeds(ctx, program, row{from: o.from + uint64(from), n: to - from}, done.line)
		})
	}
	wg.Wait()
	for _, r := range reports {
		all.Merge(r)
	}
	return all, errors.Join(errs...)
}

// seeds runs a row of seeds. After one that stopped, another process goes on with the next.
func (b *bench) seeds(ctx context.Context, program string, s row, line func(string)) (all simulation.Report, err error) {
	for {
		r, err := b.child(ctx, program, s, line)
		all.Merge(r)
		if err != nil || r.Stopped == nil || all.Broken[s.until] > 0 {
			return all, err
		}
		done := int(r.Stopped.Seed - s.from + 1)
		if s.from, s.n = s.from+uint64(done), s.n-done; s.n <= 0 {
			return all, nil
		}
	}
}

// child runs seeds in a process of its own and reads its report. line is given each line that it prints.
func (b *bench) child(ctx context.Context, program string, s row, line func(string)) (r simulation.Report, err error) {
	file := filepath.Join(b.folder, fmt.Sprintf("%s-%d.json", filepath.Base(program), s.from))
	c := b.command(ctx, program, "TestSeeds", "-from", fmt.Sprint(s.from), "-seeds", fmt.Sprint(s.n), "-until", s.until, "-provoke", s.provoke, "-report", file)
	out, err := c.StdoutPipe()
	if err != nil {
		return r, fmt.Errorf("read what a process prints: %w", err)
	}
	var problems, last bytes.Buffer
	c.Stderr = &problems
	if err := c.Start(); err != nil {
		return r, fmt.Errorf("start a process: %w", err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if line(lines.Text()); !strings.HasPrefix(lines.Text(), "seed ") {
			last.WriteString(lines.Text() + "\n")
		}
	}
	if err := c.Wait(); err != nil {
		return r, fmt.Errorf("seeds from %d on: %w\n%.4000s%.4000s", s.from, err, problems.String(), last.String())
	}
	raw, err := os.ReadFile(file) //nolint:gosec // our own
	if err != nil {
		return r, fmt.Errorf("read a report: %w", err)
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return r, fmt.Errorf("read %s: %w", file, err)
	}
	return r, nil
}

// shorten prints the shortest trace that shows what was found.
func (b *bench) shorten(ctx context.Context, e exhibit, f simulation.Finding) error {
	c := b.command(ctx, e.program, "TestSeed", "-seed", fmt.Sprint(f.Seed), "-provoke", e.provoked, "-shorten", f.Rule)
	c.Stdout = e.out
	var failed *exec.ExitError
	if err := c.Run(); err != nil && !errors.As(err, &failed) { // it fails, because a promise is broken
		return fmt.Errorf("shorten seed %d: %w", f.Seed, err)
	}
	return nil
}

// command is a test of the simulation with one processor, of which each process keeps one busy.
func (b *bench) command(ctx context.Context, program, test string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, program, append([]string{"-test.run", test + "$", "-test.timeout", "0"}, args...)...) //nolint:gosec // built by us
	c.Dir = b.simulation()
	c.Env = append(os.Environ(), "GOMAXPROCS=1")
	return c
}

// counter counts seeds and says every ten seconds how long the rest will take.
type counter struct {
	mu       sync.Mutex
	out      io.Writer
	done     int
	total    int
	begun    time.Time
	reported time.Time
}

func (c *counter) line(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !strings.HasPrefix(text, "seed ") {
		return
	}
	c.done++
	if time.Since(c.reported) < 10*time.Second {
		return
	}
	c.reported = time.Now()
	took := time.Since(c.begun)
	left := took / time.Duration(c.done) * time.Duration(c.total-c.done)
	fmt.Fprintf(c.out, "%d of %d seeds, %.1f a second, %s left\n", c.done, c.total, float64(c.done)/took.Seconds(), left.Round(time.Second))
}
