package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/notify"
)

// What Auditbell has to say about itself goes the way of every alert: recorded, rung once, delivered with retries. One
// of a kind about one subject rings once a day.

// watch is one thing that a person should mend.
type watch struct {
	kind    string // names the rule: auditbell-<kind>
	title   string
	subject string // what it is about: a destination, a function
	detail  string
	steps   []string
	to      []string
}

// notice rings w. A failure is logged only: the next run notices again.
func (p *Pipeline) notice(ctx context.Context, b Batch, w watch) {
	if err := p.tellOf(ctx, b, w); err != nil {
		b.Logger.Error("ring about ourselves", "watch", w.kind, "subject", w.subject, "error", err)
	}
}

func (p *Pipeline) tellOf(ctx context.Context, b Batch, w watch) error {
	now := p.Now().UTC()
	f := alert.Finding{
		Event: activity.Event{
			ID: "watch-" + w.kind + "-" + w.subject + "-" + now.Format("20060102"), Time: activity.At(now), Outcome: activity.Active,
			Operation: "auditbell/" + w.kind, ResourceName: w.subject, Description: w.detail,
		},
		Rule: alert.Rule{
			ID: alert.WatchRule + w.kind, Title: w.title, Severity: string(notify.High), Runbook: w.steps,
			Window: 24 * time.Hour, GroupBy: []string{"resource_name"},
		},
		To: w.to,
	}
	_, err := p.Alerts.Ring(ctx, f, alert.Lease{Owner: b.ID})
	return err
}

// givenUp tells the other destinations that one is not reached any more: its own readers cannot be told.
func (p *Pipeline) givenUp(ctx context.Context, b Batch, t attempt) {
	p.notice(ctx, b, watch{
		kind: "delivery-given-up", title: "Alerts do not reach " + t.name, subject: t.name, detail: t.err.Error(), to: p.others(t.name),
		steps: []string{"Mend the cause; the error names the setting.", "handler check lists the alerts that were given up."},
	})
}

// others are all destinations but one. Where there are none, the log and handler check must do.
func (p *Pipeline) others(than string) []string {
	return slices.DeleteFunc(p.everywhere(), func(name string) bool { return name == than })
}

// watchEvery is how often a process looks at queue and feeds.
const watchEvery = time.Minute

// watch looks for what a person should know about Auditbell itself.
func (p *Pipeline) watch(ctx context.Context, b Batch) error {
	now := p.Now().Unix()
	last := p.watched.Load()
	if now-last < int64(watchEvery/time.Second) || !p.watched.CompareAndSwap(last, now) {
		return nil
	}
	if err := errors.Join(p.watchQueue(ctx, b), p.watchFeeds(ctx, b), p.watchParked(ctx, b), p.watchCanary(ctx, b)); err != nil {
		return err
	}
	return p.noteWatched(ctx, b)
}

// overdueAfter is the age at which an alert that nobody was told of is news in itself.
const overdueAfter = 15 * time.Minute

// watchQueue rings when alerts have waited too long for a destination.
func (p *Pipeline) watchQueue(ctx context.Context, b Batch) error {
	overdue, err := p.Alerts.Overdue(ctx, p.Now().Add(-overdueAfter))
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
		p.notice(ctx, b, watch{
			kind: "delivery-late", title: "Alerts are late for " + name, subject: name,
			detail: fmt.Sprintf("%d alerts have waited more than %s to be told; delivery goes on.", late[name], overdueAfter),
			to:     p.others(name),
			steps:  []string{"See whether the service is down or asks for fewer messages.", "The log says why each attempt failed."},
		})
	}
	return nil
}

// watchParked rings when something came in that nobody could read: it may have been an event.
func (p *Pipeline) watchParked(ctx context.Context, b Batch) error {
	const most = 100
	parked, err := p.Log.UnreadableSince(ctx, p.Now().Add(-24*time.Hour), most)
	if err != nil {
		return err
	}
	byFunction := map[string][]activity.Parked{}
	for _, one := range parked {
		byFunction[one.Function] = append(byFunction[one.Function], one)
	}
	for _, function := range slices.Sorted(maps.Keys(byFunction)) {
		items := byFunction[function]
		p.notice(ctx, b, watch{
			kind: "unreadable", title: "Unreadable input at " + function, subject: function,
			detail: fmt.Sprintf("%d items within a day could not be read and are kept; the first: %s.", len(items), items[0].Reason),
			to:     p.everywhere(),
			steps:  []string{"handler check lists them with the reasons.", "See who else may call the function, or whether Azure changed a form."},
		})
	}
	return nil
}

func watchMessage(a alert.Alert) notify.Message {
	return notify.Message{
		ID: a.ID, Severity: notify.Severity(a.Rule.Severity), Headline: a.Rule.Title, Summary: a.Event.Description,
		Time: a.First.Time, Steps: a.Rule.Runbook, Context: []string{"Auditbell about itself", a.ID},
		Facts: []notify.Fact{{Name: "Since", Value: a.First.UTC().Format(clockFormat), Time: a.First.Time}},
	}
}
