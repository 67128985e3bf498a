package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/enrich"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/outbox"
)

// What Auditbell has to say about itself goes the way of every alert: recorded, alerted once, sent with retries. One
// of a kind about one subject is alerted once a day.

// OwnAlerts keeps alerts about Auditbell itself.
type OwnAlerts interface {
	Take(ctx context.Context, f alert.Finding, lease alert.Lease) (alert.Decision, error)
	Alert(ctx context.Context, ref alert.Ref) (alert.Alert, error)
}

// Signs are where a fault of ours shows.
type Signs interface {
	// Overdue lists alerts that were opened before a moment and owe a first message.
	Overdue(ctx context.Context, openedBefore time.Time) ([]alert.Alert, error)
	// UnreadableSince lists what was parked because it could not be read.
	UnreadableSince(ctx context.Context, since time.Time, limit int) ([]activity.Parked, error)
	// Feeds lists what came in through each function.
	Feeds(ctx context.Context) ([]alert.Feed, error)
}

// Watch looks for what a person must know about Auditbell itself.
type Watch struct {
	own   OwnAlerts
	signs Signs
	hours Hours
	judge *Judge

	looked atomic.Int64 // when this process last looked, Unix seconds
	noted  atomic.Int64 // the hour for which it last noted that, since 1970
	raised raised
}

// raised are the concerns of a day that this process has alerted: a second time they would cost the store two reads and
// say nothing new.
type raised struct {
	mu  sync.Mutex
	day string
	ids map[string]bool
}

// on forgets the concerns of other days.
func (r *raised) on(day string) {
	if r.day != day {
		r.day, r.ids = day, map[string]bool{}
	}
}

func (r *raised) has(day, id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.on(day)
	return r.ids[id]
}

func (r *raised) add(day, id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.on(day)
	r.ids[id] = true
}

// NewWatch returns a Watch.
func NewWatch(own OwnAlerts, signs Signs, hours Hours, j *Judge) *Watch {
	return &Watch{own: own, signs: signs, hours: hours, judge: j}
}

// concern is one thing about Auditbell that a person must act on.
type concern struct {
	kind    string // names the rule: auditbell-<kind>
	title   string
	subject string // what it is about: a destination, a function
	detail  string
	steps   []string
	to      []string
	names   []string // alerts that it is about; each is shown
	part    string   // distinguishes two of a kind about one subject on one day
}

// notice raises an alert about one. A failure is logged only: the next run notices again.
func (w *Watch) notice(ctx context.Context, b Batch, one concern) (done bool) {
	if err := w.raise(ctx, b, one); err != nil {
		b.Logger.Error("alert about ourselves", "watch", one.kind, "subject", one.subject, "error", err)
		return false
	}
	return true
}

// id of the event that stands for a concern: one of a kind about one subject a day. Ids are of [a-z0-9-] only.
func (one concern) id(now time.Time) string {
	return "watch-" + one.kind + "-" + itemName(strings.ToLower(one.subject)) + "-" + now.Format("20060102") + one.part
}

func (w *Watch) raise(ctx context.Context, b Batch, one concern) error {
	now, properties := w.judge.Now().UTC(), []byte(nil)
	day, id := now.Format(time.DateOnly), one.id(now)
	if w.raised.has(day, id) {
		return nil
	}
	groupBy := []string{"resource_name"}
	if one.part != "" {
		properties, _ = json.Marshal(map[string]string{"part": one.part}) // text always marshals
		groupBy = append(groupBy, "properties.part")
	}
	f := alert.Finding{
		Event: activity.Event{
			ID: id, Time: activity.At(now), Outcome: activity.Active,
			Operation: "auditbell/" + one.kind, ResourceName: one.subject, Description: strings.Join(append([]string{notify.Clean(one.detail, false)}, one.names...), "\n"),
			Properties: activity.Properties(properties),
		},
		Rule: alert.Rule{
			ID: alert.WatchRule + one.kind, Title: one.title, Severity: string(notify.High), Runbook: one.steps,
			Window: 24 * time.Hour, GroupBy: groupBy,
		},
		To: one.to,
	}
	_, err := w.own.Take(ctx, f, alert.Lease{Owner: b.ID})
	if err == nil {
		w.raised.add(day, id)
	}
	return err
}

// unwell reports to the other destinations that one takes no messages.
func (w *Watch) unwell(ctx context.Context, b Batch, h outbox.Health) {
	w.notice(ctx, b, concern{
		kind: "destination-unwell", title: "Alerts do not reach " + h.Name, subject: h.Name, to: w.others(h.Name),
		detail: fmt.Sprintf("Since %s it takes no messages: %s. Alerts wait for it, however long it takes; it is tried at least every 15 minutes.", h.Unwell.UTC().Format(clockFormat), h.Reason),
		steps:  []string{"Repair what the reason names.", "handler check lists what waits; handler deliver --now tries at once."},
	})
}

// unconfirmed is the kind of concern that names messages which may be missing.
const unconfirmed = "delivery-unconfirmed"

