package payload

import (
	"bytes"

	"github.com/auditbell/auditbell/handler/activity"
)

// The Activity Log REST API's list items, and dumps that SDKs and PowerShell make of them (schema page, the eight
// samples). A $select leaves as little as caller, id, operationName and eventTimestamp.

// isREST recognises a list item by what even a $select leaves, or by what only the API has. It is the last form: less specific
// names are enough.
func isREST(it *item) bool {
	m := &it.top
	named, dated := m.operationName.present(), m.eventTimestamp.present()
	return m.eventDataID.present() || dated && (named || m.resourceID.present() || m.id.present()) ||
		named && (isListItem(m) || m.resourceID.present())
}

// isListItem recognises members that only the REST API has.
func isListItem(m *members) bool {
	return m.localizable || m.status.present() || m.caller.present() || m.authorization.present() && !m.identity.present()
}

func readREST(it *item, r *Reading) error { return it.listItem(activity.FormREST, r) }

// listItem reads a list item; its own id stands in for what a $select has left out.
func (it *item) listItem(form activity.Form, r *Reading) error {
	m := &it.top
	e := &r.Event
	if err := it.draft(e, form, m); err != nil {
		return err
	}
	if !m.resourceID.present() || e.EventID == "" {
		it.splitListID(e, m)
	}
	return it.finish(r, m, m.raw(m.resourceID))
}

// splitListID reads a list item's own id, "<resource id>/events/<event data id>/ticks/<ticks>", for what a $select has
// left out.
func (it *item) splitListID(e *activity.Event, m *members) {
	id := it.text.word(m.raw(m.id))
	at := bytes.LastIndex(id, []byte("/events/"))
	if at < 0 {
		return
	}
	resource, event := it.text.keep(id[:at]), it.text.keep(id[at+len("/events/"):])
	if !m.resourceID.present() {
		e.ResourceID = activity.Lower(resource)
		e.ResourceName = activity.ParseResource(resource).Name
	}
	if e.EventID == "" {
		e.EventID = untilSlash(event)
	}
}
