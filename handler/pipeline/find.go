package pipeline

import (
	"slices"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/handler/settings"
)

// Find says whether an event rings by itself, by which rules, and where. What Azure Monitor already judged to be an alert rings
// under the name and severity of its Azure rule; everything else rings through our rules. The legacy webhook tells
// neither name nor severity, so our rules grade what it brings.
func (p *Pipeline) Find(e activity.Event) (alert.Finding, bool) {
	return p.finding(e, p.met(e))
}

func (p *Pipeline) finding(e activity.Event, met []alert.Rule) (alert.Finding, bool) {
	if len(met) == 0 {
		return alert.Finding{}, false
	}
	f := alert.Finding{Event: e}
	f.Rule, f.Also = alert.Gravest(met)
	f.To, f.Hold = p.route(f), p.hold(f)
	return f, true
}

func (p *Pipeline) met(e activity.Event) []alert.Rule {
	var met []alert.Rule
	if judged, ok := activity.AzureAlert(e); ok {
		met = append(met, azureRule(judged, e))
		if judged.Severity != "" {
			return met
		}
	}
	for _, r := range p.Rules.Match(nil, &e) {
		if r.Rings() {
			met = append(met, alertRule(r))
		}
	}
	return met
}

func alertRule(r *rules.Rule) alert.Rule {
	return alert.Rule{
		ID: r.ID, Title: r.Title, Severity: string(r.Level), Author: r.Author, Many: r.Correlation != nil,
		Reason: r.Auditbell.Reason, Runbook: r.Auditbell.Runbook, Controls: r.Auditbell.Controls,
		Window: r.Auditbell.Window, GroupBy: r.Auditbell.GroupBy,
	}
}

// azureRule is the operator's own alert rule in Azure Monitor. The legacy webhook names neither rule nor severity: the
// event's level stands in.
func azureRule(judged activity.MonitorAlert, e activity.Event) alert.Rule {
	r := alert.Rule{ID: azureRules, Title: judged.Rule, Severity: severityOf(judged.Severity, e.Level), Azure: true, Reason: judged.Description}
	if r.Title == "" {
		r.Title = "Azure Monitor activity log alert"
	} else {
		r.ID += ":" + strings.ToLower(r.Title)
	}
	return r
}

// azureRules begins the ids of rules that stand in Azure Monitor.
const azureRules = "azure-monitor"

// IsAzureRule reports whether id is that of an Azure Monitor alert rule, which only Azure knows.
func IsAzureRule(id string) bool { return id == azureRules || strings.HasPrefix(id, azureRules+":") }

// severityOf maps Azure Monitor's Sev0 (critical) … Sev4 (verbose), else the Activity Log's level.
func severityOf(sev string, level activity.Level) string {
	if i := slices.Index([]string{"sev4", "sev3", "sev2", "sev1", "sev0"}, strings.ToLower(sev)); i >= 0 {
		return alert.Severities[i]
	}
	switch level {
	case activity.Critical:
		return string(notify.Critical)
	case activity.Error:
		return string(notify.High)
	case activity.Informational:
		return string(notify.Low)
	}
	return string(notify.Medium)
}

// route lists the destinations of a finding: the first route that matches, and those after it while it says continue.
func (p *Pipeline) route(f alert.Finding) []string {
	var to []string
	for _, r := range p.Routes {
		if !matches(r.Match, f) {
			continue
		}
		for _, name := range r.To {
			to = append(to, p.named(name)...)
		}
		if !r.Continue {
			break
		}
	}
	slices.Sort(to)
	return slices.Compact(to)
}

// named expands "*" to every configured destination.
func (p *Pipeline) named(name string) []string {
	if name != settings.Everywhere {
		return []string{name}
	}
	var all []string
	for have := range p.Destinations {
		all = append(all, have)
	}
	return all
}

// matches reports whether every condition that the route states holds; within one, any of its values will do.
func matches(m settings.RouteMatch, f alert.Finding) bool {
	severe := m.Severity == "" || notify.Severity(f.Rule.Severity).Rank() >= notify.Severity(m.Severity).Rank()
	return severe && among(m.Category, string(f.Event.Category)) && among(m.Rule, f.Rule.ID) &&
		among(m.Subscription, f.Event.SubscriptionID) && among(m.ResourceGroup, f.Event.ResourceGroup)
}

func among(allowed []string, value string) bool {
	return len(allowed) == 0 || slices.ContainsFunc(allowed, func(a string) bool { return strings.EqualFold(a, value) })
}
