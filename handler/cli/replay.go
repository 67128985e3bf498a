package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/exception"
	"github.com/auditbell/auditbell/handler/notify"
)

type replayCmd struct {
	ruleChoice
	pastFlags
	output
	List bool `help:"List every alert, not only how many each rule made."`
	Text bool `help:"Show the whole message of every alert, as a channel without formatting would."`

	Send   bool `help:"Send the alerts, now and marked as late: through store and channels, so that no alert is sent twice. Asks first."`
	Yes    bool `short:"y" help:"With --send: do not ask."`
	DryRun bool `help:"With --send: say what would be sent, and send nothing."`
}

// replayed is what would have happened.
type replayed struct {
	Events     int             `json:"events"` // records read, each counted once
	Duplicates int             `json:"duplicates"`
	Matched    int             `json:"matched"`  // records that meet rules which alert
	Excepted   int             `json:"excepted"` // of them, suppressed by exceptions
	Asked      *replayedAsked  `json:"asked,omitempty"`
	Known      int             `json:"known"` // operations of which the store has an alert, as far as it was asked
	Held       int             `json:"held"`  // alerts that a quiet time would have kept waiting
	Alerts     int             `json:"alerts"`
	Edits      int             `json:"edits"`    // changes of alerts that were opened already, at most: edits are debounced
	Messages   map[string]int  `json:"messages"` // first messages and summaries by destination
	Daily      []channelDays   `json:"daily"`    // what of them is a day's, by destination
	Halved     *halving        `json:"halved,omitempty"`
	Busiest    *busyHour       `json:"busiest_hour"` // by alerts opened
	Rules      []replayedRule  `json:"rules"`
	List       []replayedAlert `json:"list,omitempty"`
	Sent       *sent           `json:"sent,omitempty"` // what --send did
}

// replayedAsked are operations that no record says enough about: Azure is asked before they are judged, and what it would have
// answered is not known here.
type replayedAsked struct {
	Operations int            `json:"operations"`
	AtWorst    map[string]int `json:"at_worst"` // by the severity that they alert with, without an answer
}

// String is "12 operations are looked up first, …".
func (a *replayedAsked) String() string {
	var parts []string
	for _, severity := range slices.Backward(alert.Severities) {
		if n := a.AtWorst[severity]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, severity))
		}
	}
	return fmt.Sprintf("%d operations are looked up in Azure first, because no record says what they asked for; they are counted as what the records say, and could be at worst %s (LOOKUPS=off counts them so)",
		a.Operations, strings.Join(parts, ", "))
}

type busyHour struct {
	Hour   time.Time `json:"hour"`
	Alerts int       `json:"alerts"`
}

// replayedRule is what one rule did.
type replayedRule struct {
	ID       string        `json:"rule"`
	Title    string        `json:"title"`
	Severity string        `json:"severity"`
	Staged   bool          `json:"staged"`  // counted only
	Matched  int           `json:"matched"` // records
	Excepted int           `json:"excepted"`
	Alerts   int           `json:"alerts"` // of which it was the gravest rule when they opened
	First    activity.Time `json:"first,omitzero"`
	Last     activity.Time `json:"last,omitzero"`
}

// replayedAlert is one alert.
type replayedAlert struct {
	Time       activity.Time `json:"time"`
	Rule       string        `json:"rule"`
	Severity   string        `json:"severity"`
	Title      string        `json:"title"`
	Operations int           `json:"operations"`
	Records    int           `json:"records"`
	To         []string      `json:"to"`
	Held       string        `json:"held,omitempty"`
	Text       string        `json:"text,omitempty"`
}

