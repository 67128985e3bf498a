package payload

import (
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
)

// Event Grid schema: an array even for one event; eventType, subject and data at the top of each (Microsoft: "Azure
// subscription as an Event Grid source"). Only terminal events exist: Success, Failure, Cancel.

func isEventGrid(it *item) bool {
	return it.top.eventType != nil && (it.top.data != nil || it.top.subject != nil || it.top.eventTime != nil)
}

func readEventGrid(it *item) (Reading, error) {
	return it.gridEvent(activity.FormEventGrid, it.top.eventType)
}

// gridEvent reads what Event Grid delivers in either schema; eventType is named type in CloudEvents.
func (it *item) gridEvent(form activity.Form, eventType []byte) (Reading, error) {
	kind := string(it.text.word(eventType))
	provider, name, _ := cutLast(kind, ".")
	switch {
	case strings.EqualFold(kind, "Microsoft.EventGrid.SubscriptionValidationEvent"):
		return Reading{Kind: Handshake, Signal: "validation", Reason: "Event Grid subscription validation"}, nil
	case strings.EqualFold(provider, "Microsoft.Resources"):
		return it.resourceEvent(form, name)
	case it.data.essentials != nil || it.data.activityLog != nil:
		return it.relayedAlert()
	}
	return Reading{Kind: SystemEvent, Signal: gridSignal(kind), Reason: "Event Grid event " + kind}, nil
}

// resourceEvent reads Microsoft.Resources.Resource{Write,Delete,Action}{Success,Failure,Cancel}. The outcome is the
// type's suffix: published samples keep data.status Succeeded whatever the type.
func (it *item) resourceEvent(form activity.Form, name string) (Reading, error) {
	top, m := &it.top, &it.data
	e, err := it.draft(form, m)
	if err != nil {
		return Reading{}, err
	}
	e.Category = activity.Administrative // the only category Event Grid carries; it has no member for it
	if outcome := gridOutcome(name); outcome != "" {
		e.Outcome = outcome
	}
	e.Time = it.text.when(top.eventTime, top.time)
	e.EventID = it.text.of(top.id)
	if m.resourceID == nil {
		m.resourceID = m.resourceURI
	}
	if m.resourceID == nil {
		m.resourceID = top.subject
	}
	if e.SubscriptionID == "" {
		scope := it.text.lower(firstPresent(top.topic, top.source))
		e.SubscriptionID = activity.ParseResource(scope).Subscription
	}
	return it.activityReading(e, m)
}

// gridOutcome reads the suffix of an event type's last segment.
func gridOutcome(name string) activity.Outcome {
	for suffix, outcome := range map[string]activity.Outcome{
		"success": activity.Succeeded, "failure": activity.Failed, "cancel": activity.Canceled,
	} {
		if strings.HasSuffix(strings.ToLower(name), suffix) {
			return outcome
		}
	}
	return ""
}

// gridSignal names what is counted for an event that is not Activity Log.
func gridSignal(kind string) string {
	provider, _, _ := cutLast(strings.ToLower(kind), ".")
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
