package reconcile

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/store"
)

// An hour is looked at three times: when Azure should have listed nearly all of it ("3 to 20 minutes" after the event,
// says the page about the Activity Log; 2 minutes in most samples), when the stragglers are there (82 minutes in a sample
// of category Security), and when Event Grid has given up delivering again, which it does for a day.
var looks = [...]time.Duration{30 * time.Minute, 3 * time.Hour, 26 * time.Hour}

// State is how far the comparison of one subscription has come. It is written every few hours: whoever is killed in
// between does those again, which changes nothing that it did.
type State struct {
	From   time.Time             `json:"from"`              // the earliest hour that is to be compared
	Front  [len(looks)]time.Time `json:"front"`             // hours before it have had the first, second and third look
	Back   time.Time             `json:"back,omitzero"`     // of the past that somebody asked for later, what is still to do: [Back, BackTo)
	BackTo time.Time             `json:"back_to,omitzero"`  //
	Part   *Partial              `json:"part,omitempty"`    // an hour that was too much for one run
	Open   map[string]int64      `json:"open,omitempty"`    // operations without an end, by lifecycle: the hour they began in, Unix seconds
	Fails  Failing               `json:"failing,omitzero"`  // since when nothing can be compared
	Gaps   []Gap                 `json:"gaps,omitempty"`    // what nobody can compare any more, newest last
	Reads  int                   `json:"reads,omitempty"`   // that Azure still allowed when it said so last
	Newest time.Time             `json:"newest,omitzero"`   // the newest hour that was compared
	Did    time.Time             `json:"compared,omitzero"` // when an hour was compared last
}

// Partial is an hour of which a part is compared. What does not fit into one run is done in ever smaller pieces.
type Partial struct {
	Hour time.Time     `json:"hour"`
	Look int           `json:"look"`
	From time.Time     `json:"from"` // what is before it is done
	Span time.Duration `json:"span"` // how much to try at once
	Sum  Hour          `json:"sum"`
}

// leastSpan is the smallest piece of an hour that is asked for.
const leastSpan = time.Minute

// Failing says since when and why a subscription cannot be compared.
type Failing struct {
	Since  time.Time `json:"since,omitzero"`
	Tries  int       `json:"tries,omitempty"`
	Reason string    `json:"reason,omitempty"`
}

// Gap is a span of hours that cannot be compared.
type Gap struct {
	Scope  activity.Scope `json:"-"`
	From   time.Time      `json:"from"`
	To     time.Time      `json:"to"`
	Reason string         `json:"reason"`
}

// keepGaps and keepOpen bound the state, so that writing it stays cheap.
const (
	keepGaps = 20
	keepOpen = 1000
	openFor  = 7 * 24 * time.Hour // beyond that an operation is taken to have no end
)

// ReadState reads what the store kept; the zero State when nothing was begun.
func ReadState(kept store.Reconciled) (State, error) {
	var s State
	if len(kept.Body) == 0 {
		return s, nil
	}
	if err := json.Unmarshal(kept.Body, &s); err != nil {
		return s, fmt.Errorf("read reconciliation: %w", err)
	}
	return s, nil
}

// begin sets the fronts of a subscription that was never compared. The last day, or less, is done first, because what was
// missed today matters more; what is asked for beyond that is done when there is time.
func (s *State) begin(now time.Time, lookback time.Duration) {
	closed := now.Add(-looks[0]).UTC().Truncate(time.Hour)
	if s.From.IsZero() {
		first := closed.Add(-min(lookback, 24*time.Hour)).Truncate(time.Hour)
		s.From = first
		for i := range s.Front {
			s.Front[i] = first
		}
	}
	wanted := now.Add(-min(lookback, reach)).UTC().Truncate(time.Hour).Add(time.Hour)
	if wanted.Before(s.From) {
		if s.BackTo.IsZero() || !s.Back.Before(s.BackTo) {
			s.BackTo = s.From
		}
		s.Back, s.From = wanted, wanted
	}
}

// skip gives up what is older than Azure's memory, and returns it.
func (s *State) skip(now time.Time) []Gap {
	oldest := now.Add(-reach).UTC().Truncate(time.Hour).Add(time.Hour)
	var gaps []Gap
	lose := func(from *time.Time, to time.Time) {
		if from.Before(to) && from.Before(oldest) {
			end := oldest
			if to.Before(end) {
				end = to
			}
			gaps = append(gaps, Gap{From: *from, To: end, Reason: "Azure keeps 90 days, and nothing was compared in time"})
			*from = end
		}
	}
	lose(&s.Front[0], now)
	lose(&s.Back, s.BackTo)
	for i := 1; i < len(s.Front); i++ {
		if s.Front[i].Before(oldest) {
			s.Front[i] = oldest
		}
	}
	if s.Part != nil && s.Part.Hour.Before(oldest) {
		s.Part = nil
	}
	s.Gaps = append(s.Gaps, gaps...)
	s.Gaps = s.Gaps[max(0, len(s.Gaps)-keepGaps):]
	return gaps
}

// failed notes that an hour could not be compared, and done that one was.
func (s *State) failed(now time.Time, reason error) {
	if s.Fails.Since.IsZero() {
		s.Fails.Since = now.UTC()
	}
	s.Fails.Tries++
	s.Fails.Reason = reason.Error()
}

func (s *State) done(hour, now time.Time) {
	s.Fails, s.Part, s.Did = Failing{}, nil, now.UTC()
	if hour.After(s.Newest) {
		s.Newest = hour
	}
}

// begun notes operations that began in an hour, and ended those that came to an end; it returns the other hours whose
// number of open operations has changed.
func (s *State) begun(lives map[string]bool, hour time.Time) {
	if s.Open == nil {
		s.Open = map[string]int64{}
	}
	for life := range lives {
		if len(s.Open) < keepOpen {
			s.Open[short(life)] = hour.Unix()
		}
	}
}

func (s *State) ended(lives map[string]bool, now time.Time) map[int64]bool {
	touched := map[int64]bool{}
	for life := range lives {
		if hour, ok := s.Open[short(life)]; ok {
			touched[hour] = true
			delete(s.Open, short(life))
		}
	}
	for life, hour := range s.Open {
		if now.Unix()-hour > int64(openFor/time.Second) {
			delete(s.Open, life) // its hour's count stays as it is
		}
	}
	return touched
}

// short is enough of a lifecycle key to tell a thousand operations apart: 60 bits.
func short(life string) string { return life[:min(len(life), 12)] }

// openOf counts the operations without an end that began in an hour.
func (s *State) openOf(hour time.Time) int {
	n := 0
	for _, began := range s.Open {
		if began == hour.Unix() {
			n++
		}
	}
	return n
}
