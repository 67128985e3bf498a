package cosmos

import (
	"fmt"
	"slices"
	"strings"
)

// draft is an item as a client wants it, checked against its container and ready to be stored.
type draft struct {
	id    string
	pk    string // canonical partition key
	doc   value  // without system properties
	ttl   *int64
	keys  []string // canonical unique keys
	terms []uint64
}

// systemProperties are those the service sets; what a client sends under these names is dropped.
var systemProperties = append(slices.Clip(addedProperties), "_lsn")

// addedProperties are those that every stored item has.
var addedProperties = []string{"_rid", "_self", "_etag", "_attachments", "_ts"}

// newDraft checks an item. pk is the partition key of the request, which the item must agree with.
func (c *container) newDraft(doc value, pk string) (*draft, error) {
	if doc.kind != object {
		return nil, badRequest("The input content is invalid because it is not a JSON object.")
	}
	doc = doc.without(systemProperties...)
	if err := checkID(doc.member("id")); err != nil {
		return nil, err
	}
	own, err := c.key.ofDocument(doc)
	if err != nil {
		return nil, err
	}
	if own != pk {
		return nil, &problem{
			status: 400, substatus: substatusKeyMismatch, charge: refusedCharge,
			message: "PartitionKey extracted from document doesn't match the one specified in the header.",
		}
	}
	d := &draft{id: doc.member("id").str, pk: pk, doc: doc, terms: c.index.terms(doc)}
	if d.ttl, err = itemTTL(doc, c.ttl); err != nil {
		return nil, err
	}
	for i, paths := range c.uniqueKeys {
		d.keys = append(d.keys, uniqueKey(i, paths, doc))
	}
	return d, nil
}

// checkID applies the rules for ids: a string of 1 to 1023 bytes without / and \ (concepts-limits). The characters ?
// and # are refused too; older editions of the page named them and no edition says that they work.
func checkID(v value) error {
	switch {
	case v.kind == undefined:
		return badRequest("The input content is invalid because the required properties - 'id; ' - are missing.")
	case v.kind != text || v.str == "":
		return badRequest("The input content is invalid because 'id' is not a non-empty string.")
	case len(v.str) > maxIDBytes:
		return badRequest("The id is longer than 1023 bytes.")
	}
	return checkCharacters(v.str)
}

// checkCharacters refuses names that could not be addressed in a URL.
func checkCharacters(name string) error {
	if i := strings.IndexAny(name, `/\?#`); i >= 0 {
		return badRequest(fmt.Sprintf("The resource name contains the illegal character %q.", name[i]))
	}
	return nil
}

// uniqueKey is the value of the n-th unique key of an item. A missing value counts as null and takes part
// (learn.microsoft.com/azure/cosmos-db/unique-keys).
func uniqueKey(n int, paths [][]string, doc value) string {
	key := value{kind: array, items: []value{numberOf(float64(n))}}
	for _, steps := range paths {
		v := doc.lookup(steps)
		if v.kind == undefined {
			v = value{kind: null}
		}
		key.items = append(key.items, v)
	}
	return string(appendJSON(nil, key))
}

// version makes the row of a draft: the item with the properties that the service adds, as text and as a value. The item's
// resource id stays the same through all its versions.
func (c *container) version(d *draft, seq, ts int64, itemRID string) (r row, stored value, err error) {
	body := appendJSON(make([]byte, 0, 1024), d.doc)
	if len(body) > maxItemBytes {
		return row{}, value{}, tooLarge()
	}
	if itemRID == "" {
		itemRID = rid(c.database.num, c.num, seq)
	}
	added := value{kind: object, names: addedProperties, items: []value{
		textOf(itemRID), textOf(c.link() + "docs/" + itemRID + "/"), textOf(etagOf(c.num, seq, ts)), textOf("attachments/"), numberOf(float64(ts)),
	}}
	end := len(body) - 1 // where } is; an item has an id at least
	body = appendObject(body, added)
	body[end], body = ',', slices.Delete(body, end+1, end+2)
	stored = value{kind: object, names: slices.Concat(d.doc.names, added.names), items: slices.Concat(d.doc.items, added.items)}
	return row{seq: seq, ts: ts, expires: expiry(ts, d.ttl, c.ttl), pk: d.pk, id: d.id, body: string(body)}, stored, nil
}

// etagOf makes an ETag in the service's form: quotes around groups of hexadecimal digits. It differs for every
// version of every item because sequence numbers are never used twice.
func etagOf(owner, seq, ts int64) string {
	return fmt.Sprintf(`"%08x-%04x-%04x-%04x-%08x0000"`, seq&0xffffffff, seq>>32&0xffff, 0x0700, owner&0xffff, ts)
}

// etagOf is the ETag of a stored version; it is not stored, because it follows from the row.
func (c *container) etagOf(r row) string { return etagOf(c.num, r.seq, r.ts) }
