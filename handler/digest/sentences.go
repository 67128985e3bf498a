package digest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// What every format says in words is made here once, so that a reader finds the same sentences wherever he looks.

// Point is one thing that a reader should know. Mark says in a sign what Grave says to programs; colour only repeats it.
type Point struct {
	Grave Grave
	Text  string
}

// Grave is how much a point matters.
type Grave int

// Graveness from calm to alarming.
const (
	Calm Grave = iota
	Note
	Act
)

// Points are what one question is answered with.
type Points []Point

// Mark is the sign in front of a point.
func (p Point) Mark() string { return [...]string{"✓", "•", "!"}[p.Grave] }

// Class is the name of the style that repeats it.
func (g Grave) Class() string { return [...]string{"calm", "note", "act"}[g] }

// Class is the name of the style of a point.
func (p Point) Class() string { return p.Grave.Class() }

// Matters says what happened that matters, gravest first.
func (r *Report) Matters() Points {
	var points Points
	add := func(g Grave, format string, args ...any) {
		points = append(points, Point{g, fmt.Sprintf(format, args...)})
	}
	if r.Summary.Total == 0 && r.Completeness.Complete {
		add(Calm, "No entry was logged in this period: Azure lists none.")
		return points
	}
	if r.Summary.Total == 0 {
		add(Note, "No entry was counted in this period. That proves nothing: see the statement above.")
		return points
	}
	if n := r.Roles.Created; n > 0 {
		add(r.graveRoles(), "%s role %s: %s", number(n), plural(n, "assignment was created", "assignments were created"), r.rolesInWords())
	}
	if n := r.Roles.Deleted; n > 0 {
		add(Note, "%s role %s deleted.", number(n), plural(n, "assignment was", "assignments were"))
	}
	if n := r.Deletions.Total; n > 0 {
		add(Note, "%s %s deleted: %s.", number(n), plural(n, "resource was", "resources were"), counted(r.Deletions.ByType, 4))
	}
	if n := r.Failures.Total; n > 0 {
		add(Note, "%s entries failed (%s), most often %s.", number(n), percent(n, r.Summary.Total), counted(r.Failures.ByOperation, 3))
	}
	if n := r.Policy.Failed; n > 0 {
		add(Calm, "Policy denied %s %s.", number(n), plural(n, "request", "requests"))
	}
	if r.HighRisk.Len() == 0 {
		g := Note
		if r.Completeness.Complete {
			g = Calm
		}
		add(g, "No deletion and no change of permissions among %s entries.", number(r.Summary.Total))
	}
	return points
}

// privileged are the built-in roles that can give themselves every other one.
var privileged = []string{"Owner", "User Access Administrator", "Role Based Access Control Administrator"}

func (r *Report) graveRoles() Grave {
	for _, c := range r.Roles.Changes {
		if c.Action == "created" && c.Status == "Succeeded" && slices.Contains(privileged, c.Role) {
			return Act
		}
	}
	return Note
}

// rolesInWords names the roles that were given most.
func (r *Report) rolesInWords() string {
	counts := map[string]int64{}
	for _, c := range r.Roles.Changes {
		if c.Action == "created" && c.Status == "Succeeded" {
			counts[r.role(c.Role).text()]++
		}
	}
	var list []Count
	for name, n := range counts {
		list = append(list, Count{name, n})
	}
	sortCounts(list)
	return counted(list, 4) + "."
}

