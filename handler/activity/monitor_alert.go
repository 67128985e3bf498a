package activity

// MonitorAlert is what Azure Monitor judged before an action group told us: the Azure rule that fired and how severe
// its owner called it. The record that the alert is about is the Event itself.
type MonitorAlert struct {
	ID               string // Azure's id of this alert instance
	Rule             string // name of the alert rule; empty in the legacy webhook, which does not tell it
	RuleID           string // ARM id of the alert rule
	Severity         string // "Sev0" (critical) to "Sev4" (verbose)
	Condition        string // "Fired", "Resolved"; the legacy webhook says "Activated"
	Signal           string // "Activity Log"
	Service          string // monitoringService: "Activity Log - Administrative", "ServiceHealth", …
	Description      string // of the rule
	FiredAt          Time
	ResolvedAt       Time       // zero while fired
	CustomProperties Properties // what the rule's owner attached: runbooks, teams; nil when nothing
}

// AzureAlert returns the judgement of Azure Monitor that came with e; false for events that no action group sent.
func AzureAlert(e Event) (MonitorAlert, bool) {
	if e.Form != FormCommonAlert && e.Form != FormWebhookLegacy {
		return MonitorAlert{}, false
	}
	alert := Properties(e.Properties.Value("alert"))
	if alert == nil {
		return MonitorAlert{}, false
	}
	m := MonitorAlert{
		ID:          alert.Text("id"),
		Rule:        alert.Text("rule"),
		RuleID:      alert.Text("rule_id"),
		Severity:    alert.Text("severity"),
		Condition:   alert.Text("condition"),
		Signal:      alert.Text("signal"),
		Service:     alert.Text("service"),
		Description: alert.Text("description"),
	}
	m.FiredAt, _ = ParseTime(alert.Text("fired_at"))
	m.ResolvedAt, _ = ParseTime(alert.Text("resolved_at"))
	if custom := Properties(alert.Value("custom_properties")); len(custom) > len("{}") {
		m.CustomProperties = custom
	}
	return m, true
}
