package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
)

// feed is one rule's part in a correlation.
type feed struct {
	rule   *Rule // the correlation
	part   int   // which of its rules
	group  []field
	values []field
	// above are what the correlation feeds in turn when it alerts: it may be counted itself.
	above []feed
}

// role is what correlations make of a rule that they count.
type role struct {
	// counting: some correlation wants it silent; alerting: some wants it to alert as well.
	counting, alerting bool
}

// silent reports whether the rule is there to be counted only.
func (r role) silent() bool { return r.counting && !r.alerting }

// link gives every counted rule its feeds. A correlation that counts what there is not, or itself, is left out with all
// that counts it.
func (c *compiler) link() []error {
	var errs []error
	bad := make(map[*Rule]bool)
	for changed := true; changed; {
		changed = false
		for _, r := range c.set.rules {
			if r.Correlation == nil || bad[r] {
				continue
			}
			if err := c.counts(r, bad); err != nil {
				errs = append(errs, err)
				bad[r], changed = true, true
			}
		}
	}
	c.set.rules = slices.DeleteFunc(c.set.rules, func(r *Rule) bool { return bad[r] })
	for _, r := range c.set.rules {
		if r.Correlation == nil {
			continue
		}
		c.set.correlating = true
		for _, name := range r.Correlation.Rules {
			c.roles(r, c.set.counted(name))
		}
	}
	for i := range c.set.compiled {
		c.set.compiled[i].feeds = c.set.feedsOf(c.set.compiled[i].rule)
		c.set.feeds[c.set.compiled[i].rule] = c.set.compiled[i].feeds
		c.set.compiled[i].role = c.set.roles[c.set.compiled[i].rule]
	}
	return errs
}

// counted finds the rule that a correlation means.
func (s *Set) counted(name string) *Rule {
	if i := slices.IndexFunc(s.rules, func(r *Rule) bool { return r.called(name) }); i >= 0 {
		return s.rules[i]
	}
	return nil
}

// counts checks what a correlation refers to.
func (c *compiler) counts(r *Rule, bad map[*Rule]bool) error {
	problem := func(format string, args ...any) error {
		return &Problem{r.File, r.Correlation.line, 0, fmt.Sprintf(format, args...)}
	}
	for _, name := range r.Correlation.Rules {
		switch counted := c.set.counted(name); {
		case counted == nil:
			return problem("the correlation counts rule %q, which is not loaded%s", name, c.suggestion(name))
		case bad[counted]:
			return problem("the correlation counts rule %q, which is left out", name)
		case c.reaches(counted, r, nil):
			return problem("the correlation counts itself through rule %q", name)
		}
	}
	for alias, fields := range r.Correlation.aliases {
		for name := range fields {
			counted := c.set.counted(name)
			if counted == nil || !slices.ContainsFunc(r.Correlation.Rules, counted.called) {
				return problem("the alias %q names rule %q, which the correlation does not count", alias, name)
			}
		}
	}
	return nil
}

// suggestion is the name that is written most like name.
func (c *compiler) suggestion(name string) string {
	const near = 3
	for _, r := range c.set.rules {
		for _, candidate := range []string{r.ID, r.Name} {
			if candidate != "" && edits(strings.ToLower(name), strings.ToLower(candidate)) <= near {
				return fmt.Sprintf("; the nearest is %q", candidate)
			}
		}
	}
	return ""
}

// reaches reports whether from counts target, directly or through others.
func (c *compiler) reaches(from, target *Rule, seen []*Rule) bool {
	if from == target {
		return true
	}
	if from == nil || from.Correlation == nil || slices.Contains(seen, from) {
		return false
	}
	return slices.ContainsFunc(from.Correlation.Rules, func(name string) bool {
		return c.reaches(c.set.counted(name), target, append(seen, from))
	})
}

// roles notes what a correlation makes of a rule that it counts. An operator's correlation over a rule of the library
// must not mute it: its silence would go unnoticed.
func (c *compiler) roles(correlation, counted *Rule) {
	role := c.set.roles[counted]
	if !correlation.Correlation.Generate && (correlation.embedded || !counted.embedded) {
		role.counting = true
	} else {
		role.alerting = true
	}
	c.set.roles[counted] = role
}

