package pipeline_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/handler/settings"
	"github.com/auditbell/auditbell/handler/store"
	"github.com/auditbell/auditbell/local/cosmos"
)

// headlines is an end that keeps what it got: first messages, and edits after "edit: ".
type headlines struct {
	mu   sync.Mutex
	sent []string
}

func (h *headlines) Deliver(_ context.Context, m notify.Message, prev notify.Ref) (notify.Ref, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	line := m.Headline
	for _, f := range m.Facts {
		if f.Name == "Reported late" {
			line += " [" + f.Value + "]"
		}
	}
	if !prev.Zero() {
		line = "edit: " + line
	}
	h.sent = append(h.sent, line)
	return notify.Ref{Channel: "C", ID: m.ID}, nil
}

// lateHouse is a pipeline on a real store, at a time of its own.
func lateHouse(t *testing.T) (*pipeline.Pipeline, *headlines, *fakeClock) {
	t.Helper()
	p, end, at, _ := storedHouse(t)
	return p, end, at
}

// storedHouse is lateHouse and its store.
func storedHouse(t *testing.T) (*pipeline.Pipeline, *headlines, *fakeClock, *store.Store) {
	t.Helper()
	at := &fakeClock{at: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	account, err := cosmos.OpenDeployed(t.Context(), cosmos.Options{Now: at.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = account.Close() })
	kept, err := store.Open(store.Options{Endpoint: "http://cosmos.test/", Key: "a2V5", Transport: transport{account}, Now: at.now, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	all, err := rules.Load(fstest.MapFS{"rule.yml": {Data: []byte(rule)}}, ".")
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.Compile(all)
	if err != nil {
		t.Fatal(err)
	}
	end := &headlines{}
	return wire(kept, &pipeline.Judge{Rules: set, Routes: []settings.Route{{To: []string{"channel"}}}}, &pipeline.Composer{},
		pipeline.Channels{Destinations: map[string]notify.Destination{"channel": end}}), end, at, kept
}

// deleted is a record of the n-th policy assignment that Rob deleted.
func deleted(n int, at time.Time) activity.Event {
	return activity.Event{
		ID: fmt.Sprint("e", n), Time: activity.At(at), Category: activity.Administrative, Outcome: activity.Succeeded,
		Operation: "microsoft.authorization/policyassignments/delete", CorrelationID: fmt.Sprint("c", n), Caller: "rob@contoso.example",
		SubscriptionID: "s", ResourceGroup: "rg", ResourceID: fmt.Sprint("/subscriptions/s/", n), ResourceName: fmt.Sprint("pa-", n),
	}
}

func handle(t *testing.T, p *pipeline.Pipeline, late string, events ...activity.Event) pipeline.Summary {
	t.Helper()
	b := pipeline.Batch{ID: fmt.Sprintf("b%p", &events), Function: "feed", Logger: slog.New(slog.DiscardHandler), Events: events, Late: late}
	sum, err := p.Handle(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// TestWhatIsToldLateSaysSo rings a deletion of today and, within its window, two of last month by the same person.
func TestWhatIsToldLateSaysSo(t *testing.T) {
	t.Parallel()
	p, end, at, kept := storedHouse(t)
	handle(t, p, "", deleted(1, at.now()))
	month := at.now().AddDate(0, -1, 0)
	handle(t, p, "replayed on 2026-11-22", deleted(2, month))
	handle(t, p, "replayed on 2026-11-22", deleted(3, month.AddDate(0, 0, 3)))
	handle(t, p, "found by reconciliation", deleted(4, month))
	deliver := func() int {
		_, owing, err := p.DeliverLate(t.Context(), pipeline.Batch{ID: "run", Logger: slog.New(slog.DiscardHandler)}, "replayed")
		if err != nil {
			t.Fatal(err)
		}
		return len(owing)
	}
	if first, second := deliver(), deliver(); first != 1 || second != 0 {
		t.Errorf("%d alerts were owing and then %d, want 1 and 0: the others are not ours", first, second)
	}
	got := strings.Join(end.sent, "\n")
	want := `Policy assignment deleted: pa-1
Reported late: Policy assignment deleted: pa-2 (×2) [replayed on 2026-11-22; the first happened at 2026-10-22 12:00:00 UTC]`
	if got != want {
		t.Errorf("the channel got\n%s\nwant\n%s", got, want)
	}
	feeds, err := kept.Feeds(t.Context())
	if err != nil || len(feeds) != 1 || len(feeds[0].Hours) != 1 || feeds[0].Hours[0].N != 1 {
		t.Errorf("feeds are %+v (%v): what was looked up is no sign of life of a feed", feeds, err)
	}
}

// TestWhatRangDoesNotRingAgain hands a record of three months ago over once more, through another form of it: its
// alert is as old, and what points to the alert must have lived as long.
func TestWhatRangDoesNotRingAgain(t *testing.T) {
	t.Parallel()
	p, end, at := lateHouse(t)
	then := at.now()
	handle(t, p, "", deleted(1, then))
	at.advance(95 * 24 * time.Hour)
	again := deleted(1, then)
	again.ID, again.Form = "e1-exported", activity.FormRecords
	if sum := handle(t, p, "replayed", deleted(1, then), again); sum.Opened != 0 || len(end.sent) != 1 {
		t.Errorf("%d alerts and the channel got %q", sum.Opened, end.sent)
	}
}

// TestLateStormsStayApart floods the channel with alerts of today and of last month: two summaries, one of them marked.
func TestLateStormsStayApart(t *testing.T) {
	t.Parallel()
	p, end, at := lateHouse(t)
	month := at.now().AddDate(0, -1, 0)
	flood := func(late string, from int, when time.Time) {
		var events []activity.Event
		for n := range 200 {
			e := deleted(from+n, when)
			e.ResourceGroup = fmt.Sprint("rg-", from+n) // an alert each
			events = append(events, e)
		}
		handle(t, p, late, events...)
	}
	flood("", 1000, at.now())
	flood("replayed", 2000, month)
	at.advance(2 * time.Second)
	for range 3 {
		at.advance(time.Minute)
		if _, err := p.DeliverDue(t.Context(), pipeline.Batch{ID: fmt.Sprint("t", at.now().Unix()), Logger: slog.New(slog.DiscardHandler)}); err != nil {
			t.Fatal(err)
		}
	}
	storms := map[bool]int{}
	for _, line := range end.sent {
		if strings.Contains(line, "Alert storm") && !strings.HasPrefix(line, "edit: ") {
			storms[strings.HasPrefix(line, "Reported late: ")]++
		}
	}
	if storms[true] != 1 || storms[false] != 1 {
		t.Errorf("%d summaries are of today and %d of the past, want one each: %q", storms[false], storms[true], end.sent[max(0, len(end.sent)-6):])
	}
}

// TestWhatComesLateIsLookedUpToo has reconciliation find a grant whose role no record carries, while Azure answers and while
// it does not at first.
func TestWhatComesLateIsLookedUpToo(t *testing.T) {
	t.Parallel()
	for silences, rules := range map[int]func(*testing.T, *pipeline.Pipeline, string){0: nil, 2: only} {
		m := &manager{silences: silences, found: answer(ownerRole, time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))}
		p, cards, at := granting(t, m)
		if rules != nil {
			rules(t, p, "high") // no rule matches before Azure has answered
		}
		handle(t, p, "found by reconciliation", grantRecord("listed", activity.Succeeded, activity.FormREST, at.now().Add(-5*time.Hour), ""))
		for tick := range 3 {
			at.advance(30 * time.Second)
			run(t, p, fmt.Sprint("tick", tick))
		}
		if len(cards.cards) != 1 || !strings.HasPrefix(cards.cards[0], "critical ") || !strings.Contains(cards.cards[0], "Owner role granted") || !strings.Contains(cards.cards[0], "found by reconciliation") {
			t.Errorf("after %d silences: %q", silences, cards.cards)
		}
	}
}
