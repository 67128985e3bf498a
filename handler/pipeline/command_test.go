package pipeline_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/lookup"
	"github.com/auditbell/auditbell/handler/notify"
)

// instructing keeps the messages that give a command.
type instructing struct{ messages []notify.Message }

func (*instructing) Edits() bool { return false }

func (d *instructing) Deliver(_ context.Context, m notify.Message, _ notify.Ref) (notify.Ref, error) {
	if slices.ContainsFunc(m.Steps, func(step string) bool { return strings.HasPrefix(step, "az ") }) {
		d.messages = append(d.messages, m)
	}
	return notify.Posted(m, notify.Accepted), nil
}

// TestACommandHoldsNoTextOfAnEvent has alerts about ourselves give the command that grants the right to read a subscription,
// whose id in the event is an attacker's.
func TestACommandHoldsNoTextOfAnEvent(t *testing.T) {
	t.Parallel()
	const real = "5F1C0A52-7c1e-4b7d-9a41-2d6a8c3e9b10"
	for i, id := range []string{
		real, real, "", "s", `" ; rm -rf ~ ; "`, "' ; id ; '", "a b", "$(id)", "`id`", "x\naz account clear", real + "\naz account clear", real + "\n", " " + real,
		real + " --role Owner", real + "; id", "{" + real + "}", strings.ReplaceAll(real, "-", ""), "5f1c0a52-7c1e-4b7d-9a41-2d6a8c3e9b1\u0660", real + "/../..", "--help",
	} {
		off := i%2 == 1
		end := &instructing{}
		p, at := alerting(t, "low", end)
		p.Rules = library(t)
		if p.Unasked = lookup.IsReadable; !off {
			p.Lookups = &manager{found: alert.Learned{Missing: "no", Refused: true}}
		}
		e := grantRecord("grid", activity.Succeeded, activity.FormEventGrid, at.now(), "")
		e.SubscriptionID = id
		send(t, p, at, e)
		run(t, p, "tick")
		want := "--scope /subscriptions/<subscription>"
		if id == real {
			want = "--scope /subscriptions/" + real
		}
		if len(end.messages) != 1 {
			t.Errorf("%q, lookups off %v: %d messages give a command, want one", id, off, len(end.messages))
			continue
		}
		m := end.messages[0]
		if !slices.ContainsFunc(m.Steps, func(step string) bool { return strings.HasSuffix(step, " --role Reader "+want) }) {
			t.Errorf("%q, lookups off %v: the steps are %q", id, off, m.Steps)
		}
		if all := m.Headline + strings.Join(m.Steps, "\n"); id != real && len(id) > 1 && strings.Contains(all, id) {
			t.Errorf("%q, lookups off %v: it stands in %q", id, off, all)
		}
	}
}
