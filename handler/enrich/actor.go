package enrich

import "github.com/auditbell/auditbell/handler/activity"

// actor says who, of which kind, and from where.
func actor(e activity.Event, o Options, v *View) {
	v.fact(Fact{Name: "Who", Value: withKind(e)})
	v.fact(from(e.CallerIP, o))
}

// withKind is the full name of the actor: "Rob Robertson (rob@contoso.com)", "f409… (service principal)".
func withKind(e activity.Event) string {
	name := e.Caller
	if e.CallerName != "" && e.CallerName != name {
		if name == "" {
			name = e.CallerName
		} else {
			name = e.CallerName + " (" + name + ")"
		}
	}
	if kind := kinds[e.CallerType]; name != "" && kind != "" {
		name += ", " + kind
	}
	return name
}

var kinds = map[activity.CallerType]string{
	activity.ServicePrincipal: "service principal",
	activity.ManagedIdentity:  "managed identity",
	activity.Platform:         "Azure itself",
}

// subject is the actor as the subject of a sentence.
func subject(e activity.Event) string {
	switch {
	case e.CallerName != "":
		return e.CallerName
	case e.CallerType == activity.User && e.Caller != "":
		return e.Caller
	case e.CallerType == activity.ServicePrincipal && e.Caller != "":
		return "Service principal " + e.Caller
	case e.CallerType == activity.ManagedIdentity && e.Caller != "":
		return "Managed identity " + e.Caller
	case e.Caller != "":
		return e.Caller
	}
	return "Somebody the event does not name"
}
