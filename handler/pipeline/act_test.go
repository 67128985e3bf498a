package pipeline

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/notify"
)

func TestMonday(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, now, want string
		zone            *time.Location
	}{
		{"on a Sunday", "2026-11-22T12:00:00Z", "2026-11-23T09:00:00Z", time.UTC},
		{"on a Monday it is the next one", "2026-11-23T07:00:00Z", "2026-11-30T09:00:00Z", time.UTC},
		{"on a Tuesday", "2026-11-24T12:00:00Z", "2026-11-30T09:00:00Z", time.UTC},
		{"nine in the readers' zone", "2026-11-22T12:00:00Z", "2026-11-23T08:00:00Z", berlin},
		{"their Monday has begun, ours has not", "2026-11-22T23:30:00Z", "2026-11-30T08:00:00Z", berlin},
		{"across the end of summer time", "2026-10-24T12:00:00Z", "2026-10-26T08:00:00Z", berlin},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		if got := monday(now, c.zone).UTC().Format(time.RFC3339); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestWhatStandsCanBeTakenBack has one alert go through its states: what does something is offered while it does not stand,
// and what takes it back while it does.
func TestWhatStandsCanBeTakenBack(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	now := noon
	c := &Composer{Now: func() time.Time { return now }, Acting: Acting{Interactive: true, Expect: true, ExpectedFor: time.Hour}}
	a := alert.Alert{ID: "alert-1", Group: "0abc", WindowEnds: noon.Add(time.Minute)}
	for _, step := range []struct {
		kind              alert.ActKind
		until             time.Time
		unchanged         bool
		offered, standing string
	}{
		{kind: "", offered: "acknowledge snooze expect"},
		{kind: alert.Unacknowledged, unchanged: true, offered: "acknowledge snooze expect"},
		{kind: alert.Acknowledged, offered: "unacknowledge snooze expect", standing: "🟢 Acknowledged by @ana, 22 Nov 12:00 UTC"},
		{kind: alert.Acknowledged, unchanged: true, offered: "unacknowledge snooze expect", standing: "🟢 Acknowledged by @ana, 22 Nov 12:00 UTC"},
		{kind: alert.Snoozed, until: noon.Add(8 * time.Hour), offered: "unacknowledge snooze unsnooze expect", standing: "🔵 Snoozed by @ana until 22 Nov 20:00 UTC"},
		{kind: alert.Expected, until: noon.Add(time.Hour), offered: "unacknowledge snooze unsnooze withdraw", standing: "⚪ Marked as expected by @ana until 22 Nov 13:00 UTC"},
		{kind: alert.Withdrawn, offered: "unacknowledge snooze unsnooze expect", standing: "🔵 Snoozed by @ana until 22 Nov 20:00 UTC"},
		{kind: alert.Withdrawn, unchanged: true, offered: "unacknowledge snooze unsnooze expect", standing: "🔵 Snoozed by @ana until 22 Nov 20:00 UTC"},
		{kind: alert.Unsnoozed, offered: "unacknowledge snooze expect", standing: "🟢 Acknowledged by @ana, 22 Nov 12:00 UTC"},
		{kind: alert.Unacknowledged, offered: "acknowledge snooze expect"},
		{kind: alert.Acknowledged, offered: "unacknowledge snooze expect", standing: "🟢 Acknowledged by @ana, 22 Nov 12:00 UTC"},
	} {
		if step.kind != "" {
			act := alert.Act{ID: "act-x", Kind: step.kind, By: alert.Person{ID: "U1", Name: "ana"}, At: now, Until: step.until}
			act.ID += fmt.Sprint(len(a.Acts))
			if changed := a.Take(act, now); changed == step.unchanged {
				t.Errorf("%s changed the alert: %v", step.kind, changed)
			}
		}
		var offered []string
		for _, one := range c.actions(a) {
			offered = append(offered, one.Name)
		}
		if got := strings.Join(offered, " "); got != step.offered {
			t.Errorf("after %s: offered %s, want %s", step.kind, got, step.offered)
		}
		if got := c.standing(a).String(); got != step.standing {
			t.Errorf("after %s: %q stands, want %q", step.kind, got, step.standing)
		}
	}
	if !a.WindowEnds.Equal(noon.Add(time.Minute)) || !a.Snooze.Until.IsZero() {
		t.Errorf("the snooze that was ended still has effect: window to %s, %+v", a.WindowEnds, a.Snooze)
	}
	if all := a.Expectations(); len(all) != 1 || all[0].Group != a.Group {
		t.Errorf("exceptions of the alert: %+v", all)
	}
}

func TestReadRefusesWhatWeNeverWrote(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	p := &Composer{Now: func() time.Time { return now }, Acting: Acting{ExpectedFor: time.Hour}}
	const at = "0abc.alert-1"
	for _, c := range []struct {
		action, value, by string
		want              alert.ActKind // empty: foreign
	}{
		{"acknowledge", at, "U1", alert.Acknowledged},
		{"expect", at, "U1", alert.Expected},
		{"snooze", "1h." + at, "U1", alert.Snoozed},
		{"snooze", "8h." + at, "U1", alert.Snoozed},
		{"snooze", "monday." + at, "U1", alert.Snoozed},
		{"snooze", "1000h." + at, "U1", ""},
		{"snooze", at, "U1", ""},
		{"acknowledge", "", "U1", ""},
		{"acknowledge", "1h." + at, "U1", ""},
		{"acknowledge", "0abc.head", "U1", ""},
		{"acknowledge", "../x.alert-1", "U1", ""},
		{"acknowledge", at + "\n", "U1", ""},
		{"acknowledge", at, "", ""},
		{"unacknowledge", at, "U1", alert.Unacknowledged},
		{"unsnooze", at, "U1", alert.Unsnoozed},
		{"withdraw", at, "U1", alert.Withdrawn},
		{"unsnooze", "1h." + at, "U1", ""},
		{"delete", at, "U1", ""},
	} {
		ref, act, err := p.read(notify.Click{Action: c.action, Value: c.value, ByID: c.by, ByName: "ana\u202e\n<!here>", Once: "x"})
		if (c.want == "") != errors.Is(err, ErrForeign) {
			t.Errorf("%s %q by %q: %v", c.action, c.value, c.by, err)
			continue
		}
		if c.want != "" && (act.Kind != c.want || ref != (alert.Ref{Group: "0abc", ID: "alert-1"}) || act.By.Name != "ana <!here>") {
			t.Errorf("%s %q: %+v on %+v", c.action, c.value, act, ref)
		}
	}
}

// TestTheTableOfActsIsWhole walks every act through its states: it is offered, stands in the headline in words and colour, is
// taken back by another person, and the small print names both. What is written elsewhere about acts agrees with it.
func TestTheTableOfActsIsWhole(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	now := noon
	c := &Composer{Now: func() time.Time { return now }, Acting: Acting{Interactive: true, Expect: true, ExpectedFor: time.Hour}}
	names, marks := map[string]bool{}, map[string]bool{}
	for i := range acts {
		row := &acts[i]
		if row.back.TakesBack() != row.kind || row.kind.TakesBack() != "" {
			t.Errorf("%s is taken back by %s, which takes back %q", row.kind, row.back, row.back.TakesBack())
		}
		if row.mark == "" || row.state == "" || row.undone == "" || row.over == "" || marks[row.mark] || names[row.does.name] || names[row.undoes.name] {
			t.Errorf("%s lacks a word or a colour of its own", row.kind)
		}
		names[row.does.name], names[row.undoes.name], marks[row.mark] = true, true, true
		now = noon
		a := alert.Alert{ID: "alert-1", Group: "0abc"}
		offered := func(name string) *notify.Action {
			for _, one := range c.actions(a) {
				if one.Name == name {
					return &one
				}
			}
			return nil
		}
		do := func(by, name string) {
			t.Helper()
			button := offered(name)
			if button == nil {
				t.Fatalf("%s is not offered", name)
			}
			value := button.Value
			if len(button.Choices) > 0 {
				value = button.Choices[0].Value
			}
			_, one, err := c.read(notify.Click{Action: name, Value: value, ByID: "U-" + by, ByName: by, Once: name})
			if err != nil || !a.Take(one, now) {
				t.Fatalf("%s by %s changed nothing, %v", name, by, err)
			}
		}
		if offered(row.undoes.name) != nil || c.standing(a) != (notify.Standing{}) || len(history(a)) != 0 {
			t.Errorf("%s stands already", row.kind)
		}
		do("ana", row.does.name)
		when := ", 22 Nov 12:00 UTC"
		if row.ends {
			when = " until 22 Nov 13:00 UTC"
		}
		m := c.Message(a)
		if want := (notify.Standing{Mark: row.mark, Done: row.state, By: "@ana", When: when}); m.Standing != want || !strings.Contains(m.Title(150), row.state+" by @ana"+when) {
			t.Errorf("%s: the title is %q, %+v; want %+v", row.kind, m.Title(150), m.Standing, want)
		}
		if again := offered(row.does.name) != nil; again != row.again {
			t.Errorf("%s is offered again: %v", row.kind, again)
		}
		if print := strings.Join(m.Context, "\n"); !strings.Contains(print, row.state+" by @ana at 2026-11-22 12:00 UTC") {
			t.Errorf("%s: the small print is %q", row.kind, print)
		}
		now = noon.Add(time.Minute)
		do("bob", row.undoes.name)
		m = c.Message(a)
		if print := strings.Join(m.Context, "\n"); m.Standing != (notify.Standing{}) || !strings.Contains(print, row.state+" by @ana at ") || !strings.Contains(print, ", "+row.over+" by @bob at 2026-11-22 12:01 UTC") {
			t.Errorf("%s was taken back: %+v, %q", row.kind, m.Standing, print)
		}
		if offered(row.does.name) == nil || offered(row.undoes.name) != nil {
			t.Errorf("%s cannot be done again", row.kind)
		}
	}
}
