package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/exception"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/store"
)

// rulesCmd groups what there is to know about rules. A further command is a field here, with a run method.
type rulesCmd struct {
	List  rulesListCmd  `cmd:"" help:"List the rules, or with --exceptions what causes no alert although a rule matches."`
	Test  rulesTestCmd  `cmd:"" help:"Try the examples within rules in every wire form that can carry them."`
	Match rulesMatchCmd `cmd:"" help:"Print which rules match which events, as lines of JSON."`
}

type rulesListCmd struct {
	ruleChoice
	output
	Exceptions bool `help:"List exceptions instead: owner, reason, end, and how much they silenced."`
}

// run needs no settings for the rules themselves; exceptions and their use are in the store as well.
func (c *rulesListCmd) run(ctx context.Context, std Surroundings) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if !c.Exceptions {
		return c.rules(ctx, std)
	}
	a, err := app.Open(newWorld(std))
	if err != nil {
		return err
	}
	err = c.exceptions(ctx, a, std)
	if complainLeft("exception", a.Unexcepted, std); err == nil && len(a.Unexcepted) > 0 {
		return errNo
	}
	return err
}

// exceptionLine is one exception in a listing.
type exceptionLine struct {
	exception.Exception
	State    string    `json:"state"` // "active", "expired", or "withdrawn by" whom
	Used     int       `json:"used"`  // records that it silenced
	LastUsed time.Time `json:"last_used,omitzero"`
}

func (c *rulesListCmd) exceptions(ctx context.Context, a *app.App, std Surroundings) error {
	all, err := a.Exceptions.All(ctx)
	if err != nil {
		return err
	}
	uses, err := a.Store.Uses(ctx)
	if err != nil {
		return fmt.Errorf("read use of exceptions: %w", err)
	}
	lines := exceptionLines(all, uses, a.Store.Now())
	if c.json(std) {
		return writeJSON(std.Out, lines)
	}
	return printExceptions(std.Out, lines)
}

// exceptionLines puts what ends first first: that is what has to be decided next.
func exceptionLines(all []exception.Exception, uses map[string]store.Use, now time.Time) []exceptionLine {
	lines := make([]exceptionLine, 0, len(all))
	for _, x := range all {
		l := exceptionLine{Exception: x, State: "expired", Used: uses[x.ID].Records, LastUsed: uses[x.ID].Last}
		switch {
		case x.Active(now):
			l.State = "active"
		case x.EndedBy != "":
			l.State = "withdrawn by " + x.EndedBy
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
			// Names in channels are chosen by their bearers: nothing in them may steer the terminal.
			cells[i] = notify.Clean(cells[i], false /* lines */)
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	return w.Flush()
}
