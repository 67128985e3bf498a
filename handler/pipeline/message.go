package pipeline

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/enrich"
	"github.com/auditbell/auditbell/handler/notify"
)

// Composer writes messages.
type Composer struct {
	Enrich enrich.Options
	Texts  *Texts // nil: every text is ours
	Acting Acting
	Now    func() time.Time
}

// Message is the alert as its readers shall see it now.
func (c *Composer) Message(a alert.Alert) notify.Message {
	if a.IsSummary() {
		return summaryMessage(a)
	}
	if a.Rule.ID == alert.CanaryRule {
		return canaryMessage(a)
	}
	if strings.HasPrefix(a.Rule.ID, alert.WatchRule) {
		return watchMessage(a)
	}
	v := c.view(a)
	m := notify.Message{
		ID: a.ID, Severity: notify.Severity(a.Rule.Severity), Headline: headline(a, v), Summary: summary(a, v),
		Result: resultOf(a), Time: a.First.Time, Steps: a.Rule.Runbook, Context: smallPrint(a), Actions: c.actions(a), Standing: c.standing(a),
	}
	for _, f := range v.Facts {
		m.Facts = append(m.Facts, notify.Fact{Name: f.Name, Value: f.Value, Time: f.Time, Code: f.Code})
	}
	if a.Late != "" {
		m.Facts = append([]notify.Fact{{Name: "Reported late", Value: late(a)}}, m.Facts...)
	}
	if a.Count > 1 {
		m.Facts = append([]notify.Fact{{Name: "Seen", Value: seen(a)}, {Name: "Resources", Value: resources(a)}}, m.Facts...)
	}
	for _, l := range v.Links {
		m.Links = append(m.Links, notify.Link{Title: l.Title, URL: l.URL})
	}
	c.Texts.reword(&m, a)
	return m
}

// headline names the act and its object. An Azure rule's own name stands first, because its owner knows it by that.
func headline(a alert.Alert, v enrich.View) string {
	text := v.Headline
	switch {
	case a.Rule.Azure:
		text = a.Rule.Title + ": " + v.Headline
	case a.Rule.Many:
		text = strings.TrimSuffix(a.Rule.Title+" by "+a.Event.Caller, " by ")
	case !v.Specific && v.Object != "":
		text = a.Rule.Title + ": " + v.Object + enrich.Unfinished(a.Event)
	case !v.Specific:
		text = a.Rule.Title + enrich.Unfinished(a.Event)
	}
	if a.Count > 1 {
		text += fmt.Sprintf(" (×%d)", a.Count)
	}
	if a.Late != "" {
		return reportedLate + text // a phone shows this line only
	}
	return text
}

const reportedLate = "Reported late: "

func summary(a alert.Alert, v enrich.View) string {
	return strings.TrimSpace(v.Sentence + " " + a.Rule.Reason)
}

// smallPrint begins with what people did, because its end may be cut. It names the rule and who wrote it, which the
// Detection Rule License asks of every message a rule causes, and the ids by which the record is found again.
func smallPrint(a alert.Alert) []string {
	print := append(slices.Concat(history(a), a.Notes), ruleLine(a.Rule))
	for _, r := range a.Also {
		print = append(print, "also "+ruleLine(r))
	}
	print = append(print, string(a.Event.Category))
	if id := a.Event.CorrelationID; id != "" && len(id) <= 64 { // some alerts have a resource id there, of hundreds of characters
		print = append(print, "correlation "+a.Event.CorrelationID)
	}
	return append(print, a.ID)
}

func ruleLine(r alert.Rule) string {
	if r.Azure {
		return "Azure alert rule " + r.Title
	}
	line := "rule " + r.ID
	if r.Author != "" {
		line += " by " + r.Author
	}
	return line
}

// seen is "37 times, 09:12 to 09:41 UTC". What is told late may span days, which then stand beside the times.
func seen(a alert.Alert) string {
	layout := "15:04"
	if a.First.UTC().Format(time.DateOnly) != a.Last.UTC().Format(time.DateOnly) {
		layout = "2006-01-02 15:04"
	}
	return fmt.Sprintf("%d times, %s to %s UTC", a.Count, a.First.UTC().Format(layout), a.Last.UTC().Format(layout))
}

// late is "replayed on 2026-11-22; it happened at 2026-10-01 10:20:00 UTC": nobody shall take it for news of today.
func late(a alert.Alert) string {
	switch {
	case a.First.IsZero():
		return a.Late
	case a.Count > 1:
		return a.Late + "; the first happened at " + notify.Clock(a.First.Time)
	}
	return a.Late + "; it happened at " + notify.Clock(a.First.Time)
}

// resources names what the operations touched, each once, a handful at most; of a grave alert all that is kept.
func resources(a alert.Alert) string {
	most, ops := 5, a.Operations
	if a.Grave() && !a.IsSummary() {
		ops = ops[:len(ops)-unnamed(a, ops, factFits)]
		most = len(ops)
	}
	text, rest := joined(a, ops, most)
	rest += a.Count - len(ops)
	if text = andMore(text, rest); rest > 0 {
		text += ": " + allCommand(a)
	}
	return text
}

func resultOf(a alert.Alert) notify.Result {
	if a.Event.Category == activity.Recommendation {
		return "" // advice is neither going on nor over
	}
	switch a.Event.Outcome {
	case activity.Succeeded, activity.Canceled:
		return notify.Succeeded
	case activity.Failed:
		return notify.Failed
	case activity.Resolved:
		return notify.Resolved
	case "":
		return ""
	}
	return notify.Ongoing
}
