package payload

import (
	"fmt"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
)

// form is one wire form: how an item of it is recognised and read.
type form struct {
	name string
	is   func(*item) bool
	read func(*item) (Reading, error)
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
func (it *item) classify() Reading {
	for _, f := range forms {
		if !f.is(it) {
			continue
		}
		r, err := f.read(it)
		if err != nil {
			return invalid(err.Error())
		}
		return r
	}
	if len(it.names) == 0 {
		return invalid("unknown shape: an object without members")
	}
	return invalid("unknown shape: an object with " + strings.Join(it.names, ", "))
}

// activityReading finishes the event drafted from m.
func (it *item) activityReading(e activity.Event, m *members) (Reading, error) {
	return Reading{Kind: Activity, Event: it.finish(e, m)}, nil
}

func noise(signal, reason string) (Reading, error) {
	return Reading{Kind: Noise, Signal: signal, Reason: reason}, nil
}

func invalid(reason string) Reading { return Reading{Kind: Invalid, Signal: "invalid", Reason: reason} }

func invalidf(format string, args ...any) Reading { return invalid(fmt.Sprintf(format, args...)) }
