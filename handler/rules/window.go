package rules

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
)

// Window is a correlation's state for one group: what was counted within the timespan and the allowed lateness. It is a
// plain value that marshals to JSON, so that the caller decides where it lives: read the window named by Beat.Group,
// change it, write it back under the same version (an ETag in Cosmos DB), and repeat on a conflict. Nothing else needs
// to be kept, and a lost window means a threshold that starts again, never a wrong one.
//
// Events count by their own time. One that comes late, up to Set.Lateness after the newest of its group, is put where
// it belongs, and what it completes alerts then.
type Window struct {
	Members []Member `json:"members"` // oldest first, equal times by id
}

// Member is one counted event.
type Member struct {
	At    activity.Time `json:"at"`
	ID    string        `json:"id"` // the event's; the same record again is not counted again
	Part  int           `json:"part,omitempty"`
	Value string        `json:"value,omitempty"`
	// Key and Form tell the same fact that came through a second feed, under another id, from a repetition: one
	// operation has one correlation id, and a feed reports its outcome once.
	Key  string        `json:"key,omitempty"`
	Form activity.Form `json:"form,omitempty"`
	// Met is when the condition was met, by event time, in a timespan that ends with the member (of a sequence: that holds it);
	// zero: it was not. By is the event that completed it, where that came later.
	Met  activity.Time `json:"met_at,omitzero"`
	By   string        `json:"by,omitempty"`
	Used bool          `json:"used,omitempty"` // temporal_ordered: it is part of a sequence that alerted
}

// Count adds e to every correlation that counts it and returns those that alert, correlations of correlations included.
// now is the clock: an event that lies in the future, or has no time, counts as now, or a single wrong clock would empty
// every window. window reads the window of that name, calls add, writes it back, and may call add again after a conflict.
func (s *Set) Count(e *activity.Event, now time.Time, window func(group string, add func(*Window)) error) ([]*Rule, error) {
	return s.countAll(s.Correlate(nil, e), now, window)
}

func (s *Set) countAll(queue []Beat, now time.Time, window func(string, func(*Window)) error) ([]*Rule, error) {
	var met []*Rule
	for ; len(queue) > 0; queue = queue[1:] {
		completed, err := s.count(queue[0], now, window)
		if err != nil {
			return met, err
		}
		if r := queue[0].Rule; len(completed) > 0 && !s.CountsOnly(r) && !slices.Contains(met, r) {
			met = append(met, r)
		}
		for _, m := range completed {
			for _, above := range queue[0].above {
				above.Member.At, above.Member.ID, above.Member.Key, above.Member.Form = m.Met, m.ID, m.Key, m.Form
				queue = append(queue, above)
			}
		}
	}
	return met, nil
}

// count adds one beat and returns the members with which its condition was met.
func (s *Set) count(b Beat, now time.Time, window func(string, func(*Window)) error) (met []Member, err error) {
	if b.Member.At.IsZero() || b.Member.At.After(now) {
		b.Member.At = activity.At(now)
	}
	err = window(b.Group, func(w *Window) { met = b.add(w, s.Lateness) })
	return met, err
}

// add counts the beat and returns the members with which it meets the condition: what comes late may complete several
// timespans, and each counts where the correlation is counted. The correlation alerts when the condition is first met, and again with each further event while
// it stays met (the pipeline's noise window makes one alert of them); a sequence (temporal_ordered) alerts once. A record
// that comes again is not counted again and gets the answer that it got before, because the process that got it then
// may have stopped before it stored the alert.
func (b Beat) add(w *Window, lateness time.Duration) (met []Member) {
	c := b.Rule.Correlation
	newest := b.Member.At
	for _, m := range w.Members {
		if m.At.After(newest.Time) {
			newest = m.At
		}
	}
	old := newest.Add(-c.Timespan - lateness)
	w.Members = slices.DeleteFunc(w.Members, func(m Member) bool { return m.At.Before(old) })
	if b.Member.At.Before(old) {
		return nil
	}
	if i := w.find(b.Member); i >= 0 {
		return w.completedBy(w.Members[i])
	}
	at, _ := slices.BinarySearchFunc(w.Members, b.Member, before)
	w.Members = slices.Insert(w.Members, at, b.Member)
	if c.sequence() {
		w.Members[at].Met = w.sequence(c, at)
	} else {
		w.complete(c, at)
	}
	met = w.completedBy(w.Members[at])
	w.thin(c)
	return met
}

