package pipeline

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/settings"
)

const (
	mostRules  = 20 // that a summary names with their counts
	mostActors = 10
	mostNamed  = 15 // alerts; one of a backlog counts no more than it names

	longestTitle = 95 // of an alert among others: fifteen fit into one fact
	longestActor = 60
)

// summaryMessage is the message of every kind of summary: how many alerts by severity, by rule, by whom, what of that is new,
// the gravest by name, and where all of them can be read.
func summaryMessage(a alert.Alert) notify.Message {
	m := notify.Message{
		ID: a.ID, Severity: notify.Severity(a.Rule.Severity), Time: a.First.Time,
		Context: []string{"every alert is recorded, none was dropped", "those of one actor: " + allCommand(a) + " --caller NAME", a.ID}, Details: inDetail(a),
	}
	m.Headline, m.Summary = kindOfSummary(a)
	m.Summary += " " + spanOf(a)
	if a.Late != "" {
		m.Headline = reportedLate + m.Headline
		m.Facts = append(m.Facts, notify.Fact{Name: "Reported late", Value: late(a)})
	}
	if a.Tally != nil {
		m.Facts = append(m.Facts, tallied(a)...)
	}
	m.Facts = append(m.Facts, notify.Fact{Name: notify.AllOfThem, Value: allCommand(a), Code: true}, notify.Fact{Name: "Alerts", Value: gravestFirst(a), Long: true})
	return m
}

// kindOfSummary is the headline of a summary, and why there is one.
func kindOfSummary(a alert.Alert) (headline, why string) {
	of := a.Event.Operation
	switch {
	case a.Rule.ID == alert.BacklogRule:
		return fmt.Sprintf("%d alerts waited for %s", a.Count, a.Event.Caller), a.Event.Caller + " took no messages for a while."
	case a.Rule.ID == alert.StormRule:
		return fmt.Sprintf("Alert storm: %d alerts on %s", a.Count, of), "They were not shown one by one, because the channel could not take them; all are recorded."
	case a.Late != "":
		return fmt.Sprintf("%d alerts of the past", a.Count), fmt.Sprintf("They were %s, too long after the fact for a message each.", a.Late)
	}
	if of == settings.HourlySummary || of == settings.DailySummary {
		return fmt.Sprintf("%d alerts in %s", a.Count, of), "A route of config/auditbell.yaml gathers them, because none is of high or critical severity."
	}
	return fmt.Sprintf("%d alerts held back during %s", a.Count, of), fmt.Sprintf("%s is over; they waited for its end.", of)
}

// spanOf is "3 medium and 240 low, from … to …".
func spanOf(a alert.Alert) string {
	text := fmt.Sprintf("%d alerts", a.Count)
	if a.Tally != nil {
		var parts []string
		for _, severity := range slices.Backward(alert.Severities) {
			if n := a.Tally.Severities[severity]; n > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", n, severity))
			}
		}
		text = strings.Join(parts, ", ")
	}
	return fmt.Sprintf("%s, from %s to %s.", text, a.First.UTC().Format(clockFormat), a.Last.UTC().Format(clockFormat))
}

// tallied are the facts of what a summary counts.
func tallied(a alert.Alert) []notify.Fact {
	t := a.Tally
	facts := []notify.Fact{{Name: "Rules", Value: byRule(t), Long: true}}
	if len(t.Actors) > 0 {
		actors := t.ByActor()
		most := min(len(actors), mostActors)
		facts = append(facts, notify.Fact{Name: "Who", Value: moreOf(counts(actors[:most], actorName), len(actors)-most+t.OtherActors, "others, see All of them"), Long: true})
	}
	if t.Before != "" {
		facts = append(facts, notify.Fact{Name: "New", Value: newSince(t), Long: true})
	}
	return facts
}

