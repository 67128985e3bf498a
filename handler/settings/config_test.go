package settings_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/auditbell/auditbell/handler/settings"
)

var names = settings.Names{
	Kinds: []string{"slack", "teams"},
	Rule: func(like string) bool {
		return settings.Like(like, "role-assignment-owner") || settings.Like(like, "auditbell-canary")
	},
}

func read(text string) (settings.Config, []string) {
	s := from(nil)
	c := s.ReadConfig(fstest.MapFS{"auditbell.yaml": {Data: []byte(text)}}, names)
	if s.Err() == nil {
		return c, nil
	}
	return c, strings.Split(s.Err().Error(), "\n")
}

const full = `destinations:
  payments: {kind: slack, channel: C0123456789}
routes:
  - match:
      severity: high
      category: [Administrative, security]
      rule: role-assignment-*
      tag: [attack.t1098]
      subscription: [5f1c0a52-7c1e-4b7d-9a41-2d6a8c3e9b10]
      resource_group: rg-*
      resource_tag: {team: payments, env: [prod, "*"]}
      caller_type: [user, service_principal]
    to: [payments]
    continue: true
  - to: "*"
quiet:
  - {name: the night, from: "22:00", to: "07:00", time_zone: Europe/Berlin, days: [mon, Fri], below: high}
maintenance:
  - name: rebuild
    from: 2026-12-01T22:00:00+01:00
    to: 2026-12-02 04:00:00Z
    match: {resource_group: rg-network}
`

