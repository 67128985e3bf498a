package store_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
)

// between calls what happens elsewhere, once, before the read of an alert.
type between struct {
	transporter
	elsewhere func()
}

func (b *between) Do(r *http.Request) (*http.Response, error) {
	if do := b.elsewhere; do != nil && r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/docs/alert-") {
		b.elsewhere = nil
		do()
	}
	return b.transporter.Do(r)
}

// halfway refuses what comes after the chain of a record.
type halfway struct{ transporter }

func (h halfway) Do(r *http.Request) (*http.Response, error) {
	if r.Header.Get("X-Ms-Cosmos-Is-Batch-Request") != "" {
		return &http.Response{StatusCode: http.StatusBadRequest, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
	}
	return h.transporter.Do(r)
}

// Two records of one operation meet an alert that has room for one operation more. One makes it full while the other still
// believes that nothing is known of the operation: it must not open a second alert for it.
func TestAnOperationThatFillsAnAlertIsInNoSecondOne(t *testing.T) {
	t.Parallel()
	a := open(t)
	of := func(operation int, record int, o activity.Outcome) alert.Finding {
		f := finding(event(record, o))
		f.Event.CorrelationID = fmt.Sprint("c", operation)
		f.Rule.GroupBy = []string{"caller"}
		return f
	}
	var first alert.Decision
	for i := range 19 {
		r, err := a.Take(t.Context(), of(i, i, activity.Succeeded), alert.Lease{Owner: fmt.Sprint("filling", i)})
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = r
		}
	}
	fast := of(19, 100, activity.Started)
	if _, err := a.another(t, halfway{a.server}).Take(t.Context(), fast, alert.Lease{Owner: "fast"}); err == nil {
		t.Error("the account refused the alert and it was taken")
	}
	slow := &between{a.server, func() {
		if r, err := a.Take(t.Context(), fast, alert.Lease{Owner: "fast"}); err != nil || r.Alert.ID != first.Alert.ID {
			t.Errorf("alert %s, %v; want %s", r.Alert.ID, err, first.Alert.ID)
		}
	}}
	r, err := a.another(t, slow).Take(t.Context(), of(19, 101, activity.Succeeded), alert.Lease{Owner: "slow"})
	if err != nil || r.Opened || r.Alert.ID != first.Alert.ID || r.Alert.Count != 20 {
		t.Errorf("opened %v, alert %s, count %d, %v; want 20 operations in %s", r.Opened, r.Alert.ID, r.Alert.Count, err, first.Alert.ID)
	}
}
