package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/outbox"
	"github.com/auditbell/auditbell/handler/pipeline"
)

// deliverCmd shows, tries and discards what destinations are owed.
type deliverCmd struct {
	List        bool     `xor:"what" help:"List the alerts that wait for a destination (the default)."`
	Now         bool     `xor:"what" help:"Try every destination at once, and deliver what waits for those that take it."`
	Discard     []string `xor:"what" placeholder:"ID" help:"Give up deliveries of these alerts. They stay recorded, and the next digest lists them."`
	More        []string `arg:"" optional:"" name:"id" help:"Further alerts whose deliveries --discard gives up."`
	Destination string   `help:"Only this destination, by name."`
	Yes         bool     `help:"Discard without asking."`
	Format      string   `enum:"auto,table,json" default:"auto" help:"auto, table or json."`
	Limit       int      `default:"1000" help:"How many waiting alerts of a destination are looked at."`
}

// owed is one alert that waits for one destination.
type owed struct {
	Destination string `json:"destination"`
	outbox.Waiting
}

func (c *deliverCmd) run(ctx context.Context, std Surroundings) error {
	a, err := app.Open(newWorld(std))
	if err != nil {
		return err
	}
	switch c.Discard = append(c.Discard, c.More...); {
	case len(c.More) == len(c.Discard) && len(c.More) > 0:
		return fmt.Errorf("deliver: unexpected %s (hint: handler deliver --discard %[1]s gives its deliveries up)", c.More[0])
	case len(c.Discard) > 0:
		return c.discard(ctx, std, a)
	case c.Now:
		return c.now(ctx, std, a)
	}
	all, err := c.owed(ctx, a)
	if err != nil {
		return err
	}
	return c.print(std, all)
}

// owed lists what waits, for destinations that are in no settings any more as well.
func (c *deliverCmd) owed(ctx context.Context, a *app.App) ([]owed, error) {
	healths, err := a.Store.Healths(ctx)
	var all []owed
	for _, h := range healths {
		if c.Destination != "" && c.Destination != h.Name {
			continue
		}
		for _, grave := range []bool{true, false} {
			waiting, waitErr := a.Store.WaitingFor(ctx, h.Name, grave, c.Limit)
			err = errors.Join(err, waitErr)
			for _, w := range waiting {
				all = append(all, owed{h.Name, w})
			}
		}
	}
	slices.SortFunc(all, func(x, y owed) int {
		return cmp.Or(strings.Compare(x.Destination, y.Destination), x.Opened.Compare(y.Opened))
	})
	return all, err
}

func (c *deliverCmd) print(std Surroundings, all []owed) error {
	if asJSON(c.Format, std) {
		if all == nil {
			all = []owed{}
		}
		return writeJSON(std.Out, all)
	}
	if len(all) == 0 {
		fmt.Fprintln(std.Out, "No alert waits for a destination.")
		return nil
	}
	w := tabwriter.NewWriter(std.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "DESTINATION\tOPENED\tSEVERITY\tALERT")
	for _, o := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", o.Destination, o.Opened.UTC().Format(time.RFC3339), o.Severity, o.Title)
	}
	return w.Flush()
}

// rounds bounds how often --now runs; each delivers what a run of the timer does.
const rounds = 20

// now makes every probe due, and delivers as the timer does until a run brings nothing.
func (c *deliverCmd) now(ctx context.Context, std Surroundings, a *app.App) error {
	var sum pipeline.Summary
	for round := range rounds {
		for name := range a.Destinations {
			if c.Destination == "" || c.Destination == name {
				if _, _, err := a.Store.ChangeHealth(ctx, name, func(h *outbox.Health) bool { return h.Soon(a.Pipeline.Now()) }); err != nil {
					return err
				}
			}
		}
		id := fmt.Sprintf("deliver-%d-%d", time.Now().UnixNano(), round)
		one, err := a.Pipeline.DeliverDue(ctx, pipeline.Batch{ID: id, Logger: a.Log, Patience: 10 * time.Second})
		if err != nil {
			return err
		}
		sum.Sent, sum.Edited, sum.Folded = sum.Sent+one.Sent, sum.Edited+one.Edited, sum.Folded+one.Folded
		if one.Sent+one.Edited+one.Folded == 0 {
			break
		}
	}
	fmt.Fprintf(std.Out, "%d alerts were sent, %d messages updated, %d alerts counted in summaries.\n", sum.Sent, sum.Edited, sum.Folded)
	left, err := c.owed(ctx, a)
	if err != nil {
		return err
	}
	if len(left) > 0 {
		fmt.Fprintf(std.Out, "%d deliveries still wait (hint: handler check says what each destination answered)\n", len(left))
		return errNo
	}
	return nil
}

// discard gives deliveries up after it has asked, and notes who did so and when.
func (c *deliverCmd) discard(ctx context.Context, std Surroundings, a *app.App) error {
	all, err := c.owed(ctx, a)
	if err != nil {
		return err
	}
	chosen := slices.DeleteFunc(all, func(o owed) bool { return !slices.Contains(c.Discard, o.Alert) })
	for _, id := range c.Discard {
		if !slices.ContainsFunc(chosen, func(o owed) bool { return o.Alert == id }) {
			return fmt.Errorf("discard %s: no destination is owed this alert (hint: handler deliver --list)", id)
		}
	}
	if err := c.print(std, chosen); err != nil {
		return err
	}
	if !c.Yes {
		yes, err := ask(ctx, std, fmt.Sprintf("Give up these %d deliveries for good? [y/N] ", len(chosen)))
		if err != nil || !yes {
			return errors.Join(err, errNo)
		}
	}
	by, _ := std.Env("USER")
	for _, o := range chosen {
		if err := discardOne(ctx, a, o, by); err != nil {
			return err
		}
	}
	fmt.Fprintf(std.Out, "%d deliveries were discarded.\n", len(chosen))
	return nil
}

// discardOne leaves the trace first: a crash must not discard without one.
func discardOne(ctx context.Context, a *app.App, o owed, by string) error {
	now := a.Pipeline.Now()
	_, _, err := a.Store.ChangeHealth(ctx, o.Destination, func(h *outbox.Health) bool {
		h.Discard(outbox.Discarded{Alert: o.Alert, Title: o.Title, At: now.UTC(), By: by})
		return true
	})
	if err != nil {
		return err
	}
	_, err = a.Store.Change(ctx, alert.Ref{Group: o.Group, ID: o.Alert}, func(have *alert.Alert) bool {
		have.Discard(o.Destination, now)
		return true
	})
	if err != nil {
		return err
	}
	_, err = a.Store.EndWaiting(ctx, o.Destination, o.Waiting)
	return err
}
