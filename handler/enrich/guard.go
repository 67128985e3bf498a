package enrich

import (
	"fmt"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
)

// policy reads like a guard: what it stopped, flagged or changed, for whom, and by which policy.
func policy(e activity.Event, o Options, v *View) {
	f, _ := activity.PolicyOf(e)
	target := or(e.ResourceName, "a resource")
	by, beside := policyNames(f, o)
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
	v.fact(Fact{Name: "Policy", Value: listed(beside, 3), Code: readable(by) == ""})
	v.fact(Fact{Name: "Definition", Value: listed(definitionNames(f, o), 3)})
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

// policyNames names what was violated: an assignment has a name that people chose, a definition is often a GUID. beside has the
// id beside a name that was looked up.
func policyNames(f activity.PolicyFacts, o Options) (names, beside []string) {
	for _, one := range f.Policies {
		name, id := or(chosen(one.AssignmentName), chosen(one.DefinitionName), one.DefinitionName, one.AssignmentName), ""
		for _, known := range []string{one.AssignmentName, one.DefinitionName} {
			if called := o.name(known); called != "" {
				name, id = called, known
				break
			}
		}
		names, beside = append(names, name), append(beside, name+inBrackets(id))
	}
	return distinct(names), distinct(beside)
}

// definitionNames are the definitions and initiatives behind the assignments, as far as they were looked up.
func definitionNames(f activity.PolicyFacts, o Options) (names []string) {
	for _, one := range f.Policies {
		for _, id := range []string{one.DefinitionName, one.SetDefinitionName} {
			if called := o.name(id); called != "" && o.name(one.AssignmentName) != "" {
				names = append(names, called+inBrackets(id))
			}
		}
	}
	return distinct(names)
}

func inBrackets(id string) string {
	if id == "" {
		return ""
	}
	return " (" + id + ")"
}

// assigned names the definition that a policy assignment assigns, as far as it was looked up.
func assigned(e activity.Event, o Options, v *View) {
	if !strings.HasPrefix(e.Operation, "microsoft.authorization/policyassignments/") {
		return
	}
	id := lastSegment(or(e.Properties.Text("requestbody", "properties", "policyDefinitionId"), e.Properties.Text("responsebody", "properties", "policyDefinitionId")))
	if called := o.name(id); called != "" {
		v.fact(Fact{Name: "Definition", Value: called + inBrackets(id)})
	}
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
