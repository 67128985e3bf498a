package payload

import (
	"bytes"
	"fmt"
)

// form is one wire form: how an item of it is recognised and read.
type form struct {
	name string
	is   func(*item) bool
	read func(*item, *Reading) error
}

// forms lists the wire forms, the most specific first: the first that knows an item reads it. Lists of items
// ({"records":[…]}, {"value":[…]}, arrays, JSON Lines) are opened before, see frames.
var forms = []form{
	{"common_alert", isCommonAlert, readCommonAlert},
	{"webhook_legacy", isWebhookLegacy, readWebhookLegacy},
	{"other_alert", isOtherAlert, readOtherAlert},
	{"cloudevents", isCloudEvent, readCloudEvent},
	{"eventgrid", isEventGrid, readEventGrid},
	{"records", isRecord, readRecord},
	{"rest", isREST, readREST},
}

// classify reads the collected item by the first form that knows it.
func (it *item) classify(r *Reading) {
	for i := range forms {
		if !forms[i].is(it) {
			continue
		}
		*r = Reading{}
		if err := forms[i].read(it, r); err != nil {
			*r = invalid(err.Error())
		}
		return
	}
	*r = invalid("unknown shape: an object with " + string(bytes.Join(it.names, []byte(", "))))
	if len(it.names) == 0 {
		r.Reason = "unknown shape: an object without members"
	}
}

// set makes r, which an event may have been begun in, a reading of another kind than an event.
func (r *Reading) set(kind Kind, signal, reason string) {
	*r = Reading{Kind: kind, Signal: signal, Reason: reason}
}

// invalid is the reading of what no form can read.
func invalid(reason string) Reading { return Reading{Kind: Invalid, Signal: "invalid", Reason: reason} }

func invalidf(format string, args ...any) Reading { return invalid(fmt.Sprintf(format, args...)) }
