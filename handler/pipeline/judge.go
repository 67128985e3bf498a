package pipeline

import (
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/enrich"
	"github.com/auditbell/auditbell/handler/exception"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/handler/settings"
)

// Judge says which events become alerts, under which rules, and where they go.
type Judge struct {
	Rules       *rules.Set
	LeftOut     []rules.Left // rules that were meant to be evaluated and are not
	Unexcepted  []rules.Left // exceptions that were meant to apply and do not
	Routes      []settings.Route
	Quiet       []settings.Quiet
	Maintenance []settings.Maintenance
	Everywhere  []string            // the names that "*" in a route stands for
	Members     map[string][]string // what a name stands for that is no destination itself: the recipients of mail
	Changes     settings.Changes    // what the operator announced
	Exceptions  *exception.Book     // nil: nothing is excepted
	Lookups     Lookups             // nil: nothing is looked up
	// Unasked reports whether Azure could be asked what an event's act was about, were that lookup switched on; nil: never.
	Unasked func(*activity.Event) bool
	// Unreadable reports whether Azure cannot be asked what an event's act was about, which the event does not say; nil: never.
	Unreadable func(*activity.Event) bool
	Canary     *Canary // nil: there is no daily test
	Now        func() time.Time
}

// Find says whether an event rings, by which rules, and where. What Azure Monitor already judged to be an alert rings
// under the name and severity of its Azure rule; everything else rings through our rules. The legacy webhook tells
// neither name nor severity, so our rules grade what it brings. Correlated are correlations that ring with this event,
// which it cannot tell by itself.
func (j *Judge) Find(e activity.Event, correlated ...*rules.Rule) (alert.Finding, bool) {
	met, _ := j.met(e, correlated)
	if why := j.unasked(&e); why != "" {
		if f, ok := j.doubted(e, met, why); ok {
			return f, true
		}
	}
	return j.finding(e, met)
}

// Met are the rules that alert about an event, without where it goes.
func (j *Judge) Met(e activity.Event) []alert.Rule {
	met, _ := j.met(e, nil)
	return met
}

func (j *Judge) finding(e activity.Event, met []alert.Rule) (alert.Finding, bool) {
	if len(met) == 0 {
		return alert.Finding{}, false
	}
	return j.Only(alert.Finding{Event: e}, met), true
}

// Only is the finding with these rules, which decide anew where it goes.
func (j *Judge) Only(f alert.Finding, met []alert.Rule) alert.Finding {
	f.Rule, f.Also = alert.Gravest(met)
	f.To, f.Gather = j.route(f)
	f.Hold = j.hold(f)
	f.Change, f.Ask, f.Detail = j.announced(f), j.openQuestions(f), distinguishing(f.Event)
	return f
}

// distinguishing is what sets an act apart from others on the same resource: role and principal, port and source.
func distinguishing(e activity.Event) string {
	var parts []string
	for _, f := range enrich.Of(e, enrich.Options{}).Facts {
		if slices.Contains([]string{"Role", "Principal", "Changed"}, f.Name) && f.Value != "" {
			parts = append(parts, f.Value)
		}
	}
	return strings.Join(parts, ", ")
}

// met are the rules that e meets: those that ring, and those that are only counted (rules.Rule.Rings).
func (j *Judge) met(e activity.Event, correlated []*rules.Rule) (sent []alert.Rule, staged []*rules.Rule) {
	if isCanary(&e) {
		return j.Canary.met(&e), nil
	}
	judged, azure := activity.AzureAlert(e)
	matched := correlated
	if judged.Severity == "" {
		matched = append(j.Rules.Match(nil, &e), correlated...)
	}
	sent, staged = sentAndStaged(matched)
	if azure {
		sent = slices.Insert(sent, 0, azureRule(judged, e))
	}
	return sent, staged
}

// sentAndStaged separates rules whose matches are alerts from those whose matches are only counted.
func sentAndStaged(matched []*rules.Rule) (sent []alert.Rule, staged []*rules.Rule) {
	for _, r := range matched {
		if r.Alerts() {
			sent = append(sent, alertRule(r))
		} else {
			staged = append(staged, r)
		}
	}
	return sent, staged
}

func alertRule(r *rules.Rule) alert.Rule {
	return alert.Rule{
		ID: r.ID, Title: r.Title, Severity: string(r.Level), Author: r.Author, Many: r.Correlation != nil,
		Reason: r.Auditbell.Reason, Runbook: r.Auditbell.Runbook, Controls: r.Auditbell.Controls,
		Window: r.Auditbell.Window, GroupBy: r.Auditbell.GroupBy, Tags: r.Tags,
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
