package oracle

import (
	"cmp"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The promises, by the names under which a violation is reported.
const (
	Named    = "an act is not named" // resource, actor and facts of a grave act, on every channel
	Unseen   = "a milder act is neither named nor counted"
	Timely   = "an act is named too late" // though nothing misbehaved
	Grave    = "a severity is too low"    // of the message that names an act
	Alarming = "a severity is too high"
	Outcome  = "an outcome is wrong"  // as last shown by a channel with edits
	Counted  = "a count is wrong"     // the last one that readers of a channel with edits were shown
	Once     = "a message came twice" // though nothing misbehaved
	Tested   = "a daily test did not arrive"
	EndShown = "an end is not shown"    // on a channel that was shown the beginning
	Taken    = "a delivery was refused" // though nothing misbehaved
	Kept     = "a delivery is lost"     // the feed gave it up, and what was in it reached no channel
	PaidOff  = "something is owed for ever"
	Aimed    = "an edit went to another message"
	Waited   = "a wait was not kept" // that a channel had asked for
	GivenUp  = "a lease was never given back"
	Excused  = "an excepted act was alerted"
	Returned = "an act is silent by an exception that was withdrawn"
	Spent    = "faults cost too much" // requests and request units, by those without faults
)

const (
	calmTime = 3 * time.Hour    // without a fault before it, so that nothing old is in the way
	gapTime  = 90 * time.Second // how far a fault may lie from a repeated message that it explains
)

// judge is a World being looked at.
type judge struct {
	World
	talks    []*talk
	byWord   map[string][]*talk
	came     map[int]time.Time // when the first record of an act had arrived
	arrived  map[int]time.Time // and the last one
	actors   map[string]int    // how many acts each did
	nameless map[string]int    // alerts that a channel's summaries count without the name of an actor
	begun    map[int]bool      // some record of the act was refused, so that it may be known in part
	found    []Violation
	repeats  int
}

// talk is what one channel was sent about one alert: its message with all edits and replies, or the row of messages that
// carry the same alert id.
type talk struct {
	channel  string
	messages []Message
	words    map[string]bool
	severity Severity // as last shown
	highest  Severity
	count    int
	outcome  string
	summary  bool // of what waited for the channel, or was held back
	sum      summary
	own      bool // Auditbell speaks about itself
	many     bool // it is by the rule about many deletions, which counts acts once more and is graver
}

// Judge lists the promises that were broken, and how many messages were sent twice because of the gap that cannot be closed.
func Judge(w World) (found []Violation, repeats int) {
	j := &judge{World: w, byWord: map[string][]*talk{}, came: map[int]time.Time{}, arrived: map[int]time.Time{}, actors: actorsOf(w.Acts), nameless: map[string]int{}, begun: map[int]bool{}}
	for _, a := range w.Arrivals {
		if _, known := j.came[a.Act]; !known {
			j.came[a.Act] = a.At
		}
		j.arrived[a.Act] = later(j.arrived[a.Act], a.At)
	}
	for _, r := range w.Refusals {
		for _, a := range r.Acts {
			j.begun[a] = true
		}
	}
	j.listen()
	j.withdrawn()
	for i := range j.Acts {
		j.act(&j.Acts[i])
	}
	for _, channel := range j.Channels {
		j.milder(channel)
		j.returned(channel)
	}
	j.counts()
	j.tests()
	j.twice()
	j.waits()
	j.refusals()
	j.debts()
	return j.found, j.repeats
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func (j *judge) report(rule string, a *Act, format string, args ...any) {
	v := Violation{Rule: rule, Act: -1, Detail: fmt.Sprintf(format, args...)}
	if a != nil {
		v.Act, v.Part = a.ID, a.Part
		v.Detail = fmt.Sprintf("act %d, %s (%s) of %s by %s: ", a.ID, a.Kind, a.Severity, a.Resource, cmp.Or(a.Actor, "the platform")) + v.Detail
	}
	j.found = append(j.found, v)
}

var (
	alertID   = regexp.MustCompile(`^alert-[0-9a-v]{26}`)
	times     = regexp.MustCompile(`\(×(\d+)\)`)
	outcomeOf = regexp.MustCompile(`\b(succeeded|failed|ongoing|resolved)\b`)
)

const (
	alertPrefix = "alert-"
	alertLength = len(alertPrefix) + 26
)

// words are the parts of a text by which acts are found again.
func words(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for w := range strings.FieldsFuncSeq(text, apart) {
			if len(w) > 2 && !yield(w) {
				return
			}
		}
	}
}

func apart(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune("@._-", r)
}

// listen puts messages into talks.
func (j *judge) listen() {
	at := map[string]*talk{}
	for _, m := range j.Messages {
		key := m.Channel + " " + m.Ref
		t := at[key]
		j.aimed(m, at)
		if id := m.Alert; id != "" {
			if byID := at[m.Channel+" "+id]; byID != nil {
				t = byID
			}
			if t == nil {
				t = &talk{channel: m.Channel, words: map[string]bool{}}
				j.talks = append(j.talks, t)
			}
			at[m.Channel+" "+id] = t
		}
		if t == nil {
			t = &talk{channel: m.Channel, words: map[string]bool{}}
			j.talks = append(j.talks, t)
		}
		at[key] = t
		t.hear(m)
		for w := range words(m.Text) {
			if !t.words[w] {
				t.words[w] = true
				j.byWord[w] = append(j.byWord[w], t)
			}
		}
	}
}

// aimed compares the alert that an edit or a reply is about with that of the message it goes to.
func (j *judge) aimed(m Message, at map[string]*talk) {
	id := m.Alert
	if m.Kind == "post" || id == "" {
		return
	}
	if about, to := at[m.Channel+" "+id], at[m.Channel+" "+m.Ref]; about != nil && to != nil && about != to {
		j.report(Aimed, nil, "%s at %s: the edit of %s went to %s", m.Channel, clock(m.At), id, m.Ref)
	}
}

// waits looks for messages that a channel was sent before the time was over that it had asked for.
func (j *judge) waits() {
	for _, w := range j.Waits {
		for _, m := range j.Messages {
			if m.Channel == w.Channel && m.At.After(w.At) && m.At.Before(w.Until) && w.Alert != "" && m.Alert == w.Alert {
				j.report(Waited, nil, "%s asked at %s to wait until %s, %s came at %s", w.Channel, clock(w.At), clock(w.Until), w.Alert, clock(m.At))
				break
			}
		}
	}
}

// manyDeleted is the title of the rule about many deletions by one actor, as messages are compared.
const manyDeleted = "many resources deleted in a short time"

// hear notes what a reader now sees.
func (t *talk) hear(m Message) {
	t.messages = append(t.messages, m)
	if _, severity, ok := Headline(m.Text); ok {
		t.severity = severity
		t.highest = max(t.highest, t.severity)
	}
	if m.Kind == "reply" {
		return
	}
	t.own = strings.Contains(m.Text, "auditbell about itself")
	t.many = strings.Contains(m.Text, " · "+manyDeleted) && !t.own
	t.count = 1
	before := t.sum
	if t.sum, t.summary = summaryIn(m.Text); t.summary {
		t.sum.continues(before)
		t.count = t.sum.alerts
	} else if found := submatch(times, "(×", m.Text); found != nil {
		t.count, _ = strconv.Atoi(found[1])
	}
	t.outcome = outcomeOf.FindString(m.Text)
}

// submatch is what an expression finds in a text in which what it must hold stands at all.
func submatch(of *regexp.Regexp, must, text string) []string {
	if !strings.Contains(text, must) {
		return nil
	}
	return of.FindStringSubmatch(text)
}

// act judges what readers were shown of one act.
func (j *judge) act(a *Act) {
	at, ok := j.arrived[a.ID]
	if a.Excepted {
		j.excepted(a)
	}
	if !ok || a.Lost || a.Excepted {
		return
	}
	for _, channel := range j.Channels {
		switch {
		case a.Ended:
			j.ended(a, channel)
		case a.Severity >= High:
			j.grave(a, channel, at)
		}
		j.outcome(a, channel)
		j.alarming(a, channel)
	}
}

// excepted judges an act from which the operator made an exception.
func (j *judge) excepted(a *Act) {
	for _, t := range j.byWord[a.Resource] {
		if m := t.messages[0]; m.At.Before(a.Until) {
			j.report(Excused, a, "%s was sent it at %s", m.Channel, clock(m.At))
			return
		}
	}
}

// grave judges a grave act on one channel: named with its facts, in time, at its severity.
func (j *judge) grave(a *Act, channel string, arrived time.Time) {
	var best []string
	for i, t := range j.about(a.Resource, channel) {
		when, missing := t.names(a)
		if len(missing) > 0 {
			if i == 0 || len(missing) < len(best) {
				best = missing
			}
			continue
		}
		if t.severity < a.Severity && !j.excused(a, channel) {
			j.report(Grave, a, "%s shows it as %s", channel, t.severity)
		} else {
			j.inTime(a, t, arrived, when)
		}
		return
	}
	if j.excused(a, channel) {
		return
	}
	if best == nil {
		best = []string{"the resource"}
	}
	j.report(Named, a, "%s was never shown %s", channel, strings.Join(best, ", "))
}

// outcome judges what a message that can be edited says last of how an act ended, where it is about that act alone. A feed
// that had to deliver a record again may still have been doing so.
func (j *judge) outcome(a *Act, channel string) {
	truth := "succeeded"
	if a.Failed {
		truth = "failed"
	}
	if !j.Edits[channel] || a.Ended || j.begun[a.ID] || j.excused(a, channel) {
		return
	}
	for _, t := range j.about(a.Resource, channel) {
		if t.count == 1 && t.outcome != "" && t.outcome != truth && t.words[a.Actor] {
			j.report(Outcome, a, "%s says last that it is %s, it has %s", channel, t.outcome, truth)
		}
	}
}

// alarming judges what a message says last of how grave an act is, where it is about that act alone.
func (j *judge) alarming(a *Act, channel string) {
	same := func(b Act) bool { return b.ID != a.ID && b.Resource == a.Resource }
	if a.Actor == "" || slices.ContainsFunc(j.Acts, same) {
		return
	}
	for _, t := range j.about(a.Resource, channel) {
		if t.count == 1 && !t.summary && !t.many && t.severity > a.Severity && t.words[a.Actor] {
			j.report(Alarming, a, "%s shows it as %s", channel, t.severity)
		}
	}
}

// about lists the talks of a channel in which a word stands.
func (j *judge) about(w, channel string) []*talk {
	return slices.DeleteFunc(slices.Clone(j.byWord[w]), func(t *talk) bool { return t.channel != channel })
}

// names says when a talk had named the act with all of its facts, and what it does not name.
func (t *talk) names(a *Act) (when time.Time, missing []string) {
	wanted := append([]Fact{{"the resource", []string{a.Resource}}, {"the actor", []string{a.Actor}}}, a.Facts...)
	for _, f := range wanted {
		if f.Any[0] == "" {
			continue
		}
		at, ok := t.first(f.Any)
		if !ok {
			missing = append(missing, f.Name+" ("+f.Any[0]+")")
		}
		when = later(when, at)
	}
	return when, missing
}

func (t *talk) first(any []string) (time.Time, bool) {
	for _, m := range t.messages {
		if slices.ContainsFunc(any, func(one string) bool { return strings.Contains(m.Text, strings.ToLower(one)) }) {
			return m.At, true
		}
	}
	return time.Time{}, false
}

// ended judges a condition that is over: a channel that was shown its beginning is shown its end.
func (j *judge) ended(a *Act, channel string) {
	begun, over := false, false
	for _, t := range j.about(a.Resource, channel) {
		if _, ok := t.first([]string{"is unavailable"}); ok {
			begun = true
		}
		if _, ok := t.first([]string{"is available again"}); ok {
			over = true
		}
	}
	if begun && !over && !j.excused(a, channel) {
		j.report(EndShown, a, "%s still says that it is unavailable", channel)
	}
}

// calm reports whether nothing misbehaved in a time.
func (j *judge) calm(from, to time.Time) bool {
	i, _ := slices.BinarySearchFunc(j.Faults, from, func(s Span, t time.Time) int { return s.To.Compare(t) })
	return i == len(j.Faults) || j.Faults[i].From.After(to)
}

// Repeated lists the messages that came twice in a run that did not come to its end.
func Repeated(w World) []Violation {
	j := &judge{World: w}
	j.twice()
	return j.found
}

// twice looks for posts that were sent again.
func (j *judge) twice() {
	first := map[string]Message{}
	for _, m := range j.Messages {
		if m.Kind != "post" {
			continue
		}
		key := m.Channel + m.Text
		before, again := first[key]
		first[key] = m
		switch {
		case !again:
		case before.Gap || !j.calm(before.At.Add(-gapTime), before.At.Add(gapTime)), j.inPlaceOfEdit(m):
			j.repeats++
		default:
			j.report(Once, nil, "%s at %s and %s: %.80s", m.Channel, clock(before.At), clock(m.At), m.Text)
		}
	}
}

// inPlaceOfEdit reports whether a message stands for an edit that the channel refused in that moment.
func (j *judge) inPlaceOfEdit(m Message) bool {
	return slices.ContainsFunc(j.Barred, func(e Message) bool {
		return e.Channel == m.Channel && e.Alert == m.Alert && e.Text == m.Text && !m.At.Before(e.At) && m.At.Sub(e.At) < gapTime
	})
}

// tests looks for the daily tests on every channel.
func (j *judge) tests() {
	for _, test := range j.Tests {
		for _, channel := range j.Channels {
			arrived := func(m Message) bool {
				return m.Channel == channel && strings.Contains(m.Text, "auditbell about itself: a test") && strings.Contains(m.Text, test.Day)
			}
			if !slices.ContainsFunc(j.Messages, arrived) && !slices.ContainsFunc(j.Doubts, arrived) {
				j.report(Tested, nil, "%s was not sent that of %s", channel, test.Day)
			}
		}
	}
}

func clock(t time.Time) string { return t.Format("15:04:05") }

// refusals looks for invocations that failed though nothing misbehaved, and for deliveries that were given up.
func (j *judge) refusals() {
	for _, r := range j.Refusals {
		var about *Act
		if len(r.Acts) > 0 {
			about = &j.Acts[r.Acts[0]]
		}
		switch {
		case r.Final && slices.ContainsFunc(r.Acts, func(a int) bool { return j.silent(&j.Acts[a]) }):
			j.report(Kept, about, "%s gave it up after %.120s", r.Function, r.Detail)
		case j.calm(r.At.Add(-gapTime), r.At):
			j.report(Taken, about, "%s answered %.160s", r.Function, r.Detail)
		}
	}
}

// silent reports whether no channel was sent an act.
func (j *judge) silent(a *Act) bool { return a.Severity >= Low && len(j.byWord[a.Resource]) == 0 }

func (j *judge) debts() {
	for _, o := range j.Owed {
		j.report(PaidOff, nil, "%s", o)
	}
	for _, o := range j.Leased {
		j.report(GivenUp, nil, "%s", o)
	}
}
