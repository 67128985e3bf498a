package payload

import (
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/jsonscan"
)

// The common alert schema of action groups: data.essentials is the same for every Azure alert, data.alertContext is
// the Activity Log record when the alert is about one (Microsoft: "Common alert schema").

func isCommonAlert(it *item) bool {
	return it.data.essentials != nil && it.top.eventType == nil && it.top.typ == nil
}

func readCommonAlert(it *item) (Reading, error) {
	signal := string(it.text.word(it.essence.signalType))
	service := string(it.text.word(it.essence.monitoringService))
	if !isActivityAlert(signal, service) {
		return otherCommonAlert(signal, service)
	}
	m := &it.context
	e, err := it.draft(activity.FormCommonAlert, m)
	if err != nil {
		return Reading{}, err
	}
	if e.Category == "" {
		e.Category = serviceCategory(service)
	}
	if m.resourceID == nil {
		m.resourceID = firstElement(it.essence.alertTargetIDs)
	}
	it.keepAlert([]alertMember{
		{"id", it.essence.alertID},
		{"rule", it.essence.alertRule},
		{"rule_id", it.essence.alertRuleID},
		{"severity", it.essence.severity},
		{"condition", it.essence.monitorCondition},
		{"signal", it.essence.signalType},
		{"service", it.essence.monitoringService},
		{"description", it.essence.description},
		{"fired_at", it.essence.firedDateTime},
		{"resolved_at", it.essence.resolvedDateTime},
		{"custom_properties", it.data.customProperties},
	})
	return it.activityReading(e, m)
}

// isActivityAlert tells an alert about an Activity Log record. Third parties write the service plainly as "Activity
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
func otherCommonAlert(signal, service string) (Reading, error) {
	what := strings.ToLower(signal + " " + service)
	switch {
	case strings.Contains(what, "costalerts"), strings.Contains(what, "budget"):
		return noise("budget", "budget alert")
	case strings.Contains(what, "smart"):
		return noise("smart_detection", "smart detection alert")
	case strings.HasPrefix(what, "metric"):
		return noise("metric_alert", "metric alert ("+service+")")
	case strings.HasPrefix(what, "log"):
		return noise("log_alert", "log alert ("+service+")")
	}
	return noise("other_alert", "Azure alert of signal type "+signal+" from "+service)
}

// relayedAlert reads an action-group payload that an Event Grid topic relays as data.
func (it *item) relayedAlert() (Reading, error) {
	if it.data.essentials != nil {
		return readCommonAlert(it)
	}
	return readWebhookLegacy(it)
}

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
		if a.raw == nil {
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
