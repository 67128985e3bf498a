package digesttest

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// AppendREST writes r as an item of the Activity Log REST API's list, which is also what `az monitor activity-log list`
// and the SDKs return. One line, no line break.
func AppendREST(b []byte, r Record) []byte {
	o := object{b: append(b, '{')}
	if r.Person != nil && r.Person.Kind != 'p' {
		o.raw("authorization", `{"action":`+quoted(r.Operation)+`,"scope":`+quoted(r.Resource)+`}`)
	}
	o.textIf("caller", r.Caller)
	o.text("channels", "Operation")
	if r.Person != nil && r.Person.Kind != 'p' {
		o.claims(r)
	}
	o.text("correlationId", r.Correlation)
	o.text("description", "")
	o.text("eventDataId", r.EventID)
	o.localizable("eventName", r.Transition, r.Transition)
	o.localizable("category", r.Category, r.Category)
	if r.Address != "" {
		o.raw("httpRequest", `{"clientRequestId":`+quoted(r.OperationID)+`,"clientIpAddress":`+quoted(r.Address)+`,"method":"PUT"}`)
	}
	o.text("id", r.Resource+"/events/"+r.EventID+"/ticks/638953513810679000")
	o.text("level", r.Level)
	o.text("resourceGroupName", r.Group)
	namespace, _, _ := strings.Cut(r.Type, "/")
	o.localizable("resourceProviderName", namespace, namespace)
	o.text("resourceId", r.Resource)
	o.localizable("resourceType", r.Type, r.Type)
	o.text("operationId", r.OperationID)
	display := r.Display
	if display == "" {
		display = r.Operation
	}
	o.localizable("operationName", r.Operation, display)
	o.name("properties")
	o.pairs(r.Properties)
	o.localizable("status", r.Status, r.Status)
	o.localizable("subStatus", r.SubStatus, r.SubStatus)
	o.text("eventTimestamp", stamp(r.Time))
	o.text("submissionTimestamp", stamp(r.Submitted))
	o.text("subscriptionId", r.Subscription)
	o.text("tenantId", tenant)
	return append(o.b, '}')
}

// AppendRecord writes r in the resource-log schema of storage accounts and event hubs, newer generation. It has no
// event id (schema page, mapping table).
func AppendRecord(b []byte, r Record) []byte {
	o := object{b: append(b, '{')}
	o.text("RoleLocation", "West Europe")
	o.text("time", stamp(r.Time))
	o.text("resourceId", strings.ToUpper(r.Resource))
	o.text("operationName", strings.ToUpper(r.Operation))
	o.text("category", r.Category)
	o.text("resultType", short[r.Status])
	signature := short[r.Status] + "." + r.SubStatus
	o.text("resultSignature", signature)
	o.text("durationMs", "0")
	o.textIf("callerIpAddress", r.Address)
	o.text("correlationId", r.Correlation)
	if r.Person != nil && r.Person.Kind != 'p' {
		o.name("identity")
		identity := object{b: append(o.b, '{')}
		identity.raw("authorization", `{"scope":`+quoted(r.Resource)+`,"action":`+quoted(r.Operation)+`,"evidence":{"role":"Contributor","principalType":`+quoted(principal(r.Person))+`}}`)
		identity.claims(r)
		o.b = append(identity.b, '}')
	} else if r.Person != nil {
		o.raw("identity", `{"claims":{"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/spn":`+quoted(r.Person.Name)+`}}`)
	}
	o.text("level", r.Level)
	o.name("properties")
	o.pairs(r.Properties)
	o.text("tenantId", tenant)
	return append(o.b, '}')
}

// Issued is when the caller's token was issued, as a token says it.
func (r Record) Issued() string { return strconv.FormatInt(r.Time.Truncate(time.Hour).Unix(), 10) }

// short folds the REST vocabulary to that of the export.
var short = map[string]string{"Started": "Start", "Accepted": "Accept", "Succeeded": "Success", "Failed": "Failure", "Active": "Active"}

const tenant = "1114444b-7467-4144-a616-e3a5d63e147b"

