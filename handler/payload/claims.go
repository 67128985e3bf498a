package payload

import (
	"bytes"

	"github.com/auditbell/auditbell/handler/jsonscan"
)

// claims holds where the claims stand that may leave this package. A token's claims are personal data (names, mail addresses,
// group ids, session and token ids): whatever has no place here is stepped over and reaches nothing downstream. The
// package documentation says why each one is kept.
type claims struct {
	text []byte // what the spans point into
	at   [len(claimNames)]span
	lost bool // there were claims, as text or a list that cannot be read
}

// raw returns the value of a kept claim, nil when there is none.
func (k *claims) raw(claim int) []byte { return k.at[claim].in(k.text) }

// The kept claims.
const (
	claimUPN = iota
	claimEmail
	claimUniqueName
	claimName
	claimObjectID
	claimAppID
	claimAppAuth
	claimIDType
	claimTenantID
	claimMethods
	claimAddress
	claimService
	claimScope
	claimIdentity
)

// claimNames are the names under which the kept claims are written.
var claimNames = [...]string{
	claimUPN: "upn", claimEmail: "email", claimUniqueName: "unique_name", claimName: "name", claimObjectID: "oid",
	claimAppID: "appid", claimAppAuth: "appidacr", claimIDType: "idtyp", claimTenantID: "tid", claimMethods: "amr",
	claimAddress: "ipaddr", claimService: "spn", claimScope: "scp", claimIdentity: "mirid",
}

// Long names are URIs below these roots; version 1 tokens use them for most claims and short names for some.
const (
	soapClaim      = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
	microsoftClaim = "http://schemas.microsoft.com/identity/claims/"
)

// claimOf is the number of the kept claim of that name; negative for all that are cut.
func claimOf(name []byte) int {
	switch string(name) {
	case soapClaim + "upn", "upn":
		return claimUPN
	case soapClaim + "emailaddress", "email", "emailaddress":
		return claimEmail
	case soapClaim + "name", "unique_name":
		return claimUniqueName
	case "name":
		return claimName
	case microsoftClaim + "objectidentifier", "oid":
		return claimObjectID
	case "appid", "azp":
		return claimAppID
	case "appidacr", "azpacr":
		return claimAppAuth
	case "idtyp":
		return claimIDType
	case microsoftClaim + "tenantid", "tid":
		return claimTenantID
	case "http://schemas.microsoft.com/claims/authnmethodsreferences", "amr":
		return claimMethods
	case "ipaddr":
		return claimAddress
	case soapClaim + "spn", "spn":
		return claimService
	case microsoftClaim + "scope", "scp":
		return claimScope
	case "xms_mirid", "mirid":
		return claimIdentity
	case contentName:
		return claimContent
	}
	return -1
}

// claimContent is no claim: the claims are within.
const claimContent = -2

// take reads the claims c stands at: an object (REST, Event Grid, records) or the same as JSON in a string (webhooks,
// common alert schema). Test actions send "{}", documentation "{...}" and others null or a placeholder: those hold no
// claim that could be read, and their text is not kept (facts: payload variations).
func (k *claims) take(c *jsonscan.Cursor) {
	switch c.Kind() {
	case '{':
		k.takeAll(c)
	case '"':
		inner, err := jsonscan.AppendUnquote(nil, c.Skip())
		if err == nil && jsonscan.Kind(inner) == '{' {
			k.takeText(inner)
		} else if isCut(inner) {
			k.lost = true
		}
	case '[':
		k.lost = k.lost || !emptyList(c.Skip())
	}
}

// emptyList recognises a list that holds nothing. Claims are never a list in Azure's own forms; one with claims in it, such as
// .NET's of types and values, is said to be unread.
func emptyList(raw []byte) bool {
	return len(raw) > 1 && jsonscan.Space(raw, 1) == len(raw)-1
}

// isCut recognises what PowerShell's ConvertTo-Json writes in place of an object that lies deeper than -Depth, 2 by default:
// the name of its type, or "@{…}".
func isCut(text []byte) bool {
	for _, head := range []string{"System.Collections.", "System.Object", "Microsoft.Azure.", "@{"} {
		if bytes.HasPrefix(text, []byte(head)) {
			return true
		}
	}
	return false
}

// takeAll reads the claims of an object, in place of any that were read before.
func (k *claims) takeAll(c *jsonscan.Cursor) {
	*k = claims{text: c.Text()}
	for name := range c.Members {
		if claim := claimOf(name); claim >= 0 {
			k.at[claim] = skip(c)
		} else if claim == claimContent {
			k.take(c)
		}
	}
}

// contentName is the one member of what PowerShell makes of a dictionary: Get-AzActivityLog's Claims and Properties are
// {"Content": {…}} (PSDictionaryElement of the module Az.Monitor).
const contentName = "Content"

// takeText reads claims out of text that need not be JSON; then it holds none.
func (k *claims) takeText(inner []byte) {
	var found claims
	c := jsonscan.NewCursor(inner, 0)
	found.takeAll(c)
	if c.Err() == nil {
		*k = found
	} else if string(inner) != "{...}" { // as documentation has it
		k.lost = true
	}
}

// append writes the kept claims as an object of short names. Only scalars are written: a claim that is a list or an
// object where a text is expected could carry anything.
func (k *claims) append(dst []byte) []byte {
	dst = append(dst, '{')
	for claim := range k.at {
		raw := k.raw(claim)
		if len(raw) == 0 || raw[0] == '{' || raw[0] == '[' {
			continue
		}
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		dst = append(dst, claimNames[claim]...)
		dst = append(dst, '"', ':')
		dst = append(dst, raw...)
	}
	return append(dst, '}')
}
