package lookup

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/enrich"
)

const (
	// lasts is how long an act may have taken. A state of that time before its end may be one from before the act or one
	// that the act led to, so it is taken for neither: what is compared is older, and may hold another change as well.
	lasts = 15 * time.Minute
	// awaits is for how long a notification of the act is waited for before Resource Graph is asked.
	awaits = 3 * time.Minute
)

// notified says what properties were before and are now by what Azure notified of the resource: the last state from
// before the act, and the first from after its end. answered: nothing else needs to be asked.
func (s *Set) notified(ctx context.Context, e *activity.Event) (found alert.Learned, answered bool, err error) {
	if e.Time.IsZero() {
		return found, false, nil
	}
	all, ru, err := s.past.States(ctx, tracked(e.ResourceID), false)
	found.RU = ru
	if err != nil {
		return found, false, err
	}
	before, after := sidesOf(all, e.Time.Time)
	switch {
	case before == nil || len(before.Resource) == 0 && before.Kind != activity.Deleted:
		return found, false, nil
	case after == nil && s.now().Sub(e.Time.Time) < awaits:
		return found, true, errNotYet
	case after == nil:
		return found, false, nil
	case after.Kind == activity.Deleted:
		found.Facts = []alert.Fact{{Name: "Now", Value: "deleted, at " + second(after.Time)}}
		return found, false, nil
	case len(after.Resource) == 0 || before.Kind == activity.Deleted:
		return found, false, nil
	}
	said := phrases(differences(before.Resource, after.Resource))
	if len(said) == 0 { // what the act changed is not among the properties of a notification
		return found, false, nil
	}
	found.Facts = []alert.Fact{
		{Name: "Changed", Value: enrich.AndMore(said, mostChanges, "; ")},
		{Name: "Changed between", Value: second(before.Time) + " and " + second(after.Time)},
	}
	return found, true, nil
}

// sidesOf are the last state from before an act that ended at a moment, and the first from after it.
func sidesOf(all []activity.State, end time.Time) (before, after *activity.State) {
	for i := range all {
		switch {
		case all[i].Time.Before(end.Add(-lasts)):
			before = &all[i]
		case !all[i].Time.Before(end) && after == nil:
			after = &all[i]
		}
	}
	return before, after
}

func second(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// differences are the properties in which two states of a resource differ, by the paths that Resource Graph has.
func differences(before, after activity.Properties) map[string]property {
	was, is := map[string]any{}, map[string]any{}
	leaves("", decoded(before), 0, was)
	leaves("", decoded(after), 0, is)
	changed := map[string]property{}
	for path, now := range is {
		if !same(was[path], now) {
			changed[path] = property{New: now, Old: was[path]}
		}
	}
	for path, old := range was {
		if _, there := is[path]; !there {
			changed[path] = property{Old: old}
		}
	}
	return changed
}

func decoded(p activity.Properties) (v any) {
	d := json.NewDecoder(bytes.NewReader(p))
	d.UseNumber()
	_ = d.Decode(&v) // what is kept is JSON
	return v
}

// deepest is how far down properties are compared one by one; what is deeper is compared as text.
const deepest = 20

// leaves gathers what is neither object nor list, by path. Members of a list go by their name where each has one of its
// own, because providers do not keep their order.
func leaves(path string, v any, depth int, all map[string]any) {
	if text, err := json.Marshal(v); depth > deepest && err == nil {
		v = string(text)
	}
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			leaves(strings.TrimPrefix(path+"."+name, "."), member, depth+1, all)
		}
	case []any:
		names := namesOf(v)
		for i, member := range v {
			leaves(path+"["+names[i]+"]", member, depth+1, all)
		}
	case nil:
	case json.Number:
		all[path] = v.String()
	case bool:
		all[path] = strconv.FormatBool(v)
	default:
		all[path] = v
	}
}

var noBrackets = strings.NewReplacer("[", "", "]", "", `"`, "")

// namesOf are what the members of a list go by: their names, their own texts, or else their places.
func namesOf(list []any) []string {
	names, places := make([]string, len(list)), make([]string, len(list))
	seen := map[string]bool{"": true}
	distinct := true
	for i, member := range list {
		places[i] = strconv.Itoa(i)
		switch member := member.(type) {
		case map[string]any:
			names[i], _ = member["name"].(string)
		case string:
			names[i] = member
		}
		names[i] = noBrackets.Replace(names[i])
		distinct = distinct && !seen[names[i]]
		seen[names[i]] = true
	}
	if !distinct {
		return places
	}
	return names
}

// same reports whether two values say the same. A provider that writes a switch as 1 may write it as true another time.
func same(a, b any) bool {
	return a == b || (isSwitch(a) || isSwitch(b)) && asSwitch(a) == asSwitch(b)
}

func isSwitch(v any) bool { return v == "true" || v == "false" }

func asSwitch(v any) any {
	switch v {
	case "1":
		return "true"
	case "0":
		return "false"
	}
	return v
}
