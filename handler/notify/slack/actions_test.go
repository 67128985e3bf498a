package slack_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/notify/notifytest"
	"github.com/auditbell/auditbell/handler/notify/slack"
	"github.com/auditbell/auditbell/local/inbox"
)

// actions are those that the pipeline offers.
func actions() []notify.Action {
	const at = "0123456789abcdefghijklmnop.alert-0123456789abcdefghijklmnop"
	return []notify.Action{
		{Name: "acknowledge", Label: "Acknowledge", Value: at},
		{Name: "snooze", Label: "Snooze", Choices: []notify.Choice{
			{Label: "for 1 hour", Value: "1h." + at}, {Label: "for 8 hours", Value: "8h." + at}, {Label: "until Monday", Value: "monday." + at},
		}},
		{Name: "expect", Label: "Mark as expected", Value: at, Confirm: `Until 29 November 12:00 UTC, "x" does not ring for rob in rg.`},
	}
}

func TestGoldenActions(t *testing.T) {
	t.Parallel()
	m := notifytest.Grant()
	m.Actions = actions()
	notifytest.Golden(t, "actions", slack.Render(m), *update)
}

func TestActionsAreOfferedOnlyWhenAskedFor(t *testing.T) {
	t.Parallel()
	blocks, err := json.Marshal(slack.Render(notifytest.Grant()).Blocks)
	if err != nil || strings.Contains(string(blocks), "auditbell-") {
		t.Errorf("a message without actions has some: %s, %v", blocks, err)
	}
}

// Whatever the message holds, it goes out; the actions stay unless they are what does not fit.
func TestActionsFitEveryMessage(t *testing.T) {
	t.Parallel()
	for i, m := range notifytest.Hostile() {
		m.Actions = actions()
		check(t, fmt.Sprint("hostile message ", i), m, true)
	}
	huge := notify.Action{Name: "x", Label: strings.Repeat("<&>", 400), Confirm: strings.Repeat("\u202e<!here>", 400)}
	for range 200 {
		huge.Choices = append(huge.Choices, notify.Choice{Label: strings.Repeat("<", 100), Value: strings.Repeat("v", 150)})
	}
	m := notifytest.Grant()
	m.Actions = []notify.Action{huge, huge, huge}
	check(t, "huge actions", m, false)
	m.Actions = []notify.Action{
		{Name: "no-value", Label: "x"},
		{Label: "no name", Value: "x"},
		{Name: "no-label", Value: "x"},
		{Name: "long-value", Label: "x", Value: strings.Repeat("v", 2001)},
		{Name: "no-choice", Label: "x", Choices: []notify.Choice{{Label: "x"}, {Value: "x"}, {Label: "x", Value: strings.Repeat("v", 151)}}},
	}
	check(t, "actions that Slack would refuse", m, false)
}

func check(t *testing.T, name string, m notify.Message, shown bool) {
	t.Helper()
	blocks, err := json.Marshal(slack.Render(m).Blocks)
	if err != nil {
		t.Fatal(err)
	}
	if problems := inbox.ValidateBlocks(blocks); len(problems) > 0 {
		t.Errorf("%s: Slack would refuse it: %v", name, problems)
	}
	if len(blocks) > 13_000 {
		t.Errorf("%s: %d bytes of blocks, Slack takes about 13,200", name, len(blocks))
	}
	if got := strings.Contains(string(blocks), `"auditbell-`); got != shown {
		t.Errorf("%s: actions shown %v, want %v", name, got, shown)
	}
}

func TestAnIncomingWebhookOffersNoActions(t *testing.T) {
	t.Parallel()
	end, deliver := webhookEnd(t)
	m := notifytest.Grant()
	m.Actions = actions()
	if _, err := deliver.Deliver(t.Context(), m, notify.Ref{}); err != nil {
		t.Fatal(err)
	}
	if got := end.Messages(); len(got) != 1 || strings.Contains(string(got[0].Body), "auditbell-") {
		t.Errorf("%d messages; what came of a click could not be shown: %s", len(got), got[0].Body)
	}
}
