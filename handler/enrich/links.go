package enrich

import (
	"net/url"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
)

// links leads into the portal. Ids come from the event, so every segment is escaped: none can leave the fragment, and
// the host is always the operator's.
func links(e activity.Event, o Options, v *View) {
	if o.Portal == "" {
		return
	}
	portal := strings.TrimRight(o.Portal, "/")
	if e.Category == activity.ServiceHealth { // its resource is the subscription, which shows nothing of it
		v.Links = append(v.Links, Link{"Service Health", portal + "/#view/Microsoft_Azure_Health/AzureHealthBrowseBlade"})
	} else if strings.HasPrefix(e.ResourceID, "/") {
		resource := portal + "/#@" + url.PathEscape(e.TenantID) + "/resource" + escapeID(e.ResourceID)
		v.Links = append(v.Links, Link{"Resource", resource}, Link{"Activity log", resource + "/eventlogs"})
	}
	if IsGUID(e.CallerObjectID) {
		v.Links = append(v.Links, Link{"Caller", portal + callerBlade(e)})
	}
	if strings.HasPrefix(e.ResourceID, "/") && e.Category != activity.ServiceHealth {
		return // the resource's own activity log says more, and three short buttons fit side by side at 300 px
	}
	v.Links = append(v.Links, Link{"All activity", portal + "/#view/Microsoft_Azure_ActivityLog/ActivityLogBlade"})
}

// callerBlade is the directory's page of the actor (facts: messages §5.3).
func callerBlade(e activity.Event) string {
	if e.CallerType == activity.ServicePrincipal || e.CallerType == activity.ManagedIdentity {
		return "/#view/Microsoft_AAD_IAM/ManagedAppMenuBlade/~/Overview/objectId/" + e.CallerObjectID
	}
	return "/#view/Microsoft_AAD_UsersAndTenants/UserProfileMenuBlade/~/overview/userId/" + e.CallerObjectID
}

func escapeID(id string) string {
	segments := strings.Split(id, "/")
	for i, s := range segments {
		segments[i] = url.PathEscape(s)
	}
	return strings.Join(segments, "/")
}

// IsGUID reports whether s is a GUID as Azure writes ids: with dashes, without braces, and nothing else. Ids of an event are
// their author's text; only such a one may stand in a command or an address.
func IsGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range []byte(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		hex := '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
		if dash != (c == '-') || !dash && !hex {
			return false
		}
	}
	return true
}
