package pipeline

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/otlp"
)

// Lookups find out what an event does not tell: the name of a role, what a property was before. They are asked about
// alerts that somebody was shown, after the first message went out, and never about events that do not ring.
type Lookups interface {
	// For names the lookups that could add something to the event. It calls nothing.
	For(e *activity.Event) []string
	// Look asks the named lookups and returns within its own bounds and ctx's. later are those without an answer yet: a
	// service that did not answer in time, asked to wait, or does not have it on record so far. What cannot be answered
	// at all is in neither; a failing lookup is no error, the message is complete without it.
	Look(ctx context.Context, e activity.Event, names []string) (found alert.Learned, later []string)
}

// Change changes an alert as it is now; apply says whether there is anything to write, and may run more than once.
type Change func(ctx context.Context, ref alert.Ref, apply func(*alert.Alert) bool) (ru float64, err error)

// Learner asks what the events of alerts do not say.
type Learner struct {
	change  Change
	judge   *Judge
	courier *Courier
}

// NewLearner returns a Learner.
func NewLearner(change Change, j *Judge, c *Courier) *Learner {
	return &Learner{change: change, judge: j, courier: c}
}

const (
	// learnInline bounds what an invocation spends on lookups after its first messages. An action group waits ten
	// seconds for its answer (learn: "Action groups").
	learnInline = 5 * time.Second
	// showWithin bounds the edit that follows; an edit that fails is the timer's.
	showWithin = 3 * time.Second
	// learnSpare is what must be left of an invocation's time for it to look anything up: an answer that comes too late
	// makes Event Grid deliver again what is done already.
	learnSpare = learnInline + showWithin + 4*time.Second
	// learnTimed bounds the same for one run of the timer; the next run goes on.
	learnTimed = time.Minute
)

// asking gathers the alerts of one invocation that were told and have open questions. The nil value gathers nothing.
type asking struct {
	mu     sync.Mutex
	alerts []alert.Alert
}

func (k *asking) add(a alert.Alert) {
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.alerts = append(k.alerts, a)
}

// question is an alert and what is to be asked about it.
type question struct {
	about alert.Alert
	names []string
}

// learnFirst asks what the alerts that this invocation has told leave open. Questions that an earlier attempt failed to
// answer are the timer's.
func (l *Learner) learnFirst(ctx context.Context, b Batch) Summary {
	if end, ok := ctx.Deadline(); ok && time.Until(end) < learnSpare {
		return Summary{} // the timer takes the questions over
	}
	return l.learnAll(ctx, b, learnInline, func(a alert.Alert) []string { return a.AskingFirst() })
}

// learnDue asks what is due, and what no invocation came to ask because it was killed or its delivery failed.
func (l *Learner) learnDue(ctx context.Context, b Batch) Summary {
	return l.learnAll(ctx, b, learnTimed, func(a alert.Alert) []string {
		names := append(a.Asking(l.judge.Now()), a.AskingFirst()...)
		slices.Sort(names)
		return slices.Compact(names)
	})
}

// learnAll asks about the alerts gathered, a few at a time. What is not asked within the bound stays due.
func (l *Learner) learnAll(ctx context.Context, b Batch, within time.Duration, open func(alert.Alert) []string) (sum Summary) {
	var all []question
	for _, a := range b.asking.alerts {
		if names := open(a); len(names) > 0 {
			all = append(all, question{a, names})
		}
	}
	b.asking = nil // the edits that follow raise no questions
	if len(all) > 0 {
		var span *otlp.Span
		ctx, span = otlp.Start(ctx, "learn")
		defer span.End(nil)
	}
	looking, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	var mu sync.Mutex
	each(looking, len(all), func(looking context.Context, i int) {
		if looking.Err() != nil {
			return
		}
		one := l.learn(looking, all[i], b)
		mu.Lock()
		defer mu.Unlock()
		sum.add(one)
	})
	return sum
}

// learn asks one alert's questions, commits the answers as a new revision, and brings the edits that it owes. The
// order is that of every change: commit, deliver, mark. Killed in between, it is asked again.
func (l *Learner) learn(ctx context.Context, q question, b Batch) (sum Summary) {
	var found alert.Learned
	var later []string
	if l.judge.Lookups != nil { // else they were switched off since: the questions are closed
		found, later = l.judge.Lookups.Look(ctx, q.about.Event, q.names)
	}
	sum.RU += found.RU
	marking, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	var have alert.Alert
	leased, givenUp := false, 0
	f, graver := l.raised(q.about, found, q.names, later)
	if graver {
		f, graver = l.unexcepted(marking, f)
	}
	ru, err := l.change(marking, q.about.Ref(), func(a *alert.Alert) bool {
		_, givenUp = a.Learn(found, q.names, later, l.judge.Now())
		if graver {
			a.Raise(f, l.judge.Now())
		}
		if leased = len(a.DueNames(l.judge.Now())) > 0 && a.Lease.Free(b.ID, l.judge.Now()); leased {
			a.Lease = l.courier.lease(b.ID)
		}
		have = *a
		return true
	})
	sum.RU += ru
	if err != nil {
		b.Logger.Warn("keep what was looked up: it will be asked again", "alert", q.about.ID, "error", err)
		return sum
	}
	sum.Learned, sum.Unlearned = len(q.names)-len(later), givenUp
	if leased {
		showing, cancel := context.WithTimeout(context.WithoutCancel(ctx), showWithin)
		defer cancel()
		sum.add(l.courier.deliver(showing, have, b))
	}
	return sum
}

// unexcepted is the finding without the rules that exceptions cover, now that the whole of it is known; false: none is
// left. Exceptions that cannot be read cover nothing.
func (l *Learner) unexcepted(ctx context.Context, f alert.Finding) (alert.Finding, bool) {
	if l.judge.Exceptions == nil {
		return f, true
	}
	met := append([]alert.Rule{f.Rule}, f.Also...)
	v, err := l.judge.Exceptions.Judge(ctx, f.Event, met)
	if err != nil || len(v.By) == 0 {
		return f, true
	}
	if len(v.Left) == 0 {
		return f, false
	}
	return l.judge.Only(f, v.Left), true
}
