package pipeline

import (
	"context"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
)

// endsWithin is how long an act may go on before a rule that asks for its end alerts without it. Azure dates records up to 82
// minutes before they can be read, and reconciliation has listed an hour a second time three hours after it.
const endsWithin = 4 * time.Hour

// isUnended says why such an act is alerted so late.
const isUnended = "its outcome is not known: Azure has recorded no end of it within 4 hours"

// mayEnd reports whether an act has begun whose end could meet a rule that its beginning does not.
func (j *Judge) mayEnd(e activity.Event) bool {
	if e.Outcome != activity.Started && e.Outcome != activity.Accepted && e.Outcome != activity.InProgress || j.Rules == nil {
		return false
	}
	met, _ := j.met(e, nil)
	e.Outcome = activity.Succeeded
	could, _ := j.met(e, nil)
	if !e.Properties.SaysWhat() {
		possible, _ := sentAndStaged(j.Rules.Possible(nil, &e))
		could = union(could, possible)
	}
	return len(union(met, could)) > len(met)
}

// keepUnended keeps an act that has begun until its end is to be there: a part of being durable.
func (in *Intake) keepUnended(ctx context.Context, b Batch, e activity.Event, sum *Summary) error {
	if b.again != nil || isCanary(&e) || in.pending == nil || !in.judge.mayEnd(e) {
		return nil
	}
	ru, err := in.pending.PutPending(ctx, alert.Pending{
		Event: e.Bounded(), Function: b.Function, Since: b.began.UTC().Add(endsWithin), Late: isUnended, Hold: b.Hold, Unended: true,
	})
	sum.RU += ru
	return err
}

// unended is the finding of an act that began long ago and of which no end was recorded, as if it had succeeded; none: it ended,
// or could meet no rule.
func (in *Intake) unended(ctx context.Context, b Batch, e activity.Event, sum *Summary) (f alert.Finding, err error) {
	if in.ends(ctx, b, e, sum) {
		return f, nil
	}
	done := e
	done.Outcome = activity.Succeeded
	met, _ := in.judge.met(done, nil)
	w := in.complete(ctx, b, done, met, sum)
	met, _ = in.judge.met(w.event, nil)
	f, ok := in.judge.finding(w.event, union(met, w.met))
	if !ok {
		return f, nil
	}
	f.Event.Outcome, f.Notes = e.Outcome, []string{isUnended}
	if w.note != "" {
		f.Notes = append(f.Notes, w.note)
	}
	known, ru, err := in.alerts.Known(ctx, e.Bounded())
	if sum.RU += ru; known { // its beginning is in an alert: this is what is known by now
		f.Event.ID, f.Event.Outcome = e.ID+"-unended", ""
	}
	return f, err
}

// ends reports whether there are as many ends as beginnings of what the caller did so under the correlation id. What was asked
// for does not distinguish them here: Azure may write it otherwise into the end.
func (in *Intake) ends(ctx context.Context, b Batch, e activity.Event, sum *Summary) bool {
	bare := e
	bare.Properties = e.Properties.Only("httpRequest")
	began, ended := 1, map[activity.Form]int{}
	for _, o := range in.others(ctx, b, bare, sum) {
		switch {
		case o.Outcome.Final():
			ended[o.Form]++
		case o.Outcome == e.Outcome && o.Form == e.Form:
			began++
		}
	}
	for _, n := range ended {
		if n >= began {
			return true
		}
	}
	return false
}

// over is the finding of an end that no rule asks for, where readers were alerted that the act had begun.
func (in *Intake) over(ctx context.Context, e activity.Event, sum *Summary) (f alert.Finding, err error) {
	if e.Outcome != activity.Failed && e.Outcome != activity.Canceled {
		return f, nil
	}
	began := e
	var met []alert.Rule
	for _, began.Outcome = range []activity.Outcome{activity.Started, activity.Accepted, activity.Succeeded} {
		if met, _ = in.judge.met(began, nil); len(met) > 0 {
			break
		}
	}
	if len(met) == 0 {
		return f, nil
	}
	known, ru, err := in.alerts.Known(ctx, e.Bounded())
	if sum.RU += ru; known {
		f, _ = in.judge.finding(began, met)
		f.Event = e
	}
	return f, err
}
