package enrich

import (
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
)

// place says where: the resource, its group and its subscription, and the operation in Azure's words.
func place(e activity.Event, _ Options, v *View) {
	where := e.ResourceGroup
	if where == "" && e.SubscriptionID != "" {
		where = "subscription " + e.SubscriptionID
	}
	if where == "" && e.TenantID != "" {
		where = "tenant " + e.TenantID
	}
	v.fact(Fact{Name: "Where", Value: where})
	v.fact(Fact{Name: "Operation", Value: or(e.OperationDisplay, e.Operation), Code: true})
}

// result says how it ended, with the code that Azure gave.
func result(e activity.Event, _ Options, v *View) {
	word := resultWords[e.Outcome]
	if e.SubStatus != "" && word != "" && !strings.EqualFold(e.SubStatus, word) {
		word += " (" + e.SubStatus + ")"
	}
	v.fact(Fact{Name: "Result", Value: word})
}

var resultWords = map[activity.Outcome]string{
	activity.Started: "Started", activity.Accepted: "Accepted", activity.InProgress: "In progress",
	activity.Succeeded: "Succeeded", activity.Failed: "Failed", activity.Canceled: "Canceled",
	activity.Active: "Active", activity.Resolved: "Resolved", activity.Updated: "Updated",
}

// moment says when it happened.
func moment(e activity.Event, _ Options, v *View) {
	if !e.Time.IsZero() {
		v.fact(Fact{Name: "When", Value: e.Time.UTC().Format("2006-01-02 15:04:05 UTC"), Time: e.Time.Truncate(time.Second)})
	}
}
