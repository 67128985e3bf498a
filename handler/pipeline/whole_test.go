package pipeline_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/lookup"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/handler/rules/rulestest"
)

const (
	ownerRole  = "/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
	readerRole = "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"
)

func assignment(role string) string {
	return fmt.Sprintf(`{"properties":{"roleDefinitionId":%q,"principalId":"22222222-2222-4222-8222-222222222222","principalType":"User"}}`, role)
}

// manager answers what a resource is, and how often it was asked.
type manager struct {
	mu    sync.Mutex // asked, while a batch is judged
	found alert.Learned
	later bool
	asked int

	silences int // questions that it does not answer first
}

func (m *manager) For(e *activity.Event) []string {
	if e.Properties.SaysWhat() {
		return nil
	}
	return []string{"resource"}
}

func (m *manager) Look(_ context.Context, _ activity.Event, names []string) (alert.Learned, []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked++
	if m.later || m.asked <= m.silences {
		return alert.Learned{}, names
	}
	return m.found, nil
}

// granting is a pipeline with the rule library, whose first messages go to end.
func granting(t *testing.T, m *manager) (*pipeline.Pipeline, *uneditable, *fakeClock) {
	t.Helper()
	end := &uneditable{}
	p, at := alerting(t, "low", end)
	end.at = at.now
	if p.Rules = library(t); m != nil {
		p.Lookups = m
	}
	return p, end, at
}

// library is the rule library, compiled.
func library(t *testing.T) *rules.Set {
	t.Helper()
	_, set := rulestest.Library(t)
	return set
}

// grant is a record of an assignment on a subscription.
func grantRecord(id string, o activity.Outcome, form activity.Form, at time.Time, body string) activity.Event {
	e := activity.Event{
		ID: id, Form: form, Time: activity.At(at), Category: activity.Administrative, Outcome: o, Operation: "microsoft.authorization/roleassignments/write",
		CorrelationID: "c-grant", Caller: "rob@contoso.example", SubscriptionID: "s",
		ResourceID: "/subscriptions/s/providers/microsoft.authorization/roleassignments/1", ResourceName: "1",
	}
	if body != "" {
		e.Properties = activity.Properties(`{"requestbody":` + body + `}`)
	}
	return e
}

