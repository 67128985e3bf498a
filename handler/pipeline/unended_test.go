package pipeline_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
)

// TestAnActWithoutAnEndIsNotSilent begins grants of roles, of which rules ask the end, and has Azure record one or none.
func TestAnActWithoutAnEndIsNotSilent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		role  string
		end   activity.Outcome // recorded after three hours; empty: never
		late  activity.Outcome // recorded after five
		cards []string         // what they contain
	}{
		{"Owner, no end", ownerRole, "", "", []string{"Owner role being granted"}},
		{"Reader, no end", readerRole, "", "", []string{"Reader role being granted"}},
		{"Owner, succeeded", ownerRole, activity.Succeeded, "", []string{"critical Owner role granted"}},
		{"Owner, failed", ownerRole, activity.Failed, "", nil},
		{"Owner, succeeds too late", ownerRole, "", activity.Succeeded, []string{"Owner role being granted"}},
		{"Owner, fails too late", ownerRole, "", activity.Failed, []string{"critical ", "Failed"}},
	} {
		p, cards, at := granting(t, nil)
		began := at.now()
		send(t, p, at, grantRecord("start", activity.Started, activity.FormRecords, began, assignment(c.role)))
		for hour := 1; hour <= 6; hour++ {
			at.advance(time.Hour)
			if outcome := map[int]activity.Outcome{3: c.end, 5: c.late}[hour]; outcome != "" {
				send(t, p, at, grantRecord("end", outcome, activity.FormRecords, began.Add(time.Second), ""))
			}
			for tick := range 2 {
				run(t, p, fmt.Sprint("tick", hour, tick))
				at.advance(30 * time.Second)
			}
		}
		all := strings.Join(cards.cards, "\n")
		for _, want := range c.cards {
			if !strings.Contains(all, want) {
				t.Errorf("%s: no %q in %q", c.name, want, cards.cards)
			}
		}
		if strings.HasPrefix(c.name, "Owner, succeeded") == strings.Contains(all, "not known") && len(c.cards) > 0 || len(cards.cards) != len(c.cards) {
			t.Errorf("%s: %q", c.name, cards.cards)
		}
	}
}
