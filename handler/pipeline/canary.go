package pipeline

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/calendar"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/rules"
)

// Canary is the daily test: an event of our own making that goes the way of every other one, from the bytes of a published
// form to the channels. That it arrives proves the way on days on which nothing else does.
//
// What makes an event the test is its form, activity.FormCanary, and its id. Main gives it both (Mark) after the bytes were
// read; no payload is read as either. So nobody outside can send a test, and an event that looks like one is an event.
// The test in turn is nobody's activity: it takes no part in correlations, exceptions, staged rules, feeds and storms, and
// the store keeps it where no listing and no rollup looks.
type Canary struct {
	Off  bool
	At   time.Duration  // of the day, in Zone
	Zone *time.Location // nil: UTC
	rule *rules.Set
}

//go:embed auditbell-canary.yml
var canaryRule embed.FS

// NewCanary compiles the test's rule.
func NewCanary(at time.Duration, zone *time.Location) (*Canary, error) {
	all, err := rules.Load(canaryRule, ".")
	if err != nil {
		return nil, err
	}
	set, err := rules.Compile(all)
	if err != nil {
		return nil, err
	}
	return &Canary{At: at, Zone: zone, rule: set}, nil
}

// Day is the day of a moment, and when the test of that day is due.
func (c *Canary) Day(now time.Time) (day string, due time.Time) { return c.due(c.day(now)) }

// dayBefore is the day before that of a moment, and when its test was due.
func (c *Canary) dayBefore(now time.Time) (day string, due time.Time) {
	return c.due(c.day(c.day(now).From.Add(-1)))
}

func (c *Canary) day(now time.Time) calendar.Day { return calendar.DayOf(now, c.zone()) }

func (c *Canary) due(day calendar.Day) (string, time.Time) {
	return day.Date.String(), day.Date.At(c.At, c.zone()).UTC()
}

func (c *Canary) zone() *time.Location {
	if c.Zone == nil {
		return time.UTC
	}
	return c.Zone
}

// Mark makes an event the test of a day. Without a correlation id it is an operation of its own, whose key nobody else
// can have; the id is that of the day, so that the store takes it once, however many instances send it however often.
func Mark(e activity.Event, day string) activity.Event {
	e.ID, e.Form, e.CorrelationID, e.ResourceName = "canary-"+strings.ReplaceAll(day, "-", ""), activity.FormCanary, "", day
	return e
}

// CanaryRef finds the test of a day in the store. It follows from the day alone, so there is nothing to remember.
func CanaryRef(day string) alert.Ref {
	rule := alert.Rule{ID: alert.CanaryRule, GroupBy: []string{"resource_name"}}
	one := alert.New(alert.Finding{Event: Mark(activity.Event{}, day), Rule: rule}, time.Time{})
	return one.Ref()
}

func isCanary(e *activity.Event) bool { return e.Form == activity.FormCanary }

// met is the one rule that the test must meet.
func (c *Canary) met(e *activity.Event) []alert.Rule {
	var met []alert.Rule
	if c != nil {
		for _, r := range c.rule.Match(nil, e) {
			met = append(met, alertRule(r))
		}
	}
	return met
}

// CanaryDeadline is how long a test may take to each of its readers, after a quiet time if there is one.
const CanaryDeadline = overdueAfter

// CanaryStart is when the delivery of a test could begin.
func CanaryStart(a *alert.Alert, d alert.Delivery) time.Time {
	if d.HeldUntil.After(a.Opened) {
		return d.HeldUntil
	}
	return a.Opened
}

// canaryPatience is how long after its time a test may be sent at the latest: the function that sends it looks every ten
// minutes by default, and a store that is down must not ring twice.
const canaryPatience = 2 * time.Hour

// watchCanary rings when the day's test was not sent, or has not reached a destination in time.
func (w *Watch) watchCanary(ctx context.Context, b Batch) error {
	if w.judge.Canary == nil || w.judge.Canary.Off {
		return nil
	}
	now := w.judge.Now()
	day, due := w.judge.Canary.Day(now)
	sent, err := w.watchTest(ctx, b, day)
	if sent || err != nil {
		return err
	}
	if now.Before(due.Add(canaryPatience)) {
		before, _ := w.judge.Canary.dayBefore(due)
		_, err := w.watchTest(ctx, b, before)
		return err
	}
	// Whoever has just come back from being down sends the test within minutes. Only who has been there for a while and
	// did not is broken.
	there, err := w.watchedBefore(ctx, now)
	if err != nil || !there {
		return err
	}
	w.notice(ctx, b, concern{
		kind: "canary-missing", title: "The daily test was not sent", subject: "canary", to: w.judge.everywhere(),
		detail: fmt.Sprintf("The test of %s was due at %s. Until one arrives nobody knows whether an event would.", day, due.Format(clockFormat)),
		steps:  []string{"See whether the function canary runs, and what it logs.", "handler check tells when the last test was sent and where it arrived."},
	})
	return nil
}

// watchTest rings for every destination that the test of a day has not reached in time; sent is false when there is no
// such test. What was given up has rung already.
func (w *Watch) watchTest(ctx context.Context, b Batch, day string) (sent bool, err error) {
	a, err := w.own.Alert(ctx, CanaryRef(day))
	if errors.Is(err, alert.ErrUnknown) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for _, name := range slices.Sorted(maps.Keys(a.Deliveries)) {
		d := a.Deliveries[name]
		if d.Revision > 0 || d.Parked() || w.judge.Now().Sub(CanaryStart(&a, d)) <= CanaryDeadline {
			continue
		}
		w.notice(ctx, b, concern{
			kind: "canary-late", title: "The daily test has not reached " + name, subject: name, to: w.others(name),
			detail: fmt.Sprintf("The test of %s was sent at %s and is not there yet; delivery goes on.", day, a.Opened.UTC().Format(clockFormat)),
			steps:  []string{"See whether the service is down or asks for fewer messages.", "The log says why each attempt failed."},
		})
	}
	return true, nil
}

// canaryMessage tells that it is a test before anything else: in the headline, in the sentence and in the small print.
func canaryMessage(a alert.Alert) notify.Message {
	return notify.Message{
		ID: a.ID, Severity: notify.Informational, Headline: a.Rule.Title, Time: a.Opened,
		Summary: "This is a test that Auditbell sends itself once a day. Nothing happened in Azure and nothing needs to be done. " + a.Rule.Reason,
		Facts: []notify.Fact{
			{Name: "Test of", Value: a.Event.ResourceName},
			{Name: "Sent", Value: a.Opened.UTC().Format(clockFormat), Time: a.Opened},
		},
		Context: []string{"Auditbell about itself: a test, no event", "rule " + a.Rule.ID + ", by which config/auditbell.yaml may route it elsewhere", a.ID},
	}
}
