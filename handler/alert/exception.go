package alert

import (
	"slices"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
)

// Exception is what "mark as expected" leaves behind: for a while the same rules do not alert for the same actor in
// the same scope. It is as narrow as the alert it was made of; wider ones are written into config/exceptions.yaml.
type Exception struct {
	ID            string    `json:"exception"` // [a-z0-9-]
	Rules         []string  `json:"rules"`     // ids of all rules that the alert had met
	Actor         string    `json:"actor"`     // lower case; empty: events that name no actor
	Tenant        string    `json:"tenant,omitempty"`
	Subscription  string    `json:"subscription,omitempty"`
	ResourceGroup string    `json:"resource_group,omitempty"`
	Owner         Person    `json:"owner"`
	Reason        string    `json:"reason"`
	Alert         string    `json:"alert"` // the alert it was made of
	Created       time.Time `json:"created"`
	Expires       time.Time `json:"expires"`
	Group         string    `json:"alert_group,omitempty"` // of the alert; empty in what earlier versions stored
	EndedBy       *Person   `json:"ended_by,omitempty"`    // who withdrew it, at Expires
}

// Expect makes the exception that act, of kind Expected, asks for. One click makes one, however often it is sent.
func (a *Alert) Expect(act Act) Exception {
	x := Exception{
		ID:    "click-" + hash(a.ID, act.ID)[:12],
		Rules: []string{a.Rule.ID}, Actor: actor(&a.Event), Tenant: a.Event.TenantScope(),
		Subscription: a.Event.SubscriptionID, ResourceGroup: a.Event.ResourceGroup,
		Owner: act.By, Reason: act.Reason, Alert: a.ID, Group: a.Group, Created: act.At.UTC(), Expires: act.Until.UTC(),
	}
	for _, r := range a.Also {
		x.Rules = append(x.Rules, r.ID)
	}
	return x
}

// Expectations are the exceptions that people made of the alert, ended ones too.
func (a *Alert) Expectations() (all []Exception) {
	for _, act := range a.Acts {
		if act.Kind == Expected {
			all = append(all, a.Expect(act))
		}
	}
	return all
}

// Covers reports whether the exception is about this rule and this event, expired or not.
func (x Exception) Covers(e *activity.Event, rule string) bool {
	return slices.Contains(x.Rules, rule) && x.Actor == actor(e) && x.Tenant == e.TenantScope() &&
		activity.Lower(x.Subscription) == activity.Lower(e.SubscriptionID) && activity.Lower(x.ResourceGroup) == activity.Lower(e.ResourceGroup)
}
