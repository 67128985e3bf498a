package alert

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/auditbell/auditbell/handler/activity"
)

// Learned is what was found out about an alert's event after its first message. None of it is ever waited for: a
// message is posted without it and edited with it. All of it is untrusted text, as the event's own is.
type Learned struct {
	Names map[string]string `json:"names,omitempty"` // what people call an id, by the lower-case id
	Facts []Fact            `json:"facts,omitempty"`
	RU    float64           `json:"-"` // what the store charged for finding it

	// Body is the event's resource as it is, read at AsOf by its id; it stands for the body that the record lacks. It
	// becomes a part of the event. Missing says why there is none and will be none.
	Body    activity.Properties `json:"-"`
	AsOf    time.Time           `json:"-"`
	Missing string              `json:"-"`
	Refused bool                `json:"-"` // Auditbell lacks the right to read it
}

// Fact is one learned detail. A fact of the same name replaces the event's own.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Code  bool   `json:"code,omitempty"`
}

// Lookup is a question that was asked about an alert's event, by the name of who answers it.
type Lookup struct {
	Name     string    `json:"name"`
	Due      time.Time `json:"due,omitzero"` // zero: it is answered, or given up; it is not asked again
	Attempts int       `json:"attempts,omitempty"`
}

// Change says whether what happened was announced: by a change window of the operator's, or by a ticket that the event
// names.
type Change struct {
	Planned bool   `json:"planned,omitempty"`
	Window  string `json:"window,omitempty"` // the window that it lies in, or that it misses
	Ticket  string `json:"ticket,omitempty"`
}

const (
	keepNames = 8
	keepFacts = 12
	keepText  = 400 // runes of a learned text: an alert is one item, and a fact one line

	// lookupGrace is how long a question is left to the invocation that asked it. Then the timer takes it over.
	lookupGrace = 30 * time.Second
)

// lookupAgain are the delays after which a question without an answer is asked again; after the last it is given up.
// Azure has a change on record within five minutes (learn: "Get resource configuration changes").
var lookupAgain = []time.Duration{time.Minute, 4 * time.Minute, 15 * time.Minute}

// ask notes questions that were not asked yet.
func (a *Alert) ask(names []string, now time.Time) {
	for _, name := range names {
		if !slices.ContainsFunc(a.Lookups, func(l Lookup) bool { return l.Name == name }) {
			a.Lookups = append(a.Lookups, Lookup{Name: name, Due: now.UTC().Add(lookupGrace)})
		}
	}
}

// Asking lists the questions that are open and due. Questions about an alert that no reader has wait: a storm is
// one message, and no reader asks about its alerts one by one.
func (a *Alert) Asking(now time.Time) []string {
	var names []string
	for _, l := range a.Lookups {
		if !l.Due.IsZero() && !l.Due.After(now) && a.asks(l) {
			names = append(names, l.Name)
		}
	}
	return names
}

// AskingFirst lists the questions that were not tried yet, due or not: those of the invocation that has
// just sent the alert.
func (a *Alert) AskingFirst() []string {
	var names []string
	for _, l := range a.Lookups {
		if !l.Due.IsZero() && l.Attempts == 0 && a.asks(l) {
			names = append(names, l.Name)
		}
	}
	return names
}

// ResourceLookup names the question on which the severity of an act may hang.
const ResourceLookup = "resource"

// asks reports whether a question is asked at all. One on which the severity may hang does not wait for readers.
func (a *Alert) asks(l Lookup) bool { return l.Name == ResourceLookup || a.shown() }

// Asked is how often a question was asked.
func (a *Alert) Asked(name string) int {
	for _, l := range a.Lookups {
		if l.Name == name {
			return l.Attempts
		}
	}
	return 0
}

func (a *Alert) shown() bool {
	for _, d := range a.Deliveries {
		if d.Revision > 0 && d.Folded == "" && !d.Parked() {
			return true
		}
	}
	return false
}

// NextLookup is when an open question is to be asked; zero when there is none.
func (a *Alert) NextLookup() time.Time {
	var next time.Time
	for _, l := range a.Lookups {
		if !l.Due.IsZero() && a.asks(l) && (next.IsZero() || l.Due.Before(next)) {
			next = l.Due
		}
	}
	return next
}

