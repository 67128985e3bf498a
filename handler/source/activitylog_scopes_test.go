package source

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
)

// slowARM answers every page after 20 ms, three pages for each scope, without a network: its time is the test's.
type slowARM struct{}

func (slowARM) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-time.After(20 * time.Millisecond):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	page := 1
	_, _ = fmt.Sscan(r.URL.Query().Get("$skipToken"), &page)
	next := ""
	if page < 3 {
		next = fmt.Sprintf(`,"nextLink":"https://arm.test%s?api-version=2015-04-01&$skipToken=%d"`, r.URL.Path, page+1)
	}
	body := fmt.Sprintf(`{"value":[{"eventTimestamp":"2026-11-01T00:00:0%dZ","eventDataId":"%s-%d","operationName":{"value":"a/b/write"},"status":{"value":"Succeeded"}}]%s}`, page, strings.Split(r.URL.Path, "/")[2], page, next)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// TestScopesAreAskedAtTheSameTime reads eight subscriptions: in their order, four at a time; and stops when the reader does.
func TestScopesAreAskedAtTheSameTime(t *testing.T) {
	t.Parallel()
	var scopes []activity.Scope
	var want []string
	for i := range 8 {
		scopes = append(scopes, activity.Scope(fmt.Sprintf("0000000%d-0000-4000-8000-000000000000", i)))
		for page := range 3 {
			want = append(want, fmt.Sprintf("%s-%d", string(scopes[i]), page+1))
		}
	}
	log := ActivityLog{Scopes: scopes, REST: REST{Client: &http.Client{Transport: slowARM{}}, Endpoint: "https://arm.test", Token: func(context.Context) (string, error) { return "t", nil }}}
	f := Filter{Window: Window{From: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)}}
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var got []string
		for found, err := range log.Find(t.Context(), f) {
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range found.Events {
				got = append(got, e.EventID)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want every page in the order of the scopes", got)
		}
		if took := time.Since(began); took > 24*20*time.Millisecond/3 {
			t.Errorf("24 pages took %s, want less than a third of one after the other", took)
		}
		for range log.Find(t.Context(), f) {
			break // goroutines that stay behind fail the bubble
		}
	})
}
