package digest

import (
	"cmp"
	"encoding/binary"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/calendar"
	"github.com/auditbell/auditbell/handler/source"
)

// Subject says what a report is about and what its numbers rest on beside the entries.
type Subject struct {
	Name     string
	Source   string // files, store, activity-log, log-analytics or blobs, in words
	Zone     *time.Location
	Now      time.Time
	Masthead Masthead
	Names    Names                          // of ids, before those that Evidence has; see Report.AddNames
	Evidence *Evidence                      // nil: not known
	Before   *Before                        // nil: not known
	RoleName func(definition string) string // the name of a built-in role, "" for others
}

// Build makes the Report of what t has counted. The Report shares t's memory: nothing may be added to t any more.
func Build(t *Tally, s Subject) Report {
	if s.Zone == nil {
		s.Zone = time.UTC
	}
	if s.RoleName == nil {
		s.RoleName = func(string) string { return "" }
	}
	window := t.window()
	high := Operations{&t.listed, t.Vocabulary}
	high.sort()
	r := Report{
		Period: PeriodText(window, s.Zone), GeneratedAt: s.Now.UTC(), Name: s.Name, Masthead: s.Masthead, Window: window, Zone: s.Zone,
		Summary: t.summary(), ByCategory: t.byCategory(), SecurityEvents: t.securityEvents(), HighRisk: high,
		ByOutcome: t.byOutcome(), Lifecycles: t.lifecycles(), Policy: t.policy(),
		Deletions: t.deletions(), Failures: t.failures(), Top: t.top(), Activity: t.activity(window, s.Zone),
	}
	r.Roles = t.roleChanges(s.RoleName)
	r.Completeness = t.completeness(window, s)
	r.tellAlive(s.Evidence)
	r.setAlerts(s.Evidence)
	r.Change = changeSince(s.Before, &r)
	r.judge()
	r.callerIDs = t.callerIDs()
	r.AddNames(s.Names)
	if s.Evidence != nil {
		r.AddNames(s.Evidence.Names)
	}
	return r
}

// callerIDs are the callers in the period of whom entries have an id only.
func (t *Tally) callerIDs() []string {
	ids := idSet{}
	for i, c := range t.callers {
		if c.entries > 0 {
			ids.add(t.Vocabulary.Callers.At(i).Text)
		}
	}
	return ids.sorted()
}

// window is the tally's, its open ends closed by what was counted: from the first hour with entries to the end of the
// last one.
func (t *Tally) window() source.Window {
	w := t.Window
	if !w.From.IsZero() && !w.To.IsZero() || len(t.quarters) == 0 {
		return w
	}
	first, last := int64(1)<<62, -int64(1)<<62
	for at := range t.quarters {
		first, last = min(first, at), max(last, at)
	}
	if w.From.IsZero() {
		w.From = time.Unix(first*quarterSeconds, 0).UTC().Truncate(time.Hour)
	}
	if w.To.IsZero() {
		w.To = time.Unix(last*quarterSeconds, 0).UTC().Truncate(time.Hour).Add(time.Hour)
	}
	return w
}

// PeriodText is a window in words: a month by its name, days by their dates.
func PeriodText(w source.Window, zone *time.Location) string {
	if w.From.IsZero() || w.To.IsZero() {
		return "All entries"
	}
	suffix := " (" + zone.String() + ")"
	first, last := calendar.DayOf(w.From, zone), calendar.DayOf(w.To.Add(-1), zone)
	switch {
	case !first.From.Equal(w.From) || !last.To.Equal(w.To):
		return w.From.In(zone).Format("2 January 2006, 15:04") + " to " + w.To.In(zone).Format("2 January 2006, 15:04") + suffix
	case first.Date.Day == 1 && last.Date.Add(0, 0, 1) == first.Date.Add(0, 1, 0):
		return first.Date.Format("January 2006") + suffix
	case first == last:
		return first.Date.Format("2 January 2006") + suffix
	}
	return first.Date.Format("2 January 2006") + " to " + last.Date.Format("2 January 2006") + suffix
}

func (t *Tally) summary() Summary {
	var s Summary
	for _, byOutcome := range t.words {
		for i, n := range byOutcome {
			s.Total += n
			switch outcomes[i] {
			case activity.Succeeded:
				s.Successful += n
			case activity.Failed:
				s.Failed += n
			}
		}
	}
	for _, c := range t.callers {
		if c.entries > 0 {
			s.UniqueCallers++
		}
	}
	return s
}

