package cli

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/coverage"
	"github.com/auditbell/auditbell/handler/entra"
	"github.com/auditbell/auditbell/handler/lookup"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/reconcile"
	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/handler/settings"
)

// lookupCheck says of each lookup whether it is on, and of those that are whether they may ask.
func lookupCheck(ctx context.Context, lookups *lookup.Set) []checkLine {
	if lookups == nil {
		return []checkLine{{"lookups", true, "off; messages are posted without " + strings.Join(lookup.Names(), ", ") + " (LOOKUPS)"}}
	}
	var lines []checkLine
	for _, l := range lookups.Check(ctx) {
		lines = append(lines, checkLine{"lookup " + l.Name, l.OK, l.Detail})
	}
	return lines
}

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

// webhookCheck is the line of `handler check`; none when the function key alone guards the webhook.
func webhookCheck(ctx context.Context, webhook *entra.Verifier) []checkLine {
	if webhook == nil {
		return nil
	}
	n, err := webhook.Check(ctx)
	if err != nil {
		return []checkLine{{"secure webhook", false, err.Error() + " (hint: check SECURE_WEBHOOK_TENANT_ID, SECURE_WEBHOOK_AUTHORITY and the way out to it)"}}
	}
	return []checkLine{{"secure webhook", true, fmt.Sprintf("keys of the tenant: %d", n)}}
}

// geoCheck says which database of addresses is used; nothing when there is none.
func geoCheck(s *settings.Set) []checkLine {
	switch db, err := app.OpenGeo(s); {
	case err != nil:
		return []checkLine{{"addresses", false, err.Error() + " (hint: GEOIP_DATABASE names a .mmdb file that is published with the app)"}}
	case db != nil:
		return []checkLine{{"addresses", true, db.About()}}
	}
	return nil
}

// reconcileCheck says of every watched scope how far the comparison has come.
func reconcileCheck(ctx context.Context, a *app.App) []checkLine {
	const check = "reconcile"
	if len(a.Reconcile.Reconciler.Scopes) == 0 {
		return []checkLine{{check, true, "off: what arrives is not compared with what Azure lists (hint: set SCOPES)"}}
	}
	var lines []checkLine
	for _, scope := range a.Reconcile.Reconciler.Scopes {
		kept, err := a.Store.Reconciled(ctx, scope.Key())
		var s reconcile.State
		if err == nil {
			s, err = reconcile.ReadState(kept)
		}
		if err != nil {
			lines = append(lines, checkLine{check, false, string(scope) + ": " + err.Error()})
			continue
		}
		lines = append(lines, stateLine(string(scope), &s, a.Now()))
	}
	return lines
}

// compareWithin is how old the newest compared hour may be before a person should look.
const compareWithin = 4 * time.Hour

func stateLine(id string, s *reconcile.State, now time.Time) checkLine {
	line := checkLine{"reconcile", true, id + ": "}
	if s.Newest.IsZero() {
		line.Detail += "nothing was compared yet"
	} else {
		line.Detail += "compared up to " + s.Newest.Add(time.Hour).Format("2006-01-02 15:04 UTC")
		line.OK = now.Sub(s.Newest) < compareWithin
	}
	if hours := s.BackTo.Sub(s.Back) / time.Hour; hours > 0 {
		line.Detail += fmt.Sprintf(", %d hours of the past to do", hours)
	}
	for _, g := range s.Gaps {
		line.OK = false
		line.Detail += fmt.Sprintf("; %s to %s cannot be compared: %s", notify.Clock(g.From), notify.Clock(g.To), g.Reason)
	}
	if f := s.Fails; !f.Since.IsZero() {
		line.OK = false
		line.Detail += fmt.Sprintf("; failing since %s, %d tries: %s", notify.Clock(f.Since), f.Tries, f.Reason)
	}
	return line
}

// pollCheck says of the tenant and each management group how far its log has been read.
func pollCheck(ctx context.Context, a *app.App) []checkLine {
	var lines []checkLine
	for _, scope := range a.Poll.Scopes {
		ok, detail := a.Poll.Check(ctx, scope)
		lines = append(lines, checkLine{"tenant-activity", ok, scope.String() + ": " + detail})
	}
	return lines
}

// coverageCheck names the connected feeds, and the rules of which none of them carries an event.
func coverageCheck(a *app.App) []checkLine {
	connected := a.Reconcile.Reconciler.Connected()
	var dark, unknown []string
	for _, r := range a.Rules {
		switch examples := examplesOf(r); {
		case !r.Rings():
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

// examplesOf are a rule's own examples of what it matches.
func examplesOf(r *rules.Rule) []coverage.Example {
	var all []coverage.Example
	for _, x := range r.Auditbell.Examples.Match {
		var one coverage.Example
		for _, s := range x.Steps {
			one = append(one, s.Event)
		}
		all = append(all, one)
	}
	return all
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
