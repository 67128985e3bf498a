package app_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/auditbell/auditbell/handler/app"
)

// TestHubBatchesFitTheirLimit holds host.json to the bound of a body: a batch that does not fit would fail for ever, and its
// partition with it.
func TestHubBatchesFitTheirLimit(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../host.json")
	if err != nil {
		t.Fatal(err)
	}
	var h struct {
		Extensions struct {
			HTTP      struct{ MaxConcurrentRequests int }
			EventHubs struct{ MaxEventBatchSize int }
		}
	}
	if err := json.Unmarshal(raw, &h); err != nil {
		t.Fatal(err)
	}
	if got := h.Extensions.EventHubs.MaxEventBatchSize; got != app.MaxHubBatch {
		t.Errorf("maxEventBatchSize is %d, the handler is made for %d", got, app.MaxHubBatch)
	}
	if h.Extensions.HTTP.MaxConcurrentRequests <= 0 {
		t.Error("host.json sets no maxConcurrentRequests")
	}
	largest := make([]byte, 1<<20)
	for i := range largest {
		largest[i] = '"'
	}
	batch := make([]string, app.MaxHubBatch)
	for i := range batch {
		batch[i] = string(largest)
	}
	once, _ := json.Marshal(batch)
	twice, _ := json.Marshal(string(once))
	if int64(len(twice)) > app.MaxHubBody-1<<20 {
		t.Errorf("the largest batch has %d bytes and its envelope may have %d", len(twice), app.MaxHubBody)
	}
}
