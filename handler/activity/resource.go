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
// Name. It runs for every event and allocates only for types with a subtype.
func ParseResource(id string) Resource {
	id = strings.TrimRight(id, "/")
	r := Resource{Name: id[strings.LastIndexByte(id, '/')+1:]}
	provider := -1 // where the innermost provider's namespace starts
	for at := 0; at >= 0 && at < len(id); {
		key := segment(id, at)
		next := at + len(key) + 1
		switch { // lengths first: most segments are none of the three
		case len(key) == len("providers") && strings.EqualFold(key, "providers"):
			provider = next
			if next < len(id) && strings.Count(id[next:], "/") <= 2 {
				at = len(id) // namespace, type and name: no other provider can follow
				continue
			}
		case len(key) == len("subscriptions") && r.Subscription == "" && strings.EqualFold(key, "subscriptions"):
			r.Subscription = segment(id, min(next, len(id)))
			next += len(r.Subscription) + 1
		case len(key) == len("resourcegroups") && r.Group == "" && strings.EqualFold(key, "resourcegroups"):
			r.Group = segment(id, min(next, len(id)))
			next += len(r.Group) + 1
		}
		at = next
	}
	r.Type, r.Parent = typeAndParent(id, provider, r)
	return r
}

// segment returns the path segment that starts at id[at].
func segment(id string, at int) string {
	if end := strings.IndexByte(id[at:], '/'); end >= 0 {
		return id[at : at+end]
	}
	return id[at:]
}

// typeAndParent reads what follows the innermost provider, or what a subscription or group is.
func typeAndParent(id string, provider int, r Resource) (kind, parent string) {
	switch {
	case provider >= 0 && provider < len(id):
		return typeOf(id[provider:]), parentOf(id, provider)
	case provider >= 0:
		return "", ""
	case r.Group != "" && strings.Count(id, "/") == 4:
		return "Microsoft.Resources/subscriptions/resourceGroups", id[:len("/subscriptions/")+len(r.Subscription)]
	case r.Subscription != "" && strings.Count(id, "/") == 2:
		return "Microsoft.Resources/subscriptions", ""
	}
	return "", ""
}

// typeOf keeps namespace and types of "namespace/type/name/subtype/subname".
func typeOf(full string) string {
	namespace, rest, ok := strings.Cut(full, "/")
	if !ok {
		return ""
	}
	kind, rest, ok := strings.Cut(rest, "/")
	if !strings.Contains(rest, "/") {
		return full[:len(namespace)+1+len(kind)] // the usual resource: no copy
	}
	types := []string{namespace, kind}
	for ok && rest != "" {
		_, rest, ok = strings.Cut(rest, "/")
		kind, rest, _ = strings.Cut(rest, "/")
		if ok {
			types = append(types, kind)
		}
	}
	return strings.Join(types, "/")
}

// parentOf drops the innermost type and name; a resource without a parent resource yields its scope.
func parentOf(id string, provider int) string {
	rest := id[provider:]
	if strings.Count(rest, "/") <= 2 {
		return strings.TrimSuffix(id[:max(provider-len("/providers/"), 0)], "/")
	}
	cut := strings.LastIndexByte(id, '/')
	if strings.Count(rest, "/")%2 == 0 { // namespace and whole pairs: drop type and name
		cut = strings.LastIndexByte(id[:cut], '/')
	}
	return id[:cut]
}
