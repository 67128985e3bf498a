package enrich

import (
	"fmt"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
)

// policy reads like a guard: what it stopped, flagged or changed, for whom, and by which policy.
func policy(e activity.Event, v *View) {
	f, _ := activity.PolicyOf(e)
	target := or(e.ResourceName, "a resource")
	by := policyNames(f)
	v.Headline, v.Sentence = guarded(e, f, target)
	switch {
	case denies(e, f):
		v.Sentence += "; the guard" + with(" ", readable(by)) + " did its work and nothing was changed"
	case strings.HasPrefix(f.Effect, "audit"):
		v.Sentence += with("; it does not meet ", readable(by)) + "; nothing was stopped"
	default:
		v.Sentence += with("; policy: ", readable(by))
	}
	v.Sentence += "."
	v.fact(Fact{Name: "Policy", Value: listed(by, 3), Code: readable(by) == ""})
	for _, one := range f.Policies[:min(len(f.Policies), 1)] {
		v.fact(Fact{Name: "Assigned to", Value: lastSegment(one.AssignedScope)})
	}
}

// denies: the operation names the effect; an alert rule may have lost the operation but not the failure.
func denies(e activity.Event, f activity.PolicyFacts) bool {
	return strings.HasPrefix(f.Effect, "deny") || f.Effect == "" && e.Outcome == activity.Failed
}

// guarded is the headline and the beginning of the sentence, by the effect (learn: "Azure Policy definitions effect
// basics").
func guarded(e activity.Event, f activity.PolicyFacts, target string) (headline, sentence string) {
	whose := "a change of " + target
	if e.Caller != "" && e.CallerType != activity.Platform {
		whose += " that " + e.Caller + " asked for"
	}
	switch {
	case denies(e, f):
		return "Policy denied a change of " + target, "Azure Policy denied " + whose
	case strings.HasPrefix(f.Effect, "audit") && f.ComplianceCheck:
		return "Policy flagged " + target, "Azure Policy flagged " + target + " as not compliant in a check of its own"
	case strings.HasPrefix(f.Effect, "audit"):
		return "Policy flagged " + target, "Azure Policy flagged " + whose
	case f.Effect == "append", f.Effect == "modify":
		return "Policy corrected " + target, "Azure Policy corrected " + whose
	case strings.HasPrefix(f.Effect, "deploy"):
		return "Policy completed " + target, "Azure Policy deployed what " + target + " was missing"
	}
	return "Policy evaluated " + target, "Azure Policy evaluated " + target
}

// policyNames names what was violated: an assignment has a name that people chose, a definition is often a GUID.
func policyNames(f activity.PolicyFacts) []string {
	var names []string
	for _, one := range f.Policies {
		names = append(names, or(chosen(one.AssignmentName), chosen(one.DefinitionName), one.DefinitionName, one.AssignmentName))
	}
	return distinct(names)
}

// chosen drops names that no person chose: GUIDs, and the 24 hexadecimal digits that the portal makes up.
func chosen(name string) string {
	if IsGUID(name) || len(name) == 24 && strings.Trim(strings.ToLower(name), "0123456789abcdef") == "" {
		return ""
	}
	return name
}

// readable is the first name that a sentence can have.
func readable(names []string) string {
	for _, name := range names {
		if chosen(name) != "" {
			return name
		}
	}
	return ""
}

// autoscale reads like scaling: out or in, from how many to how many.
func autoscale(e activity.Event, v *View) {
	f, _ := activity.AutoscaleOf(e)
	target := or(lastSegment(f.Resource), e.ResourceName, "a resource")
	v.Headline = target + " scaled"
	v.Sentence = stopped(or(f.Description, e.Description, "Autoscale changed the number of instances of "+target))
	if f.Old < 0 || f.New < 0 {
		return
	}
	way := "out"
	if f.New < f.Old {
		way = "in"
	}
	counts := fmt.Sprintf(" from %d to %d instances", f.Old, f.New)
	v.Headline = target + " scaled " + way + counts
	v.Sentence = "Autoscale " + inflect(e.Outcome, "scaled", "scale") + " " + target + " " + way + counts + "; no person did it."
	if e.Outcome == activity.Failed {
		v.Headline = target + fmt.Sprintf(" could not scale %s: %d instances, %d wanted", way, f.Old, f.New)
		v.Sentence = "Autoscale failed to scale " + target + " " + way + counts + "; it stays at " + fmt.Sprint(f.Old) + "."
	}
}
