package rules

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
)

// Window is a correlation's state for one group: what was counted within the timespan. It is a plain value that
// marshals to JSON, so that whoever calls decides where it lives: read the window named by Beat.Group, call Beat.Add,
// write it back under the same version (an ETag in Cosmos DB), and repeat on a conflict. Nothing else needs to be kept,
// and a lost window means a threshold that starts again, never a wrong one.
type Window struct {
	Members []Member `json:"members"` // oldest first
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
	Rang bool          `json:"rang,omitempty"` // the correlation rang with it
}

// Add counts the beat and reports whether the correlation rings: once when the condition is first met, and again with
// each further event while it stays met (the pipeline's noise window makes one alert of them). An event that is older
// than the newest by more than the timespan comes too late and is not counted. A record that comes again is not counted
// again and gets the answer that it got before, because whoever got it then may have died before ringing.
func (b Beat) Add(w *Window) bool {
	c := b.Rule.Correlation
	newest := b.Member.At
	for _, m := range w.Members {
		if m.At.After(newest.Time) {
			newest = m.At
		}
	}
	old := newest.Add(-c.Timespan)
	w.Members = slices.DeleteFunc(w.Members, func(m Member) bool { return m.At.Before(old) })
	if b.Member.At.Before(old) {
		return false
	}
	if i := w.find(b.Member); i >= 0 {
		return w.Members[i].Rang
	}
	at, _ := slices.BinarySearchFunc(w.Members, b.Member, later)
	w.Members = slices.Insert(w.Members, at, b.Member)
	count := w.count(c)
	rings := count >= c.bounds.least && count <= c.bounds.most
	w.Members[at].Rang = rings
	w.trim(c)
	return rings
}

// later orders members by time, equal times in the order of arrival.
func later(a, b Member) int {
	if a.At.After(b.At.Time) {
		return 1
	}
	return -1
}

// find returns where m was counted before, in this or in another form; -1 when it was not.
func (w *Window) find(m Member) int {
	return slices.IndexFunc(w.Members, func(o Member) bool {
		sameFact := m.Key != "" && o.Key == m.Key && o.Form != m.Form
		return o.Part == m.Part && (o.ID == m.ID || sameFact)
	})
}

// count is what the condition compares.
func (w *Window) count(c *Correlation) int {
	switch c.Type {
	case ValueCount:
		return distinct(w.Members, func(m Member) string { return m.Value })
	case Temporal:
		return distinct(w.Members, func(m Member) int { return m.Part })
	case TemporalOrdered:
		return w.inOrder()
	}
	return len(w.Members)
}

func distinct[K comparable](members []Member, of func(Member) K) int {
	seen := make(map[K]bool, len(members))
	for _, m := range members {
		seen[of(m)] = true
	}
	return len(seen)
}

// inOrder is how many of the correlation's rules matched one after the other, from the first.
func (w *Window) inOrder() int {
	next := 0
	for _, m := range w.Members {
		if m.Part == next {
			next++
		}
	}
	return next
}

// trim keeps as many members as can still decide: the newest ones.
func (w *Window) trim(c *Correlation) {
	limit := maxCount
	if c.Type == EventCount && c.bounds.most == maxCount {
		limit = c.bounds.least
	}
	if extra := len(w.Members) - limit; extra > 0 {
		w.Members = slices.Delete(w.Members, 0, extra)
	}
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

// Correlator keeps windows in memory, for replays and tests, and for a process that may forget them when it stops. It
// holds at most limit windows; the least recently touched one makes room. Not safe for concurrent use.
type Correlator struct {
	set     *Set
	limit   int
	windows map[string]*kept
}

type kept struct {
	window  Window
	touched time.Time
}

// NewCorrelator returns a Correlator over the set's correlations.
func NewCorrelator(set *Set, limit int) *Correlator {
	return &Correlator{set: set, limit: max(limit, 1), windows: make(map[string]*kept)}
}

// Observe counts e and appends the correlations that ring because of it. Now is the clock: an event's time decides
// what is within a timespan, but one that lies in the future counts as now, or a single wrong clock would empty every
// window.
func (c *Correlator) Observe(dst []*Rule, e *activity.Event, now time.Time) []*Rule {
	for _, b := range c.set.Correlate(nil, e) {
		if b.Member.At.IsZero() || b.Member.At.After(now) {
			b.Member.At = activity.At(now)
		}
		k, ok := c.windows[b.Group]
		if !ok {
			c.makeRoom()
			k = &kept{}
			c.windows[b.Group] = k
		}
		k.touched = now
		if b.Add(&k.window) && !slices.Contains(dst, b.Rule) {
			dst = append(dst, b.Rule)
		}
	}
	return dst
}

// makeRoom forgets the window that nothing touched for longest.
func (c *Correlator) makeRoom() {
	if len(c.windows) < c.limit {
		return
	}
	oldest := ""
	for group, k := range c.windows {
		if oldest == "" || k.touched.Before(c.windows[oldest].touched) {
			oldest = group
		}
	}
	delete(c.windows, oldest)
}
