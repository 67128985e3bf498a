package digest_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/source"
)

// reportOf is a report of October with nothing in it but the dead-man's check.
func reportOf(a *digest.Alive, now time.Time) digest.Report {
	return digest.Build(digest.NewTally(localOctober), digest.Subject{Source: "the store", Zone: berlin, Now: now, Evidence: &digest.Evidence{Alive: a}})
}

func statuses(d digest.CanaryDays) string {
	var all []string
	for _, day := range d.List {
		all = append(all, day.Status)
	}
	var runs []string
	for at := 0; at < len(all); {
		end := at
		for end < len(all) && all[end] == all[at] {
			end++
		}
		runs = append(runs, fmt.Sprintf("%d %s", end-at, all[at]))
		at = end
	}
	return strings.Join(runs, ", ")
}

func TestEachDayIsJudged(t *testing.T) {
	t.Parallel()
	r := reportOf(troubled(localOctober), localOctober.To.Add(time.Hour))
	d := r.Completeness.Canary
	if got, want := statuses(d), "2 confirmed, 2 missing, 4 confirmed, 1 waiting, 2 confirmed, 1 late, 7 confirmed, 2 off, 10 confirmed"; got != want {
		t.Errorf("days: %s\nwant  %s", got, want)
	}
	if d.Days != 31 || d.Confirmed+d.Accepted+d.Late+d.Lost+d.Missing+d.Off+d.Before != d.Days || d.Tested() != 29 {
		t.Errorf("the counts do not add up: %+v", d)
	}
	held := d.List[16]
	if x := held.Deliveries[0]; x.Destination != "slack" && x.Seconds != 3 || held.Status != digest.TestConfirmed {
		t.Errorf("a test that a quiet time held counts from its end: %+v", held)
	}
	if w := r.Completeness.Watch; w.Hours != 745 || w.Watched != 731 || len(w.Gaps) != 2 || w.Gaps[0].Hours != 13 || w.Gaps[1].Hours != 1 {
		t.Errorf("the self-watch: %+v", w)
	}
	if got := d.Destinations[1]; got.Name != "webhook" || got.Sent != 27 || got.Confirmed != 26 || got.ToDelivery.N != 26 {
		t.Errorf("webhook: %+v", got)
	}
}

func TestDeadMan(t *testing.T) {
	t.Parallel()
	day := func(n int) time.Time { return localOctober.From.AddDate(0, 0, n) }
	born := alive(localOctober)
	born.Since = day(9).Add(15 * time.Hour) // installed on the 10th, in the afternoon
	born.Tests = slices.DeleteFunc(born.Tests, func(x digest.Test) bool { return x.Day <= "2026-10-10" })
	born.Watched = slices.DeleteFunc(born.Watched, func(at time.Time) bool { return at.Before(born.Since) })
	died := alive(localOctober)
	died.Tests, died.Watched = died.Tests[:20], died.Watched[:20*24]
	nowhere := alive(localOctober)
	nowhere.Tests[0].Deliveries = nil
	for _, c := range []struct {
		name  string
		alive *digest.Alive
		now   time.Time
		days  string
		hours string
		acts  []string // what must be red
	}{
		{name: "all is well", alive: alive(localOctober), days: "31 confirmed", hours: "745 of 745"},
		{
			name: "no one was ever there", alive: &digest.Alive{}, days: "31 missing", hours: "0 of 745",
			acts: []string{
				"No test was sent on 31 of 31 days (1–31 October): whether an event would have arrived then is not known.",
				"The self-watch ran in none of 745 hours: that nothing was alerted about proves nothing.",
			},
		},
		{
			name: "no one was there any more", alive: &digest.Alive{Since: day(-300)}, days: "31 missing", hours: "0 of 745",
			acts: []string{
				"No test was sent on 31 of 31 days (1–31 October): whether an event would have arrived then is not known.",
				"The self-watch ran in none of 745 hours: that nothing was alerted about proves nothing.",
			},
		},
		{
			name: "it died", alive: died, days: "20 confirmed, 11 missing", hours: "480 of 745",
			acts: []string{
				"No test was sent on 11 of 31 days (21–31 October): whether an event would have arrived then is not known.",
				"The self-watch did not run in 265 of 745 hours; the longest gaps: 21 October 00:00 to 1 November 00:00.",
			},
		},
		{name: "it was installed within the period", alive: born, days: "10 before, 21 confirmed", hours: "514 of 514"},
		{name: "the period is not over", alive: alive(localOctober), now: day(4).Add(30 * time.Minute), days: "5 confirmed", hours: "96 of 96"},
		{
			name: "the day's test is still to come", alive: alive(source.Window{From: day(0), To: day(4)}), now: day(4).Add(8 * time.Hour), days: "4 confirmed", hours: "96 of 104",
			acts: []string{"The self-watch did not run in 8 of 104 hours; the longest gaps: 5 October 00:00 to 08:00."},
		},
		{
			name: "the route leads nowhere", alive: nowhere, days: "1 waiting, 30 confirmed", hours: "745 of 745",
			acts: []string{"The test was not taken everywhere on 1 October (no destination)."},
		},
		{name: "switched off", alive: &digest.Alive{Since: day(-1), Off: offDays(31), Watched: alive(localOctober).Watched}, days: "31 off", hours: "745 of 745"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.now.IsZero() {
				c.now = localOctober.To.Add(6 * time.Hour)
			}
			r := reportOf(c.alive, c.now)
			w := r.Completeness.Watch
			if got := statuses(r.Completeness.Canary); got != c.days {
				t.Errorf("days: %s, want %s", got, c.days)
			}
			if got := fmt.Sprintf("%d of %d", w.Watched, w.Hours); got != c.hours {
				t.Errorf("hours: %s, want %s", got, c.hours)
			}
			var acts []string
			for _, p := range r.Alive() {
				if p.Grave == digest.Act {
					acts = append(acts, p.Text)
				}
			}
			if diff := cmp.Diff(c.acts, acts); diff != "" {
				t.Errorf("what must be seen (-want +got):\n%s", diff)
			}
			if r.Completeness.Complete || r.Completeness.Verdict != digest.NotKnown {
				t.Errorf("nothing was compared with Azure, and the verdict on the record is %s", r.Completeness.Verdict)
			}
			if inTime := r.Completeness.InTime.Verdict; (inTime == digest.Incomplete) != (len(acts) > 0) {
				t.Errorf("alerted in time: %s", inTime)
			}
			if open := fmt.Sprint(r.Open()); (len(acts) > 0) == strings.Contains(open, "Nothing") {
				t.Errorf("what is open: %s", open)
			}
		})
	}
}

