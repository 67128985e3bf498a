package cosmos

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
)

// authorize checks the Authorization header. A master-key signature must match the account's key; a Microsoft Entra
// token ("type=aad") is taken at its word, because nothing here could check it. Without a configured key everything
// passes, also no header at all.
//
// The format is that of learn.microsoft.com/rest/api/cosmos-db/access-control-on-cosmosdb-resources.
func authorize(r *http.Request, to route, key []byte) error {
	if key == nil {
		return nil
	}
	fields, err := url.QueryUnescape(r.Header.Get("Authorization"))
	if err != nil {
		return unauthorized()
	}
	kind, rest, _ := strings.Cut(fields, "&")
	if kind == "type=aad" {
		return nil
	}
	signature, ok := strings.CutPrefix(rest, "ver=1.0&sig=")
	if kind != "type=master" || !ok {
		return unauthorized()
	}
	want := sign(key, r.Method, to, r.Header.Get("X-Ms-Date"))
	if !hmac.Equal([]byte(signature), []byte(want)) {
		return unauthorized()
	}
	return nil
}

// unauthorized is the answer to whoever cannot prove the key. It does not say which part was wrong.
func unauthorized() error {
	return &problem{
		status: http.StatusUnauthorized,
		message: "The input authorization token can't serve the request. " +
			"Please check that the expected payload is built as per the protocol.",
	}
}

// sign computes the signature a client must have sent: verb, resource type, resource link and date, each on its own
// line, and an empty line for the unused Date header. All but the link is in lower case.
func sign(key []byte, method string, to route, date string) string {
	kind, link := to.signed()
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(strings.ToLower(method) + "\n" + kind + "\n" + link + "\n" + strings.ToLower(date) + "\n\n"))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// signed gives the resource type and link that the signature covers: of a feed, the link of its owner.
func (r route) signed() (kind, link string) {
	database := "dbs/" + r.database
	container := database + "/colls/" + r.container
	switch r.kind {
	case resourceDatabases:
		return "dbs", ""
	case resourceDatabase:
		return "dbs", database
	case resourceContainers:
		return "colls", database
	case resourceContainer:
		return "colls", container
	case resourceDocuments:
		return "docs", container
	case resourceDocument:
		return "docs", container + "/docs/" + r.id
	case resourceRanges:
		return "pkranges", container
	case resourceOffers:
		return "offers", ""
	case resourceOffer:
		// Offers are addressed by resource id, and resource ids are signed in lower case.
		return "offers", strings.ToLower(r.id)
	}
	return "", ""
}
