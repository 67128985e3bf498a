package payload

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
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
	{"reading", isReading, readReading},
	{"query_frame", isFrame, readFrame},
	{"portal_csv", isPortalCSV, readPortalCSV},
	{"log_analytics", isLogAnalytics, readLogAnalytics},
	{"records", isRecord, readRecord},
	{"powershell", isPowerShell, readPowerShell},
	{"rest", isREST, readREST},
}

// isReading recognises an event in the words of activity.Event, as `handler decode` prints it. Some of its members have the
// names of the export's, so it would be read as a record of which most is missing.
func isReading(it *item) bool {
	return !it.top.operationName.present() && slices.ContainsFunc(it.names(), func(name []byte) bool {
		return string(name) == "form" || string(name) == "caller_type"
	})
}

// readReading refuses it. Its id and what was made of the record cannot be taken from outside: a forged id would keep
// the real record from being stored.
func readReading(*item, *Reading) error {
	return errors.New("an event as Auditbell prints it, not as Azure tells it: give the export that it was read from")
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
	names := it.names()
	*r = invalid("unknown shape: an object with " + string(bytes.Join(names, []byte(", "))))
	if len(names) == 0 {
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