// Open says what a person still has to do or to decide.
func (r *Report) Open() Points {
	var points Points
	add := func(g Grave, n int64, format string, args ...any) {
		if n > 0 {
			points = append(points, Point{g, fmt.Sprintf(format, args...)})
		}
	}
	c := &r.Completeness
	add(Act, int64(r.Alerts.Waiting), "%s not been taken by any destination; “handler check” says why.", counting(int64(r.Alerts.Waiting), "alert has", "alerts have"))
	add(Act, int64(r.Alerts.Open), "%s not been acknowledged.", counting(int64(r.Alerts.Open), "alert has", "alerts have"))
	for i := range r.Ends {
		if e := &r.Ends[i]; e.Removed || !e.Unwell.IsZero() || e.Unconfirmed > 0 || e.Waiting == 0 && e.Reason != "" {
			add(Act, 1, "%s: %s.", e.Name, strings.TrimSuffix(e.words(r.Zone), "."))
		}
	}
	for _, x := range r.Exceptions {
		if x.Expired {
			add(Note, 1, "The exception of %s (%s) expired on %s and suppresses nothing any more.", x.Owner, x.Reason, x.Expires.In(r.Zone).Format("2 January 2006"))
		}
	}
	for _, rule := range r.Staged {
		add(Note, rule.N, "The experimental rule %s would have alerted about %s.", rule.Name, counting(rule.N, "entry", "entries"))
	}
	add(Act, c.Unreadable, "%s not be read.", counting(c.Unreadable, "item could", "items could"))
	add(Act, c.Undated, "%s no time that can be read.", counting(c.Undated, "entry has", "entries have"))
	add(Act, c.Parked["invalid"], "%s stored for a person to look at.", counting(c.Parked["invalid"], "unreadable payload is", "unreadable payloads are"))
	r.openHours(add)
	add(Note, r.Lifecycles.Unfinished, "%s begun and no end was seen.", counting(r.Lifecycles.Unfinished, "operation was", "operations were"))
	for _, x := range r.Controls {
		if x.Verdict == FellShort {
			add(Act, 1, "Control %s fell short: %d of %d alerts were not taken by any destination.", x.ID, x.Alerts-x.Confirmed-x.Accepted, x.Alerts)
		}
	}
	switch {
	case len(points) == 0 && c.Complete:
		points = Points{{Calm, "Nothing."}}
	case len(points) == 0:
		points = Points{{Note, "Nothing is known to be open; see the statement above for what is not known."}}
	}
	return points
}

// openHours says of hours that were not compared, not watched or not tested.
func (r *Report) openHours(add func(g Grave, n int64, format string, args ...any)) {
	c := &r.Completeness
	if l := c.Ledger; l != nil && l.Off == "" {
		add(Act, int64(l.Unmatched), "In %s entries that Azure lists are missing.", counting(int64(l.Unmatched), "scope-hour", "scope-hours"))
		open := int64(l.Expected - l.Settled - l.Pending)
		add(Act, open, "%s not been compared with Azure to the end; “handler reconcile” compares them as long as Azure has them (90 days).", counting(open, "scope-hour has", "scope-hours have"))
		add(Note, int64(l.Pending), "For %s the last comparison is still to come.", counting(int64(l.Pending), "scope-hour", "scope-hours"))
	}
	add(Act, int64(c.Canary.Missing+c.Canary.Lost), "The daily test is missing or waits on %s.", counting(int64(c.Canary.Missing+c.Canary.Lost), "day", "days"))
	add(Act, int64(c.Watch.Hours-c.Watch.Watched), "The function did not run in %s.", counting(int64(c.Watch.Hours-c.Watch.Watched), "hour", "hours"))
}

// counting is a number with the word that goes with it.
func counting(n int64, one, many string) string { return number(n) + " " + plural(n, one, many) }

// Alerted says whether what mattered was alerted about, confirmed and acknowledged, and how fast.
func (r *Report) Alerted() Points {
	a := r.Alerts
	switch {
	case !a.Known:
		return Points{{Note, "Not known: this report was made from " + r.Completeness.Source + " without rules. Alerts and their deliveries are in the store (--source store)."}}
	case !a.Sent && a.Raised == 0:
		return Points{{Note, "No rule matches these entries. What was sent at the time is in the store (--source store)."}}
	case !a.Sent:
		return append(Points{{Note, fmt.Sprintf("The rules match: %s (%s). What was sent at the time is in the store (--source store).", counting(int64(a.Raised), "alert", "alerts"), a.severitiesInWords())}}, a.bases()...)
	case a.Raised == 0:
		return Points{{Note, "No rule matched in this period, so no alert was sent."}}
	}
	g := Calm
	if a.Waiting+a.Owed > 0 {
		g = Act
	} else if a.Accepted > 0 {
		g = Note
	}
	points := Points{{g, fmt.Sprintf("%s raised (%s): %s confirmed, %s accepted, %s waiting; %s acknowledged.", counting(int64(a.Raised), "alert was", "alerts were"), a.severitiesInWords(),
		number(int64(a.Confirmed)), number(int64(a.Accepted)), number(int64(a.Waiting)), number(int64(a.Acknowledged)))}}
	points = append(points, a.bases()...)
	if a.ToDelivery.N > 0 {
		points = append(points, Point{Calm, fmt.Sprintf("From the event to the first destination it took %s in half of all cases and %s in 95 of 100.",
			seconds(a.ToDelivery.P50), seconds(a.ToDelivery.P95))})
	}
	if a.ToAnswer.N > 0 {
		points = append(points, Point{Calm, fmt.Sprintf("From the alert to a person's acknowledgement it took %s in half of all cases and %s in 95 of 100.",
			seconds(a.ToAnswer.P50), seconds(a.ToAnswer.P95))})
	}
	return points
}

