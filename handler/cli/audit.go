package cli

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/source"
)

type auditCmd struct {
	Name string `arg:"" enum:"${audits}" help:"What to ask: roles (30 days), deletions (7), failures (1), top operations (7), callers (30), policy failures (7), health changes (7) or creations (7)."`
	pastFlags
	Entries bool   `help:"Count log entries, as a grouping in pandas does, in place of operations: Started, Accepted and Succeeded of one operation are three entries."`
	Limit   int    `short:"n" default:"-1" help:"How many records to list, newest first; 0 for all. Totals always count all of them." placeholder:"N"`
	Format  string `enum:"auto,text,json,csv" default:"auto" help:"text, json or csv; auto is text on a terminal and JSON in a pipe."`
}

// audited is an audit's answer.
type audited struct {
	Audit  string        `json:"audit"`
	Title  string        `json:"title"`
	Window source.Window `json:"period"`
	Counts string        `json:"counts"` // operations or entries: what total and groups are numbers of
	Total  int           `json:"total"`
	Read   int           `json:"entries"` // that were read for it, each once
	By     string        `json:"by,omitempty"`
	Groups []auditGroup  `json:"groups,omitempty"`
	More   int           `json:"more_groups,omitempty"` // groups that are not shown
	Rows   []auditRow    `json:"records,omitempty"`     // newest first
}

type auditGroup struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

// auditRow is one record: the audit's columns by name.
type auditRow map[string]string

// run counts everything and lists the newest records. The same record read twice counts once.
func (c *auditCmd) run(ctx context.Context, std Surroundings) error {
	a := audits[slices.IndexFunc(audits, func(a audit) bool { return a.name == c.Name })]
	now := time.Now()
	filter, err := c.filter(now)
	if err != nil {
		return err
	}
	if c.Since == "" {
		// The period ends where the flags say, as people read `--until 2026-10-01`.
		end := now
		if c.Until != "" {
			end = filter.Window.To
		}
		filter.Window.From = end.Add(-a.period)
	}
	ok := true
	counted, err := c.count(ctx, std, &a, filter, &ok)
	if err != nil {
		return err
	}
	if err := c.print(counted, &a, std); err != nil {
		return err
	}
	if counted.Total == 0 && c.Since == "" {
		fmt.Fprintf(std.Err, "nothing in the last %s (hint: --since 2026-01-01 looks further back)\n", ago(a.period))
	}
	if !ok {
		return errNo
	}
	return nil
}

// count reads the source once. Which outcomes are asked for is decided by the last state of an operation, so all of its
// entries are read.
func (c *auditCmd) count(ctx context.Context, std Surroundings, a *audit, f source.Filter, ok *bool) (audited, error) {
	answer := audited{Audit: a.name, Title: a.title, Window: f.Window, By: a.group.name, Counts: "operations"}
	f, outcomes := a.ask(f)
	holds := func(o activity.Outcome) bool {
		return !slices.ContainsFunc(outcomes, func(any []activity.Outcome) bool { return !slices.Contains(any, o) })
	}
	ops, entries := newOperations(), 0
	for e, err := range c.each(ctx, std, f, ok) {
		if err != nil {
			return answer, err
		}
		if !a.narrow.Holds(e) {
			continue
		}
		life, first := ops.first(e)
		if !first {
			continue
		}
		if c.Entries {
			if entries++; !holds(e.Outcome) {
				continue
			}
			binary.BigEndian.PutUint64(life[:8], uint64(entries)) //nolint:gosec // counted from 1: each is one of its own
		}
		ops.add(life, e, a.groupOf(e), a.cellsOf(e))
	}
	if c.Entries {
		answer.Counts = "entries"
	}
	answer.Read = ops.entries
	return c.sum(answer, a, ops, holds), nil
}

// sum counts the operations that ended as was asked for, and lists the newest.
func (c *auditCmd) sum(answer audited, a *audit, ops *operations, holds func(activity.Outcome) bool) audited {
	groups, kept := map[string]int{}, []*operation{}
	for _, one := range ops.by {
		if !holds(one.outcome) {
			continue
		}
		kept = append(kept, one)
		if a.group.name != "" {
			groups[one.group]++
		}
	}
	answer.Total = len(kept)
	slices.SortFunc(kept, newest)
	limit := c.Limit
	if limit < 0 {
		limit = a.limit
	}
	if limit == 0 || limit > len(kept) {
		limit = len(kept)
	}
	for _, one := range kept[:limit] {
		row := auditRow{}
		for i, column := range a.rows {
			if one.cells[i] != "" {
				row[column.name] = one.cells[i]
			}
		}
		if len(row) > 0 {
			answer.Rows = append(answer.Rows, row)
		}
	}
	answer.Groups, answer.More = counts(groups, a.top)
	return answer
}

