package payload

import (
	"bytes"
	"encoding/base64"
	"errors"
	"unicode/utf8"

	"github.com/auditbell/auditbell/handler/jsonscan"
)

// item is one JSON object on its way to a Reading: the raw members that any form knows, by the object they stood in.
// It is filled in one pass, before the form is known; the forms then look at what was found. One item is used again
// and again, so that reading an event allocates only what the event keeps.
type item struct {
	top     members    // the object itself
	data    members    // its member data: the payload of Event Grid, CloudEvents and the action-group schemas
	context members    // data.alertContext, data.context.activityLog: the record that an Azure alert is about
	essence essentials // data.essentials of the common alert schema
	row     row        // columns of Log Analytics that no other form has
	table   table      // the result of a query, of which this item is the head or a row
	csv     csvSource  // set while the rows of a CSV file are read
	at      int        // where it begins in the text that top points into
	lent    bool       // the event's properties are valid until the next item only
	text    text       // text under construction
	props   properties // properties under construction
}

// namesShown is how many names the reason of an unknown shape lists: enough to recognise the sender.
const namesShown = 6

// object stands for a member that is an object and was read in place: its members are in the item.
var object = span{to: 1}

// collect reads the object that starts at data[at] and returns the offset behind it. When the object turns out to be
// an envelope, a list of items, it stops there and returns the offset of the list's '['.
func (it *item) collect(data []byte, at int) (end, list int, err error) {
	it.reset(data)
	it.at = at
	c := jsonscan.NewCursor(data, at)
	for name := range c.Members {
		switch c.First() {
		case '[':
			if isList(name) || it.opens(name) {
				return 0, c.Pos(), nil
			}
			if it.table.keeps(c, name) {
				continue
			}
		case '{':
			if string(name) == "data" {
				it.top.data = object
				it.readData(c)
				continue
			}
		}
		if !it.top.take(c, name) {
			it.row.take(c, name)
		}
	}
	if err = c.Err(); err != nil {
		return c.Pos(), 0, err
	}
	return c.Pos(), 0, it.unwrapData()
}

// reset forgets the item before. Parts that were not used need no clearing: most items have no data and no context.
func (it *item) reset(data []byte) {
	it.props.reset()
	it.top = members{text: data, props: &it.props}
	if it.data.text != nil {
		it.data = members{}
	}
	if it.context.text != nil {
		it.context = members{}
	}
	if it.essence.text != nil {
		it.essence = essentials{}
	}
	if it.row.any {
		it.row = row{}
	}
	if !it.table.within && !it.table.headed {
		it.table.columns = it.table.columns[:0]
	}
}

// names are the first few names of the object.
func (it *item) names() [][]byte {
	var names [][]byte
	c := jsonscan.NewCursor(it.top.text, it.at)
	for name := range c.Members {
		if names = append(names, bytes.Clone(name)); len(names) == namesShown {
			break
		}
	}
	return names
}

// isList recognises the member that holds an envelope's items: {"records":[…]} from Event Hubs and storage, {"value":[…],
// "nextLink":…} from the REST API, {"Results":[…]} from Invoke-AzOperationalInsightsQuery.
func isList(name []byte) bool {
	return string(name) == "records" || string(name) == "value" || string(name) == "Results"
}

// readData reads the members of data.
func (it *item) readData(c *jsonscan.Cursor) {
	it.data = members{text: c.Text(), props: &it.props}
	it.readDataMembers(c)
}

func (it *item) readDataMembers(c *jsonscan.Cursor) {
	for name := range c.Members {
		isObject := c.At('{')
		switch {
		case isObject && string(name) == "essentials":
			it.data.essentials = object
			it.essence.takeAll(c)
		case isObject && string(name) == "alertContext":
			it.data.alertContext = object
			it.context.takeAll(c, &it.props)
		case isObject && string(name) == "context":
			it.data.context = object
			it.readContext(c)
		case isObject && string(name) == "data":
			it.readDataMembers(c) // an event of a custom topic that relays an action group's whole payload
		case string(name) == "resourceInfo":
			it.data.resourceInfo = skip(c)
		case string(name) == "operationalInfo":
			it.data.operationalInfo = skip(c)
		default:
			it.data.take(c, name)
		}
	}
}

// readContext reads data.context of the legacy webhook, whose activityLog is the record.
func (it *item) readContext(c *jsonscan.Cursor) {
	for name := range c.Members {
		if string(name) == "activityLog" && c.At('{') {
			it.data.activityLog = object
			it.context.takeAll(c, &it.props)
		}
	}
}

// errNotText is the fault of an item that is well-formed but carries bytes that are no text.
var errNotText = errors.New(`invalid UTF-8 in member "data_base64"`)

// unwrapData reads data that is not an object in place: JSON in a string, or CloudEvents' data_base64.
func (it *item) unwrapData() error {
	var inner []byte
	switch {
	case it.top.data.present() && it.top.data != object:
		inner, _ = jsonscan.AppendUnquote(nil, it.top.raw(it.top.data))
	case it.top.dataBase64.present():
		encoded, _ := jsonscan.Unquote(it.top.raw(it.top.dataBase64))
		inner, _ = base64.StdEncoding.DecodeString(encoded)
		if !utf8.Valid(inner) { // the frames have looked at the bytes outside only
			return errNotText
		}
	}
	if jsonscan.Kind(inner) != '{' || jsonscan.Valid(inner) != nil {
		return nil
	}
	it.top.data = object
	c := jsonscan.NewCursor(inner, 0)
	it.readData(c)
	return c.Err()
}
