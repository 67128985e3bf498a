package lookup

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/enrich"
)

// isChange holds for what Resource Graph keeps a record of: something that was written, on a resource that it lists.
func isChange(e *activity.Event) bool {
	verb := e.Operation[strings.LastIndexByte(e.Operation, '/')+1:]
	return e.Category == activity.Administrative && e.Outcome == activity.Succeeded && verb == "write" &&
		guid().MatchString(e.CorrelationID) && guid().MatchString(e.SubscriptionID) && tracked(e.ResourceID) != ""
}

// change is one record of Resource Graph's table resourcechanges.
type change struct {
	Target  string                     `json:"target"`
	Kind    string                     `json:"kind"` // Create, Update or Delete
	Changes map[string]json.RawMessage `json:"changes"`
}

// property is one property of a record. Values are texts nearly always, "null" for what is not there (learn: "Get resource
// configuration changes").
type property struct {
	New      any    `json:"newValue"`
	Old      any    `json:"previousValue"`
	Category string `json:"changeCategory"` // System: Azure's own bookkeeping
}

// changes says what properties were before and are now: by what Azure notified of the resource, else by Resource Graph.
func (s *Set) changes(ctx context.Context, e *activity.Event) (alert.Learned, error) {
	found, answered, err := s.notified(ctx, e)
	if answered || err != nil {
		return found, err
	}
	graph, err := s.recorded(ctx, e)
	return merge(found, graph), err
}

// recorded asks Resource Graph. It has a change on record within five minutes, so the first question mostly comes too
// early.
func (s *Set) recorded(ctx context.Context, e *activity.Event) (alert.Learned, error) {
	text := "resourcechanges" +
		" | extend correlation = tostring(properties.changeAttributes.correlationId), target = tostring(properties.targetResourceId)" +
		" | where correlation =~ " + literal(e.CorrelationID) + " and target startswith " + literal(tracked(e.ResourceID)) +
		" | project target, kind = tostring(properties.changeType), changes = properties.changes"
	var rows []change
	if err := s.query(ctx, e.SubscriptionID, text, &rows); err != nil {
		return alert.Learned{}, err
	}
	rows = slices.DeleteFunc(rows, func(r change) bool { return !partOf(r.Target, tracked(e.ResourceID)) })
	if len(rows) == 0 {
		return alert.Learned{}, errNotYet
	}
	var said []string
	for _, r := range rows {
		said = append(said, r.words()...)
	}
	if len(said) == 0 {
		return alert.Learned{}, errNothing // created or deleted as a whole, which the message says already
	}
	return alert.Learned{Facts: []alert.Fact{{Name: "Changed", Value: enrich.AndMore(said, mostChanges, "; ")}}}, nil
}

// mostChanges is how many properties a message names.
const mostChanges = 5

// partOf reports whether a resource is another one or a part of it; the query's startswith also finds nsg2 for nsg.
func partOf(id, of string) bool {
	return strings.HasPrefix(strings.ToLower(id)+"/", strings.ToLower(of)+"/")
}

// words says a record's properties, each in a phrase.
func (c change) words() []string {
	properties := map[string]property{}
	for path, raw := range c.Changes {
		var p property
		if json.Unmarshal(raw, &p) == nil && !strings.EqualFold(p.Category, "System") {
			properties[path] = p
		}
	}
	return phrases(properties)
}

// phrases says properties in order of path.
func phrases(properties map[string]property) []string {
	rules := map[string]*ruleChange{}
	var said []string
	for _, path := range sortedKeys(properties) {
		p := properties[path]
		if enrich.Boring(path) {
			continue
		}
		if m := inRule().FindStringSubmatch(path); m != nil {
			if rules[m[1]] == nil {
				rules[m[1]] = &ruleChange{before: map[string]string{}, after: map[string]string{}}
			}
			rules[m[1]].add(path, m[2], p)
			continue
		}
		said = append(said, phrase(path, p))
	}
	for _, n := range sortedKeys(rules) {
		said = append(said, rules[n].words()...)
	}
	return said
}

// phrase is "publicNetworkAccess: Disabled → Enabled".
func phrase(path string, p property) string {
	name := strings.TrimPrefix(path, "properties.")
	before, after := value(p.Old), value(p.New)
	switch {
	case before == "" && after == "":
		return name + " changed"
	case before == "":
		return name + " added: " + enrich.Shown(path, after)
	case after == "":
		return name + " removed, was " + enrich.Shown(path, before)
	}
	return name + ": " + enrich.Shown(path, before) + " → " + enrich.Shown(path, after)
}

// value is a property's value as text, "" for none.
func value(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		if v == "null" {
			return ""
		}
		return v
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(raw)
}

// inRule finds properties of one rule of a network security group: properties.securityRules[3].properties.access.
var inRule = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^properties\.securityRules\[("?[^\]"]*"?)\]\.(.+)$`) })

// ruleChange gathers the properties of one rule, so that a rule that is new is told as a rule.
type ruleChange struct {
	before, after map[string]string
	phrases       []string
}

func (r *ruleChange) add(path, member string, p property) {
	member = strings.TrimPrefix(member, "properties.")
	if old := value(p.Old); old != "" {
		r.before[member] = old
	}
	if now := value(p.New); now != "" {
		r.after[member] = now
	}
	r.phrases = append(r.phrases, phrase(path, p))
}

// words is "inbound rule allow-ssh added: 0.0.0.0/0 → 22, allow", or the single properties of a rule that was there and
// stays.
func (r *ruleChange) words() []string {
	switch {
	case len(r.before) == 0:
		if text := ruleText(r.after, "added"); text != "" {
			return []string{text}
		}
	case len(r.after) == 0:
		if text := ruleText(r.before, "removed"); text != "" {
			return []string{text}
		}
	}
	return r.phrases
}

func ruleText(members map[string]string, done string) string {
	raw, err := json.Marshal(members)
	if err != nil {
		return ""
	}
	return enrich.SecurityRule(members["name"], done, activity.Properties(raw))
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
