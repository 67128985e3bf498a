package cli

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/coverage"
	"github.com/auditbell/auditbell/handler/digest/publish"
	"github.com/auditbell/auditbell/handler/rules"
)

// rulesCheck says how many rules are evaluated, and names each that is not though it was meant to be.
func rulesCheck(a *app.App) []checkLine {
	wrong := rules.Wrong(a.LeftOut)
	loaded := fmt.Sprintf("%d loaded", len(a.Rules))
	if n := len(a.LeftOut) - len(wrong); n > 0 {
		loaded += fmt.Sprintf("; %d are about other logs or retired (hint: handler rules list names them)", n)
	}
	lines := []checkLine{{"rules", true, loaded}}
	for _, left := range wrong {
		lines = append(lines, checkLine{"rule left out", false, left.Place + ": " + left.Reason})
	}
	return lines
}

// routesCheck says what has changed for an operator who wrote no routes: theirs are those of the program.
func routesCheck(a *app.App) []checkLine {
	if routes := a.Pipeline.Routes; len(routes) == 0 || routes[0].At != "" {
		return nil
	}
	return []checkLine{{"routes", true, "none are written: high and critical alerts are sent one by one, medium ones so when they are the first of rule, actor and scope in a week (twelve a day at most) and else in one message an hour, " +
		"low and informational ones in one a day; before, each was sent by itself (hint: `routes: [{to: [\"*\"]}]` in config/auditbell.yaml does that)"}}
}

// coverageCheck names the connected feeds, and the rules of which none of them carries an event.
func coverageCheck(a *app.App) []checkLine {
	connected := a.Reconcile.Reconciler.Connected()
	var dark, unknown []string
	for _, r := range a.Rules {
		switch examples := publish.ExamplesOf(a.Pipeline.Rules, r); {
		case !r.Alerts():
		case len(examples) == 0:
			unknown = append(unknown, r.ID)
		case !coverage.CanAlert(connected, examples):
			dark = append(dark, r.ID)
		}
	}
	lines := []checkLine{{"coverage", true, "connected: " + joined(connected)}}
	if len(dark) > 0 {
		lines = append(lines, checkLine{"coverage", true, fmt.Sprintf("%d rules cannot alert, because no connected feed carries their events: %s (hint: handler rules list shows what feeds each; set SCOPES and RECONCILE_FEEDS)", len(dark), some(dark, 10))})
	}
	if len(unknown) > 0 {
		lines = append(lines, checkLine{"coverage", true, fmt.Sprintf("%d rules have no example, so it is not known what feeds them: %s", len(unknown), some(unknown, 10))})
	}
	return lines
}

// hubCheck says for how long the hub holds what the app cannot take: while the store is down or settings are wrong.
func hubCheck(a *app.App) []checkLine {
	switch {
	case !a.Hub:
		return nil
	case a.HubKeeps <= 0:
		return []checkLine{{"event hub", true, "it is not known for how long it keeps what is not taken: a store that is down for longer loses records (hint: set EVENT_HUB_RETENTION)"}}
	}
	return []checkLine{{"event hub", true, fmt.Sprintf("keeps what is not taken for %g hours: a store that is down, or a setting that is wrong, for longer loses records", a.HubKeeps.Hours())}}
}

func joined(feeds []coverage.Feed) string {
	var all []string
	for _, f := range feeds {
		all = append(all, string(f))
	}
	return cmp.Or(strings.Join(all, ", "), "none")
}

// some lists the first n names and how many more there are.
func some(names []string, n int) string {
	if len(names) <= n {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:n], ", "), len(names)-n)
}
