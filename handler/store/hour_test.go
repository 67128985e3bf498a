package store_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
)

// farAway is an account whose every answer takes 10 ms.
type farAway struct{ counting }

func (f *farAway) Do(r *http.Request) (*http.Response, error) {
	<-time.After(10 * time.Millisecond)
	return f.counting.Do(r)
}

// TestAnHourTakesTwoRoundTrips reads an hour of an account that is 10 ms away: 16 shards, eight at a time, with the same
// events in the same order each time; and stops asking when its reader does.
func TestAnHourTakesTwoRoundTrips(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := open(t)
		var want []string
		for n := range 100 {
			e := event(n, activity.Succeeded)
			if _, _, err := a.Append(t.Context(), e, "test"); err != nil {
				t.Fatal(err)
			}
			want = append(want, e.ID)
		}
		far := &farAway{counting{transporter: a.server}}
		s := a.another(t, far)
		read := func(most int) (ids []string, took time.Duration) {
			began := time.Now()
			for e, err := range s.Hour(t.Context(), epoch) {
				if err != nil {
					t.Fatal(err)
				}
				if ids = append(ids, e.ID); len(ids) == most {
					break
				}
			}
			return ids, time.Since(began)
		}
		read(1000) // what a client asks once
		far.asked.Store(0)
		first, took := read(1000)
		if asked := far.asked.Load(); took > 30*time.Millisecond || asked != 16 {
			t.Errorf("%d requests took %s, want 16 in two rounds of 10 ms", asked, took)
		}
		again, _ := read(1000)
		if !slices.Equal(first, again) {
			t.Errorf("read again it is in another order: %s", strings.Join(again, " "))
		}
		slices.Sort(first)
		slices.Sort(want)
		if fmt.Sprint(first) != fmt.Sprint(want) {
			t.Errorf("read %v, want %v", first, want)
		}
		far.asked.Store(0)
		read(1)
		if asked := far.asked.Load(); asked > 9 {
			t.Errorf("%d requests for one event", asked)
		}
	})
}