// completedBy are the members with which m met the condition.
func (w *Window) completedBy(m Member) (met []Member) {
	for _, end := range w.Members {
		if !end.Met.IsZero() && (end.By == m.ID || end.By == "" && end.ID == m.ID && end.Part == m.Part) {
			met = append(met, end)
		}
	}
	return met
}

// before orders members by time, equal times by what else distinguishes them, so that no order of arrival matters.
func before(a, b Member) int {
	return cmp.Or(a.At.Compare(b.At.Time), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Part, b.Part))
}

// find returns where m was counted before, in this or in another form; -1 when it was not.
func (w *Window) find(m Member) int {
	return slices.IndexFunc(w.Members, func(o Member) bool {
		sameFact := m.Key != "" && o.Key == m.Key && o.Form != m.Form
		return o.Part == m.Part && (o.ID == m.ID || sameFact)
	})
}

// complete notes which timespans meet the condition with member i and did not before: those that end with it, or with
// what came earlier and lies behind it. So the same members meet it at the same times, in whatever order they come.
func (w *Window) complete(c *Correlation, i int) {
	latest := w.Members[i].At.Add(c.Timespan)
	for end := i; end < len(w.Members) && !w.Members[end].At.After(latest); end++ {
		m := &w.Members[end]
		if !m.Met.IsZero() || !c.met(w.span(m.At.Add(-c.Timespan), end+1)) {
			continue
		}
		if m.Met = m.At; end != i {
			m.By = w.Members[i].ID
		}
	}
}

// span are the members from a time on, up to the index to.
func (w *Window) span(from time.Time, to int) []Member {
	i, _ := slices.BinarySearchFunc(w.Members[:to], from, func(m Member, from time.Time) int {
		if m.At.Before(from) {
			return -1
		}
		return 1
	})
	return w.Members[i:to]
}

// met reports whether the members of one timespan meet the condition.
func (c *Correlation) met(members []Member) bool {
	if len(members) == 0 {
		return false
	}
	if c.condition != nil {
		return c.condition.met(func(part int) bool {
			return slices.ContainsFunc(members, func(m Member) bool { return m.Part == part })
		}) && (c.Type == Temporal || inOrder(members, c.condition.parts()))
	}
	return c.bounded(c.figure(members))
}

// figure is what the condition's bounds are about.
func (c *Correlation) figure(members []Member) float64 {
	switch c.Type {
	case ValueCount:
		return float64(distinct(members, func(m Member) string { return m.Value }))
	case Temporal:
		return float64(distinct(members, func(m Member) int { return m.Part }))
	case ValueSum:
		return sum(numbers(members))
	case ValueAvg:
		return sum(numbers(members)) / float64(len(members))
	case ValuePercentile, ValueMedian:
		return c.percent(members)
	}
	return float64(len(members))
}

// percent is the nearest-rank percentile of the values or, without condition.percentile, which share in percent the
// newest value has among them (specification, "Value Percentile": less than 1% of all).
func (c *Correlation) percent(members []Member) float64 {
	if c.percentile > 0 {
		list := numbers(members)
		slices.Sort(list)
		rank := int(math.Ceil(c.percentile / 100 * float64(len(list))))
		return list[max(rank, 1)-1]
	}
	same, newest := 0, members[len(members)-1].Value
	for _, m := range members {
		if m.Value == newest {
			same++
		}
	}
	return 100 * float64(same) / float64(len(members))
}

func numbers(members []Member) []float64 {
	list := make([]float64, len(members))
	for i, m := range members {
		list[i], _ = number([]byte(m.Value))
	}
	return list
}

func sum(list []float64) (total float64) {
	for _, n := range list {
		total += n
	}
	return total
}

func distinct[K comparable](members []Member, of func(Member) K) int {
	seen := make(map[K]bool, len(members))
	for _, m := range members {
		seen[of(m)] = true
	}
	return len(seen)
}