// feedsOf are the parts that a rule has in correlations, and these in others. Circles were left out before.
func (s *Set) feedsOf(counted *Rule) []feed {
	var feeds []feed
	for _, r := range s.rules {
		if r.Correlation == nil {
			continue
		}
		for part, name := range r.Correlation.Rules {
			if s.counted(name) != counted {
				continue
			}
			f := feed{rule: r, part: part, above: s.feedsOf(r)}
			for _, g := range r.Correlation.GroupBy {
				f.group = append(f.group, fieldOf(r.Correlation.resolve(g, counted)))
			}
			for _, v := range r.Correlation.fields {
				f.values = append(f.values, fieldOf(r.Correlation.resolve(v, counted)))
			}
			feeds = append(feeds, f)
		}
	}
	return feeds
}

// called reports whether a correlation or a filter means r by name.
func (r *Rule) called(name string) bool {
	return name != "" && (name == r.ID || strings.EqualFold(name, r.UUID) || name == r.Name)
}

// resolve gives the field that an alias stands for in one of the rules, which the alias may name by id or by name.
func (c *Correlation) resolve(field string, r *Rule) string {
	for name, own := range c.aliases[field] {
		if r.called(name) {
			return own
		}
	}
	return field
}

// CountsOnly reports whether the rule is there for correlations alone: it never matches by itself.
func (s *Set) CountsOnly(r *Rule) bool { return s.roles[r].silent() }

// Beat is one event's contribution to one correlation: where it counts and what it adds there.
type Beat struct {
	Rule   *Rule    // the correlation
	Group  string   // names the window: the rule's id and a hash of the group's values, [a-z0-9-] only
	Values []string // of the group-by fields, folded
	Member Member
	above  []Beat // what it adds to the correlations that count this one, if it alerts
}

// Correlate appends what e contributes to the set's correlations. An event that lacks one of the group-by fields
// contributes nothing: its group is unknown.
func (s *Set) Correlate(dst []Beat, e *activity.Event) []Beat {
	if !s.correlating {
		return dst
	}
	return s.beats(dst, s.Counted(nil, e), e)
}

// Counted appends the rules that e meets and that correlations count.
func (s *Set) Counted(dst []*Rule, e *activity.Event) []*Rule {
	if !s.correlating {
		return dst
	}
	p := s.plan(e)
	if !p.counted {
		return dst
	}
	r := s.runs.Get().(*run)
	r.begin(e)
	r.plan = p
	for i := range p.entries {
		if one := &p.entries[i]; len(one.feeds) > 0 && r.entry(one) != no {
			dst = append(dst, one.rule)
		}
	}
	s.release(r)
	return dst
}

// beats appends what e contributes, which meets these rules.
func (s *Set) beats(dst []Beat, counted []*Rule, e *activity.Event) []Beat {
	for _, r := range counted {
		dst = appendBeats(dst, s.feeds[r], e)
	}
	return dst
}

// appendBeats adds one beat for each correlation that counts the rule.
func appendBeats(dst []Beat, feeds []feed, e *activity.Event) []Beat {
	for i := range feeds {
		f := &feeds[i]
		group, ok := first(f.group, e)
		if !ok {
			continue
		}
		m := Member{At: e.Time, ID: e.ID, Part: f.part, Key: lifecycle(e), Form: e.Form}
		if len(f.values) > 0 {
			value, ok := first(f.values, e)
			if ok {
				m.Value = strings.Join(value, "\x1f")
				_, isNumber := number([]byte(m.Value))
				ok = isNumber || !f.rule.Correlation.numeric()
			}
			if !ok {
				continue
			}
		}
		b := Beat{Rule: f.rule, Group: groupID(f.rule.ID, group), Values: group, Member: m}
		b.above = appendBeats(nil, f.above, e)
		dst = append(dst, b)
	}
	return dst
}

// first returns the first value of each field, folded: a person in two letter cases is one person.
func first(fields []field, e *activity.Event) ([]string, bool) {
	var texts []string
	for _, f := range fields {
		var v values
		v.read(f, e)
		if len(v.list) == 0 {
			return nil, false
		}
		texts = append(texts, string(v.list[0]))
	}
	return texts, true
}