// byCategory leaves out entries that name no category, as a grouping in pandas does.
func (t *Tally) byCategory() map[string]int64 {
	by := map[string]int64{}
	for i, c := range activity.Categories {
		n := int64(0)
		for _, m := range t.words[i+1] {
			n += m
		}
		if n > 0 {
			by[string(c)] = n
		}
	}
	return by
}

func (t *Tally) byOutcome() map[string]int64 {
	by := map[string]int64{}
	for _, counts := range t.words {
		for i, n := range counts {
			if n > 0 {
				by[outcomeName(outcomes[i])] += n
			}
		}
	}
	return by
}

// outcomeName is an outcome's word, and a word for none.
func outcomeName(o activity.Outcome) string { return cmp.Or(Word(o), "Unknown") }

func (t *Tally) policy() Outcomes {
	counts := t.words[categoryIndex(activity.Policy)]
	o := Outcomes{Succeeded: counts[outcomeIndex(activity.Succeeded)], Failed: counts[outcomeIndex(activity.Failed)]}
	for _, n := range counts {
		o.Total += n
	}
	return o
}

func (t *Tally) securityEvents() []Family {
	all := make([]Family, len(families))
	for f, name := range families {
		all[f] = Family{Name: name, Callers: []string{}}
		for _, op := range t.operations {
			if op.class.families&(1<<f) != 0 {
				all[f].Count += op.entries
				all[f].Successful += op.succeeded
			}
		}
		for i, c := range t.callers {
			if c.families&(1<<f) != 0 {
				all[f].Callers = append(all[f].Callers, t.Vocabulary.Callers.At(i).Text)
			}
		}
		slices.Sort(all[f].Callers)
	}
	return all
}

func (t *Tally) lifecycles() Lifecycles {
	counts := t.ended
	t.lives.values(func(stage byte) { counts[stage-1]++ })
	l := Lifecycles{ByOutcome: map[string]int64{}}
	for i, n := range counts {
		if n == 0 {
			continue
		}
		l.Distinct += n
		l.ByOutcome[outcomeName(outcomes[i])] += n
		switch outcomes[i] {
		case activity.Started, activity.Accepted, activity.InProgress:
			l.Unfinished += n
		}
	}
	return l
}

// deletions counts operations that succeeded, each once however many entries say so.
func (t *Tally) deletions() Deletions {
	ended := map[source.Key]*row{}
	alone := 0
	for i := range t.listed.rows {
		r := &t.listed.rows[i]
		if !t.operations[r.operation].class.deletion {
			continue
		}
		life := r.life
		if life.Zero() { // nothing joins it to others
			alone++
			binary.BigEndian.PutUint64(life[:8], uint64(alone)) //nolint:gosec // counted from 1
		}
		if have := ended[life]; have == nil || r.outcome > have.outcome {
			ended[life] = r
		}
	}
	d, byType := Deletions{ByType: []Count{}}, map[string]int64{}
	for _, r := range ended {
		if outcomes[r.outcome] == activity.Succeeded {
			d.Total++
			byType[deletedType(t.Vocabulary.Operations.At(int(r.operation)).Text)]++
		}
	}
	for name, n := range byType {
		d.ByType = append(d.ByType, Count{name, n})
	}
	sortCounts(d.ByType)
	return d
}

// deletedType is the type of resource that an operation deletes: microsoft.compute/disks of microsoft.compute/disks/delete.
func deletedType(operation string) string {
	if kind, _, ok := strings.Cut(operation, "/delete"); ok && strings.Contains(kind, "/") {
		return kind
	}
	return "unknown"
}

func (t *Tally) failures() Failures {
	f := Failures{ByOperation: []Count{}}
	for i, op := range t.operations {
		if op.failed > 0 {
			f.Total += op.failed
			f.ByOperation = append(f.ByOperation, Count{t.operationName(i), op.failed})
		}
	}
	sortCounts(f.ByOperation)
	return f
}

func (t *Tally) operationName(index int) string {
	return cmp.Or(t.Vocabulary.Operations.At(index).Text, "unknown")
}

// sortCounts puts the most first, and equal ones by name.
func sortCounts(c []Count) {
	slices.SortFunc(c, func(a, b Count) int { return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Name, b.Name)) })
}

// topShown bounds the lists of most frequent names.
const topShown = 20

