package payload

import (
	"cmp"
	"slices"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/jsonscan"
)

// caller reads who acted: the caller member where the form has one, else the claims, else PIM's CallerInfo.
func (it *item) caller(e *activity.Event, m *members, authorization []byte) {
	t, k := &it.text, &m.claims
	e.CallerName = t.of(k.raw(claimName)) // one published sample has a leading blank: texts are trimmed
	e.CallerObjectID = t.of(k.raw(claimObjectID))
	e.CallerAppID = t.of(k.raw(claimAppID))
	class := ""
	if e.Caller = it.bestName(e, m); e.Caller == "" && it.props.callerInfo != nil {
		class = it.callerInfo(e)
	}
	if e.CallerType = callerClass(class); e.CallerType == "" {
		e.CallerType = it.callerType(e, m, authorization)
	}
}

// bestName picks UPN, mail, what the record names, app id, object id, name of a platform service, in this order. Guests
// have mail and a unique name but no UPN; platform services have their name as mail or spn claim (facts: payload
// variations).
func (it *item) bestName(e *activity.Event, m *members) string {
	t, k := &it.text, &m.claims
	named, mail, unique := m.raw(m.caller), k.raw(claimEmail), k.raw(claimUniqueName)
	if upn := t.of(k.raw(claimUPN)); upn != "" {
		return upn
	}
	for _, raw := range [...][]byte{named, mail, unique} {
		if isAddress(t.word(raw)) {
			return t.of(raw)
		}
	}
	if isAddress(e.CallerName) {
		return e.CallerName
	}
	if s := t.of(named); s != "" {
		return s
	}
	return cmp.Or(e.CallerAppID, e.CallerObjectID, t.first(k.raw(claimService), mail, unique))
}

// callerInfo reads the requester of a PIM event, which has neither caller nor claims. It is a list of {CallerIdentityType,
// CallerIdentityValue} in real records, whose UPN may be empty (OpenTelemetry collector, pim-log.json); samples that
// people wrote have an object of names. It returns the kind of actor where the list has it.
func (it *item) callerInfo(e *activity.Event) (class string) {
	raw := it.props.callerInfo
	switch jsonscan.Kind(raw) {
	case '{': // one entry may stand alone: PowerShell unrolls lists of one
		if activity.Properties(raw).Value("CallerIdentityType") != nil {
			raw = identityList(slices.Concat([]byte("["), raw, []byte("]")))
		}
	case '[':
		raw = identityList(raw)
	default:
		e.Caller = it.text.of(raw)
		return ""
	}
	info := activity.Properties(raw)
	of := func(names ...string) string {
		for _, name := range names {
			if s := it.text.of(info.Value(name)); s != "" {
				return s
			}
		}
		return ""
	}
	e.CallerName = of("displayName", "name", "username")
	e.CallerObjectID = of("objectId", "oid", "id")
	e.CallerAppID = of("appId", "applicationId", "clientId")
	upn := of("upn", "userPrincipalName", "email", "mail")
	e.Caller = cmp.Or(upn, e.CallerAppID, e.CallerObjectID, e.CallerName)
	if class = of("objectClass", "type"); upn == "" && strings.EqualFold(of("username", "name"), pimService) {
		class = "service"
	}
	return class
}

// pimService is the name under which PIM itself ends an activation. Its class is "User" all the same.
const pimService = "AzureADPIM"

// identityList turns a list of {CallerIdentityType, CallerIdentityValue} into one object, so that both read alike. The
// first of a type counts.
func identityList(raw []byte) []byte {
	object := []byte{'{'}
	_ = jsonscan.Array(raw, func(element []byte) error {
		entry := activity.Properties(element)
		kind, value := entry.Value("CallerIdentityType"), entry.Value("CallerIdentityValue")
		if jsonscan.Kind(kind) != '"' || value == nil {
			return nil
		}
		if len(object) > 1 {
			object = append(object, ',')
		}
		object = append(append(append(object, kind...), ':'), value...)
		return nil
	})
	return append(object, '}')
}

// callerType tells the kind of actor from what only that kind has. See the claims in the package documentation.
func (it *item) callerType(e *activity.Event, m *members, authorization []byte) activity.CallerType {
	t, k := &it.text, &m.claims
	says := func(claim int) bool { return len(t.word(k.raw(claim))) > 0 }
	idType := strings.ToLower(string(t.word(k.raw(claimIDType))))
	switch {
	case e.Caller == "":
		return ""
	case k.at[claimIdentity].present():
		return activity.ManagedIdentity
	case isPolicyEngine(e, authorization), isPlatform(e.Caller):
		return activity.Platform
	case idType == "app":
		return activity.ServicePrincipal
	case idType == "user", isAddress(e.Caller), says(claimUPN), says(claimUniqueName), says(claimScope):
		return activity.User
	}
	switch strings.ToLower(activity.Properties(authorization).Text("evidence", "principalType")) {
	case "user":
		return activity.User
	case "serviceprincipal":
		return activity.ServicePrincipal
	}
	// A caller is the UPN, else the mail address, else the service principal (schema page: "UPN claim, or SPN claim
	// based on availability"): an id alone is the latter. A token without any user claim was issued to an app.
	if isGUID(t.word(m.raw(m.caller))) || e.CallerAppID != "" && e.CallerName == "" {
		return activity.ServicePrincipal
	}
	return activity.UnknownCaller
}

// callerClass reads what CallerInfo says the actor is: ObjectClass is User, ServicePrincipal or Group as the directory has it.
func callerClass(class string) activity.CallerType {
	switch strings.ToLower(class) {
	case "user":
		return activity.User
	case "serviceprincipal", "application":
		return activity.ServicePrincipal
	case "service":
		return activity.Platform
	}
	return ""
}

// isPolicyEngine recognises the evaluation of existing resources: its caller is "the GUID of the Microsoft Azure Policy
// Insights RP" (schema page, Policy property descriptions).
func isPolicyEngine(e *activity.Event, authorization []byte) bool {
	return e.Category == activity.Policy &&
		strings.EqualFold(activity.Properties(authorization).Text("action"), "Microsoft.Resources/checkPolicyCompliance/read")
}

// isPlatform recognises the name of an Azure service: Microsoft.Insights/autoscaleSettings, Microsoft.Advisor.
func isPlatform(name string) bool {
	const prefix = "microsoft."
	return len(name) > len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) && !isAddress(name)
}

// isAddress recognises a UPN or mail address from ids and names: by the @, for guests' and alien domains are of any shape.
func isAddress[T string | []byte](s T) bool {
	for i := range len(s) {
		if s[i] == '@' {
			return true
		}
	}
	return false
}

// isGUID recognises the id of a service principal, as REST's caller has it.
func isGUID(s []byte) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		isHyphen := i == 8 || i == 13 || i == 18 || i == 23
		if isHyphen != (s[i] == '-') || !isHyphen && !strings.ContainsRune("0123456789abcdefABCDEF", rune(s[i])) {
			return false
		}
	}
	return true
}
