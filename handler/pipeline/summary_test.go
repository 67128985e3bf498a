package pipeline_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/pipeline"
)

// summaryOf is a summary of some kind: 40 alerts of medium severity by twelve actors after 30 of low severity by one.
func summaryOf(rule alert.Rule, late string, before *alert.Alert) alert.Alert {
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	var all []alert.Finding
	for n := range 70 {
		r := rule
		f := alert.Finding{To: []string{"slack"}, Late: late, Of: alert.Summed{Rule: "tags-changed", Title: "Tags changed", Severity: "low", Actor: "deploy@contoso.example"}}
		if n >= 30 {
			f.Of = alert.Summed{Rule: "policy-deleted", Title: "Policy deleted", Severity: "medium", Actor: fmt.Sprintf("admin-%02d@contoso.example", n%12)}
		}
		r.Severity = f.Of.Severity
		f.Rule = r
		f.Event = activity.Event{ID: fmt.Sprint("of-slack-", n), Time: activity.At(at.Add(time.Duration(n) * time.Minute)), Operation: "the night", ResourceName: fmt.Sprintf("%s: thing-%d", f.Of.Title, n)}
		all = append(all, f)
	}
	return alert.Summary(all, before, at.Add(2*time.Hour))
}

// TestSummariesAreWrittenAlike holds every kind of summary to the same facts in the same order.
func TestSummariesAreWrittenAlike(t *testing.T) {
	t.Parallel()
	c := pipeline.Composer{Now: time.Now}
	before := alert.Summary([]alert.Finding{{
		Event: activity.Event{ID: "of-slack-before", Time: activity.At(time.Now())}, Rule: alert.Rule{ID: alert.HeldRule, Severity: "low"},
		Of: alert.Summed{Rule: "tags-changed", Severity: "low", Actor: "deploy@contoso.example"},
	}}, nil, time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC))
	for name, one := range map[string]alert.Alert{
		"storm": summaryOf(alert.Rule{ID: alert.StormRule}, "", &before), "quiet time": summaryOf(alert.Rule{ID: alert.HeldRule}, "", &before),
		"backlog": summaryOf(alert.Rule{ID: alert.BacklogRule}, "", &before), "late": summaryOf(alert.Rule{ID: alert.HeldRule}, "replayed", &before),
	} {
		m := c.Message(one)
		facts := map[string]string{}
		var names []string
		for _, f := range m.Facts {
			facts[f.Name] = f.Value
			if !strings.HasSuffix(f.Name, " late") {
				names = append(names, f.Name)
			}
		}
		if diff := cmp.Diff([]string{"Rules", "Who", "New", "All of them", "Alerts"}, names); diff != "" {
			t.Errorf("%s: facts (-want +got):\n%s", name, diff)
		}
		if want := "MEDIUM: Policy deleted ×40; LOW: Tags changed ×30"; facts["Rules"] != want {
			t.Errorf("%s: rules are %q, want %q", name, facts["Rules"], want)
		}
		if who := facts["Who"]; !strings.HasPrefix(who, "deploy@contoso.example ×30, admin-") || !strings.HasSuffix(who, " and 3 others, see All of them") {
			t.Errorf("%s: who is %q; want the most frequent first, and how many others", name, who)
		}
		if fresh := facts["New"]; !strings.HasPrefix(fresh, "Policy deleted ×40; by admin-") || strings.Contains(fresh, "Tags changed") || !strings.HasSuffix(fresh, "(since the summary of 2026-11-21 09:00 UTC)") {
			t.Errorf("%s: new is %q", name, fresh)
		}
		if list := facts["Alerts"]; strings.Contains(list, "Tags changed") || !strings.HasSuffix(list, "and 55 more, see All of them") {
			t.Errorf("%s: alerts are %q; want fifteen of the gravest, and how many more", name, list)
		}
		if command := "handler query --alert " + one.ID; facts["All of them"] != command || !strings.HasPrefix(m.Details, "70 alerts by now. All of them: "+command+"\nMEDIUM Policy deleted ×40\nLOW Tags changed ×30\n") ||
			!strings.Contains(m.Details, "deploy@contoso.example ×30: Tags changed ×30\n    "+command+" --caller deploy@contoso.example\n") {
			t.Errorf("%s: the rest is at %q, beside the message stands %q", name, facts["All of them"], m.Details)
		}
		for _, form := range []notify.Form{notify.Brief, notify.Bare} {
			if text := notify.Plain(m.In(form)); !strings.Contains(strings.Join(strings.Fields(text), " "), one.ID) {
				t.Errorf("%s, %s: nothing says where to read it: %s", name, form, text)
			}
		}
		if m.Severity != notify.Medium || !strings.Contains(m.Headline, "70 alerts") || !strings.Contains(m.Summary, "40 medium, 30 low, from 2026-11-22 09:00:00 UTC to 2026-11-22 10:09:00 UTC.") {
			t.Errorf("%s: %s %q, %q", name, m.Severity, m.Headline, m.Summary)
		}
	}
}

// TestACommandHoldsNoNameThatActs has actors who chose names that a shell would act on: their commands are not written.
func TestACommandHoldsNoNameThatActs(t *testing.T) {
	t.Parallel()
	c := pipeline.Composer{Now: time.Now}
	for _, name := range []string{"$(reboot)", "a; reboot", "`reboot`", "a b", "--help", "a\nb", "o'neil", "ana@contoso.example"} {
		one := alert.Summary([]alert.Finding{{
			Event: activity.Event{ID: "of-slack-1", Time: activity.At(time.Now())}, Rule: alert.Rule{ID: alert.HeldRule, Severity: "low"},
			Of: alert.Summed{Rule: "tags-changed", Severity: "low", Actor: name},
		}}, nil, time.Now())
		if got, want := strings.Contains(c.Message(one).Details, "--caller"), name == "ana@contoso.example"; got != want {
			t.Errorf("%q: a command names the actor: %v, want %v", name, got, want)
		}
	}
}
