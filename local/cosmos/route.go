package cosmos

import (
	"cmp"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// The limits are those of learn.microsoft.com/azure/cosmos-db/concepts-limits.
const (
	maxItemBytes    = 2 << 20 // "UTF-8 length of JSON representation"
	maxRequestBytes = 2 << 20 // of a batch, too
	maxPageBytes    = 4 << 20 // of an answer to a query or feed
	maxBatchOps     = 100
	maxPatchOps     = 10 // learn.microsoft.com/azure/cosmos-db/partial-document-update
	maxIDBytes      = 1023
	maxKeyBytes     = 2048 // of one partition key value
	maxNameBytes    = 255  // of a database or container
)

// resource is what a path names.
type resource int

const (
	resourceAccount resource = iota + 1
	resourceDatabases
	resourceDatabase
	resourceContainers
	resourceContainer
	resourceDocuments
	resourceDocument
	resourceRanges
	resourceOffers
	resourceOffer
)

// route is a parsed path: /dbs/{database}/colls/{container}/docs/{id} and the shorter forms.
type route struct {
	kind      resource
	database  string // names, unescaped; empty where the path is shorter
	container string
	id        string // of an item or an offer
}

// parseRoute reads the escaped path, so that an escaped slash stays part of its segment.
func parseRoute(u *url.URL) (route, bool) {
	parts := strings.Split(strings.Trim(u.EscapedPath(), "/"), "/")
	for i, part := range parts {
		plain, err := url.PathUnescape(part)
		if err != nil {
			return route{}, false
		}
		parts[i] = plain
	}
	switch parts[0] {
	case "":
		return route{kind: resourceAccount}, len(parts) == 1
	case "offers":
		return offerRoute(parts)
	case "dbs":
		return databaseRoute(parts)
	}
	return route{}, false
}

// offerRoute reads /offers and /offers/{id}.
func offerRoute(parts []string) (route, bool) {
	switch len(parts) {
	case 1:
		return route{kind: resourceOffers}, true
	case 2:
		return route{kind: resourceOffer, id: parts[1]}, true
	}
	return route{}, false
}

// databaseRoute reads /dbs/{database}/colls/{container} as far as it goes.
func databaseRoute(parts []string) (route, bool) {
	r := route{kind: resourceDatabases}
	if len(parts) > 1 {
		r.kind, r.database = resourceDatabase, parts[1]
	}
	if len(parts) > 2 {
		if parts[2] != "colls" {
			return route{}, false
		}
		r.kind = resourceContainers
	}
	if len(parts) > 3 {
		r.kind, r.container = resourceContainer, parts[3]
	}
	if len(parts) > 4 {
		return documentRoute(r, parts[4:])
	}
	return r, true
}

// documentRoute reads what is below a container. Stored procedures, triggers and functions are not there.
func documentRoute(r route, parts []string) (route, bool) {
	switch {
	case len(parts) == 1 && parts[0] == "pkranges":
		r.kind = resourceRanges
	case len(parts) == 1 && parts[0] == "docs":
		r.kind = resourceDocuments
	case len(parts) == 2 && parts[0] == "docs":
		r.kind, r.id = resourceDocument, parts[1]
	default:
		return route{}, false
	}
	return r, true
}

// call is one request on its way through the server.
type call struct {
	*http.Request
	route
	body     []byte // all of it; the request's own reader is used up
	diskFull bool   // an injected fault: nothing this call writes may be committed
}

// header reads by canonical name, without canonicalizing again.
func (c *call) header(canonical string) string {
	if v := c.Header[canonical]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// says reports whether a header has the value "true" in any case; SDKs write both True and true.
func (c *call) says(canonical string) bool {
	return strings.EqualFold(c.header(canonical), "true")
}

// isQuery reports whether a POST asks a query; older clients say it with the second header.
func (c *call) isQuery() bool {
	return c.says("X-Ms-Documentdb-Query") || c.says("X-Ms-Documentdb-Isquery")
}

// wantsBody reports whether a write should be answered with the item.
func (c *call) wantsBody() bool { return c.header("Prefer") != "return=minimal" }

// pageSize is how many items the caller wants at most; -1 leaves it to the server, no header means 100
// (learn.microsoft.com/rest/api/cosmos-db/common-cosmosdb-rest-request-headers).
func (c *call) pageSize() (int, error) {
	const standard, dynamic = 100, 1000
	text := c.header("X-Ms-Max-Item-Count")
	if text == "" {
		return standard, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < -1 || n == 0 {
		return 0, badRequest("The value of header x-ms-max-item-count is invalid.")
	}
	if n == -1 {
		return dynamic, nil
	}
	return n, nil
}

// unserved refuses options that would change an answer here and are not done.
func unserved(h http.Header) error {
	for _, name := range []string{"X-Ms-Documentdb-Pre-Trigger-Include", "X-Ms-Documentdb-Post-Trigger-Include"} {
		if h.Get(name) != "" {
			return badRequest("Triggers are not served.")
		}
	}
	switch directive := h.Get("X-Ms-Indexing-Directive"); directive {
	case "", "Default", "Include":
	default:
		return badRequest("The indexing directive '" + directive + "' is not served.")
	}
	switch level := h.Get("X-Ms-Consistency-Level"); level {
	case "", "Session", "Eventual", "ConsistentPrefix":
	default: // "Consistency can only be relaxed", and the account's is Session
		return badRequest("The consistency level '" + level + "' is stronger than the account's.")
	}
	return nil
}

// readBody takes the request's body, up to the service's request limit.
func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	if r.ContentLength > maxRequestBytes {
		// A client that is still writing sees the answer only once somebody has read what it sends.
		_, err := io.CopyN(io.Discard, r.Body, min(r.ContentLength, 4*maxRequestBytes))
		return nil, cmp.Or(err, tooLarge())
	}
	if r.ContentLength >= 0 {
		body := make([]byte, r.ContentLength)
		_, err := io.ReadFull(r.Body, body)
		return body, err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequestBytes+1))
	if err == nil && len(body) > maxRequestBytes {
		return nil, tooLarge()
	}
	return body, err
}
