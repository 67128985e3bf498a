package alert

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
)

// Chain holds the operations whose records share a ChainKey. A correlation id is the caller's choice in some clients,
// and all steps of one deployment share theirs, so one key may stand for several operations: each is a Run.
type Chain struct {
	// Group is the group of the first run. It stands alone in chains that versions before 2 wrote.
	Group string `json:"group_key,omitempty"`
	Runs  []Run  `json:"runs,omitempty"` // oldest first, at most keepRuns
}

// Run is one operation: what identifies its caller and its request, and which records reported on it. It goes on only
// with records that no caller could have made look like its own.
type Run struct {
	Key   string `json:"key"`       // of the operation within its group
	Group string `json:"group_key"` // the partition of its alert; never changed
	Marks
	Reports []Report `json:"reports"`
}

// Marks identify a caller and a request, as far as a record says who and what they are.
type Marks struct {
	Caller  string `json:"caller,omitempty"`
	Object  string `json:"object,omitempty"`
	App     string `json:"app,omitempty"`
	Address string `json:"address,omitempty"`
	Client  string `json:"client_request,omitempty"` // the request's id, which the client chose
	Body    string `json:"body,omitempty"`           // hash of the request's body
}

// Report is what one record says of a run.
type Report struct {
	Record  string           `json:"record"`
	Outcome activity.Outcome `json:"outcome,omitempty"`
	Feed    string           `json:"feed,omitempty"`
	At      activity.Time    `json:"at,omitzero"`
}

const (
	// keepRuns and keepReports bound a chain. What comes beyond is an operation of its own for each record: it is
	// alerted rather than taken for something known.
	keepRuns    = 24
	keepReports = 24

	// twinWithin is how far apart two feeds may date one fact.
	twinWithin = 2 * time.Minute
)

// conditionStep ends the operations of a condition's chain: Activated, Updated, Resolved are steps of one incident.
var conditionStep = regexp.MustCompile(`/(activated|active|updated|inprogress|pending|resolved)/action$`)

// isCondition reports whether the record is about a state that Azure observed, and not about a call. No caller chooses the
// ids of such a record, and all of its chain is one operation.
func isCondition(e *activity.Event) bool {
	switch e.Category {
	case activity.ServiceHealth, activity.ResourceHealth:
		return true
	case activity.AlertCategory:
		return conditionStep.MatchString(e.Operation)
	}
	return false
}

// ChainKey finds the chain of a record: its LifecycleKey, in which the steps of a condition do not count. A service
// health incident is known by its tracking id.
func ChainKey(e activity.Event) string { return chainKey(&e) }

func chainKey(e *activity.Event) string {
	if !isCondition(e) {
		return lifecycleKey(e, e.Operation)
	}
	if id := e.Properties.Text("trackingId"); e.Category == activity.ServiceHealth && id != "" {
		return hash("incident", strings.ToLower(id), e.SubscriptionID)
	}
	return lifecycleKey(e, conditionStep.ReplaceAllString(e.Operation, "/condition"))
}

// feedOf is the way by which a form reaches us. The same record comes through one feed once.
func feedOf(f activity.Form) string {
	switch f {
	case activity.FormEventGrid, activity.FormCloudEvents:
		return "eventgrid"
	case activity.FormCommonAlert, activity.FormWebhookLegacy:
		return "actiongroup"
	}
	return string(f)
}

// Placement says which run of a chain a record belongs to.
type Placement struct {
	Chain Chain // with the record
	Run   Run   // as Chain has it
	First bool  // the record began the run
	Known bool  // the chain had the record: it was delivered before
	Wrote bool  // Chain differs from what was read
}

// Place finds the run that a record continues, or begins one in the group proposed. It changes nothing that c holds.
func (c Chain) Place(e activity.Event, group string) (p Placement) {
	c.place(&e, chainKey(&e), func() string { return group }, &p)
	return p
}

