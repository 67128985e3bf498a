package store_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
)

// versionOne does with a store what version 1 did with a further record of an operation, on the items as they are: it finds
// the group by the operation, the alert by the group, and writes the alert back with the members that it wrote, no others.
type versionOne struct {
	t *testing.T
	c *azcosmos.ContainerClient
}

// names are all members of version 1's own writing, at any depth.
func (v versionOne) names() map[string]bool {
	v.t.Helper()
	text, err := os.ReadFile("testdata/schema1.json")
	if err != nil {
		v.t.Fatal(err)
	}
	var all any
	if err := json.Unmarshal(text, &all); err != nil {
		v.t.Fatal(err)
	}
	names := map[string]bool{}
	walk(all, func(object map[string]any) {
		for name := range object {
			names[name] = true
		}
	})
	return names
}

// walk calls visit with every object within a value, outer ones first.
func walk(value any, visit func(map[string]any)) {
	switch value := value.(type) {
	case []any:
		for _, one := range value {
			walk(one, visit)
		}
	case map[string]any:
		visit(value)
		for _, one := range value {
			walk(one, visit)
		}
	}
}

func (v versionOne) read(pk, id string) map[string]any {
	v.t.Helper()
	r, err := v.c.ReadItem(v.t.Context(), azcosmos.NewPartitionKeyString(pk), id, nil)
	if err != nil {
		return nil
	}
	var item map[string]any
	if err := json.Unmarshal(r.Value, &item); err != nil {
		v.t.Fatal(err)
	}
	return item
}

func (v versionOne) write(pk string, item map[string]any) {
	v.t.Helper()
	text, _ := json.Marshal(item)
	if _, err := v.c.UpsertItem(v.t.Context(), azcosmos.NewPartitionKeyString(pk), text, nil); err != nil {
		v.t.Fatal(err)
	}
}

// end takes in the end of an operation. It reports whether the record had been counted, and fails where version 1 would have
// opened another alert.
func (v versionOne) end(e activity.Event) (duplicate bool) {
	v.t.Helper()
	op := "op-" + alert.LifecycleKey(e)
	group, _ := v.read(op, "group")["group_key"].(string)
	if v.read(group, "seen-"+e.ID) != nil {
		return true
	}
	id, _ := v.read(group, op)["alert"].(string)
	a := v.read(group, id)
	if a == nil {
		v.t.Fatalf("version 1 finds no alert of an operation that the new version took in: group %q, alert %q", group, id)
	}
	first := a["operations"].([]any)[0].(map[string]any)
	first["outcome"], first["ended"], a["event"].(map[string]any)["outcome"] = string(e.Outcome), e.Time, string(e.Outcome)
	a["revision"], a["records"] = a["revision"].(float64)+1, a["records"].(float64)+1
	known := v.names()
	walk(a, func(object map[string]any) {
		maps.DeleteFunc(object, func(name string, _ any) bool { return !known[name] && !strings.HasPrefix(name, "_") })
	})
	a["behind"], a["due"], a["lease_until"] = true, a["opened"], 0
	if at, err := time.Parse(time.RFC3339Nano, a["opened"].(string)); err == nil {
		a["due"] = at.UnixMilli()
	}
	v.write(group, a)
	v.write(group, map[string]any{"id": "seen-" + e.ID, "pk": group, "kind": "seen", "alert": id, "by": "version 1", "ttl": 1000})
	return false
}

