package digest_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/digest/digesttest"
	"github.com/auditbell/auditbell/handler/source"
)

var berlin = mustZone("Europe/Berlin")

func mustZone(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return zone
}

// localOctober is October as Berlin has it: summer time begins it, winter time ends it, so it has 745 hours.
var localOctober = source.Window{From: time.Date(2026, 10, 1, 0, 0, 0, 0, berlin), To: time.Date(2026, 11, 1, 0, 0, 0, 0, berlin)}

func roleName(id string) string {
	return map[string]string{
		"8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner", "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor", "acdd72a7-3385-48ef-bd42-f606fba81ae7": "Reader",
	}[id]
}

// busy is a month with everything in it.
func busy(*testing.T) digest.Report { return onceBusy() }

var onceBusy, onceQuiet = sync.OnceValue(makeBusy), sync.OnceValue(makeQuiet)

func makeBusy() digest.Report { return makeMonth(3000) }

// small is busy with fewer operations: what golden files hold.
func small(*testing.T) digest.Report { return makeMonth(60) }

func makeMonth(operations int) digest.Report {
	records := digesttest.All(digesttest.Options{Seed: 21, Operations: operations})
	lines := text(records, digesttest.AppendREST) + "{\"half\": \n" + `{"metricName":"x","time":"2026-10-01T00:00:00Z"}` + "\n"
	tally := mustTally(localOctober, source.Files{Inputs: inputs(file("insights-activity-logs/PT1H.json", lines))})
	return digest.Build(tally, digest.Subject{
		Name: "monthly", Source: "the store", Zone: berlin, Now: localOctober.To.Add(6 * time.Hour), RoleName: roleName,
		Evidence: evidence(records), Before: before(),
	})
}

// quiet is a month in which nothing of note happened.
func quiet(*testing.T) digest.Report { return onceQuiet() }

func makeQuiet() digest.Report {
	records := digesttest.All(digesttest.Options{Seed: 22, Operations: 300, Quiet: true})
	tally := mustTally(localOctober, source.Files{Inputs: inputs(file("month.jsonl", text(records, digesttest.AppendREST)))})
	e := digest.Evidence{Ledger: &digest.Ledger{Expected: 1488, Checked: 1488, Settled: 1488, Matched: 1488}, Rules: evidence(nil).Rules}
	e.Alive = alive(localOctober)
	return digest.Build(tally, digest.Subject{Name: "monthly", Source: "the store", Zone: berlin, Now: localOctober.To.Add(6 * time.Hour), Evidence: &e})
}

// empty is a month without a single entry.
func empty(*testing.T) digest.Report {
	return digest.Build(digest.NewTally(localOctober), digest.Subject{Source: "files", Zone: berlin, Now: localOctober.To})
}

func before() *digest.Before {
	records := digesttest.All(digesttest.Options{Seed: 20, Operations: 2600, From: october.From.AddDate(0, -1, 0), To: october.From})
	tally := mustTally(source.Window{From: october.From.AddDate(0, -1, 0), To: october.From}, source.Files{Inputs: inputs(file("a", text(records, digesttest.AppendREST)))})
	var out bytes.Buffer
	if err := digest.JSON(&out, digest.Build(tally, digest.Subject{})); err != nil {
		panic(err)
	}
	b, err := digest.ReadBefore(&out, "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")
	if err != nil {
		panic(err)
	}
	return b
}

func mustTally(w source.Window, s source.Source) *digest.Tally {
	tally := digest.NewTally(w)
	for b, err := range s.Entries(context.Background(), tally.Vocabulary) {
		if err != nil {
			panic(err)
		}
		tally.Add(b)
	}
	return tally
}

var sampleRules = []digest.Rule{
	{ID: "role-assignment-created", Title: "Role assigned", Controls: []string{"CIS Azure 6.0.0 6.1.2.1", "SOC 2 CC6.1"}},
	{ID: "nsg-deleted", Title: "Network security group deleted", Controls: []string{"CIS Azure 6.0.0 6.1.2.4"}},
	{ID: "keyvault-deleted", Title: "Azure Key Vault Modified Or Deleted", Author: "Austin Songer @austinsonger", Controls: []string{"SOC 2 CC7.2"}},
	{ID: "vm-deleted", Title: "Virtual machine deleted", Controls: []string{"SOC 2 CC7.2"}},
	{ID: "policy-assignment-deleted", Title: "Policy assignment deleted", Controls: []string{"CIS Azure 6.0.0 6.1.2.2"}},
}