// bases says what alerts were judged by whose records do not say what was asked for.
func (a *Alerts) bases() (points Points) {
	if a.ByLookup > 0 {
		points = append(points, Point{Note, fmt.Sprintf("%s judged by what Azure answered when it was asked: the records do not say what was asked for.", counting(int64(a.ByLookup), "alert was", "alerts were"))})
	}
	if a.AtWorst > 0 {
		points = append(points, Point{Note, fmt.Sprintf("%s judged as the gravest that it could be: neither the records nor Azure say what was asked for.", counting(int64(a.AtWorst), "alert was", "alerts were"))})
	}
	return points
}

// severitiesInWords counts alerts by severity, gravest first.
func (a *Alerts) severitiesInWords() string {
	var parts []string
	for _, s := range slices.Backward(severities) {
		if n := a.BySeverity[s]; n > 0 {
			parts = append(parts, number(n)+" "+s)
		}
	}
	return strings.Join(parts, ", ")
}

// counted lists the first few counts in words.
func counted(list []Count, show int) string {
	var parts []string
	for i, c := range list {
		if i == show {
			rest := int64(0)
			for _, c := range list[show:] {
				rest += c.N
			}
			parts = append(parts, number(rest)+" of other kinds")
			break
		}
		parts = append(parts, number(c.N)+" "+c.Name)
	}
	return strings.Join(parts, ", ")
}

func percent(part, whole int64) string {
	if whole == 0 {
		return "0 %"
	}
	share := 100 * float64(part) / float64(whole)
	if share < 0.1 && part > 0 {
		return "under 0.1 %"
	}
	return fmt.Sprintf("%.1f %%", share)
}

// seconds writes a duration as people do.
func seconds(s float64) string {
	d := time.Duration(s * float64(time.Second))
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%.1f days", d.Hours()/24)
}

// delta writes a change against the period before in words; "" when there is nothing to compare with.
func (m Metric) delta() string {
	switch {
	case m.Now == m.Before:
		return "unchanged"
	case m.Before == 0:
		return "before: none"
	}
	change := 100 * float64(m.Now-m.Before) / float64(m.Before)
	sign := "+"
	if change < 0 {
		sign, change = "−", -change
	}
	if change >= 1000 {
		return fmt.Sprintf("before: %s", number(m.Before))
	}
	return fmt.Sprintf("%s%.0f %%", sign, change)
}

// changeOf finds a metric of the comparison with the period before.
func (r *Report) changeOf(name string) string {
	if r.Change == nil {
		return ""
	}
	for _, m := range r.Change.Metrics {
		if m.Name == name {
			return m.delta()
		}
	}
	return ""
}

// Figure is one of the numbers that stand at the top.
type Figure struct {
	Name, Value, Change string
	N                   int64
}

// Figures are numbers in a line.
type Figures []Figure

// Figures are the report in a line of numbers.
func (r *Report) Figures() Figures {
	var all Figures
	add := func(name string, n int64) { all = append(all, Figure{name, number(n), r.changeOf(name), n}) }
	add("Entries", r.Summary.Total)
	add("Operations", r.Lifecycles.Distinct)
	add("Failed entries", r.Summary.Failed)
	add("Callers", r.Summary.UniqueCallers)
	add("Deletions", r.Deletions.Total)
	add("Role changes", r.Roles.Created+r.Roles.Deleted)
	if r.Alerts.Known {
		add("Alerts", int64(r.Alerts.Raised))
	}
	if r.Alerts.Sent {
		add("Acknowledged", int64(r.Alerts.Acknowledged))
	}
	return all
}
