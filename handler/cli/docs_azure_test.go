package cli

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/digest/digesttest"
)

// pageAzure is the Activity Log of the pages: a network security group was deleted some two hours ago, and no feed
// brought it.
func pageAzure(t *testing.T) string {
	t.Helper()
	const group = "/subscriptions/" + docsSubscription + "/resourceGroups/rg-production"
	azure := httptest.NewServer(&activityLog{records: []digesttest.Record{{
		Time: time.Now().UTC().Add(-2 * time.Hour).Truncate(time.Second), Submitted: time.Now().UTC().Add(-2 * time.Hour),
		Category: "Administrative", Level: "Informational", Operation: "Microsoft.Network/networkSecurityGroups/delete", Status: "Succeeded", SubStatus: "OK",
		Caller: "eve@contoso.example", Person: &digesttest.Person{Name: "eve@contoso.example", Full: "Eve Adams", Kind: 'u'}, Subscription: docsSubscription, Group: "rg-production",
		Resource: group + "/providers/Microsoft.Network/networkSecurityGroups/back", Type: "Microsoft.Network/networkSecurityGroups",
		EventID: "0b7a4f1e-5a53-4b0e-9c40-5d9c1c7e0a11", OperationID: "5f3c9f0a-0d5b-4b1d-8f1e-2a7a3f0c9d22", Correlation: "5f3c9f0a-0d5b-4b1d-8f1e-2a7a3f0c9d22",
	}}})
	t.Cleanup(azure.Close)
	return azure.URL
}