// A route by a tag that is retired works and matches no rule of the library: that is worth a warning.
func TestRetiredTagsAreWarnedOf(t *testing.T) {
	t.Parallel()
	known := names
	known.RetiredTag = func(tag string) (string, bool) { return "attack.t2", tag == "attack.t1" }
	text := "routes:\n  - match: {tag: [attack.t3, attack.t1, attack.t1.*]}\n    to: [slack]\n  - to: [slack]\nmaintenance:\n  - {name: m, from: 2026-12-01T22:00:00Z, to: 2026-12-02T04:00:00Z, match: {tag: attack.t1}}\n"
	s := from(nil)
	s.ReadConfig(fstest.MapFS{"auditbell.yaml": {Data: []byte(text)}}, known)
	if err := s.Err(); err != nil {
		t.Error(err)
	}
	var got []string
	for _, w := range s.Warnings() {
		got = append(got, w.Name+" "+w.Hint)
	}
	want := []string{"config/auditbell.yaml:2:30 write attack.t2", "config/auditbell.yaml:2:41 write attack.t2", "config/auditbell.yaml:6:82 write attack.t2"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestReadConfig(t *testing.T) {
	t.Parallel()
	got, problems := read(full)
	if problems != nil {
		t.Fatal(problems)
	}
	want := settings.Config{
		Destinations: map[string]settings.Destination{"payments": {Kind: "slack", Channel: "C0123456789", At: "config/auditbell.yaml:2:13"}},
		Routes: []settings.Route{
			{At: "config/auditbell.yaml:4:5", To: []string{"payments"}, Continue: true, Match: settings.RouteMatch{
				Severity: "high", Category: []string{"Administrative", "security"}, Rule: []string{"role-assignment-*"}, Tag: []string{"attack.t1098"},
				Subscription: []string{"5f1c0a52-7c1e-4b7d-9a41-2d6a8c3e9b10"}, ResourceGroup: []string{"rg-*"},
				ResourceTag: map[string][]string{"team": {"payments"}, "env": {"prod", "*"}}, CallerType: []string{"user", "service_principal"},
			}},
			{At: "config/auditbell.yaml:15:5", To: []string{"*"}},
		},
		Quiet: []settings.Quiet{{Name: "the night", From: "22:00", To: "07:00", TimeZone: "Europe/Berlin", Days: []string{"mon", "Fri"}, Below: "high"}},
		Maintenance: []settings.Maintenance{{
			Name: "rebuild", From: time.Date(2026, 12, 1, 21, 0, 0, 0, time.UTC), To: time.Date(2026, 12, 2, 4, 0, 0, 0, time.UTC),
			Match: settings.RouteMatch{ResourceGroup: []string{"rg-network"}},
		}},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(settings.Quiet{}, settings.Ticket{}, settings.Route{}), cmpopts.EquateApproxTime(0)); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
	friday := time.Date(2026, 11, 27, 23, 0, 0, 0, time.UTC)
	if end, ok := got.Quiet[0].Ends(friday); !ok || end.Hour() != 6 {
		t.Errorf("on Friday at midnight in Berlin the quiet time ends at %v, %v; want 06:00 UTC", end, ok)
	}
}

// An operator mends everything in one go: each problem is told, at its place, in the order of the file.
func TestEverythingWrongIsSaidWithLineAndColumn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		want       []string // line, column and some words
	}{
		{"not YAML", "routes: [", []string{"2:1: cannot be read"}},
		{"a tab", "routes:\n\t- to: slack\n", []string{"2:1: cannot be read"}},
		{"two documents", "routes: []\n---\nroutes: []\n", []string{"1:1: cannot be read: expected one document"}},
		{"no mapping", "- slack\n", []string{`1:1: expected a mapping, found a list`}},
		{"a key that there is not", "route: []\n", []string{`1:1: "route" is unknown (hint: known here: changes, destinations, digests, maintenance, quiet, report, routes, summaries, texts)`}},
		{"summaries that there are not", "routes:\n  - {match: {severity: low}, to: slack, summary: weekly}\n  - {match: {severity: low}, to: slack, first_alone: 7d}\n  - {to: slack, summary: daily, first_alone: 8d, at_most: -1}\nsummaries: {daily_at: noon, time_zone: Mars/Olympus}\n", []string{
			`2:50: summary "weekly" is unknown (hint: hourly or daily`, `3:54: is of no use without summary`, `4:46: "8d" is no time from 1 second to 7 days`, `4:59: bounds nothing`,
			`5:23: daily_at "noon" is no time of day`, `5:40: time_zone "Mars/Olympus" is unknown`,
		}},
		{"a key twice", "routes: []\nroutes: []\n", []string{`2:1: "routes" stands twice`}},
		{"a merge", "routes:\n  - <<: {to: slack}\n    to: slack\n", []string{"2:5: expected a name, found \"<<\""}},
		{"other kinds of values", "routes:\n  - to: {slack: teams}\n    continue: perhaps\n  - to: [[slack]]\n", []string{
			`2:5: sends to nothing`, `2:5: matches everything and does not continue`, `2:9: expected a list, found a mapping`,
			`3:15: expected true or false, found "perhaps"`, `4:10: expected text, found a list`, `4:10: there is no destination ""`,
		}},
		{"routes that are none", "routes: slack\n", []string{`1:9: expected a list, found "slack"`}},
		{"wrong words", strings.NewReplacer("severity: high", "severity: High", "security]", "audit]", "role-assignment-*", "role-asignment-*", "[user,", "[usr,").Replace(full), []string{
			`5:17: severity "High" is unknown`, `6:34: "audit" is unknown (hint: one of Administrative, `, `7:13: there is no rule "role-asignment-*"`, `12:21: "usr" is unknown`,
		}},
		{"empty conditions", strings.NewReplacer("[attack.t1098]", "[]", "rg-*", `" "`, "team: payments", "team: ").Replace(full), []string{
			`8:12: is empty, which matches nothing`, `10:23: is empty (hint: write a value`, `11:28: has no value`,
		}},
		{"an empty table of tags", strings.Replace(full, `{team: payments, env: [prod, "*"]}`, "{}", 1), []string{"11:21: names no tag"}},
		{"destinations", "destinations:\n  teams: {kind: slack}\n  Sec Ops: {kind: slack}\n  pager: {kind: pagerduty}\n  x: {kind: slack, channel: \" C1\", token: xoxb}\n", []string{
			`2:10: "teams" is a kind of destination already`, `3:12: the name "Sec Ops" does not do`, `4:17: kind "pagerduty" is unknown (hint: one of slack, teams)`,
			`5:29: channel " C1" has white space`, `5:36: "token" is unknown`,
		}},
		{"routes that lead nowhere", "destinations:\n  payments: {kind: slack}\nroutes:\n  - to: [slack, pager]\n    continue: true\n  - to: []\n", []string{
			`4:17: there is no destination "pager" (hint: known: slack, teams, payments, *)`, `6:5: sends to nothing`,
		}},
		{"no default", "routes:\n  - match: {severity: high}\n    to: slack\n", []string{"2:5: the last route does not match everything"}},
		{"a default in the middle", "routes:\n  - to: slack\n  - to: teams\n", []string{"2:5: matches everything and does not continue"}},
		{"quiet times", "quiet:\n  - {from: 25:00, time_zone: Mars/Base, days: [mon, someday], below: loud, match: {severity: loud}}\n", []string{
			`2:5: to "" is no time of day`, "2:5: has no name", `2:12: from "25:00" is no time of day`, `2:30: time_zone "Mars/Base"`, `2:53: "someday" is unknown`, `2:70: severity "loud"`, `2:94: severity "loud"`,
		}},
		{"windows", "maintenance:\n  - {name: x, from: 2026-12-02, to: 2026-12-01T00:00:00Z}\n  - {name: y, from: 2026-12-02T00:00:00Z, to: 2026-12-01T00:00:00Z}\n", []string{
			`2:21: expected a time such as`, `3:47: ends before it begins`,
		}},
	} {
		_, got := read(c.text)
		if len(got) != len(c.want) {
			t.Errorf("%s: %d problems, want %d:\n%s", c.name, len(got), len(c.want), strings.Join(got, "\n"))
			continue
		}
		for i := range got {
			if !strings.HasPrefix(got[i], "config/auditbell.yaml:"+c.want[i]) {
				t.Errorf("%s:\n got %s\nwant %s", c.name, got[i], c.want[i])
			}
		}
	}
}

