package transcode

import (
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
)

// claimURIs are the names that a version 1 token gives the claims that payload keeps.
var claimURIs = map[string]string{
	"upn":         "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
	"email":       "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
	"unique_name": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
	"oid":         "http://schemas.microsoft.com/identity/claims/objectidentifier",
	"tid":         "http://schemas.microsoft.com/identity/claims/tenantid",
	"amr":         "http://schemas.microsoft.com/claims/authnmethodsreferences",
	"spn":         "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/spn",
	"scp":         "http://schemas.microsoft.com/identity/claims/scope",
	"mirid":       "xms_mirid",
}

// claims returns the claims of e under the names of a token. Where the form has no member for the caller, they must
// tell who it was: CallerFromClaims says whether they can.
func claims(e activity.Event, hasCaller bool) object {
	out := object{}
	kept := activity.Properties(beside(e, "claims"))
	for _, name := range []string{
		"upn", "email", "unique_name", "name", "oid", "appid", "appidacr", "idtyp", "tid", "amr", "ipaddr", "spn", "scp", "mirid",
	} {
		uri, ok := claimURIs[name]
		if !ok {
			uri = name
		}
		out.set(uri, kept.Text(name))
	}
	if !hasCaller && CallerFromClaims(e) && claimedCaller(kept) != e.Caller {
		switch {
		case strings.Contains(e.Caller, "@"):
			out[claimURIs["upn"]] = e.Caller
		case e.CallerType == activity.Platform:
			out[claimURIs["spn"]] = e.Caller
		}
	}
	return out
}

// CallerFromClaims reports whether e's caller survives in forms that have no member for it (records, Event Grid): an
// address, a platform service's name, or what the claims say anyway. The GUID that REST shows for some service
// principals does not.
func CallerFromClaims(e activity.Event) bool {
	kept := activity.Properties(e.Properties.Value("claims"))
	switch {
	case e.Caller == "", claimedCaller(kept) == e.Caller:
		return true
	case strings.Contains(e.Caller, "@"):
		return true
	}
	return e.CallerType == activity.Platform && claimedCaller(kept) == ""
}

// claimedCaller is the caller that the claims tell, by the order of design: address, app, object, platform service.
func claimedCaller(kept activity.Properties) string {
	if upn := kept.Text("upn"); upn != "" {
		return upn
	}
	for _, name := range []string{"email", "unique_name", "name"} {
		if s := kept.Text(name); strings.Contains(s, "@") {
			return s
		}
	}
	return kept.Any("appid", "oid", "spn", "email", "unique_name")
}
