package enrich

import (
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
)

// pim writes a step of Privileged Identity Management: which role, for whom, where, why and until when. It must not
// claim an activation before it is one: the request, its approval and the activation are records of their own, all of
// them with the status Succeeded.
func pim(e activity.Event, o Options, v *View) {
	p, ok := activity.PIMOf(&e)
	if !ok {
		return
	}
	p.Role = Brief(or(p.Role, RoleName(p.RoleID), o.name(p.RoleID)))
	p.Subject = Brief(or(p.Subject, o.name(p.SubjectID), p.SubjectID))
	v.Specific = true
	v.Headline, v.Sentence = pimWords(e, p, with(" on ", pimPlace(e, p, o)))
	v.fact(Fact{Name: "Role", Value: or(p.Role, p.RoleID), Code: p.Role == ""})
	v.fact(Fact{Name: "Principal", Value: p.Subject, Code: p.Subject == p.SubjectID})
	v.fact(Fact{Name: "Scope", Value: p.Scope, Code: true})
	v.fact(Fact{Name: "Justification", Value: plain(p.Justification)})
	v.fact(Fact{Name: "Ticket", Value: join(p.TicketSystem, p.Ticket)})
	v.fact(Fact{Name: "Start", Time: p.Start.Time})
	v.fact(Fact{Name: "End", Time: p.End.Time})
}

// pimPlace names the scope in few words.
func pimPlace(e activity.Event, p activity.PIM, o Options) string {
	if p.Scope == e.ResourceID && e.ResourceName != "" && strings.Count(p.Scope, "/") != 2 {
		return e.ResourceName
	}
	return named(scopeName(p.Scope, e), o)
}

// pimWord is an act in words: the participle of a headline, and the verb of a sentence in past and base form. Without
// about, what is acted upon is the role itself and not its activation, assignment or eligibility.
type pimWord struct {
	participle, done, do string
	about                bool
}

var pimWordOf = map[activity.PIMAct]pimWord{
	activity.PIMRequested:         {"requested", "requested", "request", true},
	activity.PIMApprovalRequested: {"approval requested", "requested approval of", "request approval of", true},
	activity.PIMApproved:          {"approved", "approved", "approve", true},
	activity.PIMDenied:            {"denied", "denied", "deny", true},
	activity.PIMCanceled:          {"canceled", "canceled", "cancel", true},
	activity.PIMRequestExpired:    {"request expired", "got no answer to the request for", "get an answer to the request for", true},
	activity.PIMActivated:         {"activated", "activated", "activate", false},
	activity.PIMDeactivated:       {"deactivated", "deactivated", "deactivate", false},
	activity.PIMExpired:           {"ended", "ended", "end", true},
	activity.PIMGranted:           {"granted", "granted", "grant", false},
	activity.PIMRenewed:           {"renewed", "renewed", "renew", true},
	activity.PIMRemoved:           {"removed", "removed", "remove", false},
	activity.PIMRestored:          {"restored", "restored", "restore", false},
}

var pimNouns = map[activity.Assignment]string{
	activity.Activation: "activation", activity.ActiveAssignment: "assignment", activity.EligibleAssignment: "eligibility",
}

// pimWords returns headline and sentence.
func pimWords(e activity.Event, p activity.PIM, on string) (headline, sentence string) {
	word, ok := pimWordOf[p.Act]
	if !ok {
		return pimOther(e, p, on)
	}
	noun := ""
	if word.about || p.Assignment == activity.EligibleAssignment {
		noun = pimNouns[p.Assignment]
	}
	how := ""
	switch {
	case p.Outside:
		how = " outside Privileged Identity Management"
	case p.Lasting && p.Act != activity.PIMRemoved:
		how = " permanently"
	}
	headline = upperFirst(join(or(p.Role, "a"), "role", noun, unfinished(e.Outcome)+word.participle)) + how + on
	object := theRole(p)
	switch noun {
	case "":
	case "eligibility":
		object = "eligibility for " + object
	default:
		object = "the " + noun + " of " + object
	}
	return headline, subject(e) + " " + inflect(e.Outcome, word.done, word.do) + " " + object + on + pimFor(e, p) + how + "."
}

func theRole(p activity.PIM) string {
	if p.Role == "" {
		return "a role"
	}
	return "the " + p.Role + " role"
}

// pimFor names whose role it is, unless it is the actor's own.
func pimFor(e activity.Event, p activity.PIM) string {
	if p.Subject == "" || strings.EqualFold(p.Subject, e.CallerName) || strings.EqualFold(p.Subject, e.Caller) {
		return ""
	}
	switch p.Act {
	case activity.PIMGranted, activity.PIMRestored:
		return " to " + p.Subject
	case activity.PIMRemoved:
		return " from " + p.Subject
	}
	return " for " + p.Subject
}

// pimOther is what is not about one assignment: settings, alerts, and whether PIM manages a resource at all.
func pimOther(e activity.Event, p activity.PIM, on string) (headline, sentence string) {
	who := subject(e) + " "
	switch p.Act {
	case activity.PIMSettingsChanged:
		return upperFirst(join(p.Role, "role settings "+unfinished(e.Outcome)+"changed")) + on,
			who + inflect(e.Outcome, "changed", "change") + " what Privileged Identity Management asks for before " + theRole(p) + " is activated" + on + "."
	case activity.PIMOffboarded:
		return "Privileged Identity Management switched off" + on + state(e.Outcome), who + inflect(e.Outcome, "took", "take") + " the resource" + on + " out of Privileged Identity Management."
	case activity.PIMOnboarded:
		return "Privileged Identity Management switched on" + on + state(e.Outcome), who + inflect(e.Outcome, "put", "put") + " the resource" + on + " under Privileged Identity Management."
	}
	act := actOf(e)
	return act.headline(e), who + act.verb(e.Outcome) + " " + objectOf(e, act) + tail(e.Outcome) + "."
}
