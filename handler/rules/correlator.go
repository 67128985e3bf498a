package rules

import (
	"cmp"
	"slices"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
)

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

// Observe counts e and appends the correlations that alert because of it; see Set.Count.
func (c *Correlator) Observe(dst []*Rule, e *activity.Event, now time.Time) []*Rule {
	return c.Take(dst, e, c.set.Counted(nil, e), now)
}

// Take is Observe for an event of which it is known which rules it meets that are counted (Set.Counted).
func (c *Correlator) Take(dst []*Rule, e *activity.Event, counted []*Rule, now time.Time) []*Rule {
	met, _ := c.set.countAll(c.set.beats(nil, counted, e), now, c.window(now)) // memory does not fail
	for _, r := range met {
		if !slices.Contains(dst, r) {
			dst = append(dst, r)
		}
	}
	return dst
}

func (c *Correlator) window(now time.Time) func(string, func(*Window)) error {
	return func(group string, add func(*Window)) error {
		k, ok := c.windows[group]
		if !ok {
			c.makeRoom()
			k = &kept{}
			c.windows[group] = k
		}
		k.touched = now
		add(&k.window)
		return nil
	}
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

// Story correlates events that are all there already, such as the lines of files: they count in the order of their own
// times, whatever order they come in, so any order gives the same result.
type Story struct {
	set   *Set
	parts []part
	limit int
}

// part is what one event contributes.
type part struct {
	n     int
	beats []Beat
	at    activity.Time
	id    string
}

// Completed is one correlation that one event completes.
type Completed struct {
	N    int // the event's number, as Add got it
	Rule *Rule
}

// NewStory returns a Story over the set's correlations, which keeps at most limit groups in mind.
func NewStory(set *Set, limit int) *Story { return &Story{set: set, limit: limit} }

// Add takes an event under a number and reports whether it contributes. Nothing of e is kept but what it contributes.
func (s *Story) Add(n int, e *activity.Event) bool {
	beats := s.set.Correlate(nil, e)
	if len(beats) > 0 {
		s.parts = append(s.parts, part{n, beats, e.Time, e.ID})
	}
	return len(beats) > 0
}

// Completed returns which correlations are met, by the number of the event that completes them. Events without a time count at
// the last of the others' times, so that the same events give the same result whenever it is asked for.
func (s *Story) Completed() []Completed {
	last := time.Unix(0, 0) // for events of which none has a time
	for _, one := range s.parts {
		if one.at.After(last) {
			last = one.at.Time
		}
	}
	for i := range s.parts {
		if s.parts[i].at.IsZero() {
			s.parts[i].at = activity.At(last)
		}
	}
	slices.SortStableFunc(s.parts, func(a, b part) int {
		return cmp.Or(a.at.Compare(b.at.Time), cmp.Compare(a.id, b.id), cmp.Compare(a.n, b.n))
	})
	c := NewCorrelator(s.set, s.limit)
	var all []Completed
	for _, t := range s.parts {
		met, _ := s.set.countAll(t.beats, t.at.Time, c.window(t.at.Time))
		for _, r := range met {
			all = append(all, Completed{t.n, r})
		}
	}
	slices.SortStableFunc(all, func(a, b Completed) int { return cmp.Compare(a.N, b.N) })
	return all
}
