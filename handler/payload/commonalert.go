package payload

import (
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/jsonscan"
)

// The common alert schema of action groups: data.essentials is the same for every Azure alert, data.alertContext is
// the Activity Log record when the alert is about one (Microsoft: "Common alert schema").

// isCommonAlert recognises the schema by data.essentials: relays leave schemaId out. Inside an Event Grid event the form is
// that of the event, see relayedAlert.
func isCommonAlert(it *item) bool {
	return it.data.essentials.present() && !it.top.eventType.present() && !it.top.typ.present()
}

// readCommonAlert reads the record and what Azure Monitor judged about it. Records without a resource take the alert's
// target; Microsoft documents one target for activity log alerts.
func readCommonAlert(it *item, r *Reading) error {
	signal := string(it.text.word(it.essence.raw(it.essence.signalType)))
	service := string(it.text.word(it.essence.raw(it.essence.monitoringService)))
	if !isActivityAlert(signal, service) {
		otherCommonAlert(signal, service, r)
		return nil
	}
	m := &it.context
	e := &r.Event
	if err := it.draft(e, activity.FormCommonAlert, m); err != nil {
		return err
	}
	if e.Category == "" {
		e.Category = serviceCategory(service)
	}
	a := &it.essence
	it.judged(e)
	it.keepAlert([]alertMember{
		{"id", a.raw(a.alertID)},
		{"rule", a.raw(a.alertRule)},
		{"rule_id", a.raw(a.alertRuleID)},
		{"severity", a.raw(a.severity)},
		{"condition", a.raw(a.monitorCondition)},
		{"signal", a.raw(a.signalType)},
		{"service", a.raw(a.monitoringService)},
		{"description", a.raw(a.description)},
		{"fired_at", a.raw(a.firedDateTime)},
		{"resolved_at", a.raw(a.resolvedDateTime)},
		{"custom_properties", it.data.raw(it.data.customProperties)},
	})
	return it.finish(r, m, firstPresent(m.raw(m.resourceID), firstElement(a.raw(a.alertTargetIDs))))
}

// judged stands in for a record that the alert does not bring: alertContext may be null. Then the time is that of the
// alert, and whether the condition holds.
func (it *item) judged(e *activity.Event) {
	a := &it.essence
	resolved := strings.EqualFold(string(it.text.word(a.raw(a.monitorCondition))), "Resolved")
	if e.Time.IsZero() && resolved {
		e.Time = it.text.when(a.raw(a.resolvedDateTime))
	}
	if e.Time.IsZero() {
		e.Time = it.text.when(a.raw(a.firedDateTime))
	}
	if it.context.text != nil { // what the record does not say is not known
		return
	}
	if e.Outcome = activity.Active; resolved {
		e.Outcome = activity.Resolved
	}
}

// isActivityAlert recognises an alert about an Activity Log record. Third parties write the service plainly as "Activity
// Log"; health alerts name the health service (facts: payload variations, containers).
func isActivityAlert(signal, service string) bool {
	return strings.EqualFold(signal, "Activity Log") || serviceCategory(service) != "" ||
		strings.EqualFold(service, "Activity Log")
}

// serviceCategory reads monitoringService: "Activity Log - Administrative", "ServiceHealth", "Resource Health".
// ServiceHealth alerts have the number 2 where the others have a category (schema version of 2021).
func serviceCategory(service string) activity.Category {
	if prefix, name, ok := strings.Cut(service, " - "); ok && strings.EqualFold(prefix, "Activity Log") {
		service = name
	}
	return activity.CategoryOf(service)
}

// otherCommonAlert names an alert that is not about the Activity Log. Budgets have no signal type.
func otherCommonAlert(signal, service string, r *Reading) {
	what := strings.ToLower(signal + " " + service)
	switch {
	case strings.Contains(what, "costalerts"), strings.Contains(what, "budget"):
		r.set(Noise, "budget", "budget alert")
	case strings.Contains(what, "smart"):
		r.set(Noise, "smart_detection", "smart detection alert")
	case strings.HasPrefix(what, "metric"):
		r.set(Noise, "metric_alert", "metric alert ("+service+")")
	case strings.HasPrefix(what, "log"):
		r.set(Noise, "log_alert", "log alert ("+service+")")
	default:
		r.set(Noise, "other_alert", "Azure alert of signal type "+signal+" from "+service)
	}
}

// relayedAlert reads an action-group payload that an Event Grid topic relays as data.
func (it *item) relayedAlert(r *Reading) error {
	if it.data.essentials.present() {
		return readCommonAlert(it, r)
	}
	return readWebhookLegacy(it, r)
}

// alertMember is one member of what Azure Monitor judged, under the name that activity.AzureAlert reads.
type alertMember struct {
	name string
	raw  []byte
}

// keepAlert puts what Azure Monitor judged beside the record's properties, see activity.AzureAlert.
func (it *item) keepAlert(alert []alertMember) {
	p := &it.props
	p.name([]byte("alert"))
	p.out = append(p.out, '{')
	for _, a := range alert {
		if a.raw == nil || string(a.raw) == "{}" {
			continue
		}
		p.name([]byte(a.name))
		p.value(jsonscan.NewCursor(a.raw, 0), peelLayers)
	}
	p.out = append(p.out, '}')
}

// firstElement returns the first string of an array, nil when there is none.
func firstElement(raw []byte) []byte {
	if jsonscan.Kind(raw) != '[' {
		return nil
	}
	var first []byte
	_ = jsonscan.Array(raw, func(value []byte) error {
		if jsonscan.Kind(value) == '"' {
			first = value
		}
		return jsonscan.ErrStop
	})
	return first
}
