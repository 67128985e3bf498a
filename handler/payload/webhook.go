package payload

import (
	"errors"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
)

// The activity-log webhook before the common alert schema: data.context.activityLog is the record, with claims and
// httpRequest as JSON in strings (Microsoft: "Webhooks for activity log alerts").

// isWebhookLegacy recognises the schema by the record inside: schemaId is missing in relayed payloads.
func isWebhookLegacy(it *item) bool {
	return it.data.activityLog.present() && !it.top.eventType.present() && !it.top.typ.present()
}

// readWebhookLegacy reads the record. The payload names neither rule nor severity; data.properties holds what the action
// group's owner attached.
func readWebhookLegacy(it *item, r *Reading) error {
	m := &it.context
	e := &r.Event
	if err := it.draft(e, activity.FormWebhookLegacy, m); err != nil {
		return err
	}
	it.keepAlert([]alertMember{
		{"condition", it.data.raw(it.data.status)},
		{"signal", []byte(`"Activity Log"`)},
		{"custom_properties", it.data.raw(it.data.properties)},
	})
	return it.finish(r, m, m.raw(m.resourceID))
}

// errNoRecord says why an activity log alert cannot be read.
var errNoRecord = errors.New("an activity log alert without a record: neither data.alertContext nor data.context.activityLog")

// isOtherAlert recognises the payloads that action groups and classic alerts send for other signals: they name a schemaId,
// or have status and context at the top (classic metric alerts, autoscale notifications).
func isOtherAlert(it *item) bool {
	return it.top.schemaID.present() || it.top.context.present() && it.top.status.present()
}

// readOtherAlert names the signal. An activity log alert that has lost its record is a fault, not noise.
func readOtherAlert(it *item, r *Reading) error {
	schema := string(it.text.word(it.top.raw(it.top.schemaID)))
	what := strings.ToLower(schema)
	switch {
	case what == "" && it.top.operation.present():
		r.set(Noise, "autoscale_notification", "autoscale notification")
	case what == "", strings.Contains(what, "metricalert"):
		r.set(Noise, "metric_alert", "metric alert, schema before the common one")
	case strings.Contains(what, "budget"):
		r.set(Noise, "budget", "budget notification")
	case strings.Contains(what, "logalert"):
		r.set(Noise, "log_alert", "log alert, schema before the common one")
	case strings.EqualFold(what, "microsoft.insights/activitylogs"), strings.EqualFold(what, "azuremonitorcommonalertschema"):
		return errNoRecord
	default:
		r.set(Noise, "other_alert", "Azure alert of schema "+schema)
	}
	return nil
}
