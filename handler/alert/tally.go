package alert

import (
	"cmp"
	"slices"
	"time"
)

// Summed is an alert as a summary counts it.
type Summed struct {
	Ref
	At       time.Time `json:"at"` // when its first event happened
	Rule     string    `json:"rule"`
	Title    string    `json:"title"` // of the rule
	Severity string    `json:"severity"`
	Actor    string    `json:"actor,omitempty"`
	Name     string    `json:"name,omitempty"` // what it is known by among others: its resource
	Event    string    `json:"event,omitempty"`
}

// Tally is what a summary counts by rule and by actor, and what of that the summary before it did not have.
type Tally struct {
	Severities map[string]int `json:"severities,omitempty"` // alerts by severity
	Rules      []Count        `json:"rules,omitempty"`
	Actors     []Count        `json:"actors,omitempty"`
	// OtherRules and OtherActors are alerts of those that were dropped for want of room: the counts of those that are listed
	// are then at least as high as it says.
	OtherRules  int `json:"other_rules,omitempty"`
	OtherActors int `json:"other_actors,omitempty"`
	// Before is the summary before this one, of the same kind and for the same destination, and Since when that was opened.
	Before string    `json:"before,omitempty"`
	Since  time.Time `json:"since,omitzero"`
}

// Count is how many alerts of a summary are of one rule, or by one actor.
type Count struct {
	ID       string `json:"id"`              // the rule's; of an actor the name
	Title    string `json:"title,omitempty"` // the rule's
	Severity string `json:"severity,omitempty"`
	Count    int    `json:"count"`
	New      bool   `json:"new,omitempty"` // the summary before this one had none of it
	// Of says of an actor how many alerts of which rules: by the rule's id, the first keepOf.
	Of []Count `json:"of,omitempty"`
}

// keepOf bounds the rules that a tally lists of one actor.
const keepOf = 4

// keepCounts bounds the rules, and the actors, that a tally lists: an item of Cosmos DB costs by its size, and actors
// choose their names.
const keepCounts = 60

// after begins a tally that follows another summary's.
func (t *Tally) after(before *Alert) {
	if before != nil {
		t.Before, t.Since = before.ID, before.Opened
	}
}

// add counts an alert. before is the tally of the summary before; nil: there is none, and nothing is called new.
func (t *Tally) add(s Summed, before *Tally) {
	if t.Severities == nil {
		t.Severities = map[string]int{}
	}
	t.Severities[s.Severity]++
	t.Rules = counted(t.Rules, Count{ID: s.Rule, Title: s.Title, Severity: s.Severity}, &t.OtherRules, before.lacksRule(s.Rule))
	if s.Actor != "" {
		t.Actors = counted(t.Actors, Count{ID: cut(s.Actor), Severity: s.Severity}, &t.OtherActors, before.lacksActor(cut(s.Actor)))
		t.did(cut(s.Actor), s.Rule)
	}
}

// did counts an alert of a rule with its actor. What there is no room for is the difference to the actor's own count.
func (t *Tally) did(actor, rule string) {
	of := &t.Actors[slices.IndexFunc(t.Actors, func(c Count) bool { return c.ID == actor })].Of
	if i := slices.IndexFunc(*of, func(c Count) bool { return c.ID == rule }); i >= 0 {
		(*of)[i].Count++
	} else if len(*of) < keepOf {
		*of = append(*of, Count{ID: rule, Count: 1})
	}
}

// counted adds one to an entry. Where there is no room for another one, the rarest makes way, so that what becomes frequent
// later is listed all the same; a milder one before a graver one.
func counted(list []Count, one Count, others *int, fresh bool) []Count {
	if i := slices.IndexFunc(list, func(have Count) bool { return have.ID == one.ID }); i >= 0 {
		list[i].Count++
		if rank(one.Severity) > rank(list[i].Severity) {
			list[i].Severity = one.Severity
		}
		return list
	}
	one.Count, one.New = 1, fresh
	if len(list) < keepCounts {
		return append(list, one)
	}
	rarest := 0
	for i, have := range list {
		if cmp.Or(have.Count-list[rarest].Count, rank(have.Severity)-rank(list[rarest].Severity)) < 0 {
			rarest = i
		}
	}
	*others += list[rarest].Count
	list[rarest] = one
	return list
}

// lacksRule reports whether the tally is known to hold no alert of a rule.
func (t *Tally) lacksRule(id string) bool {
	return t != nil && t.OtherRules == 0 && !has(t.Rules, id)
}

func (t *Tally) lacksActor(name string) bool {
	return t != nil && t.OtherActors == 0 && !has(t.Actors, name)
}

func has(list []Count, id string) bool {
	return slices.ContainsFunc(list, func(c Count) bool { return c.ID == id })
}

// ByRule lists the rules, the gravest first and among equals the most frequent.
func (t *Tally) ByRule() []Count {
	return sorted(t.Rules, func(x, y Count) int { return cmp.Or(rank(y.Severity)-rank(x.Severity), y.Count-x.Count) })
}

// ByActor lists the actors, the most frequent first.
func (t *Tally) ByActor() []Count {
	return sorted(t.Actors, func(x, y Count) int { return y.Count - x.Count })
}

func sorted(list []Count, by func(x, y Count) int) []Count {
	list = slices.Clone(list)
	slices.SortStableFunc(list, by)
	return list
}

// Summary opens the summary of some findings, each of which stands for a whole alert. before is the last one of its kind;
// nil: there was none.
func Summary(findings []Finding, before *Alert, now time.Time) Alert {
	a := New(findings[0], now)
	a.Tally = &Tally{}
	a.Tally.after(before)
	a.count(findings[0], before)
	return *a.Sum(findings[1:], before, now)
}

// Sum has a summary count more alerts, which is one change to its readers.
func (a *Alert) Sum(findings []Finding, before *Alert, now time.Time) *Alert {
	revision := a.Revision
	for _, f := range findings {
		a.Absorb(f, false, now)
		a.count(f, before)
	}
	if len(findings) > 0 {
		a.Revision = revision + 1
	}
	return a
}

func (a *Alert) count(f Finding, before *Alert) {
	if a.Tally == nil { // it was begun by a version that kept none
		return
	}
	var had *Tally
	if before != nil {
		had = before.Tally
	}
	a.Tally.add(f.Of, had)
}

// Open reports whether a summary takes in more: its window has not ended, or no reader has it yet. So a channel that was
// away for a week gets one summary.
func (a *Alert) Open(now time.Time) bool {
	return a.WindowEnds.After(now) || a.unread()
}

func (a *Alert) unread() bool {
	for name := range a.Deliveries {
		if !a.OwesFirst(name) {
			return false
		}
	}
	return true
}
