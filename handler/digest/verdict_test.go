package digest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/digest/digesttest"
	"github.com/auditbell/auditbell/handler/source"
)

// TestTruthTableOfVerdicts: what is known of a month, and what the report may say of it. Every form that a reader meets
// says the same: statement, subject, manifest, JSON.
func TestTruthTableOfVerdicts(t *testing.T) {
	t.Parallel()
	whole := digest.Ledger{Expected: 1488, Checked: 1488, Settled: 1488, Matched: 1488}
	with := func(change func(*digest.Ledger)) *digest.Ledger { l := whole; change(&l); return &l }
	record := string(digesttest.AppendREST(nil, digesttest.All(digesttest.Options{Seed: 22, Operations: 3, Quiet: true})[0])) + "\n"
	const undated = `{"eventDataId":"x","operationName":{"value":"Microsoft.Storage/storageAccounts/delete"},"status":{"value":"Succeeded"},"category":{"value":"Administrative"},"subscriptionId":"s"}` + "\n"
	after := localOctober.To.Add(27 * time.Hour)
	for _, c := range []struct {
		name     string
		lines    string
		evidence *digest.Evidence
		now      time.Time
		record   digest.Verdict
		inTime   digest.Verdict
		reason   string // of the verdict on the record
	}{
		{name: "an empty file", record: digest.NotKnown, inTime: digest.NotKnown, reason: "none of 745 hours was compared"},
		{name: "files alone", lines: record, record: digest.NotKnown, inTime: digest.NotKnown, reason: "none of 745 hours was compared"},
		{name: "a line that is no JSON", lines: record + "{\n", record: digest.Incomplete, inTime: digest.NotKnown, reason: "1 item could not be read"},
		{name: "an entry without a time", lines: record + undated, record: digest.Incomplete, inTime: digest.NotKnown, reason: "1 entry has no time"},
		{name: "the store, all is well", lines: record, evidence: &digest.Evidence{Ledger: &whole, Alive: alive(localOctober)}, record: digest.Proven, inTime: digest.Proven},
		{name: "no entry, all is well", evidence: &digest.Evidence{Ledger: &whole, Alive: alive(localOctober)}, record: digest.Proven, inTime: digest.Proven},
		{name: "no one was there", evidence: &digest.Evidence{Ledger: &digest.Ledger{Off: "reconciliation is off"}, Alive: &digest.Alive{}}, record: digest.NotKnown, inTime: digest.Incomplete, reason: "none of 745 hours was compared with what Azure lists: reconciliation is off"},
		{name: "no hour was compared", evidence: &digest.Evidence{Ledger: &digest.Ledger{Expected: 744}, Alive: alive(localOctober)}, record: digest.NotKnown, inTime: digest.NotKnown, reason: "744 of 744 scope-hours were not compared"},
		{name: "one hour was not compared", evidence: &digest.Evidence{Ledger: with(func(l *digest.Ledger) { l.Checked--; l.Settled-- }), Alive: alive(localOctober)}, record: digest.NotKnown, inTime: digest.NotKnown, reason: "1 of 1,488 scope-hours were not compared"},
		{name: "the last look is to come", evidence: &digest.Evidence{Ledger: with(func(l *digest.Ledger) { l.Settled -= 20; l.Pending = 20 }), Alive: alive(localOctober)}, record: digest.NotKnown, inTime: digest.NotKnown, reason: "of 20 of 1,488 scope-hours is still to come"},
		{name: "entries are missing", evidence: &digest.Evidence{Ledger: with(func(l *digest.Ledger) { l.Matched--; l.Unmatched = 1 }), Alive: alive(localOctober)}, record: digest.Incomplete, inTime: digest.NotKnown, reason: "in 1 of 1,488 scope-hours entries that Azure lists are missing"},
		{name: "entries were recovered", evidence: &digest.Evidence{Ledger: with(func(l *digest.Ledger) { l.Matched--; l.Repaired, l.Entries = 1, 3 }), Alive: alive(localOctober)}, record: digest.Proven, inTime: digest.Incomplete},
		{name: "payloads were unreadable, nothing was recovered", evidence: &digest.Evidence{Ledger: &whole, Alive: alive(localOctober), Parked: map[string]int64{"invalid": 500}}, record: digest.Incomplete, inTime: digest.Proven, reason: "500 payloads arrived unreadable"},
		{name: "payloads were unreadable, the comparison found them", evidence: &digest.Evidence{Ledger: with(func(l *digest.Ledger) { l.Repaired, l.Entries = 1, 2 }), Alive: alive(localOctober), Parked: map[string]int64{"invalid": 2}}, record: digest.Proven, inTime: digest.Incomplete},
		{name: "the daily test is accepted only", evidence: &digest.Evidence{Ledger: &whole, Alive: acceptedOnly()}, record: digest.Proven, inTime: digest.NotKnown},
		{name: "the function did not run for hours", evidence: &digest.Evidence{Ledger: &whole, Alive: troubled(localOctober)}, record: digest.Proven, inTime: digest.Incomplete},
		{name: "an alert waits", evidence: &digest.Evidence{Ledger: &whole, Alive: alive(localOctober), Alerts: digest.AlertsOf(digest.Alert{ID: "a", Severity: "high", Deliveries: []digest.Delivery{{Destination: "slack", State: digest.Waiting}}})}, record: digest.Proven, inTime: digest.Incomplete},
		{name: "the month is still running", lines: record, evidence: &digest.Evidence{Ledger: &whole, Alive: alive(localOctober)}, now: localOctober.To.Add(-time.Hour), record: digest.NotKnown, inTime: digest.Proven, reason: "the period is still running"},
		{name: "the month has not begun", now: localOctober.From.Add(-time.Hour), record: digest.NotKnown, inTime: digest.NotKnown, reason: "the period has not begun"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.now.IsZero() {
				c.now = after
			}
			tally := mustTally(localOctober, source.Files{Inputs: inputs(file("a", c.lines))})
			r := digest.Build(tally, digest.Subject{Source: "a test", Zone: berlin, Now: c.now, Evidence: c.evidence})
			got := r.Completeness
			if got.Verdict != c.record || got.Complete != (c.record == digest.Proven) || got.InTime.Verdict != c.inTime {
				t.Errorf("the record is %s (complete: %v), delivered in time is %s; want %s and %s\n%s\n%s", got.Verdict, got.Complete, got.InTime.Verdict, c.record, c.inTime, got.Statement, got.InTime.Statement)
			}
			if !strings.Contains(strings.Join(got.Reasons, "; "), c.reason) {
				t.Errorf("reasons %q, want %q", got.Reasons, c.reason)
			}
			saysTheSame(t, r)
		})
	}
}