func send(t *testing.T, p *pipeline.Pipeline, at *fakeClock, events ...activity.Event) {
	t.Helper()
	b := pipeline.Batch{ID: fmt.Sprint("b", at.now().UnixNano()), Function: "feed", Logger: slog.New(slog.DiscardHandler), Events: events}
	if _, err := p.Handle(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	at.advance(time.Second)
}

// TestAnOwnerGrantIsJudgedByWhatIsKnown grants Owner, with the role in the start's body only, in any order, in one feed
// or two, and then known to Azure alone, or not at all.
func TestAnOwnerGrantIsJudgedByWhatIsKnown(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	start := grantRecord("start", activity.Started, activity.FormRecords, noon, assignment(ownerRole))
	end := grantRecord("end", activity.Succeeded, activity.FormRecords, noon.Add(time.Second), "")
	grid := grantRecord("grid", activity.Succeeded, activity.FormEventGrid, noon.Add(time.Second), "")
	padded := grantRecord("padded", activity.Started, activity.FormRecords, noon, strings.Replace(assignment(ownerRole), `{"properties":{`, `{"properties":{"description":"`+strings.Repeat("x", 20_000)+`",`, 1))
	harmless := grantRecord("harmless", activity.Started, activity.FormRecords, noon.Add(-time.Minute), assignment(readerRole))
	harmlessEnd := grantRecord("harmless-end", activity.Succeeded, activity.FormRecords, noon.Add(-50*time.Second), "")
	progress := grid
	progress.ID, progress.Properties = "progress", activity.Properties(`{"requestbody":"","responseBody":{"status":"Succeeded"}}`)
	eve := start
	eve.ID, eve.Caller = "eve", "eve@example.com"
	for _, c := range []struct {
		name    string
		manager *manager
		records []activity.Event
		want    string // of the first card
		cards   int
	}{
		{"start, end", nil, []activity.Event{start, end}, "critical", 1},
		{"end, start: the severity rises", nil, []activity.Event{end, start}, "medium", 2},
		{"start through the export, end through Event Grid", nil, []activity.Event{start, grid}, "critical", 1},
		{"a start of another caller is not of this act", nil, []activity.Event{eve, end}, "medium", 1},
		{"a body larger than what records usually keep", nil, []activity.Event{padded, end}, "critical", 1},
		{"the same request under the same id, harmless before: both are seen", nil, []activity.Event{harmless, harmlessEnd, start, end}, "medium", 2},
		{"a harmless start, whose end is there, and an end whose start is not", &manager{found: alert.Learned{Body: activity.Properties(assignment(ownerRole)), AsOf: noon}}, []activity.Event{harmless, harmlessEnd, end}, "medium", 2},
		{"the answer says only that it has succeeded", &manager{found: alert.Learned{Body: activity.Properties(assignment(ownerRole)), AsOf: noon}}, []activity.Event{progress}, "critical", 1},
		{"Event Grid alone, Azure answers Owner", &manager{found: alert.Learned{Body: activity.Properties(assignment(ownerRole)), AsOf: noon}}, []activity.Event{grid}, "critical", 1},
		{"Event Grid alone, Azure answers Reader", &manager{found: alert.Learned{Body: activity.Properties(assignment(readerRole)), AsOf: noon}}, []activity.Event{grid}, "medium", 1},
		{"gone before it was read", &manager{found: alert.Learned{Missing: "it was gone when it was read"}}, []activity.Event{grid}, "critical", 1},
		{"Azure does not answer for a minute", &manager{later: true}, []activity.Event{grid}, "medium", 2},
	} {
		p, cards, at := granting(t, c.manager)
		for _, e := range c.records {
			send(t, p, at, e)
		}
		for range 5 {
			at.advance(20 * time.Second)
			run(t, p, fmt.Sprint("tick", at.now().UnixNano()))
		}
		if len(cards.cards) != c.cards || !strings.HasPrefix(cards.cards[0], c.want+" ") {
			t.Errorf("%s: %q; want %d, the first %s", c.name, cards.cards, c.cards, c.want)
			continue
		}
		if last := cards.cards[len(cards.cards)-1]; c.cards == 2 && !strings.Contains(last, "now CRITICAL") && !strings.HasPrefix(last, "critical ") {
			t.Errorf("%s: the last card is %q", c.name, last)
		}
		if last := cards.cards[len(cards.cards)-1]; c.cards == 2 && c.manager == nil && !strings.Contains(last, "22222222-2222-4222-8222-222222222222") {
			t.Errorf("%s: the last card, which cannot be edited, does not say who got the role: %q", c.name, last)
		}
	}
}

// TestAnEndThatMetNoRuleIsJudgedByItsStart has the start come after the end, with rules that need the role.
func TestAnEndThatMetNoRuleIsJudgedByItsStart(t *testing.T) {
	t.Parallel()
	p, cards, at := granting(t, nil)
	only(t, p, "high")
	noon := at.now()
	send(t, p, at, grantRecord("end", activity.Succeeded, activity.FormEventGrid, noon.Add(time.Second), ""))
	start := grantRecord("start", activity.Started, activity.FormRecords, noon, assignment(ownerRole))
	for range 2 { // it may be delivered again
		send(t, p, at, start)
		at.advance(30 * time.Second)
		run(t, p, fmt.Sprint("tick", at.now()))
	}
	if len(cards.cards) != 1 || !strings.HasPrefix(cards.cards[0], "critical Owner role granted") {
		t.Errorf("cards: %q", cards.cards)
	}
}

// TestADeletionNamesWhatWasGranted deletes an assignment, of which Event Grid names the id alone.
func TestADeletionNamesWhatWasGranted(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]*manager{
		"the grant was exported": nil, "Azure answered what was granted": {found: alert.Learned{Body: activity.Properties(assignment(ownerRole)), AsOf: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}},
	} {
		p, cards, at := granting(t, m)
		if m == nil {
			send(t, p, at, grantRecord("start", activity.Started, activity.FormRecords, at.now(), assignment(ownerRole)))
		}
		send(t, p, at, grantRecord("end", activity.Succeeded, activity.FormEventGrid, at.now(), ""))
		at.advance(24 * time.Hour)
		gone := grantRecord("gone", activity.Succeeded, activity.FormEventGrid, at.now(), "")
		gone.Operation, gone.CorrelationID = "microsoft.authorization/roleassignments/delete", "c-delete"
		send(t, p, at, gone)
		last := cards.cards[len(cards.cards)-1]
		if !strings.HasPrefix(last, "low Owner role removed") || !strings.Contains(last, "22222222-2222-4222-8222-222222222222") {
			t.Errorf("%s: %q", name, last)
		}
	}
}

