package source

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
)

// slowARM answers every page after 20 ms, so many for each scope, without a network: its time is the test's.
type slowARM struct {
	pages int
	asked atomic.Int64
}

func (s *slowARM) RoundTrip(r *http.Request) (*http.Response, error) {
	s.asked.Add(1)
	select {
	case <-time.After(20 * time.Millisecond):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	page := 1
	_, _ = fmt.Sscan(r.URL.Query().Get("$skipToken"), &page)
	next := ""
	if page < s.pages {
		next = fmt.Sprintf(`,"nextLink":"https://arm.test%s?api-version=2015-04-01&$skipToken=%d"`, r.URL.Path, page+1)
	}
	body := fmt.Sprintf(`{"value":[{"eventTimestamp":"2026-11-01T00:00:00Z","eventDataId":"%s-%d","operationName":{"value":"a/b/write"},"status":{"value":"Succeeded"}}]%s}`, strings.Split(r.URL.Path, "/")[2], page, next)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// log is the log of so many subscriptions.
func (s *slowARM) log(subscriptions int) ActivityLog {
	log := ActivityLog{REST: REST{Client: &http.Client{Transport: s}, Endpoint: "https://arm.test", Token: func(context.Context) (string, error) { return "t", nil }}}
	for i := range subscriptions {
		log.Scopes = append(log.Scopes, activity.Scope(fmt.Sprintf("000000%02d-0000-4000-8000-000000000000", i)))
	}
	return log
}

var fromOctober = Filter{Window: Window{From: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)}}

// TestScopesAreAskedAtTheSameTime reads months of many subscriptions, twenty at a time: in as many answers' time as one
// subscription has pages, and in one order, a page of each in turn. What is more than twenty follows them.
func TestScopesAreAskedAtTheSameTime(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ subscriptions, pages, rounds int }{{1, 3, 1}, {20, 30, 1}, {25, 3, 2}, {40, 12, 2}} {
		synctest.Test(t, func(t *testing.T) {
			service := &slowARM{pages: c.pages}
			log := service.log(c.subscriptions)
			var got, want []string
			for some := range slices.Chunk(log.Scopes, 20) {
				for page := range c.pages {
					for _, scope := range some {
						want = append(want, fmt.Sprintf("%s-%d", string(scope), page+1))
					}
				}
			}
			began := time.Now()
			for found, err := range log.Find(t.Context(), fromOctober) {
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range found.Events {
					got = append(got, e.EventID)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%d subscriptions: got %v, want a page of each in turn", c.subscriptions, got)
			}
			if took, most := time.Since(began), time.Duration(c.rounds*c.pages)*20*time.Millisecond; took > most {
				t.Errorf("%d pages of %d subscriptions took %s, want %s: twenty at a time", len(want), c.subscriptions, took, most)
			}
			if asked := service.asked.Load(); asked != int64(len(want)) {
				t.Errorf("%d requests for %d pages", asked, len(want))
			}
		})
	}
}

// TestScopesWaitForTheirReader has a reader who stays with the first page: each scope has two more at most, and what was
// begun ends with the reader.
func TestScopesWaitForTheirReader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := &slowARM{pages: 30}
		for range service.log(25).Find(t.Context(), fromOctober) {
			<-time.After(time.Minute)
			if asked := service.asked.Load(); asked != 1+20*2 {
				t.Errorf("%d pages were asked for, want the reader's and two of each of twenty", asked)
			}
			break // goroutines that stay behind fail the bubble
		}
	})
}
