package source

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/digest/digesttest"
)

// fakeARM answers as Azure Resource Manager does, and refuses what that would refuse: another api-version, a filter
// that is no time range with one condition, a missing token, a page that it did not announce.
type fakeARM struct {
	*httptest.Server
	records   map[string][]digesttest.Record // by subscription
	page      int                            // items in a page
	refuse    map[string][]int               // by subscription: statuses to answer first
	elsewhere string                         // where nextLink leads instead

	mu      sync.Mutex
	asked   []string // subscription and filter of every first page
	paused  []time.Duration
	skipped map[string]int // by skip token
}

var (
	listedPath = regexp.MustCompile(`^/subscriptions/([0-9a-f-]{36})/providers/Microsoft\.Insights/eventtypes/management/values$`)
	filterText = regexp.MustCompile(`^eventTimestamp ge '([^']+)'(?: and eventTimestamp le '([^']+)')?(?: and (resourceGroupName|resourceUri|resourceProvider|correlationId) eq '([^']+)')?$`)
)

func newFakeARM(t *testing.T) *fakeARM {
	a := &fakeARM{records: map[string][]digesttest.Record{}, page: 7, refuse: map[string][]int{}, skipped: map[string]int{}}
	for _, r := range digesttest.All(digesttest.Options{Seed: 11, Operations: 60}) {
		id := strings.ToLower(r.Subscription)
		a.records[id] = append(a.records[id], r)
	}
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	return a
}

func (a *fakeARM) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	path := listedPath.FindStringSubmatch(r.URL.Path)
	switch {
	case r.Header.Get("Authorization") != "Bearer secret":
		refuseARM(w, http.StatusUnauthorized, "AuthenticationFailed")
	case strings.HasSuffix(r.URL.Path, "/managementGroups/root/descendants") && r.URL.Query().Get("api-version") == "2020-05-01":
		a.descendants(w)
	case path == nil || a.records[path[1]] == nil:
		refuseARM(w, http.StatusNotFound, "SubscriptionNotFound")
	case r.URL.Query().Get("api-version") != "2015-04-01":
		refuseARM(w, http.StatusBadRequest, "InvalidApiVersionParameter")
	case len(a.refuse[path[1]]) > 0:
		w.Header().Set("Retry-After", "17")
		refuseARM(w, a.refuse[path[1]][0], "TooManyRequests")
		a.refuse[path[1]] = a.refuse[path[1]][1:]
	default:
		a.list(w, r, path[1])
	}
}

func refuseARM(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error":{"code":%q,"message":"no"}}`, code)
}

func (a *fakeARM) descendants(w http.ResponseWriter) {
	var below []map[string]string
	for id := range a.records {
		below = append(below, map[string]string{"type": "/subscriptions", "name": id}, map[string]string{"type": "Microsoft.Management/managementGroups", "name": "child"})
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"value": below})
}

