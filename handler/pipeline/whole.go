package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/rules"
)

// Rules judge an act by everything that is known of it. A record often carries only its end: which role was given to
// whom stands in the request's body, which another record of the act has, or only Azure. What could make a graver
// rule match is asked for before anything can keep the act from its readers.

const (
	// completeWithin bounds what one invocation spends on that, all of its events together. An action group waits ten
	// seconds for its answer.
	completeWithin = 4 * time.Second
	// awaitWithin is how long first messages that cannot be edited wait for an answer, from when the event came.
	awaitWithin = 5 * time.Second
)

// whole is what is known of an act when it is judged.
type whole struct {
	event activity.Event
	met   []alert.Rule // by what the event does not say itself
	note  string       // where that comes from, or why it is not known
	open  bool         // Azure has not answered yet
}

// keepRecorded is how many bytes of its properties a record keeps: it is for counting and finding, the alert keeps what a
// reader needs.
const keepRecorded = 2 << 10

// recorded is the event as it is recorded. Where a rule asks for bodies all of them are kept: the record of the act's end may
// have none, and must be judged by this one's.
func (j *Judge) recorded(e activity.Event) activity.Event {
	e = e.Bounded()
	if len(e.Properties) > keepRecorded && !j.readsBodies(e) {
		e.Properties = e.Properties.Within(keepRecorded)
	}
	return e
}

// readsBodies reports whether a rule could match the act by what its bodies say, and not without.
func (j *Judge) readsBodies(e activity.Event) bool {
	if j.Rules == nil {
		return false
	}
	e.Properties, e.Outcome = nil, activity.Succeeded
	return len(j.Rules.Possible(nil, &e)) > len(j.Rules.Match(nil, &e))
}

// graver are the rules that the event could meet if it carried what was asked for, and that are graver than all it meets.
func (j *Judge) graver(e *activity.Event, met []alert.Rule) []alert.Rule {
	if j.Rules == nil || e.Properties.SaysWhat() {
		return nil
	}
	most := -1
	if len(met) > 0 {
		top, _ := alert.Gravest(met)
		most = slices.Index(alert.Severities, top.Severity)
	}
	could := j.Rules.Possible(nil, e)
	if j.unasked(e) == isUnreadable {
		could = j.ofType(could, *e)
	}
	possible, _ := sentAndStaged(could)
	return slices.DeleteFunc(possible, func(r alert.Rule) bool { return slices.Index(alert.Severities, r.Severity) <= most })
}

// AtWorst is the gravest rule that the event could meet and that is graver than all it meets, because it does not say what
// its act was about. Where Azure cannot be asked (Doubts), Find judges the event so.
func (j *Judge) AtWorst(e *activity.Event, met []alert.Rule) (worst alert.Rule, ok bool) {
	graver := j.graver(e, met)
	if len(graver) > 0 {
		worst, _ = alert.Gravest(graver)
	}
	return worst, len(graver) > 0
}

// Doubts reports whether the event is judged AtWorst unless another record of its act says what it was about: Azure is not asked, or
// could not say. Of a deletion there is nothing to ask.
func (j *Judge) Doubts(e *activity.Event) bool { return j.unasked(e) != "" }

// ofType are the rules that ask for the type of the event's resource. A rule that asks for any write, or for a word anywhere,
// would take every act whose request is not known.
func (j *Judge) ofType(could []*rules.Rule, e activity.Event) []*rules.Rule {
	e.Operation, e.OperationDisplay = "none/none"+e.Operation[max(0, strings.LastIndexByte(e.Operation, '/')):], ""
	others := j.Rules.Possible(nil, &e)
	return slices.DeleteFunc(could, func(r *rules.Rule) bool { return slices.Contains(others, r) })
}

// complete finds out what the event does not carry and a graver rule asks for: from other records of its act, else from
// Azure. What Azure will not say, the event is judged as the gravest rule that it could have met.
func (in *Intake) complete(ctx context.Context, b Batch, e activity.Event, met []alert.Rule, sum *Summary) whole {
	w := in.asWritten(ctx, b, e, met, sum)
	graver := in.judge.graver(&w.event, met)
	if len(graver) == 0 {
		return w
	}
	w, sure := in.judge.joined(e, in.others(ctx, b, e, sum))
	if sure {
		return w
	}
	if !in.judge.asks(&e) {
		why := in.judge.unasked(&e)
		if why != "" {
			w.unknown(graver, why)
		}
		if why == looksNothingUp {
			in.courier.watch.looksNothingUp(ctx, b, e)
		}
		return w
	}
	waiting, again := b.again[e.ID]
	completing, cancel := context.WithDeadline(ctx, b.completeBy)
	defer cancel()
	found, later := in.judge.Lookups.Look(completing, e, []string{alert.ResourceLookup})
	switch {
	case found.Body != nil:
		as := in.judge.completed(e, found)
		w.note = as.note
		w.take(as.event, as.met)
	case len(later) == 0:
		w.unknown(graver, found.Missing)
		if found.Refused {
			in.courier.watch.mayNotRead(ctx, b, e)
		}
	case again && waiting.Over(in.judge.Now()):
		w.unknown(graver, "Azure has not answered")
	default:
		w.open = true
	}
	return w
}

