package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/handler/settings"
)

// printer of explanations. Nothing in an event or rule may steer the terminal: every text is cleaned and cut.
type explanation struct {
	strings.Builder
}

func (p *explanation) line(format string, args ...any) {
	for i, a := range args {
		if text, ok := a.(string); ok {
			args[i] = harmless(text)
		}
	}
	fmt.Fprintf(p, format+"\n", args...)
}

// harmless is a text of others as one line of a sensible length.
func harmless(text string) string { return notify.Cut(notify.Clean(text, false /* lines */), 240) }

// printExplained writes an event's story. With whyOnly it is only about the rule that was asked for.
func printExplained(w io.Writer, x explained, whyOnly bool) error {
	var p explanation
	fmt.Fprintf(&p, "── %s:%d\n", notify.Clean(x.Input, false), x.Index) // a path is of use only as a whole
	p.line("   %s", strings.Join(nonEmpty(eventClock(x.Event.Time.Time), x.Event.Operation, string(x.Event.Outcome), x.Event.Caller, x.Event.ResourceID), " · "))
	if whyOnly {
		p.why(x.Why)
	} else {
		p.rules(x)
		p.worst(x.AtWorst)
		p.near(x.Near)
		p.way(x)
	}
	p.WriteByte('\n')
	_, err := io.WriteString(w, p.String())
	return err
}

func nonEmpty(texts ...string) []string {
	var list []string
	for _, t := range texts {
		if t != "" {
			list = append(list, t)
		}
	}
	return list
}

func eventClock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return notify.Clock(t)
}

func (p *explanation) rules(x explained) {
	if len(x.Rules) == 0 {
		p.line("no rule matches")
	}
	for _, r := range x.Rules {
		note := ""
		if r.Staged {
			note = " · staged: counted, not sent"
		}
		p.line("matches   %s %s · %s%s%s", r.Level, r.ID, r.Title, byAuthor(r.Author), note)
		if r.Explanation.Rule != nil {
			p.parts(r.Explanation, false /* all */)
		}
	}
}

// worst says what an event that does not say what it was about could be, and what becomes of it.
func (p *explanation) worst(w *explainedWorst) {
	switch {
	case w == nil:
	case w.Asked:
		p.line("could be  %s %s · %s: the record does not say what was asked for; other records of its act and Azure are asked first, and without an answer it alerts as this", w.Level, w.Rule, w.Title)
	default:
		p.line("could be  %s %s · %s: the record does not say what was asked for, and Azure is not asked; unless another record of its act says it, it alerts as this", w.Level, w.Rule, w.Title)
	}
}

func byAuthor(author string) string {
	if author == "" {
		return ""
	}
	return " · by " + author
}

// fewNear is how many rules that nearly matched are shown; JSON has all.
const fewNear = 8

func (p *explanation) near(near []rules.Explanation) {
	for i, x := range near {
		if i == fewNear {
			p.line("nearly    and %d more; --json shows all", len(near)-i)
			return
		}
		p.line("nearly    %s · %s: %s", x.ID, x.Rule.Title, lacking(x))
	}
}

// lacking says in short what kept the rule from matching: the part that decides, or else everything that does not hold.
func lacking(x rules.Explanation) string {
	var reasons []string
	for _, part := range x.Parts {
		switch {
		case part.Decides && part.Held:
			return part.Name + " holds, and must not; the condition is " + x.Condition
		case part.Decides:
			return missing(part)
		case !part.Held:
			reasons = append(reasons, missing(part))
		}
	}
	if n := len(reasons); n > 2 {
		reasons = append(reasons[:2], fmt.Sprintf("and %d more", n-2))
	}
	return strings.Join(reasons, "; ")
}

// missing names what is missing of a part.
func missing(part rules.Part) string {
	for _, item := range part.Items {
		if !item.Held {
			return item.Field + " is " + quotedValues(item.Got) + ", not " + quotedValues(item.Want)
		}
	}
	return part.Name + " does not hold"
}

