package reconcile_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/payload"
	"github.com/auditbell/auditbell/handler/reconcile"
	"github.com/auditbell/auditbell/handler/source"
	"github.com/auditbell/auditbell/handler/store"
	standin "github.com/auditbell/auditbell/local/azure"
	"github.com/auditbell/auditbell/local/cosmos"
)

// TestWhatHappenedAboveIsNotMissedBelow records an act at a management group once, as an export brings it, and lists it in
// the group's log and, as Azure may, in those of tenant and subscription too. No comparison may call it missing, and
// none may call it unlisted.
func TestWhatHappenedAboveIsNotMissedBelow(t *testing.T) {
	t.Parallel()
	const subscription, group = "11111111-1111-4111-8111-111111111111", "/providers/Microsoft.Management/managementGroups/contoso"
	hour := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	clock := func() time.Time { return hour.Add(5 * time.Hour) }
	account, err := cosmos.OpenDeployed(t.Context(), cosmos.Options{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	azure := standin.New(standin.Directory{}, clock)
	kept, arm := httptest.NewServer(account), httptest.NewServer(azure)
	t.Cleanup(func() { kept.Close(); arm.Close(); _ = account.Close() })
	opened, err := store.Open(store.Options{Endpoint: kept.URL + "/", Key: "a2V5", Now: clock, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	at := hour.Add(10 * time.Minute)
	resource := group + "/providers/Microsoft.Authorization/policyAssignments/guard"
	record := fmt.Sprintf(`{"time":%q,"resourceId":%q,"operationName":"MICROSOFT.AUTHORIZATION/POLICYASSIGNMENTS/WRITE","category":"Administrative","resultType":"Success","correlationId":"c-1","properties":{}}`, at.Format(time.RFC3339), resource)
	for _, r := range payload.Decode([]byte(record)) {
		if _, _, err := opened.Append(t.Context(), r.Event, "test"); err != nil {
			t.Fatal(err)
		}
	}
	item := fmt.Sprintf(`{"eventTimestamp":%q,"resourceId":%q,"operationName":{"value":"Microsoft.Authorization/policyAssignments/write"},"category":{"value":"Administrative"},"status":{"value":"Succeeded"},"correlationId":"c-1","eventDataId":"e-1","subscriptionId":""}`, at.Format(time.RFC3339), resource)
	for _, scope := range []string{"", group, "/subscriptions/" + subscription} {
		azure.Log(standin.Entry{Scope: scope, Time: at, Item: json.RawMessage(item)})
	}
	azure.Log(standin.Entry{Scope: "/subscriptions/" + subscription, Time: at, Item: json.RawMessage(fmt.Sprintf(
		`{"eventTimestamp":%q,"resourceId":"/subscriptions/%s/resourceGroups/rg","operationName":{"value":"Microsoft.Resources/subscriptions/resourceGroups/write"},"category":{"value":"Administrative"},"status":{"value":"Succeeded"},"correlationId":"c-2","eventDataId":"e-2","subscriptionId":%q}`,
		at.Format(time.RFC3339), subscription, subscription))})
	rest := source.REST{Client: http.DefaultClient, Endpoint: arm.URL, Patience: time.Second, Token: func(context.Context) (string, error) { return "token", nil }}
	r := &reconcile.Reconciler{Log: source.ActivityLog{REST: rest}, Store: opened, Budget: time.Minute, Pages: 100, Feeds: []reconcile.Feed{reconcile.EventHub, reconcile.GroupHub}}
	for scope, missed := range map[activity.Scope]int{activity.TenantScope: 0, "managementgroups/contoso": 0, subscription: 1} {
		h, missing, err := r.Look(t.Context(), scope, hour)
		if err != nil {
			t.Fatal(err)
		}
		if len(missing) != missed || h.Missed+h.Uncarried != missed || h.Seen != 1 || h.Unlisted != 0 {
			t.Errorf("%s: %d missing (%+v); want %d missing, the group's record seen and none unlisted", scope, len(missing), h, missed)
		}
	}
}