func (t *Tally) top() Top {
	var operations, callers []Tried
	for i, op := range t.operations {
		if op.entries > 0 {
			operations = append(operations, Tried{Name: t.operationName(i), N: op.entries, Failed: op.failed})
		}
	}
	for i, c := range t.callers {
		if c.entries > 0 {
			callers = append(callers, Tried{t.Vocabulary.Callers.At(i).Text, c.entries, c.failed, c.listed})
		}
	}
	risky := slices.DeleteFunc(slices.Clone(callers), func(c Tried) bool { return c.Risky == 0 })
	slices.SortFunc(risky, func(a, b Tried) int { return cmp.Or(cmp.Compare(b.Risky, a.Risky), cmp.Compare(a.Name, b.Name)) })
	return Top{most(operations), most(callers), first(risky)}
}

func most(all []Tried) []Tried {
	slices.SortFunc(all, func(a, b Tried) int { return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Name, b.Name)) })
	return first(all)
}

func first(all []Tried) []Tried { return append([]Tried{}, all[:min(len(all), topShown)]...) }

// daysKept bounds the lines of a report's activity: some 130 years. Who writes an event chooses its time.
const daysKept = 50_000

// activity makes a line for each day of the window, whether anything happened on it or not; none when it is too long.
func (t *Tally) activity(w source.Window, zone *time.Location) Activity {
	a := Activity{Days: []Day{}}
	if w.From.IsZero() || w.To.IsZero() || w.To.Unix()-w.From.Unix() > daysKept*24*60*60 {
		return a
	}
	var starts []int64
	for day := range calendar.Days(w.From, w.To, zone) {
		starts = append(starts, day.From.Unix())
		a.Days = append(a.Days, Day{Date: day.Date.String()})
	}
	for at, q := range t.quarters {
		after := sort.Search(len(starts), func(i int) bool { return starts[i] > at*quarterSeconds })
		day := &a.Days[max(after-1, 0)] // the first quarter may have begun before the window
		day.Hours[time.Unix(at*quarterSeconds, 0).In(zone).Hour()] += q.entries
		day.Total += q.entries
		day.Risky += q.listed
	}
	return a
}

// roleChanges has each operation once: by its end where that was seen. What the request said is taken from whichever
// of its entries says it.
func (t *Tally) roleChanges(name func(string) string) Roles {
	all := Roles{Changes: []RoleChange{}}
	list := Operations{&t.listed, t.Vocabulary}
	slices.SortFunc(t.roles, func(a, b roleRow) int {
		return cmp.Or(cmp.Compare(a.time, b.time), slices.Compare(a.life[:], b.life[:]), cmp.Compare(a.outcome, b.outcome))
	})
	at := map[source.Key]int{}
	for _, r := range t.roles {
		op := list.operation(r.row)
		text := t.listed.text
		change := RoleChange{
			Time: op.Time, Action: "created", Caller: op.Caller, Role: text(r.definition), Principal: text(r.principal),
			Kind: text(r.kind), Scope: text(r.scope), Resource: op.Resource, Status: op.Status, EventID: op.EventID,
		}
		if strings.Contains(op.Operation, "delete") {
			change.Action = "deleted"
		}
		change.Role = cmp.Or(name(change.Role), change.Role)
		if have, known := at[op.life]; known {
			all.Changes[have].join(change)
			continue
		}
		at[op.life] = len(all.Changes)
		all.Changes = append(all.Changes, change)
	}
	all.fill()
	for _, c := range all.Changes {
		if c.Status == Word(activity.Succeeded) && c.Action == "created" {
			all.Created++
		} else if c.Status == Word(activity.Succeeded) {
			all.Deleted++
		}
	}
	slices.SortStableFunc(all.Changes, func(a, b RoleChange) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.EventID, b.EventID))
	})
	return all
}

// fill says of a deletion what was deleted, where the creation of the same assignment says it.
func (r *Roles) fill() {
	created := map[string]*RoleChange{}
	for i := range r.Changes {
		c := &r.Changes[i]
		if c.Action == "created" && c.Principal != "" {
			created[c.Resource] = c
		} else if from := created[c.Resource]; from != nil {
			c.join(RoleChange{Status: c.Status, EventID: c.EventID, Role: from.Role, Principal: from.Principal, Kind: from.Kind, Scope: from.Scope})
		}
	}
}

// join adds a later entry of the same operation.
func (c *RoleChange) join(later RoleChange) {
	if Stage(activity.OutcomeOf(later.Status)) >= Stage(activity.OutcomeOf(c.Status)) {
		c.Status, c.EventID = later.Status, later.EventID
	}
	c.Role, c.Principal = cmp.Or(c.Role, later.Role), cmp.Or(c.Principal, later.Principal)
	c.Kind, c.Scope = cmp.Or(c.Kind, later.Kind), cmp.Or(c.Scope, later.Scope)
}
