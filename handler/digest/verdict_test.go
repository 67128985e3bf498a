package digest_test

import (
	"fmt"
	"regexp"
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
		words    string // the first words of the second verdict, where they are not those of its verdict alone
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
		{name: "the daily test is accepted only", evidence: &digest.Evidence{Ledger: &whole, Alive: acceptedOnly()}, record: digest.Proven, inTime: digest.NotKnown, words: "Accepted in time, not confirmed by every destination"},
		{name: "an alert is accepted only", evidence: &digest.Evidence{Ledger: &whole, Alive: alive(localOctober), Alerts: sentTo(digest.Accepted)}, record: digest.Proven, inTime: digest.NotKnown, words: "Accepted in time, not confirmed by every destination"},
		{name: "an alert is confirmed", evidence: &digest.Evidence{Ledger: &whole, Alive: alive(localOctober), Alerts: sentTo(digest.Confirmed)}, record: digest.Proven, inTime: digest.Proven, words: "Proven alerted in time"},
		{name: "the daily test is accepted only, and an hour was not compared", evidence: &digest.Evidence{Ledger: with(func(l *digest.Ledger) { l.Checked--; l.Settled-- }), Alive: acceptedOnly()}, record: digest.NotKnown, inTime: digest.NotKnown, reason: "1 of 1,488 scope-hours were not compared", words: "Not known to have been alerted in time"},
		{name: "the daily test is accepted only, and an alert waits", evidence: &digest.Evidence{Ledger: &whole, Alive: acceptedOnly(), Alerts: sentTo(digest.Waiting)}, record: digest.Proven, inTime: digest.Incomplete, words: "Not everything was alerted in time"},
		{name: "the function did not run for hours", evidence: &digest.Evidence{Ledger: &whole, Alive: troubled(localOctober)}, record: digest.Proven, inTime: digest.Incomplete},
		{name: "an alert waits", evidence: &digest.Evidence{Ledger: &whole, Alive: alive(localOctober), Alerts: sentTo(digest.Waiting)}, record: digest.Proven, inTime: digest.Incomplete},
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
				t.Errorf("the record is %s (complete: %v), alerted in time is %s; want %s and %s\n%s\n%s", got.Verdict, got.Complete, got.InTime.Verdict, c.record, c.inTime, got.Statement, got.InTime.Statement)
			}
			if !strings.Contains(strings.Join(got.Reasons, "; "), c.reason) {
				t.Errorf("reasons %q, want %q", got.Reasons, c.reason)
			}
			if words := got.InTime.Words(); c.words != "" && words != c.words {
				t.Errorf("the second verdict begins %q, want %q", words, c.words)
			}
			saysTheSame(t, r)
		})
	}
}

// sentTo is one alert, as far as a destination took it.
func sentTo(state digest.State) digest.AlertList {
	return digest.AlertsOf(digest.Alert{ID: "a", Severity: "high", Deliveries: []digest.Delivery{{Destination: "teams", State: state}}})
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

// again are the ways to say that Azure delivered a record more than once.
var again = regexp.MustCompile(`redelivered|delivered again|however often it was delivered`)

// callsNothingDelivered looks for the word in a form: a destination confirms or accepts, and who accepts does not say that
// anything was delivered.
func callsNothingDelivered(t *testing.T, form, text string) {
	t.Helper()
	if _, after, found := strings.Cut(again.ReplaceAllString(text, ""), "elivered"); found || text == "" {
		t.Errorf("%s calls something delivered, or is empty: …%.60s", form, after)
	}
}

// saysTheSame looks for the verdict's words in every form.
func saysTheSame(t *testing.T, r digest.Report) {
	t.Helper()
	words, inTime := r.Completeness.Verdict.Words(), r.Completeness.InTime.Words()
	page, err := r.MailHTML(digest.Letter{})
	if err != nil || !strings.Contains(page, words) || !strings.Contains(page, inTime) || !strings.Contains(r.MailText(digest.Letter{}), words) || !strings.HasPrefix(r.Subject(), words) {
		t.Errorf("the mail does not say %q (%v)", words, err)
	}
	files, _ := bundle(t, r, nil)
	callsNothingDelivered(t, "the mail", page+r.MailText(digest.Letter{}))
	for _, name := range []string{"report.html", "report.md", "report.json", "manifest.json", "operations.csv"} {
		callsNothingDelivered(t, name, string(files[name].Data))
	}
	for _, name := range []string{"report.html", "report.md"} {
		if text := string(files[name].Data); !strings.Contains(text, words) || !strings.Contains(text, inTime) {
			t.Errorf("%s does not say %q and %q", name, words, inTime)
		}
	}
	if text := strings.ReplaceAll(string(read(t, files["report.pdf"].Data)), "\n", ""); !strings.Contains(text, words) || !strings.Contains(text, inTime) {
		t.Errorf("the PDF does not say %q and %q", words, inTime)
	}
	text := string(cells(t, files["report.xlsx"].Data))
	callsNothingDelivered(t, "the workbook", text)
	if !strings.Contains(text, words) || !strings.Contains(text, inTime) {
		t.Errorf("the workbook does not say %q and %q", words, inTime)
	}
	for _, name := range []string{"manifest.json", "report.json"} {
		text := strings.ReplaceAll(string(files[name].Data), " ", "")
		if !strings.Contains(text, fmt.Sprintf(`"verdict":"%s"`, r.Completeness.Verdict)) || !strings.Contains(text, fmt.Sprintf(`"complete":%v`, r.Completeness.Complete)) {
			t.Errorf("%s does not say %s", name, r.Completeness.Verdict)
		}
	}
}