// evidence makes alerts of the records that some rules are about.
func evidence(records []digesttest.Record) *digest.Evidence {
	e := digest.Evidence{
		Rules: sampleRules, RuleSet: "4f2c", Parked: map[string]int64{"metric_alert": 12, "invalid": 1},
		Ledger: &digest.Ledger{Expected: 8940, Checked: 8940, Settled: 8940, Matched: 8931, Repaired: 9, Entries: 23},
		Staged: []digest.Count{{Name: "new-rule", N: 3}},
		Exceptions: []digest.ExceptionUse{
			{
				ID: "x-deploy", Owner: "jonas.klein@contoso.example", Reason: "nightly rebuild of the test estate", Ticket: "CHG-2041",
				Expires: october.To.AddDate(0, 2, 0), Count: 412, Rules: []digest.Count{{Name: "nsg-deleted", N: 412}},
			},
			{ID: "x-old", Owner: "olga.novak@contoso.example", Reason: "migration of key vaults", Expires: october.To.AddDate(0, 0, -9), Expired: true, Count: 3},
		},
	}
	rules := map[string]digest.Rule{
		"Microsoft.Authorization/roleAssignments/write": sampleRules[0], "Microsoft.Network/networkSecurityGroups/delete": sampleRules[1], "Microsoft.KeyVault/vaults/delete": sampleRules[2],
		"Microsoft.Compute/virtualMachines/delete": sampleRules[3],
	}
	severity := []string{"high", "medium", "critical", "low"}
	for _, r := range records {
		rule, ok := rules[r.Operation]
		if !ok || r.Status != "Succeeded" || r.Again {
			continue
		}
		n := e.Alerts.Len()
		a := digest.Alert{
			ID: fmt.Sprintf("alert-%04d", n), Rule: rule, Severity: severity[n%4], Headline: rule.Title + ": " + r.Resource[len(r.Resource)-9:], Happened: r.Time,
			Opened: r.Time.Add(12 * time.Second), Operation: r.Operation, Caller: r.Caller, Resource: r.Resource, Outcome: "Succeeded", EventID: r.EventID, Count: 1, Records: 2,
			Deliveries: []digest.Delivery{{Destination: "slack", State: digest.Confirmed, At: r.Time.Add(time.Duration(13+n) * time.Second)}, {Destination: "teams", State: digest.Accepted, At: r.Time.Add(15 * time.Second)}},
		}
		if n%3 != 0 {
			a.Answers = []digest.Answer{{Action: "acknowledged", By: "priya.brandt@contoso.example", At: a.Opened.Add(time.Duration(4+n) * time.Minute)}}
		}
		if n < 2 {
			a.JudgedBy = []digest.Basis{digest.ByLookup, digest.AtWorst}[n]
		}
		if n == 5 {
			a.Deliveries = []digest.Delivery{{Destination: "slack", State: digest.Waiting, Reason: "channel_not_found"}}
		}
		e.Alerts.Add(&a)
	}
	e.Alive = troubled(localOctober)
	return &e
}

// alive is a period in which every test was confirmed and every hour watched.
func alive(w source.Window) *digest.Alive {
	a := &digest.Alive{Since: w.From.AddDate(0, -2, 0)}
	for hour := w.From; hour.Before(w.To); hour = hour.Add(time.Hour) {
		a.Watched = append(a.Watched, hour)
	}
	n := 0
	for day := w.From.In(berlin); day.Before(w.To); day = day.AddDate(0, 0, 1) {
		sent := time.Date(day.Year(), day.Month(), day.Day(), 9, 0, 1, 0, berlin)
		n++
		a.Tests = append(a.Tests, digest.Test{
			Day: day.Format(time.DateOnly), Due: sent.Add(-time.Second), Sent: sent, Deadline: 15 * time.Minute,
			Deliveries: []digest.TestDelivery{
				{Destination: "webhook", State: digest.Confirmed, At: sent.Add(time.Duration(900+37*(n%13)) * time.Millisecond)},
				{Destination: "slack", State: digest.Confirmed, At: sent.Add(time.Duration(300+31*(n%11)) * time.Millisecond)},
			},
		})
	}
	return a
}

// troubled is one in which everything was the matter once: the 3rd and 4th have no test, on the 9th one did not arrive, on
// the 12th one was late, on the 17th one was held, on the 20th and 21st it was off, and no one watched for a night and for
// an hour.
func troubled(w source.Window) *digest.Alive {
	a := alive(w)
	a.Tests[8].Deliveries[0] = digest.TestDelivery{Destination: "webhook", State: digest.Waiting, Reason: "post: status 503 service unavailable"}
	a.Tests[11].Deliveries[1].At = a.Tests[11].Sent.Add(47 * time.Minute)
	a.Tests[16].Deliveries[1].HeldUntil = a.Tests[16].Sent.Add(4 * time.Hour)
	a.Tests[16].Deliveries[1].At = a.Tests[16].Sent.Add(4*time.Hour + 3*time.Second)
	a.Off = []string{"2026-10-20", "2026-10-21"}
	a.Tests = slices.DeleteFunc(a.Tests, func(t digest.Test) bool {
		return slices.Contains([]string{"2026-10-03", "2026-10-04", "2026-10-20", "2026-10-21"}, t.Day)
	})
	a.Watched = slices.DeleteFunc(a.Watched, func(at time.Time) bool {
		local := at.In(berlin)
		return local.Day() == 3 && local.Hour() >= 18 || local.Day() == 4 && local.Hour() < 7 || local.Day() == 14 && local.Hour() == 11
	})
	return a
}