// How the notes begin that say by what an act is judged where its records do not say what was asked for.
const (
	LookedUp = "what was asked for is read from Azure"
	NotKnown = "what was asked for is not known"
)

const (
	// looksNothingUp is why an act is not known that Azure could have been asked about.
	looksNothingUp = "Auditbell does not look it up (LOOKUPS)"
	// isUnreadable is why an act is not known that Azure cannot be asked about.
	isUnreadable = "Azure cannot be asked for it"
)

// unasked says why Azure is not asked what an event's act was about; empty: it is.
func (j *Judge) unasked(e *activity.Event) string {
	switch {
	case j.Unasked != nil && j.Unasked(e):
		return looksNothingUp
	case j.Unreadable != nil && j.Unreadable(e):
		return isUnreadable
	}
	return ""
}

// asks reports whether Azure is asked what an event's act was about.
func (j *Judge) asks(e *activity.Event) bool {
	return j.Lookups != nil && slices.Contains(j.Lookups.For(e), alert.ResourceLookup)
}

// others are the other records of an act: those that came with it, and those recorded before.
func (in *Intake) others(ctx context.Context, b Batch, e activity.Event, sum *Summary) (others []activity.Event) {
	for i := range b.Events {
		if came := &b.Events[i]; came.ID != e.ID && alert.SameAct(&e, came) {
			others = append(others, *came)
		}
	}
	recorded, ru, err := in.log.Others(ctx, e)
	if sum.RU += ru; err != nil {
		b.Logger.Warn("read other records of the act", "event", e.ID, "error", err)
	}
	for _, r := range recorded {
		if !slices.ContainsFunc(others, func(have activity.Event) bool { return have.ID == r.ID }) {
			others = append(others, r)
		}
	}
	return others
}

// joined is the event with what other records of its act carry; sure says that it can only be that. A correlation id may
// stand for several acts of one caller on one resource: then the event is judged as the gravest of their requests.
func (j *Judge) joined(e activity.Event, others []activity.Event) (w whole, sure bool) {
	w = whole{event: e}
	requests, doubt := map[string]bool{}, false
	var bodies activity.Properties
	for i := range others {
		o := &others[i]
		if request := o.Properties.Value("requestbody"); len(request) > len(`""`) {
			requests[string(request)] = true
			doubt = doubt || request[0] != '{' // it was too large to be kept whole
		}
		doubt = doubt || o.Form == e.Form && o.Outcome == e.Outcome && e.Outcome.Final() // the end of another act
		bodies = bodies.With(o.Properties.Only("requestbody", "responsebody"))
	}
	if !bodies.SaysWhat() {
		return w, false
	}
	if len(requests) <= 1 && !doubt {
		w.event.Properties = e.Properties.With(bodies)
		activity.AddPIM(&w.event)
		return w, true
	}
	w.note = "its correlation id is not its alone, or its request was not kept whole: it is judged as the gravest that it could be"
	for i := range others {
		if body := others[i].Properties.Only("requestbody", "responsebody"); body.SaysWhat() {
			one := e
			one.Properties = e.Properties.With(body)
			activity.AddPIM(&one)
			w.or(j, one)
		}
	}
	return w, false
}

// Joined is the event as it is judged beside other records of its act (alert.SameAct).
func (j *Judge) Joined(e activity.Event, others []activity.Event) activity.Event {
	w, _ := j.joined(e, others)
	return w.event
}

// or takes in what the act may have been: its rules are those of all readings, and it shows the gravest.
func (w *whole) or(j *Judge, reading activity.Event) {
	met, _ := j.met(reading, nil)
	w.take(reading, met)
}

func (w *whole) take(reading activity.Event, met []alert.Rule) {
	if len(w.met) == 0 || len(met) > 0 && graver(met, w.met) {
		w.event = reading
	}
	w.met = union(w.met, met)
}

