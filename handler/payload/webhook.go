package payload

import (
	"errors"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
)

// The activity-log webhook before the common alert schema: data.context.activityLog is the record, with claims and
// httpRequest as JSON in strings (Microsoft: "Webhooks for activity log alerts").

func isWebhookLegacy(it *item) bool {
	return it.data.activityLog != nil && it.top.eventType == nil && it.top.typ == nil
}

func readWebhookLegacy(it *item) (Reading, error) {
	m := &it.context
	e, err := it.draft(activity.FormWebhookLegacy, m)
	if err != nil {
		return Reading{}, err
	}
	it.keepAlert([]alertMember{
		{"condition", it.data.status},
		{"signal", []byte(`"Activity Log"`)},
		{"custom_properties", it.data.properties},
	})
	return it.activityReading(e, m)
}

var errNoRecord = errors.New("an activity log alert without a record: neither data.alertContext nor data.context.activityLog")

// isOtherAlert tells the payloads that action groups and classic alerts send for other signals: they name a schemaId,
// or have status and context at the top (classic metric alerts, autoscale notifications).
func isOtherAlert(it *item) bool {
	return it.top.schemaID != nil || it.top.context != nil && it.top.status != nil
}

func readOtherAlert(it *item) (Reading, error) {
	schema := string(it.text.word(it.top.schemaID))
	what := strings.ToLower(schema)
	switch {
	case what == "" && it.top.operation != nil:
		return noise("autoscale_notification", "autoscale notification")
	case what == "", strings.Contains(what, "metricalert"):
		return noise("metric_alert", "metric alert, schema before the common one")
	case strings.Contains(what, "budget"):
		return noise("budget", "budget notification")
	case strings.Contains(what, "logalert"):
		return noise("log_alert", "log alert, schema before the common one")
	case strings.EqualFold(what, "microsoft.insights/activitylogs"), strings.EqualFold(what, "azuremonitorcommonalertschema"):
		return Reading{}, errNoRecord
	}
	return noise("other_alert", "Azure alert of schema "+schema)
}