func acceptedOnly() *digest.Alive {
	a := alive(localOctober)
	for i := range a.Tests {
		for j := range a.Tests[i].Deliveries {
			a.Tests[i].Deliveries[j].State = digest.Accepted
		}
	}
	return a
}

// saysTheSame looks for the verdict's words in every form.
func saysTheSame(t *testing.T, r digest.Report) {
	t.Helper()
	words, inTime := r.Completeness.Verdict.Words(), r.Completeness.InTime.Verdict.InTimeWords()
	page, err := r.MailHTML(digest.Letter{})
	if err != nil || !strings.Contains(page, words) || !strings.Contains(page, inTime) || !strings.Contains(r.MailText(digest.Letter{}), words) || !strings.HasPrefix(r.Subject(), words) {
		t.Errorf("the mail does not say %q (%v)", words, err)
	}
	files, _ := bundle(t, r, nil)
	for _, name := range []string{"report.html", "report.md"} {
		if text := string(files[name].Data); !strings.Contains(text, words) || !strings.Contains(text, inTime) {
			t.Errorf("%s does not say %q and %q", name, words, inTime)
		}
	}
	if text := strings.ReplaceAll(string(read(t, files["report.pdf"].Data)), "\n", ""); !strings.Contains(text, words) || !strings.Contains(text, inTime) {
		t.Errorf("the PDF does not say %q and %q", words, inTime)
	}
	if text := string(cells(t, files["report.xlsx"].Data)); !strings.Contains(text, words) || !strings.Contains(text, inTime) {
		t.Errorf("the workbook does not say %q and %q", words, inTime)
	}
	for _, name := range []string{"manifest.json", "report.json"} {
		text := strings.ReplaceAll(string(files[name].Data), " ", "")
		if !strings.Contains(text, fmt.Sprintf(`"verdict":"%s"`, r.Completeness.Verdict)) || !strings.Contains(text, fmt.Sprintf(`"complete":%v`, r.Completeness.Complete)) {
			t.Errorf("%s does not say %s", name, r.Completeness.Verdict)
		}
	}
}
