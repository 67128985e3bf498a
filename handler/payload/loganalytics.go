package payload

import (
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/jsonscan"
)

// Rows of the table AzureActivity (Microsoft: "AzureActivity", table reference), as workspace data export, Logic Apps,
// `az monitor log-analytics query` and the query API give them. Two generations of columns stand side by side: since 2021
// the filled ones end in Value and _d (Azure/Azure-Sentinel#7260), before they did not.

// row holds where the columns stand that have no counterpart of the same name elsewhere. The others (Caller, Level,
// CorrelationId, …) read as the members of a list item that they are.
type row struct {
	any                                                             bool
	timeGenerated, submitted, operation, status, oldStatus          span
	subStatus, oldSubStatus, category, group                        span
	claims, authorization, properties, httpRequest, kind, tableName span
	failure                                                         span    // what an answer says is missing from it
	frame                                                           frame   // of a Kusto query
	carrier                                                         carrier // of a Logic Apps run
}

// take reads the column c stands at, unless it is none.
func (w *row) take(c *jsonscan.Cursor, name []byte) {
	if slot := w.slot(name); slot != nil {
		*slot = skip(c)
		w.any = true
	}
}

// slot finds a column by its name, which serialisers may begin with a small letter.
func (w *row) slot(name []byte) *span {
	var buf [32]byte
	if len(name) == 0 || len(name) > len(buf) {
		return nil
	}
	n := copy(buf[:], name)
	if 'a' <= buf[0] && buf[0] <= 'z' {
		buf[0] -= 'a' - 'A'
	}
	switch string(buf[:n]) {
	case "TimeGenerated", "TimeGenerated [UTC]":
		return &w.timeGenerated
	case "EventSubmissionTimestamp", "EventSubmissionTimestamp [UTC]":
		return &w.submitted
	case "OperationNameValue":
		return &w.operation
	case "ActivityStatusValue":
		return &w.status
	case "ActivityStatus":
		return &w.oldStatus
	case "ActivitySubstatusValue":
		return &w.subStatus
	case "ActivitySubstatus":
		return &w.oldSubStatus
	case "CategoryValue":
		return &w.category
	case "ResourceGroup":
		return &w.group
	case "Claims_d":
		return &w.claims
	case "Authorization_d":
		return &w.authorization
	case "Properties_d":
		return &w.properties
	case "HTTPRequest_d":
		return &w.httpRequest
	case "Type", "$table":
		return &w.kind
	case "TableName":
		return &w.tableName
	case "Error":
		return &w.failure
	}
	if slot := w.frame.slot(buf[:n]); slot != nil {
		return slot
	}
	return w.carrier.slot(buf[:n])
}

// isLogAnalytics recognises a row by the columns that only the Activity Log's table has, or by what every table has.
func isLogAnalytics(it *item) bool {
	w, m := &it.row, &it.top
	if !w.any {
		return false
	}
	if w.operation.present() || w.status.present() || w.category.present() || w.subStatus.present() {
		return true
	}
	return w.timeGenerated.present() && !m.eventTimestamp.present() && !m.time.present()
}

// readLogAnalytics reads a row as the list item that it shows: record and row have one id.
func readLogAnalytics(it *item, r *Reading) error {
	w, m := &it.row, &it.top
	if table := it.otherTable(); table != "" {
		r.set(Noise, "log_analytics_row", "Log Analytics row of "+table)
		return nil
	}
	m.eventTimestamp, m.submissionTimestamp = w.timeGenerated.or(m.eventTimestamp), w.submitted.or(m.submissionTimestamp)
	if !w.operation.empty() {
		m.operationDisplay, m.operationName = m.operationName.or(span{}), w.operation
	}
	m.status, m.subStatus, m.category = w.status.or(w.oldStatus), w.subStatus.or(w.oldSubStatus), w.category.or(m.category)
	m.resourceGroup = w.group.or(m.resourceGroup)
	m.authorization, m.httpRequest = w.authorization.or(m.authorization), w.httpRequest.or(m.httpRequest)
	if m.properties.empty() {
		m.properties = w.properties
	}
	m.tenantID = span{} // the workspace's, not the directory's
	if w.claims.present() {
		m.claims.take(jsonscan.NewCursor(m.raw(w.claims), 0))
	}
	if err := it.draft(&r.Event, activity.FormLogAnalytics, m); err != nil {
		return err
	}
	return it.finish(r, m, m.raw(m.resourceID))
}

// otherTable names the table of a row that is not the Activity Log's, "" for those that are.
func (it *item) otherTable() string {
	w, m := &it.row, &it.top
	if name := it.namedTable(); name != "" && !strings.EqualFold(name, "AzureActivity") {
		return "the table " + name
	}
	if w.kind.present() || w.operation.present() || w.status.present() || w.category.present() || w.oldStatus.present() || w.submitted.present() {
		return ""
	}
	if strings.Contains(string(it.text.word(m.raw(m.operationName))), "/") {
		return ""
	}
	return "another table than AzureActivity"
}

// namedTable is the table that a row says it is from: Application Insights exports rows of its tables as records, too.
func (it *item) namedTable() string { return string(it.text.word(it.top.raw(it.row.kind))) }
