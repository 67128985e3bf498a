package payload

import (
	"bytes"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/jsonscan"
)

// The Activity Log REST API's list items, and dumps that SDKs and PowerShell make of them (schema page, the eight
// samples). A $select leaves as little as caller, id, operationName and eventTimestamp.

func isREST(it *item) bool {
	m := &it.top
	if m.eventDataID != nil || m.eventTimestamp != nil && (m.operationName != nil || m.resourceID != nil || m.id != nil) {
		return true
	}
	return m.operationName != nil && (jsonscan.Kind(m.operationName) == '{' || m.status != nil || m.caller != nil)
}

func readREST(it *item) (Reading, error) {
	m := &it.top
	e, err := it.draft(activity.FormREST, m)
	if err != nil {
		return Reading{}, err
	}
	if m.resourceID == nil || e.EventID == "" {
		it.splitListID(&e, m)
	}
	return it.activityReading(e, m)
}

// splitListID reads a list item's own id, "<resource id>/events/<event data id>/ticks/<ticks>", for what a $select has
// left out.
func (it *item) splitListID(e *activity.Event, m *members) {
	id := it.text.word(m.id)
	at := bytes.LastIndex(id, []byte("/events/"))
	if at < 0 {
		return
	}
	resource, event := it.text.keep(id[:at]), it.text.keep(id[at+len("/events/"):])
	if m.resourceID == nil {
		e.ResourceID = strings.ToLower(resource)
		e.ResourceName = activity.ParseResource(resource).Name
	}
	if e.EventID == "" {
		e.EventID = untilSlash(event)
	}
}