func offDays(n int) []string {
	var days []string
	for i := range n {
		days = append(days, fmt.Sprintf("2026-10-%02d", i+1))
	}
	return days
}

// TestAliveIsNotKnown has a source that knows events only: a report must not claim what it cannot know.
func TestAliveIsNotKnown(t *testing.T) {
	t.Parallel()
	r := digest.Build(digest.NewTally(localOctober), digest.Subject{Source: "files", Zone: berlin, Now: localOctober.To})
	if r.Completeness.Canary.Known || r.Completeness.Watch.Known || r.Alive() != nil || strings.Contains(r.Completeness.Statement, "test event") {
		t.Errorf("%+v, %v", r.Completeness, r.Alive())
	}
}

// TestEveryFormatTellsWhoWatched looks for the same finding in all of them.
func TestEveryFormatTellsWhoWatched(t *testing.T) {
	t.Parallel()
	r := reportOf(troubled(localOctober), localOctober.To.Add(time.Hour))
	for _, f := range digest.Formats {
		text := string(render(t, f, r))
		switch f.Name {
		case "csv", "pdf", "oscal": // operations only; compressed; for programs, TestLook is for the eye
			continue
		case "json":
			var v struct {
				Completeness struct {
					Canary digest.CanaryDays `json:"canary"`
					Watch  digest.SelfWatch  `json:"self_watch"`
				} `json:"completeness"`
			}
			if err := json.Unmarshal([]byte(text), &v); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(r.Completeness.Canary, v.Completeness.Canary, cmp.Comparer(time.Time.Equal)); diff != "" {
				t.Errorf("json: %s", diff)
			}
			if v.Completeness.Watch.Watched != 731 {
				t.Errorf("json: %+v", v.Completeness.Watch)
			}
		case "xlsx":
			book, err := excelize.OpenReader(strings.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			rows, err := book.GetRows("Daily test") // a head, 27 tests at two destinations, four days without one
			if err != nil || len(rows) != 1+27*2+4 || rows[5][0] != "2026-10-03" || rows[5][1] != "missing" {
				t.Errorf("xlsx: %d rows, %v: %q", len(rows), err, rows)
			}
		default:
			for _, want := range []string{"No test was sent on 2 of 29 days", "3–4 October", "switched off on 2 days", "The self-watch did not run in 14 of 745 hours"} {
				if !strings.Contains(text, want) {
					t.Errorf("%s does not say %q", f.Name, want)
				}
			}
		}
	}
	page, err := r.MailHTML(digest.Letter{})
	if err != nil || !strings.Contains(page, "The self-watch did not run in 14 of 745 hours") || !strings.Contains(r.MailText(digest.Letter{}), "The self-watch did not run in 14 of 745 hours") {
		t.Errorf("the mail does not say who watched (%v)", err)
	}
}

// TestDaysAreTheTestsOwn has a report in a zone where the test's evening is the next day: a test is of the day for which it
// was sent, or the days on which clocks change would have none or two.
func TestDaysAreTheTestsOwn(t *testing.T) {
	t.Parallel()
	w := source.Window{From: time.Date(2026, 3, 1, 0, 0, 0, 0, berlin), To: time.Date(2026, 4, 1, 0, 0, 0, 0, berlin)}
	a := &digest.Alive{Since: w.From.AddDate(0, -1, 0)}
	for day := range 31 {
		sent := time.Date(2026, 3, 1+day, 22, 30, 0, 0, time.UTC)
		a.Tests = append(a.Tests, digest.Test{Day: sent.Format(time.DateOnly), Due: sent, Sent: sent, Deadline: time.Minute, Deliveries: []digest.TestDelivery{{Destination: "slack", State: digest.Confirmed, At: sent.Add(time.Second)}}})
	}
	r := digest.Build(digest.NewTally(w), digest.Subject{Zone: berlin, Now: w.To.Add(time.Hour), Evidence: &digest.Evidence{Alive: a}})
	if got := statuses(r.Completeness.Canary); got != "31 confirmed" {
		t.Errorf("days: %s", got)
	}
}
