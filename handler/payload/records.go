package payload

import (
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
)

// The resource-log schema, in which Event Hubs and storage accounts receive the Activity Log (schema page, last
// section). Two generations: until 2018 and long after, category is Write, Delete or Action and the record's own
// details are properties.eventProperties; newer ones name the category and keep properties flat.

func isRecord(it *item) bool {
	m := &it.top
	if m.eventTimestamp != nil {
		return false
	}
	return m.metricName != nil && m.time != nil || m.resultType != nil || m.resultSignature != nil ||
		m.operationName != nil && (m.time != nil || m.identity != nil || m.callerIP != nil) ||
		m.time != nil && m.category != nil
}

func readRecord(it *item) (Reading, error) {
	m := &it.top
	if m.metricName != nil {
		return noise("metric", "platform metric record")
	}
	e, err := it.draft(activity.FormRecords, m)
	if err != nil {
		return Reading{}, err
	}
	if e.Category == "" {
		category := string(it.text.word(m.category))
		if !isActivityCategory(category, e.Operation) {
			return otherResourceLog(category, e.Operation)
		}
		e.Category = activity.Administrative
	}
	return it.activityReading(e, m)
}

// isActivityCategory tells an Activity Log record that names none of the eight categories. "If properties.
// eventCategory isn't present, category is Administrative" (schema page, mapping table); category is then the kind of
// operation, or missing. Without a category, only an ARM operation (it has slashes) tells the Activity Log from the
// logs of a resource, such as storage's "PutBlob".
func isActivityCategory(category, operation string) bool {
	switch strings.ToLower(category) {
	case "write", "delete", "action":
		return true
	case "":
		return strings.Contains(operation, "/")
	}
	return false
}

// otherResourceLog names a record of another log that shares the event hub or storage account.
func otherResourceLog(category, operation string) (Reading, error) {
	switch {
	case strings.HasSuffix(strings.ToLower(category), "signinlogs"):
		return noise("signin", "sign-in record ("+category+")")
	case strings.EqualFold(category, "AuditLogs"):
		return noise("directory_audit", "directory audit record ("+operation+")")
	case category == "":
		return noise("resource_log", "resource log without category, operation "+operation)
	}
	return noise("resource_log", "resource log of category "+category)
}
