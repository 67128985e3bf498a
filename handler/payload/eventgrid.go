package payload

import (
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
)

// Event Grid schema: an array even for one event; eventType, subject and data at the top of each (Microsoft: "Azure
// subscription as an Event Grid source"). Only terminal events exist: Success, Failure, Cancel.

// isEventGrid recognises the schema by eventType, the one name that nothing else has.
func isEventGrid(it *item) bool {
	return it.top.eventType.present() &&
		(it.top.data.present() || it.top.subject.present() || it.top.eventTime.present())
}

// readEventGrid reads one event of a delivery.
func readEventGrid(it *item, r *Reading) error {
	return it.gridEvent(activity.FormEventGrid, it.top.raw(it.top.eventType), r)
}

// gridEvent reads what Event Grid delivers in either schema; eventType is named type in CloudEvents.
func (it *item) gridEvent(form activity.Form, eventType []byte, r *Reading) error {
	kind := string(it.text.word(eventType))
	provider, name := cutLast(kind, ".")
	stateKind, isState := stateKinds[strings.ToLower(kind)]
	switch {
	case isState:
		return it.state(stateKind, r)
	case strings.EqualFold(kind, "Microsoft.EventGrid.SubscriptionValidationEvent"):
		r.set(Handshake, "validation", "Event Grid subscription validation")
	case strings.EqualFold(provider, "Microsoft.Resources"):
		return it.resourceEvent(form, name, r)
	case it.data.essentials.present() || it.data.activityLog.present():
		return it.relayedAlert(r)
	default:
		r.set(SystemEvent, gridSignal(kind), "Event Grid event "+kind)
	}
	return nil
}

// resourceEvent reads Microsoft.Resources.Resource{Write,Delete,Action}{Success,Failure,Cancel}. The outcome is the
// type's suffix: published samples keep data.status Succeeded whatever the type.
func (it *item) resourceEvent(form activity.Form, name string, r *Reading) error {
	top, m := &it.top, &it.data
	e := &r.Event
	if err := it.draft(e, form, m); err != nil {
		return err
	}
	e.Category = activity.Administrative // the only category Event Grid carries; it has no member for it
	if outcome := gridOutcome(name); outcome != "" {
		e.Outcome = outcome
	}
	e.Time = it.text.when(top.raw(top.eventTime), top.raw(top.time))
	e.EventID = it.text.of(top.raw(top.id))
	if e.SubscriptionID == "" {
		scope := it.text.lower(firstPresent(top.raw(top.topic), top.raw(top.source)))
		e.SubscriptionID = activity.ParseResource(scope).Subscription
	}
	// subject is nearly always the same; where they differ, resourceUri is what the operation was about.
	return it.finish(r, m, firstPresent(m.raw(m.resourceID), m.raw(m.resourceURI), top.raw(top.subject)))
}

// gridOutcome reads the suffix of an event type's last segment.
func gridOutcome(name string) activity.Outcome {
	name = strings.ToLower(name)
	switch {
	case strings.HasSuffix(name, "success"):
		return activity.Succeeded
	case strings.HasSuffix(name, "failure"):
		return activity.Failed
	case strings.HasSuffix(name, "cancel"):
		return activity.Canceled
	}
	return ""
}

// gridSignal names what is counted for an event that is not Activity Log. Policy state and health notifications are
// state, not log: the Activity Log has its own Policy and ResourceHealth records of the same facts.
func gridSignal(kind string) string {
	provider, _ := cutLast(strings.ToLower(kind), ".")
	switch {
	case strings.HasPrefix(provider, "microsoft.policyinsights"):
		return "policy_state"
	case strings.HasPrefix(provider, "microsoft.resourcenotifications"):
		return "resource_notification"
	case strings.HasPrefix(provider, "microsoft.eventgrid"):
		return "event_grid"
	}
	return "other_event"
}
