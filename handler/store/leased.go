package store

import (
	"encoding/json"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/auditbell/auditbell/handler/alert"
)

// leasedAlerts are alerts that this process has just written with a lease of its own, as they were written: what a delivery
// brought about is marked without a read, unless another instance has written meanwhile. Each is used once.
type leasedAlerts struct {
	mu sync.Mutex
	by map[alert.Ref]leasedAlert
}

type leasedAlert struct {
	body []byte
	etag azcore.ETag
}

// keepLeased bounds them: what is not marked within a batch of deliveries is read.
const keepLeased = 64

func (l *leasedAlerts) put(ref alert.Ref, written leasedAlert) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.by == nil || len(l.by) >= keepLeased {
		l.by = map[alert.Ref]leasedAlert{}
	}
	l.by[ref] = written
}

// take returns an alert as it was written; without a version: it is not here.
func (l *leasedAlerts) take(ref alert.Ref) (alert.Alert, version) {
	l.mu.Lock()
	written, ok := l.by[ref]
	delete(l.by, ref)
	l.mu.Unlock()
	var item alertItem
	if !ok || json.Unmarshal(written.body, &item) != nil {
		return alert.Alert{}, version{} // it is read instead
	}
	return item.Alert, version{etag: written.etag}
}
