package enrich

import (
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
)

// place says where: the resource, its group and its subscription, and the operation in Azure's words.
func place(e activity.Event, o Options, v *View) {
	where, subscription := e.ResourceGroup, o.name(e.SubscriptionID)
	switch {
	case where != "":
		where += with(" in ", subscription)
	case subscription != "":
		where = "subscription " + subscription + " (" + e.SubscriptionID + ")"
	case e.SubscriptionID != "":
		where = "subscription " + e.SubscriptionID
	}
	if where == "" && e.TenantID != "" {
		where = "tenant " + e.TenantID
	}
	v.fact(Fact{Name: "Where", Value: where})
}

// operation is what Azure calls it, for those who search for it. The other categories' operations say no more than the
// category: microsoft.servicehealth/incident/action.
func operation(e activity.Event, _ Options, v *View) {
	if e.Category == activity.Administrative || e.Category == "" {
		v.fact(Fact{Name: "Operation", Value: or(e.OperationDisplay, e.Operation), Code: true})
	}
}

// reading says that the record stood behind a damaged one: where it begins was found again, which a reader should know.
func reading(e activity.Event, _ Options, v *View) {
	if e.Recovered {
		v.fact(Fact{Name: "Reading", Value: "Recovered behind a damaged record of the same delivery"})
	}
}

// result says how it ended where the status line, which every channel shows under the headline, says it less exactly: the
// code of a failure, and a cancellation.
func result(e activity.Event, _ Options, v *View) {
	switch {
	case e.Outcome == activity.Canceled:
		v.fact(Fact{Name: "Result", Value: "Canceled"})
	case e.Outcome == activity.Failed && e.SubStatus != "" && !strings.EqualFold(e.SubStatus, "failed"):
		v.fact(Fact{Name: "Code", Value: e.SubStatus})
	}
}
