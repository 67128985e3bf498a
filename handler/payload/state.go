package payload

import (
	"errors"
	"fmt"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/jsonscan"
)

// stateKinds are the events of Azure Resource Notifications that say what a resource is, by type in lower case (learn:
// "Azure Resource Notifications - Resource Management events", "- Health Resources events in Azure Event Grid"). The others
// of the family are about scheduled work and are counted only.
var stateKinds = map[string]activity.StateKind{
	"microsoft.resourcenotifications.resources.createdorupdated":                activity.CreatedOrUpdated,
	"microsoft.resourcenotifications.resources.deleted":                         activity.Deleted,
	"microsoft.resourcenotifications.healthresources.availabilitystatuschanged": activity.AvailabilityChanged,
	"microsoft.resourcenotifications.healthresources.resourceannotated":         activity.Annotated,
}

// state reads the data of a Resource Notification: resourceInfo is the resource, operationalInfo.resourceEventTime when it
// became so.
func (it *item) state(kind activity.StateKind, r *Reading) error {
	info, err := it.memberOfData("resourceInfo", it.data.resourceInfo)
	if err != nil {
		return err
	}
	operational, err := it.memberOfData("operationalInfo", it.data.operationalInfo)
	if err != nil {
		return err
	}
	s := &activity.State{Kind: kind, ResourceID: activity.Lower(info.Text("id"))}
	when := operational.Text("resourceEventTime")
	switch {
	case len(info) == 0:
		return errors.New("a Resource Notification without the object data.resourceInfo")
	case kind.OfHealth():
		if when, err = health(s, info, when); err != nil {
			return err
		}
	case kind == activity.CreatedOrUpdated:
		s.Resource = info.Only("location", "tags", "properties")
	}
	if activity.ParseResource(s.ResourceID).Subscription == "" {
		return fmt.Errorf("a Resource Notification about %.80q, which is no resource of a subscription", s.ResourceID)
	}
	if when == "" { // events of Health Resources are published without operationalInfo too
		when = string(it.text.word(firstPresent(it.top.raw(it.top.eventTime), it.top.raw(it.top.time))))
	}
	at, ok := activity.ParseTime([]byte(when))
	if !ok {
		return fmt.Errorf("a Resource Notification whose time cannot be read: %.40q", when)
	}
	s.Time = at.UTC()
	r.set(ResourceState, "resource_notification", "Resource Notification "+string(kind))
	r.State = s
	return nil
}

// health reads what a Health Resources event says: it is about properties.targetResourceId, since properties.occurredTime.
func health(s *activity.State, info activity.Properties, operational string) (when string, err error) {
	p := activity.Properties(info.Value("properties"))
	s.Health = &activity.Health{
		Previous: p.Text("previousAvailabilityState"), Current: p.Text("availabilityState"), Reason: p.Text("reason"), Context: p.Text("context"),
	}
	if s.Health.Current == "" && s.Health.Reason == "" {
		return "", errors.New("a Resource Notification that does not say how the resource is: neither availabilityState nor reason")
	}
	s.ResourceID, _, _ = strings.Cut(s.ResourceID, "/providers/microsoft.resourcehealth/")
	if target := p.Text("targetResourceId"); target != "" {
		s.ResourceID = activity.Lower(target)
	}
	if when = p.Text("occurredTime"); when == "" {
		when = operational
	}
	return when, nil
}

// memberOfData is an object within data, empty when there is none.
func (it *item) memberOfData(name string, at span) (p activity.Properties, err error) {
	raw := it.data.raw(at)
	if raw == nil {
		return nil, nil
	}
	if jsonscan.Kind(raw) != '{' {
		return nil, fmt.Errorf("a Resource Notification whose data.%s is no object", name)
	}
	return p, p.UnmarshalJSON(raw)
}