// doubted names the messages that a destination answered in a way that proves nothing, as many to a message as it shows.
// done is false when it must be called again.
func (w *Watch) doubted(ctx context.Context, b Batch, name string, u outbox.Unconfirmed, to []string) (done bool) {
	if u.Count == 0 || len(to) == 0 {
		return true
	}
	detail := fmt.Sprintf("Since %s %s answered as its service does not document, so these may not be there. The last answer: %s.", u.Since.UTC().Format(clockFormat), name, u.Reason)
	if n := u.Count - len(u.Alerts); n > 0 {
		detail += fmt.Sprintf(" Besides those that are named, %d more.", n)
	}
	done = true
	for part := 0; part == 0 || part*mostNamed < len(u.Alerts); part++ {
		done = w.notice(ctx, b, concern{
			kind: unconfirmed, title: fmt.Sprintf("%d messages to %s are unconfirmed", u.Count, name), subject: name, to: to,
			detail: detail, names: u.Alerts[part*mostNamed : min((part+1)*mostNamed, len(u.Alerts))],
			part: fmt.Sprintf("-%d-%d-%d-%d-%d", u.Since.Unix(), u.Named, u.Count, len(to), part+1),
			steps: []string{
				"Look whether these alerts are in the channel; handler check lists them.",
				"See whether a proxy or a sign-in page answers in place of the service.",
				"While it answers so, handler check counts what follows; it is named here when the answers are documented again.",
			},
		}) && done
	}
	return done
}

// mayNotRead alerts that acts are judged as the gravest they could be, because Azure does not let us read what they were.
func (w *Watch) mayNotRead(ctx context.Context, b Batch, e activity.Event) {
	subscription := subscriptionOf(e)
	w.notice(ctx, b, concern{
		kind: "lookup-refused", title: "Auditbell may not read what acts were about in subscription " + subscription, subject: subscription, to: w.judge.everywhere(),
		detail: "Acts whose request no record carries are alerted as the gravest that they could be.",
		steps: []string{
			`az role assignment create --assignee <the app's identity> --role Reader --scope /subscriptions/` + subscription,
			"infra's module subscription gives the right to read role assignments by itself; handler check tries it.",
		},
	})
}

// subscriptionOf is the event's subscription as it may stand in a command that people copy: its id is the author's text, and
// what is no GUID is left to the reader.
func subscriptionOf(e activity.Event) string {
	if enrich.IsGUID(e.SubscriptionID) {
		return e.SubscriptionID
	}
	return "<subscription>"
}

// looksNothingUp alerts that acts are judged as the gravest they could be, because nothing is looked up.
func (w *Watch) looksNothingUp(ctx context.Context, b Batch, e activity.Event) {
	w.notice(ctx, b, concern{
		kind: "lookup-off", title: "Auditbell does not look up what acts were about", subject: "lookup-off", to: w.judge.everywhere(),
		detail: "The lookup \"resource\" is off. Acts whose request no record carries are alerted as the gravest that they could be.",
		steps: []string{
			"az functionapp config appsettings set --name <app> --resource-group <group> --settings LOOKUPS=auto",
			"az role assignment create --assignee <the app's identity> --role Reader --scope /subscriptions/" + subscriptionOf(e),
		},
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
	if err := errors.Join(w.watchQueue(ctx, b), w.watchFeeds(ctx, b), w.watchParked(ctx, b), w.watchCanary(ctx, b)); err != nil {
		return err
	}
	w.watchRules(ctx, b)
	return w.noteWatched(ctx, b)
}

// overdueAfter is the age at which an alert that was not sent is news in itself.
const overdueAfter = 15 * time.Minute

// watchQueue alerts when alerts have waited too long for a destination.
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

// watchParked alerts when something came in that no form could read: it may have been an event.
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

// watchRules raises an alert when a rule that the operator wrote for the Activity Log is not evaluated, and another when
// an exception does not apply.
func (w *Watch) watchRules(ctx context.Context, b Batch) {
	if left := w.judge.LeftOut; len(left) > 0 {
		w.notice(ctx, b, concern{
			kind: "rules-left-out", title: "Rules are left out", subject: "config/rules",
			detail: fmt.Sprintf("%d rules cannot be evaluated; all others work. The first: %s: %s.", len(left), left[0].Place, left[0].Reason),
			to:     w.judge.everywhere(),
			steps:  []string{"handler rules list ends with what is left out and why.", "Correct or remove the rule and publish the app again."},
		})
	}
	if left := w.judge.Unexcepted; len(left) > 0 {
		w.notice(ctx, b, concern{
			kind: "exceptions-left-out", title: "Exceptions are left out", subject: "config/exceptions.yaml",
			detail: fmt.Sprintf("Exceptions with %d mistakes suppress nothing; all others apply. The first: %s: %s.", len(left), left[0].Place, left[0].Reason),
			to:     w.judge.everywhere(),
			steps:  []string{"handler rules list --exceptions names what is left out and why.", "Correct or remove the exception and publish the app again."},
		})
	}
}

// watchMessage is a sentence, and the alerts that it is about (concern.names), one a line of the description.
func watchMessage(a alert.Alert) notify.Message {
	lines := strings.Split(a.Event.Description, "\n")
	return notify.Message{
		ID: a.ID, Severity: notify.Severity(a.Rule.Severity), Headline: a.Rule.Title, Summary: lines[0],
		Time: a.First.Time, Steps: a.Rule.Runbook, Context: []string{"Auditbell about itself", a.ID},
		Facts: append([]notify.Fact{{Name: "Since", Value: a.First.UTC().Format(clockFormat), Time: a.First.Time}}, named(lines[1:])...),
	}
}

// named lists alerts by their titles.
func named(titles []string) []notify.Fact {
	if len(titles) == 0 {
		return nil
	}
	names := make([]string, len(titles))
	for i, title := range titles {
		name, _, _ := strings.Cut(title, " (alert-")
		names[i] = notify.Cut(name, longestTitle)
	}
	return []notify.Fact{{Name: "Alerts", Value: strings.Join(names, "; "), Long: true}}
}
