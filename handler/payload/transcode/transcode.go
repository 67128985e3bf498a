// Package transcode writes an event in any of Azure's wire forms, as Azure would have delivered it.
//
// It is the counterpart of payload, for tests: what payload reads in one form must read the same in every other form
// that can carry it, and a rule that fires on an event must fire in whichever form the event arrives. `handler rules
// test` holds operators' rules to that too. Nothing that serves events writes these forms.
package transcode

import (
	"encoding/json"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
)

// Forms lists the forms that As writes.
var Forms = []activity.Form{
	activity.FormREST, activity.FormRecords, activity.FormEventGrid, activity.FormCloudEvents,
	activity.FormCommonAlert, activity.FormWebhookLegacy,
}

// As writes e in the given form, in the container in which it is usually delivered: the list envelope of the REST API,
// {"records":[…]}, an array for Event Grid, one object for the others. It reports false when the form cannot carry e:
// Event Grid has terminal events of resource operations only, and without an operation nothing but an alert's record is
// recognised.
func As(e activity.Event, form activity.Form) ([]byte, bool) {
	var out object
	if e.Operation == "" && form != activity.FormCommonAlert && form != activity.FormWebhookLegacy {
		return nil, false
	}
	switch form {
	case activity.FormREST:
		out = object{"value": []object{rest(e)}, "nextLink": "https://management.azure.com/next"}
	case activity.FormRecords:
		out = object{"records": []object{record(e)}}
	case activity.FormEventGrid, activity.FormCloudEvents:
		return grid(e, form)
	case activity.FormCommonAlert:
		out = commonAlert(e)
	case activity.FormWebhookLegacy:
		out = webhook(e)
	default:
		return nil, false
	}
	return encode(out), true
}

// object is a JSON object under construction; members without a value are left out by set.
type object map[string]any

func (o object) set(name string, value any) {
	switch v := value.(type) {
	case string:
		if v == "" {
			return
		}
	case activity.Time:
		if v.IsZero() {
			return
		}
	case json.RawMessage:
		if len(v) == 0 {
			return
		}
	case object:
		if len(v) == 0 {
			return
		}
	}
	o[name] = value
}

// encode writes v; maps are written in the order of their names, so that the same event gives the same bytes.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("encode what was built of strings and checked JSON: " + err.Error())
	}
	return b
}

// text writes v as JSON in a string, as the action-group forms do with claims and httpRequest.
func text(v any) string { return string(encode(v)) }

// localizable is how REST writes names.
func localizable(value, localized string) object {
	return object{"value": value, "localizedValue": localized}
}

// operation is the name of e's operation as Azure would spell it: the display form where it differs in case only.
func operation(e activity.Event) string {
	if strings.EqualFold(e.OperationDisplay, e.Operation) {
		return e.OperationDisplay
	}
	return e.Operation
}

// resourceID is e's resource with the name as Azure spells it.
func resourceID(e activity.Event) string {
	if n := len(e.ResourceID) - len(e.ResourceName); n >= 0 && strings.EqualFold(e.ResourceID[n:], e.ResourceName) {
		return e.ResourceID[:n] + e.ResourceName
	}
	return e.ResourceID
}

// reserved are the members of Event.Properties that the forms keep beside properties.
var reserved = []string{"authorization", "claims", "httpRequest", "alert"}

// own returns the record's own properties.
func own(e activity.Event) object {
	all := object{}
	if len(e.Properties) > 0 {
		if err := json.Unmarshal(e.Properties, &all); err != nil {
			panic("decode an event's properties: " + err.Error())
		}
	}
	for _, name := range reserved {
		delete(all, name)
	}
	return all
}

// beside returns one of the reserved members.
func beside(e activity.Event, name string) json.RawMessage {
	return json.RawMessage(e.Properties.Value(name))
}

// request returns httpRequest, with the caller's address where the event has no request.
func request(e activity.Event) object {
	r := object{}
	if raw := beside(e, "httpRequest"); len(raw) > 0 {
		if err := json.Unmarshal(raw, &r); err != nil {
			panic("decode an event's http request: " + err.Error())
		}
	}
	if len(r) == 0 {
		r.set("clientIpAddress", e.CallerIP)
	}
	return r
}