// inOrder reports whether those of the parts that matched did so one after the other.
func inOrder(members []Member, parts []int) bool {
	slices.Sort(parts)
	at := time.Time{}
	for _, part := range slices.Compact(parts) {
		matched := slices.ContainsFunc(members, func(m Member) bool { return m.Part == part })
		next := slices.IndexFunc(members, func(m Member) bool { return m.Part == part && !m.At.Before(at) })
		if matched && next < 0 {
			return false
		}
		if matched {
			at = members[next].At.Time
		}
	}
	return true
}

// sequence reports whether the correlation is about rules that match one after the other.
func (c *Correlation) sequence() bool { return c.Type == TemporalOrdered && c.condition == nil }

// length is how many of a sequence's rules must have matched, from the first.
func (c *Correlation) length() int {
	for n := range c.Rules {
		if c.bounded(float64(n + 1)) {
			return n + 1
		}
	}
	return len(c.Rules)
}

// sequence reports when a sequence is complete that holds member i and nothing that alerted before, and uses it up. Of what
// could precede i the latest is taken, of what could follow it the earliest: no other choice is shorter.
func (w *Window) sequence(c *Correlation, i int) activity.Time {
	length := c.length()
	if w.Members[i].Part >= length {
		return activity.Time{}
	}
	chosen := []int{i}
	for part, at := w.Members[i].Part-1, i; part >= 0; part-- {
		if at = w.previous(part, at); at < 0 {
			return activity.Time{}
		}
		chosen = append(chosen, at)
	}
	start := w.Members[chosen[len(chosen)-1]].At
	end := i
	for part := w.Members[i].Part + 1; part < length; part++ {
		if end = w.following(part, end); end < 0 {
			return activity.Time{}
		}
		chosen = append(chosen, end)
	}
	if w.Members[end].At.Sub(start.Time) > c.Timespan {
		return activity.Time{}
	}
	for _, at := range chosen {
		w.Members[at].Used = true
	}
	return w.Members[end].At
}

// previous is the latest unused member of a part that is not after member i; -1 when there is none.
func (w *Window) previous(part, i int) int {
	for at := len(w.Members) - 1; at >= 0; at-- {
		if m := &w.Members[at]; m.Part == part && !m.Used && !m.At.After(w.Members[i].At.Time) {
			return at
		}
	}
	return -1
}

// following is the earliest unused member of a part that is not before member i; -1 when there is none.
func (w *Window) following(part, i int) int {
	return slices.IndexFunc(w.Members, func(m Member) bool {
		return m.Part == part && !m.Used && !m.At.Before(w.Members[i].At.Time)
	})
}

// thin leaves out members that can decide nothing any more: where the condition is met by what lies within a timespan
// before one, and by what lies within a timespan after it, whatever comes beside it completes the same without it. The
// window of a busy group stays about as small as twice its threshold.
func (w *Window) thin(c *Correlation) {
	if c.monotone() && !c.sequence() && c.Type != TemporalOrdered {
		for i := len(w.Members) - 2; i > 0; i-- {
			if w.spare(c, i) {
				w.Members = slices.Delete(w.Members, i, i+1)
			}
		}
	}
	if extra := len(w.Members) - maxCount; extra > 0 {
		w.Members = slices.Delete(w.Members, 0, extra)
	}
}

func (w *Window) spare(c *Correlation, i int) bool {
	at := w.Members[i].At
	if !c.met(w.span(at.Add(-c.Timespan), i)) {
		return false
	}
	end := i + 1
	for end < len(w.Members) && !w.Members[end].At.After(at.Add(c.Timespan)) {
		end++
	}
	return c.met(w.Members[i+1 : end])
}

// lifecycle names the operation that an event is about; empty where the event does not tell.
func lifecycle(e *activity.Event) string {
	if e.CorrelationID == "" {
		return ""
	}
	return shortHash(strings.ToLower(e.CorrelationID), e.Operation, e.ResourceID, string(e.Outcome))
}

// groupID is fit for a document id: values may hold anything.
func groupID(rule string, values []string) string {
	return rule + "-" + shortHash(values...)
}

func shortHash(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:12])
}
