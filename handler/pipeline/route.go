package pipeline

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/settings"
)

// route lists the destinations of a finding, and which of them get it in a summary. Of several routes to one destination
// the one that is the soonest counts.
func (j *Judge) route(f alert.Finding) (to []string, gather map[string]alert.Gather) {
	now := j.Now()
	alone := map[string]bool{}
	for _, r := range j.Taken(f) {
		ends := j.Ends(r.To)
		to = append(to, ends...)
		name, at, first, gathers := r.Gathers(now)
		for _, end := range ends {
			if alone[end] = alone[end] || !gathers; !gathers {
				continue
			}
			if gather == nil {
				gather = map[string]alert.Gather{}
			}
			if g, has := gather[end]; !has || at.Before(g.Until) {
				gather[end] = alert.Gather{Hold: alert.Hold{Name: name, Until: at}, FirstAlone: first, AtMost: r.AtMost}
			}
		}
	}
	maps.DeleteFunc(gather, func(end string, _ alert.Gather) bool { return alone[end] })
	slices.Sort(to)
	return slices.Compact(to), gather
}

// Ends lists the destinations that names in a route stand for, in order of name.
func (j *Judge) Ends(names []string) []string {
	var to []string
	for _, name := range names {
		to = append(to, j.named(name)...)
	}
	slices.Sort(to)
	return slices.Compact(to)
}

// Taken lists the routes that a finding takes: the first that matches, and those after it while it says continue.
func (j *Judge) Taken(f alert.Finding) []settings.Route {
	var taken []settings.Route
	for _, r := range j.Routes {
		if !matches(r.Match, f) {
			continue
		}
		taken = append(taken, r)
		if !r.Continue {
			break
		}
	}
	return taken
}

// named expands "*", and a name that stands for several destinations.
func (j *Judge) named(name string) []string {
	if name == settings.Everywhere {
		return j.everywhere()
	}
	return j.members(name)
}

// members are the destinations that a name stands for: itself, unless it has members.
func (j *Judge) members(name string) []string {
	if several := j.Members[name]; several != nil {
		return several
	}
	return []string{name}
}

// everywhere lists what "*" stands for. What Auditbell says about itself goes there too.
func (j *Judge) everywhere() []string {
	var all []string
	for _, name := range j.Everywhere {
		all = append(all, j.members(name)...)
	}
	return all
}

// matches reports whether every condition holds; within one, any of its values will do. Rules and tags are those of
// every rule that the finding met, the severity is that of the gravest.
func matches(m settings.RouteMatch, f alert.Finding) bool {
	e := &f.Event
	return (m.Severity == "" || notify.Severity(f.Rule.Severity).Rank() >= notify.Severity(m.Severity).Rank()) &&
		among(m.Category, string(e.Category)) && among(m.Subscription, e.SubscriptionID) && among(m.ResourceGroup, e.ResourceGroup) &&
		among(m.CallerType, string(cmp.Or(e.CallerType, activity.UnknownCaller))) &&
		anyRule(m.Rule, f, func(r alert.Rule) bool { return among(m.Rule, r.ID) }) &&
		anyRule(m.Tag, f, func(r alert.Rule) bool { return tagged(m.Tag, r.Tags) }) &&
		carries(m.ResourceTag, e)
}

func among(allowed []string, value string) bool {
	return len(allowed) == 0 || slices.ContainsFunc(allowed, func(a string) bool { return settings.Like(a, value) })
}

func anyRule(wanted []string, f alert.Finding, holds func(alert.Rule) bool) bool {
	return len(wanted) == 0 || holds(f.Rule) || slices.ContainsFunc(f.Also, holds)
}

// tagged reports whether a rule has one of the tags, or one below it: attack.t1098 stands for attack.t1098.003.
func tagged(wanted, tags []string) bool {
	return slices.ContainsFunc(tags, func(tag string) bool {
		return among(wanted, tag) || slices.ContainsFunc(wanted, func(w string) bool { return settings.Like(w+".*", tag) })
	})
}

// carries reports whether the record tells that its resource has every one of the tags.
func carries(wanted map[string][]string, e *activity.Event) bool {
	for name, values := range wanted {
		value, ok := resourceTag(e, name)
		if !ok || !among(values, value) {
			return false
		}
	}
	return true
}

// tagPlaces are where a record can tell its resource's tags: as the event's own property, and, because ARM resources
// carry them at the top of their body (learn: "Use tags to organize your Azure resources"), in what was asked for and
// what was answered. The answer counts first: it is what the resource has. Reads and deletions tell none.
var tagPlaces = [][]string{{"tags"}, {"responsebody", "tags"}, {"requestbody", "tags"}}

func resourceTag(e *activity.Event, name string) (value string, ok bool) {
	for _, place := range tagPlaces {
		tags := activity.Properties(e.Properties.Value(place...))
		if tags.Value(name) != nil {
			return strings.TrimSpace(tags.Text(name)), true
		}
	}
	return "", false
}
