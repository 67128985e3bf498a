package pipeline

import (
	"cmp"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/enrich"
)

// view is the alert's event as its readers shall see it, with what was announced before it and what was learned since.
func (p *Pipeline) view(a alert.Alert) enrich.View {
	o := p.Enrich
	o.Names = a.Learned.Names
	v := enrich.Of(a.Event, o)
	switch c := a.Change; {
	case c.Planned:
		v.Put(enrich.Fact{Name: "Planned", Value: "yes, " + strings.TrimSuffix(c.Window+", "+c.Ticket, ", ")})
	case c.Window != "":
		v.Put(enrich.Fact{Name: "Planned", Value: "no, outside of " + c.Window})
	}
	if c := a.Change; !c.Planned && c.Ticket != "" {
		v.Put(enrich.Fact{Name: "Ticket", Value: c.Ticket + ", named by the event; nobody has checked it"})
	}
	for _, f := range a.Learned.Facts {
		v.Put(enrich.Fact{Name: f.Name, Value: f.Value, Code: f.Code})
	}
	return v
}

// announced says whether a finding lies in a change window of the operator's, judged by the event's own time. As with
// quiet times the gravest rule alone is asked: a window for one rule must not call another that rings with it planned.
func (p *Pipeline) announced(f alert.Finding) alert.Change {
	at := f.Event.Time.Time
	if at.IsZero() {
		at = p.Now()
	}
	f.Also = nil
	c := alert.Change{Ticket: p.ticket(&f.Event)}
	for i := range p.Changes.Windows {
		w := &p.Changes.Windows[i]
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
func (p *Pipeline) ticket(e *activity.Event) string {
	t := &p.Changes.Ticket
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

// openQuestions names the lookups that could tell more about a finding. What we say about ourselves leaves none open.
func (p *Pipeline) openQuestions(f alert.Finding) []string {
	if p.Lookups == nil || strings.HasPrefix(f.Rule.ID, alert.WatchRule) {
		return nil
	}
	return p.Lookups.For(&f.Event)
}
