package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/entra"
	"github.com/auditbell/auditbell/handler/lookup"
	"github.com/auditbell/auditbell/handler/settings"
)

// lookupCheck says of each lookup whether it is on, and of those that are whether they may ask.
func lookupCheck(ctx context.Context, lookups *lookup.Set) []checkLine {
	if lookups == nil {
		return []checkLine{{"lookups", true, "off; messages are posted without " + strings.Join(lookup.Names(), ", ") + "; an act whose role, port or source no record carries " +
			"is alerted as the gravest that it could be (hint: LOOKUPS=auto in Azure, and az role assignment create --assignee <the app's identity> --role Reader --scope /subscriptions/<id>)"}}
	}
	var lines []checkLine
	for _, l := range lookups.Check(ctx) {
		lines = append(lines, checkLine{"lookup " + l.Name, l.OK, l.Detail})
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
