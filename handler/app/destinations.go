package app

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/notify/email"
	"github.com/auditbell/auditbell/handler/notify/slack"
	"github.com/auditbell/auditbell/handler/notify/teams"
	"github.com/auditbell/auditbell/handler/notify/webhook"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/handler/settings"
)

// destination is a kind of end that messages go to.
type destination struct {
	name string
	open notify.Opener
}

// destinations are the ends that people read, by the name that routes use. Adding one is a folder under notify/ and a
// line here.
func destinations(mail email.Way) []destination {
	return []destination{
		{"slack", slack.Open},
		{"teams", teams.Open},
		{"email", mail.Open},
		{"webhook", webhook.Open},
	}
}

// Kinds are the names of all kinds of destinations.
func Kinds() []string {
	var all []string
	for _, d := range destinations(email.Way{}) {
		all = append(all, d.name)
	}
	return all
}

// OpenDestinations opens what is configured; problems go into s.
func OpenDestinations(s *settings.Set, client *http.Client, mail email.Way) map[string]notify.Destination {
	open := map[string]notify.Destination{}
	for _, d := range destinations(mail) {
		if destination := d.open(s, client); destination != nil {
			open[d.name] = destination
		}
	}
	if len(open) == 0 {
		s.Report(settings.Problem{
			Name: "destinations", Reason: "none is configured; alerts would not be sent",
			Hint: "set SLACK_BOT_TOKEN and SLACK_CHANNEL, SLACK_WEBHOOK_URL, TEAMS_WORKFLOW_URL, MAIL_PROVIDER with MAIL_TO, or WEBHOOK_URL",
		})
	}
	return open
}

// openNamed adds the destinations that config/auditbell.yaml names to the open ones, and reports routes that lead to
// one whose settings are not there.
func openNamed(s *settings.Set, c settings.Config, open map[string]notify.Destination) {
	for _, name := range slices.Sorted(maps.Keys(c.Destinations)) {
		one := c.Destinations[name]
		base, ok := open[one.Kind]
		if !ok {
			continue
		}
		there, ok := in(base, one.Channel)
		if !ok {
			s.Report(settings.Problem{
				Name: one.At, Reason: fmt.Sprintf("%s posts to one place only and takes no channel", one.Kind),
				Hint: "remove channel; Slack takes one with SLACK_BOT_TOKEN, not with SLACK_WEBHOOK_URL",
			})
		}
		open[name] = there
	}
	for _, r := range c.Routes {
		for _, name := range r.To {
			_, ok := open[name]
			kind := cmp.Or(c.Destinations[name].Kind, name)
			if known := slices.Contains(Kinds(), kind); known && !ok {
				s.Report(settings.Problem{
					Name: r.At, Reason: fmt.Sprintf("leads to %s, but the settings of %s are not there", name, kind),
					Hint: "`handler settings` lists them; or take the name out of to",
				})
			}
		}
	}
}

// in is the destination with another channel, where it can post elsewhere: a webhook's address leads to one place.
func in(base notify.Destination, channel string) (notify.Destination, bool) {
	if channel == "" {
		return base, true
	}
	elsewhere, ok := base.(interface {
		In(channel string) notify.Destination
	})
	if !ok {
		return base, false
	}
	return elsewhere.In(channel), true
}

// ConfigNames is what config/auditbell.yaml may refer to.
func ConfigNames(all []*rules.Rule) settings.Names {
	n := settings.Names{RetiredTag: rules.RetiredTag, Rule: func(like string) bool {
		return pipeline.IsAzureRule(like) || settings.Like(like, alert.CanaryRule) || slices.ContainsFunc(all, func(r *rules.Rule) bool { return settings.Like(like, r.ID) })
	}}
	n.Kinds = Kinds()
	return n
}

// Names are the names of the open destinations, sorted.
func Names(open map[string]notify.Destination) []string {
	return slices.Sorted(maps.Keys(open))
}

// members puts each destination that stands for several in place of it: "email" becomes "email:soc@contoso.example" for
// each recipient. It returns the names that a name in a route stands for.
func members(open map[string]notify.Destination) map[string][]string {
	stands := map[string][]string{}
	for _, name := range Names(open) {
		several, ok := open[name].(notify.Several)
		if !ok {
			continue
		}
		delete(open, name)
		for address, one := range several.Each() {
			open[name+":"+address] = one
			stands[name] = append(stands[name], name+":"+address)
		}
		slices.Sort(stands[name])
	}
	return stands
}
