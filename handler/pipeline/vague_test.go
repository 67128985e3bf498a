package pipeline_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
)

// What sets an operation apart may come after its end was shown: the records of an act come in any order. A channel without
// edits is sent it, though neither severity nor count is another.
func TestWhatBecomesKnownOfAnOperationIsNews(t *testing.T) {
	t.Parallel()
	p, end, at := granting(t, nil)
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	const principal = "99998888-7777-6666-5555-444433332222"
	record := func(n int, o activity.Outcome, body string) activity.Event {
		e := grantRecord(fmt.Sprint("r", n, o), o, activity.FormRecords, noon.Add(time.Duration(n)*time.Second), body)
		e.CorrelationID, e.ResourceName = fmt.Sprint("c", n), fmt.Sprint(n)
		e.ResourceID = "/subscriptions/s/providers/microsoft.authorization/roleassignments/" + e.ResourceName
		return e
	}
	minute := func() {
		at.advance(40 * time.Second)
		run(t, p, at.now().String())
	}
	send(t, p, at, record(1, activity.Succeeded, "")) // an alert of the milder rule, which becomes grave
	send(t, p, at, record(1, activity.Started, assignment(ownerRole)))
	minute()
	send(t, p, at, record(2, activity.Succeeded, ""))
	minute()
	before := len(end.cards)
	send(t, p, at, record(2, activity.Started, strings.ReplaceAll(assignment(ownerRole), "22222222-2222-4222-8222-222222222222", principal)))
	minute()
	minute()
	if got := end.cards[before:]; len(got) != 1 || !strings.Contains(got[0], principal) {
		t.Errorf("%q; want one more card, which names %s", end.cards, principal)
	}
}