// counts puts the largest groups first, equal ones by name.
func counts(groups map[string]int, top int) (shown []auditGroup, more int) {
	for name, n := range groups {
		shown = append(shown, auditGroup{name, n})
	}
	slices.SortFunc(shown, func(a, b auditGroup) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Name, b.Name))
	})
	if top > 0 && len(shown) > top {
		return shown[:top], len(shown) - top
	}
	return shown, 0
}

// seen remembers which records were counted, by 128 bits of keyed hash: an attacker cannot choose ids that collide.
type seen struct {
	a, b maphash.Seed
	have map[[2]uint64]struct{}
}

func newSeen() *seen {
	return &seen{maphash.MakeSeed(), maphash.MakeSeed(), map[[2]uint64]struct{}{}}
}

// first reports whether id was not asked for before.
func (s *seen) first(id string) bool {
	key := [2]uint64{maphash.String(s.a, id), maphash.String(s.b, id)}
	_, have := s.have[key]
	s.have[key] = struct{}{}
	return !have
}

func (c *auditCmd) print(answer audited, a *audit, std Surroundings) error {
	switch {
	case c.Format == "csv":
		return answer.table(a, newLister("csv", std, answer.heads(a)))
	case asJSON(c.Format, std):
		return writeJSON(std.Out, answer)
	}
	fmt.Fprintf(std.Out, "%s, %s: %d %s\n", answer.Title, period(answer.Window), answer.Total, answer.unit())
	if len(answer.Groups) > 0 {
		groups := answer
		groups.Rows = nil
		fmt.Fprintln(std.Out)
		if err := groups.table(&audit{}, newLister("table", std, groups.heads(&audit{}))); err != nil {
			return err
		}
	}
	answer.others(std.Out)
	if len(answer.Rows) == 0 {
		return nil
	}
	fmt.Fprintln(std.Out)
	if err := answer.table(a, newLister("table", std, answer.heads(a))); err != nil {
		return err
	}
	if rest := answer.Total - len(answer.Rows); rest > 0 {
		fmt.Fprintf(std.Out, "… and %d older (hint: --limit 0 lists all)\n", rest)
	}
	return nil
}

// unit says what was counted.
func (r *audited) unit() string {
	if r.Counts == "entries" {
		return "entries"
	}
	return fmt.Sprintf("operations (of %d entries)", r.Read)
}

func (r *audited) others(out io.Writer) {
	if r.More > 0 {
		fmt.Fprintf(out, "… and %d more\n", r.More)
	}
}

// heads are the columns of the records, or of the groups when the audit lists no records.
func (r *audited) heads(a *audit) []head {
	if len(a.rows) == 0 {
		return []head{{name: "count", width: 7, number: true}, {name: r.By, width: 40}}
	}
	heads := make([]head, 0, len(a.rows))
	for _, column := range a.rows {
		heads = append(heads, head{name: column.name, width: column.width})
	}
	return heads
}

// table writes the records, or the groups when the audit lists no records.
func (r *audited) table(a *audit, to lister) error {
	if len(a.rows) == 0 {
		for _, g := range r.Groups {
			if err := to.row([]string{strconv.Itoa(g.Count), cmp.Or(g.Name, "-")}); err != nil {
				return err
			}
		}
		return to.end()
	}
	for _, row := range r.Rows {
		cells := make([]string, 0, len(a.rows))
		for _, column := range a.rows {
			cells = append(cells, row[column.name])
		}
		if err := to.row(cells); err != nil {
			return err
		}
	}
	return to.end()
}

// period is a window for people.
func period(w source.Window) string {
	text := "since " + w.From.UTC().Format("2006-01-02 15:04 UTC")
	if !w.To.IsZero() {
		text += " until " + w.To.UTC().Format("2006-01-02 15:04 UTC")
	}
	return text
}