// run judges exported records as if they were happening now, each at its own time. It reads everything first and keeps
// what rules care for, because exports come in any order and what belongs together is decided by time.
func (c *replayCmd) run(ctx context.Context, std Surroundings) error {
	if c.Send && !c.Yes && !c.DryRun && !terminal(std.In) {
		return misuse("--send asks before it sends, and no terminal is here to answer (hint: --send --dry-run shows what would be sent, --send --yes sends it)")
	}
	filter, err := c.filter(time.Now())
	if err != nil {
		return err
	}
	x, err := newExplainer(ctx, c.ruleChoice, std)
	if err != nil {
		return err
	}
	filter.Records = x.chosen.set.ReadsRecord() || exception.ReadsRecord(x.exceptions)
	r := newRehearsal(x)
	var s *sending
	if c.Send {
		if s, err = c.openSending(ctx, x, std); err != nil {
			return err
		}
		r.moment, r.alerted = s.begun, s.alerted(ctx)
	}
	ok := true
	for e, err := range c.each(ctx, std, filter, &ok) {
		if err != nil {
			return err
		}
		r.read(e)
	}
	result, err := r.play(c.List || c.Text, c.Text)
	if err != nil {
		return err
	}
	if !c.json(std) {
		err = result.print(std)
	}
	if s != nil && err == nil {
		err = s.run(ctx, &result, r.events)
	}
	if c.json(std) {
		err = errors.Join(err, writeJSON(std.Out, result))
	}
	if err == nil && (!ok || x.wrong) {
		return errNo
	}
	return err
}

// print shows it to a person.
func (r *replayed) print(std Surroundings) error {
	fmt.Fprintf(std.Out, "%d events, %d alerts%s", r.Events, r.Alerts, r.ratio())
	fmt.Fprintf(std.Out, "\nmatched %d, excepted %d, held for later %d, edits %d at most", r.Matched, r.Excepted, r.Held, r.Edits)
	if r.Known > 0 {
		fmt.Fprintf(std.Out, "; %d operations have alerts already", r.Known)
	}
	if r.Duplicates > 0 {
		fmt.Fprintf(std.Out, "; %d records were there twice", r.Duplicates)
	}
	fmt.Fprintln(std.Out)
	if r.Asked != nil {
		fmt.Fprintln(std.Out, r.Asked)
	}
	for _, d := range r.Daily {
		fmt.Fprintf(std.Out, "to %s: %s\n", notify.Clean(d.Destination, false /* lines */), d.String())
	}
	if r.Busiest != nil {
		fmt.Fprintf(std.Out, "busiest hour: %s, %d alerts\n", r.Busiest.Hour.Format("2006-01-02 15:04 UTC"), r.Busiest.Alerts)
	}
	if r.Halved != nil {
		fmt.Fprint(std.Out, r.Halved.String())
	}
	if len(r.Rules) == 0 {
		return nil
	}
	fmt.Fprintln(std.Out)
	rules := newLister("table", std, []head{
		{"alerts", 6, true},
		{"matched", 7, true},
		{"excepted", 8, true},
		{"severity", 13, false},
		{"rule", 28, false},
		{"first", 16, false},
		{"last", 16, false},
		{"title", 40, false},
	})
	var errs []error
	for _, one := range r.Rules {
		alerts := strconv.Itoa(one.Alerts)
		if one.Staged {
			alerts = "staged"
		}
		errs = append(errs, rules.row([]string{alerts, strconv.Itoa(one.Matched), strconv.Itoa(one.Excepted), one.Severity, one.ID, minute(one.First), minute(one.Last), one.Title}))
	}
	return cmp.Or(errors.Join(errs...), r.list(std))
}

// ratio says how many events there were to one alert.
func (r *replayed) ratio() string {
	if r.Alerts == 0 {
		return ""
	}
	return fmt.Sprintf(" (one for %d events)", r.Events/r.Alerts)
}

func (r *replayed) list(std Surroundings) error {
	if len(r.List) == 0 {
		return nil
	}
	fmt.Fprintln(std.Out)
	list := newLister("table", std, []head{{"time", 20, false}, {"severity", 13, false}, {"operations", 10, true}, {"rule", 28, false}, {"to", 20, false}, {"title", 60, false}})
	for _, one := range r.List {
		if one.Text != "" {
			fmt.Fprintf(std.Out, "── %s  %s → %s\n\n%s\n\n", notify.Clock(one.Time.Time), one.Rule, strings.Join(one.To, ", "), one.Text)
			continue
		}
		if err := list.row([]string{sortable(one.Time), one.Severity, strconv.Itoa(one.Operations), one.Rule, strings.Join(one.To, ","), one.Title}); err != nil {
			return err
		}
	}
	return nil
}

func minute(t activity.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04")
}