// Learn takes in what was found about the questions asked. Those in later had no answer; they are asked again, a bounded
// number of times. It reports whether a reader sees a change, who is then owed an edit at once, and how many
// questions were given up.
func (a *Alert) Learn(found Learned, asked, later []string, now time.Time) (changed bool, givenUp int) {
	for i := range a.Lookups {
		l := &a.Lookups[i]
		if l.Due.IsZero() || !slices.Contains(asked, l.Name) {
			continue
		}
		l.Attempts++
		switch {
		case !slices.Contains(later, l.Name):
			if l.Due = (time.Time{}); l.Name == ResourceLookup {
				a.hasten(now)
			}
		case l.Attempts > len(lookupAgain):
			l.Due = time.Time{}
			givenUp++
		default:
			l.Due = now.UTC().Add(lookupAgain[l.Attempts-1])
		}
	}
	if a.Learned.add(found) {
		changed = true
		a.Revision++
		for name, d := range a.Deliveries {
			if !d.Parked() && d.Attempts == 0 && d.Held == "" && !d.At.IsZero() {
				d.Due = a.unlessSnoozed(&d, now)
				a.Deliveries[name] = d
			}
		}
	}
	return changed, givenUp
}

// unlessSnoozed is now, or the end of a snooze that holds the destination's edits.
func (a *Alert) unlessSnoozed(d *Delivery, now time.Time) time.Time {
	if a.Snooze.Until.After(now) && d.Revision >= a.Snooze.From {
		return a.Snooze.Until
	}
	return now.UTC()
}

// add merges what was found, within bounds. A fact of a name that is there is a better reading of the same.
func (l *Learned) add(found Learned) (changed bool) {
	for _, id := range slices.Sorted(maps.Keys(found.Names)) {
		key, name := strings.ToLower(id), cut(found.Names[id])
		if name == "" || l.Names[key] == name || l.Names[key] == "" && len(l.Names) >= keepNames {
			continue
		}
		if l.Names == nil {
			l.Names = map[string]string{}
		}
		l.Names[key], changed = name, true
	}
	for _, f := range found.Facts {
		f.Value = cut(f.Value)
		i := slices.IndexFunc(l.Facts, func(have Fact) bool { return have.Name == f.Name })
		switch {
		case f.Value == "" || i < 0 && len(l.Facts) >= keepFacts || i >= 0 && l.Facts[i] == f:
			continue
		case i < 0:
			l.Facts = append(l.Facts, f)
		default:
			l.Facts[i] = f
		}
		changed = true
	}
	if changed { // lookups answer in any order; readers shall see one
		slices.SortStableFunc(l.Facts, func(x, y Fact) int { return cmp.Compare(x.Name, y.Name) })
	}
	return changed
}

func cut(text string) string {
	if text = strings.TrimSpace(text); len(text) <= keepText && utf8.ValidString(text) {
		return text
	}
	runes := []rune(text)
	if len(runes) <= keepText {
		return string(runes)
	}
	return string(runes[:keepText-1]) + "…"
}

// Habit is what is remembered of an actor and an operation that alerts.
type Habit struct {
	Last  time.Time // when this actor did this before; zero: never, as far as the memory goes
	Since time.Time // how far that is
	RU    float64
}

// ActorOf is the actor of an event as groups, exceptions and habits know it, in lower case.
func ActorOf(e activity.Event) string { return strings.ToLower(actor(&e)) }

// NextWork is when something is to be done about the alert: a delivery that is owed, a question that is open, a
// message of which it is not known what became of it. Zero:
// nothing.
func (a *Alert) NextWork() time.Time {
	next := a.NextDue()
	for _, ask := range []time.Time{a.NextLookup(), a.NextAsk()} {
		if !ask.IsZero() && (next.IsZero() || ask.Before(next)) {
			next = ask
		}
	}
	return next
}

// HabitKey is the same for the same actor and operation, wherever: it finds what is remembered of them.
func HabitKey(e activity.Event) string {
	return "habit-" + hash(ActorOf(e), e.TenantScope(), e.Operation)
}
