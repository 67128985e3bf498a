package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/payload"
	"github.com/auditbell/auditbell/handler/source"
)

// eventsOf calls visit with every event of the inputs that a command's FILE arguments name, in order, as a stream: an
// export of any size takes the memory of its largest item. An event's Record is there during visit alone. Index counts
// the items of one input from 0. Standard error names those that are no events, and what an event lacks (time, operation,
// outcome), as FILE:INDEX: kind: reason. ok is false when something was there and could not be read.
func eventsOf(ctx context.Context, files []string, std Surroundings, visit func(input string, index int, e *activity.Event) error) (ok bool, err error) {
	return readEvents(ctx, files, std, newGauge(files, std, terminal(std.Out)), visit)
}

// readEvents is eventsOf with a gauge of the caller's.
func readEvents(ctx context.Context, files []string, std Surroundings, g *gauge, visit func(string, int, *activity.Event) error) (ok bool, err error) {
	r := reading{std: std, visit: visit, gauge: g, ok: true}
	defer r.gauge.close()
	for in, err := range inputs(files, std, source.Window{}) {
		if err != nil {
			r.complain(err)
			continue
		}
		if err := r.file(ctx, in); err != nil {
			return false, err
		}
	}
	return r.ok, nil
}

type reading struct {
	std   Surroundings
	visit func(string, int, *activity.Event) error
	gauge *gauge
	ok    bool
}

func (r *reading) complain(err error) {
	r.ok = false
	fmt.Fprintf(r.std.Err, "handler: error: %v\n", err)
}

// file reads one input. Only visit and an interrupt end the command.
func (r *reading) file(ctx context.Context, in input) error {
	source, err := in.open()
	if err != nil {
		r.complain(err)
		return nil
	}
	defer source.Close()
	index := -1
	for item, err := range payload.NewDecoder(r.gauge.watch(source)).All() {
		index++
		switch {
		case err != nil:
			r.complain(fmt.Errorf("read %s: %w", in.name, err))
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		}
		r.ok = r.ok && item.Kind != payload.Invalid && !item.Lost
		if said := cmp.Or(item.Reason, item.Notice); said != "" {
			fmt.Fprintf(r.std.Err, "%s:%d: %s: %s\n", in.name, index, item.Kind, said)
		}
		if item.Kind != payload.Activity {
			continue
		}
		item.Event.Record = activity.RecordOf(item.Raw)
		if err := r.visit(in.name, index, &item.Event); err != nil {
			return err
		}
	}
	return nil
}

// gauge shows on a terminal how much was read, once that takes longer than a person likes to wait in doubt. Where the
// results go to the same terminal it stays silent: they show the progress. A nil gauge shows nothing.
type gauge struct {
	out     io.Writer
	total   int64 // bytes; -1: unknown
	started time.Time
	now     func() time.Time
	before  int64 // read before the bar appeared
	bar     *progressbar.ProgressBar
}

// patience is how long a command may read before it shows that it does.
const patience = time.Second

// newGauge returns a gauge, nil where it would be seen by no person or, unwanted, stand among the results.
func newGauge(files []string, std Surroundings, unwanted bool) *gauge {
	if !terminal(std.Err) || unwanted {
		return nil
	}
	return &gauge{out: std.Err, total: bytesOf(files, std, source.Window{}), started: time.Now(), now: time.Now}
}

// bytesOf adds up the files; -1 where one of them has no size, such as standard input.
func bytesOf(files []string, std Surroundings, w source.Window) int64 {
	var sum int64
	for in, err := range inputs(files, std, w) {
		info, statErr := os.Stat(in.name)
		if err != nil || statErr != nil || !info.Mode().IsRegular() {
			return -1
		}
		sum += info.Size()
	}
	return sum
}

// watch returns a reader of source whose bytes are counted.
func (g *gauge) watch(source io.Reader) io.Reader {
	if g == nil {
		return source
	}
	return io.TeeReader(source, g)
}

// Write counts what was read.
func (g *gauge) Write(p []byte) (int, error) {
	if g.bar == nil {
		if g.before += int64(len(p)); g.now().Sub(g.started) < patience {
			return len(p), nil
		}
		g.bar = progressbar.NewOptions64(g.total, progressbar.OptionSetWriter(g.out), progressbar.OptionSetDescription("reading"),
			progressbar.OptionShowBytes(true), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
			progressbar.OptionFullWidth())
		_ = g.bar.Add64(g.before) // progress that cannot be shown is no reason to stop
		return len(p), nil
	}
	_ = g.bar.Add(len(p))
	return len(p), nil
}

// close takes the bar away, so that what follows stands on a clean line.
func (g *gauge) close() {
	if g != nil && g.bar != nil {
		_ = g.bar.Clear()
	}
}
