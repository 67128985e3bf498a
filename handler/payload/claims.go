package payload

import "github.com/auditbell/auditbell/handler/jsonscan"

// claims holds the raw claims that may leave this package. A token's claims are personal data (names, mail addresses,
// group ids, session and token ids): whatever is not in this struct is stepped over and reaches nothing downstream.
// The package documentation says why each one is kept.
type claims struct {
	upn, email, uniqueName, name, objectID, appID, appAuth, idType, tenantID []byte
	methods, address, servicePrincipal, scope, identityResource              []byte
}

// Long names are URIs below these roots; Azure shortens them in version 1 tokens only in part.
const (
	soapClaim      = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
	microsoftClaim = "http://schemas.microsoft.com/identity/claims/"
)

// slot returns where the claim of that name is kept; nil for all that are cut.
func (k *claims) slot(name string) *[]byte {
	switch name {
	case soapClaim + "upn", "upn":
		return &k.upn
	case soapClaim + "emailaddress", "email", "emailaddress":
		return &k.email
	case soapClaim + "name", "unique_name":
		return &k.uniqueName
	case "name":
		return &k.name
	case microsoftClaim + "objectidentifier", "oid":
		return &k.objectID
	case "appid", "azp":
		return &k.appID
	case "appidacr", "azpacr":
		return &k.appAuth
	case "idtyp":
		return &k.idType
	case microsoftClaim + "tenantid", "tid":
		return &k.tenantID
	case "http://schemas.microsoft.com/claims/authnmethodsreferences", "amr":
		return &k.methods
	case "ipaddr":
		return &k.address
	case soapClaim + "spn", "spn":
		return &k.servicePrincipal
	case microsoftClaim + "scope", "scp":
		return &k.scope
	case "xms_mirid", "mirid":
		return &k.identityResource
	}
	return nil
}

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
		}
	}
}

func (k *claims) takeAll(c *jsonscan.Cursor) {
	for name := range c.Members {
		if slot := k.slot(string(name)); slot != nil {
			*slot = present(c.Skip())
		}
	}
}

// takeText reads claims out of text that need not be JSON; then it holds none.
func (k *claims) takeText(inner []byte) {
	found := claims{}
	c := jsonscan.NewCursor(inner, 0)
	found.takeAll(c)
	if c.Err() == nil {
		*k = found
	}
}

// empty reports whether no claim was kept.
func (k *claims) empty() bool {
	for _, kept := range k.kept() {
		if kept.raw != nil {
			return false
		}
	}
	return true
}

// append writes the kept claims as an object of short names. Only scalars are written: a claim that is a list or an
// object where a text is expected could carry anything.
func (k *claims) append(dst []byte) []byte {
	dst = append(dst, '{')
	for _, kept := range k.kept() {
		switch jsonscan.Kind(kept.raw) {
		case '"', '0', 't', 'f':
		default:
			continue
		}
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		dst = append(dst, kept.name...)
		dst = append(dst, '"', ':')
		dst = append(dst, kept.raw...)
	}
	return append(dst, '}')
}

type keptClaim struct {
	name string
	raw  []byte
}

func (k *claims) kept() [14]keptClaim {
	return [14]keptClaim{
		{"upn", k.upn}, {"email", k.email}, {"unique_name", k.uniqueName}, {"name", k.name}, {"oid", k.objectID},
		{"appid", k.appID}, {"appidacr", k.appAuth}, {"idtyp", k.idType}, {"tid", k.tenantID}, {"amr", k.methods},
		{"ipaddr", k.address}, {"spn", k.servicePrincipal}, {"scp", k.scope}, {"mirid", k.identityResource},
	}
}
