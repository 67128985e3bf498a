package digest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Verdict is what a report can say of a promise: that it was kept, that it was not, or that it cannot be known.
type Verdict string

// Verdicts.
const (
	Proven     Verdict = "proven"
	NotKnown   Verdict = "not_known"
	Incomplete Verdict = "incomplete"
)

// InTime is the second verdict: whether what mattered was alerted in time. Where it is not known, Accepted says that nothing
// but the confirmation is missing: everything was taken in time, and some destination does not report what became of it.
type InTime struct {
	Verdict   Verdict  `json:"verdict"`
	Accepted  bool     `json:"accepted,omitempty"`
	Statement string   `json:"statement"`
	Reasons   []string `json:"reasons,omitempty"`
}

// Words are the first words of a report: what the verdict on the record is.
func (v Verdict) Words() string {
	switch v {
	case Proven:
		return "Proven complete"
	case Incomplete:
		return "Incomplete"
	}
	return "Not known to be complete"
}

// Words are the first words of the second verdict.
func (t InTime) Words() string {
	switch {
	case t.Verdict == Proven:
		return "Proven alerted in time"
	case t.Verdict == Incomplete:
		return "Not everything was alerted in time"
	case t.Accepted:
		return "Accepted in time, not confirmed by every destination"
	}
	return "Not known to have been alerted in time"
}

// Grave is how much the verdict matters: sign and colour follow from it.
func (v Verdict) Grave() Grave {
	switch v {
	case Proven:
		return Calm
	case Incomplete:
		return Act
	}
	return Note
}

// findings gather the reasons of a verdict: what is known to be wrong, and what is not known.
type findings struct{ wrong, unknown []string }

func (f *findings) no(when bool, format string, args ...any) {
	if when {
		f.wrong = append(f.wrong, fmt.Sprintf(format, args...))
	}
}

func (f *findings) unsure(when bool, format string, args ...any) {
	if when {
		f.unknown = append(f.unknown, fmt.Sprintf(format, args...))
	}
}

func (f *findings) verdict() Verdict {
	switch {
	case len(f.wrong) > 0:
		return Incomplete
	case len(f.unknown) > 0:
		return NotKnown
	}
	return Proven
}

func (f *findings) reasons() []string { return slices.Concat(f.wrong, f.unknown) }

// judge sets both verdicts and their statements.
func (r *Report) judge() {
	c := &r.Completeness
	record := r.record()
	c.Verdict, c.Reasons = record.verdict(), record.reasons()
	c.Complete = c.Verdict == Proven
	c.Statement = sentences(r.counted(), sentence(c.Reasons), r.comparison(), r.silence())
	inTime := r.alertedInTime()
	unconfirmed := r.unconfirmed()
	taken := inTime.verdict() == Proven && len(unconfirmed.unknown) > 0
	inTime.unknown = append(inTime.unknown, unconfirmed.unknown...)
	c.InTime = InTime{Verdict: inTime.verdict(), Accepted: taken, Reasons: inTime.reasons()}
	c.InTime.Statement = cmp.Or(sentence(c.InTime.Reasons), r.toldProof())
}

// record asks whether the record is complete. Proven: Azure was asked about every hour of every watched scope, the last
// look is over, nothing that it lists is missing, and nothing that came is unreadable or undated unless that comparison
// found its record.
func (r *Report) record() (f findings) {
	c := &r.Completeness
	found := c.found()
	lost := func(n int64, one, many string) {
		f.no(n > 0 && !found, "%s %s", number(n), plural(n, one, many))
	}
	lost(c.Unreadable, "item could not be read", "items could not be read")
	lost(c.Undated, "entry has no time that can be read, so its period is not known", "entries have no time that can be read, so their period is not known")
	lost(c.Parked["invalid"], "payload arrived unreadable and was stored with the reason", "payloads arrived unreadable and were stored with the reason")
	f.unsure(r.Window.From.IsZero() || r.Window.To.IsZero(), "the period has no beginning and end")
	f.unsure(!r.Window.To.IsZero() && r.GeneratedAt.Before(r.Window.To) && r.GeneratedAt.After(r.Window.From),
		"the period is still running: this is until %s", clock(r.GeneratedAt, r.Zone))
	f.unsure(!r.GeneratedAt.IsZero() && !r.Window.From.IsZero() && !r.GeneratedAt.After(r.Window.From), "the period has not begun")
	c.Ledger.judge(&f, c.Hours)
	return f
}

