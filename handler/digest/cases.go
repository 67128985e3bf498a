package digest

import (
	"bytes"
	"cmp"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
)

// Case is one operation of high risk, or one that was alerted about: what the log says of it in however many entries, and what became
// of it. It is a line of operations.csv.
type Case struct {
	First, Last time.Time
	Operation   string
	Caller      string
	Resource    string
	Outcome     string // the last state seen, in the order of an operation's life
	Entries     int
	Correlation string
	EventIDs    []string
	Alert       *Alert // nil: was not alerted about, or is not known
}

// Cases are the listed entries by operation, and what met a rule, gravest first. A big month has tens of
// thousands, so they are not kept but made as they are asked for; what is kept is which entries belong together.
type Cases struct {
	report *Report
	rows   []int32 // places in the list of entries, those of one operation behind one another
	refs   []caseRef
}

// caseRef says what a Case is made of.
type caseRef struct {
	from, to int32 // in rows; none: an alert of which no entry is listed
	alert    int32 // in the report's list, -1 for none
}

// severity is that of its alert, "" where no rule was met.
func (c *Case) severity() string {
	if c.Alert == nil {
		return ""
	}
	return c.Alert.Severity
}

// Cases gathers the listed entries by operation, and joins what met a rule.
func (r *Report) Cases() Cases {
	c := Cases{report: r, rows: make([]int32, r.HighRisk.Len())}
	for i := range c.rows {
		c.rows[i] = int32(i) //nolint:gosec // far fewer
	}
	life := func(at int32) []byte { return r.HighRisk.list.rows[at].life[:] }
	slices.SortFunc(c.rows, func(a, b int32) int { return cmp.Or(bytes.Compare(life(a), life(b)), cmp.Compare(a, b)) })
	for i := range c.rows {
		if n := len(c.refs); n > 0 && bytes.Equal(life(c.rows[i-1]), life(c.rows[i])) {
			c.refs[n-1].to++
			continue
		}
		c.refs = append(c.refs, caseRef{int32(i), int32(i + 1), -1}) //nolint:gosec // far fewer
	}
	c.joinAlerts()
	c.sort()
	return c
}

// joinAlerts adds what was alerted about: to the case that has its entry, or as a case of its own.
func (c *Cases) joinAlerts() {
	alerts := &c.report.Alerts.List
	if alerts.Len() == 0 {
		return
	}
	high, joined, find := c.report.HighRisk, make([]bool, alerts.Len()), alerts.finder()
	for i, ref := range c.refs {
		for _, at := range c.rows[ref.from:ref.to] {
			if alert, met := find(high.key(high.list.rows[at])); met {
				c.refs[i].alert, joined[alert] = int32(alert), true //nolint:gosec // far fewer
			}
		}
	}
	for i := range joined {
		if !joined[i] {
			c.refs = append(c.refs, caseRef{alert: int32(i)}) //nolint:gosec // far fewer
		}
	}
}

// EntryKey is by what an entry and an alert about it find each other: Azure's id of the entry, else its operation, resource
// and correlation id, because exports to Event Hubs and storage carry no id.
func EntryKey(eventID, operation, resource, correlation string) string {
	if eventID != "" {
		return eventID
	}
	return strings.ToLower(operation + "\n" + resource + "\n" + correlation)
}

func (o Operations) key(r row) string {
	if r.event != 0 {
		return o.list.text(r.event)
	}
	op := o.operation(r)
	return EntryKey("", op.Operation, op.Resource, op.Correlation)
}

// sort orders cases by severity, then kind of operation, then time: what is grave comes first, and no kind is between the
// cases of another. Only what began at one time is looked at further.
func (c *Cases) sort() {
	slices.SortFunc(c.refs, func(a, b caseRef) int {
		if order := cmp.Or(cmp.Compare(c.rank(b), c.rank(a)), strings.Compare(c.operation(a), c.operation(b)), c.first(a).Compare(c.first(b))); order != 0 {
			return order
		}
		return cmp.Or(strings.Compare(c.one(a).Resource, c.one(b).Resource), cmp.Compare(c.place(a), c.place(b)))
	})
}

func (c *Cases) rank(ref caseRef) int {
	if ref.alert < 0 {
		return -1
	}
	list := &c.report.Alerts.List
	return severityRank(list.words[c.alertRow(ref).severity])
}

func (c *Cases) operation(ref caseRef) string {
	if ref.from == ref.to {
		return c.report.Alerts.List.operations[c.alertRow(ref).operation]
	}
	return c.report.HighRisk.vocabulary.Operations.At(int(c.report.HighRisk.list.rows[c.rows[ref.from]].operation)).Text
}

func (c *Cases) alertRow(ref caseRef) *alertRow {
	list := &c.report.Alerts.List
	return list.row(list.place(int(ref.alert)))
}

// place is where the case's first entry stands, which is the same in every run, unlike the keys of operations.
func (c *Cases) place(ref caseRef) int {
	if ref.from == ref.to {
		return len(c.rows) + int(ref.alert)
	}
	return int(c.rows[ref.from])
}

func (c *Cases) first(ref caseRef) time.Time {
	if ref.from == ref.to {
		return moment(c.alertRow(ref).happened)
	}
	return c.report.HighRisk.list.rows[c.rows[ref.from]].when()
}

// Len is their number.
func (c Cases) Len() int { return len(c.refs) }

// All iterates over them.
func (c Cases) All() iter.Seq[Case] { return c.First(len(c.refs)) }

// First iterates over the first n.
func (c Cases) First(n int) iter.Seq[Case] {
	return func(yield func(Case) bool) {
		for _, ref := range c.refs[:min(n, len(c.refs))] {
			if !yield(c.one(ref)) {
				return
			}
		}
	}
}

// one makes the Case of a ref.
func (c *Cases) one(ref caseRef) Case {
	if ref.from == ref.to {
		a := c.report.Alerts.List.At(int(ref.alert))
		return caseOfAlert(&a)
	}
	var all Case
	reached := byte(0)
	for i, at := range c.rows[ref.from:ref.to] {
		op := c.report.HighRisk.operation(c.report.HighRisk.list.rows[at])
		if i == 0 {
			all = Case{First: op.Time, Operation: op.Operation, Correlation: op.Correlation}
		}
		all.Last, all.Entries = op.Time, all.Entries+1
		all.Caller, all.Resource = cmp.Or(all.Caller, op.Caller), cmp.Or(all.Resource, op.Resource)
		if op.EventID != "" {
			all.EventIDs = append(all.EventIDs, op.EventID)
		}
		if s := stage(activity.OutcomeOf(op.Status)); s >= reached {
			reached, all.Outcome = s, op.Status
		}
	}
	if ref.alert >= 0 {
		a := c.report.Alerts.List.At(int(ref.alert))
		all.Alert = &a
	}
	return all
}

func caseOfAlert(a *Alert) Case {
	c := Case{
		First: a.Happened, Last: a.Happened, Operation: a.Operation, Caller: a.Caller, Resource: a.Resource,
		Outcome: a.Outcome, Entries: int(a.Records), Alert: a,
	}
	if a.EventID != "" {
		c.EventIDs = []string{a.EventID}
	}
	return c
}
