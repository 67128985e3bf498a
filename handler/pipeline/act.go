package pipeline

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/calendar"
	"github.com/auditbell/auditbell/handler/notify"
)

// verb is something that readers can do: its name, as it stands in messages and comes back with clicks, and the act that it
// is.
type verb struct {
	name, label string
	kind        alert.ActKind
}

// verbs is every act that messages offer, in this order: what does something while it does not stand, and what takes it back
// while it stands. A snooze is offered always, because it can be made longer.
var verbs = []verb{
	{"acknowledge", "Acknowledge", alert.Acknowledged},
	{"unacknowledge", "Unacknowledge", alert.Unacknowledged},
	{"snooze", "Snooze", alert.Snoozed},
	{"unsnooze", "End snooze", alert.Unsnoozed},
	{"expect", "Mark as expected", alert.Expected},
	{"withdraw", "Withdraw expected", alert.Withdrawn},
}

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
	return in.Do(ctx, ref, act, b)
}

// Do does an act that is not from a click as Act does one that is.
func (in *Intake) Do(ctx context.Context, ref alert.Ref, act alert.Act, b Batch) (Summary, error) {
	var err error
	switch act.Kind {
	case alert.Expected:
		err = in.expect(ctx, ref, act)
	case alert.Withdrawn:
		err = in.withdraw(ctx, ref, act)
	}
	if err != nil {
		return Summary{}, err
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
	if act.Kind == alert.Withdrawn { // what was marked as expected between the two writes
		err = in.end(ctx, r.Alert, act)
	}
	return sum, err
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

// withdraw ends the exceptions before the act is noted, for the same reason.
func (in *Intake) withdraw(ctx context.Context, ref alert.Ref, act alert.Act) error {
	if in.judge.Exceptions == nil {
		return ErrForeign
	}
	a, err := in.alerts.Alert(ctx, ref)
	if err != nil {
		return fmt.Errorf("read alert: %w", err)
	}
	return in.end(ctx, a, act)
}

// end ends every exception that was made of the alert. One that the store no longer has is over.
func (in *Intake) end(ctx context.Context, a alert.Alert, act alert.Act) error {
	for _, x := range a.Expectations() {
		if _, err := in.judge.Exceptions.End(ctx, x.ID, act.By); err != nil && !errors.Is(err, alert.ErrUnknown) {
			return err
		}
	}
	return nil
}

// place is the part of a value that finds the alert again: group key and id.
var place = regexp.MustCompile(`^([a-z0-9-]{1,64})\.(alert-[a-z0-9-]{1,64})$`)

// read makes an act of a click.
func (c *Composer) read(k notify.Click) (alert.Ref, alert.Act, error) {
	act := alert.Act{ID: alert.ClickID(k.Once), By: alert.Person{ID: notify.Cut(k.ByID, 40), Name: notify.Cut(notify.Clean(k.ByName, false), 80)}, At: c.Now().UTC()}
	value := k.Value
	if i := slices.IndexFunc(verbs, func(v verb) bool { return v.name == k.Action }); i >= 0 {
		act.Kind = verbs[i].kind
	}
	switch act.Kind {
	case alert.Expected:
		act.Reason, act.Until = "marked as expected in Slack", act.At.Add(c.Acting.ExpectedFor)
	case alert.Snoozed:
		var span string
		span, value, _ = strings.Cut(value, ".")
		act.Until = c.snoozed(span, act.At)
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
	for _, v := range verbs {
		if !c.offers(a, v.kind) {
			continue
		}
		one := notify.Action{Name: v.name, Label: v.label, Value: at}
		switch v.kind {
		case alert.Snoozed:
			one.Value, one.Choices = "", []notify.Choice{
				{Label: "for 1 hour", Value: "1h." + at}, {Label: "for 8 hours", Value: "8h." + at}, {Label: "until Monday", Value: "monday." + at},
			}
		case alert.Expected:
			one.Confirm = c.consequence(a)
		}
		list = append(list, one)
	}
	return list
}

// offers reports whether an act makes sense now.
func (c *Composer) offers(a alert.Alert, kind alert.ActKind) bool {
	back := kind.TakesBack()
	if !c.Acting.Expect && (kind == alert.Expected || back == alert.Expected) {
		return false
	}
	if back != "" {
		_, stands := a.Standing(back, c.Now())
		return stands
	}
	_, stands := a.Standing(kind, c.Now())
	return !stands || kind == alert.Snoozed
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

// acts lists what people did about the alert: the latest of each kind, or who took it back.
func acts(a alert.Alert) []string {
	var lines []string
	for _, kind := range []alert.ActKind{alert.Acknowledged, alert.Snoozed, alert.Expected} {
		for _, act := range slices.Backward(a.Acts) {
			if act.Kind == kind || act.Kind.TakesBack() == kind {
				lines = append(lines, sentence(act, minute))
				break
			}
		}
	}
	return lines
}

// standing is what holds now, for the headline: the act that was taken last and has effect.
func (c *Composer) standing(a alert.Alert) string {
	for _, act := range slices.Backward(a.Acts) {
		if have, stands := a.Standing(act.Kind, c.Now()); stands && have.ID == act.ID && act.Kind.TakesBack() == "" {
			act.By.Name = notify.Cut(act.By.Name, 30) // the headline is short, and the name its bearer's choice
			return sentence(act, func(t time.Time) string { return t.In(c.zone()).Format("2 Jan 15:04 MST") })
		}
	}
	return ""
}

// sentence says who did what, and when or until when.
func sentence(act alert.Act, clock func(time.Time) string) string {
	by := act.By.String()
	switch act.Kind {
	case alert.Acknowledged:
		return "Acknowledged by " + by + " at " + clock(act.At)
	case alert.Snoozed:
		return "Snoozed by " + by + " until " + clock(act.Until)
	case alert.Expected:
		return "Marked as expected by " + by + " until " + clock(act.Until)
	case alert.Unacknowledged:
		return "Acknowledgement taken back by " + by + " at " + clock(act.At)
	case alert.Unsnoozed:
		return "Snooze ended by " + by + " at " + clock(act.At)
	}
	return "Withdrawn as expected by " + by + " at " + clock(act.At)
}

// minute is exact enough for what people did, and does not look like an emoji to clients that take :44: for one.
func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
