package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/rules"
)

type rulesMatchCmd struct {
	ruleChoice
	JSON  bool     `name:"json" help:"Lines of JSON, which is what it prints anyway."`
	Files []string `arg:"" optional:"" name:"file" help:"Files, folders or **/PT1H.json; gzip, zip, UTF-16 and CSV are recognised. Standard input without any."`
}

// matchLine says that one item of an input matches one rule. Its members are a contract.
type matchLine struct {
	Input  string `json:"input"`
	Index  int    `json:"index"` // of the item, those that are no events counted too
	Rule   string `json:"rule"`  // see shownID
	Title  string `json:"title"`
	Level  string `json:"level"`
	Author string `json:"author"`
}

// run prints one line for each match, in the order of the input and then of severity. Rules that are not sent yet match
// too, and so do correlations that are met by what this call has read: by the records' own times, so that any order of
// the same lines gives the same matches. With correlations nothing is printed before everything is read.
func (c *rulesMatchCmd) run(ctx context.Context, std Surroundings) error {
	chosen, err := c.load(std)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(std.Out, 64<<10)
	defer buffered.Flush()
	out := json.NewEncoder(buffered)
	out.SetEscapeHTML(false)
	m := newMatcher(chosen.set)
	var places []place
	var met [][]*rules.Rule
	ok, err := eventsOf(ctx, c.Files, std, func(input string, index int, e *activity.Event) error {
		at := place{input, index}
		if !chosen.set.Correlates() {
			return at.print(out, chosen.set.Match(nil, e))
		}
		single, contributes := chosen.set.Match(nil, e), m.story.Add(len(places), e)
		if len(single) > 0 || contributes {
			places, met = append(places, at), append(met, single)
		}
		return nil
	})
	for _, one := range m.story.Completed() {
		met[one.N] = append(met[one.N], one.Rule)
	}
	for i := range places {
		if err := places[i].print(out, met[i]); err != nil {
			return err
		}
	}
	if err == nil && (!ok || chosen.wrong()) {
		return errNo
	}
	return err
}

// place is where an event stood.
type place struct {
	input string
	index int
}

func (p place) print(out *json.Encoder, met []*rules.Rule) error {
	for _, r := range met {
		if err := out.Encode(matchLine{p.input, p.index, shownID(r), r.Title, string(r.Level), r.Author}); err != nil {
			return err
		}
	}
	return nil
}

// matcher matches a stream of events, correlations included.
type matcher struct {
	set        *rules.Set
	correlator *rules.Correlator
	story      *rules.Story
	met        []*rules.Rule // reused
	single     int           // of met: rules on single events
}

// manyWindows is how many groups of events a command keeps in mind for correlations: more than a day of a busy
// subscription has actors.
const manyWindows = 100_000

func newMatcher(set *rules.Set) *matcher {
	return &matcher{set: set, correlator: rules.NewCorrelator(set, manyWindows), story: rules.NewStory(set, manyWindows)}
}

// match is valid until the next call. The clock of correlations is that of the records: an export is read as if it
// were happening, and must be in the order of time.
func (m *matcher) match(e *activity.Event) []*rules.Rule {
	m.met = m.set.Match(m.met[:0], e)
	m.single = len(m.met)
	now := e.Time.Time
	if now.IsZero() {
		now = time.Now()
	}
	m.met = m.correlator.Observe(m.met, e, now)
	return m.met
}

// correlated are the correlations among the last match.
func (m *matcher) correlated() []*rules.Rule { return m.met[m.single:] }
