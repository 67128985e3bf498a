package payload

import (
	"errors"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
)

// The resource-log schema, in which Event Hubs and storage accounts receive the Activity Log (schema page, last
// section). Two generations: until 2018 and long after, category is Write, Delete or Action and the record's own
// details are properties.eventProperties; newer ones name the category and keep properties flat.

// isRecord recognises a record by the names of the resource-log schema (mapping table: time for eventTimestamp, resultType for
// status), or as a partial record.
func isRecord(it *item) bool {
	m := &it.top
	named, dated := m.operationName.present(), m.time.present()
	switch {
	case m.eventTimestamp.present():
		return false
	case m.resultType.present(), m.resultSignature.present():
		return true
	case named && (dated || m.identity.present() || m.callerIP.present()):
		return true
	case named:
		return m.category.present() && !isListItem(m) // a partial record, as rule sets quote them
	}
	return dated && (m.category.present() || m.metricName.present() || m.resourceID.present()) || isOtherLog(m)
}

// isOtherLog recognises a record of a resource's own log that has neither time nor operationName, as Event Hubs namespaces
// write theirs ("EventTimeString", "EventName").
func isOtherLog(m *members) bool {
	return m.category.present() && m.resourceID.present() && !m.eventDataID.present()
}

// readRecord reads a record, or says to which other log it belongs: diagnostic settings of many resources may share one
// event hub (facts: containers).
func readRecord(it *item, r *Reading) error {
	m := &it.top
	if m.metricName.present() {
		r.set(Noise, "metric", "platform metric record")
		return nil
	}
	if table := it.namedTable(); strings.HasPrefix(table, "App") {
		r.set(Noise, "resource_log", "row of Application Insights' table "+table)
		return nil
	}
	e := &r.Event
	if err := it.draft(e, activity.FormRecords, m); err != nil {
		return err
	}
	if e.Category != "" && e.Operation == "" && !m.time.present() {
		return errors.New("a record without time and operation")
	}
	if e.Category == "" {
		category := string(it.text.word(m.raw(m.category)))
		if !isActivityCategory(category, e.Operation) {
			otherResourceLog(category, e.Operation, r)
			return nil
		}
		e.Category = activity.Administrative
	}
	return it.finish(r, m, m.raw(m.resourceID))
}

// isActivityCategory recognises an Activity Log record that names none of the eight categories. "If properties.
// eventCategory isn't present, category is Administrative" (schema page, mapping table); category is then the kind of
// operation, or missing. Without a category, only an ARM operation (it has slashes and no blank) sets the Activity Log
// apart from the logs of a resource, such as storage's "PutBlob" or a web server's "GET /".
func isActivityCategory(category, operation string) bool {
	switch strings.ToLower(category) {
	case "write", "delete", "action":
		return true
	case "":
		return strings.Contains(operation, "/") && !strings.Contains(operation, " ")
	}
	return false
}

// otherResourceLog names a record of another log that shares the event hub or storage account.
func otherResourceLog(category, operation string, r *Reading) {
	switch {
	case strings.HasSuffix(strings.ToLower(category), "signinlogs"):
		r.set(Noise, "signin", "sign-in record ("+category+")")
	case strings.EqualFold(category, "AuditLogs"):
		r.set(Noise, "directory_audit", "directory audit record ("+operation+")")
	case category == "" && operation == "":
		r.set(Noise, "resource_log", "resource log without category and operation")
	case category == "":
		r.set(Noise, "resource_log", "resource log without category, operation "+operation)
	default:
		r.set(Noise, "resource_log", "resource log of category "+category)
	}
}