// TestOldAndNewWorkOnOneStore has both versions take in records of the same operations, as while a deployment runs or after
// it was taken back: each finds what the other one wrote, nothing is counted twice, and what is owed stays owed.
func TestOldAndNewWorkOnOneStore(t *testing.T) {
	t.Parallel()
	a := open(t)
	old := versionOne{t, a.container(t)}
	n := 0
	take := func(e activity.Event) alert.Decision {
		t.Helper()
		n++
		r, err := a.Take(t.Context(), finding(e), alert.Lease{Owner: fmt.Sprint("invocation", n)})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	start, end := event(1, activity.Started), event(3, activity.Succeeded)
	if r := take(start); !r.Opened {
		t.Fatal("the new version did not open an alert")
	}
	if old.end(end) {
		t.Error("the old version takes an end for a redelivery")
	}
	if r := take(end); !r.Duplicate {
		t.Errorf("the end that the old version counted is counted again: %+v", r.Alert.Operations)
	}
	if r := take(start); !r.Duplicate {
		t.Error("the start is counted again")
	}
	twin := end
	twin.ID, twin.Form = "twin", activity.FormEventGrid
	if r := take(twin); r.Opened || r.Alert.Count != 1 || r.Alert.Event.Outcome != activity.Succeeded {
		t.Errorf("the same end through another feed: opened %v, count %d, %s", r.Opened, r.Alert.Count, r.Alert.Event.Outcome)
	}
	again := event(20, activity.Started)
	if r := take(again); r.Opened || r.Alert.Count != 2 {
		t.Errorf("another act: opened %v, count %d", r.Opened, r.Alert.Count)
	}
	if !old.end(twin) {
		t.Error("the old version counts again what the new one has counted")
	}
	due, err := a.Due(t.Context(), 10)
	if err != nil || len(due) != 1 {
		t.Fatalf("due: %v, %v; want the one alert", due, err)
	}
	one, err := a.Alert(t.Context(), due[0])
	if err != nil || !one.OwesFirst("slack") || !one.OwesFirst("teams") || one.Count != 2 {
		t.Errorf("%v: %+v; want both channels owed their first message, about two acts", err, one.Deliveries)
	}
}

// TestTheVersionBeforeWritesOnWhileItIsTakenOver has both versions work on what version 1 wrote, in turns, as while a
// deployment runs: what is owed and what waits stays so, and each end is counted once, by either.
func TestTheVersionBeforeWritesOnWhileItIsTakenOver(t *testing.T) {
	t.Parallel()
	a := schemaOne(t)
	old := versionOne{t, a.container(t)}
	take := func(e activity.Event) alert.Decision {
		t.Helper()
		r, err := a.Take(t.Context(), finding(e), alert.Lease{Owner: "new", Until: epoch.Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	end, twin := event(3, activity.Succeeded), event(4, activity.Succeeded)
	twin.Form = activity.FormEventGrid
	if old.end(end) {
		t.Error("version 1 takes the end of its own operation for a redelivery")
	}
	if r := take(end); !r.Duplicate {
		t.Errorf("what version 1 counted is counted again: %+v", r.Alert.Operations)
	}
	if r := take(twin); r.Opened || r.Alert.Count != 1 {
		t.Errorf("the same end through another feed: opened %v, count %d", r.Opened, r.Alert.Count)
	}
	other := event(2, activity.Succeeded)
	other.CorrelationID, other.Caller = "c2", "ann@contoso.example"
	if r := take(other); !r.Duplicate {
		t.Errorf("a redelivery of an alert that waits is no duplicate: opened %v", r.Opened)
	}
	for _, e := range []activity.Event{end, twin, other} {
		if !old.end(e) {
			t.Errorf("version 1 counts %s again once the new version took over", e.ID)
		}
	}
	again := event(20, activity.Started)
	if r := take(again); r.Opened || r.Alert.Count != 2 {
		t.Errorf("the same act again: opened %v, count %d", r.Opened, r.Alert.Count)
	}
	late := event(21, activity.Accepted)
	if old.end(late) { // version 1 writes over what the new version has written last
		t.Error("version 1 takes a record for a redelivery that it never saw")
	}
	if r := take(late); !r.Duplicate {
		t.Error("what version 1 counted after the new version wrote is counted again")
	}
	a.advance(31 * time.Second)
	due, err := a.Due(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	stuck, err := a.Stuck(t.Context(), 10)
	if err != nil || len(due) != 1 || len(stuck) != 1 {
		t.Fatalf("%d alerts are due and %d wait, %v; want the one that version 1 owed, and the one whose Teams takes nothing", len(due), len(stuck), err)
	}
	one, err := a.Alert(t.Context(), due[0])
	if err != nil || !one.OwesFirst("slack") || !one.OwesFirst("teams") || one.Count != 2 {
		t.Errorf("%v, count %d, %+v; want both channels owed their first message, about two acts", err, one.Count, one.Deliveries)
	}
}