// found reports whether the comparison found the records of what came unreadable or undated: every hour was compared for
// the last time, nothing is missing, and it recovered at least as many entries, because a feed that brought a record in a
// form that cannot be read did not bring it.
func (c *Completeness) found() bool {
	return c.Ledger.whole() && c.Unreadable+c.Undated+c.Parked["invalid"] <= int64(c.Ledger.Entries)
}

// whole reports whether every hour was compared for the last time and nothing is missing.
func (l *Ledger) whole() bool {
	return l != nil && l.Off == "" && l.Expected > 0 && l.Settled == l.Expected && l.Unmatched == 0
}

func (l *Ledger) judge(f *findings, hours int) {
	switch {
	case l == nil:
		f.unsure(true, "none of %s hours was compared with what Azure lists", number(int64(hours)))
		return
	case l.Off != "":
		f.unsure(true, "none of %s hours was compared with what Azure lists: %s", number(int64(hours)), l.Off)
		return
	}
	f.no(l.Unmatched > 0, "in %s of %s scope-hours entries that Azure lists are missing", number(int64(l.Unmatched)), number(int64(l.Expected)))
	f.unsure(l.Expected == 0, "no hour of any subscription was to be compared with what Azure lists")
	missed := l.Expected - l.Settled - l.Pending
	f.unsure(missed > 0, "%s of %s scope-hours were not compared to the end with what Azure lists", number(int64(missed)), number(int64(l.Expected)))
	f.unsure(l.Pending > 0, "the last comparison (26 hours after each hour) of %s of %s scope-hours is still to come", number(int64(l.Pending)), number(int64(l.Expected)))
}

// alertedInTime asks whether what mattered was confirmed or accepted in time.
func (r *Report) alertedInTime() (f findings) {
	c := &r.Completeness
	if !r.Alerts.Known || !r.Alerts.Sent {
		f.unsure(true, "what was sent to whom is in the store, and this report was made from %s", cmp.Or(c.Source, "entries"))
		return f
	}
	d, w := &c.Canary, &c.Watch
	f.no(w.Known && w.Watched < w.Hours, "the function did not run in %s of %s hours", number(int64(w.Hours-w.Watched)), number(int64(w.Hours)))
	if l := c.Ledger; l != nil {
		f.no(l.Entries > 0, "%s %s recovered late, by the comparison with Azure", number(int64(l.Entries)), plural(int64(l.Entries), "entry was", "entries were"))
	}
	f.no(d.Missing > 0, "no daily test was sent on %d of %d days", d.Missing, d.Days)
	f.no(d.Lost > 0, "the daily test still waits at some destination on %d of %d days", d.Lost, d.Days)
	f.no(d.Late > 0, "the daily test was late on %d of %d days", d.Late, d.Days)
	f.no(r.Alerts.Owed > 0, "%s %s", number(int64(r.Alerts.Owed)), plural(int64(r.Alerts.Owed), "delivery of an alert still waits", "deliveries of alerts still wait"))
	f.unsure(!w.Known || w.Hours == 0, "whether the function ran is not known")
	f.unsure(d.Known && d.Days == 0, "no day of the period is over, so no daily test is")
	f.unsure(d.Off+d.Before > 0, "there was no daily test on %d of %d days", d.Off+d.Before, d.Days)
	f.unsure(!c.Ledger.whole(), "whether every event arrived in time is known only where Azure was asked about every hour")
	return f
}

