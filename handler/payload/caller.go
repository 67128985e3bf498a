package payload

import (
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/jsonscan"
)

// identity is who a record says acted, by the names that it gives.
type identity struct {
	named             string // the caller member of REST and the webhooks
	upn, mail, unique string // claims; guests have mail and unique, but no upn
	service           string // the spn claim: the name of a platform service
}

// caller reads who acted: the caller member where the form has one, else the claims, else PIM's CallerInfo.
func (it *item) caller(e *activity.Event, m *members, authorization []byte) {
	t, k := &it.text, &m.claims
	e.CallerName = t.of(k.raw(claimName)) // one published sample has a leading blank: texts are trimmed
	e.CallerObjectID = t.of(k.raw(claimObjectID))
	e.CallerAppID = t.of(k.raw(claimAppID))
	who := identity{
		named:   t.of(m.raw(m.caller)),
		upn:     t.of(k.raw(claimUPN)),
		mail:    t.of(k.raw(claimEmail)),
		unique:  t.of(k.raw(claimUniqueName)),
		service: t.of(k.raw(claimService)),
	}
	if e.Caller = who.best(e); e.Caller == "" {
		it.callerInfo(e)
	}
	e.CallerType = it.callerType(e, k, who, authorization)
}

// best picks UPN, mail, what the record names, app id, object id, name of a platform service, in this order. Platform
// services have their name as mail or spn claim (facts: payload variations).
func (who identity) best(e *activity.Event) string {
	switch {
	case who.upn != "":
		return who.upn
	case isAddress(who.named):
		return who.named
	}
	for _, s := range [...]string{who.mail, who.unique, e.CallerName} {
		if isAddress(s) {
			return s
		}
	}
	for _, s := range [...]string{who.named, e.CallerAppID, e.CallerObjectID, who.service, who.mail, who.unique} {
		if s != "" {
			return s
		}
	}
	return ""
}

// callerInfo reads the requester of a PIM event, which has neither caller nor claims; its UPN may be empty (facts:
// payload variations).
func (it *item) callerInfo(e *activity.Event) {
	raw := it.props.callerInfo
	if jsonscan.Kind(raw) != '{' {
		e.Caller = it.text.of(raw)
		return
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
	e.CallerName = of("displayName", "name")
	e.CallerObjectID = of("objectId", "oid", "id")
	e.CallerAppID = of("appId", "applicationId")
	e.Caller = identity{upn: of("upn", "userPrincipalName"), mail: of("email", "mail")}.best(e)
}

// callerType tells the kind of actor from what only that kind has. See the claims in the package documentation.
func (it *item) callerType(e *activity.Event, k *claims, who identity, authorization []byte) activity.CallerType {
	idType := strings.ToLower(string(it.text.word(k.raw(claimIDType))))
	switch {
	case e.Caller == "":
		return ""
	case k.at[claimIdentity].present():
		return activity.ManagedIdentity
	case isPolicyEngine(e, authorization), isPlatform(e.Caller):
		return activity.Platform
	case idType == "app":
		return activity.ServicePrincipal
	case idType == "user", who.upn != "", who.unique != "", isAddress(e.Caller), len(it.text.word(k.raw(claimScope))) > 0:
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
	if isGUID(who.named) || e.CallerAppID != "" && e.CallerName == "" {
		return activity.ServicePrincipal
	}
	return activity.UnknownCaller
}

// isPolicyEngine tells the evaluation of existing resources: its caller is "the GUID of the Microsoft Azure Policy
// Insights RP" (schema page, Policy property descriptions).
func isPolicyEngine(e *activity.Event, authorization []byte) bool {
	return e.Category == activity.Policy &&
		strings.EqualFold(activity.Properties(authorization).Text("action"), "Microsoft.Resources/checkPolicyCompliance/read")
}

// isPlatform tells the name of an Azure service: Microsoft.Insights/autoscaleSettings, Microsoft.Advisor.
func isPlatform(name string) bool {
	const prefix = "microsoft."
	return len(name) > len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) && !isAddress(name)
}

func isAddress(s string) bool { return strings.Contains(s, "@") }

func isGUID(s string) bool {
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
