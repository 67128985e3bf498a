package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/exception"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/pipeline"
)

type exceptionsCmd struct {
	List exceptionsListCmd `cmd:"" help:"List exceptions: owner, reason, end, and how many matches each suppressed."`
	End  exceptionsEndCmd  `cmd:"" help:"End an exception that a person made in a channel, before its time; with it what else was excepted at the same alert."`
}

// exceptionsListCmd is rules list --exceptions where one looks for it.
type exceptionsListCmd struct{ output }

func (c *exceptionsListCmd) run(ctx context.Context, std Surroundings) error {
	return (&rulesListCmd{output: c.output, Exceptions: true}).run(ctx, std)
}

// exceptionsEndCmd withdraws an exception. The message that it was made of says so.
type exceptionsEndCmd struct {
	ID  string `arg:"" help:"Of the exception, as exceptions list shows it."`
	Yes bool   `help:"End it without asking."`
	By  string `placeholder:"NAME" help:"Who ends it; the name of your account on this machine by default."`
}

func (c *exceptionsEndCmd) run(ctx context.Context, std Surroundings) error {
	a, err := app.Open(newWorld(std))
	if err != nil {
		return err
	}
	if c.By, err = person(c.By, std); err != nil {
		return err
	}
	return c.endIn(ctx, a, std)
}

// endIn shows the exception, asks, and ends it.
func (c *exceptionsEndCmd) endIn(ctx context.Context, a *app.App, std Surroundings) error {
	x, err := c.find(ctx, a)
	if err != nil {
		return err
	}
	line := exceptionLines([]exception.Exception{x}, nil, a.Store.Now())[0]
	if err := printExceptions(std.Out, []exceptionLine{line}); err != nil {
		return err
	}
	if !x.Active(a.Store.Now()) {
		return fmt.Errorf("end %s: it ended at %s", c.ID, notify.Clock(x.Expires))
	}
	if !c.Yes {
		yes, err := ask(ctx, std, "End this exception now? What it covers alerts again. [y/N] ")
		if err != nil || !yes {
			return errors.Join(err, errNo)
		}
	}
	return c.end(ctx, std, a, alert.Person{ID: c.By})
}

// find returns the exception; one of the file is ended in the file.
func (c *exceptionsEndCmd) find(ctx context.Context, a *app.App) (exception.Exception, error) {
	all, err := a.Exceptions.All(ctx)
	if err != nil {
		return exception.Exception{}, err
	}
	i := slices.IndexFunc(all, func(x exception.Exception) bool { return x.ID == c.ID })
	switch {
	case i < 0:
		return exception.Exception{}, fmt.Errorf("end %s: there is no such exception (hint: handler exceptions list)", c.ID)
	case strings.HasPrefix(all[i].Source, exception.File):
		return all[i], fmt.Errorf("end %s: it stands in config/%s (hint: take it out there and publish the app)", c.ID, all[i].Source)
	}
	return all[i], nil
}

// end ends the exception, and then has the alert say so.
func (c *exceptionsEndCmd) end(ctx context.Context, std Surroundings, a *app.App, by alert.Person) error {
	ended, err := a.Store.EndException(ctx, c.ID, by)
	if err != nil {
		return err
	}
	fmt.Fprintf(std.Out, "%s ended at %s.\n", c.ID, notify.Clock(ended.Expires))
	if ended.Group == "" { // stored by an earlier version
		fmt.Fprintf(std.Out, "The message of %s does not say so: it was marked before messages could.\n", ended.Alert)
		return nil
	}
	act := alert.Act{ID: alert.ClickID("exceptions end", c.ID), Kind: alert.Withdrawn, By: by, At: a.Store.Now().UTC()}
	batch := pipeline.Batch{ID: fmt.Sprintf("exceptions-end-%d", time.Now().UnixNano()), Logger: a.Log}
	_, _, err = a.Pipeline.Do(ctx, alert.Ref{Group: ended.Group, ID: ended.Alert}, act, batch)
	if errors.Is(err, alert.ErrUnknown) {
		fmt.Fprintf(std.Out, "The message of %s does not say so: the alert is no longer kept.\n", ended.Alert)
		return nil
	}
	return err
}