// unconfirmed asks what was accepted by a destination and confirmed by none.
func (r *Report) unconfirmed() (f findings) {
	d := &r.Completeness.Canary
	f.unsure(d.Accepted > 0, "on %d of %d days the daily test was accepted and not confirmed (%s)", d.Accepted, d.Days, d.unconfirmed())
	f.unsure(r.Alerts.Accepted > 0, "%s %s accepted and not confirmed", number(int64(r.Alerts.Accepted)), plural(int64(r.Alerts.Accepted), "alert was", "alerts were"))
	return f
}

// unconfirmed names the destinations that accept tests and do not confirm them.
func (d *CanaryDays) unconfirmed() string {
	var names []string
	for _, e := range d.Destinations {
		if e.Accepted > 0 {
			names = append(names, e.Name)
		}
	}
	return strings.Join(names, ", ")
}

func (r *Report) toldProof() string {
	c := &r.Completeness
	return fmt.Sprintf("The function ran in each of %s hours, each of %d daily tests was confirmed by every destination, no entry was recovered late, and no delivery waits.",
		number(int64(c.Watch.Hours)), c.Canary.Confirmed)
}

// counted says what was counted, and from where.
func (r *Report) counted() string {
	c := &r.Completeness
	text := fmt.Sprintf("%s %s counted from %s", number(r.Summary.Total), plural(r.Summary.Total, "entry was", "entries were"), cmp.Or(c.Source, "the source"))
	if c.Again > 0 {
		text += fmt.Sprintf("; %s delivered again and counted once", number(c.Again))
	}
	text += "."
	if len(c.Forms) > 1 && c.Ledger == nil { // the store's rollups count an entry once, whatever forms it came in
		var forms []string
		for _, f := range c.Forms {
			forms = append(forms, fmt.Sprintf("%s %s", f.Name, number(f.N)))
		}
		text += fmt.Sprintf(" The inputs hold entries in %d forms (%s): an entry that was exported in several is counted in each.", len(forms), strings.Join(forms, ", "))
	}
	return text
}

// comparison says what Azure was asked, and what that found.
func (r *Report) comparison() string {
	l := r.Completeness.Ledger
	if l == nil || l.Off != "" || l.Expected == 0 {
		return ""
	}
	text := fmt.Sprintf("%s of %s scope-hours were compared with what Azure lists, %s of them for the last time: %s agreed",
		number(int64(l.Checked)), number(int64(l.Expected)), number(int64(l.Settled)), number(int64(l.Matched)))
	if l.Repaired > 0 {
		text += fmt.Sprintf(", in %d the %d missing entries were recovered", l.Repaired, l.Entries)
	}
	text += "."
	if l.Uncarried > 0 {
		text += fmt.Sprintf(" %s %s of kinds that no feed carries, and %s read from Azure's list.", number(l.Uncarried), plural(l.Uncarried, "entry is", "entries are"), plural(l.Uncarried, "was", "were"))
	}
	if l.Ignored > 0 {
		text += fmt.Sprintf(" %s listed %s filtered out by the operator.", number(l.Ignored), plural(l.Ignored, "entry is", "entries are"))
	}
	return text
}

// silence says in which hours there are entries and in which there are none: all that files alone can prove.
func (r *Report) silence() string {
	c := &r.Completeness
	if c.Hours == 0 {
		return ""
	}
	text := fmt.Sprintf("Of %s hours, %s have entries and %s have none", number(int64(c.Hours)), number(int64(c.Hours-c.Silent)), number(int64(c.Silent)))
	if len(c.Gaps) > 0 {
		text += fmt.Sprintf(", at most %s in a row", number(int64(c.Gaps[0].Hours)))
	}
	return text + "."
}

// sentence makes one sentence of reasons.
func sentence(reasons []string) string {
	if len(reasons) == 0 {
		return ""
	}
	text := strings.Join(reasons, "; ")
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// sentences joins what is not empty.
func sentences(all ...string) string {
	return strings.Join(slices.DeleteFunc(all, func(s string) bool { return s == "" }), " ")
}
