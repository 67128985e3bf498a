package settings

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

// severities are Sigma's levels from quiet to loud.
var severities = []string{"informational", "low", "medium", "high", "critical"}

// categories and callerTypes are the event's words; this package may not know the event's own (a test of the program
// compares).
var (
	categories = []string{"Administrative", "ServiceHealth", "ResourceHealth", "Alert", "Autoscale", "Recommendation", "Security", "Policy"}

	callerTypes = []string{"user", "service_principal", "managed_identity", "platform", "unknown"}
)

// Route sends what matches to destinations. Routes are tried in order; the first that matches is taken, and the
// following ones too while Continue is set. The last must match everything, so that nothing falls through.
type Route struct {
	Match    RouteMatch `yaml:"match"`
	To       []string   `yaml:"to"` // names of destinations, or Everywhere
	Continue bool       `yaml:"continue"`
	// Summary is hourly or daily: alerts below high severity reach these destinations in one message then. Empty: one by one.
	Summary string `yaml:"summary"`
	// FirstAlone excepts the first alert of a rule, actor and scope in so long, such as 7d: it is sent by itself.
	FirstAlone string `yaml:"first_alone"`
	// AtMost is how many of these a day a destination gets by themselves; the others are in the summary. 0: any number.
	AtMost int `yaml:"at_most"`

	At string `yaml:"-"` // file, line and column; empty: it is one of DefaultRoutes

	first   time.Duration // FirstAlone
	dailyAt time.Duration // of a day in zone
	zone    *time.Location
}

// Everywhere in a route's To stands for every kind of destination whose settings are there. Named destinations are not
// among them: whoever makes one for a team does not want to give it everything.
const Everywhere = "*"

// RouteMatch lists conditions that must all hold; within one, any value will do. Comparison ignores case, and * in a
// value stands for any text (see Like).
type RouteMatch struct {
	Severity      string   `yaml:"severity"` // this severity or a graver one
	Category      []string `yaml:"category"`
	Rule          []string `yaml:"rule"` // ids
	Tag           []string `yaml:"tag"`  // of rules; attack.t1098 stands for its sub-techniques as well
	Subscription  []string `yaml:"subscription"`
	ResourceGroup []string `yaml:"resource_group"`
	// ResourceTag is by the tag's name; every name listed must be there with one of its values. Only records that carry
	// the tags of their resource can match: most writes do, deletions do not.
	ResourceTag map[string][]string `yaml:"resource_tag"`
	CallerType  []string            `yaml:"caller_type"`
}

func (m RouteMatch) empty() bool { return reflect.ValueOf(m).IsZero() }

// Like reports whether text is what pattern says, in any case; * in pattern stands for any text, none included.
func Like(pattern, text string) bool {
	parts := strings.Split(strings.ToLower(pattern), "*")
	rest, ok := strings.CutPrefix(strings.ToLower(text), parts[0])
	if len(parts) == 1 || !ok {
		return ok && rest == ""
	}
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		at := strings.Index(rest, part)
		if at < 0 {
			return false
		}
		rest = rest[at+len(part):]
	}
	return strings.HasSuffix(rest, parts[last])
}

func (d *document) checkRoutes(c Config, names Names) {
	known := append(slices.Clone(names.Kinds), slices.Sorted(maps.Keys(c.Destinations))...)
	last := len(c.Routes) - 1
	for i := range c.Routes {
		r, path := &c.Routes[i], index("routes", i)
		r.At = d.at(path)
		if len(r.To) == 0 {
			d.problem(path, "sends to nothing", `list destinations under to, or use "*"`)
		}
		for j, name := range r.To {
			if name != Everywhere && !slices.Contains(known, name) {
				d.problem(index(join(path, "to"), j), fmt.Sprintf("there is no destination %q", name), "known: "+strings.Join(known, ", ")+", *")
			}
		}
		d.checkMatch(r.Match, join(path, "match"), names)
		d.checkSummary(r, path)
		if r.Match.empty() && !r.Continue && i < last {
			d.problem(path, "matches everything and does not continue: the routes below it are never tried", "put it last, or add continue: true")
		}
	}
	if !c.Routes[last].Match.empty() {
		d.problem(index("routes", last), "the last route does not match everything: what no route matches would be silent", "end with a route without match")
	}
}

// checkMatch checks the words of conditions; a misspelt one would match nothing, and nobody would notice.
func (d *document) checkMatch(m RouteMatch, path string, names Names) {
	if m.Severity != "" && !slices.Contains(severities, m.Severity) {
		d.problem(join(path, "severity"), fmt.Sprintf("severity %q is unknown", m.Severity), "one of "+strings.Join(severities, ", "))
	}
	for name, values := range map[string][]string{
		"category": m.Category, "rule": m.Rule, "tag": m.Tag, "subscription": m.Subscription,
		"resource_group": m.ResourceGroup, "caller_type": m.CallerType,
	} {
		d.checkValues(values, join(path, name))
	}
	if m.ResourceTag != nil && len(m.ResourceTag) == 0 {
		d.problem(join(path, "resource_tag"), "names no tag", "write {name: value}, or leave it out")
	}
	for name, values := range m.ResourceTag {
		d.checkValues(values, join(join(path, "resource_tag"), name))
		if values == nil {
			d.problem(join(join(path, "resource_tag"), name), "has no value", `list values, or "*" for any`)
		}
	}
	d.checkWords(m.Category, join(path, "category"), categories)
	d.checkWords(m.CallerType, join(path, "caller_type"), callerTypes)
	d.checkTags(m.Tag, join(path, "tag"), names)
	for i, id := range m.Rule {
		if id != "" && names.Rule != nil && !names.Rule(id) {
			d.problem(index(join(path, "rule"), i), fmt.Sprintf("there is no rule %q", id), "`handler rules list` shows the ids")
		}
	}
}

// checkTags warns of tags that are retired: rules of others may still carry them, those of the library do not.
func (d *document) checkTags(tags []string, path string, names Names) {
	for i, tag := range tags {
		if names.RetiredTag == nil {
			return
		}
		if instead, retired := names.RetiredTag(strings.TrimRight(tag, ".*")); retired {
			reason := fmt.Sprintf("ATT&CK has retired the tag %q, which no rule of the library carries", tag)
			d.warnings = append(d.warnings, Problem{Name: d.at(index(path, i)), Reason: reason, Hint: "write " + instead})
		}
	}
}

func (d *document) checkValues(values []string, path string) {
	if values != nil && len(values) == 0 {
		d.problem(path, "is empty, which matches nothing and would be taken for everything", "list values, or leave it out")
	}
	for i, v := range values {
		if strings.TrimSpace(v) == "" {
			d.problem(index(path, i), "is empty", `write a value, or "*" for any`)
		}
	}
}

// checkWords checks values against a vocabulary.
func (d *document) checkWords(values []string, path string, words []string) {
	for i, v := range values {
		if v != "" && !slices.ContainsFunc(words, func(w string) bool { return Like(v, w) }) {
			d.problem(index(path, i), fmt.Sprintf("%q is unknown", v), "one of "+strings.Join(words, ", "))
		}
	}
}
