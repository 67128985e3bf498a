package enrich

import (
	"fmt"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
)

// serviceHealth reads like the kind of news it is: an incident that lasts or is over, work that is planned, a request to
// act. The headline is Azure's own title, because that is what people will search for.
func serviceHealth(e activity.Event, v *View) {
	f, _ := activity.ServiceHealthOf(e)
	kind, sentence := healthNews(f, words(or(f.Stage, string(e.Outcome))))
	v.Headline = kind + ": " + or(plain(f.Title), plain(e.Description), or(f.Service, "Azure")+with(" in ", f.Region))
	v.Sentence = sentence
	v.fact(Fact{Name: "Services", Value: listed(services(f), 4)})
	v.fact(Fact{Name: "Regions", Value: listed(regions(f), 4)})
	began, ended := "Began", "Ended"
	if f.Type != activity.Incident { // a time that is announced, often in the future
		began, ended = "From", "Until"
	}
	v.fact(Fact{Name: began, Time: f.ImpactStart.Time})
	v.fact(Fact{Name: ended, Time: f.ImpactEnd.Time})
	v.fact(Fact{Name: "Tracking id", Value: f.TrackingID, Code: true})
	v.fact(Fact{Name: "Azure says", Value: strings.Join(strings.Fields(f.Communication), " ")})
}

// healthNews is what begins the headline, and the sentence, by kind and stage (schema page, "Service health category").
func healthNews(f activity.ServiceHealthFacts, stage string) (kind, sentence string) {
	what := or(listed(services(f), 2), "Azure services") + with(" in ", listed(regions(f), 2))
	over := stage == "resolved" || stage == "complete" || stage == "rca"
	switch f.Type {
	case activity.Maintenance:
		return "Planned maintenance", "Azure plans maintenance of " + what + with(", now ", stage) + "."
	case activity.ActionRequired:
		return "Action required", "Azure asks you to act on " + what + "; read what it says and by when."
	case activity.SecurityAdvisory:
		return "Security advisory", "Azure sent a security advisory about " + what + "; keep it confidential."
	case activity.Information:
		return "Health information", "Azure has news about " + what + "; nothing is broken."
	case activity.AssistedRecovery:
		return "Assisted recovery", "Azure helps to recover " + what + with(", now ", stage) + "."
	}
	switch {
	case stage == "rca":
		return "Service incident explained", "Azure published the root cause of the incident that affected " + what + "."
	case over:
		return "Service incident over", "The incident that affected " + what + " is over" + with(" after ", lasted(f)) + "."
	}
	return "Service incident", "Azure has trouble with " + what + "; it is not over yet."
}

func lasted(f activity.ServiceHealthFacts) string {
	if f.ImpactStart.IsZero() || !f.ImpactEnd.After(f.ImpactStart.Time) {
		return ""
	}
	return strings.TrimSuffix(f.ImpactEnd.Sub(f.ImpactStart.Time).Round(time.Minute).String(), "0s")
}

func services(f activity.ServiceHealthFacts) []string {
	var names []string
	for _, s := range f.Services {
		names = append(names, s.Name)
	}
	return distinct(append(names, f.Service))
}

func regions(f activity.ServiceHealthFacts) []string {
	var names []string
	for _, s := range f.Services {
		names = append(names, s.Regions...)
	}
	return distinct(append(names, f.Region))
}

// distinct keeps the first of equal texts and drops empty ones.
func distinct(texts []string) []string {
	seen := map[string]bool{"": true}
	var kept []string
	for _, t := range texts {
		if !seen[t] {
			kept = append(kept, t)
		}
		seen[t] = true
	}
	return kept
}

// listed is "Storage, Key Vault and 3 more".
func listed(texts []string, most int) string {
	if len(texts) <= most {
		return strings.Join(texts, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(texts[:most], ", "), len(texts)-most)
}

// resourceHealth says what became of a resource, and whether that is bad or good news.
func resourceHealth(e activity.Event, v *View) {
	f, _ := activity.ResourceHealthOf(e)
	name := or(e.ResourceName, "A resource")
	if types := strings.Split(e.ResourceType, "/"); len(types) > 1 && e.ResourceName != "" {
		name = upperFirst(nounOf(types[1:])) + " " + name
	}
	now, before := words(string(f.Current)), words(string(f.Previous))
	switch change := f.Transition(); {
	case change == activity.Recovered && f.Current == activity.Available:
		v.Headline = name + " is available again"
	case change == activity.Unchanged:
		v.Headline = name + " is still " + now
	default:
		v.Headline = name + " is " + or(now, "in an unknown state")
	}
	v.Sentence = v.Headline
	if before != "" && before != now {
		v.Sentence += "; it was " + before + " before"
	}
	v.Sentence += causes[f.Cause] + "."
	if says := plain(or(f.Details, f.Title)); !strings.EqualFold(says, string(f.Current)) {
		v.fact(Fact{Name: "Azure says", Value: says})
	}
}

// causes in words (learn: "Resource Health overview").
var causes = map[activity.HealthCause]string{
	activity.PlatformInitiated: "; the cause is Azure's platform",
	activity.UserInitiated:     "; a person's action caused it",
}
