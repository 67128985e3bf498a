package verify

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/source"
)

// report is what is read of report.json, in one pass and bounded memory: its numbers, and of its long lists what they sum
// up to. What a report of another version does not say stays zero and is not compared.
type report struct {
	Period       string
	Name         string
	GeneratedAt  time.Time
	Window       source.Window
	Zone         string
	Summary      digest.Summary
	ByCategory   map[string]int64
	ByOutcome    map[string]int64
	Families     map[string]digest.Family
	Lifecycles   digest.Lifecycles
	Policy       digest.Outcomes
	Deletions    digest.Deletions
	Failures     digest.Failures
	Roles        digest.Roles // without the changes
	Alerts       digest.Alerts
	Completeness digest.Completeness
	Days         days
	said         map[string]bool // members that the report has
	of           source.Window   // the period that the manifest says

	listed   cells
	operated operated
	entry    entry // the one that is read
}

// operated is what a list of operations sums up to.
type operated struct {
	risky, timed int64 // entries of high risk; those with a time
	outside      int64 // whose time is not of the period
	roles        int64 // of the family of role assignments
	created      int64 // role assignments, with success
	deleted      int64
	alerts       int64
	bySeverity   map[string]int64
}

// days is what the activity sums up to.
type days struct{ n, total, risky, unequal int64 }

// readReport reads report.json.
func readReport(folder fs.FS, room cells, of source.Window) (*report, error) {
	file, err := openRegular(folder, "report.json")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	r, err := parseReport(file, room, of)
	if err != nil {
		return nil, fmt.Errorf("read report.json: %w", err)
	}
	return r, nil
}

func parseReport(from io.Reader, room cells, of source.Window) (*report, error) {
	r := &report{said: map[string]bool{}, of: of, listed: room, operated: operated{bySeverity: map[string]int64{}}}
	s := newStream(from)
	err := s.object(func(name string) error {
		r.said[name] = true
		if err := r.member(s, name); err != nil {
			return fmt.Errorf("%s: %w", printable(name), err)
		}
		return nil
	})
	if err == nil {
		err = s.end()
	}
	return r, err
}

// member reads one of the report's members.
func (r *report) member(s *stream, name string) error {
	small := map[string]any{
		"period": &r.Period, "name": &r.Name, "generated_at": &r.GeneratedAt, "window": &r.Window, "time_zone": &r.Zone, "summary": &r.Summary,
		"by_category": &r.ByCategory, "by_outcome": &r.ByOutcome, "security_events": &r.Families, "operations": &r.Lifecycles, "policy": &r.Policy,
		"deletions": &r.Deletions, "failures": &r.Failures, "completeness": &r.Completeness,
	}
	switch into, known := small[name]; {
	case known:
		return s.into(into)
	case name == "high_risk_operations":
		return s.array(func() error { return r.operation(s) })
	case name == "alerts":
		return r.alerts(s)
	case name == "role_assignments":
		return r.roles(s)
	case name == "activity":
		return r.activity(s)
	}
	return s.skip()
}

// operation reads an entry of high risk.
func (r *report) operation(s *stream) error {
	e := &r.entry
	e.reset()
	err := s.object(func(name string) error {
		if got, err := s.peek(); err != nil || got == '{' || got == '[' {
			return errors.Join(err, s.skip())
		}
		text, err := s.str()
		if at := e.member(name); at != nil {
			*at = append(*at, text...)
		}
		return err
	})
	if err != nil {
		return err
	}
	r.operated.risky++
	at, err := parseTime(e.timestamp)
	if err != nil {
		return err
	}
	if !at.IsZero() {
		r.operated.timed++
	}
	if !r.of.Holds(at) { // the period that the report says may stand behind the list
		r.operated.outside++
	}
	if bytes.Contains(e.operation, []byte("microsoft.authorization/roleassignments")) {
		r.operated.roles++
	}
	r.listed.entry(e, at)
	return nil
}

// alerts reads the alerts' numbers and sums up their list.
func (r *report) alerts(s *stream) error {
	return s.object(func(name string) error {
		a := &r.Alerts
		small := map[string]any{
			"known": &a.Known, "sent": &a.Sent, "raised": &a.Raised, "by_severity": &a.BySeverity, "confirmed": &a.Confirmed, "accepted": &a.Accepted, "waiting": &a.Waiting, "owed": &a.Owed,
		}
		switch into, known := small[name]; {
		case known:
			return s.into(into)
		case name == "list":
			return s.array(func() error {
				var one digest.Alert
				err := s.into(&one)
				r.operated.alerts++
				if len(r.operated.bySeverity) < maxMembers {
					r.operated.bySeverity[one.Severity]++
				}
				r.listed.alert(&one)
				return err
			})
		}
		return s.skip()
	})
}

