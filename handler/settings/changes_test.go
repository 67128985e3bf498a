package settings_test

import (
	"strings"
	"testing"
	"time"
)

func TestChangeWindowsHold(t *testing.T) {
	t.Parallel()
	c, problems := read(`
changes:
  windows:
    - {name: rebuild, ticket: CHG1, from: 2026-12-01T22:00:00+01:00, to: 2026-12-02T04:00:00+01:00, match: {resource_group: rg-network}}
    - {name: patch night, days: [tue], from: "22:00", to: "02:00", time_zone: Europe/Berlin}
  ticket: {pattern: "CHG[0-9]{7}", tags: change}
`)
	if problems != nil {
		t.Fatal(problems)
	}
	at := func(text string) time.Time {
		v, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, x := range []struct {
		window int
		at     string
		want   bool
	}{
		{0, "2026-12-01T20:59:59Z", false},
		{0, "2026-12-01T21:00:00Z", true},
		{0, "2026-12-02T03:00:00Z", false},
		{1, "2026-11-24T21:30:00Z", true},  // Tuesday 22:30 in Berlin
		{1, "2026-11-25T00:30:00Z", true},  // Wednesday 01:30: begun on Tuesday
		{1, "2026-11-25T01:30:00Z", false}, // 02:30
		{1, "2026-11-25T21:30:00Z", false}, // Wednesday evening
	} {
		if got := c.Changes.Windows[x.window].Holds(at(x.at)); got != x.want {
			t.Errorf("%s at %s: %v, want %v", c.Changes.Windows[x.window].Name, x.at, got, x.want)
		}
	}
	if got := c.Changes.Ticket.Find("see CHG0012345 and CHG0012346"); got != "CHG0012345" {
		t.Errorf("found ticket %q", got)
	}
}

func TestWhatIsWrongWithChanges(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ name, text, want string }{
		{"no name", `windows: [{from: "22:00", to: "02:00"}]`, "has no name"},
		{"backwards", "windows: [{name: x, from: 2026-12-02T00:00:00Z, to: 2026-12-01T00:00:00Z}]", "ends before it begins"},
		{"two kinds", `windows: [{name: x, from: 2026-12-02T00:00:00Z, to: "22:00"}]`, `to "22:00" is no time with a zone`},
		{"a date for a time of day", `windows: [{name: x, from: "22:00", to: 2026-12-01T00:00:00Z}]`, "is no time of day"},
		{"days of one that comes once", "windows: [{name: x, days: [tue], from: 2026-12-01T00:00:00Z, to: 2026-12-02T00:00:00Z}]", "comes once"},
		{"another day", `windows: [{name: x, days: [tues], from: "22:00", to: "02:00"}]`, `"tues" is unknown`},
		{"another zone", `windows: [{name: x, time_zone: Mars, from: "22:00", to: "02:00"}]`, `time_zone "Mars" is unknown`},
		{"a scope that there is not", `windows: [{name: x, from: "22:00", to: "02:00", match: {severity: loud}}]`, `severity "loud" is unknown`},
		{"a pattern that is none", `ticket: {pattern: "CHG(", text: true}`, "is no regular expression"},
		{"a pattern for everything", `ticket: {pattern: "x*", text: true}`, "matches nothing at all"},
		{"no place", `ticket: {pattern: "CHG"}`, "names no place"},
		{"no pattern", `ticket: {text: true}`, "not what they look like"},
	} {
		_, problems := read("changes:\n  " + x.text + "\n")
		if len(problems) != 1 || !strings.Contains(problems[0], x.want) {
			t.Errorf("%s: %q, want one problem that says %q", x.name, problems, x.want)
		}
	}
}
