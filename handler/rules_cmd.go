package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/auditbell/auditbell/handler/exception"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/store"
)

// rulesCmd groups what there is to know about rules. A further command is a field here, with a run method.
type rulesCmd struct {
	List rulesListCmd `cmd:"" help:"List the rules, or with --exceptions what must not ring although a rule matches."`
}

type rulesListCmd struct {
	Exceptions bool   `help:"List exceptions instead: owner, reason, end, and how much they silenced."`
	Format     string `enum:"auto,table,json" default:"auto" help:"auto, table or json."`
}

// run needs no settings for the rules themselves; exceptions and their use are in the store as well.
func (c *rulesListCmd) run(ctx context.Context, std stdio) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	a, err := openApp(newWorld(std, nil))
	if c.Exceptions {
		if err != nil {
			return err
		}
		return c.exceptions(ctx, a, std)
	}
	if a.pipeline.Rules == nil {
		return err
	}
	return c.rules(a, std)
}

// ruleLine is one rule in a listing.
type ruleLine struct {
	ID     string `json:"rule"`
	Level  string `json:"level"`
	Status string `json:"status,omitempty"`
	Rings  bool   `json:"rings"` // false: evaluated and counted only, or switched off
	Title  string `json:"title"`
	Author string `json:"author,omitempty"`
	File   string `json:"file"`
}

func (c *rulesListCmd) rules(a *app, std stdio) error {
	lines := make([]ruleLine, 0, len(a.rules))
	for _, r := range a.rules {
		lines = append(lines, ruleLine{r.ID, string(r.Level), r.Status, r.Rings(), r.Title, r.Author, r.Where()})
	}
	if asJSON(c.Format, std) {
		return writeJSON(std.out, lines)
	}
	w := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "RULE\tLEVEL\tRINGS\tTITLE\tFILE")
	for _, l := range lines {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", l.ID, l.Level, yesNo(l.Rings), l.Title, l.File)
	}
	return w.Flush()
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// exceptionLine is one exception in a listing.
type exceptionLine struct {
	exception.Exception
	State    string    `json:"state"` // "active" or "expired"
	Used     int       `json:"used"`  // records that it silenced
	LastUsed time.Time `json:"last_used,omitzero"`
}

func (c *rulesListCmd) exceptions(ctx context.Context, a *app, std stdio) error {
	all, err := a.exceptions.All(ctx)
	if err != nil {
		return err
	}
	uses, err := a.store.Uses(ctx)
	if err != nil {
		return fmt.Errorf("read use of exceptions: %w", err)
	}
	lines := exceptionLines(all, uses, a.now())
	if asJSON(c.Format, std) {
		return writeJSON(std.out, lines)
	}
	return printExceptions(std.out, lines)
}

// exceptionLines puts what ends first first: that is what somebody has to decide on.
func exceptionLines(all []exception.Exception, uses map[string]store.Use, now time.Time) []exceptionLine {
	lines := make([]exceptionLine, 0, len(all))
	for _, x := range all {
		l := exceptionLine{Exception: x, State: "expired", Used: uses[x.ID].Records, LastUsed: uses[x.ID].Last}
		if x.Active(now) {
			l.State = "active"
		}
		lines = append(lines, l)
	}
	slices.SortFunc(lines, func(a, b exceptionLine) int {
		return cmp.Or(a.Expires.Compare(b.Expires), strings.Compare(a.ID, b.ID))
	})
	return lines
}

func printExceptions(out io.Writer, lines []exceptionLine) error {
	if len(lines) == 0 {
		_, err := fmt.Fprintln(out, "no exceptions")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "EXCEPTION\tSTATE\tEXPIRES\tUSED\tLAST USED\tOWNER\tRULES\tREASON\tFROM")
	for _, l := range lines {
		used, last := "never", "-"
		if l.Used > 0 {
			used, last = fmt.Sprint(l.Used), l.LastUsed.UTC().Format(time.DateTime)
		}
		reason := l.Reason
		if l.Ticket != "" {
			reason += " (" + l.Ticket + ")"
		}
		cells := []string{l.ID, l.State, l.Expires.UTC().Format(time.DateTime), used, last, l.Owner, strings.Join(l.Rules, ","), reason, l.Source}
		for i := range cells {
			// Names in channels are chosen by whoever bears them: nothing in them may steer the terminal.
			cells[i] = notify.Clean(cells[i], false /* lines */)
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	return w.Flush()
}
