package pipeline

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

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
	for i, f := range v.Facts {
		if more.MatchString(f.Value) && !f.Code {
			v.Facts[i].Value += whereMore(a, f.Name)
		}
	}
	return v
}

// more ends a list that was cut.
var more = regexp.MustCompile(` and \d+ more$`)

// whereMore says where what a list leaves out is: what an event holds is in its record, what was looked up is where that was asked.
func whereMore(a alert.Alert, fact string) string {
	learned := slices.ContainsFunc(a.Learned.Facts, func(f alert.Fact) bool { return f.Name == fact })
	switch {
	case a.ID == "":
		return ""
	case !learned:
		return ": " + allCommand(a)
	case fact == "Last hour" && typable().MatchString(a.Event.Caller):
		at := a.Event.Time.UTC()
		return fmt.Sprintf(": handler query --source store --caller %s --since %s --until %s", a.Event.Caller, at.Add(-time.Hour).Format(time.RFC3339), at.Add(time.Second).Format(time.RFC3339))
	}
	return ", in the portal"
}
