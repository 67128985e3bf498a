package rules_test

import (
	"slices"
	"testing"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/payload"
	"github.com/auditbell/auditbell/handler/payload/transcode"
	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/handler/rules/rulestest"
)

// A rule must give the same verdict in whichever form its event arrives.
func TestLibraryExamplesHoldInEveryForm(t *testing.T) {
	t.Parallel()
	all, set := rulestest.Library(t)
	tried := make(map[activity.Form]int)
	for _, r := range all {
		for _, form := range transcode.Forms {
			if !decides(form, r, all) {
				continue
			}
			examples(r, func(x rules.Example, want bool) {
				carried := true
				got := set.Verdict(r, x, func(e activity.Event) activity.Event {
					back, ok := through(t, e, form)
					carried = carried && ok
					return back
				})
				if !carried {
					return // Event Grid has the ends of resource operations only
				}
				tried[form]++
				if got != want {
					t.Errorf("%s:%d: %s, as %s: match = %v, want %v", r.File, x.Line, x.Name, form, got, want)
				}
			})
		}
	}
	for _, form := range transcode.Forms {
		if tried[form] < 2*len(all)/2 {
			t.Errorf("only %d examples went through %s", tried[form], form)
		}
	}
	t.Logf("examples by form: %v", tried)
}

// through writes e in a form and reads it back; false when the form cannot carry it.
func through(t *testing.T, e activity.Event, form activity.Form) (activity.Event, bool) {
	data, ok := transcode.As(e, form)
	if !ok {
		return e, false
	}
	events := payload.Events(payload.Decode(data))
	if len(events) != 1 {
		t.Fatalf("%s gave %d events for %s", form, len(events), data)
	}
	return events[0], true
}

// decides reports whether a form has every field that the rule reads.
func decides(form activity.Form, r *rules.Rule, all []*rules.Rule) bool {
	if r.Correlation != nil {
		return !slices.ContainsFunc(all, func(one *rules.Rule) bool {
			return slices.Contains(r.Correlation.Rules, one.ID) && !decides(form, one, all)
		})
	}
	return transcode.Carries(form, r.Reads())
}
