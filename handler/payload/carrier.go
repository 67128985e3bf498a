package payload

import (
	"bytes"
	"encoding/base64"
	"slices"

	"github.com/auditbell/auditbell/handler/jsonscan"
)

// What the run history of Logic Apps shows: inputs and outputs of triggers and actions, {"statusCode":200,"headers":{…},
// "body":…}, around what a query or a call returned; a message of Event Hubs has it as ContentData, and content that is no
// JSON stands as {"$content-type":…,"$content":"<base64>"} (Microsoft: "Handle content types in Azure Logic Apps"). They are
// opened in files that a person gives; in a delivery such an object is another log's, whose body anybody may write.

// carrier holds where the members stand that carry something else.
type carrier struct {
	outputs, body, contentData, content span
}

func (c *carrier) slot(name []byte) *span {
	switch string(name) {
	case "Outputs":
		return &c.outputs
	case "Body":
		return &c.body
	case "ContentData":
		return &c.contentData
	case "$content":
		return &c.content
	}
	return nil
}

// carried returns what the item carries, nil when it is an item itself.
func (it *item) carried() []byte {
	c := &it.row.carrier
	if *c == (carrier{}) || slices.ContainsFunc(forms, func(f form) bool { return f.is(it) }) {
		return nil
	}
	for _, s := range []span{c.body, c.contentData, c.content, c.outputs} {
		raw := it.top.raw(s)
		switch jsonscan.Kind(raw) {
		case '{', '[':
			return bytes.Clone(raw)
		case '"':
			text, _ := base64.StdEncoding.DecodeString(string(it.text.word(raw))) // what is not base64 is not opened
			if k := jsonscan.Kind(text); k == '{' || k == '[' {
				return text
			}
		}
	}
	return nil
}
