// Package enrich adds to an event what a reader would otherwise go and look up: who acted, what it means in words,
// which role, where to look in the portal.
//
// One file per fact. These enrichers need no network: they are pure functions of the event and of what was learned
// since, run whenever a message is rendered, so a better sentence improves messages that are edited later too. What has
// to be asked for is package lookup's. Nothing here escapes: texts are facts, and each channel escapes what it shows.
package enrich

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
)

// View is an event as a person wants it told.
type View struct {
	Headline string // plain-language act and object, "Owner role granted on prod-payments"
	Specific bool   // the headline says more than a rule's title and the resource's name would
	Object   string // what people call the resource
	Sentence string // who did what to what, with which result
	Facts    []Fact // most important first
	Links    []Link
}

// Fact is one named detail. Code marks identifiers; a Time is shown in the reader's zone where a channel can.
type Fact struct {
	Name, Value string
	Time        time.Time
	Code        bool
}

// Link is an address on the portal.
type Link struct{ Title, URL string }

// Options are the operator's choices.
type Options struct {
	Portal string // https://portal.azure.com, or a sovereign cloud's
	// Whereabouts says where on earth a public address is, as the operator's own database knows it; nil: nobody knows.
	Whereabouts func(netip.Addr) string
	// Names are what people call ids, by the lower-case id: what was learned after the first message.
	Names map[string]string
}

// name is what people call an id, "" when nobody has said.
func (o Options) name(id string) string {
	if id == "" {
		return ""
	}
	return o.Names[strings.ToLower(id)]
}

// enrichers run in this order, which is also the order of the facts.
var enrichers = []struct {
	name string
	add  func(activity.Event, Options, *View)
}{
	{"wording", wording},
	{"actor", actor},
	{"role", role},
	{"assigned", assigned},
	{"pim", pim},
	{"changed", changed},
	{"place", place},
	{"result", result},
	{"operation", operation},
	{"reading", reading},
	{"links", links},
}

// Of returns the view of e.
func Of(e activity.Event, o Options) View {
	var v View
	e.CallerName = or(e.CallerName, o.name(e.CallerObjectID))
	if called := o.name(e.ResourceName); called != "" && strings.HasPrefix(e.Operation, "microsoft.authorization/policy") {
		v.fact(Fact{Name: "Policy", Value: called + inBrackets(e.ResourceName)})
		e.ResourceName = called
	}
	e.ResourceName, e.ResourceGroup = Brief(e.ResourceName), Brief(e.ResourceGroup)
	v.Object = e.ResourceName
	for _, enricher := range enrichers {
		enricher.add(e, o, &v)
	}
	return v
}

// fact adds a detail unless it is empty.
func (v *View) fact(f Fact) {
	if f.Value != "" || !f.Time.IsZero() {
		v.Facts = append(v.Facts, f)
	}
}

// before says in front of which fact one stands that comes from elsewhere: what was looked up, what was announced.
// Facts are told in order of importance, and channels may cut the last.
var before = map[string]string{
	"Permissions": "Principal", "Planned": "Where", "Changed": "Where", "First time": "Where", "Ticket": "Where",
	"Owner": "Operation", "Host": "Operation", "Also": "When", "Last hour": "When", "Tags": "When",
}

// Put adds a fact that comes from elsewhere, in the place of one of the same name.
func (v *View) Put(f Fact) {
	named := func(name string) int {
		return slices.IndexFunc(v.Facts, func(have Fact) bool { return have.Name == name })
	}
	if i := named(f.Name); i >= 0 {
		v.Facts[i] = f
		return
	}
	i := named(before[f.Name])
	if i < 0 {
		i = len(v.Facts)
	}
	v.Facts = slices.Insert(v.Facts, i, f)
}