func (a *fakeARM) list(w http.ResponseWriter, r *http.Request, id string) {
	token := r.URL.Query().Get("$skipToken")
	from, known := a.skipped[token]
	f := filterText.FindStringSubmatch(r.URL.Query().Get("$filter"))
	if token != "" && !known || f == nil {
		refuseARM(w, http.StatusBadRequest, "BadRequest")
		return
	}
	if token == "" {
		a.asked = append(a.asked, id+" "+f[0])
	}
	begin, _ := time.Parse(time.RFC3339Nano, f[1])
	end, _ := time.Parse(time.RFC3339Nano, f[2])
	var items []json.RawMessage
	for _, one := range a.records[id] {
		if one.Time.Before(begin) || !end.IsZero() && one.Time.After(end) || f[3] == "resourceGroupName" && !strings.EqualFold(one.Group, f[4]) {
			continue
		}
		items = append(items, digesttest.AppendREST(nil, one))
	}
	answer := map[string]any{"value": items[from:min(from+a.page, len(items))]}
	if from+a.page < len(items) {
		next := fmt.Sprint(id, "-", from+a.page)
		a.skipped[next] = from + a.page
		query := r.URL.Query()
		query.Set("$skipToken", next)
		host := a.URL
		if a.elsewhere != "" {
			host = a.elsewhere
		}
		answer["nextLink"] = host + r.URL.Path + "?" + query.Encode()
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// log is a client of the fake.
func (a *fakeARM) log() ActivityLog {
	pause := func(_ context.Context, d time.Duration) error { a.paused = append(a.paused, d); return nil }
	return ActivityLog{REST: REST{Client: a.Client(), Endpoint: a.URL, Pause: pause, Token: func(context.Context) (string, error) { return "secret", nil }}}
}

func (a *fakeARM) ids() []string {
	var ids []string
	for id := range a.records {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// wanted are the event ids that meet f, of some subscriptions.
func (a *fakeARM) wanted(f Filter, ids ...string) []string {
	var text []byte
	for _, id := range ids {
		for _, r := range a.records[id] {
			text = append(digesttest.AppendREST(text, r), '\n')
		}
	}
	found, _ := findAll(Files{Inputs: texts(text)}, f)
	return found
}

func findAll(from Finder, f Filter) (ids []string, places []Place) {
	for found, err := range from.Find(context.Background(), f) {
		if err != nil {
			return ids, append(places, Place{Reason: err.Error()})
		}
		places = append(places, found.Unreadable...)
		for _, e := range found.Events {
			ids = append(ids, e.ID)
		}
	}
	slices.Sort(ids)
	return ids, places
}

func TestActivityLogAsksWhatTheAPITakesAndAppliesTheRest(t *testing.T) {
	t.Parallel()
	a := newFakeARM(t)
	id := a.ids()[0]
	middle := a.records[id][len(a.records[id])/2]
	window := Window{From: a.records[id][0].Time, To: middle.Time} // the middle one itself is not in it
	for name, c := range map[string]struct {
		f    Filter
		text string // of the filter, behind the time
	}{
		"time only":      {Filter{Window: window}, ""},
		"resource group": {Filter{Window: window, Groups: []string{strings.ToLower(middle.Group)}}, " and resourceGroupName eq '" + strings.ToLower(middle.Group) + "'"},
		"two groups":     {Filter{Window: window, Groups: []string{strings.ToLower(middle.Group), "other"}}, ""},
		"not in the API": {Filter{Window: window, Outcomes: []activity.Outcome{activity.Succeeded}, Operations: []string{"write"}}, ""},
	} {
		log := a.log()
		log.Scopes = []activity.Scope{activity.Scope(strings.ToUpper(id))}
		got, places := findAll(log, c.f)
		want := a.wanted(c.f, id)
		if diff := cmp.Diff(want, got); diff != "" || len(places) > 0 {
			t.Errorf("%s: found (-want +got) %v:\n%s", name, places, diff)
		}
		if last := a.asked[len(a.asked)-1]; !strings.HasSuffix(last, "Z'"+c.text) || strings.Contains(last, "status") {
			t.Errorf("%s: the filter is %s, want it to end with %q", name, last, c.text)
		}
	}
}

func TestActivityLogReadsEverySubscriptionOfAManagementGroupOnce(t *testing.T) {
	t.Parallel()
	a := newFakeARM(t)
	log := a.log()
	log.Scopes, log.Below = []activity.Scope{activity.Scope(a.ids()[0])}, []string{"root"}
	f := Filter{Window: Window{From: a.records[a.ids()[0]][0].Time.AddDate(0, -2, 0)}}
	got, places := findAll(log, f)
	if diff := cmp.Diff(a.wanted(f, a.ids()...), got); diff != "" || len(places) > 0 {
		t.Errorf("found (-want +got) %v:\n%s", places, diff)
	}
	if len(a.asked) != len(a.records) || len(a.skipped) == 0 {
		t.Errorf("asked %d subscriptions of %d, with %d further pages", len(a.asked), len(a.records), len(a.skipped))
	}
}

func TestActivityLogWaitsAsLongAsItIsAsked(t *testing.T) {
	t.Parallel()
	a := newFakeARM(t)
	id := a.ids()[0]
	a.refuse[id] = []int{429, 503}
	log := a.log()
	log.Scopes = []activity.Scope{activity.Scope(id)}
	f := Filter{Window: Window{From: a.records[id][0].Time.AddDate(0, -2, 0)}}
	got, places := findAll(log, f)
	if diff := cmp.Diff(a.wanted(f, id), got); diff != "" || len(places) > 0 {
		t.Errorf("found (-want +got) %v:\n%s", places, diff)
	}
	if diff := cmp.Diff([]time.Duration{17 * time.Second, 17 * time.Second}, a.paused); diff != "" {
		t.Errorf("pauses (-want +got):\n%s", diff)
	}
}

func TestActivityLogNamesTheSubscriptionThatFails(t *testing.T) {
	t.Parallel()
	a := newFakeARM(t)
	id := a.ids()[0]
	log := a.log()
	log.Scopes = []activity.Scope{"00000000-0000-0000-0000-000000000000", activity.Scope(id)}
	f := Filter{Window: Window{From: a.records[id][0].Time.AddDate(0, -2, 0)}}
	got, places := findAll(log, f)
	if diff := cmp.Diff(a.wanted(f, id), got); diff != "" {
		t.Errorf("the other subscription's events (-want +got):\n%s", diff)
	}
	if len(places) != 1 || !strings.Contains(places[0].String(), "00000000-0000") || !strings.Contains(places[0].Reason, "SubscriptionNotFound") {
		t.Errorf("places = %v, want the unknown subscription", places)
	}
}

func TestActivityLogTakesNoTokenElsewhere(t *testing.T) {
	t.Parallel()
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a request went elsewhere, with %q", r.Header.Get("Authorization"))
	}))
	defer thief.Close()
	a := newFakeARM(t)
	a.elsewhere = thief.URL
	log := a.log()
	log.Below = []string{"root"}
	_, places := findAll(log, Filter{Window: Window{From: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}})
	if len(places) == 0 || !strings.Contains(places[0].Reason, "it leads to") {
		t.Errorf("places = %v, want the link refused", places)
	}
}
