package main

import (
	"maps"
	"net/http"
	"slices"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/notify/slack"
	"github.com/auditbell/auditbell/handler/notify/teams"
	"github.com/auditbell/auditbell/handler/notify/webhook"
	"github.com/auditbell/auditbell/handler/settings"
)

// destinations are the ends that people read, by the name that routes use. Adding one is a folder under notify/ and a
// line here.
var destinations = []struct {
	name string
	open notify.Opener
}{
	{"slack", slack.Open},
	{"teams", teams.Open},
	{"webhook", webhook.Open},
}

// openDestinations opens what is configured; problems go into s.
func openDestinations(s *settings.Set, client *http.Client) map[string]notify.Destination {
	open := map[string]notify.Destination{}
	for _, d := range destinations {
		if destination := d.open(s, client); destination != nil {
			open[d.name] = destination
		}
	}
	if len(open) == 0 {
		s.Report(settings.Problem{Name: "destinations", Reason: "none is configured, so nobody would hear the bell",
			Hint: "set SLACK_BOT_TOKEN and SLACK_CHANNEL, SLACK_WEBHOOK_URL, TEAMS_WORKFLOW_URL or WEBHOOK_URL"})
	}
	return open
}

func names(open map[string]notify.Destination) []string {
	return slices.Sorted(maps.Keys(open))
}