func TestNothingConfiguredGoesEverywhere(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "# routes:\n", "routes:\n", "routes: []\n", "~\n"} {
		c, problems := read(text)
		if last := c.Routes[len(c.Routes)-1]; problems != nil || !reflect.ValueOf(last.Match).IsZero() {
			t.Errorf("%q: the last route is %v, problems %v", text, last, problems)
		}
		for _, r := range c.Routes {
			if fmt.Sprint(r.To) != "[*]" || r.At != "" {
				t.Errorf("%q: a route leads to %v, and was written at %q", text, r.To, r.At)
			}
		}
	}
	s := from(nil)
	if c := s.ReadConfig(fstest.MapFS{}, names); len(c.Routes) != len(settings.DefaultRoutes()) || s.Err() != nil {
		t.Errorf("without the file: %v, %v", c.Routes, s.Err())
	}
}

func TestLike(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"rg-1", "RG-1", true},
		{"rg-1", "rg-10", false},
		{"rg-*", "rg-", true},
		{"*-prod", "rg-web-PROD", true},
		{"*", "", true},
		{"rg-*-*-prod", "rg-a-prod", false},
		{"rg-*-*-prod", "rg-a-b-prod", true},
		{"a*a", "a", false},
		{"a*b*c", "a1b2c3", false},
		{"a**c", "abc", true},
		{"", "", true},
		{"", "x", false},
		{"rg-?", "rg-1", false},
	} {
		if got := settings.Like(c.pattern, c.text); got != c.want {
			t.Errorf("Like(%q, %q) = %v, want %v", c.pattern, c.text, got, c.want)
		}
	}
}
