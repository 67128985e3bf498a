package alert

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
)

// Essence is what deciding reads of an event's properties, for who keeps many events: what keeps operations of one chain
// apart, and the fields of groups that stand there (Rule.GroupBy). The request's body, which can be large, is its hash.
func Essence(e *activity.Event, groupBy []string) activity.Properties {
	tracking, client, body := e.Properties.Text("trackingId"), e.Properties.Text("httpRequest", "clientRequestId"), bodyOf(e)
	if slices.ContainsFunc(groupBy, func(field string) bool { return strings.HasPrefix(field, ofProperties) }) {
		return essenceWith(e, groupBy, map[string]any{"trackingId": tracking, "httpRequest": map[string]any{"clientRequestId": client}, "requestbody": body})
	}
	var b []byte
	add := func(before, text, behind string) {
		if quoted, err := json.Marshal(text); err == nil && text != "" {
			b = append(b, "{,"[min(len(b), 1)])
			b = append(append(append(b, before...), quoted...), behind...)
		}
	}
	add(`"httpRequest":{"clientRequestId":`, client, "}")
	add(`"requestbody":`, body, "")
	add(`"trackingId":`, tracking, "")
	if b == nil {
		return nil
	}
	return append(b, '}')
}

const ofProperties = "properties."

// essenceWith adds the fields of groups.
func essenceWith(e *activity.Event, groupBy []string, kept map[string]any) activity.Properties {
	for _, field := range groupBy {
		path, ok := strings.CutPrefix(field, ofProperties)
		text := e.Field(field)
		if !ok || text == "" {
			continue
		}
		names, at := strings.Split(path, "."), kept
		for _, name := range names[:len(names)-1] {
			inner, ok := at[name].(map[string]any)
			if !ok {
				inner = map[string]any{}
				at[name] = inner
			}
			at = inner
		}
		at[names[len(names)-1]] = text
	}
	text, err := json.Marshal(kept)
	if err != nil {
		return nil // texts do not fail
	}
	return text
}