// graver reports whether the gravest of some rules is graver than that of others.
func graver(some, others []alert.Rule) bool {
	x, _ := alert.Gravest(some)
	y, _ := alert.Gravest(others)
	return notify.Severity(x.Severity).Rank() > notify.Severity(y.Severity).Rank()
}

// union is all rules of both, each once.
func union(some, more []alert.Rule) []alert.Rule {
	for _, r := range more {
		if !slices.ContainsFunc(some, func(have alert.Rule) bool { return have.ID == r.ID }) {
			some = append(some, r)
		}
	}
	return some
}

// completed is the event with its resource as Azure answered it. Rules ask for members of the request, and the resource has
// them by the same names: it is judged as request and as answer.
func (j *Judge) completed(e activity.Event, found alert.Learned) whole {
	w := whole{event: e, note: LookedUp + " as of " + found.AsOf.Format("15:04:05 MST")}
	w.event.Properties = e.Properties.With(activity.Properties(`{"responsebody":` + string(found.Body) + `}`))
	activity.AddPIM(&w.event)
	request := w.event
	request.Properties = w.event.Properties.With(activity.Properties(`{"requestbody":` + string(found.Body) + `}`))
	answered, _ := j.met(w.event, nil)
	asked, _ := j.met(request, nil)
	w.met = union(answered, asked)
	return w
}

// unknown judges the act as the gravest that it could have been.
func (w *whole) unknown(graver []alert.Rule, why string) {
	top, _ := alert.Gravest(graver)
	w.met = union(w.met, []alert.Rule{top})
	w.note = fmt.Sprintf("%s: %s; it could have been %q", NotKnown, why, top.Title)
}

// late is the finding of a record that says what its act was about after the act's end was judged without it, or of an end
// after the act's beginning was.
func (in *Intake) late(ctx context.Context, e activity.Event, sum *Summary) (alert.Finding, error) {
	if isCanary(&e) {
		return alert.Finding{}, nil
	}
	if e.Outcome.Final() || len(e.Properties.Only("requestbody")) == 0 {
		return in.over(ctx, e, sum)
	}
	done := e
	done.Outcome = activity.Succeeded
	met, _ := in.judge.met(done, nil)
	if len(met) == 0 {
		return alert.Finding{}, nil
	}
	known, ru, err := in.alerts.Known(ctx, e.Bounded())
	if sum.RU += ru; err != nil {
		return alert.Finding{}, err
	}
	if known {
		f, _ := in.judge.finding(done, met)
		f.Event = e
		return f, nil
	}
	return in.ended(ctx, e, sum)
}

// ended is the finding of an act whose end came before its start and met no rule by itself.
func (in *Intake) ended(ctx context.Context, start activity.Event, sum *Summary) (alert.Finding, error) {
	others, ru, err := in.log.Others(ctx, start)
	if sum.RU += ru; err != nil {
		return alert.Finding{}, err
	}
	for _, end := range others {
		if end.Outcome == activity.Succeeded {
			end.Properties = end.Properties.With(start.Properties.Only("requestbody"))
			met, _ := in.judge.met(end, nil)
			f, _ := in.judge.finding(end, met)
			return f, nil
		}
	}
	return alert.Finding{}, nil
}

// raised is what an answer about an alert's event, or that there is none, makes of it; false: nothing graver.
func (l *Learner) raised(a alert.Alert, found alert.Learned, asked, later []string) (alert.Finding, bool) {
	if !slices.Contains(asked, alert.ResourceLookup) {
		return alert.Finding{}, false
	}
	met := append([]alert.Rule{a.Rule}, a.Also...)
	var w whole
	switch why := found.Missing; {
	case found.Body != nil:
		w = l.judge.completed(a.Event, found)
	case slices.Contains(later, alert.ResourceLookup) && a.Asked(alert.ResourceLookup) == 0:
		return alert.Finding{}, false // it is asked again in a minute
	default:
		return l.judge.doubted(a.Event, met, cmp.Or(why, "Azure has not answered"))
	}
	f, ok := l.judge.finding(w.event, w.met)
	f.Notes = []string{w.note}
	return f, ok
}

// doubted is the finding of an act as the gravest that it could have been.
func (j *Judge) doubted(e activity.Event, met []alert.Rule, why string) (alert.Finding, bool) {
	graver := j.graver(&e, met)
	if len(graver) == 0 {
		return alert.Finding{}, false
	}
	w := whole{event: e, met: met}
	w.unknown(graver, why)
	f, ok := j.finding(e, w.met)
	f.Notes = []string{w.note}
	return f, ok
}
