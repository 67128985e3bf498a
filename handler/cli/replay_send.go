package cli

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/pipeline"
)

// sending is a backfill: the alerts that a replay found go through the pipeline, as if a feed had brought it, and comes
// to people marked as late. Everything that keeps a feed from alerting twice keeps a backfill from it too, so one that
// was interrupted is simply run again.
type sending struct {
	cmd    *replayCmd
	opened *app.App
	std    Surroundings
	begun  time.Time // by the store's clock
	batch  pipeline.Batch
	sum    pipeline.Summary
	bar    *progressbar.ProgressBar // nil: no terminal
}

// replayedOn begins the reason with which a backfill is marked; what an earlier one left is found by it.
const replayedOn = "replayed on "

// sent is what became of a backfill.
type sent struct {
	Events   int      `json:"events"`   // that rules care for, handed to the pipeline
	Recorded int      `json:"recorded"` // of them, not in the store before
	Opened   int      `json:"opened"`   // alerts
	Messages int      `json:"messages"` // first messages of alerts and summaries
	Edited   int      `json:"edited"`
	Folded   int      `json:"folded"` // counted in a summary, by channel
	Stuck    int      `json:"stuck"`  // given up; handler check lists them
	Left     []unsent `json:"left,omitempty"`
}

// unsent is what a destination is still owed when the command ends.
type unsent struct {
	To     string `json:"to"`
	Alerts int    `json:"alerts"`
	Held   string `json:"held,omitempty"`   // the quiet time that they wait for; the deliver function sends them
	Reason string `json:"reason,omitempty"` // why they could not be sent
}

// openSending opens what the functions run with. Wrong settings are said before anything is read.
func (c *replayCmd) openSending(ctx context.Context, x *explainer, std Surroundings) (*sending, error) {
	a, err := app.Open(newWorld(std))
	if err != nil {
		return nil, fmt.Errorf("open what the functions run with (hint: `handler check`): %w", err)
	}
	if err := a.Store.Check(ctx); err != nil {
		return nil, err
	}
	a.Pipeline.Rules = x.chosen.set // --rules may have chosen others than those that are served
	s := &sending{cmd: c, opened: a, std: std, begun: a.Store.Now().UTC()}
	s.batch = pipeline.Batch{ID: "replay-" + rand.Text()[:8], Function: "replay", Logger: a.Log, Late: replayedOn + s.begun.Format(time.DateOnly)}
	return s, nil
}

func (s *sending) alerted(ctx context.Context) func(*activity.Event) (bool, error) {
	return func(e *activity.Event) (bool, error) {
		known, _, err := s.opened.Store.Known(ctx, *e)
		return known, err
	}
}

// run asks, sends and says what became of it. The events are in order of time.
func (s *sending) run(ctx context.Context, planned *replayed, events []activity.Event) error {
	if s.cmd.DryRun {
		return nil
	}
	if !s.cmd.Yes && planned.Alerts > 0 {
		ok, err := ask(ctx, s.std, question(planned))
		if err != nil || !ok {
			fmt.Fprintln(s.std.Err, "nothing was sent")
			return cmp.Or(err, errNo)
		}
	}
	err := s.record(ctx, events)
	var left []unsent
	if err == nil {
		left, err = s.deliver(ctx)
	}
	planned.Sent = s.sent(len(events), left)
	if !s.cmd.json(s.std) {
		planned.Sent.print(s.std.Out)
	}
	if err != nil {
		return fmt.Errorf("send (hint: run the same again; what was sent is not sent twice): %w", err)
	}
	if planned.Sent.failed() {
		return errNo
	}
	return nil
}

// question says what a yes would do.
func question(planned *replayed) string {
	var to []string
	for _, name := range slices.Sorted(maps.Keys(planned.Messages)) {
		to = append(to, fmt.Sprintf("%s %d", notify.Clean(name, false /* lines */), planned.Messages[name]))
	}
	text := fmt.Sprintf("Send %d alerts now, marked as late? Messages at most: %s.", planned.Alerts, strings.Join(to, ", "))
	if planned.Held > 0 {
		text += fmt.Sprintf(" %d wait for the end of a quiet time.", planned.Held)
	}
	return text + " [y/N] "
}

// ask waits for a yes. The reader is left behind when the command is interrupted: a terminal cannot be asked to stop.
func ask(ctx context.Context, std Surroundings, text string) (bool, error) {
	fmt.Fprint(std.Err, text)
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(std.In).ReadString('\n') // an end without an answer is a no
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(std.Err)
		return false, ctx.Err()
	case word := <-answer:
		return word == "y" || word == "yes", nil
	}
}

// handedOver bounds the events that go to the pipeline at once; progress and an interrupt are between two batches.
const handedOver = 100

// record records the events and opens alerts, which are sent later: what belongs together shall be one message. Here and
// in deliver an interrupt comes between two rounds, never into one: a message that a channel accepted while we stopped
// listening would be sent again.
func (s *sending) record(ctx context.Context, events []activity.Event) error {
	s.progress("recorded", len(events))
	for n := 0; len(events) > 0; n++ {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		b := s.batch
		b.ID = fmt.Sprintf("%s-%d", b.ID, n)
		here := together(events)
		b.Events, events = events[:here], events[here:]
		sum, err := s.opened.Pipeline.Handle(context.WithoutCancel(ctx), b)
		s.count(sum)
		if err != nil {
			return err
		}
		s.step(len(b.Events))
	}
	return nil
}

