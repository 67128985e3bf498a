package transcode

import (
	"slices"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
)

// Carries reports whether a form has all of the event's fields that are named ("operation", "properties.requestbody.x",
// "keywords" for all texts): without one of them, what is read back says less than the event did. Event Grid's events
// have neither properties nor level, sub status and description (learn: "Azure subscription as an Event Grid source");
// what ARM puts beside the properties they do have. All other forms have everything.
func Carries(form activity.Form, fields []string) bool {
	if form != activity.FormEventGrid && form != activity.FormCloudEvents {
		return true
	}
	return !slices.ContainsFunc(fields, func(name string) bool {
		inside, ok := strings.CutPrefix(name, "properties.")
		if !ok {
			return slices.Contains([]string{"level", "sub_status", "description", "keywords"}, name)
		}
		return !slices.ContainsFunc([]string{"authorization.", "claims.", "httprequest."}, func(beside string) bool {
			return strings.HasPrefix(inside, beside)
		})
	})
}
