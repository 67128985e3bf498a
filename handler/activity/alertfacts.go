package activity

// AlertFacts is what an event of category Alert says: a classic alert rule was activated or resolved (schema page,
// "Alert category"). Not to be confused with MonitorAlert, which is how an action group wraps any event.
type AlertFacts struct {
	Rule        string
	RuleID      string // ARM id of the rule
	Description string

	// Of metric alerts.
	Metric        string // "Disk read"
	Operator      string // "LessThan"
	Threshold     string // a number as Azure writes it
	Aggregation   string // "Average"
	WindowMinutes string
	Unit          string // "Count"

	// Of activity log alerts: the event that activated the rule.
	Cause AlertCause
}

// AlertCause is the activity log event that activated an activity log alert.
type AlertCause struct {
	SubscriptionID, EventID, ResourceGroup, ResourceID, Operation, Status string
	Time                                                                  Time
}

// AlertOf returns the facts of an event of category Alert; false for events of another category.
func AlertOf(e Event) (AlertFacts, bool) {
	if e.Category != AlertCategory {
		return AlertFacts{}, false
	}
	p := e.Properties
	f := AlertFacts{
		Rule:          p.Any("RuleName", "alertRuleName"),
		RuleID:        p.Any("RuleUri", "alertRuleId"),
		Description:   p.Text("RuleDescription"),
		Metric:        p.Text("MetricName"),
		Operator:      p.Text("Operator"),
		Threshold:     p.Text("Threshold"),
		Aggregation:   p.Text("Aggregation"),
		WindowMinutes: p.Text("WindowSizeInMinutes"),
		Unit:          p.Text("MetricUnit"),
		Cause: AlertCause{
			SubscriptionID: p.Text("subscriptionId"),
			EventID:        p.Text("eventDataId"),
			ResourceGroup:  p.Text("resourceGroup"),
			ResourceID:     p.Text("resourceId"),
			Operation:      p.Text("operationName"),
			Status:         p.Text("status"),
		},
	}
	f.Cause.Time, _ = ParseTime(p.Text("eventTimestamp"))
	return f, true
}
