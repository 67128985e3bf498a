package digest

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/auditbell/auditbell/handler/source"
)

// completeness gathers what can be said about whether the entries are all there are.
func (t *Tally) completeness(w source.Window, s Subject) Completeness {
	c := Completeness{
		Source: s.Source, Inputs: len(t.pieces), Bytes: t.bytes, Again: t.again, Outside: t.outside, Undated: t.undated,
		Unreadable: t.unreadable, Places: t.places, Other: t.other, Forms: t.formCounts(), Scopes: t.scopeCounts(),
	}
	c.silences(t, w, s.Now)
	if s.Evidence != nil {
		c.Ledger, c.Parked = s.Evidence.Ledger, s.Evidence.Parked
	}
	return c
}

func (t *Tally) scopeCounts() []Count {
	counts, named := []Count{}, int64(0)
	for i, n := range t.scopes {
		if n > 0 {
			counts = append(counts, Count{t.Vocabulary.Scopes.At(i).Text, n})
			named += n
		}
	}
	if total := t.summary().Total; total > named {
		counts = append(counts, Count{"", total - named})
	}
	sortCounts(counts)
	return counts
}

func (t *Tally) formCounts() []Count {
	var counts []Count
	for i, n := range t.forms {
		if n > 0 {
			counts = append(counts, Count{string(formNames[i]), n})
		}
	}
	sortCounts(counts)
	return counts
}

// gapsShown bounds how many silences are named, longest first.
const gapsShown = 5

// silences finds the hours in which nothing happened, which is either calm or a hole. Of a period that is still running they are
// those that have begun, or that have entries.
func (c *Completeness) silences(t *Tally, w source.Window, now time.Time) {
	if w.From.IsZero() || w.To.IsZero() {
		return
	}
	busy := map[int64]bool{}
	for at := range t.quarters {
		busy[at*quarterSeconds/3600] = true
	}
	hours := slices.Sorted(maps.Keys(busy))
	first, end := hourOf(w.From), hourOf(w.To.Add(time.Hour-1))
	if !now.IsZero() {
		begun := max(hourOf(now.Add(time.Hour-1)), first)
		if len(hours) > 0 {
			begun = max(begun, hours[len(hours)-1]+1)
		}
		end = min(end, begun)
	}
	c.Hours, c.Silent = int(end-first), int(end-first)-len(busy)
	c.Gaps = gapsBetween(hours, first, end)
}

// gapsBetween finds the longest spans without any of some hours, which come in order.
func gapsBetween(hours []int64, first, end int64) (gaps []Gap) {
	for _, hour := range append(hours, end) {
		if n := hour - first; n > 0 {
			gaps = append(gaps, Gap{From: time.Unix(first*3600, 0).UTC(), To: time.Unix(hour*3600, 0).UTC(), Hours: int(n)})
		}
		first = hour + 1
	}
	slices.SortStableFunc(gaps, func(a, b Gap) int { return cmp.Compare(b.Hours, a.Hours) })
	return gaps[:min(len(gaps), gapsShown)]
}

// hourOf numbers the hours of UTC.
func hourOf(at time.Time) int64 { return int64(math.Floor(float64(at.Unix()) / 3600)) }

// Rows is what the ledger proves, for tables: a name and a value.
func (l *Ledger) Rows(zone *time.Location) [][2]string {
	if l.Off != "" {
		return [][2]string{{"Compared with Azure", "no: " + l.Off}}
	}
	rows := [][2]string{{"Compared with Azure", fmt.Sprintf("%d of %d scope-hours; %d agreed, %d repaired (%d entries), %d with entries missing",
		l.Checked, l.Expected, l.Matched, l.Repaired, l.Entries, l.Unmatched)}}
	if l.Listed > 0 {
		rows = append(rows, [2]string{"Listed by Azure", fmt.Sprintf("%s entries; %s brought by feeds, %s of kinds that no feed brings, %s filtered out; no end is listed of %d operations",
			number(l.Listed), number(l.Seen), number(l.Uncarried), number(l.Ignored), l.Open)})
	}
	for _, name := range slices.Sorted(maps.Keys(l.Feeds)) {
		f := l.Feeds[name]
		rows = append(rows, [2]string{"Feed " + name, fmt.Sprintf("%s of %s entries; half within %s, 95 of 100 within %s, the last after %s",
			number(f.N), number(f.Expected), seconds(f.P50), seconds(f.P95), seconds(f.Max))})
	}
	if l.Recovery.N > 0 {
		rows = append(rows, [2]string{"Recovered", fmt.Sprintf("%s entries; half within %s of the fact, the last after %s", number(l.Recovery.N), seconds(l.Recovery.P50), seconds(l.Recovery.Max))})
	}
	for _, u := range l.Unproven {
		rows = append(rows, [2]string{"Unproven", fmt.Sprintf("%s, %s to %s: %d h, %s", u.Subscription, clock(u.From, zone), clock(u.To, zone), u.Hours, u.Why)})
	}
	return rows
}

// plural picks the word that goes with n.
func plural(n int64, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// number writes n with commas between thousands.
func number(n int64) string {
	digits := fmt.Sprint(n)
	sign := ""
	if n < 0 {
		sign, digits = "−", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}
