package activity

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync"
)

// Scope names a place that has an Activity Log of its own: TenantScope, "managementgroups/NAME" or the id of a
// subscription; lower case.
type Scope string

// TenantScope is the tenant: what happens above all subscriptions and management groups, such as elevateAccess (learn:
// "Elevate access to manage all Azure subscriptions and management groups", the Directory Activity log).
const TenantScope Scope = "tenant"

const groupPrefix = "managementgroups/"

// ScopeKind is the kind of a scope.
type ScopeKind string

// The three kinds.
const (
	TenantKind       ScopeKind = "tenant"
	GroupKind        ScopeKind = "management group"
	SubscriptionKind ScopeKind = "subscription"
)

// ScopeKinds lists them from the widest to the narrowest.
var ScopeKinds = []ScopeKind{TenantKind, GroupKind, SubscriptionKind}

var (
	subscriptionID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`) })
	// groupName: 1 to 90 letters, digits, hyphens, underscores, periods and parentheses (learn: "Naming rules and
	// restrictions for Azure resources", Microsoft.Management).
	groupName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9_().-]{1,90}$`) })
)

// ParseScope reads "tenant", "managementGroups/NAME" or a subscription's id, each also with the slashes and the prefix
// of a resource id.
func ParseScope(text string) (Scope, error) {
	id := strings.Trim(strings.ToLower(strings.TrimSpace(text)), "/")
	id = strings.TrimPrefix(strings.TrimPrefix(id, "providers/microsoft.management/"), "subscriptions/")
	name, group := strings.CutPrefix(id, groupPrefix)
	if id == string(TenantScope) || group && groupName().MatchString(name) || !group && subscriptionID().MatchString(id) {
		return Scope(id), nil
	}
	return "", fmt.Errorf("%q is no scope (hint: tenant, managementGroups/NAME, or the id of a subscription)", text)
}

// ScopeOf is where a record belongs: to a management group where its resource says so, to a subscription where it has
// one, else to the tenant.
func ScopeOf(e *Event) Scope {
	id := PlainID(Lower(e.ResourceID))
	if rest, ok := strings.CutPrefix(id, groupResource); ok {
		name, _, _ := strings.Cut(rest, "/")
		return Scope(groupPrefix + name)
	}
	if e.SubscriptionID != "" && e.SubscriptionID != noSubscription {
		return Scope(strings.ToLower(e.SubscriptionID))
	}
	if rest, ok := strings.CutPrefix(id, "/subscriptions/"); ok {
		if id, _, _ = strings.Cut(rest, "/"); id != noSubscription {
			return Scope(id)
		}
	}
	return TenantScope
}

const (
	groupResource  = "/providers/microsoft.management/" + groupPrefix
	noSubscription = "00000000-0000-0000-0000-000000000000" // how what has to name a subscription says that there is none
)

// PlainID is a resource's id, in lower case, as ids are compared: feeds and tools write one with a slash less before it or
// more behind it, and escape the name of a management group. Nothing else is resolved: two resources must not become one.
func PlainID(id string) string {
	if strings.HasPrefix(id, "providers/") || strings.HasPrefix(id, "subscriptions/") {
		id = "/" + id
	}
	if plain := strings.TrimRight(id, "/"); plain != "" {
		id = plain
	}
	rest, ok := strings.CutPrefix(id, groupResource)
	if !ok || !strings.Contains(rest, "%") {
		return id
	}
	name, below, _ := strings.Cut(rest, "/")
	if plain, err := url.PathUnescape(name); err == nil && groupName().MatchString(strings.ToLower(plain)) {
		return strings.TrimRight(groupResource+Lower(plain)+"/"+below, "/")
	}
	return id
}

// Kind is the kind of the scope.
func (s Scope) Kind() ScopeKind {
	switch {
	case s == TenantScope:
		return TenantKind
	case strings.HasPrefix(string(s), groupPrefix):
		return GroupKind
	}
	return SubscriptionKind
}

// Name is a management group's name or a subscription's id; empty for the tenant.
func (s Scope) Name() string {
	if s == TenantScope {
		return ""
	}
	return strings.TrimPrefix(string(s), groupPrefix)
}

// String is the scope in words: "the tenant", "management group NAME", "subscription ID".
func (s Scope) String() string {
	if s == TenantScope {
		return "the tenant"
	}
	return string(s.Kind()) + " " + s.Name()
}

// ResourceID is the scope as Azure Resource Manager writes it in front of a provider; empty for the tenant.
func (s Scope) ResourceID() string {
	switch s.Kind() {
	case TenantKind:
		return ""
	case GroupKind:
		return "/providers/Microsoft.Management/managementGroups/" + s.Name()
	}
	return "/subscriptions/" + s.Name()
}

// Key is the scope as a part of ids in the store, [a-z0-9-] only: a subscription's id, "tenant", or "mg-" with the group's
// name, or with the beginning of its hash where the name has other characters.
func (s Scope) Key() string {
	if s.Kind() != GroupKind {
		return string(s)
	}
	if plain := strings.Trim(s.Name(), "abcdefghijklmnopqrstuvwxyz0123456789-") == ""; plain && len(s.Name()) <= 40 {
		return "mg-" + s.Name()
	}
	sum := sha256.Sum256([]byte(s))
	return "mg-" + hex.EncodeToString(sum[:16])
}
