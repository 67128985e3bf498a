package cli

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/notify/slack"
	"github.com/auditbell/auditbell/handler/notify/teams"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/settings"
)

// TestASummaryFindsRoomInEveryChannel has as many rules, actors and alerts as a summary counts, with names as long as they get, in
// characters that take the most bytes. Every channel, and every form that a channel which refuses it gets, says how many alerts there
// are and how to read all of them.
func TestASummaryFindsRoomInEveryChannel(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 9, 41, 2, 0, time.UTC)
	long := strings.Repeat("<&支🔥>", 60)
	var all []alert.Finding
	for n := range 200 {
		rule := alert.Rule{ID: alert.HeldRule, Severity: "medium"}
		all = append(all, alert.Finding{
			Event: activity.Event{ID: fmt.Sprint("of-slack-", n), Time: activity.At(now), Operation: "the hourly summary", ResourceName: fmt.Sprint(n, long)},
			Rule:  rule, To: []string{"slack"}, Of: alert.Summed{Rule: fmt.Sprint("r", n), Title: fmt.Sprint(n, long), Severity: "medium", Actor: fmt.Sprint(n, long)},
		})
	}
	a := alert.Summary(all, nil, now)
	m := (&pipeline.Composer{Now: time.Now}).Message(a)
	command := "handler query --alert " + a.ID
	shown := rendered(m)
	for channel, text := range map[string]string{"plain": shown.Plain, "mail": shown.Mail.Text, "slack": jsonText(t, shown.Slack), "teams": jsonText(t, shown.Teams), "webhook": jsonText(t, shown.Webhook)} {
		if flat := strings.Join(strings.Fields(text), " "); !strings.Contains(flat, command) || !strings.Contains(flat, "200 alerts") {
			t.Errorf("%s does not say how many there are, or how to read them", channel)
		}
	}
	for _, form := range []notify.Form{notify.Brief, notify.Bare} {
		for channel, text := range map[string]string{"slack": jsonText(t, slack.Render(m.In(form))), "teams": jsonText(t, teams.Render(m.In(form)))} {
			if !strings.Contains(text, command) || !strings.Contains(text, "200 alerts") {
				t.Errorf("%s, %s: it does not say how many there are, or how to read them", channel, form)
			}
		}
	}
	if strings.Count(m.Details, "\n") < 60 || !strings.Contains(m.Details, command) {
		t.Errorf("beside Slack's message stands %.200q", m.Details)
	}
}

// TestCheckSaysWhatChangedWithoutRoutes has an operator who wrote none, and one whose routes stand in the file.
func TestCheckSaysWhatChangedWithoutRoutes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"texts: {}": true, "routes: [{to: [slack]}]": false} {
		set := settings.New(func(string) (string, bool) { return "", false })
		config := set.ReadConfig(fstest.MapFS{"auditbell.yaml": {Data: []byte(text)}}, settings.Names{Kinds: []string{"slack"}})
		if err := set.Err(); err != nil {
			t.Fatal(err)
		}
		p := pipeline.Offline(&pipeline.Judge{Routes: config.Routes}, &pipeline.Composer{}, time.Now)
		lines := routesCheck(&app.App{Pipeline: p})
		if got := len(lines) == 1 && lines[0].OK && strings.Contains(lines[0].Detail, "before, each was sent by itself"); got != want {
			t.Errorf("%s: check says what changed: %v, want %v: %v", text, got, want, lines)
		}
	}
}
