package digest

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/source"
)

// completeness gathers what can be said about whether the entries are all there are.
func (t *Tally) completeness(w source.Window, s Subject) Completeness {
	c := Completeness{
		Source: s.Source, Inputs: len(t.pieces), Bytes: t.bytes, Again: t.again, Outside: t.outside, Undated: t.undated,
		Unreadable: t.unreadable, Places: t.places, Other: t.other, Forms: t.formCounts(), Scopes: t.scopeCounts(),
	}
	c.silences(t, w)
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

// gapsShown bounds how many silences are told, longest first.
const gapsShown = 5

// silences finds the hours in which nothing happened, which is either calm or a hole.
func (c *Completeness) silences(t *Tally, w source.Window) {
	if w.From.IsZero() || w.To.IsZero() {
		return
	}
	busy := map[int64]bool{}
	for at := range t.quarters {
		busy[at*quarterSeconds/3600] = true
	}
	next, end := hourOf(w.From), hourOf(w.To.Add(time.Hour-1))
	c.Hours, c.Silent = int(end-next), int(end-next)-len(busy)
	for _, hour := range append(slices.Sorted(maps.Keys(busy)), end) {
		if n := hour - next; n > 0 {
			c.Gaps = append(c.Gaps, Gap{From: time.Unix(next*3600, 0).UTC(), To: time.Unix(hour*3600, 0).UTC(), Hours: int(n)})
		}
		next = hour + 1
	}
	slices.SortStableFunc(c.Gaps, func(a, b Gap) int { return cmp.Compare(b.Hours, a.Hours) })
	c.Gaps = c.Gaps[:min(len(c.Gaps), gapsShown)]
}

// hourOf numbers the hours of UTC.
func hourOf(at time.Time) int64 { return int64(math.Floor(float64(at.Unix()) / 3600)) }

// statement says in sentences whether the report is complete, and how that is known. It comes first in every format.
func (r *Report) statement(s Subject) (text string, complete bool) {
	c := &r.Completeness
	complete = c.Unreadable == 0 && (c.Ledger == nil || c.Ledger.Unmatched == 0)
	var b strings.Builder
	if complete {
		fmt.Fprintf(&b, "Nothing is known to be missing. ")
	} else {
		fmt.Fprintf(&b, "This report is not complete. ")
	}
	fmt.Fprintf(&b, "%s %s counted from %s", number(r.Summary.Total), plural(r.Summary.Total, "entry was", "entries were"), cmp.Or(s.Source, "the source"))
	if c.Again > 0 {
		fmt.Fprintf(&b, "; %s delivered again and counted once", number(c.Again))
	}
	b.WriteString(". ")
	r.tellWhatIsMissing(&b)
	r.tellLedger(&b)
	if c.Silent > 0 && c.Hours > 0 {
		fmt.Fprintf(&b, "In %d of %d hours nothing was logged", c.Silent, c.Hours)
		if len(c.Gaps) > 0 {
			fmt.Fprintf(&b, ", at most %d in a row", c.Gaps[0].Hours)
		}
		b.WriteString(". ")
	}
	if c.Canary.Tested() > 0 {
		fmt.Fprintf(&b, "The path from event to reader was proven by a test event on %d of %d days. ", c.Canary.Proven, c.Canary.Tested())
	}
	if c.Watch.Watched < c.Watch.Hours {
		fmt.Fprintf(&b, "In %d of %d hours nobody watched. ", c.Watch.Hours-c.Watch.Watched, c.Watch.Hours)
	}
	return strings.TrimSpace(b.String()), complete
}

func (r *Report) tellWhatIsMissing(b *strings.Builder) {
	c := &r.Completeness
	if c.Unreadable > 0 {
		fmt.Fprintf(b, "%s %s could not be read and %s not counted; the first places are listed. ",
			number(c.Unreadable), plural(c.Unreadable, "item", "items"), plural(c.Unreadable, "is", "are"))
	}
	if c.Undated > 0 {
		fmt.Fprintf(b, "%s %s no time that can be read. ", number(c.Undated), plural(c.Undated, "entry tells", "entries tell"))
	}
	if parked := c.Parked["invalid"]; parked > 0 {
		fmt.Fprintf(b, "%s %s arrived unreadable and %s kept for a person to look at. ", number(parked), plural(parked, "message", "messages"), plural(parked, "is", "are"))
	}
	if len(c.Forms) > 1 && c.Ledger == nil { // the store's rollups count an entry once, whatever forms it came in
		var forms []string
		for _, f := range c.Forms {
			forms = append(forms, fmt.Sprintf("%s %s", f.Name, number(f.N)))
		}
		fmt.Fprintf(b, "The inputs hold entries in %d forms (%s): an entry that was exported in several is counted in each. ", len(forms), strings.Join(forms, ", "))
	}
	if n := r.Lifecycles.Unfinished; n > 0 {
		fmt.Fprintf(b, "%s %s begun and no end was seen. ", number(n), plural(n, "operation was", "operations were"))
	}
}

func (r *Report) tellLedger(b *strings.Builder) {
	l := r.Completeness.Ledger
	switch {
	case l == nil:
		b.WriteString("It was not compared with what Azure lists. ")
		return
	case l.Off != "":
		fmt.Fprintf(b, "It was not compared with what Azure lists: %s. ", l.Off)
		return
	}
	fmt.Fprintf(b, "%d of %d subscription-hours were compared with what Azure lists: %d agreed", l.Checked, l.Expected, l.Matched)
	if l.Repaired > 0 {
		fmt.Fprintf(b, ", in %d the %d missing entries were fetched", l.Repaired, l.Entries)
	}
	if l.Unmatched > 0 {
		fmt.Fprintf(b, ", in %d entries are missing still", l.Unmatched)
	}
	b.WriteString(". ")
	l.tellMore(b)
}

// tellMore says what the comparison found beside what agreed.
func (l *Ledger) tellMore(b *strings.Builder) {
	if l.Uncarried > 0 {
		fmt.Fprintf(b, "%s %s of kinds that no feed brings, and %s read from Azure's list. ", number(l.Uncarried), plural(l.Uncarried, "entry is", "entries are"), plural(l.Uncarried, "was", "were"))
	}
	if l.Ignored > 0 {
		fmt.Fprintf(b, "%s listed %s filtered out by choice. ", number(l.Ignored), plural(l.Ignored, "entry is", "entries are"))
	}
	if open := l.Expected - l.Checked; open > 0 {
		fmt.Fprintf(b, "Of %d subscription-hours nobody can say that nothing was missed; they are listed. ", open)
	}
}

// Rows is what the ledger proves, for tables: a name and a value.
func (l *Ledger) Rows(zone *time.Location) [][2]string {
	if l.Off != "" {
		return [][2]string{{"Compared with Azure", "no: " + l.Off}}
	}
	rows := [][2]string{{"Compared with Azure", fmt.Sprintf("%d of %d subscription-hours; %d agreed, %d repaired (%d entries), %d with entries missing",
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
