package oracle

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
)

// summary is what a message says that stands for several alerts.
type summary struct {
	alerts int
	parts  int // the sum of what it says by severity
	actors map[string]int
}

var (
	summaryOf  = regexp.MustCompile(`alert storm: (\d+) alerts|(\d+) alerts (?:held back|waited for|of the past|in the)`)
	bySeverity = regexp.MustCompile(`((?:\d+ (?:critical|high|medium|low|informational)(?:, )?)+), from \d{4}-`)
	number     = regexp.MustCompile(`\d+`)
	actorTimes = regexp.MustCompile(`([a-z0-9._-]+@[a-z0-9._-]*[a-z0-9]) ×(\d+)`)
)

// summaryIn reads a message; false when it is about one alert.
func summaryIn(text string) (summary, bool) {
	found := submatch(summaryOf, " alerts", text)
	if found == nil || strings.Contains(text, unconfirmed) {
		return summary{}, false
	}
	s := summary{actors: map[string]int{}}
	s.alerts, _ = strconv.Atoi(cmp.Or(found[1], found[2]))
	if parts := bySeverity.FindStringSubmatch(text); parts != nil {
		for _, n := range number.FindAllString(parts[1], -1) {
			one, _ := strconv.Atoi(n)
			s.parts += one
		}
	}
	for _, one := range actorTimes.FindAllStringSubmatch(text, -1) {
		s.actors[one[1]], _ = strconv.Atoi(one[2])
	}
	return s, true
}

// continues takes over from the message before that all of the alerts are by one actor, where this one says how many there are by
// now and not by whom.
func (s *summary) continues(before summary) {
	for actor, n := range before.actors {
		if n == before.alerts && len(s.actors) == 0 {
			s.actors[actor] = s.alerts
		}
	}
}

// of is how many of the alerts are by an actor that the text names.
func (s summary) of(actor string) int { return max(1, s.actors[actor]) }

// milder judges acts that are not grave. Each is named on every channel, by itself or in a summary, or counted in a summary
// among the others: a summary has room for some names, and its count is exact.
func (j *judge) milder(channel string) {
	counted := j.lostSummaries(channel) // by summaries, without a name that is one of ours
	for _, t := range j.talks {
		if t.channel != channel || !t.summary {
			continue
		}
		s := t.sum
		if s.parts != 0 && s.parts != s.alerts {
			j.report(Counted, nil, "%s: a summary of %d alerts has %d by severity", channel, s.alerts, s.parts)
		}
		if n := j.namedIn(t); n < min(s.alerts, names) {
			j.report(Unseen, nil, "%s: a summary of %d alerts names %d: %.200s", channel, s.alerts, n, t.messages[0].Text)
		}
		counted += s.alerts
		for actor := range j.actors {
			if t.words[actor] {
				counted -= min(s.of(actor), j.actors[actor])
			}
		}
	}
	j.nameless[channel] = counted
	var missing []*Act
	for i := range j.Acts {
		a := &j.Acts[i]
		if !j.owed(a) || a.Severity >= High {
			continue
		}
		j.milderInTime(a, channel)
		if len(j.about(cmp.Or(a.Actor, a.Resource), channel)) == 0 && !j.excused(a, channel) {
			missing = append(missing, a)
		}
	}
	if len(missing) > max(counted, 0) {
		j.report(Unseen, missing[0], "%s: %d milder acts are not named, of which its summaries count %d", channel, len(missing), counted)
	}
}

// names is how many of its alerts a summary names at least.
const names = 10

// namedIn is how many acts a talk names, by what was done to them or by where.
func (j *judge) namedIn(t *talk) (n int) {
	for i := range j.Acts {
		if a := &j.Acts[i]; t.words[a.Resource] || t.words[a.Group] {
			n++
		}
	}
	return n
}

// owed reports whether readers must be shown an act.
func (j *judge) owed(a *Act) bool {
	_, ok := j.arrived[a.ID]
	return ok && !a.Lost && !a.Excepted
}

// actorsOf is how many acts each actor did.
func actorsOf(acts []Act) map[string]int {
	all := map[string]int{}
	for _, a := range acts {
		if a.Actor != "" {
			all[a.Actor]++
		}
	}
	return all
}
