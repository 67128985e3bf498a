package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/notify/webhook"
	"github.com/auditbell/auditbell/handler/pipeline"
)

type alertsCmd struct {
	Show alertsShowCmd `cmd:"" help:"Show the whole message of an alert as it is now, with the facts that a channel had no room for."`
	Undo alertsUndoCmd `cmd:"" help:"Take back what people did about an alert: an acknowledgement, a snooze, \"expected\"."`
}

type alertsShowCmd struct {
	output
	ID string `arg:"" help:"Of the alert, as its message shows it: alert-…"`
}

func (c *alertsShowCmd) run(ctx context.Context, std Surroundings) error {
	a, err := app.Open(newWorld(std))
	if err != nil {
		return err
	}
	return c.showIn(ctx, a, std)
}

// showIn prints the message, or in JSON the event that a webhook gets.
func (c *alertsShowCmd) showIn(ctx context.Context, a *app.App, std Surroundings) error {
	one, err := alertByID(ctx, a, c.ID)
	if err != nil {
		return err
	}
	m := a.Pipeline.Message(one)
	if c.json(std) {
		return writeJSON(std.Out, webhook.Render(m))
	}
	text := notify.Plain(m)
	if m.Details != "" {
		text += "\n" + notify.Clean(m.Details, true /* lines */) + "\n"
	}
	_, err = fmt.Fprint(std.Out, text)
	return err
}

func alertByID(ctx context.Context, a *app.App, id string) (alert.Alert, error) {
	one, err := a.Store.AlertByID(ctx, id)
	if errors.Is(err, alert.ErrUnknown) {
		return one, unknownAlert(id)
	}
	return one, err
}

type alertsUndoCmd struct {
	ID  string `arg:"" help:"Of the alert, as its message shows it: alert-…"`
	Act string `arg:"" optional:"" enum:"acknowledge,snooze,expect," default:"" help:"Only this: acknowledge, snooze or expect."`
	Yes bool   `help:"Take it back without asking."`
	By  string `placeholder:"NAME" help:"Who takes it back; the name of your account on this machine by default."`
}

func (c *alertsUndoCmd) run(ctx context.Context, std Surroundings) error {
	a, err := app.Open(newWorld(std))
	if err != nil {
		return err
	}
	if c.By, err = person(c.By, std); err != nil {
		return err
	}
	return c.undoIn(ctx, a, std)
}

// person is who acts, by a flag or by the account's name.
func person(by string, std Surroundings) (string, error) {
	user, _ := std.Env("USER")
	if by = cmp.Or(by, user); by == "" {
		return "", misuse("who does it is kept with it (hint: --by NAME)")
	}
	return notify.Cut(notify.Clean(by, false /* lines */), 40), nil
}

// undoIn shows what holds, asks, and takes it back. The message says so.
func (c *alertsUndoCmd) undoIn(ctx context.Context, a *app.App, std Surroundings) error {
	one, err := alertByID(ctx, a, c.ID)
	if err != nil {
		return err
	}
	var held []pipeline.Held
	for _, h := range a.Pipeline.Holding(one) {
		if c.Act == "" || c.Act == h.Name {
			held = append(held, h)
			fmt.Fprintln(std.Out, h.Sentence)
		}
	}
	if len(held) == 0 {
		return fmt.Errorf("undo %s: nothing of that kind has effect", c.ID)
	}
	if !c.Yes {
		yes, err := ask(ctx, std, "Take this back now? [y/N] ")
		if err != nil || !yes {
			return errors.Join(err, errNo)
		}
	}
	at := a.Store.Now().UTC()
	for i, h := range held {
		act := alert.Act{ID: alert.ClickID("alerts undo", c.ID, h.Name, at.Format(time.RFC3339Nano)), Kind: h.Back, By: alert.Person{ID: c.By}, At: at}
		batch := pipeline.Batch{ID: fmt.Sprintf("alerts-undo-%d-%d", time.Now().UnixNano(), i), Logger: a.Log}
		_, word, err := a.Pipeline.Do(ctx, one.Ref(), act, batch)
		if err != nil {
			return fmt.Errorf("undo %s of %s: %w", h.Name, c.ID, err)
		}
		fmt.Fprintln(std.Out, cmp.Or(word, fmt.Sprintf("Taken back at %s.", notify.Clock(at))))
	}
	return nil
}
