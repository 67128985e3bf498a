package alert

import (
	"encoding/json"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
)

// Essence is what deciding reads of an event's properties, for who keeps many events: what keeps operations of one chain
// apart, and the fields of groups that stand there (Rule.GroupBy). The request's body, which can be large, is its hash.
func Essence(e *activity.Event, groupBy []string) activity.Properties {
	kept := map[string]any{}
	put := func(text string, path ...string) {
		if text == "" {
			return
		}
		at := kept
		for _, name := range path[:len(path)-1] {
			inner, ok := at[name].(map[string]any)
			if !ok {
				inner = map[string]any{}
				at[name] = inner
			}
			at = inner
		}
		at[path[len(path)-1]] = text
	}
	put(e.Properties.Text("trackingId"), "trackingId")
	put(e.Properties.Text("httpRequest", "clientRequestId"), "httpRequest", "clientRequestId")
	for _, field := range groupBy {
		if path, ok := strings.CutPrefix(field, "properties."); ok {
			put(e.Field(field), strings.Split(path, ".")...)
		}
	}
	put(bodyOf(e), "requestbody")
	if len(kept) == 0 {
		return nil
	}
	text, err := json.Marshal(kept)
	if err != nil {
		return nil // texts do not fail
	}
	return text
}
