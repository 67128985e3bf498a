package pipeline

import (
	"strings"

	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/enrich"
)

// view is the alert's event as its readers shall see it, with what was announced before it and what was learned since.
func (c *Composer) view(a alert.Alert) enrich.View {
	o := c.Enrich
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
