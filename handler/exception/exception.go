// Package exception is what must not become an alert although a rule matched, by whose decision, and until when.
//
// There are two sources: config/exceptions.yaml, which is reviewed and published with the app, and what people marked
// as expected in a channel, which the store keeps. Both have an owner, a reason and an end; nothing is excepted for
// ever, and an exception that ended says so with the first finding that it no longer covers. What an exception
// silences is still recorded, and counted under the exception.
//
// The package decides and counts; it does not route, deliver or render. It is a package of its own, not a part of
// rules, because it needs alerts and a store, and rules must stay what an event alone decides.
package exception

import (
	"slices"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/rules"
)

// Exception is one decision that something causes no alert.
type Exception struct {
	ID      string    `json:"id"` // [a-z0-9-]; changes with what it covers and with its end, so that a renewal counts anew
	Source  string    `json:"source"`
	Rules   []string  `json:"rules"` // ids, or Every
	Owner   string    `json:"owner"`
	Reason  string    `json:"reason"`
	Ticket  string    `json:"ticket,omitempty"`
	Expires time.Time `json:"expires"`            // from then on it does not apply
	EndedBy string    `json:"ended_by,omitempty"` // who withdrew it, then

	match *rules.Selection // of a configured one
	kept  alert.Exception  // of one that the store keeps
}

// Every in an exception's rules stands for all of them.
const Every = "*"

// fromStore is the Source of exceptions that were made by a click.
const fromStore = "marked in a channel"

// Of makes an Exception of one that the store keeps.
func Of(x alert.Exception) Exception {
	ended := ""
	if x.EndedBy != nil {
		ended = x.EndedBy.String()
	}
	return Exception{
		ID: x.ID, Source: fromStore, Rules: x.Rules, Owner: x.Owner.String(), Reason: x.Reason, Expires: x.Expires, EndedBy: ended, kept: x,
	}
}

// Active reports whether the exception applies at now.
func (x *Exception) Active(now time.Time) bool { return now.Before(x.Expires) }

// ReadsRecord reports whether one of the exceptions names a field that events do not hold, see rules.Set.ReadsRecord.
func ReadsRecord(all []Exception) bool {
	return slices.ContainsFunc(all, func(x Exception) bool { return x.match != nil && x.match.ReadsRecord() })
}

// Covers reports whether the exception is about this rule and this event, expired or not.
func (x *Exception) Covers(e *activity.Event, rule string) bool {
	if x.match == nil {
		return x.kept.Covers(e, rule)
	}
	return (slices.Contains(x.Rules, rule) || slices.Contains(x.Rules, Every)) && x.match.Matches(e)
}