// roles reads the numbers of role assignments and counts them in their list.
func (r *report) roles(s *stream) error {
	return s.object(func(name string) error {
		switch name {
		case "created":
			return s.into(&r.Roles.Created)
		case "deleted":
			return s.into(&r.Roles.Deleted)
		case "changes":
			return s.array(func() error {
				var c digest.RoleChange
				err := s.into(&c)
				switch {
				case c.Status != "Succeeded":
				case c.Action == "created":
					r.operated.created++
				case c.Action == "deleted":
					r.operated.deleted++
				}
				return err
			})
		}
		return s.skip()
	})
}

// activity sums up the days.
func (r *report) activity(s *stream) error {
	return s.object(func(name string) error {
		if name != "days" {
			return s.skip()
		}
		return s.array(func() error {
			var day digest.Day
			err := s.into(&day)
			sum := int64(0)
			negative := day.Risky < 0
			for _, n := range day.Hours {
				sum, negative = sum+n, negative || n < 0
			}
			if sum != day.Total || negative {
				r.Days.unequal++
			}
			r.Days.n, r.Days.total, r.Days.risky = r.Days.n+1, r.Days.total+day.Total, r.Days.risky+day.Risky
			return err
		})
	})
}

// differences gathers numbers that do not agree.
type differences []error

func (d *differences) equal(what string, got, want int64) {
	d.no(got != want, "%s: %d, expected %d", what, got, want)
}

func (d *differences) no(when bool, format string, args ...any) {
	const most = 8
	if when && len(*d) < most {
		*d = append(*d, fmt.Errorf(format, args...))
	}
}

// add adds up numbers. One below zero would even out another.
func (d *differences) add(what string, numbers iter.Seq[int64]) (total int64) {
	for n := range numbers {
		total += n
		d.no(n < 0, "%s: one of them is %d", what, n)
	}
	return total
}

// sum holds the sum of numbers against a total.
func (d *differences) sum(what string, counts map[string]int64, total int64) {
	d.equal(what, d.add(what, maps.Values(counts)), total)
}

// atMost is sum, where some may be missing.
func (d *differences) atMost(what string, counts map[string]int64, total int64) {
	d.equal(what, max(d.add(what, maps.Values(counts)), total), total)
}

// sumOf is sum of a list.
func (d *differences) sumOf(what string, counts []digest.Count, total int64) {
	numbers := func(yield func(int64) bool) {
		for i := range counts {
			if !yield(counts[i].N) {
				return
			}
		}
	}
	d.equal(what, d.add(what, numbers), total)
}

// agree compares the report's numbers with the manifest's, with each other, and with its own lists.
func (r *report) agree(m digest.Manifest) error {
	var d differences
	d.equal("entries", r.Summary.Total, m.Counts.Entries)
	d.equal("high-risk entries listed", r.operated.risky, m.Counts.HighRisk)
	d.equal("alerts listed", r.operated.alerts, m.Counts.Alerts)
	r.sums(&d)
	r.lists(&d)
	r.stated(&d, m)
	r.verdicts(&d, m)
	return errors.Join(d...)
}

// sums holds totals against what they are the sums of.
func (r *report) sums(d *differences) {
	total := r.Summary.Total
	d.sum("sum of outcomes", r.ByOutcome, total)
	d.equal("succeeded", r.ByOutcome["Succeeded"], r.Summary.Successful)
	d.equal("failed", r.ByOutcome["Failed"], r.Summary.Failed)
	d.atMost("sum of categories", r.ByCategory, total) // an entry may have none
	if r.said["operations"] {
		d.sum("sum of operations by outcome", r.Lifecycles.ByOutcome, r.Lifecycles.Distinct)
	}
	if r.said["policy"] {
		d.equal("policy entries", r.Policy.Total, r.ByCategory["Policy"])
	}
	if r.said["failures"] {
		d.equal("failures", r.Failures.Total, r.Summary.Failed)
		d.sumOf("sum of failures by operation", r.Failures.ByOperation, r.Failures.Total)
	}
	if r.said["deletions"] {
		d.sumOf("sum of deletions by type", r.Deletions.ByType, r.Deletions.Total)
	}
	if len(r.Completeness.Scopes) > 0 {
		d.sumOf("sum of subscriptions", r.Completeness.Scopes, total)
	}
	d.equal("days whose hours do not add up", r.Days.unequal, 0)
	if undated := r.Completeness.Undated; r.Days.n > 0 && !r.asked() && r.Days.total != total-undated {
		d.equal("sum of days", r.Days.total, total)
	}
}

// asked reports whether the report was made of answers to several questions, between which entries may have come.
func (r *report) asked() bool {
	return strings.Contains(strings.ToLower(r.Completeness.Source), "workspace") || strings.Contains(strings.ToLower(r.Completeness.Source), "log analytics")
}

