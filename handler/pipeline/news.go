package pipeline

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/notify"
)

// mostNotes bounds the replies and follow-ups to one message; further changes only edit it.
const mostNotes = 10

// tell is the message for one destination, and what its readers know once they have it.
func (c *Composer) tell(a alert.Alert, d alert.Delivery) (notify.Message, alert.Told) {
	m := c.Message(a)
	told := alert.Told{Count: a.Count, Operations: len(a.Operations), Outcome: string(a.Event.Outcome), Severity: a.Rule.Severity, Notes: d.Told.Notes, Recorded: d.Told.Recorded}
	if d.Revision == 0 {
		return m, told
	}
	text, urgent := news(a, d.Told)
	editable := d.Channel != ""
	if !editable && !urgent {
		return m, d.Told // nothing is sent, so readers still know only what they knew
	}
	if text == "" || told.Notes > mostNotes && !a.IsSummary() || editable && a.IsSummary() {
		return m, told // an edit says it all
	}
	if told.Notes++; told.Notes == mostNotes+1 && !a.IsSummary() {
		text += "; what follows is only counted above, all of it is recorded"
	}
	m.News = text
	return m, told
}

// news is the difference between what readers were told and what is, in words: a new outcome, a graver rule, resources
// that were not named before. urgent says that it changes what a reader must do, which is when a channel without edits
// is told again: an act failed or was canceled, a condition ended, the severity rose, or the noise grew tenfold.
func news(a alert.Alert, told alert.Told) (text string, urgent bool) {
	if a.IsSummary() {
		return fmt.Sprintf("%d alerts now", a.Count), a.Count > told.Count
	}
	var parts []string
	if outcome := a.Event.Outcome; string(outcome) != told.Outcome && outcome != "" {
		parts = append(parts, outcomeNews(a))
		urgent = outcome == activity.Failed || outcome == activity.Canceled || outcome == activity.Resolved
	}
	if notify.Severity(a.Rule.Severity).Rank() > notify.Severity(told.Severity).Rank() {
		parts = append(parts, "now "+notify.Severity(a.Rule.Severity).Word()+": "+a.Rule.Title)
		urgent = true
	}
	if names := newNames(a, told.Operations); len(names) > 0 {
		parts = append(parts, fmt.Sprintf("×%d now, new: %s", a.Count, strings.Join(names, ", ")))
	}
	if magnitude(a.Count) > magnitude(told.Count) {
		urgent = true
		if len(parts) == 0 {
			parts = append(parts, fmt.Sprintf("×%d now", a.Count))
		}
	}
	return strings.Join(parts, "; "), urgent
}

func outcomeNews(a alert.Alert) string {
	word := strings.ToUpper(string(a.Event.Outcome)[:1]) + strings.ReplaceAll(string(a.Event.Outcome)[1:], "_", " ")
	op := a.Operations[0]
	if took := op.Ended.Sub(op.Started.Time); !op.Ended.IsZero() && took >= time.Second {
		word += " after " + took.Round(time.Second).String()
	}
	return word
}

// newNames are the resources of operations that readers do not know yet, which no earlier operation touched.
func newNames(a alert.Alert, known int) []string {
	known = min(known, len(a.Operations))
	var names []string
	for i, op := range a.Operations[known:] {
		before := a.Operations[:known+i]
		if op.Name != "" && !slices.ContainsFunc(before, func(b alert.Operation) bool { return b.Name == op.Name }) {
			names = append(names, op.Name)
		}
	}
	slices.Sort(names)
	return names
}

// magnitude is the number of digits: ×9 and ×10 are worlds apart, ×37 and ×38 are not.
func magnitude(n int) int { return len(fmt.Sprint(n)) }
