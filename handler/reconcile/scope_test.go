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
	azure, opened, r := aboveStage(t, clock)
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

// aboveStage is a comparison of what Azure's stand-in lists with a store, where a subscription and groups export to a hub.
func aboveStage(t *testing.T, clock func() time.Time) (*standin.Server, *store.Store, *reconcile.Reconciler) {
	t.Helper()
	account, err := cosmos.OpenDeployed(t.Context(), cosmos.Options{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	azure := standin.New(standin.Directory{}, clock)
	arm := httptest.NewServer(azure)
	t.Cleanup(func() { arm.Close(); _ = account.Close() })
	opened, err := store.Open(store.Options{Endpoint: "http://cosmos.test/", Key: "a2V5", Transport: account, Now: clock, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	rest := source.REST{Client: http.DefaultClient, Endpoint: arm.URL, Patience: time.Second, Token: func(context.Context) (string, error) { return "token", nil }}
	r := &reconcile.Reconciler{Log: source.ActivityLog{REST: rest}, Store: opened, Budget: time.Minute, Pages: 100, Feeds: []reconcile.Feed{reconcile.EventHub, reconcile.GroupHub}}
	return azure, opened, r
}

// TestAScopeIsOneInEverySpelling lists an act above subscriptions in its own log, and records it as an export or another list
// spells it: it is seen, and neither missing nor unlisted.
func TestAScopeIsOneInEverySpelling(t *testing.T) {
	t.Parallel()
	const none = "00000000-0000-0000-0000-000000000000"
	const guard = "/providers/Microsoft.Authorization/policyAssignments/guard"
	for name, c := range map[string]struct {
		scope              activity.Scope
		listed, recorded   string // resource ids
		listedOf, recordOf string // subscription ids
	}{
		"capitals":                           {"managementgroups/contoso", "/providers/Microsoft.Management/managementGroups/Contoso" + guard, "/PROVIDERS/MICROSOFT.MANAGEMENT/MANAGEMENTGROUPS/CONTOSO/PROVIDERS/MICROSOFT.AUTHORIZATION/POLICYASSIGNMENTS/GUARD", "", ""},
		"the group itself, with a slash":     {"managementgroups/contoso", "/providers/Microsoft.Management/managementGroups/contoso/", "/providers/Microsoft.Management/managementGroups/contoso", "", ""},
		"escapes in a group's name":          {"managementgroups/contoso(prod)", "/providers/Microsoft.Management/managementGroups/contoso(prod)" + guard, "/providers/Microsoft.Management/managementGroups/contoso%28prod%29" + guard, "", ""},
		"no slash before":                    {"managementgroups/contoso", "/providers/Microsoft.Management/managementGroups/contoso" + guard, "providers/Microsoft.Management/managementGroups/contoso" + guard, "", ""},
		"a subscription of zeros":            {activity.TenantScope, "/providers/Microsoft.Authorization", "/providers/Microsoft.Authorization", "", none},
		"the root":                           {activity.TenantScope, "/", "/", none, ""},
		"a subscription in capitals":         {"11111111-1111-4111-8111-11111111111a", "/subscriptions/11111111-1111-4111-8111-11111111111A/resourceGroups/rg", "/SUBSCRIPTIONS/11111111-1111-4111-8111-11111111111A/RESOURCEGROUPS/RG", "11111111-1111-4111-8111-11111111111A", ""},
		"a group's record of a subscription": {"managementgroups/contoso", "/providers/Microsoft.Management/managementGroups/contoso" + guard, "/providers/Microsoft.Management/managementGroups/contoso" + guard, "", "11111111-1111-4111-8111-111111111111"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hour := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
			clock := func() time.Time { return hour.Add(5 * time.Hour) }
			azure, opened, r := aboveStage(t, clock)
			at := hour.Add(10 * time.Minute)
			item := func(resource, subscription, id string) string {
				return fmt.Sprintf(`{"eventTimestamp":%q,"resourceId":%q,"operationName":{"value":"Microsoft.Authorization/policyAssignments/write"},"category":{"value":"Administrative"},"status":{"value":"Succeeded"},"correlationId":"c-1","eventDataId":%q,"subscriptionId":%q}`,
					at.Format(time.RFC3339), resource, id, subscription)
			}
			for _, r := range payload.Decode([]byte(item(c.recorded, c.recordOf, "other"))) {
				if _, _, err := opened.Append(t.Context(), r.Event, "test"); err != nil {
					t.Fatal(err)
				}
			}
			azure.Log(standin.Entry{Scope: c.scope.ResourceID(), Time: at, Item: json.RawMessage(item(c.listed, c.listedOf, "e-1"))})
			h, missing, err := r.Look(t.Context(), c.scope, hour)
			if err != nil {
				t.Fatal(err)
			}
			if len(missing) != 0 || h.Seen != 1 || h.Unlisted != 0 {
				t.Errorf("%d missing, %+v; want it seen", len(missing), h)
			}
		})
	}
}
