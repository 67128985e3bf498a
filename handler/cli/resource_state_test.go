package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/pipeline"
)

// notifications are what Azure Resource Notifications say within one delivery, in both schemas: of a storage account before
// and after a change, and of a machine's health.
func notifications(at time.Time) []byte {
	const (
		group   = "/subscriptions/5f1c0a52-7c1e-4b7d-9a41-2d6a8c3e9b10/resourceGroups/RG-Data/providers/"
		account = group + "Microsoft.Storage/storageAccounts/tidelog"
		machine = group + "Microsoft.Compute/virtualMachines/crane01"
	)
	state := func(ago time.Duration, public int) string {
		return fmt.Sprintf(`{"resourceInfo":{"id":%q,"name":"tidelog","type":"Microsoft.Storage/storageAccounts","location":"westeurope","tags":{"owner":"quay"},
			"properties":{"allowBlobPublicAccess":%d,"adminPassword":"hunter2-%d","note":"AccountKey=c2VjcmV0"}},"operationalInfo":{"resourceEventTime":%q}}`, account, public, public, at.Add(-ago).Format(time.RFC3339Nano))
	}
	health := fmt.Sprintf(`{"resourceInfo":{"id":%q,"properties":{"targetResourceId":%q,"occurredTime":%q,"previousAvailabilityState":"Available","availabilityState":"Unavailable"}}}`,
		machine+"/providers/Microsoft.ResourceHealth/availabilityStatuses/current", machine, at.Add(-time.Minute).Format(time.RFC3339Nano))
	const grid = `{"id":"g","topic":"/subscriptions/x","subject":%q,"eventType":"Microsoft.ResourceNotifications.%s","eventTime":%q,"dataVersion":"1","data":%s}`
	const cloud = `{"id":"c","source":"/subscriptions/x","subject":%q,"type":"Microsoft.ResourceNotifications.%s","time":%q,"specversion":"1.0","data":%s}`
	when := at.Format(time.RFC3339Nano)
	return []byte("[" + strings.Join([]string{
		fmt.Sprintf(grid, account, "Resources.CreatedOrUpdated", when, state(time.Hour, 0)),
		fmt.Sprintf(cloud, account, "Resources.CreatedOrUpdated", when, state(time.Second, 1)),
		fmt.Sprintf(cloud, machine, "HealthResources.AvailabilityStatusChanged", when, health),
		fmt.Sprintf(grid, account, "Resources.CreatedOrUpdated", when, state(-time.Hour, 1)), // of the future
		fmt.Sprintf(grid, account, "Resources.Deleted", when, `{"operationalInfo":{}}`),
	}, ",") + "]")
}

// TestAResourceNotificationIsNoRecord delivers notifications where rules match everything: they are kept for lookups, once,
// without secrets. None is recorded, matched or sent, and none makes a feed of records look alive.
func TestAResourceNotificationIsNoRecord(t *testing.T) {
	t.Parallel()
	o := openTested(t)
	a, err := app.Open(newTestWorld(o, fstest.MapFS{"rules/all.yml": {Data: []byte(catchAll)}}))
	if err != nil {
		t.Fatal(err)
	}
	var first pipeline.Summary
	for round := range 2 {
		sum, err := a.Take(t.Context(), invocation(), notifications(o.now()))
		if err != nil {
			t.Fatal(err)
		}
		if first = sum; round == 0 && sum.RU > 40 {
			t.Errorf("%.1f RU for three small states", sum.RU)
		}
		sum.RU = 0
		if want := (pipeline.Summary{Received: 5, Parked: 2, States: 3}); sum != want {
			t.Errorf("round %d: %+v, want %+v", round, sum, want)
		}
	}
	if first.RU > 8 { // point reads and refused repetitions
		t.Errorf("the same once more took %.1f RU", first.RU)
	}
	if n := len(o.inbox.Messages()); n != 0 {
		t.Errorf("%d messages", n)
	}
	feeds, err := o.Store.Feeds(t.Context())
	if err != nil || len(feeds) != 0 {
		t.Errorf("feeds %+v, %v", feeds, err)
	}
	for hour := range 4 {
		if n, err := o.Store.CountHour(t.Context(), o.now().Add(time.Duration(hour-2)*time.Hour)); n != 0 || err != nil {
			t.Errorf("%d records, %v", n, err)
		}
	}
	states, _, err := o.Store.States(t.Context(), "/subscriptions/5f1c0a52-7c1e-4b7d-9a41-2d6a8c3e9b10/resourcegroups/rg-data/providers/microsoft.storage/storageaccounts/tidelog", false)
	if err != nil || len(states) != 2 {
		t.Fatalf("%d states, %v", len(states), err)
	}
	text, err := json.Marshal(states)
	if err != nil || !strings.Contains(string(text), `"allowBlobPublicAccess":1`) || strings.Contains(string(text), "hunter2") || strings.Contains(string(text), "c2VjcmV0") {
		t.Errorf("kept %s, %v", text, err)
	}
}

// TestWhatNoStoreTakesOfAState has a state nested deeper than Cosmos DB takes, and one larger than is kept: what is kept
// says that the resource became something, and the delivery is not repeated.
func TestWhatNoStoreTakesOfAState(t *testing.T) {
	t.Parallel()
	o := openTested(t)
	for i, body := range []string{strings.Repeat(`{"a":`, 150) + "1" + strings.Repeat("}", 150), `{"a":"` + strings.Repeat("x ", 20<<10) + `"}`} {
		id := fmt.Sprintf("/subscriptions/5f1c0a52-7c1e-4b7d-9a41-2d6a8c3e9b10/resourceGroups/rg/providers/Microsoft.Web/sites/s%d", i)
		sum, err := o.Take(t.Context(), invocation(), fmt.Appendf(nil, `{"id":"g","subject":%q,"eventType":"Microsoft.ResourceNotifications.Resources.CreatedOrUpdated","eventTime":"2026-11-01T06:00:00Z",
			"data":{"resourceInfo":{"id":%q,"properties":%s},"operationalInfo":{"resourceEventTime":"2026-11-01T06:00:00Z"}}}`, id, id, body))
		if err != nil || sum.States != 1 {
			parked, _ := o.Store.ListParked(t.Context(), 9)
			t.Errorf("%d: %+v, %v; set aside: %+v", i, sum, err, parked)
		}
		if states, _, err := o.Store.States(t.Context(), id, false); err != nil || len(states) != 1 || len(states[0].Resource) > 2 {
			t.Errorf("%d: kept %.200v, %v", i, states, err)
		}
	}
}
