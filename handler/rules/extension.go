package rules

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/auditbell/auditbell/handler/activity"
)

// parseExtension reads the `auditbell:` block into r. The block is ours, so a name that we do not know is a spelling
// mistake and is refused.
func (p *problems) parseExtension(r *Rule, n *yaml.Node) {
	x := &r.Auditbell
	for _, m := range p.members(n) {
		switch m.key {
		case "id":
			if r.ID = p.text(m.value); slug(r.ID) != r.ID || r.ID == "" {
				p.add(m.line, "auditbell.id %q: use lower-case letters, digits and hyphens", r.ID)
			}
		case "reason":
			x.Reason = strings.TrimSpace(p.text(m.value))
		case "runbook":
			x.Runbook = p.texts(m.value)
		case "controls":
			x.Controls = p.texts(m.value)
		case "window":
			x.Window = p.duration(m)
		case "group_by":
			x.GroupBy = p.groupBy(m.value)
		case "outcomes":
			x.Outcomes = p.outcomes(m)
		case "enabled":
			x.Enabled = p.flag(m)
		case "examples":
			x.Examples = p.parseExamples(m.value)
		default:
			p.add(m.line, "auditbell.%s is unknown; known are id, reason, runbook, controls, window, group_by, "+
				"outcomes, enabled and examples", m.key)
		}
	}
}

// flag reads true or false; nil after a problem.
func (p *problems) flag(m pair) *bool {
	b, err := strconv.ParseBool(strings.ToLower(p.text(m.value)))
	if err != nil {
		p.add(m.line, "%s takes true or false", m.key)
		return nil
	}
	return &b
}

// outcomes reads words of any of Azure's vocabularies.
func (p *problems) outcomes(m pair) []activity.Outcome {
	var list []activity.Outcome
	for _, word := range p.texts(m.value) {
		o := activity.OutcomeOf(word)
		if o == "" {
			p.add(m.line, "outcome %q is none of started, accepted, in_progress, succeeded, failed, canceled, active, "+
				"resolved and updated", word)
		}
		list = append(list, o)
	}
	return list
}

// groupBy reads field names and gives the event's own names for them.
func (p *problems) groupBy(n *yaml.Node) []string {
	var list []string
	for _, name := range p.texts(n) {
		f := p.field(n.Line, name)
		own := f.name()
		if own == "" || own == "properties" || f.kind == ofRecord || f.kind == ofClaim {
			p.add(n.Line, "group_by %q: name a field of the event or properties.x", name)
		}
		list = append(list, own)
	}
	return list
}

// spans is Sigma's timespan notation: a number and one unit (correlation specification, "timespan").
var spans = regexp.MustCompile(`^([0-9]+)([smhdwMy])$`)

// units of Sigma timespans. A month is thirty days and a year 365: windows need no calendar.
var units = map[string]time.Duration{
	"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour,
	"M": 30 * 24 * time.Hour, "y": 365 * 24 * time.Hour,
}

// duration reads "15m", "1h", "7d".
func (p *problems) duration(m pair) time.Duration {
	text := p.text(m.value)
	parts := spans.FindStringSubmatch(text)
	if parts == nil {
		p.add(m.line, "%s %q: write a number and one of s, m, h, d, w, M, y", m.key, text)
		return 0
	}
	const longest = 366 * 24 * time.Hour
	n, err := strconv.Atoi(parts[1])
	if err != nil || n == 0 || time.Duration(n) > longest/units[parts[2]] {
		p.add(m.line, "%s %q: expected more than nothing and at most a year", m.key, text)
		return 0
	}
	return time.Duration(n) * units[parts[2]]
}
