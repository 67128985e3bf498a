package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/tools/txtar"

	"github.com/auditbell/auditbell/local/simulation"
)

// patch is a fault that the program does not have: texts to replace in its files, the promise that it breaks, and what plans
// get more of so that few seeds find it. It is applied with go test -overlay, so there is no switch in the program.
type patch struct {
	name, why, breaks, provoked string
	edits                       []replacement
}

type replacement struct{ file, old, now string }

// patches reads testdata/faults. In a file stand what the fault is, "breaks: " and the promise, "provoked by: " and moves,
// faults and phases (simulation.Provoke) where it needs any, and sections "-- FILE: old --" and "-- FILE: new --", whose last
// line break does not count.
func patches(root string) (all []patch, err error) {
	files, err := filepath.Glob(filepath.Join(root, "local/simulation/testdata/faults/*.txt"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no faults in %s/local/simulation/testdata/faults", root)
	}
	for _, file := range files {
		p, err := read(file)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

func read(file string) (patch, error) {
	a, err := txtar.ParseFile(file)
	if err != nil {
		return patch{}, fmt.Errorf("read a fault: %w", err)
	}
	p := patch{name: strings.TrimSuffix(filepath.Base(file), ".txt")}
	why, breaks, ok := strings.Cut(strings.TrimSpace(string(a.Comment)), "\nbreaks: ")
	breaks, p.provoked, _ = strings.Cut(breaks, "\nprovoked by: ")
	if _, err := simulation.Provoke(p.provoked); err != nil {
		return p, fmt.Errorf("%s: %w", file, err)
	}
	if p.why, p.breaks = why, breaks; !ok || len(a.Files) == 0 || len(a.Files)%2 != 0 {
		return p, fmt.Errorf("%s: wanted a sentence, a line \"breaks: \", and pairs of old and new texts", file)
	}
	for i := 0; i < len(a.Files); i += 2 {
		p.edits = append(p.edits, replacement{
			strings.TrimSuffix(a.Files[i].Name, ": old"), strings.TrimSuffix(string(a.Files[i].Data), "\n"), strings.TrimSuffix(string(a.Files[i+1].Data), "\n"),
		})
	}
	return p, nil
}

// apply returns the patched texts by file. A text that is not there exactly once is an error.
func (p patch) apply(root string) (map[string]string, error) {
	texts := map[string]string{}
	for _, e := range p.edits {
		file := filepath.Join(root, e.file)
		if _, ok := texts[file]; !ok {
			raw, err := os.ReadFile(file) //nolint:gosec // of the repository
			if err != nil {
				return nil, fmt.Errorf("fault %s: %w", p.name, err)
			}
			texts[file] = string(raw)
		}
		if n := strings.Count(texts[file], e.old); n != 1 {
			return nil, fmt.Errorf("fault %s does not apply to %s any more: its old text is there %d times (hint: write it again for the code of today, in testdata/faults/%s.txt)\n%s", p.name, e.file, n, p.name, e.old)
		}
		texts[file] = strings.Replace(texts[file], e.old, e.now, 1)
	}
	return texts, nil
}

// overlay writes the patched files and the list of them that go build reads.
func (p patch) overlay(b *bench) (file string, err error) {
	texts, err := p.apply(b.root)
	if err != nil {
		return "", err
	}
	replace := map[string]string{}
	for original, text := range texts {
		patched := filepath.Join(b.folder, fmt.Sprintf("%s-%d.go", p.name, len(replace)))
		if err := os.WriteFile(patched, []byte(text), 0o600); err != nil {
			return "", fmt.Errorf("write a fault: %w", err)
		}
		replace[original] = patched
	}
	raw, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", fmt.Errorf("encode an overlay: %w", err)
	}
	file = filepath.Join(b.folder, p.name+".json")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		return "", fmt.Errorf("write an overlay: %w", err)
	}
	return file, nil
}

// faults builds the program with each fault and expects the promise to be broken that it names.
func faults(ctx context.Context, b *bench, o options, out io.Writer) (missed bool, err error) {
	all, err := patches(b.root)
	if err != nil {
		return false, err
	}
	if o.seeds == 0 {
		o.seeds = 2000
	}
	queue := make(chan patch)
	var mu sync.Mutex
	var errs []error
	looked := 0
	var wg sync.WaitGroup
	for range max(o.workers, 1) {
		wg.Go(func() {
			for p := range queue {
				line, found, err := p.look(ctx, b, o)
				mu.Lock()
				fmt.Fprint(out, line)
				missed, errs, looked = missed || !found, append(errs, err), looked+1
				mu.Unlock()
			}
		})
	}
	for _, p := range all {
		if o.fault == "" || o.fault == p.name {
			queue <- p
		}
	}
	close(queue)
	wg.Wait()
	if looked == 0 {
		return false, fmt.Errorf("no fault %q in testdata/faults", o.fault)
	}
	return missed, errors.Join(errs...)
}

// look says how many seeds find the fault, or which is the first.
func (p patch) look(ctx context.Context, b *bench, o options) (line string, found bool, err error) {
	overlay, err := p.overlay(b)
	if err != nil {
		return "", false, err
	}
	program, err := b.build(ctx, p.name, overlay)
	if err != nil {
		return "", false, fmt.Errorf("fault %s: %w", p.name, err)
	}
	defer func() { _ = os.Remove(program) }() // each takes 60 MB
	s := row{o.from, o.seeds, p.breaks, p.provoked}
	if o.all {
		s.until = ""
	}
	r, err := b.seeds(ctx, program, s, func(string) {})
	if err != nil {
		return "", false, fmt.Errorf("fault %s: %w", p.name, err)
	}
	if r.Broken[p.breaks] == 0 {
		return fmt.Sprintf("NOT FOUND in %d seeds\t%s\t%s: %s (broken were %v)\n", r.Seeds, p.name, p.breaks, p.why, r.Broken), false, nil
	}
	line = fmt.Sprintf("%d of %d seeds, first %d\t%s\t%s: %s\n", r.Broken[p.breaks], r.Seeds, r.First[p.breaks].Seed, p.name, p.breaks, p.why)
	if o.fault == "" {
		return line, true, nil
	}
	var trace strings.Builder
	err = b.show(ctx, exhibit{program, p.provoked, &trace}, r, p.breaks)
	return line + trace.String(), true, err
}