// TestWhatIsNotLookedUpIsTheGravestItCouldBe switches the lookup off. What records carry, the act's own batch too, is judged by that.
func TestWhatIsNotLookedUpIsTheGravestItCouldBe(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	end := grantRecord("end", activity.Succeeded, activity.FormRecords, noon.Add(time.Second), "")
	start := func(role string) activity.Event {
		return grantRecord("start", activity.Started, activity.FormRecords, noon, assignment(role))
	}
	unreadable := end
	unreadable.ResourceID = "/subscriptions/s/providers/microsoft.compute/virtualmachines/1"
	for _, c := range []struct {
		name    string
		records []activity.Event // of one batch
		want    string           // of the first card about the act
		ours    int
	}{
		{"no record carries the role", []activity.Event{end}, "critical ", 1},
		{"the start, in the same batch, carries Owner", []activity.Event{end, start(ownerRole)}, "critical Owner", 0},
		{"the start, in the same batch, carries Reader", []activity.Event{end, start(readerRole)}, "medium Reader", 0},
		{"Azure could not be asked", []activity.Event{unreadable}, "medium Role", 0},
	} {
		p, cards, at := granting(t, nil)
		p.Unasked = lookup.IsReadable
		send(t, p, at, c.records...)
		for tick := range 3 {
			at.advance(30 * time.Second)
			run(t, p, fmt.Sprint("tick", tick))
		}
		var act, ours []string
		for _, card := range cards.cards {
			if strings.Contains(card, "does not look up") {
				ours = append(ours, card)
			} else {
				act = append(act, card)
			}
		}
		if len(act) != 1 || !strings.HasPrefix(act[0], c.want) || len(ours) != c.ours {
			t.Errorf("%s: %q and %d about ourselves; want one, %q, and %d", c.name, act, len(ours), c.want, c.ours)
		}
	}
}

// TestWhatIsLearnedLaterReachesEveryChannel has an act alerted as the gravest it could be; then its start, which comes late,
// names who got which role. The severity stays as it was.
func TestWhatIsLearnedLaterReachesEveryChannel(t *testing.T) {
	t.Parallel()
	for _, edits := range []bool{false, true} {
		p, cards, at := granting(t, nil)
		cards.edits, p.Unasked = edits, lookup.IsReadable
		began := at.now()
		send(t, p, at, grantRecord("end", activity.Succeeded, activity.FormRecords, began.Add(time.Second), ""))
		send(t, p, at, grantRecord("start", activity.Started, activity.FormRecords, began, assignment(ownerRole)))
		for tick := range 2 {
			at.advance(30 * time.Second)
			run(t, p, fmt.Sprint("tick", tick))
		}
		if all := strings.Join(cards.shown, "\n"); !strings.Contains(all, "now known: 1 (Owner, 22222222-2222-4222-8222-222222222222 (user))") {
			t.Errorf("edits %v: %q", edits, cards.shown)
		}
	}
}

// TestAWriteToWhatStandsOpenAlready has Event Grid report a write to an account, without its request: Azure answers how the account
// stands, and one that is open alerts as one that the write opened, each time. Where the request is known it decides.
func TestAWriteToWhatStandsOpenAlready(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	const open, shut = `{"properties":{"networkAcls":{"defaultAction":"Allow"}}}`, `{"properties":{"networkAcls":{"defaultAction":"Deny"}}}`
	for _, c := range []struct {
		stands, request string
		alerts          bool
	}{{open, "", true}, {shut, "", false}, {open, shut, false}, {shut, open, true}} {
		p, cards, at := granting(t, &manager{found: alert.Learned{Body: activity.Properties(c.stands), AsOf: noon}})
		for i := range 2 {
			e := grantRecord(fmt.Sprint("w", i), activity.Succeeded, activity.FormEventGrid, noon.Add(time.Duration(i)*time.Hour), c.request)
			e.Operation, e.ResourceID, e.ResourceName = "microsoft.storage/storageaccounts/write", "/subscriptions/s/resourcegroups/rg/providers/microsoft.storage/storageaccounts/st", "st"
			e.CorrelationID, e.ResourceGroup = fmt.Sprint("c", i), "rg"
			send(t, p, at, e)
			at.advance(time.Hour)
		}
		if n := len(cards.cards); (n == 2) != c.alerts || !c.alerts && n != 0 {
			t.Errorf("stands %s, request %q: %q", c.stands, c.request, cards.cards)
		}
	}
}