// place makes p the place of a record whose ChainKey is known; group is asked where it begins a run.
func (c *Chain) place(e *activity.Event, key string, group func() string, p *Placement) {
	if i := c.reporting(e.ID); i >= 0 {
		*p = Placement{Chain: *c, Run: c.Runs[i], Known: true}
		return
	}
	by := marksOf(e)
	report := Report{e.ID, e.Outcome, feedOf(e.Form), e.Time}
	p.Chain = Chain{Group: c.Group, Runs: append(make([]Run, 0, len(c.Runs)+1), c.Runs...)}
	if i := c.continued(e, &by); i >= 0 {
		r := &p.Chain.Runs[i]
		p.Wrote = r.learn(&by)
		if len(r.Reports) < keepReports {
			r.Reports = append(append(make([]Report, 0, len(r.Reports)+1), r.Reports...), report)
			p.Wrote = true
		}
		p.Run = *r
		return
	}
	p.Run, p.First = Run{Key: key, Group: group(), Marks: by, Reports: []Report{report}}, true
	if len(c.Runs) > 0 {
		p.Run.Key = hash("run", key, e.ID)
	} else {
		p.Chain.Group = p.Run.Group
	}
	if len(c.Runs) < keepRuns {
		p.Chain.Runs, p.Wrote = append(p.Chain.Runs, p.Run), true
	}
}

// reporting is the index of the run that a record reported on, by its id; -1: none.
func (c *Chain) reporting(record string) int {
	for i := range c.Runs {
		for j := range c.Runs[i].Reports {
			if c.Runs[i].Reports[j].Record == record {
				return i
			}
		}
	}
	return -1
}

// continued is the index of the run that the record continues, the nearest in time; -1: none.
func (c *Chain) continued(e *activity.Event, by *Marks) int {
	best, nearest := -1, time.Duration(0)
	for i := range c.Runs {
		if !c.Runs[i].continues(e, by) {
			continue
		}
		if far := c.Runs[i].distance(e); best < 0 || far < nearest {
			best, nearest = i, far
		}
	}
	return best
}

// distance is how far the record is from the nearest report of the run.
func (r *Run) distance(e *activity.Event) time.Duration {
	least := time.Duration(1<<63 - 1)
	for _, have := range r.Reports {
		least = min(least, e.Time.Sub(have.At.Time).Abs())
	}
	return least
}

// continues reports whether the record can only be of this run. In doubt it is not.
func (r *Run) continues(e *activity.Event, by *Marks) bool {
	if isCondition(e) {
		return r.lasts(e)
	}
	if e.Time.IsZero() || !r.sameCaller(by) {
		return false
	}
	feed, twin := feedOf(e.Form), false
	for _, have := range r.Reports {
		if have.Outcome == e.Outcome {
			if have.Feed == feed || e.Time.Sub(have.At.Time).Abs() > twinWithin {
				return false
			}
			twin = true // the same fact through another feed
		}
	}
	return twin || !slices.ContainsFunc(r.Reports, func(have Report) bool { return have.closes(e) })
}

// closes reports whether an operation that had come as far as the report says was over, or had not begun, at e's time.
func (have Report) closes(e *activity.Event) bool {
	switch then, now := stage(have.Outcome), stage(e.Outcome); {
	case have.Outcome.Final() && e.Outcome.Final():
		return true
	case now > then:
		return e.Time.Before(have.At.Time)
	case now < then:
		return e.Time.After(have.At.Time)
	}
	return false
}

// lasts reports whether a condition still lasted at the record's time, or the record reports its end.
func (r *Run) lasts(e *activity.Event) bool {
	if e.Outcome == activity.Resolved {
		return !r.beginsAfter(e.Time)
	}
	return !slices.ContainsFunc(r.Reports, func(have Report) bool {
		return have.Outcome == activity.Resolved && e.Time.After(have.At.Time)
	})
}

// beginsAfter reports whether a condition was not there at the time, by all that is known of it but its end.
func (r *Run) beginsAfter(at activity.Time) bool {
	later := false
	for _, have := range r.Reports {
		if have.Outcome != activity.Resolved && !at.Before(have.At.Time) {
			return false
		}
		later = later || have.Outcome != activity.Resolved
	}
	return later
}

