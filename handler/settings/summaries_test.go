package settings_test

import (
	"os"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/auditbell/auditbell/handler/settings"
)

// The routes of config/auditbell.yaml, behind that of the daily test, are those of an operator who wrote none.
func TestTheCommittedRoutesAreTheDefaults(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../config/auditbell.yaml")
	if err != nil {
		t.Fatal(err)
	}
	written, problems := read(string(text))
	if problems != nil {
		t.Fatal(problems)
	}
	none, _ := read("texts: {}\n")
	ignore := cmp.Options{cmpopts.IgnoreFields(settings.Route{}, "At"), cmpopts.IgnoreUnexported(settings.Route{})}
	if diff := cmp.Diff(written.Routes[1:], none.Routes, ignore); diff != "" {
		t.Errorf("written and default routes (-written +default):\n%s", diff)
	}
	missing := from(nil).ReadConfig(fstest.MapFS{}, settings.Names{})
	if diff := cmp.Diff(none.Routes, missing.Routes, ignore); diff != "" {
		t.Errorf("without the file (-without routes +without file):\n%s", diff)
	}
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for i := range none.Routes {
		name, at, first, ok := written.Routes[i+1].Gathers(now)
		if n, a, f, has := none.Routes[i].Gathers(now); n != name || !a.Equal(at) || f != first || has != ok {
			t.Errorf("route %d gathers for %q of %s after %s when written, else for %q of %s after %s", i, name, at, first, n, a, f)
		}
	}
}

func TestWhenSummariesAreSent(t *testing.T) {
	t.Parallel()
	got, problems := read("routes:\n  - {match: {severity: high}, to: slack}\n  - {match: {severity: medium}, to: slack, summary: hourly, first_alone: 12h}\n  - {to: slack, summary: daily}\nsummaries: {daily_at: \"07:30\", time_zone: Europe/Berlin}\n")
	if problems != nil {
		t.Fatal(problems)
	}
	at := func(clock string) time.Time {
		moment, err := time.Parse(time.RFC3339, clock)
		if err != nil {
			t.Fatal(err)
		}
		return moment
	}
	for _, c := range []struct {
		route     int
		now, want string
	}{
		{1, "2026-11-22T12:00:00Z", "2026-11-22T13:00:00Z"},
		{1, "2026-11-22T12:59:59Z", "2026-11-22T13:00:00Z"},
		{1, "2026-10-25T02:30:00+02:00", "2026-10-25T01:00:00Z"}, // clocks go back in Berlin
		{2, "2026-11-22T06:29:59Z", "2026-11-22T06:30:00Z"},
		{2, "2026-11-22T06:30:00Z", "2026-11-23T06:30:00Z"},
		{2, "2026-10-24T12:00:00Z", "2026-10-25T06:30:00Z"}, // and the day is as long as it is
	} {
		if _, when, _, ok := got.Routes[c.route].Gathers(at(c.now)); !ok || !when.Equal(at(c.want)) {
			t.Errorf("route %d gathers alerts of %s for %s, want %s", c.route, c.now, when, c.want)
		}
	}
	if _, _, _, ok := got.Routes[0].Gathers(at("2026-11-22T12:00:00Z")); ok {
		t.Error("a route without summary gathers")
	}
	if _, _, first, _ := got.Routes[1].Gathers(at("2026-11-22T12:00:00Z")); first != 12*time.Hour {
		t.Errorf("the first in %s is sent by itself", first)
	}
}
