package pipeline

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/calendar"
	"github.com/auditbell/auditbell/handler/notify"
)

// The names of what readers can do, as they stand in messages and come back with clicks.
const (
	acknowledge = "acknowledge"
	snooze      = "snooze"
	expect      = "expect"
)

// ErrForeign is returned for a click that is on nothing that we put into a message.
var ErrForeign = errors.New("not an action of ours")

// Acting is what channels that can call back make possible. The zero value offers nothing.
type Acting struct {
	Interactive bool           // somebody answers clicks; messages carry actions
	Expect      bool           // "mark as expected" is among them
	ExpectedFor time.Duration  // how long "mark as expected" holds
	Zone        *time.Location // of the people who read; nil: UTC. A snooze until Monday ends there at nine.
}

// Act does what a reader clicked, once for each click, and shows it: commit, deliver, mark, as for an event. The edit
// goes out within ctx; what does not make it is brought by the timer. The error is ErrForeign or alert.ErrUnknown when
// there is nothing to act on; any other means that nothing was done and the reader may try again.
func (in *Intake) Act(ctx context.Context, c notify.Click, b Batch) (Summary, error) {
	ref, act, err := in.composer.read(c)
	if err != nil {
		return Summary{}, err
	}
	if act.Kind == alert.Expected {
		if err := in.expect(ctx, ref, act); err != nil {
			return Summary{}, err
		}
	}
	r, err := in.alerts.Act(ctx, ref, act, in.courier.lease(b.ID))
	if err != nil {
		return Summary{RU: r.RU}, err
	}
	b.Logger.Info("acted", "alert", ref.ID, "act", act.Kind, "by", act.By.ID, "until", act.Until, "duplicate", r.Duplicate, "changed", r.Changed)
	sum := Summary{RU: r.RU}
	if r.Leased {
		sum.add(in.courier.deliver(ctx, r.Alert, b))
	}
	return sum, nil
}

// expect makes the exception before the act is noted: a message must not say that something is expected while it
// still rings. Killed in between, it leaves an exception that rules list shows, and a button that can be clicked again.
func (in *Intake) expect(ctx context.Context, ref alert.Ref, act alert.Act) error {
	if in.judge.Exceptions == nil {
		return ErrForeign
	}
	a, err := in.alerts.Alert(ctx, ref)
	if err != nil {
		return fmt.Errorf("read alert: %w", err)
	}
	return in.judge.Exceptions.Keep(ctx, a.Expect(act))
}

// place is the part of a value that finds the alert again: group key and id.
var place = regexp.MustCompile(`^([a-z0-9-]{1,64})\.(alert-[a-z0-9-]{1,64})$`)

// read makes an act of a click.
func (c *Composer) read(k notify.Click) (alert.Ref, alert.Act, error) {
	act := alert.Act{ID: alert.ClickID(k.Once), By: alert.Person{ID: notify.Cut(k.ByID, 40), Name: notify.Cut(notify.Clean(k.ByName, false), 80)}, At: c.Now().UTC()}
	value := k.Value
	switch k.Action {
	case acknowledge:
		act.Kind = alert.Acknowledged
	case expect:
		act.Kind, act.Reason, act.Until = alert.Expected, "marked as expected in Slack", act.At.Add(c.Acting.ExpectedFor)
	case snooze:
		var span string
		span, value, _ = strings.Cut(value, ".")
		act.Kind, act.Until = alert.Snoozed, c.snoozed(span, act.At)
	}
	found := place.FindStringSubmatch(value)
	if found == nil || act.Kind == "" || act.Kind == alert.Snoozed && act.Until.IsZero() || act.By.ID == "" {
		return alert.Ref{}, act, ErrForeign
	}
	return alert.Ref{Group: found[1], ID: found[2]}, act, nil
}

// snoozed is the end of a snooze; zero for one that is not offered.
func (c *Composer) snoozed(span string, now time.Time) time.Time {
	switch span {
	case "1h":
		return now.Add(time.Hour)
	case "8h":
		return now.Add(8 * time.Hour)
	case "monday":
		return monday(now, c.zone())
	}
	return time.Time{}
}

// monday is nine o'clock of the next Monday after today.
func monday(now time.Time, zone *time.Location) time.Time {
	return calendar.DayOf(now, zone).Date.Monday().Add(0, 0, 7).At(9*time.Hour, zone).UTC()
}

func (c *Composer) zone() *time.Location {
	if c.Acting.Zone == nil {
		return time.UTC
	}
	return c.Acting.Zone
}

// actions are what readers can still do about the alert.
func (c *Composer) actions(a alert.Alert) []notify.Action {
	if !c.Acting.Interactive {
		return nil
	}
	at := a.Group + "." + a.ID
	var list []notify.Action
	if _, done := a.LastAct(alert.Acknowledged); !done {
		list = append(list, notify.Action{Name: acknowledge, Label: "Acknowledge", Value: at})
	}
	list = append(list, notify.Action{Name: snooze, Label: "Snooze", Choices: []notify.Choice{
		{Label: "for 1 hour", Value: "1h." + at}, {Label: "for 8 hours", Value: "8h." + at}, {Label: "until Monday", Value: "monday." + at},
	}})
	if last, done := a.LastAct(alert.Expected); c.Acting.Expect && (!done || !last.Until.After(c.Now())) {
		list = append(list, notify.Action{Name: expect, Label: "Mark as expected", Value: at, Confirm: c.consequence(a)})
	}
	return list
}

// consequence says what "mark as expected" will do, so that nobody silences more than they mean to.
func (c *Composer) consequence(a alert.Alert) string {
	who, where := a.Event.Caller, a.Event.ResourceGroup
	if who == "" {
		who = "the same actor"
	}
	if where == "" {
		where = "the same scope"
	}
	what := fmt.Sprintf("%q", a.Rule.Title)
	if n := len(a.Also); n > 0 {
		what += fmt.Sprintf(" and what else rang here (%d more)", n)
	}
	until := c.Now().Add(c.Acting.ExpectedFor).In(c.zone())
	return fmt.Sprintf("Until %s, %s will not ring for %s in %s. It is still recorded and counted. You are named as the owner.",
		until.Format("2 January 15:04 MST"), what, notify.Cut(who, 80), notify.Cut(where, 60))
}

// acts tells what people did about the alert, the latest of each kind.
func acts(a alert.Alert) []string {
	var lines []string
	for _, kind := range []alert.ActKind{alert.Acknowledged, alert.Snoozed, alert.Expected} {
		act, ok := a.LastAct(kind)
		if !ok {
			continue
		}
		line := "Acknowledged by " + act.By.String() + " at " + minute(act.At)
		switch kind {
		case alert.Snoozed:
			line = "Snoozed by " + act.By.String() + " until " + minute(act.Until)
		case alert.Expected:
			line = "Marked as expected by " + act.By.String() + " until " + minute(act.Until)
		}
		lines = append(lines, line)
	}
	return lines
}

// minute is exact enough for what people did, and does not look like an emoji to clients that take :44: for one.
func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
