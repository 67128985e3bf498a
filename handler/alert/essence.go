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
	if slices.ContainsFunc(groupBy, func(field string) bool { return strings.HasPrefix(field, ofProperties) }) {
		tracking, client := e.Properties.Text("trackingId"), e.Properties.Text("httpRequest", "clientRequestId")
		return essenceWith(e, groupBy, map[string]any{"trackingId": tracking, "httpRequest": map[string]any{"clientRequestId": client}, "requestbody": bodyOf(e)})
	}
	var b []byte
	add := func(before string, value []byte, behind string) {
		if len(value) > 0 && !strings.ContainsRune("{[n", rune(value[0])) { // what is no text counts as nothing
			b = append(b, "{,"[min(len(b), 1)])
			b = append(append(append(b, before...), value...), behind...)
		}
	}
	add(`"httpRequest":{"clientRequestId":`, e.Properties.Value("httpRequest", "clientRequestId"), "}")
	if body := bodyOf(e); body != "" {
		add(`"requestbody":`, []byte(`"`+body+`"`), "")
	}
	add(`"trackingId":`, e.Properties.Value("trackingId"), "")
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