// why shows the rule that was asked for.
func (p *explanation) why(x *rules.Explanation) {
	if x == nil {
		return
	}
	verdict := "does not match"
	switch {
	case x.Rule.Correlation != nil && x.Matched:
		verdict = "counts the event; whether it alerts depends on the events before"
	case x.Rule.Correlation != nil:
		verdict = "does not count the event"
	case x.Matched:
		verdict = "matches"
	}
	p.line("%s · %s (%s) %s", x.ID, x.Rule.Title, x.Rule.Where(), verdict)
	p.parts(*x, true /* all */)
}

// parts shows a rule's parts: all of them, or those that made it match.
func (p *explanation) parts(x rules.Explanation, all bool) {
	if x.Condition != "" {
		p.line("          condition: %s", x.Condition)
	}
	for _, part := range x.Parts {
		if !all && !part.Held && !part.Decides {
			continue
		}
		p.line("          %s %s", yesOrNo(part.Held), part.Name)
		for _, item := range part.Items {
			p.line("            %s %s is %s; wanted %s", yesOrNo(item.Held), item.Field, quotedValues(item.Got), quotedValues(item.Want))
		}
	}
}

func yesOrNo(held bool) string {
	if held {
		return "yes"
	}
	return "no "
}

// fewValues are shown of a list of values.
const fewValues = 3

func quotedValues(list []string) string {
	if len(list) == 0 {
		return "missing"
	}
	rest := ""
	if n := len(list) - fewValues; n > 0 {
		list, rest = list[:fewValues], fmt.Sprintf(" and %d more", n)
	}
	quoted := make([]string, len(list))
	for i, v := range list {
		quoted[i] = `"` + notify.Cut(v, 100) + `"`
	}
	return strings.Join(quoted, ", ") + rest
}

// way is what happens to what matches: exceptions, routes, quiet times, destinations, text.
func (p *explanation) way(x explained) {
	for _, e := range x.Exceptions {
		verb := "silences"
		if !e.Applies {
			verb = "has expired and no longer silences"
		}
		p.line("exception %s (%s) of %s until %s %s %s: %s", e.ID, e.Source, e.Owner, notify.Clock(e.Expires), verb, strings.Join(e.Silences, ", "), e.Reason)
	}
	for _, r := range x.Routes {
		at := r.At
		if at == "" {
			at = "config/auditbell.yaml has no routes, these are the program's"
		}
		more := ""
		if r.Continue {
			more = ", and on"
		}
		if r.Summary != "" {
			more += fmt.Sprintf(", in %s summary", map[string]string{settings.Hourly: "the hourly", settings.Daily: "the daily"}[r.Summary])
			if r.FirstAlone != "" {
				more += " unless it is the first of rule, actor and scope in " + r.FirstAlone
			}
		}
		p.line("route     %s → %s%s", at, strings.Join(r.To, ", "), more)
	}
	if x.Held != nil {
		p.line("waits     until %s: %s", notify.Clock(x.Held.Until), x.Held.By)
	}
	if !x.Alerts {
		p.line("no alert%s", silence(x))
		return
	}
	p.line("alerts    → %s", destinationsOf(x.To))
	for line := range strings.Lines(x.Text) { // Plain is clean, and wrapped
		p.WriteString(strings.TrimRight("          | "+line, " \n") + "\n")
	}
	if len(x.Asks) > 0 {
		p.line("then      where LOOKUPS says so, an edit adds what is learned from %s", strings.Join(x.Asks, ", "))
	}
}

func destinationsOf(to []string) string {
	text := strings.Join(to, ", ")
	if slices.Contains(to, settings.Everywhere) {
		text += " (no destination's settings are here)"
	}
	return text
}

// silence is the reason why an event causes no alert although a rule matches.
func silence(x explained) string {
	switch {
	case len(x.Rules) == 0:
		return ""
	case len(x.Exceptions) > 0:
		return ": what matches is excepted"
	}
	return ": what matches is staged"
}
