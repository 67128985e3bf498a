// Package enrich adds to an event what a reader would otherwise go and look up: who acted, what it means in words,
// which role, where to look in the portal.
//
// One file per fact. These enrichers need no network: they are pure functions of the event, run whenever a message is
// rendered, so a better sentence improves messages that are edited later too. Nothing here escapes: texts are facts,
// and each channel escapes what it shows.
package enrich

import (
	"time"

	"github.com/auditbell/auditbell/handler/activity"
)

// View is an event as a person wants it told.
type View struct {
	Headline string // plain-language act and object, "Owner role granted on prod-payments"
	Telling  bool   // the headline says more than a rule's title and the resource's name would
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
}

// enrichers run in this order, which is also the order of the facts.
var enrichers = []struct {
	name string
	add  func(activity.Event, Options, *View)
}{
	{"telling", telling},
	{"actor", actor},
	{"role", role},
	{"place", place},
	{"result", result},
	{"operation", operation},
	{"links", links},
}

// Of returns the view of e.
func Of(e activity.Event, o Options) View {
	var v View
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
