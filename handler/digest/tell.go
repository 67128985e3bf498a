package digest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// What every format tells in words is made here once, so that a reader finds the same sentences wherever he looks.

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

// Section is an answer with its question, for templates.
type Section struct {
	Title  string
	Points Points
}

// Titled puts the question to its answer.
func (p Points) Titled(question string) Section { return Section{question, p} }

// Mark is the sign in front of a point.
func (p Point) Mark() string { return [...]string{"✓", "•", "!"}[p.Grave] }

// Class is the name of the style of a point.
func (p Point) Class() string { return [...]string{"calm", "note", "act"}[p.Grave] }

// Matters tells what happened that matters, gravest first.
func (r *Report) Matters() Points {
	var points Points
	add := func(g Grave, format string, args ...any) {
		points = append(points, Point{g, fmt.Sprintf(format, args...)})
	}
	if r.Summary.Total == 0 && r.Completeness.proven() {
		add(Calm, "No entry was logged in this period: watched and quiet. A test event went the whole way on each day, and somebody watched in each hour.")
		return points
	}
	if r.Summary.Total == 0 {
		add(Note, "No entry was logged in this period. If that is not what you expect, look at the evidence below before you rely on it.")
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
		add(Calm, "Policy refused %s %s; a refusal is a guard that worked.", number(n), plural(n, "request", "requests"))
	}
	if r.HighRisk.Len() == 0 {
		quiet := ": watched and quiet."
		if r.aliveTrouble() != "" {
			quiet = "."
		}
		add(Calm, "No deletion and no change of permissions among %s entries%s", number(r.Summary.Total), quiet)
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
			name := c.Role
			if name == "" {
				name = "unknown role"
			}
			counts[name]++
		}
	}
	var list []Count
	for name, n := range counts {
		list = append(list, Count{name, n})
	}
	sortCounts(list)
	return counted(list, 4) + "."
}

// Open tells what somebody still has to do or to decide.
func (r *Report) Open() Points {
	var points Points
	add := func(g Grave, format string, args ...any) {
		points = append(points, Point{g, fmt.Sprintf(format, args...)})
	}
	if n := int64(r.Alerts.Undelivered); n > 0 {
		add(Act, "%s %s no reader; “handler check” says why.", number(n), plural(n, "alert has reached", "alerts have reached"))
	}
	if n := int64(r.Alerts.Open); n > 0 {
		add(Act, "%s delivered %s not been acknowledged.", number(n), plural(n, "alert has", "alerts have"))
	}
	for _, x := range r.Exceptions {
		if x.Expired {
			add(Note, "The exception of %s (%s) expired on %s; it no longer keeps anything quiet.", x.Owner, x.Reason, x.Expires.In(r.Zone).Format("2 January 2006"))
		}
	}
	for _, rule := range r.Staged {
		add(Note, "The rule on trial %s would have rung for %s %s.", rule.Name, number(rule.N), plural(rule.N, "entry", "entries"))
	}
	if n := r.Completeness.Unreadable; n > 0 {
		add(Act, "%s %s could not be read.", number(n), plural(n, "item", "items"))
	}
	if n := r.Completeness.Parked["invalid"]; n > 0 {
		add(Act, "%s unreadable %s set aside for a person to look at.", number(n), plural(n, "message is", "messages are"))
	}
	if l := r.Completeness.Ledger; l != nil && l.Unmatched > 0 {
		add(Act, "In %d subscription-hours entries that Azure lists are missing.", l.Unmatched)
	}
	if trouble := r.aliveTrouble(); trouble != "" {
		add(Act, "%s", trouble)
	}
	if l := r.Completeness.Ledger; l != nil && l.Off == "" && l.Checked < l.Expected {
		add(Act, "Of %d subscription-hours nobody can say that nothing was missed; “handler reconcile” compares them as long as Azure has them.", l.Expected-l.Checked)
	}
	if n := r.Lifecycles.Unfinished; n > 0 {
		add(Note, "%s %s begun and no end was seen.", number(n), plural(n, "operation was", "operations were"))
	}
	for _, c := range r.Controls {
		if c.Verdict == Fell {
			add(Act, "Control %s fell short: %d of %d alerts were delivered.", c.ID, c.Delivered, c.Alerts)
		}
	}
	if len(points) == 0 {
		points = Points{{Calm, "Nothing."}}
	}
	return points
}

// Rung tells whether what mattered was rung, delivered and answered, and how fast.
func (r *Report) Rung() Points {
	a := r.Alerts
	switch {
	case !a.Known:
		return Points{{Note, "Not known here: this report was made from " + r.Completeness.Source + ". Alerts and their deliveries are in the store (--source store)."}}
	case a.Raised == 0:
		return Points{{Calm, "No rule matched in this period, so nothing rang."}}
	}
	points := Points{{Note, fmt.Sprintf("%s %s raised, %s delivered, %s acknowledged.", number(int64(a.Raised)),
		plural(int64(a.Raised), "alert was", "alerts were"), number(int64(a.Delivered)), number(int64(a.Acknowledged)))}}
	if a.ToDelivery.N > 0 {
		points = append(points, Point{Calm, fmt.Sprintf("From the event to the first reader it took %s in half of all cases and %s in 95 of 100.",
			seconds(a.ToDelivery.P50), seconds(a.ToDelivery.P95))})
	}
	if a.ToAnswer.N > 0 {
		points = append(points, Point{Calm, fmt.Sprintf("From ringing to a person's answer it took %s in half of all cases and %s in 95 of 100.",
			seconds(a.ToAnswer.P50), seconds(a.ToAnswer.P95))})
	}
	return points
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

// seconds tells a duration as people do.
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

// delta tells a change against the period before in words; "" when there is nothing to compare with.
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
}

// Figures are the report in a line of numbers.
func (r *Report) Figures() []Figure {
	figures := []Figure{
		{"Entries", number(r.Summary.Total), r.changeOf("Entries")},
		{"Operations", number(r.Lifecycles.Distinct), r.changeOf("Operations")},
		{"Failed entries", number(r.Summary.Failed), r.changeOf("Failed entries")},
		{"Callers", number(r.Summary.UniqueCallers), r.changeOf("Callers")},
		{"Deletions", number(r.Deletions.Total), r.changeOf("Deletions")},
		{"Role changes", number(r.Roles.Created + r.Roles.Deleted), ""},
	}
	if r.Alerts.Known {
		figures = append(figures, Figure{"Alerts", number(int64(r.Alerts.Raised)), r.changeOf("Alerts")},
			Figure{"Acknowledged", number(int64(r.Alerts.Acknowledged)), ""})
	}
	return figures
}
