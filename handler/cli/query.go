package cli

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/source"
)

type queryCmd struct {
	pastFlags
	Alert   string   `help:"Only the records of this alert, or of all alerts that this summary counts; read from the store, whatever their age." placeholder:"ID"`
	Limit   int      `short:"n" help:"How many events at most; with --sort the first ones of that order." placeholder:"N"`
	Columns []string `short:"c" help:"What to list: time, outcome, operation, caller, resource_id, … and in JSON only this." placeholder:"NAME"`
	Count   bool     `help:"Say how many operations there are, in place of listing events."`
	Entries bool     `help:"With --count: count log entries in place of operations."`
	Sort    string   `help:"Order by a column, downwards with a minus: time, -time, caller. Without it, events come as they are read." placeholder:"NAME"`
	Format  string   `enum:"auto,table,json,csv" default:"auto" help:"table, json (one object per line) or csv; auto is a table on a terminal and JSON in a pipe."`
}

// usualColumns are the columns of a table without --columns.
var usualColumns = []string{"time", "outcome", "operation", "caller", "resource_id"}

// run prints events as they are found, in the memory of a piece of input. Only --sort keeps events: --limit of them,
// or all when there is no limit.
func (c *queryCmd) run(ctx context.Context, std Surroundings) error {
	filter, err := c.filter(time.Now())
	if err != nil {
		return err
	}
	if c.Limit < 0 {
		return misuse("--limit must not be negative")
	}
	var counted map[string]bool
	if c.Alert != "" {
		if counted, err = c.ofAlert(ctx, std, &filter); err != nil {
			return err
		}
	}
	ok := true
	if c.Count {
		return c.count(ctx, std, filter, counted)
	}
	events := only(counted, c.each(ctx, std, filter, &ok))
	if c.Sort != "" {
		if events, err = ordered(events, c.Sort, c.Limit); err != nil {
			return err
		}
	}
	out := bufio.NewWriterSize(std.Out, 64<<10)
	show, end, err := c.printer(std, out)
	if err != nil {
		return err
	}
	if err := first(events, c.Limit, show); err != nil {
		return err
	}
	if err := end(); err != nil {
		return err
	}
	if !ok {
		return errNo
	}
	return nil
}

// countAnswer is the answer of --count.
type countAnswer struct {
	Counts     string `json:"counts"` // operations or entries: what total is a number of
	Total      int    `json:"total"`
	Entries    int    `json:"entries"`    // that met the flags, each once; of operations, before --status is asked
	Duplicates int    `json:"duplicates"` // entries that were there before
}

// count counts as audits and digests do: operations by the last state that is seen of them.
func (c *queryCmd) count(ctx context.Context, std Surroundings, f source.Filter, counted map[string]bool) error {
	status := f.Outcomes
	f.Outcomes = nil
	holds := func(o activity.Outcome) bool { return len(status) == 0 || slices.Contains(status, o) }
	ok, ops, matching := true, newOperations(), 0
	for e, err := range only(counted, c.each(ctx, std, f, &ok)) {
		if err != nil {
			return err
		}
		life, first := ops.first(e)
		if !first {
			continue
		}
		if holds(e.Outcome) {
			matching++
		}
		if !c.Entries {
			ops.add(life, e, "", nil)
		}
	}
	answer := countAnswer{Counts: "entries", Total: matching, Entries: ops.entries, Duplicates: ops.again}
	if !c.Entries {
		answer.Counts, answer.Total = "operations", 0
		for _, one := range ops.by {
			if holds(one.outcome) {
				answer.Total++
			}
		}
	}
	return answer.print(c.Format, std, ok)
}

func (a *countAnswer) print(format string, std Surroundings, ok bool) error {
	if asJSON(format, std) {
		if err := writeJSON(std.Out, a); err != nil {
			return err
		}
	} else if _, err := fmt.Fprintf(std.Out, "%d %s (of %d entries; %d were there twice)\n", a.Total, a.Counts, a.Entries, a.Duplicates); err != nil {
		return err
	}
	if !ok {
		return errNo
	}
	return nil
}

// first gives the first n events to use; all when n is 0.
func first(events iter.Seq2[*activity.Event, error], n int, use func(*activity.Event) error) error {
	for e, err := range events {
		if err == nil {
			err = use(e)
		}
		if n--; err != nil || n == 0 {
			return err
		}
	}
	return nil
}

// printer prints events as the flags say: whole ones as `handler decode` does, or columns. On a terminal each line is
// shown at once.
func (c *queryCmd) printer(std Surroundings, out *bufio.Writer) (show func(*activity.Event) error, end func() error, err error) {
	if len(c.Columns) == 0 && c.Format != "csv" && asJSON(c.Format, std) {
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		return func(e *activity.Event) error { return encoder.Encode(e) }, out.Flush, nil
	}
	chosen, err := columnsNamed(orElse(c.Columns, usualColumns))
	if err != nil {
		return nil, nil, err
	}
	heads := make([]head, 0, len(chosen))
	for _, column := range chosen {
		heads = append(heads, head{name: column.name, width: column.width})
	}
	list := newLister(c.Format, std, heads)
	if t, ok := list.(*tableLister); ok && !t.cut {
		t.out = out
	}
	cells := make([]string, len(chosen))
	return func(e *activity.Event) error {
			for i := range chosen {
				cells[i] = chosen[i].of(e)
			}
			return list.row(cells)
		}, func() error {
			return cmp.Or(list.end(), out.Flush())
		}, nil
}

func orElse(a, b []string) []string {
	if len(a) > 0 {
		return a
	}
	return b
}

// ordered puts events in order of a column, and by id among equals. With a limit it keeps no more than twice as many.
func ordered(events iter.Seq2[*activity.Event, error], by string, limit int) (iter.Seq2[*activity.Event, error], error) {
	name, down := strings.CutPrefix(by, "-")
	chosen, err := columnsNamed([]string{name})
	if err != nil {
		return nil, err
	}
	type kept struct {
		key   string
		event activity.Event
	}
	order := func(a, b kept) int {
		if c := strings.Compare(a.key, b.key); c != 0 && down {
			return -c
		} else if c != 0 {
			return c
		}
		return strings.Compare(a.event.ID, b.event.ID)
	}
	return func(yield func(*activity.Event, error) bool) {
		var all []kept
		for e, err := range events {
			if err != nil {
				yield(nil, err)
				return
			}
			all = append(all, kept{chosen[0].of(e), *e})
			if limit > 0 && len(all) >= 2*limit+64 {
				slices.SortFunc(all, order)
				clear(all[limit:])
				all = all[:limit]
			}
		}
		slices.SortFunc(all, order)
		for i := range all {
			if !yield(&all[i].event, nil) {
				return
			}
		}
	}, nil
}