// together is how many of the events may go to the pipeline at once, which works on several at the same time: what one
// person did goes in order, so that an alert is about the first of it.
func together(events []activity.Event) int {
	callers := map[string]bool{}
	for i := range events {
		caller := strings.ToLower(events[i].Caller)
		if callers[caller] || i == handedOver {
			return i
		}
		callers[caller] = true
	}
	return len(events)
}

// deliver sends what was opened, as fast as the channels take it, and returns what is left to the deliver function: what
// a quiet time holds, and what a channel refuses again and again.
func (s *sending) deliver(ctx context.Context) ([]unsent, error) {
	s.progress("sent", -1)
	defer s.progress("", 0)
	for {
		sum, owing, err := s.opened.Pipeline.DeliverLate(context.WithoutCancel(ctx), s.batch, replayedOn)
		if s.count(sum); err != nil || ctx.Err() != nil {
			return unsentOf(owing), errors.Join(err, ctx.Err())
		}
		if !slices.ContainsFunc(owing, func(a alert.Alert) bool { return s.soon(&a) }) {
			return unsentOf(owing), nil
		}
		sent := sum.Sent + sum.Edited
		if s.step(sent); sent+sum.Folded > 0 {
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second): // a channel takes one message a second
		}
	}
}

const (
	attemptsHere = 3           // of a delivery that fails, before the deliver function is left with it
	waitHere     = time.Minute // for an attempt that a channel asked to be put off
)

// soon reports whether waiting here makes sense for something that the alert owes.
func (s *sending) soon(a *alert.Alert) bool {
	for name, d := range a.Deliveries {
		failing := d.Attempts >= attemptsHere || d.Attempts > 0 && d.Due.After(s.opened.Store.Now().Add(waitHere))
		if a.Owes(name) && !d.Parked() && d.Held == "" && !failing {
			return true
		}
	}
	return false
}

// unsentOf sums up what is owed, by destination and cause.
func unsentOf(owing []alert.Alert) []unsent {
	count := map[unsent]int{}
	for _, a := range owing {
		for name, d := range a.Deliveries {
			if a.Owes(name) && !d.Parked() {
				count[unsent{To: name, Held: d.Held, Reason: d.Reason}]++
			}
		}
	}
	list := make([]unsent, 0, len(count))
	for one, n := range count {
		one.Alerts = n
		list = append(list, one)
	}
	slices.SortFunc(list, func(a, b unsent) int {
		return cmp.Or(cmp.Compare(a.To, b.To), cmp.Compare(a.Held, b.Held), cmp.Compare(a.Reason, b.Reason))
	})
	return list
}

func (s *sending) count(sum pipeline.Summary) {
	s.sum.Recorded += sum.Recorded
	s.sum.Opened += sum.Opened
	s.sum.Sent += sum.Sent
	s.sum.Edited += sum.Edited
	s.sum.Folded += sum.Folded
	s.sum.Stuck += sum.Stuck
}

func (s *sending) sent(events int, left []unsent) *sent {
	return &sent{
		Events: events, Recorded: s.sum.Recorded, Opened: s.sum.Opened, Messages: s.sum.Sent, Edited: s.sum.Edited,
		Folded: s.sum.Folded, Stuck: s.sum.Stuck, Left: left,
	}
}

// failed reports whether a person has to do something.
func (s *sent) failed() bool {
	return s.Stuck > 0 || slices.ContainsFunc(s.Left, func(u unsent) bool { return u.Held == "" })
}

func (s *sent) print(out io.Writer) {
	fmt.Fprintf(out, "\nrecorded %d of %d events, %d were there; opened %d alerts, sent %d messages, edited %d", s.Recorded, s.Events, s.Events-s.Recorded, s.Opened, s.Messages, s.Edited)
	if s.Folded > 0 {
		fmt.Fprintf(out, "; %d are counted in summaries", s.Folded)
	}
	fmt.Fprintln(out)
	for _, u := range s.Left {
		why := "waits for the deliver function"
		switch {
		case u.Held != "":
			why = "waits for the end of " + u.Held
		case u.Reason != "":
			why = "could not be sent, and is tried again by the deliver function: " + u.Reason
		}
		fmt.Fprintf(out, "%s: %d %s\n", notify.Clean(u.To, false /* lines */), u.Alerts, notify.Clean(why, false /* lines */))
	}
	if s.Stuck > 0 {
		fmt.Fprintf(out, "%d deliveries were given up (hint: `handler check` says why)\n", s.Stuck)
	}
}

// progress begins a bar, and ends the one before; with total -1 the end is unknown.
func (s *sending) progress(what string, total int) {
	if s.bar != nil {
		_ = s.bar.Finish()
		s.bar = nil
	}
	if what == "" || s.cmd.Progress == "never" || s.cmd.Progress == "auto" && !terminal(s.std.Err) {
		return
	}
	s.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(s.std.Err), progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(), progressbar.OptionThrottle(200*time.Millisecond), progressbar.OptionClearOnFinish())
}

func (s *sending) step(n int) {
	if s.bar != nil {
		_ = s.bar.Add(n) // a bar that cannot be drawn is no reason to stop
	}
}
