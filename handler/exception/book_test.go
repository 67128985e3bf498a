package exception_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/exception"
	"github.com/auditbell/auditbell/handler/store"
	"github.com/auditbell/auditbell/local/cosmos"
)

// shelf is a store on the stand-in, the clock of everything, and how many requests reached the account.
type shelf struct {
	*store.Store
	server   *cosmos.Server
	clock    atomic.Int64
	requests atomic.Int64
}

func (s *shelf) now() time.Time { return noon.Add(time.Duration(s.clock.Load())) }

func (s *shelf) Do(r *http.Request) (*http.Response, error) {
	s.requests.Add(1)
	return s.server.Do(r)
}

func open(t *testing.T) *shelf {
	t.Helper()
	s := &shelf{}
	var err error
	if s.server, err = cosmos.OpenDeployed(t.Context(), cosmos.Options{Now: s.now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.server.Close() })
	s.Store, err = store.Open(store.Options{Endpoint: "http://cosmos.test/", Key: "a2V5", Transport: s, Now: s.now, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func book(t *testing.T, s *shelf, text string) *exception.Book {
	t.Helper()
	list, problems := exception.Read(fstest.MapFS{exception.File: {Data: []byte(text)}}, known, noon)
	if problems != nil {
		t.Fatal(problems)
	}
	return exception.NewBook(list, s, s.now)
}

func event(n int) activity.Event {
	return activity.Event{ID: fmt.Sprintf("e%d", n), Time: activity.At(noon), Caller: "rob@contoso.example", ResourceGroup: "rg-1", SubscriptionID: "s1"}
}

// judge puts a verdict into words.
func judge(t *testing.T, b *exception.Book, e activity.Event, rules ...string) string {
	t.Helper()
	var met []alert.Rule
	for _, id := range rules {
		met = append(met, alert.Rule{ID: id})
	}
	v, err := b.Judge(t.Context(), e, met)
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, r := range v.Left {
		words = append(words, "rings:"+r.ID)
	}
	for _, x := range v.By {
		words = append(words, "by:"+x.Owner)
	}
	for _, x := range v.Lapsed {
		words = append(words, "lapsed:"+x.Owner)
	}
	return strings.Join(words, " ")
}

const two = `exceptions:
  - {rules: [r1], match: {resource_group: rg-1}, owner: ana, reason: x, expires: 2026-12-31}
  - {rules: [r2], match: {resource_group: rg-1}, owner: bob, reason: x, expires: 2026-11-20}
`

func TestJudge(t *testing.T) {
	t.Parallel()
	b := book(t, open(t), two)
	elsewhere := event(9)
	elsewhere.ResourceGroup = "rg-2"
	for _, c := range []struct {
		name  string
		e     activity.Event
		rules []string
		want  string
	}{
		{"covered", event(1), []string{"r1"}, "by:ana"},
		{"covered by an expired one", event(2), []string{"r2"}, "rings:r2 lapsed:bob"},
		{"the same record again", event(2), []string{"r2"}, "rings:r2 lapsed:bob"},
		{"a later record", event(3), []string{"r2"}, "rings:r2"},
		{"some of its rules covered", event(4), []string{"r1", "r3"}, "rings:r3 by:ana"},
		{"not covered", elsewhere, []string{"r1", "r2"}, "rings:r1 rings:r2"},
	} {
		if got := judge(t, b, c.e, c.rules...); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestAnnouncingIsSharedBetweenInstances(t *testing.T) {
	t.Parallel()
	s := open(t)
	one, two := book(t, s, two), book(t, s, two)
	if got := judge(t, one, event(1), "r2"); got != "rings:r2 lapsed:bob" {
		t.Errorf("first: %q", got)
	}
	if got := judge(t, two, event(2), "r2"); got != "rings:r2" {
		t.Errorf("another instance tells it again: %q", got)
	}
	if got := judge(t, two, event(1), "r2"); got != "rings:r2 lapsed:bob" {
		t.Errorf("the first record, delivered again to the other instance: %q", got)
	}
}

// click is an exception as "mark as expected" makes it of an alert on event(1) and r1.
func click(s *shelf, length time.Duration) alert.Exception {
	a := alert.New(alert.Finding{Event: event(1), Rule: alert.Rule{ID: "r1"}}, s.now())
	return a.Expect(alert.Act{ID: "act-1", By: alert.Person{ID: "U1", Name: "ana"}, At: s.now(), Until: s.now().Add(length), Reason: "clicked"})
}

func TestAClickAppliesHereAtOnceAndElsewhereSoon(t *testing.T) {
	t.Parallel()
	s := open(t)
	here, there := book(t, s, ""), book(t, s, "")
	for _, b := range []*exception.Book{here, there} {
		if got := judge(t, b, event(1), "r1"); got != "rings:r1" {
			t.Fatalf("before: %q", got)
		}
	}
	if err := here.Keep(t.Context(), click(s, time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := judge(t, here, event(2), "r1"); got != "by:@ana" {
		t.Errorf("here: %q, want it to apply at once", got)
	}
	s.clock.Store(int64(29 * time.Second))
	if got := judge(t, there, event(2), "r1"); got != "rings:r1" {
		t.Errorf("elsewhere after 29 s: %q; the store is read once in 30 s", got)
	}
	s.clock.Store(int64(30 * time.Second))
	if got := judge(t, there, event(2), "r1"); got != "by:@ana" {
		t.Errorf("elsewhere after 30 s: %q", got)
	}
	s.clock.Store(int64(time.Hour))
	if got := judge(t, here, event(3), "r1"); got != "rings:r1 lapsed:@ana" {
		t.Errorf("when it is over: %q", got)
	}
}

func TestTheStoreIsNotAskedForEveryFinding(t *testing.T) {
	t.Parallel()
	s := open(t)
	b := book(t, s, two)
	judge(t, b, event(0), "r2")
	before := s.requests.Load()
	for n := range 1000 {
		judge(t, b, event(n), "r1", "r2", "r3")
	}
	if got := s.requests.Load() - before; got != 0 {
		t.Errorf("1000 findings made %d requests", got)
	}
}

func TestCountAddsUpOnce(t *testing.T) {
	t.Parallel()
	s := open(t)
	b := book(t, s, two)
	all, err := b.All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, 2, 1} {
		if _, err := b.Count(t.Context(), all, event(n)); err != nil {
			t.Fatal(err)
		}
	}
	uses, err := s.Uses(t.Context())
	if err != nil || uses[all[0].ID].Records != 2 || uses[all[1].ID].Records != 2 {
		t.Errorf("%+v, %v; want two records under each", uses, err)
	}
}

func TestAStoreThatIsDownIsAnError(t *testing.T) {
	t.Parallel()
	s := open(t)
	b := book(t, s, "")
	s.server.Inject(cosmos.Fault{Status: http.StatusServiceUnavailable})
	if _, err := b.Judge(t.Context(), event(1), []alert.Rule{{ID: "r1"}}); err == nil {
		t.Error("a finding is judged without knowing the exceptions; it must come again instead")
	}
}
