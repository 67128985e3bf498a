package source

import (
	"bytes"
	"slices"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/payload"
)

// Filter says which events somebody is looking for. Conditions that are set must all hold; of several values of one
// condition any will do. Everything compares without regard to case, and outcomes, categories and levels come folded
// (activity.OutcomeOf and its like), so that it does not matter which of Azure's vocabularies a source speaks.
type Filter struct {
	Window     Window
	Operations []string // part of the operation, in lower case: "roleassignments/write", "/delete"
	Groups     []string // resource group, lower case, whole
	Resources  []string // part of the resource id, lower case
	Outcomes   []activity.Outcome
	Categories []activity.Category
	Levels     []activity.Level
	// Callers is part of who did it, lower case: any of the names that the event has for them.
	Callers       []string
	Subscriptions []string // subscription id, lower case, whole

	// Records asks that events keep the record that they were read from, for rules that name what events do not hold.
	Records bool
}

// event is the event of a reading that the filter holds.
func (f *Filter) event(r *payload.Reading) activity.Event {
	e := r.Event
	if f.Records {
		e.Record = activity.RecordOf(bytes.Clone(r.Raw))
	}
	return e
}

// Holds reports whether e is looked for.
func (f *Filter) Holds(e *activity.Event) bool {
	return f.Window.Holds(e.Time.Time) && among(f.Outcomes, e.Outcome) && among(f.Categories, e.Category) && among(f.Levels, e.Level) &&
		within(f.Operations, e.Operation) && within(f.Resources, e.ResourceID) &&
		among(f.Groups, e.ResourceGroup) && among(f.Subscriptions, e.SubscriptionID) && f.calledBy(e)
}

// holdsAtSomeTime is Holds for any window.
func (f *Filter) holdsAtSomeTime(e *activity.Event) bool {
	open := *f
	open.Window = Window{}
	return open.Holds(e)
}

// calledBy looks at every name of the caller: who asks knows one of them, and a source may have chosen another.
func (f *Filter) calledBy(e *activity.Event) bool {
	return len(f.Callers) == 0 || slices.ContainsFunc([]string{e.Caller, e.CallerName, e.CallerObjectID, e.CallerAppID}, func(name string) bool {
		return within(f.Callers, activity.Lower(name))
	})
}

// mayHold is Holds for what the fast reader knows of a line: false is certain, true has to be looked at.
func (f *Filter) mayHold(e *Entry, resource []byte) bool {
	return f.Window.Holds(e.Time) && among(f.Outcomes, e.Outcome) && among(f.Categories, e.Category) &&
		within(f.Operations, e.Operation.Text) && (len(f.Subscriptions) == 0 || slices.Contains(f.Subscriptions, e.Scope.Text)) &&
		(len(f.Resources) == 0 || within(f.Resources, string(resource)))
}

func among[T ~string](allowed []T, value T) bool {
	return len(allowed) == 0 || slices.Contains(allowed, value)
}

func within(parts []string, text string) bool {
	return len(parts) == 0 || slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(text, part) })
}
