package poll_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/host"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/poll"
	"github.com/auditbell/auditbell/handler/source"
	"github.com/auditbell/auditbell/handler/store"
	"github.com/auditbell/auditbell/local/azure"
	"github.com/auditbell/auditbell/local/cosmos"
)

// desk takes what is handed on, as a pipeline does, and may refuse it.
type desk struct {
	taken  []string // event ids of Azure's, with "late" behind those that are
	unread []string
	fail   error
}

func (d *desk) Handle(_ context.Context, b pipeline.Batch) (pipeline.Summary, error) {
	if d.fail != nil {
		return pipeline.Summary{}, d.fail
	}
	for _, e := range b.Events {
		if len(e.Record.Bytes()) == 0 {
			return pipeline.Summary{}, errors.New("an event without the record that rules read claims in")
		}
		d.taken = append(d.taken, strings.TrimSpace(e.EventID+" "+b.Late))
	}
	return pipeline.Summary{}, nil
}

func (d *desk) Unread(_ context.Context, _ pipeline.Batch, scope activity.Scope, detail string) error {
	d.unread = append(d.unread, string(scope)+": "+detail)
	return nil
}

type stage struct {
	*desk
	azure *azure.Server
	now   time.Time
	poll  *poll.Poller
}

func openStage(t *testing.T, scopes ...activity.Scope) *stage {
	t.Helper()
	s := &stage{desk: &desk{}, now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return s.now }
	account, err := cosmos.OpenDeployed(t.Context(), cosmos.Options{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	s.azure = azure.New(azure.Directory{}, clock)
	kept, arm := httptest.NewServer(account), httptest.NewServer(s.azure)
	t.Cleanup(func() { kept.Close(); arm.Close(); _ = account.Close() })
	opened, err := store.Open(store.Options{Endpoint: kept.URL + "/", Key: "a2V5", Now: clock, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	rest := source.REST{Client: http.DefaultClient, Endpoint: arm.URL, Patience: time.Second, Token: func(context.Context) (string, error) { return "token", nil }}
	s.poll = &poll.Poller{Log: source.ActivityLog{REST: rest}, Scopes: scopes, Store: opened, Pipeline: s.desk, Now: clock}
	return s
}

func (s *stage) log(id string, at, visible time.Time) {
	item := fmt.Sprintf(`{"operationName":{"value":"Microsoft.Authorization/elevateAccess/action"},"eventDataId":%q,"eventTimestamp":%q,"status":{"value":"Succeeded"},"category":{"value":"Administrative"},"resourceId":"/providers/Microsoft.Authorization","correlationId":%q}`, id, at.Format(time.RFC3339), id)
	s.azure.Log(azure.Entry{Time: at, From: visible, Item: json.RawMessage(item)})
}

func (s *stage) run(t *testing.T) error {
	t.Helper()
	_, err := s.poll.Run(t.Context(), host.Invocation{ID: "tick", Function: "tenant-activity", Logger: slog.New(slog.DiscardHandler)})
	return err
}

// TestEachEntryIsHandedOnOnce polls for four hours while entries appear up to 119 minutes after they happened.
func TestEachEntryIsHandedOnOnce(t *testing.T) {
	t.Parallel()
	s := openStage(t, activity.TenantScope)
	begin := s.now
	var want []string
	for i := range 60 {
		at := begin.Add(time.Duration(i*4) * time.Minute)
		s.log(fmt.Sprint("e", i), at, at.Add(time.Duration(i*37%120)*time.Minute))
		want = append(want, fmt.Sprint("e", i))
	}
	for s.now.Before(begin.Add(7 * time.Hour)) {
		if err := s.run(t); err != nil {
			t.Fatal(err)
		}
		s.now = s.now.Add(5 * time.Minute)
	}
	slices.Sort(want)
	if slices.Sort(s.taken); !slices.Equal(s.taken, want) {
		t.Errorf("handed on %v, want each of %v once", s.taken, want)
	}
}

// TestWhatWasNotStoredIsReadAgain has the pipeline refuse, and then a day pass without a run.
func TestWhatWasNotStoredIsReadAgain(t *testing.T) {
	t.Parallel()
	s := openStage(t, activity.TenantScope)
	s.log("one", s.now.Add(-time.Minute), s.now)
	s.fail = errors.New("the store is down")
	if err := s.run(t); !errors.Is(err, s.fail) {
		t.Fatalf("got %v, want the store's error, so that the invocation fails", err)
	}
	s.log("two", s.now.Add(time.Hour), s.now.Add(time.Hour))
	s.fail, s.now = nil, s.now.Add(24*time.Hour)
	if err := s.run(t); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.taken, []string{"one found by polling", "two found by polling"}) {
		t.Errorf("handed on %v, want both, marked as late", s.taken)
	}
}

// TestARefusalIsItsScopesOwn takes the right at the tenant away, and has a group that does not exist.
func TestARefusalIsItsScopesOwn(t *testing.T) {
	t.Parallel()
	s := openStage(t, "managementgroups/gone", activity.TenantScope)
	s.log("one", s.now.Add(-time.Minute), s.now)
	err := s.run(t)
	if err == nil || !strings.Contains(err.Error(), "management group gone") || !strings.Contains(err.Error(), "az account management-group show") {
		t.Errorf("got %v, want the group named, and what to look at", err)
	}
	if !slices.Equal(s.taken, []string{"one"}) || len(s.unread) != 0 {
		t.Errorf("handed on %v, alerts %v; want the tenant's entry, and no alert yet", s.taken, s.unread)
	}
	s.azure.Fail(azure.Fault{Prefix: "/providers/Microsoft.Insights/", Status: http.StatusForbidden, Count: 1})
	s.now = s.now.Add(31 * time.Minute)
	if err := s.run(t); err == nil || !strings.Contains(err.Error(), "az role assignment create --role Reader --scope /providers/Microsoft.Insights") {
		t.Errorf("got %v, want the command that gives the right", err)
	}
	if len(s.unread) != 1 || !strings.HasPrefix(s.unread[0], "managementgroups/gone: Since 2026-11-22 12:00 UTC") {
		t.Errorf("alerts %q, want one about the group after half an hour, and none about the tenant yet", s.unread)
	}
	if ok, detail := s.poll.Check(t.Context(), activity.TenantScope); ok || !strings.Contains(detail, "not watched, not readable since 2026-11-22 12:31 UTC") {
		t.Errorf("check: %v, %s", ok, detail)
	}
}

// TestAnEntryThatCannotBeReadIsReported has Azure list one that is no record: the others are handed on, and there is an alert.
func TestAnEntryThatCannotBeReadIsReported(t *testing.T) {
	t.Parallel()
	s := openStage(t, activity.TenantScope)
	s.azure.Log(azure.Entry{Time: s.now.Add(-time.Minute), Item: json.RawMessage(`"no record"`)})
	s.log("one", s.now.Add(-time.Minute), s.now)
	for range 8 {
		if err := s.run(t); err == nil || !strings.Contains(err.Error(), "1 entries could not be read") {
			t.Fatalf("got %v, want the entry reported", err)
		}
		s.now = s.now.Add(5 * time.Minute)
	}
	if !slices.Equal(s.taken, []string{"one"}) || len(s.unread) == 0 {
		t.Errorf("handed on %v, alerts %q; want the readable entry once, and an alert", s.taken, s.unread)
	}
}
