package activity

import "strings"

// Resource is what an Azure Resource Manager id says by itself. The parts are spelled as in the id.
type Resource struct {
	Subscription string
	Group        string
	// Type is namespace/type/subtype of the innermost resource; Microsoft.Resources/subscriptions and
	// …/resourceGroups for those two; empty for ids that name a provider only (/providers/Microsoft.Authorization, where elevateAccess
	// is logged) or that are no ARM ids.
	Type string
	Name string // the last segment
	// Parent is the id without the innermost type and name; empty for a subscription.
	Parent string
}

// ParseResource reads an ARM id in any letter case: of a subscription, a group, a resource, a child or extension
// resource, a tenant (/tenants/x/…) or a provider. What is not such an id yields what can be told of it, at least
// Name.
func ParseResource(id string) Resource {
	id = strings.TrimRight(id, "/")
	r := Resource{Name: id[strings.LastIndexByte(id, '/')+1:]}
	scope, rest := id, ""
	if i := lastFold(id, "/providers/"); i >= 0 {
		scope, rest = id[:i], id[i+len("/providers/"):]
	}
	r.Subscription = segmentAfter(id, "/subscriptions/")
	r.Group = segmentAfter(id, "/resourcegroups/")
	switch {
	case rest != "":
		r.Type, r.Parent = typeOf(rest), parentOf(id, scope, rest)
	case r.Group != "" && strings.Count(scope, "/") == 4:
		r.Type, r.Parent = "Microsoft.Resources/subscriptions/resourceGroups", id[:len("/subscriptions/")+len(r.Subscription)]
	case r.Subscription != "" && strings.Count(scope, "/") == 2:
		r.Type = "Microsoft.Resources/subscriptions"
	}
	return r
}

// typeOf keeps namespace and types of "namespace/type/name/subtype/subname".
func typeOf(full string) string {
	namespace, rest, ok := strings.Cut(full, "/")
	if !ok {
		return ""
	}
	if kind, _, _ := strings.Cut(rest, "/"); strings.Count(rest, "/") <= 1 {
		return full[:len(namespace)+1+len(kind)] // the usual resource: no copy
	}
	types := []string{namespace}
	for ok && rest != "" {
		var kind string
		kind, rest, ok = strings.Cut(rest, "/")
		types = append(types, kind)
		_, rest, ok = strings.Cut(rest, "/")
	}
	return strings.Join(types, "/")
}

// parentOf drops the innermost type and name.
func parentOf(id, scope, rest string) string {
	if strings.Count(rest, "/") <= 2 {
		return scope
	}
	cut := strings.LastIndexByte(id, '/')
	if strings.Count(rest, "/")%2 == 0 { // namespace and whole pairs: drop type and name
		cut = strings.LastIndexByte(id[:cut], '/')
	}
	return id[:cut]
}

// segmentAfter returns the path segment that follows marker, "" when marker is not there.
func segmentAfter(id, marker string) string {
	i := indexFold(id, marker)
	if i < 0 {
		return ""
	}
	segment, _, _ := strings.Cut(id[i+len(marker):], "/")
	return segment
}

// indexFold and lastFold find marker, which is lower case, in s of any case.
func indexFold(s, marker string) int {
	for i := 0; i+len(marker) <= len(s); i++ {
		if s[i] == marker[0] && strings.EqualFold(s[i:i+len(marker)], marker) {
			return i
		}
	}
	return -1
}

func lastFold(s, marker string) int {
	for i := len(s) - len(marker); i >= 0; i-- {
		if s[i] == marker[0] && strings.EqualFold(s[i:i+len(marker)], marker) {
			return i
		}
	}
	return -1
}
