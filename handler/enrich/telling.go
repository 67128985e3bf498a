package enrich

import (
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
)

// telling writes headline and sentence; each category reads like what it is.
func telling(e activity.Event, _ Options, v *View) {
	v.Telling = e.Category != activity.Administrative && e.Category != ""
	switch e.Category {
	case activity.ServiceHealth:
		serviceHealth(e, v)
	case activity.ResourceHealth:
		resourceHealth(e, v)
	case activity.Autoscale:
		autoscale(e, v)
	case activity.Security:
		security(e, v)
	case activity.Recommendation:
		recommendation(e, v)
	case activity.Policy:
		policy(e, v)
	case activity.AlertCategory:
		metricAlert(e, v)
	default:
		administrative(e, v)
	}
}

func administrative(e activity.Event, v *View) {
	act := actOf(e)
	v.Headline = act.headline(e)
	v.Sentence = subject(e) + " " + act.told(e.Outcome) + " " + objectOf(e, act) + "."
	if why := e.Properties.Any("statusMessage"); e.Outcome == activity.Failed && why != "" {
		v.fact(Fact{Name: "Error", Value: firstLine(why)})
	}
}

func serviceHealth(e activity.Event, v *View) {
	p := e.Properties
	v.Headline = or(p.Any("title", "defaultLanguageTitle"), e.Description, "Azure service health event")
	kind := strings.ToLower(or(p.Text("incidentType"), "incident"))
	v.Sentence = "Azure reports a service " + kind + with(" affecting ", p.Text("service")) + with(" in ", p.Text("region")) +
		", now " + strings.ToLower(or(p.Text("stage"), string(e.Outcome), "active")) + "."
	v.fact(Fact{Name: "Tracking id", Value: p.Text("trackingId"), Code: true})
	v.fact(Fact{Name: "Azure says", Value: plain(p.Any("communication", "defaultLanguageContent"))})
}

func resourceHealth(e activity.Event, v *View) {
	p := e.Properties
	now := p.Any("currentHealthStatus", "healthStatus")
	v.Headline = or(e.ResourceName, "A resource") + " is " + strings.ToLower(or(now, "changing health"))
	v.Sentence = "Resource health of " + or(e.ResourceName, "a resource") + " went" + with(" from ", p.Text("previousHealthStatus")) +
		" to " + or(now, "an unknown state") + with(", cause: ", words(p.Any("cause", "healthEventCause"))) + "."
	v.fact(Fact{Name: "Azure says", Value: plain(or(p.Text("details"), p.Text("title")))})
}

func autoscale(e activity.Event, v *View) {
	p := e.Properties
	target := lastSegment(or(p.Text("ResourceName"), e.ResourceName))
	v.Headline = or(target, "A resource") + " scaled"
	v.Sentence = or(e.Description, "Autoscale changed the number of instances.")
	if from, to := p.Text("OldInstancesCount"), p.Text("NewInstancesCount"); from != "" && to != "" {
		v.Headline += " from " + from + " to " + to + " instances"
		v.Sentence = "Autoscale " + told(e.Outcome, "changed", "change") + " " + or(target, "a resource") + " from " + from + " to " + to + " instances."
	}
}

func security(e activity.Event, v *View) {
	p := e.Properties
	v.Headline = or(p.Any("AlertDisplayName", "eventName"), firstLine(e.Description), "Microsoft Defender for Cloud alert")
	v.Sentence = or(plain(e.Description), "Microsoft Defender for Cloud raised an alert.")
	v.fact(Fact{Name: "Defender severity", Value: p.Text("Severity")})
	v.fact(Fact{Name: "Compromised entity", Value: p.Any("CompromisedEntity", "compromisedHost")})
	v.fact(Fact{Name: "Account", Value: p.Text("userName")})
	v.fact(Fact{Name: "Action taken", Value: p.Text("ActionTaken")})
}

func recommendation(e activity.Event, v *View) {
	p := e.Properties
	v.Headline = or(p.Any("recommendationName"), "Azure Advisor recommendation") + with(" for ", e.ResourceName)
	v.Sentence = "Azure Advisor has a " + strings.ToLower(or(p.Text("recommendationCategory"), "new")) + " recommendation" +
		with(" with ", strings.ToLower(p.Text("recommendationImpact"))) + with(" impact for ", or(e.ResourceName, "this subscription")) + "."
}

const denied = "denied a change to"

func policy(e activity.Event, v *View) {
	verb := "evaluated"
	switch {
	case strings.Contains(e.Operation, "deny"), e.Outcome == activity.Failed:
		verb = denied
	case strings.Contains(e.Operation, "audit"):
		verb = "flagged"
	}
	target := or(e.ResourceName, "a resource")
	by := with(", requested by ", e.Caller)
	if e.CallerType == activity.Platform {
		by = " in its own compliance check" // nobody asked for anything
	}
	v.Headline = "Policy " + verb + " " + target
	v.Sentence = "Azure Policy " + verb + " " + target + by + "."
	if verb == denied {
		v.Sentence = "Azure Policy " + verb + " " + target + by + "; the guard did its work."
	}
}

func metricAlert(e activity.Event, v *View) {
	p := e.Properties
	v.Headline = "Alert " + or(p.Text("RuleName"), e.ResourceName, "rule") + " " + or(string(e.Outcome), "changed")
	v.Sentence = or(plain(e.Description), "An Azure Monitor alert changed its state.")
	v.fact(Fact{Name: "Condition", Value: join(p.Text("MetricName"), words(p.Text("Operator")), p.Text("Threshold"), p.Text("MetricUnit"))})
}
