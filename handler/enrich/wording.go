package enrich

import (
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
)

// wording writes headline and sentence; each category reads like what it is.
func wording(e activity.Event, o Options, v *View) {
	v.Specific = e.Category != activity.Administrative && e.Category != ""
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
		policy(e, o, v)
	case activity.AlertCategory:
		azureAlert(e, v)
	case activity.Administrative, "":
		administrative(e, v)
	default:
		unknown(e, v)
	}
}

// unknown is a category that Azure has added since: it rings, and says that nobody has thought about it yet.
func unknown(e activity.Event, v *View) {
	act := or(e.OperationDisplay, e.Operation, "something")
	v.Headline = string(e.Category) + ": " + act + with(" on ", e.ResourceName) + state(e.Outcome)
	v.Sentence = "Azure reports “" + act + "”" + with(" on ", e.ResourceName) + with(" by ", e.Caller) + "; " + string(e.Category) + " is a category that Auditbell does not know."
}

func administrative(e activity.Event, v *View) {
	act := actOf(e)
	v.Headline = act.headline(e)
	v.Sentence = subject(e) + " " + act.verb(e.Outcome) + " " + objectOf(e, act) + tail(e.Outcome) + "."
	if e.Outcome == activity.Failed {
		v.fact(Fact{Name: "Error", Value: failure(e)})
	}
}

// failure is what Resource Manager says about a refusal: its answer comes as words, or as JSON whose error has a code and a
// message (learn: "Common error response").
func failure(e activity.Event) string {
	p := e.Properties
	if why := p.Text("statusMessage"); why != "" {
		return firstLine(why)
	}
	body := []string{"statusMessage", "error"}
	if p.Value(body...) == nil {
		body = body[:1]
	}
	code, message := p.Text(append(body, "code")...), firstLine(p.Text(append(body, "message")...))
	if code == "" || message == "" {
		return code + message
	}
	return code + ": " + message
}

// security is a finding of Microsoft Defender for Cloud. Its text often begins with its own title, which the headline has.
func security(e activity.Event, v *View) {
	f, _ := activity.SecurityOf(e)
	says := plain(e.Description)
	title := or(f.Title, firstSentence(says), "Security alert")
	v.Headline = "Defender: " + strings.TrimSuffix(title, ".")
	if rest, ok := strings.CutPrefix(says, strings.TrimSuffix(title, ".")); ok {
		says = strings.TrimLeft(rest, ". ")
	}
	v.Sentence = "Microsoft Defender for Cloud " + or(strings.ToLower(f.Action), "reports") + " this" + with(" on ", f.Entity) +
		with(", done by the account ", f.Actor) + with(", and rates it ", strings.ToLower(string(f.Severity))) + "."
	v.fact(Fact{Name: "Defender says", Value: says})
	v.fact(Fact{Name: "Account", Value: f.Actor})
	v.fact(Fact{Name: "Entity", Value: f.Entity})
	v.fact(Fact{Name: "Process", Value: or(f.Command, f.Process), Code: true})
}

func recommendation(e activity.Event, v *View) {
	f, _ := activity.RecommendationOf(e)
	v.Headline = or(f.Name, "Azure Advisor recommendation") + with(" for ", e.ResourceName)
	if f.Name != "" {
		v.Headline = "Advisor: " + strings.TrimSuffix(f.Name, ".") + with(" on ", e.ResourceName)
	}
	v.Sentence = "Azure Advisor has " + article(or(words(f.Category), "new")) + " recommendation" +
		with(" with ", strings.ToLower(f.Impact)) + with(" impact for ", or(e.ResourceName, "this subscription")) + "; nothing has changed yet."
	v.fact(Fact{Name: "Advice", Value: f.Name})
}

// azureAlert is an Azure Monitor alert rule that was activated or resolved.
func azureAlert(e activity.Event, v *View) {
	f, _ := activity.AlertOf(e)
	v.Headline = "Alert " + or(f.Rule, e.ResourceName, "rule") + " " + or(string(e.Outcome), "changed")
	v.Sentence = stopped(or(plain(e.Description), f.Description, "The Azure Monitor alert rule "+or(f.Rule, e.ResourceName)+alertStates[e.Outcome]))
	v.fact(Fact{Name: "Condition", Value: join(f.Metric, words(f.Operator), f.Threshold, f.Unit)})
}

var alertStates = map[activity.Outcome]string{
	activity.Active: " fired", activity.Resolved: " is back to normal", "": " changed its state",
}
