package pipeline

import (
	"cmp"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
)

// announced says whether a finding lies in a change window of the operator's, judged by the event's own time. As with
// quiet times the gravest rule alone is asked: a window for one rule must not call another that matches with it planned.
func (j *Judge) announced(f alert.Finding) alert.Change {
	at := f.Event.Time.Time
	if at.IsZero() {
		at = j.Now()
	}
	f.Also = nil
	c := alert.Change{Ticket: j.ticket(&f.Event)}
	for i := range j.Changes.Windows {
		w := &j.Changes.Windows[i]
		if !matches(w.Match, f) {
			continue
		}
		if w.Holds(at) {
			return alert.Change{Planned: true, Window: w.Name, Ticket: cmp.Or(w.Ticket, c.Ticket)}
		}
		c.Window = cmp.Or(c.Window, w.Name)
	}
	return c
}

// ticketText bounds how much of an event is searched for a ticket.
const ticketText = 4 << 10

// ticket is the change ticket that an event names, where the operator said how one looks and where it may stand.
func (j *Judge) ticket(e *activity.Event) string {
	t := &j.Changes.Ticket
	for _, name := range t.Tags {
		if value, ok := resourceTag(e, name); ok {
			if found := t.Find(value); found != "" {
				return found
			}
		}
	}
	if !t.Text {
		return ""
	}
	for _, text := range []string{e.Description, string(e.Properties.Value("requestbody"))} {
		if found := t.Find(text[:min(len(text), ticketText)]); found != "" {
			return found
		}
	}
	return ""
}

// openQuestions names the lookups that could add something to a finding. What we say about ourselves leaves none open.
func (j *Judge) openQuestions(f alert.Finding) []string {
	if j.Lookups == nil || strings.HasPrefix(f.Rule.ID, alert.WatchRule) {
		return nil
	}
	return j.Lookups.For(&f.Event)
}