// lists holds numbers against the lists that show what was counted.
func (r *report) lists(d *differences) {
	o := &r.operated
	d.equal("entries listed that are not of the period", o.outside, 0)
	if r.said["role_assignments"] {
		d.equal("role assignments created", r.Roles.Created, o.created)
		d.equal("role assignments deleted", r.Roles.Deleted, o.deleted)
	}
	if r.Alerts.Known {
		d.equal("alerts raised", int64(r.Alerts.Raised), o.alerts)
		d.sum("sum of alerts by severity", r.Alerts.BySeverity, o.alerts)
		for severity, n := range r.Alerts.BySeverity {
			d.equal("alerts of severity "+printable(severity), n, o.bySeverity[severity])
		}
	}
	if r.Alerts.Sent {
		d.equal("alerts confirmed, accepted and waiting", int64(r.Alerts.Confirmed+r.Alerts.Accepted+r.Alerts.Waiting), o.alerts)
	}
	if r.asked() {
		return
	}
	if family, counted := r.Families["Microsoft.Authorization/roleAssignments"]; counted {
		d.equal("entries about role assignments", family.Count, o.roles)
	}
	if r.Days.n > 0 {
		d.equal("high-risk entries by day", r.Days.risky, o.timed)
	}
}

// stated holds what report and manifest both say against each other.
func (r *report) stated(d *differences, m digest.Manifest) {
	d.no(r.Period != m.Period, "the period is %q, the manifest says %q", printable(r.Period), printable(m.Period))
	if r.said["window"] {
		d.no(!r.Window.From.Equal(m.Window.From) || !r.Window.To.Equal(m.Window.To), "the period is %s, the manifest says %s", spanText(r.Window), spanText(m.Window))
	}
	if r.said["generated_at"] {
		d.no(!r.GeneratedAt.Equal(m.GeneratedAt), "it was made at %s, the manifest says %s", r.GeneratedAt.Format(time.RFC3339), m.GeneratedAt.Format(time.RFC3339))
	}
	if r.said["time_zone"] {
		d.no(r.Zone != m.Zone, "the time zone is %q, the manifest says %q", printable(r.Zone), printable(m.Zone))
	}
	if r.said["name"] {
		d.no(r.Name != m.Digest, "the digest is %q, the manifest says %q", printable(r.Name), printable(m.Digest))
	}
}

func spanText(w source.Window) string {
	return w.From.Format(time.RFC3339) + " to " + w.To.Format(time.RFC3339)
}

// verdicts refuses a verdict that the manifest does not repeat, or that the report's own numbers do not bear.
func (r *report) verdicts(d *differences, m digest.Manifest) {
	c := &r.Completeness
	if c.Verdict == "" {
		return // of a version that had none
	}
	d.no(c.Verdict != m.Verdict, "the verdict on the record is %q, the manifest says %q", printable(string(c.Verdict)), printable(string(m.Verdict)))
	d.no(c.InTime.Verdict != m.InTime, "the verdict on what was alerted in time is %q, the manifest says %q", printable(string(c.InTime.Verdict)), printable(string(m.InTime)))
	d.no(c.Complete != (c.Verdict == digest.Proven) || c.Complete != m.Complete, "complete is %v in the report and %v in the manifest, and the verdict is %q", c.Complete, m.Complete, printable(string(c.Verdict)))
	whole := c.Ledger != nil && c.Ledger.Off == "" && c.Ledger.Expected > 0 && c.Ledger.Expected >= c.Hours && c.Ledger.Settled == c.Ledger.Expected && c.Ledger.Unmatched == 0 && len(c.Ledger.Unproven) == 0
	if c.Verdict == digest.Proven {
		d.no(!whole, "it is called proven, and not every hour was compared to the end with what Azure lists")
		d.no(c.Ledger != nil && c.Unreadable+c.Undated+c.Parked["invalid"] > int64(c.Ledger.Entries), "it is called proven, and more could not be read than was recovered")
		d.no(m.Window.To.IsZero() || m.GeneratedAt.Before(m.Window.To), "it is called proven, and its period was not over")
	}
	r.inTime(d, whole)
}

// inTime refuses a second verdict, and that everything was accepted in time, where the report's own numbers do not bear it.
func (r *report) inTime(d *differences, whole bool) {
	c, a := &r.Completeness, &r.Alerts
	t, said, taken := &c.Canary, "alerted in time", c.Canary.Confirmed
	if c.InTime.Accepted {
		said, taken = "accepted in time", t.Confirmed+t.Accepted
		d.no(c.InTime.Verdict != digest.NotKnown, "everything is called accepted in time, and the verdict is %q", printable(string(c.InTime.Verdict)))
	} else if c.InTime.Verdict != digest.Proven {
		return
	}
	d.no(!whole || c.Ledger.Entries > 0, "everything is called %s, and entries were recovered late or never compared", said)
	d.no(!a.Known || !a.Sent || a.Owed > 0 || a.Waiting > 0, "everything is called %s, and an alert waits or nothing is known of alerts", said)
	d.no(a.Accepted > 0 && !c.InTime.Accepted, "everything is called %s, and not every alert was confirmed", said)
	d.no(!c.Watch.Known || c.Watch.Hours == 0 || c.Watch.Watched < c.Watch.Hours, "everything is called %s, and the function did not run in every hour", said)
	d.no(taken != t.Days || t.Known && t.Days == 0, "everything is called %s, and not every daily test was", said)
}
