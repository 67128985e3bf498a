package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/calendar"
	"github.com/auditbell/auditbell/handler/notify"
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
// goes out within ctx; what does not make it is brought by the timer. word is for the person who clicked where the message
// does not show what they meant; empty: it does. The error is ErrForeign or alert.ErrUnknown when there is nothing to act on;
// with any other the reader may try again.
func (in *Intake) Act(ctx context.Context, c notify.Click, b Batch) (sum Summary, word string, err error) {
	ref, act, err := in.composer.read(c)
	if err == nil {
		sum, word, err = in.Do(ctx, ref, act, b)
	}
	if err != nil {
		word = unacted(err)
	}
	return sum, word, err
}

// Do does an act that is not from a click as Act does one that is.
func (in *Intake) Do(ctx context.Context, ref alert.Ref, act alert.Act, b Batch) (sum Summary, word string, err error) {
	switch act.Kind {
	case alert.Expected:
		err = in.expect(ctx, ref, act)
	case alert.Withdrawn:
		err = in.withdraw(ctx, ref, act)
	}
	if err != nil {
		return sum, "", err
	}
	r, err := in.alerts.Act(ctx, ref, act, in.courier.lease(b.ID))
	sum.RU = r.RU
	if err != nil {
		return sum, "", err
	}
	b.Logger.Info("acted", "alert", ref.ID, "act", act.Kind, "by", act.By.ID, "until", act.Until, "duplicate", r.Duplicate, "changed", r.Changed)
	var marked alert.Alert
	if b.marked = &marked; r.Leased {
		sum.add(in.courier.deliver(ctx, r.Alert, b))
	}
	if act.Kind == alert.Withdrawn || act.Kind == alert.Expected {
		err = in.endOvertaken(ctx, r.Alert)
	}
	return sum, in.composer.word(r, act, marked), err
}

// unacted says to a person why their click did nothing.
func unacted(err error) string {
	switch {
	case errors.Is(err, ErrForeign):
		return "This button is none that Auditbell answers now. Nothing was changed."
	case errors.Is(err, alert.ErrUnknown):
		return "The alert of this message is not stored any more. Nothing was changed."
	}
	return "Your click may not be stored. Please click again if the message does not show it in a minute."
}

// word is for a person whose act the message does not show: another decision holds, or the message was posted again. marked is
// the alert as it was delivered after it; zero: it was not.
func (c *Composer) word(r alert.Decision, act alert.Act, marked alert.Alert) string {
	row := rowOf(act.Kind)
	have, stands := r.Alert.Standing(row.kind, c.Now())
	shown := r.Changed && (have.ID == act.ID && stands || act.Kind == row.back && !stands)
	switch {
	case r.Duplicate:
		return ""
	case !shown:
		return "No effect: " + cmp.Or(row.history(r.Alert), "there is nothing to take back") + "."
	}
	for name, d := range r.Alert.Deliveries {
		if now, ok := marked.Deliveries[name]; ok && d.Channel != "" && now.Ref != d.Ref {
			return "The message that you clicked in is gone. The alert was posted again, with what you did."
		}
	}
	return ""
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

// end ends every exception that was made of the alert before it was withdrawn; a later decision holds. One that the store no
// longer has is over.
func (in *Intake) end(ctx context.Context, a alert.Alert, withdrawn alert.Act) error {
	for _, x := range a.Expectations() {
		if x.Created.After(withdrawn.At) {
			continue
		}
		if _, err := in.judge.Exceptions.End(ctx, x.ID, withdrawn.By); err != nil && !errors.Is(err, alert.ErrUnknown) {
			return err
		}
	}
	return nil
}

// endOvertaken ends what was marked as expected beside a withdrawal of a later decision: neither may leave an exception that the
// message does not show.
func (in *Intake) endOvertaken(ctx context.Context, a alert.Alert) error {
	for _, act := range slices.Backward(a.Acts) {
		switch act.Kind {
		case alert.Withdrawn:
			return in.end(ctx, a, act)
		case alert.Expected:
			return nil
		}
	}
	return nil
}

// place is the part of a value that finds the alert again: group key and id.
var place = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^([a-z0-9-]{1,64})\.(alert-[a-z0-9-]{1,64})$`) })

// read makes an act of a click.
func (c *Composer) read(k notify.Click) (alert.Ref, alert.Act, error) {
	act := alert.Act{ID: alert.ClickID(k.Once), By: alert.Person{ID: notify.Cut(k.ByID, 40), Name: notify.Cut(notify.Clean(k.ByName, false), 80)}, At: c.Now().UTC()}
	value := k.Value
	row, undoes := clicked(k.Action)
	switch {
	case row == nil:
		return alert.Ref{}, act, ErrForeign
	case undoes:
		act.Kind = row.back
	default:
		act.Kind = row.kind
		value = row.begin(&act, value, c)
	}
	found := place().FindStringSubmatch(value)
	if found == nil || !undoes && row.ends && act.Until.IsZero() || act.By.ID == "" {
		return alert.Ref{}, act, ErrForeign
	}
	return alert.Ref{Group: found[1], ID: found[2]}, act, nil
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