// sameCaller reports whether an identity agrees and nothing differs that both carry.
func (m *Marks) sameCaller(now *Marks) bool {
	return !m.differs(now) && (m.Caller != "" && m.Caller == now.Caller || m.Object != "" && m.Object == now.Object)
}

// differs reports whether anything differs that both carry.
func (m *Marks) differs(now *Marks) bool {
	for _, pair := range [...][2]*string{
		{&m.Caller, &now.Caller},
		{&m.Object, &now.Object},
		{&m.App, &now.App},
		{&m.Address, &now.Address},
		{&m.Client, &now.Client},
		{&m.Body, &now.Body},
	} {
		if *pair[0] != "" && *pair[1] != "" && *pair[0] != *pair[1] {
			return true
		}
	}
	return false
}

// SameAct reports whether nothing in two records of one chain says that they are of different acts, and an identity of
// the caller agrees.
func SameAct(a, b *activity.Event) bool {
	if chainKey(a) != chainKey(b) {
		return false
	}
	x, y := marksOf(a), marksOf(b)
	return x.sameCaller(&y)
}

// marksOf are the marks that a record carries.
func marksOf(e *activity.Event) Marks {
	return Marks{
		Caller: short(e.Caller), Object: short(e.CallerObjectID), App: short(e.CallerAppID), Address: short(e.CallerIP),
		Client: short(e.Properties.Text("httpRequest", "clientRequestId")), Body: bodyOf(e),
	}
}

// learn fills what was not known.
func (m *Marks) learn(from *Marks) (changed bool) {
	for _, pair := range [...][2]*string{
		{&m.Caller, &from.Caller},
		{&m.Object, &from.Object},
		{&m.App, &from.App},
		{&m.Address, &from.Address},
		{&m.Client, &from.Client},
		{&m.Body, &from.Body},
	} {
		if *pair[0] == "" && *pair[1] != "" {
			*pair[0], changed = *pair[1], true
		}
	}
	return changed
}

// bodyOf is a hash of the request's body, whatever its layout; empty: the record has none.
func bodyOf(e *activity.Event) string {
	body := e.Properties.Value("requestbody")
	if len(body) <= len(`""`) {
		return ""
	}
	var flat bytes.Buffer
	if bytes.ContainsAny(body, " \t\r\n") && json.Compact(&flat, body) == nil {
		body = flat.Bytes()
	}
	return hash(string(body))
}

// short is an identifier in lower case and within bounds; what is longer is compared by its hash.
func short(id string) string {
	if id = activity.Lower(id); len(id) <= 64 {
		return id
	}
	return hash(id)
}

// Adopt makes a chain of one run of what versions before 2 kept: the group alone. What identifies the caller is read
// from the alert, which is one caller's; nil: there is none. seen is the alert that counted the record of e, by id:
// which other records it counted those versions did not keep beside the chain.
func (c Chain) Adopt(e activity.Event, a *Alert, seen string) Chain {
	r := Run{Key: LifecycleKey(e), Group: c.Group}
	if a != nil {
		r.Caller, r.Object = short(a.Event.Caller), short(a.Event.CallerObjectID)
		if i := slices.IndexFunc(a.Operations, func(op *Operation) bool { return op.Key == r.Key }); i >= 0 {
			r.Reports = reportsOf(a.Operations[i])
		}
	}
	if seen != "" || a == nil {
		r.Reports = append(r.Reports, Report{e.ID, e.Outcome, feedOf(e.Form), e.Time})
	}
	c.Runs = []Run{r}
	return c
}

// reportsOf is what an operation's times say. Which records and feeds reported it was not kept.
func reportsOf(op *Operation) []Report {
	var all []Report
	if op.Outcome != activity.Started && !op.Ended.IsZero() && op.Started.Before(op.Ended.Time) {
		all = append(all, Report{Outcome: activity.Started, At: op.Started})
	}
	at := op.Started
	if !op.Ended.IsZero() {
		at = op.Ended
	}
	return append(all, Report{Outcome: op.Outcome, At: at})
}
