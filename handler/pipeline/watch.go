package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/notify"
)

// What Auditbell has to say about itself goes the way of every alert: recorded, rung once, delivered with retries. One
// of a kind about one subject rings once a day.

// Bell raises alerts about ourselves.
type Bell interface {
	Ring(ctx context.Context, f alert.Finding, lease alert.Lease) (alert.Rung, error)
	Alert(ctx context.Context, ref alert.Ref) (alert.Alert, error)
}

// Signs are where a fault of ours shows.
type Signs interface {
	// Overdue lists alerts that were opened before a moment and owe a first message.
	Overdue(ctx context.Context, openedBefore time.Time) ([]alert.Alert, error)
	// UnreadableSince lists what was parked because it could not be read.
	UnreadableSince(ctx context.Context, since time.Time, limit int) ([]activity.Parked, error)
	// Feeds tells what came in through each function.
	Feeds(ctx context.Context) ([]alert.Feed, error)
}

// Watch looks for what a person must know about Auditbell itself.
type Watch struct {
	bell  Bell
	signs Signs
	hours Hours
	judge *Judge

	looked atomic.Int64 // when this process last looked, Unix seconds
	noted  atomic.Int64 // the hour for which it last noted that, since 1970
}

// NewWatch returns a Watch.
func NewWatch(bell Bell, signs Signs, hours Hours, j *Judge) *Watch {
	return &Watch{bell: bell, signs: signs, hours: hours, judge: j}
}

// concern is one thing about Auditbell that a person must act on.
type concern struct {
	kind    string // names the rule: auditbell-<kind>
	title   string
	subject string // what it is about: a destination, a function
	detail  string
	steps   []string
	to      []string
}

// notice raises an alert about one. A failure is logged only: the next run notices again.
func (w *Watch) notice(ctx context.Context, b Batch, one concern) {
	if err := w.tellOf(ctx, b, one); err != nil {
		b.Logger.Error("ring about ourselves", "watch", one.kind, "subject", one.subject, "error", err)
	}
}

func (w *Watch) tellOf(ctx context.Context, b Batch, one concern) error {
	now := w.judge.Now().UTC()
	f := alert.Finding{
		Event: activity.Event{
			ID: "watch-" + one.kind + "-" + one.subject + "-" + now.Format("20060102"), Time: activity.At(now), Outcome: activity.Active,
			Operation: "auditbell/" + one.kind, ResourceName: one.subject, Description: one.detail,
		},
		Rule: alert.Rule{
			ID: alert.WatchRule + one.kind, Title: one.title, Severity: string(notify.High), Runbook: one.steps,
			Window: 24 * time.Hour, GroupBy: []string{"resource_name"},
		},
		To: one.to,
	}
	_, err := w.bell.Ring(ctx, f, alert.Lease{Owner: b.ID})
	return err
}

// givenUp tells the other destinations that one is not reached any more: its own readers cannot be told.
func (w *Watch) givenUp(ctx context.Context, b Batch, t attempt) {
	w.notice(ctx, b, concern{
		kind: "delivery-given-up", title: "Alerts do not reach " + t.name, subject: t.name, detail: t.err.Error(), to: w.others(t.name),
		steps: []string{"Mend the cause; the error names the setting.", "handler check lists the alerts that were given up."},
	})
}

// others are all destinations but one. Where there are none, the log and handler check must do.
func (w *Watch) others(than string) []string {
	return slices.DeleteFunc(w.judge.everywhere(), func(name string) bool { return name == than })
}

// watchEvery is how often a process looks at queue and feeds.
const watchEvery = time.Minute

// look looks for what a person should know about Auditbell itself.
func (w *Watch) look(ctx context.Context, b Batch) error {
	now := w.judge.Now().Unix()
	last := w.looked.Load()
	if now-last < int64(watchEvery/time.Second) || !w.looked.CompareAndSwap(last, now) {
		return nil
	}
	if err := errors.Join(w.watchQueue(ctx, b), w.watchFeeds(ctx, b), w.watchParked(ctx, b), w.watchCanary(ctx, b), w.watchRules(ctx, b)); err != nil {
		return err
	}
	return w.noteWatched(ctx, b)
}

// overdueAfter is the age at which an alert that nobody was told of is news in itself.
const overdueAfter = 15 * time.Minute

// watchQueue rings when alerts have waited too long for a destination.
func (w *Watch) watchQueue(ctx context.Context, b Batch) error {
	overdue, err := w.signs.Overdue(ctx, w.judge.Now().Add(-overdueAfter))
	if err != nil {
		return err
	}
	late := map[string]int{}
	for _, a := range overdue {
		for name, d := range a.Deliveries {
			if a.OwesFirst(name) && d.Held == "" && !strings.HasPrefix(a.Rule.ID, alert.WatchRule) {
				late[name]++
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(late)) {
		w.notice(ctx, b, concern{
			kind: "delivery-late", title: "Alerts are late for " + name, subject: name,
			detail: fmt.Sprintf("%d alerts have waited more than %s to be told; delivery goes on.", late[name], overdueAfter),
			to:     w.others(name),
			steps:  []string{"See whether the service is down or asks for fewer messages.", "The log says why each attempt failed."},
		})
	}
	return nil
}

// watchParked rings when something came in that nobody could read: it may have been an event.
func (w *Watch) watchParked(ctx context.Context, b Batch) error {
	const most = 100
	parked, err := w.signs.UnreadableSince(ctx, w.judge.Now().Add(-24*time.Hour), most)
	if err != nil {
		return err
	}
	byFunction := map[string][]activity.Parked{}
	for _, one := range parked {
		byFunction[one.Function] = append(byFunction[one.Function], one)
	}
	for _, function := range slices.Sorted(maps.Keys(byFunction)) {
		items := byFunction[function]
		w.notice(ctx, b, concern{
			kind: "unreadable", title: "Unreadable input at " + function, subject: function,
			detail: fmt.Sprintf("%d items within a day could not be read and are kept; the first: %s.", len(items), items[0].Reason),
			to:     w.judge.everywhere(),
			steps:  []string{"handler check lists them with the reasons.", "See who else may call the function, or whether Azure changed a form."},
		})
	}
	return nil
}

// watchRules raises an alert when a rule that the operator wrote for the Activity Log is not evaluated.
func (w *Watch) watchRules(ctx context.Context, b Batch) error {
	left := w.judge.LeftOut
	if len(left) == 0 {
		return nil
	}
	w.notice(ctx, b, concern{
		kind: "rules-left-out", title: "Rules are left out", subject: "config/rules",
		detail: fmt.Sprintf("%d rules cannot be evaluated; all others work. The first: %s: %s.", len(left), left[0].Place, left[0].Reason),
		to:     w.judge.everywhere(),
		steps:  []string{"handler rules list ends with what is left out and why.", "Correct or remove the rule and publish the app again."},
	})
	return nil
}

func watchMessage(a alert.Alert) notify.Message {
	return notify.Message{
		ID: a.ID, Severity: notify.Severity(a.Rule.Severity), Headline: a.Rule.Title, Summary: a.Event.Description,
		Time: a.First.Time, Steps: a.Rule.Runbook, Context: []string{"Auditbell about itself", a.ID},
		Facts: []notify.Fact{{Name: "Since", Value: a.First.UTC().Format(clockFormat), Time: a.First.Time}},
	}
}