func principal(p *Person) string {
	if p.Kind == 'a' {
		return "ServicePrincipal"
	}
	return "User"
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.0000000Z") }

// claims writes the claims of a token, most of which no one needs: that is what makes half of a record. A token is used
// for an hour.
func (o *object) claims(r Record) {
	p := r.Person
	issued := r.Issued()
	token := fmt.Sprintf("%x", sha256.Sum256([]byte(p.Object+issued)))
	o.name("claims")
	c := object{b: append(o.b, '{')}
	const soap, identity = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/", "http://schemas.microsoft.com/identity/claims/"
	c.text("aud", "https://management.core.windows.net/")
	c.text("iss", "https://sts.windows.net/"+tenant+"/")
	c.text("iat", issued)
	c.text("nbf", issued)
	c.text("exp", issued[:6]+"9999")
	c.text("http://schemas.microsoft.com/claims/authnclassreference", "1")
	c.text("aio", "AVQAq/8TAAAA"+token[:60]+"z+jaPnFMwBQdW7yYVt0p4yZ8=")
	c.text("appid", p.App)
	c.text("appidacr", "2")
	c.text("groups", strings.Join([]string{p.Object, p.App, tenant, p.App, p.Object, p.App, tenant}, ","))
	c.text(identity+"tenantid", tenant)
	c.text(identity+"objectidentifier", p.Object)
	if p.Kind == 'a' {
		c.text("idtyp", "app")
		c.text("http://schemas.microsoft.com/identity/claims/identityprovider", "https://sts.windows.net/"+tenant+"/")
	} else {
		c.text("http://schemas.microsoft.com/claims/authnmethodsreferences", "pwd,mfa")
		c.text(soap+"surname", p.Full[strings.IndexByte(p.Full, ' ')+1:])
		c.text(soap+"givenname", p.Full[:strings.IndexByte(p.Full, ' ')])
		c.text("ipaddr", p.Address)
		c.text("name", p.Full)
		c.text(identity+"scope", "user_impersonation")
		c.text("puid", "18247BBD84827C6D")
		c.text("onprem_sid", "S-1-5-21-4837261184-168309720-1886587427-18514304")
		if p.Kind == 'g' {
			c.text(soap+"emailaddress", p.Name)
		} else {
			c.text(soap+"name", p.Name)
			c.text(soap+"upn", p.Name)
		}
	}
	c.text(soap+"nameidentifier", "b-24Jf94A3FH2sHWVIFqO3-RSJEiv24Jnif3gj7s")
	c.text("uti", token[40:62])
	c.text("wids", "b79fbf4d-3ef9-4689-8143-76b194e85509")
	c.text("xms_tcdt", "1469000000")
	c.text("ver", "1.0")
	o.b = append(c.b, '}')
}

// object writes one JSON object in place.
type object struct {
	b    []byte
	more bool
}

func (o *object) name(name string) {
	if o.more {
		o.b = append(o.b, ',')
	}
	o.more = true
	o.b = appendQuoted(o.b, name)
	o.b = append(o.b, ':')
}

func (o *object) text(name, value string) {
	o.name(name)
	o.b = appendQuoted(o.b, value)
}

func (o *object) textIf(name, value string) {
	if value != "" {
		o.text(name, value)
	}
}

func (o *object) raw(name, value string) {
	o.name(name)
	o.b = append(o.b, value...)
}

func (o *object) localizable(name, value, display string) {
	o.name(name)
	o.b = append(o.b, `{"value":`...)
	o.b = appendQuoted(o.b, value)
	o.b = append(o.b, `,"localizedValue":`...)
	o.b = append(appendQuoted(o.b, display), '}')
}

func (o *object) pairs(pairs []Pair) {
	p := object{b: append(o.b, '{')}
	for _, pair := range pairs {
		p.text(pair.Name, pair.Value)
	}
	o.b = append(p.b, '}')
}

func appendQuoted(b []byte, s string) []byte {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == '"' || s[i] == '\\' {
			quoted, _ := json.Marshal(s) // a string always marshals
			return append(b, quoted...)
		}
	}
	b = append(append(b, '"'), s...)
	return append(b, '"')
}

func quoted(s string) string { return string(appendQuoted(nil, s)) }