// byRule is "MEDIUM: Policy deleted ×3; LOW: Tag changed ×200, …".
func byRule(t *alert.Tally) string {
	rules := t.ByRule()
	most := min(len(rules), mostRules)
	var parts []string
	for start := 0; start < most; {
		end := start + 1
		for end < most && rules[end].Severity == rules[start].Severity {
			end++
		}
		parts = append(parts, notify.Severity(rules[start].Severity).Word()+": "+counts(rules[start:end], ruleTitle))
		start = end
	}
	return moreOf(strings.Join(parts, "; "), len(rules)-most+t.OtherRules, "others, see All of them")
}

// newSince names the rules and actors of which the summary before had none.
func newSince(t *alert.Tally) string {
	since := t.Since.UTC().Format(minuteFormat)
	fresh := func(list []alert.Count) []alert.Count {
		list = slices.DeleteFunc(list, func(c alert.Count) bool { return !c.New })
		return list[:min(len(list), mostActors)]
	}
	var parts []string
	if rules := fresh(t.ByRule()); len(rules) > 0 {
		parts = append(parts, counts(rules, ruleTitle))
	}
	if actors := fresh(t.ByActor()); len(actors) > 0 {
		parts = append(parts, "by "+counts(actors, actorName))
	}
	if len(parts) == 0 {
		return "no rule and no actor that the summary of " + since + " did not have"
	}
	return strings.Join(parts, "; ") + " (since the summary of " + since + ")"
}

func ruleTitle(c alert.Count) string { return notify.Cut(cmp.Or(c.Title, c.ID), longestActor) }
func actorName(c alert.Count) string { return notify.Cut(c.ID, longestActor) }

// counts is "a ×3, b ×2, c".
func counts(list []alert.Count, name func(alert.Count) string) string {
	names := make([]string, len(list))
	for i, c := range list {
		names[i] = name(c)
		if c.Count > 1 {
			names[i] += fmt.Sprintf(" ×%d", c.Count)
		}
	}
	return strings.Join(names, ", ")
}

func moreOf(text string, rest int, what string) string {
	if rest == 0 {
		return text
	}
	return fmt.Sprintf("%s and %d %s", text, rest, what)
}

// allCommand prints the records of all alerts that a summary counts, or of an alert.
func allCommand(a alert.Alert) string { return "handler query --alert " + a.ID }

// inDetail is what stands beside a summary: each rule and each of the most frequent actors with what they did, and the command
// that prints the records.
func inDetail(a alert.Alert) string {
	if a.Tally == nil {
		return ""
	}
	t := a.Tally
	lines := []string{fmt.Sprintf("%d alerts by now. All of them: %s", a.Count, allCommand(a))}
	title := map[string]string{}
	for _, r := range t.ByRule() {
		title[r.ID] = ruleTitle(r)
		lines = append(lines, notify.Severity(r.Severity).Word()+" "+counts([]alert.Count{r}, ruleTitle))
	}
	actors := t.ByActor()
	for _, who := range actors[:min(len(actors), mostActors)] {
		line := counts([]alert.Count{who}, actorName) + ": " + counts(who.Of, func(c alert.Count) string { return cmp.Or(title[c.ID], c.ID) })
		for _, of := range who.Of {
			who.Count -= of.Count
		}
		line = moreOf(line, max(who.Count, 0), "of other rules")
		if typable().MatchString(who.ID) {
			line += "\n    " + allCommand(a) + " --caller " + who.ID
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// typable are names that can stand in a command as they are: an actor may choose a name, and people copy commands.
var typable = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9@._+-]{0,127}$`) })

// gravestFirst names alerts, and says how many more there are.
func gravestFirst(a alert.Alert) string {
	ops := slices.Clone(a.Operations)
	slices.SortStableFunc(ops, func(x, y *alert.Operation) int {
		return notify.Severity(y.Severity).Rank() - notify.Severity(x.Severity).Rank()
	})
	ops = ops[:min(len(ops), mostNamed)]
	text, _ := joined(a, ops, len(ops))
	return moreOf(text, a.Count-len(ops), "more, see All of them")
}

const (
	clockFormat  = "2006-01-02 15:04:05 UTC"
	minuteFormat = "2006-01-02 15:04 UTC"
)
